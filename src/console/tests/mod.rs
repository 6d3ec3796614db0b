//! Pages over a real socket, a real ledger and a real index.

mod hostile;
mod links;

use serde_json::json;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use super::{InForce, Settings, router};
use crate::access::{Grant, GroupGrant, Role};
use crate::api::Ways;
use crate::api::tests::{Answer, Served};
use crate::config::{Oidc, TrustedHeader};
use crate::identify::Secret;
use crate::redact::Action;

const NEWS: &str = "2026-07-09T23:30:00Z";
const OLD: &str = "2026-06-01T12:00:00Z";

const RULES: &str = "events:
  - id: key.rotate
    match: { method: POST, path: '/keys/{id}/rotate' }
    action: api_key.rotate
    target: { type: api_key, name: '{response.body:$.name}' }
    scope: { pool: '{query.pool}' }
    outcome:
      - { when: { status: 200, body: { '$.error': present } }, is: failure, reason: broken }
";

/// A log with its pages.
async fn served() -> Served {
    Served::beside(Ways::default(), |log| router(log, settings())).await
}

/// Those of `countersign run --upstream`.
fn settings() -> Settings {
    let mut config = crate::config::for_upstream("http://127.0.0.1:9", None, None, None).unwrap();
    let grant = |group: &str, grant| GroupGrant { group: group.to_owned(), grant };
    let shared = Grant::within(Role::Viewer, [("pool".to_owned(), "shared".to_owned())]).unwrap();
    config.reading.oidc = Some(Oidc {
        issuer: "https://id.example.com".to_owned(),
        client_id: "countersign".to_owned(),
        client_secret: Some(Secret::new("hunter2".to_owned())),
        label: "Example".to_owned(),
        scopes: vec!["openid".to_owned()],
        claim: "realm.roles".to_owned(),
        grants: vec![grant("audit-owners", Grant::owner()), grant("*", shared)],
        authorities: Vec::new(),
        timeout: Duration::from_secs(5),
    });
    config.reading.trusted_header = Some(TrustedHeader {
        user: "x-user".parse().unwrap(),
        groups: Some("x-groups".parse().unwrap()),
        peers: vec!["192.0.2.9/32".parse().unwrap()],
        secret: Some(("x-secret".parse().unwrap(), Secret::new("hunter3".to_owned()))),
        grants: vec![grant("dev", Grant::everything(Role::Admin))],
    });
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("own.yaml"), RULES).unwrap();
    let rules = crate::rules::load(Some(dir.path()), &config.packs).unwrap();
    Arc::new(move || InForce {
        redaction: vec![
            ("own.rule".to_owned(), Action::Mask, false),
            ("shipped.rule".to_owned(), Action::Drop, true),
        ],
        actors: vec!["a TLS client certificate".to_owned()],
        config: config.clone(),
        events: rules.events(),
        ruleset: rules.digest().to_owned(),
    })
}

fn location(answer: &Answer) -> &str {
    let line = answer.head.lines().find_map(|line| line.strip_prefix("location: "));
    line.unwrap_or_else(|| panic!("no location: {}", answer.head))
}

#[tokio::test]
async fn the_list_shows_what_is_asked_for() {
    let served = served().await;
    let made = served.event(NEWS, json!({"description": "Key one made"})).await;
    let change = json!({
        "action": "pool.update", "category": "pool", "outcome": "failure", "severity": "fail",
        "reason": "http_409", "description": "Pool changed",
        "actor": {"type": "agent", "name": "Robot", "verified": false}, "targets": [],
    });
    served.event(NEWS, change).await;
    served.event(OLD, json!({"description": "Long ago"})).await;
    served.indexed().await;
    let rows: &[(&str, &[&str], &[&str])] = &[
        ("", &["Key one made", "Pool changed", "2 events in the last 24 hours"], &["Long ago"]),
        ("?since=all", &["Key one made", "Long ago", "3 events on record"], &["Zoom out"]),
        ("?action=pool.update", &["Pool changed", "http_409"], &["Key one made"]),
        (
            "?severity=fail&since=90d",
            &["Pool changed", "class=\"clear\" href=\"/audit?since=90d\"", "Zoom out"],
            &["Key one made", "Long ago"],
        ),
        ("?actor=robot", &["Pool changed"], &["Key one made", "</svg>Actors"]),
        ("?q=changed", &["Pool changed"], &["Key one made"]),
        ("?since=all&until=2026-06-02T00:00:00Z", &["Long ago"], &["Key one made"]),
        ("?limit=1", &["rel=\"next\""], &[]),
        (
            "?q=nowhere",
            &["matches these filters", "Look at all times"],
            &["<table class=\"events\""],
        ),
        (
            "?colour=red&severity=info",
            &[
                "`colour` is not a filter here",
                "Key one made",
                "export?severity=info&#38;since=24h&amp;format=csv\"",
            ],
            &["export?colour", "name=\"colour\"", "<bdi>colour</bdi>"],
        ),
        (
            "?since=2026-07-09T03:00:00Z&until=2026-07-09T02:00:00Z",
            &["there is no time between them", " data-ended>"],
            &["Key one made"],
        ),
        (
            "?since=2026-07-09T23:29:59Z&until=2026-07-09T23:30:00.001Z",
            &["Key one made", "2026-07-09 23:29:59 UTC – 2026-07-09 23:30:00.001 UTC<"],
            &[],
        ),
        ("?scope.POOL=a", &["no event has a scope"], &["Key one made"]),
        ("?action=api_key.*", &["Key one made", "api_key.*"], &["Pool changed", " data-ended>"]),
    ];
    for (query, there, absent) in rows {
        let page = served.ask(&format!("/audit{query}")).await;
        assert_eq!(page.status, 200, "{query}");
        for text in *there {
            assert!(page.body.contains(text), "{query}: no {text:?} in {}", page.body);
        }
        for text in *absent {
            assert!(!page.body.contains(text), "{query}: {text:?} in {}", page.body);
        }
    }
    let link = format!("href=\"/audit/events/{made}\"");
    assert!(served.ask("/audit").await.body.contains(&link));
}

#[tokio::test]
async fn pages_go_on_where_the_page_before_ended() {
    let served = served().await;
    for number in 0..5 {
        served.event(NEWS, json!({"description": format!("Number {number}.")})).await;
    }
    served.indexed().await;
    let mut address = "/audit?limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = served.ask(&address).await.body;
        seen.extend((0..5).filter(|number| page.contains(&format!("Number {number}."))));
        let Some((_, rest)) = page.split_once("rel=\"next\" href=\"") else { break };
        address = rest.split_once('"').unwrap().0.replace("&#38;", "&");
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn an_event_is_shown_with_all_that_is_known() {
    let served = served().await;
    let id = served
        .event(
            NEWS,
            json!({
                "description": "Budget raised", "changes_source": "observed",
                "changes": [{"path": "/limit", "op": "replace", "before": 15, "after": 1000}],
                "changes_hidden": ["/secret"], "changes_notes": ["deletion", "too_new_to_know"],
                "redactions": [{"rule": "credential.header", "location": "request.header.cookie", "count": 2}],
                "source": {"ip": "10.1.2.3", "user_agent": "curl/8"}, "request_id": "req-1",
                "response": {"status": 200, "headers": {"x-a": "b"}, "body": "fine"},
                "acts": [{"action": "budget.update", "description": "First", "targets": []}],
            }),
        )
        .await;
    served.indexed().await;
    let page = served.ask(&format!("/audit/events/{id}")).await;
    assert_eq!(page.status, 200);
    for text in [
        "Budget raised",
        "/limit",
        ">15<",
        ">1000<",
        "observed",
        "/secret",
        "credential.header",
        "request.header.cookie",
        "10.1.2.3",
        "curl/8",
        "req-1",
        "200 OK",
        "fine",
        "x-a",
        "id=\"act-1\"",
        "2026-07-09 23:30:00.000 UTC",
        "a deletion does not say what was there",
        "too_new_to_know",
    ] {
        assert!(page.body.contains(text), "no {text:?} in {}", page.body);
    }
}

#[tokio::test]
async fn who_has_not_signed_in_is_asked_to() {
    let served = served().await;
    for (path, next) in [
        ("/audit", "/audit/sign-in"),
        ("/audit?q=a&since=7d", "/audit/sign-in?next=%2faudit%3fq%3da%26since%3d7d"),
        ("/audit/events/x", "/audit/sign-in?next=%2faudit%2fevents%2fx"),
        ("/audit/no/such", "/audit/sign-in?next=%2faudit%2fno%2fsuch"),
    ] {
        let answer = served.send("GET", path, "").await;
        assert_eq!((answer.status, location(&answer)), (303, next), "{path}");
    }
    for (query, status, text) in [
        ("", 200, "name=\"token\""),
        ("?error=token", 200, "This token is not in force."),
        ("?error=throttled", 429, "Too many attempts"),
        ("?error=expired&next=%2Faudit%3Fq%3Da", 200, "value=\"/audit?q=a\""),
        ("?error=%3Cscript%3E", 200, "Signing in did not work."),
    ] {
        let answer = served.send("GET", &format!("/audit/sign-in{query}"), "").await;
        assert_eq!(answer.status, status, "{query}");
        assert!(answer.body.contains(text), "{query}: {}", answer.body);
    }
}

#[tokio::test]
async fn what_is_hidden_is_as_what_is_absent() {
    let served = served().await;
    let red = served.event(NEWS, json!({"scope": {"pool": "red"}, "description": "In red"})).await;
    let blue = json!({
        "scope": {"pool": "blue"}, "description": "In blue", "action": "pool.hide",
        "actor": {"type": "user", "id": "u9", "name": "Hidden Person"},
    });
    let blue = served.event(NEWS, blue).await;
    served.indexed().await;
    let viewer = served.scoped("viewer", Role::Viewer, "red");
    let list = served.ask_as(&viewer, "/audit?since=all").await.body;
    assert!(list.contains("In red") && list.contains("1 event on record"), "{list}");
    for hidden in ["In blue", "pool.hide", "Hidden Person", "blue"] {
        assert!(!list.contains(hidden), "{hidden}");
    }
    assert!(list.contains("Exports need the role owner or admin."));
    assert_eq!(served.ask_as(&viewer, &format!("/audit/events/{red}")).await.status, 200);
    let hidden = served.ask_as(&viewer, &format!("/audit/events/{blue}")).await;
    let absent = served.ask_as(&viewer, "/audit/events/01890000-0000-7000-8000-000000000000").await;
    assert_eq!((hidden.status, &hidden.body), (404, &absent.body));
}

#[tokio::test]
async fn every_answer_is_guarded() {
    let served = served().await;
    let id = served.event(NEWS, json!({})).await;
    served.indexed().await;
    for (path, status) in [
        ("/audit", 200),
        ("/audit?since=never", 400),
        ("/audit/sign-in", 200),
        ("/audit/nothing/here", 404),
        ("/audit/events/none", 404),
        ("/audit/coverage", 200),
        ("/audit/coverage?since=never", 400),
        ("/audit/integrity", 200),
        ("/audit/settings", 200),
        (&*format!("/audit/events/{id}"), 200),
    ] {
        let answer = served.ask(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        let policy = super::POLICY.to_lowercase();
        for field in [
            format!("content-security-policy: {policy}"),
            "cache-control: no-store".to_owned(),
            "x-content-type-options: nosniff".to_owned(),
            "referrer-policy: no-referrer".to_owned(),
            "content-type: text/html; charset=utf-8".to_owned(),
        ] {
            assert!(answer.head.contains(&field), "{path}: no {field} in {}", answer.head);
        }
        for inline in [" style=", " onclick=", "<script>", "<style"] {
            assert!(!answer.body.contains(inline), "{path}: {inline}");
        }
    }
}

#[tokio::test]
async fn what_a_browser_keeps_is_kept_for_each_reader_apart() {
    let served = served().await;
    let mark = |page: &Answer| {
        let (_, rest) = page.body.split_once("data-reader=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let owner = mark(&served.ask("/audit").await);
    let viewer = served.scoped("viewer", Role::Viewer, "red");
    let other = mark(&served.ask_as(&viewer, "/audit").await);
    assert_ne!(owner, other);
    assert_eq!(other, mark(&served.ask_as(&viewer, "/audit?since=all").await));
    let nobody = served.send("GET", "/audit/sign-in", "").await;
    assert!(!nobody.body.contains("data-reader"), "{}", nobody.body);
}

#[tokio::test]
async fn settings_and_coverage_are_for_owners() {
    let served = served().await;
    let token = served.scoped("ci", Role::Viewer, "red");
    let page = served.ask("/audit/settings").await;
    assert_eq!(page.status, 200);
    assert!(!page.body.contains("hunter") && !page.body.contains(&token), "{}", page.body);
    for text in [
        "127.0.0.1:9",
        "mutations are audited",
        "127.0.0.1:8090",
        "In short",
        "own.rule",
        "shipped.rule",
        "a TLS client certificate",
        "Checkpoints",
        "Logs",
        "https://id.example.com",
        "realm.roles",
        "group “audit-owners”: owner, every event",
        "everybody: viewer, events with pool=shared",
        "192.0.2.9/32",
        "must be in x-secret",
        "x-groups",
        "group “dev”: admin, every event",
        "Tokens in force",
        "<td><bdi>ci</bdi></td><td>viewer</td><td><bdi>events with pool=red</bdi></td>",
        "type api_key, name {response.body:$.name}",
        "pool={query.pool}",
        "200 and $.error is there: failure (broken)",
    ] {
        assert!(page.body.contains(text), "no {text:?} in {}", page.body);
    }
    let admin = served.scoped("admin", Role::Admin, "red");
    for path in ["/audit/settings", "/audit/coverage", "/audit/integrity"] {
        let refused = served.ask_as(&admin, path).await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(refused.body.contains("This page is for owners"), "{}", refused.body);
        for hidden in ["href=\"/audit/settings\"", "href=\"/audit/coverage\"", "8090"] {
            assert!(!refused.body.contains(hidden), "{path}: {hidden}");
        }
    }
    let recorded = served.recorded("audit.view").await;
    let said: Vec<_> = recorded.iter().map(|event| (&event["outcome"], &event["reason"])).collect();
    assert_eq!(said, vec![(&json!("denied"), &json!("role")); 3]);
}

#[tokio::test]
async fn what_pages_load_is_kept_for_good_under_its_name() {
    let served = served().await;
    let page = served.ask("/audit").await.body;
    let names = page.split('"').filter(|text| text.starts_with("/audit/assets/"));
    let names: std::collections::BTreeSet<&str> = names.collect();
    assert_eq!(names.len(), 4, "{names:?}");
    let mut bytes = page.len();
    for name in names {
        let asset = served.send("GET", name, "").await;
        assert_eq!(asset.status, 200, "{name}");
        assert!(asset.head.contains("immutable") && asset.head.contains("nosniff"), "{name}");
        for elsewhere in ["http://", "https://", "url("] {
            let plain = asset.body.replace("http://www.w3.org/2000/svg", "");
            assert!(!plain.contains(elsewhere), "{name} names {elsewhere}");
        }
        bytes += asset.body.len();
    }
    assert!(bytes < 150 * 1024, "the first page is {bytes} bytes");
    assert_eq!(served.send("GET", "/audit/assets/console-000000000000.css", "").await.status, 404);
}

#[tokio::test]
async fn under_a_path_of_a_proxy_in_front_every_address_has_it() {
    use crate::config::{PublicUrl, Reading};
    let public =
        PublicUrl { tls: true, authority: "a.example".to_owned(), prefix: "/log".to_owned() };
    let reading = Reading {
        public_url: Some(public),
        ..crate::config::for_upstream("http://127.0.0.1:9", None, None, None).unwrap().reading
    };
    let served = Served::beside(Ways::of(&reading).unwrap(), |log| router(log, settings())).await;
    served.event(NEWS, json!({"description": "see =\"/audit here"})).await;
    served.indexed().await;
    let page = served.ask("/audit?limit=1").await.body;
    assert!(page.contains("see =&#34;/audit here"), "{page}");
    for own in ["=\"/audit", "=\"/v1"] {
        assert!(!page.contains(own), "{page}");
    }
    assert!(page.contains("href=\"/log/audit/assets/") && page.contains("=\"/log/v1/admin/audit"));
    let answer = served.ask("/audit?q=").await;
    assert_eq!((answer.status, location(&answer)), (303, "/log/audit"));
    let sign_in = served.send("GET", "/audit/sign-in", "").await.body;
    assert!(sign_in.contains("action=\"/log/audit/sign-in\""));
}
