//! The one pass and the sorting come to the same text.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::by_utf16;
use super::{in_order, text};
use crate::clock::Timestamp;
use crate::record::{
    Act, Actor, ActorKind, AuthMethod, Change, ChangesSource, Claim, Completion, EventId, Intent,
    Observer, Outcome, Receipt, RequestRecord, ResponseRecord, Severity, Source, Target,
};

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn receipts() -> Vec<Receipt> {
    vec![Receipt { rule: "r".to_owned(), location: "request.body.$".to_owned(), count: 2 }]
}

fn act(outcome: Option<Outcome>) -> Act {
    Act {
        action: "user.create".to_owned(),
        category: "user".to_owned(),
        description: "d".to_owned(),
        outcome,
        reason: outcome.and_then(|_| some("http_403")),
        severity: outcome.map(|_| Severity::Warn),
        targets: vec![Target { kind: "user".to_owned(), id: some("7"), name: some("x") }],
    }
}

/// An intent with every field that there is.
fn intent() -> Intent {
    let time: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
    Intent {
        id: EventId::new(time),
        time,
        action: "user.create".to_owned(),
        acts: vec![act(None)],
        category: "user".to_owned(),
        description: "a \"sentence\"\n".to_owned(),
        actor: Actor {
            kind: ActorKind::User,
            id: some("i"),
            name: some("n"),
            email: some("e"),
            auth: Some(AuthMethod::Jwt),
            claimed: vec![Claim {
                auth: Some(AuthMethod::ApiKey),
                credential: some("hmac:2"),
                email: some("f"),
                id: some("j"),
                name: some("m"),
                notes: vec!["actor_key_unknown"],
                kind: ActorKind::Api,
            }],
            credential: some("hmac:1"),
            verified: false,
        },
        source: Source { ip: some("::1"), forwarded: some("f"), user_agent: some("u") },
        targets: vec![Target { kind: "user".to_owned(), id: some("7"), name: some("x") }],
        scope: [("pool".to_owned(), "blue".to_owned())].into(),
        request: RequestRecord {
            method: "POST".to_owned(),
            route: some("/users/{id}"),
            path: "/users/7".to_owned(),
            query: Some(json!({"b": 1, "a": [1.0, 1e30, -0.0]}).into()),
            headers: json!({"x-b": "1", "host": "h"}).into(),
            content_type: some("application/json"),
            size: Some(u64::MAX),
            sha256: some("00"),
            body: Some(json!({"z": null, "a": {"k": true}, "": 1}).into()),
            truncated: true,
            unread: None,
            notes: vec!["note".to_owned()],
            receipts: receipts(),
        },
        redactions: receipts(),
        trace_id: some("t"),
        request_id: some("r"),
        rule: some("r"),
        observer: Observer {
            upstream: some("u"),
            config_version: "c".to_owned(),
            ruleset: "r".to_owned(),
        },
    }
}

/// A completion with every field that there is.
fn completion() -> Completion {
    let Intent { id, time, targets, .. } = intent();
    Completion {
        id,
        completed_at: time,
        duration_ms: 12,
        upstream_ms: Some(3),
        outcome: Outcome::Failure,
        reason: some("http_409"),
        severity: Severity::Fail,
        action: some("user.create"),
        acts: vec![act(Some(Outcome::Denied))],
        description: some("d"),
        detail: [("limit", "60".to_owned()), ("limit_by", "requests".to_owned())].into(),
        targets: Some(targets),
        client_gone: true,
        response: Some(ResponseRecord {
            sketch: None,
            status: 409,
            headers: json!({"server": "s", "content-length": "1"}).into(),
            content_type: some("text/plain"),
            size: Some(1),
            sha256: some("00"),
            body: Some(json!("x").into()),
            truncated: true,
            unread: None,
            release: "held",
            notes: vec!["note".to_owned()],
            receipts: receipts(),
        }),
        rule: some("r"),
        request_body: Some(json!({"size": 1, "sha256": "00"})),
        changes: vec![Change {
            path: "/a".to_owned(),
            op: "replace",
            before: Some(json!(1)),
            after: Some(json!(2)),
        }],
        changes_hidden: vec!["/secret".to_owned()],
        changes_notes: vec!["note".to_owned()],
        changes_source: ChangesSource::Request,
        redactions: receipts(),
        notes: vec!["note".to_owned()],
    }
}

fn sorted<T: serde::Serialize>(value: &T) -> String {
    serde_json_canonicalizer::to_string(&serde_json::to_value(value).unwrap()).unwrap()
}

#[test]
fn both_halves_of_an_event_are_written_in_one_pass() {
    let (intent, completion) = (intent(), completion());
    let written = in_order(&intent).unwrap().expect("the fields of an intent are in order");
    assert_eq!(written, sorted(&intent));
    let written = in_order(&completion).unwrap().expect("the fields of a completion are in order");
    assert_eq!(written, sorted(&completion));
}

#[test]
fn what_is_not_in_order_is_sorted() {
    #[derive(serde::Serialize)]
    struct Unsorted {
        b: u8,
        a: Inner,
    }
    #[derive(serde::Serialize)]
    struct Inner {
        c: u8,
        d: u8,
    }
    // A body is text that was written before; a name with an escape is left to sorting.
    let query = Some(json!({"\n": 1, "a": 2}).into());
    let body = Some(json!({"x": [1.5, "y"]}).into());
    let request = RequestRecord { query, body, ..intent().request };
    assert_eq!(in_order(&request).unwrap(), None);
    assert_eq!(text(&request).unwrap(), sorted(&request));
    let value = Unsorted { b: 1, a: Inner { c: 2, d: 3 } };
    assert_eq!(in_order(&value).unwrap(), None);
    assert_eq!(text(&value).unwrap(), r#"{"a":{"c":2,"d":3},"b":1}"#);
}

/// RFC 8785, section 3.2.3: by UTF-16 units, which is not the order of bytes.
#[test]
fn names_are_sorted_by_utf_16_units() {
    let value = json!({"\u{1f600}": 1, "\u{fb33}": 2, "\u{20ac}": 3, "\r": 4, "1": 5, "\u{80}": 6});
    let expected = "{\"\\r\":4,\"1\":5,\"\u{80}\":6,\"\u{20ac}\":3,\"\u{1f600}\":1,\"\u{fb33}\":2}";
    assert_eq!(text(&value).unwrap(), expected);
}

#[test]
fn numbers_are_written_as_doubles() {
    for (value, expected) in [
        (json!(9_007_199_254_740_992_u64), "9007199254740992"),
        (json!(-9_007_199_254_740_992_i64), "-9007199254740992"),
        (json!(u64::MAX), "18446744073709552000"),
        (json!(i64::MIN), "-9223372036854776000"),
        (json!(1.0), "1"),
        (json!(-0.0), "0"),
        (json!(1e21), "1e+21"),
        (json!(1e-7), "1e-7"),
        (json!(0.1), "0.1"),
    ] {
        assert_eq!(text(&value).unwrap(), expected);
    }
    assert!(text(&f64::NAN).is_ok_and(|text| text == "null"));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|members| Value::Object(Map::from_iter(members))),
        ]
    })
}

proptest! {
    #[test]
    fn names_are_in_the_order_of_utf_16(a in "\\PC{0,4}", b in "\\PC{0,4}") {
        let expected = a.encode_utf16().cmp(b.encode_utf16());
        prop_assert_eq!(by_utf16(a.as_bytes(), b.as_bytes()), expected);
    }

    #[test]
    fn any_value_has_the_text_that_sorting_gives(value in values()) {
        let expected = serde_json_canonicalizer::to_string(&value).unwrap();
        prop_assert_eq!(text(&value).unwrap(), expected);
    }
}
