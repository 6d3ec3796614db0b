//! What is written can be read again, and is nothing but text.

use serde_json::{Value, json};

use super::{Encoder, Format, Mark};
use crate::clock::{Clock, SystemClock};
use crate::index::{IndexedTarget, Row};
use crate::query::{Joined, Summary};
use crate::record::{EntryKind, EventId, Stored};

/// Cells of every row.
fn read(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (vec![], vec![], String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell).trim_end_matches('\r').to_owned());
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    assert!(!quoted && cell.is_empty() && row.is_empty());
    rows
}

#[test]
fn hostile_texts_stay_in_their_cells() {
    let rows = [
        ("plain", "plain"),
        ("=1+1", "'=1+1"),
        ("'=1+1", "''=1+1"),
        ("''\t=1", "'''\t=1"),
        ("'quoted'", "'quoted'"),
        ("  =1+1", "'  =1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        ("\u{feff}=1", "'\u{feff}=1"),
        ("|cmd", "'|cmd"),
        ("\tx", "'\tx"),
        ("\r\n=x", "'\r\n=x"),
        ("\0=x", "'\u{fffd}=x"),
        ("a\",\"=b\r\nc", "a\",\"=b\r\nc"),
        ("it's = fine", "it's = fine"),
        ("", ""),
    ];
    for (text, expected) in rows {
        let target = IndexedTarget { kind: "a".into(), id: text.into(), name: text.into() };
        let row = Row {
            description: Some(text.to_owned()),
            actor_name: Some(text.to_owned()),
            path: Some(text.to_owned()),
            source_ip: Some(text.to_owned()),
            targets: vec![target],
            ..Row::default()
        };
        let event = json!({"id": "x", "changes": [text]});
        let mut out = Vec::new();
        let mut csv = Encoder::new(Format::Csv);
        csv.begin(Mark::None, &mut out);
        csv.event(&Summary::from(row), event.into(), &mut out).unwrap();
        let read = read(&String::from_utf8(out).unwrap());
        assert_eq!(read.len(), 2, "{text:?}");
        assert_eq!(read[0].len(), read[1].len(), "{text:?}");
        let cell = |name: &str| &read[1][read[0].iter().position(|cell| cell == name).unwrap()];
        for name in ["description", "actor_name", "path", "target_name", "source_ip"] {
            assert_eq!(cell(name), expected, "{name}: {text:?}");
        }
        let metadata: Value = serde_json::from_str(cell("metadata")).unwrap();
        assert_eq!(metadata, json!({"changes": [text]}));
    }
}

/// The text of a file with these events.
fn file(format: Format, mark: Mark, events: &[Value]) -> String {
    let (mut encoder, mut out) = (Encoder::new(format), Vec::new());
    encoder.begin(mark, &mut out);
    for event in events {
        encoder.event(&Summary::from(Row::default()), event.clone().into(), &mut out).unwrap();
    }
    encoder.end(&mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn formats_begin_go_on_and_end() {
    let events = [json!({"a": "x\ny\u{2028}"}), json!({"b": 1})];
    assert!(file(Format::Csv, Mark::Bom, &[]).starts_with("\u{feff}\"id\",\"act\","));
    assert!(file(Format::Csv, Mark::None, &[]).starts_with("\"id\",\"act\","));
    let rows = [
        (Format::Ndjson, &events[..0], ""),
        (Format::Ndjson, &events[..], "{\"a\":\"x\\ny\u{2028}\"}\n{\"b\":1}\n"),
        (Format::Ocsf, &events[..0], ""),
        (Format::Json, &events[..0], "[\n]\n"),
        (Format::Json, &events[..1], "[\n{\"a\":\"x\\ny\u{2028}\"}\n]\n"),
        (Format::Json, &events[..], "[\n{\"a\":\"x\\ny\u{2028}\"},\n{\"b\":1}\n]\n"),
    ];
    for (format, events, expected) in rows {
        // No JSON begins with a mark.
        assert_eq!(file(format, Mark::Bom, events), expected);
    }
    let mut out = Vec::new();
    let mut more = Encoder::going_on(Format::Json, 2);
    more.event(&Summary::from(Row::default()), json!({}).into(), &mut out).unwrap();
    assert_eq!(out, b",\n{}");
}

#[test]
fn what_of_an_actor_has_no_column_is_in_the_metadata() {
    for (actor, left) in [
        (
            r#"{"auth":"bearer","credential":"hmac:6dcd000000000000","type":"api","verified":false}"#,
            json!({"auth": "bearer", "credential": "hmac:6dcd000000000000"}),
        ),
        (
            r#"{"email":"a@example.com","id":"1","name":"Ada","type":"user","verified":true}"#,
            Value::Null,
        ),
    ] {
        let entry = Stored {
            writer: "w".into(),
            seq: 1,
            kind: EntryKind::Intent,
            id: EventId::new(SystemClock.now()),
            intent: None,
            scope: "{}".into(),
            doc: format!(r#"{{"actor":{actor},"id":"x"}}"#),
            leaf: Vec::new(),
        };
        let mut out = Vec::new();
        let mut csv = Encoder::new(Format::Csv);
        let event = Joined::of(&entry, None).unwrap();
        csv.event(&Summary::from(Row::default()), event, &mut out).unwrap();
        let row = read(&String::from_utf8(out).unwrap()).remove(0);
        let metadata: Value = serde_json::from_str(row.last().unwrap()).unwrap();
        assert_eq!(metadata["actor"], left);
    }
}
