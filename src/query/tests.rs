//! The grammar, and joining two halves.

use serde_json::{Value, json};

use super::{Joined, event, merge, parse};
use crate::clock::{Clock, ManualClock, SystemClock};
use crate::index::{Condition, Field, Like, Row, Search};
use crate::record::{EntryKind, EventId, Stored};

fn now() -> crate::clock::Timestamp {
    ManualClock::new("2026-07-10T00:00:00Z".parse().unwrap()).now()
}

fn ms(time: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(time).unwrap().timestamp_millis()
}

#[test]
fn what_is_understood() {
    let any = |field, values: &[&str]| {
        Condition::AnyOf(field, values.iter().map(ToString::to_string).collect())
    };
    type Case<'a> = (&'a [(&'a str, &'a str)], Vec<Condition>);
    let cases: Vec<Case<'_>> = vec![
        (&[], vec![]),
        (&[("action", "a.b"), ("action", "c.d")], vec![any(Field::Action, &["a.b", "c.d"])]),
        (
            &[("category", "x"), ("severity", "warn"), ("actor_type", "agent")],
            vec![
                any(Field::Category, &["x"]),
                any(Field::Severity, &["warn"]),
                any(Field::ActorType, &["agent"]),
            ],
        ),
        (
            &[("outcome", "failure"), ("outcome", "pending")],
            vec![Condition::Outcome(vec![Some("failure".into()), None])],
        ),
        (&[("scope.pool", "blue")], vec![Condition::Scope("pool".into(), vec!["blue".into()])]),
        (&[("since", "1h")], vec![Condition::Since(ms("2026-07-09T23:00:00Z"))]),
        (&[("since", "90d")], vec![Condition::Since(ms("2026-04-11T00:00:00Z"))]),
        (&[("since", "2026-07-01")], vec![Condition::Since(ms("2026-07-01T00:00:00Z"))]),
        (&[("until", "2026-07-02")], vec![Condition::Until(ms("2026-07-02T00:00:00Z"))]),
        (&[("since", "all")], vec![Condition::Since(0)]),
        (
            &[("until", "2026-07-01T12:00:00+02:00")],
            vec![Condition::Until(ms("2026-07-01T10:00:00Z"))],
        ),
        (&[("q", "x y")], vec![Condition::Text("x y".into())]),
        (
            &[("target", "k"), ("actor", "a")],
            vec![
                Condition::Target(Like::Part("k".into())),
                Condition::Actor(Like::Part("a".into())),
            ],
        ),
        (
            &[("target", "\"k\""), ("actor", "\"a\"b\"")],
            vec![
                Condition::Target(Like::Whole("k".into())),
                Condition::Actor(Like::Whole("a\"b".into())),
            ],
        ),
        (
            &[("resource_type", "a"), ("resource_type", "b")],
            vec![Condition::ResourceType(vec!["a".into(), "b".into()])],
        ),
    ];
    for (parameters, conditions) in cases {
        let search = parse(parameters.iter().copied(), now()).unwrap();
        let expected = Search { conditions, limit: 50, ..Search::default() };
        assert_eq!(search, expected, "{parameters:?}");
    }
    let search = parse([("limit", "7"), ("offset", "3")], now()).unwrap();
    assert_eq!((search.limit, search.offset), (7, 3));
}

#[test]
fn what_is_refused() {
    let long = "x".repeat(2000);
    let cases = [
        ("outcome", "ok", "one of success, failure, denied, unknown, pending"),
        ("severity", "error", "one of info, warn, fail"),
        ("actor_type", "robot", "one of user"),
        ("since", "yesterday", "2026-07-01T12:00:00Z"),
        ("since", "2026-02-30", "a day such as 2026-07-01"),
        ("since", "26-7-1", "a day such as 2026-07-01"),
        ("until", "all", "a span before now"),
        ("since", "-1h", "a span before now"),
        ("since", "h", "a span before now"),
        ("since", "1y", "a span before now"),
        ("until", "99999999999999999999d", "a span before now"),
        ("limit", "0", "at most 10,000"),
        ("limit", "10001", "at most 10,000"),
        ("limit", "many", "whole number"),
        ("offset", "-1", "whole number"),
        ("cursor", "abc", "the page before"),
        ("id", "abc", "UUID"),
        ("actions", "x", "is not a filter"),
        ("scope.", "x", "is not a filter"),
        ("action", "", "needs a value"),
        ("limit", "+5", "whole number"),
        ("q", long.as_str(), "longer"),
        (long.as_str(), "x", "longer than 256"),
    ];
    for (name, value, expected) in cases {
        let error = parse([(name, value)], now()).unwrap_err();
        let text = error.with_remedy();
        assert!(text.contains(expected), "{name}={value}: {text}");
        assert!(text.len() < 400, "{text}");
        // What is wrong and what to do are said once each.
        assert!(!error.to_string().contains(&error.remedy()), "{text}");
    }
    for name in ["target", "actor", "since", "q", "limit", "cursor"] {
        let value = if name == "cursor" { "1.0197c5a0-7b1e-7cc3-98c4-dc0c0c07398f" } else { "1" };
        let value = if name == "since" { "1h" } else { value };
        let error = parse([(name, value), ("action", "x"), (name, value)], now()).unwrap_err();
        assert_eq!(error.to_string(), format!("`{name}` is given twice"));
    }
    // Times that no event can have are the first and the last that one can.
    for (value, expected) in [
        ("99999999w", 0),
        ("0001-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:60Z", 253_402_300_799_999),
    ] {
        let search = parse([("since", value)], now()).unwrap();
        assert_eq!(search.conditions, [Condition::Since(expected)], "{value}");
    }
    // Values are counted in characters, as the API's description has it.
    assert!(parse([("q", "é".repeat(1024).as_str())], now()).is_ok());
    assert!(parse([("q", "é".repeat(1025).as_str())], now()).is_err());
    // Spans that chrono cannot hold, or that reach before all time, must not overflow.
    for value in ["9223372036854775807w", "9223372036854775807s", "100000000d"] {
        parse([("since", value)], now()).ok();
    }
}

fn stored(seq: u64, id: EventId, intent: Option<u64>, doc: &Value) -> Stored {
    Stored {
        writer: "w".to_owned(),
        seq,
        kind: if intent.is_some() { EntryKind::Completion } else { EntryKind::Intent },
        id,
        intent,
        scope: "{}".to_owned(),
        doc: doc.to_string(),
        leaf: vec![0; 32],
    }
}

#[test]
fn the_completion_wins_and_receipts_are_joined() {
    let id = EventId::new(SystemClock.now());
    let intent = stored(
        1,
        id,
        None,
        &json!({
            "action": "a.b", "description": "before", "targets": [{"type": "t"}],
            "request": {"path": "/x", "truncated": true, "notes": ["a"]},
            "redactions": [{"rule": "r1"}],
        }),
    );
    let completion = stored(
        5,
        id,
        Some(1),
        &json!({
            "description": "after", "outcome": "success", "redactions": [{"rule": "r2"}],
            "notes": ["n"], "request_body": {"size": 9, "sha256": "ab", "notes": ["b"]},
            "response": {"status": 200},
        }),
    );
    assert_eq!(
        merge(&intent, Some(&completion)).unwrap(),
        json!({
            "action": "a.b", "description": "after", "targets": [{"type": "t"}],
            "request": {
                "path": "/x", "truncated": true, "size": 9, "sha256": "ab", "notes": ["a", "b"],
            },
            "redactions": [{"rule": "r1"}, {"rule": "r2"}], "notes": ["n"],
            "outcome": "success", "response": {"status": 200}, "writer": "w", "seq": 5, "intent": 1,
        })
    );
    let pending = merge(&intent, None).unwrap();
    assert_eq!((&pending["outcome"], &pending["seq"]), (&json!("pending"), &json!(1)));
    let odd = Stored { doc: "[]".to_owned(), ..intent };
    assert!(merge(&odd, None).is_err());
}

#[test]
fn an_event_is_written_in_one_line_as_the_ledger_has_it() {
    let id = EventId::new(SystemClock.now());
    let text = |seq, intent, doc: &str| Stored {
        doc: doc.to_owned(),
        ..stored(seq, id, intent, &Value::Null)
    };
    let first = text(
        1,
        None,
        concat!(
            r#"{"acts":[{"action":"a.a"},{"action":"a.b","outcome":"failure","n":1e+21}],"action":"a.b","#,
            r#""outcome":"pending","reason":"r","request":{"b":1,"d":[{"z":1,"a":2}]},"notes":"odd","#,
            r#""redactions":[{"rule":"r1"}],"a\nb":"c\u2028d"}"#
        ),
    );
    let second = text(
        5,
        Some(1),
        r#"{"notes":["n"],"outcome":"success","redactions":[],"request_body":{"a":"x","b":2}}"#,
    );
    let written = |act| {
        let row = Row { id: id.to_string(), act, ..Row::default() };
        let entries = [first.clone(), second.clone()];
        let mut out = Vec::new();
        Joined::of_row(&row, &entries).unwrap().write(&mut out).unwrap();
        let tree = Joined::of_row(&row, &entries).unwrap().into_value().unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), tree);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        written(2),
        "{\"a\\nb\":\"c\\u2028d\",\"act\":{\"number\":2,\"of\":2},\"action\":\"a.b\",\"intent\":1,\
         \"n\":1e+21,\"notes\":[\"n\"],\"outcome\":\"failure\",\"redactions\":[{\"rule\":\"r1\"}],\
         \"request\":{\"a\":\"x\",\"b\":2,\"d\":[{\"z\":1,\"a\":2}]},\"seq\":5,\"writer\":\"w\"}"
    );
    assert!(written(0).contains(r#""acts":[{"action":"a.a"},"#));
    // No document that countersign writes has a line break, and none gets into a file of lines.
    let broken = Stored { doc: "{\"request\":{\n\"a\":\r1}}".to_owned(), ..first };
    let mut out = Vec::new();
    Joined::of(&broken, None).unwrap().write(&mut out).unwrap();
    let line = r#"{"intent":null,"outcome":"pending","request":{"a":1},"seq":1,"writer":"w"}"#;
    assert_eq!(String::from_utf8(out).unwrap(), line);
}

#[tokio::test]
async fn an_event_that_the_ledger_lacks_is_an_error() {
    use crate::store::{LedgerSource, SqliteOptions};
    let dir = tempfile::tempdir().unwrap();
    let timeout = std::time::Duration::from_secs(1);
    let store = SqliteOptions::new(dir.path(), "w", timeout).opener()().await.unwrap();
    let mut reader = LedgerSource::directory(dir.path()).reader().await.unwrap();
    let row = Row { writer: "w".into(), seq: 1, ..Default::default() };
    let error = event(&mut *reader, &row).await.unwrap_err();
    assert!(error.to_string().contains("no entry 1"), "{error}");
    drop(store);
}

#[test]
fn times_that_cannot_be_or_lie_ahead_are_told_with_what_to_write() {
    let now = "2026-07-09T12:00:00Z".parse().unwrap();
    let remedy = |value: &str| parse([("since", value)], now).unwrap_err().remedy();
    for value in ["1 hour", "2 days ago", "2026-11-01 00:00:00", "yesterday"] {
        assert!(remedy(value).contains("such as 1h") && !remedy(value).contains('%'), "{value}");
    }
    assert!(remedy("2026-11-01T00:00:00 01:00").contains("%2B"));
    for (since, is_ahead) in [
        ("2030-01-01T00:00:00Z", true),
        ("0h", true),
        ("1s", false),
        ("2026-07-09T11:59:59Z", false),
    ] {
        let search = parse([("since", since)], now).unwrap();
        assert_eq!(super::doubts_at(&search, now).len(), usize::from(is_ahead), "{since}");
        assert!(super::doubts(&search).is_empty(), "{since}");
    }
}
