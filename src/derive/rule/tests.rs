//! Rules by tables: `tests/data/events/*.json`, over the rules beside them and the shipped examples.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::text::{CHARS_MAX, is_bidi};
use super::{EventRules, Kind, Place, named};
use crate::derive::{Ended, outcome};
use crate::record::{Actor, ActorKind, RequestRecord, ResponseRecord, Scope, Target};
use crate::route::{Asked, Elsewhere, NOWHERE, Safety};
use crate::rules;

/// An exchange, and what is expected of its event.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(rename = "do")]
    line: String,
    #[serde(default)]
    headers: Value,
    query: Option<Value>,
    body: Option<Value>,
    #[serde(default)]
    host: String,
    #[serde(default)]
    gateway: bool,
    actor: Option<String>,
    /// Of the response; without one the upstream was lost.
    status: Option<u16>,
    #[serde(default)]
    location: Option<String>,
    response: Option<Value>,
    /// The rule's id, or null for none.
    rule: Option<String>,
    action: Option<String>,
    category: Option<String>,
    /// `type|id|name`, several by commas, as they are at the end.
    target: Option<String>,
    scope: Option<Scope>,
    route: Option<String>,
    /// The intent's sentence.
    plans: Option<String>,
    /// The completion's sentence.
    says: Option<String>,
    /// `outcome severity`, and the reason if there is one.
    ends: Option<String>,
}

fn load(dir: &str) -> rules::RuleSet {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    rules::load(Some(&dir), &[]).unwrap_or_else(|problems| panic!("{problems}"))
}

fn actor(name: Option<&str>) -> Actor {
    Actor { id: name.map(ToOwned::to_owned), ..Actor::unknown(ActorKind::User) }
}

fn shown(targets: &[Target]) -> String {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let one = |target: &Target| {
        let text = format!("{}|{}|{}", target.kind, part(&target.id), part(&target.name));
        text.trim_end_matches('|').to_owned()
    };
    targets.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn check(row: Row, rules: &EventRules, wrong: &mut Vec<String>) {
    let (method, path) = row.line.split_once(' ').unwrap();
    let request = RequestRecord {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: row.headers.into(),
        query: row.query.map(Into::into),
        body: row.body.map(Into::into),
        ..RequestRecord::default()
    };
    let kind = if row.gateway { Kind::Gateway } else { Kind::Admin };
    let place = Place { rules, host: &row.host, kind };
    let actor = actor(row.actor.as_deref());
    let naming = named(&request, &actor, &place);
    let headers = row.location.map_or(json!({}), |location| json!({"location": location}));
    let response = row.status.map(|status| ResponseRecord {
        status,
        body: row.response.map(Into::into),
        headers: headers.into(),
        ..ResponseRecord::default()
    });
    let ended = response.as_ref().map_or(Ended::UpstreamLost, Ended::Response);
    let verdict = outcome(&naming, &request, &actor, ended);
    let mut check = |what: &str, is: &str, expected: Option<&str>| {
        if expected.is_some_and(|expected| is != expected) {
            let expected = expected.unwrap_or_default();
            wrong.push(format!("{}: {what} is `{is}`, expected `{expected}`", row.line));
        }
    };
    check("rule", naming.rule().unwrap_or("none"), Some(row.rule.as_deref().unwrap_or("none")));
    let action = verdict.action.as_deref().unwrap_or(&naming.action);
    check("action", action, row.action.as_deref());
    check("category", &naming.category, row.category.as_deref());
    let targets = verdict.targets.as_ref().unwrap_or(&naming.targets);
    check("target", &shown(targets), row.target.as_deref());
    let scope = row.scope.map(|scope| json!(scope).to_string());
    check("scope", &json!(naming.scope).to_string(), scope.as_deref());
    check("route", naming.route.as_deref().unwrap_or_default(), row.route.as_deref());
    check("plan", &naming.description, row.plans.as_deref());
    check("description", &verdict.description, row.says.as_deref());
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let ends = format!(
        "{} {} {}",
        word(json!(verdict.outcome)),
        word(json!(verdict.severity)),
        verdict.reason.unwrap_or_default()
    );
    check("end", ends.trim_end(), row.ends.as_deref());
}

#[test]
fn events_are_named_by_rules() {
    let tables = [
        ("tests/data/events", include_str!("../../../tests/data/events/rules.json")),
        ("rules/examples/rabbitmq", include_str!("../../../tests/data/events/rabbitmq.json")),
    ];
    let mut wrong = Vec::new();
    let mut count = 0;
    for (dir, table) in tables {
        let rules = load(dir).events();
        for row in serde_json::from_str::<Vec<Row>>(table).unwrap() {
            check(row, &rules, &mut wrong);
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 60, "{count} rows");
}

/// All texts of a tree, its names and its numbers.
fn texts(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            out.push_str(name);
            texts(value, out);
        }),
        Value::Array(items) => items.iter().for_each(|item| texts(item, out)),
        Value::String(text) => out.push_str(text),
        other => out.push_str(&other.to_string()),
    }
    out.push('\n');
}

fn arbitrary_body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,300}".prop_map(Value::from),
        Just(json!("***")),
        Just(json!({"redacted": "credential.password"})),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let names = prop_oneof![
            Just("name".to_owned()),
            Just("data".to_owned()),
            Just("error".to_owned()),
            Just("pool_id".to_owned()),
            Just("id".to_owned()),
            "[a-z]{1,4}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names, inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// What a rule's template gives as id, name or scope stands in the record; all of it is short,
    /// and no placeholder is ever left.
    #[test]
    fn nothing_is_invented(
        method in prop_oneof![Just("POST"), Just("PUT"), Just("DELETE"), Just("GET")],
        path in prop_oneof![
            Just("/admin/api-keys".to_owned()),
            "/admin/api-keys/[^/?#;%]{0,300}/rotate",
            "/orgs/\\PC{1,20}/keys/\\PC{1,20}",
            "/items/[a-z0-9]{0,9}:archive",
            "(/|%2f|%|\\.\\.|;|[a-z]){0,12}",
        ],
        body in arbitrary_body(),
        response in arbitrary_body(),
        status in 100_u16..600,
    ) {
        static RULES: LazyLock<Arc<EventRules>> =
            LazyLock::new(|| load("tests/data/events").events());
        let rules: &EventRules = &RULES;
        let request = RequestRecord {
            method: method.to_owned(),
            path: path.clone(),
            headers: json!({}).into(),
            body: Some(body.clone().into()),
            ..RequestRecord::default()
        };
        let place = Place { rules, host: "a.example", kind: Kind::Admin };
        let actor = actor(None);
        let naming = named(&request, &actor, &place);
        let record = ResponseRecord {
            status,
            headers: json!({}).into(),
            body: Some(response.clone().into()),
            ..ResponseRecord::default()
        };
        let verdict = outcome(&naming, &request, &actor, Ended::Response(&record));
        for description in [&naming.description, &verdict.description] {
            prop_assert!(description.chars().count() <= CHARS_MAX);
            prop_assert!(!description.is_empty());
        }
        if naming.rule().is_some_and(|rule| rule.starts_with("api-key.")) {
            let mut known = format!("{path}\n");
            texts(&body, &mut known);
            texts(&response, &mut known);
            let known: String = known
                .chars()
                .map(|c| if c.is_control() || is_bidi(c) { '\u{fffd}' } else { c })
                .collect();
            let targets = verdict.targets.as_ref().unwrap_or(&naming.targets);
            let named = targets.iter().flat_map(|target| [&target.id, &target.name]);
            for text in named.flatten().chain(naming.scope.values()) {
                prop_assert!(text.chars().count() <= CHARS_MAX);
                let whole = text.strip_suffix('…').unwrap_or(text);
                prop_assert!(known.contains(whole), "{text} is nowhere");
                let is_masked = text == "***" || text.contains("{path.");
                prop_assert!(!is_masked);
            }
        }
    }
}

#[test]
fn the_most_definite_rule_is_taken_whatever_the_order() {
    let rule = |id: &str, matching: &str| {
        format!("  - id: {id}\n    match: {{ {matching} }}\n    action: thing.do\n")
    };
    let written = [
        rule("rest", "path: /a/**"),
        rule("param", "path: '/a/{x}'"),
        rule("affixed", "path: '/a/{x}.json'"),
        rule("longer", "path: '/a/v{x}.json'"),
        rule("literal", "path: /a/b"),
        rule("deep", "path: '/a/{x}/c'"),
        rule("method", "path: '/a/{x}', method: PUT"),
        rule("host", "path: '/a/{x}', host: h.example"),
    ];
    let rows = [
        ("PUT /a/b", "", "literal"),
        ("PUT /A/B", "", "literal"),
        ("PUT /a/z", "", "method"),
        ("POST /a/z", "", "param"),
        ("POST /a/z", "H.example:8443", "host"),
        ("POST /a/z.json", "", "affixed"),
        ("POST /a/v1.json", "", "longer"),
        ("POST /a/.json", "", "param"),
        ("POST /a/b/c", "", "deep"),
        ("POST /a/b/d", "", "rest"),
        ("POST /a", "", "rest"),
        ("POST /a/b/", "", "literal"),
        ("POST //a///b", "", "literal"),
        ("POST /a/%62", "", "literal"),
        ("POST /a;x=1/b", "", "literal"),
        ("POST /z/../a/b", "", "literal"),
        ("POST /a%2fb", "", "literal"),
        ("POST /a\\b", "", "literal"),
        ("POST /b", "", ""),
    ];
    for order in [written.to_vec(), written.iter().rev().cloned().collect()] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.yaml"), format!("events:\n{}", order.concat())).unwrap();
        let rules = rules::load(Some(dir.path()), &[]).unwrap().events();
        for (line, host, expected) in rows {
            let (method, path) = line.split_once(' ').unwrap();
            let request = RequestRecord {
                method: method.to_owned(),
                path: path.to_owned(),
                ..RequestRecord::default()
            };
            let place = Place { rules: &rules, host, kind: Kind::Admin };
            let naming = named(&request, &actor(None), &place);
            assert_eq!(naming.rule().unwrap_or_default(), expected, "{line} {host}");
        }
    }
}

#[test]
fn reads_that_a_rule_declares_are_recorded_by_any_reading() {
    let rules = load("tests/data/events").events();
    let rows = [
        ("GET", "/legacy/delete?id=5", Safety::Declared),
        ("HEAD", "/legacy/delete", Safety::Declared),
        ("GET", "/LEGACY//delete/", Safety::Declared),
        ("GET", "/legacy%2fdelete", Safety::Declared),
        ("GET", "/x/..;/legacy/delete", Safety::Declared),
        ("GET", "/legacy/%2564elete", Safety::Declared),
        ("OPTIONS", "/legacy/delete", Safety::Safe),
        ("GET", "/legacy", Safety::Safe),
        ("GET", "/users/7/report", Safety::Safe),
    ];
    for (method, target, expected) in rows {
        let asked = Asked { host: "a.example", target, method, elsewhere: &NOWHERE };
        let judged = rules.judge(Safety::Safe, &asked);
        assert_eq!(judged, expected, "{method} {target}");
    }
    let asked = Asked { host: "", target: "/legacy/delete", method: "GET", elsewhere: &NOWHERE };
    assert_eq!(rules.judge(Safety::Body, &asked), Safety::Body);
    let field = (HeaderName::from_static("x-original-url"), HeaderValue::from_static("/a"));
    let any_path = &Elsewhere::of(&HeaderMap::from_iter([field]));
    let elsewhere = Asked { target: "/x", elsewhere: any_path, ..asked };
    assert_eq!(rules.judge(Safety::Safe, &elsewhere), Safety::Declared);
    assert_eq!(EventRules::default().judge(Safety::Safe, &elsewhere), Safety::Safe);
}
