//! Event streams: fields, data that is JSON, and streams that were cut.

use super::*;

const STREAM: (&str, &str) = ("content-type", "text/event-stream");

fn events(body: &str) -> String {
    read(&[STREAM], body.as_bytes())
}

#[test]
fn events_have_fields() {
    let rows = [
        ("data: x\n\n", r#"[{"data":"x"}]"#),
        ("data: x", r#"[{"data":"x"}]"#),
        (
            "\u{feff}event: a\nid: 1\nretry: 5\ndata:x\n\n",
            r#"[{"event":"a","id":"1","retry":"5","data":"x"}]"#,
        ),
        ("data:  x\r\n\r\ndata\r\n\r\n", r#"[{"data":" x"},{"data":""}]"#),
        ("data: a\rdata: b\r\rdata: c", r#"[{"data":"a\nb"},{"data":"c"}]"#),
        (": ping\n\n\n:\n", "[]"),
        ("data: {\"a\": 1}\n\n", r#"[{"data":{"a":i1}}]"#),
        ("data: {\"a\":\ndata: \"\\u00e9\"}\n\n", r#"[{"data":{"a":"é"}}]"#),
        ("data: [1]\n\ndata: [DONE]\n\n", r#"[{"data":[i1]},{"data":"[DONE]"}]"#),
        ("other: x\nbare\n", r#"[{"other":"x","bare":""}]"#),
        ("data: {\"a\": 1\n\n", "invalid_json"),
    ];
    for (body, expected) in rows {
        assert_eq!(events(body), expected, "{body:?}");
    }
    assert_eq!(read(&[STREAM], b"data: \xff\n\n"), "invalid_utf8");
}

#[test]
fn values_are_bounded() {
    assert_eq!(events(&"data:x\n\n".repeat(NODES_MAX)), "too_many_values");
    assert_eq!(events(&"a:\n".repeat(NODES_MAX + 1)), "too_many_values");
    assert_eq!(events(&format!("data: {}\n\n", "[".repeat(100_000))), "too_deep");
    // One event in a hundred thousand lines is put together once.
    let long = format!("data: [\n{}data: 1]\n\n", "data: 1,\n".repeat(100_000));
    assert!(events(&long).starts_with(r#"[{"data":[i1,"#));
}

#[test]
fn of_a_cut_stream_complete_events_are_read() {
    let body = "data: é\n\nevent: a\ndata: {\"b\": 1}\n\ndata: {\"c\": 2}\n\n";
    let whole = [r#"[{"data":"é"}"#, r#"{"event":"a","data":{"b":i1}}"#, r#"{"data":{"c":i2}}]"#];
    for end in 0..=body.len() {
        let body = Body { truncated: true, ..Body::whole(body.as_bytes()[..end].to_vec()) };
        let headers = headers(&[STREAM]);
        let content = Content::of(&headers, &body);
        let decoded = content.read();
        assert_eq!(decoded.notes, [Note::Truncated], "{end}");
        let Some(node) = decoded.node else { continue };
        let shown = show(&node);
        assert!(whole.join(",").starts_with(shown.trim_end_matches(']')), "{end} {shown}");
    }
    let mut compressed = headers(&[STREAM]);
    compressed.insert("content-encoding", HeaderValue::from_static("gzip"));
    let cut = Body { truncated: true, ..Body::whole(encode("gzip", body.as_bytes())) };
    assert_eq!(Content::of(&compressed, &cut).read().node, None);
}

#[test]
fn of_cut_lines_of_json_complete_ones_are_read() {
    let lines = "{\"a\":1}\n{\"b\":2}\n";
    for (end, expected) in [
        (0, ""),
        (7, ""),
        (8, "[{\"a\":i1}]"),
        (15, "[{\"a\":i1}]"),
        (16, "[{\"a\":i1},{\"b\":i2}]"),
    ] {
        let body = Body { truncated: true, ..Body::whole(lines.as_bytes()[..end].to_vec()) };
        let headers = headers(&[("content-type", "application/x-ndjson")]);
        let content = Content::of(&headers, &body);
        let decoded = content.read();
        assert_eq!(decoded.node.as_ref().map(show).unwrap_or_default(), expected, "{end}");
        assert_eq!(decoded.notes, [Note::Truncated]);
    }
    let sequence = "\u{1e}{\"a\":1}\n\u{1e}[]\n";
    assert_eq!(
        read(&[("content-type", "application/json-seq")], sequence.as_bytes()),
        "[{\"a\":i1},[]]"
    );
}
