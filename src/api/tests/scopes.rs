//! Whoever sees one scope learns nothing of another, wherever they ask.

use serde_json::json;

use super::Served;
use crate::access::{Grant, Role};

/// Everything that can be asked, with what would single out the hidden event.
const QUESTIONS: &[&str] = &[
    "/v1/admin/audit",
    "/v1/admin/audit?scope.pool=red",
    "/v1/admin/audit?scope.pool=blue&scope.pool=red",
    "/v1/admin/audit?q=secretplan",
    "/v1/admin/audit?actor=mallory",
    "/v1/admin/audit?action=hidden.do",
    "/v1/admin/audit?resource_type=vault",
    "/v1/admin/audit?target=vault1",
    "/v1/admin/audit?id=HIDDEN",
    "/v1/admin/audit?cursor=1783598400001.HIDDEN",
    "/v1/admin/audit?limit=1&offset=1",
    "/v1/admin/audit/facets",
    "/v1/admin/audit/facets?scope.pool=red",
    "/v1/admin/audit/facets?q=secretplan",
    "/v1/admin/audit/stats",
    "/v1/admin/audit/stats?scope.pool=red",
    "/v1/admin/audit/stats?action=hidden.do",
    "/v1/admin/audit/export?format=csv",
    "/v1/admin/audit/export?format=json",
    "/v1/admin/audit/export?format=ocsf",
    "/v1/admin/audit/export?format=ndjson&scope.pool=red",
    "/v1/admin/audit/export?format=ndjson&q=secretplan",
    "/v1/admin/audit/HIDDEN",
];

/// A log with an event that may be seen, and maybe events that may not.
async fn log(with_hidden: bool) -> (Served, String) {
    let served = Served::new().await;
    let visible = json!({"id": "visible", "scope": {"pool": "blue"}});
    served.event("2026-07-09T12:00:00Z", visible).await;
    let mut hidden = "0197c5a0-7b1e-7cc3-98c4-dc0c0c07398f".to_owned();
    if with_hidden {
        for scope in [json!({"pool": "red"}), json!({}), json!({"organization": "blue"})] {
            let more = json!({
                "action": "hidden.do", "category": "hidden", "description": "secretplan",
                "actor": {"type": "agent", "id": "mallory"}, "scope": scope,
                "targets": [{"type": "vault", "id": "vault1"}], "outcome": "unknown",
            });
            hidden = served.event("2026-07-09T12:00:00.001Z", more).await;
        }
    }
    served.indexed().await;
    (served, hidden)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_hidden_events_answers_as_one_without() {
    let (full, hidden) = log(true).await;
    let (less, absent) = log(false).await;
    // Ids of the two logs' events differ by chance.
    let id = regex::Regex::new("[0-9a-f]{8}-[0-9a-f-]{27}").unwrap();
    let shown = |text: &str| id.replace_all(text, "ID").into_owned();
    for role in [Role::Viewer, Role::Admin] {
        let name = role.as_str();
        let tokens = [full.scoped(name, role, "blue"), less.scoped(name, role, "blue")];
        for question in QUESTIONS {
            let with = full.ask_as(&tokens[0], &question.replace("HIDDEN", &hidden)).await;
            let without = less.ask_as(&tokens[1], &question.replace("HIDDEN", &absent)).await;
            assert_eq!(with.status, without.status, "{role} {question}: {with:?}");
            assert_eq!(shown(&with.body), shown(&without.body), "{role} {question}");
            for word in ["hidden", "secretplan", "mallory", "vault"] {
                let asked = question.contains(word) && with.status != 200;
                assert!(asked || !with.body.contains(word), "{role} {question}: {with:?}");
            }
            let export = question.contains("/export");
            let expected = match (role, question.ends_with("HIDDEN")) {
                (Role::Viewer, _) if export => 403,
                (_, true) if !question.contains('=') => 404,
                _ => 200,
            };
            assert_eq!(with.status, expected, "{role} {question}");
        }
    }
    // The questions are such that an owner would learn of it.
    for question in QUESTIONS.iter().filter(|question| !question.contains("blue")) {
        let question = question.replace("HIDDEN", &hidden);
        let with = full.ask(&question).await;
        assert_ne!(with.body, less.ask(&question).await.body, "{question}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_names_must_all_fit_and_several_values_any() {
    let served = Served::new().await;
    for scope in [
        json!({"pool": "blue", "project": "a"}),
        json!({"pool": "red", "project": "a"}),
        json!({"pool": "blue", "project": "b"}),
        json!({"pool": "blue"}),
        json!({}),
    ] {
        served.event("2026-07-09T12:00:00Z", json!({"scope": scope})).await;
    }
    served.indexed().await;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let rows = [
        ("one", vec![pair("pool", "blue")], 3),
        ("both", vec![pair("pool", "blue"), pair("project", "a")], 1),
        ("any", vec![pair("pool", "blue"), pair("pool", "red")], 4),
        ("none", vec![pair("pool", "' OR 1=1 --")], 0),
    ];
    for (name, scopes, expected) in rows {
        let token = served.token(name, Grant::within(Role::Viewer, scopes).unwrap());
        let list = served.ask_as(&token, "/v1/admin/audit").await.json();
        assert_eq!(list["events"].as_array().unwrap().len(), expected, "{name}");
    }
    let all = served.token("all", Grant::everything(Role::Viewer));
    let list = served.ask_as(&all, "/v1/admin/audit").await.json();
    assert_eq!(list["events"].as_array().unwrap().len(), 5);
}
