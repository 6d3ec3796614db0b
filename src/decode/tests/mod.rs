//! Encodings, types, numbers and limits, as tables.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;
use crate::capture::Body;

mod charsets;
mod csv;
mod events;
mod graphql;
mod hostile;
mod multipart;
mod strings;
mod toml;
mod xml;
mod yaml;

/// The shape of a tree, to compare with.
fn show(node: &Node<'_>) -> String {
    match node {
        Node::Null => "null".to_owned(),
        Node::Bool(value) => value.to_string(),
        Node::Number(Number::Integer(value)) => format!("i{value}"),
        Node::Number(Number::Double(value)) => format!("d{value:e}"),
        Node::Number(Number::Text(text)) => format!("t{text}"),
        Node::String(text) => format!("{text:?}"),
        Node::Array(items) => {
            format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(","))
        }
        Node::Object(members) => {
            let members: Vec<_> =
                members.iter().map(|(name, node)| format!("{name:?}:{}", show(node))).collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let value = HeaderValue::from_str(value).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

/// What a body reads as: its tree, or the note.
fn read(fields: &[(&'static str, &str)], body: &[u8]) -> String {
    let body = Body::whole(body.to_vec());
    let content = Content::of(&headers(fields), &body);
    let decoded = content.read();
    match decoded.node {
        Some(node) => show(&node),
        None => decoded.notes.iter().map(|note| note.as_str()).collect::<Vec<_>>().join(","),
    }
}

/// Everything that a text may be cut to, the empty text first.
fn prefixes(text: &str) -> impl Iterator<Item = &str> {
    (0..text.len()).filter_map(|end| text.get(..end))
}

#[test]
fn json_is_read_exactly() {
    let rows = [
        ("null", "null"),
        (" [true , false] ", "[true,false]"),
        ("\u{feff}{}", "{}"),
        (r#"{"a":1,"a":2,"b":{"a":3}}"#, r#"{"a":i1,"a":i2,"b":{"a":i3}}"#),
        (r#""a\"\\\/\b\f\n\r\t\u0041\ud83d\ude00z""#, r#""a\"\\/\u{8}\u{c}\n\r\tA😀z""#),
        ("0", "i0"),
        ("-12", "i-12"),
        ("9007199254740992", "i9007199254740992"),
        ("-9007199254740992", "i-9007199254740992"),
        ("9007199254740993", "t9007199254740993"),
        ("12345678901234567890", "t12345678901234567890"),
        ("1152921504606846976", "t1152921504606846976"),
        ("1.10", "d1.1e0"),
        ("1e2", "d1e2"),
        ("1E+400", "t1E+400"),
        ("1e-400", "t1e-400"),
        ("1e99999999999", "t1e99999999999"),
        ("0e99", "d0e0"),
        ("0.1000000000000000055511151231257827", "t0.1000000000000000055511151231257827"),
        ("1.7976931348623157e308", "d1.7976931348623157e308"),
    ];
    for (text, expected) in rows {
        assert_eq!(json(text).map(|node| show(&node)), Ok(expected.to_owned()), "{text}");
    }
}

#[test]
fn what_is_not_json_is_not_read() {
    let rows = [
        "",
        " ",
        "{",
        "[1,]",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "01",
        "1.",
        ".5",
        "-",
        "+1",
        "1e",
        "tru",
        "nullx",
        "\"",
        "\"\n\"",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\u00\"",
        "\"\\udc00\"",
        "1 1",
        "NaN",
        "Infinity",
        "'a'",
        "[1]]",
    ];
    for text in rows {
        assert_eq!(json(text), Err(Note::InvalidJson), "{text}");
    }
}

#[test]
fn depth_and_size_end_where_they_should() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(json(&nested(DEPTH_MAX)).is_ok());
    assert_eq!(json(&nested(DEPTH_MAX + 1)), Err(Note::TooDeep));
    assert_eq!(json(&"[".repeat(100_000)), Err(Note::TooDeep));
    assert_eq!(json(&"{\"a\":".repeat(100_000)), Err(Note::TooDeep));
    let many = |count: usize| format!("[{}1]", "1,".repeat(count - 2));
    assert!(json(&many(NODES_MAX)).is_ok());
    assert_eq!(json(&many(NODES_MAX + 1)), Err(Note::TooManyValues));
}

/// Headers, body, what it reads as.
type Row<'a> = (&'a [(&'static str, &'a str)], &'a [u8], &'a str);

#[test]
fn what_is_sent_as_a_page_is_text_without_markup_and_controls() {
    let page = [("content-type", "text/html")];
    for (sent, expected) in [
        (&b"<p>x</p>"[..], "unsupported_content_type"),
        (b"\n\x10Wq7-Pelikan", "unsupported_content_type"),
        (b"done", "\"done\""),
    ] {
        assert_eq!(read(&page, sent), expected);
    }
    assert_eq!(read(&[("content-type", "text/plain")], b"a\0b"), "unsupported_content_type");
}

#[test]
fn the_type_decides_how_a_body_is_read() {
    let json = ("content-type", "application/json; charset=utf-8");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let rows: &[Row<'_>] = &[
        (&[json], b"{\"a\":1}", "{\"a\":i1}"),
        (&[json], b"", ""),
        (&[json], b"a=1", "invalid_json"),
        (&[json], b"{\"index\":{}}\n{\"a\":1}\n", "[{\"index\":{}},{\"a\":i1}]"),
        (&[json], b"{\"a\":1}\n{\"a\"", "invalid_json"),
        (&[json], b"1 2", "invalid_json"),
        (&[json], b"\"\xff\"", "invalid_utf8"),
        (&[("content-type", "application/problem+json")], b"[1]", "[i1]"),
        (&[("content-type", "Application/JSON")], b"[1]", "[i1]"),
        (&[("content-type", "application/x-ndjson")], b"{\"a\":1}\n[]\n", "[{\"a\":i1},[]]"),
        (&[form], b"a=1&b=x+y%21&a=2&c", r#"{"a":"1","b":"x y!","a":"2","c":""}"#),
        (&[form], b"a=1;password=x", r#"{"a":"1","password":"x"}"#),
        (&[form], b"a=1;2", r#"{"a":"1;2"}"#),
        (&[form], b"a=%ff", "invalid_utf8"),
        (&[form], b"{\"password\":\"a=b\"}", r#"{"password":"a=b"}"#),
        (&[form], b"{\"password\":\"a=b\"", "invalid_json"),
        (&[form], b"%7B%22password%22:1}=", "invalid_form"),
        (&[form], b"hello", "invalid_form"),
        (&[], b" {\"a\":1}", "{\"a\":i1}"),
        (&[], b"hello", "no_content_type"),
        (&[], b"\xff", "no_content_type"),
        (&[("content-type", "text/plain")], b"[1]", "[i1]"),
        (&[("content-type", "text/plain")], b"hello", "\"hello\""),
        (&[("content-type", "text/plain")], b"{\"a\":", "invalid_json"),
        (&[("content-type", "text/plain")], b"\xff", "invalid_utf8"),
        (
            &[("content-type", "application/grpc")],
            b"\0\0\0\0\x02\x08\x01",
            "unsupported_content_type",
        ),
        (
            &[("content-type", "application/grpc-web+proto")],
            b"\0\0\0\0\x02\x08\x01",
            "unsupported_content_type",
        ),
        (
            &[("content-type", "application/grpc-web")],
            b"\0\0\0\0\x02\x08\x01\x80\0\0\0\x11Grpc-Status: 13\r\n",
            "{\"grpc-status\":i13}",
        ),
        (
            &[("content-type", "application/grpc-web")],
            b"\0\0\0\0\xff\x08\x01",
            "unsupported_content_type",
        ),
        (
            &[("content-type", "application/grpc-web-text")],
            b"AAAAAAIIAQ==gAAAAA9ncnBjLXN0YXR1czo3DQo=",
            "{\"grpc-status\":i7}",
        ),
        (&[("content-type", "application/x-protobuf")], b"\x08\x01", "unsupported_content_type"),
        (&[("content-type", "application/octet-stream")], b"{}", "unsupported_content_type"),
        (&[("content-type", "image/png")], b"\x89PNG", "unsupported_content_type"),
        (&[("content-type", "application/x-amz-json-1.1")], b"{}", "{}"),
        (&[("content-type", "application/xml")], b"<a/>", r#"{"a":""}"#),
        (&[("content-type", "multipart/form-data; boundary=x")], b"--x", "invalid_multipart"),
        (&[("content-type", "nonsense")], b"{}", "unsupported_content_type"),
        (&[json, form], b"{}", "unsupported_content_type"),
        (&[json, ("content-encoding", "identity")], b"[1]", "[i1]"),
        (&[json, ("content-encoding", "rot13")], b"[1]", "unsupported_content_encoding"),
        (&[json, ("content-encoding", "gzip,gzip,gzip,gzip")], b"[1]", "too_many_encodings"),
        (&[json, ("content-encoding", "gzip")], b"[1]", "undecodable_gzip"),
        (&[json, ("content-encoding", "deflate")], b"[1]", "undecodable_deflate"),
        (&[json, ("content-encoding", "br")], b"[1]", "undecodable_br"),
        (&[json, ("content-encoding", "zstd")], b"[1]", "undecodable_zstd"),
    ];
    for (fields, body, expected) in rows {
        assert_eq!(read(fields, body), *expected, "{fields:?} {}", String::from_utf8_lossy(body));
    }
}

#[test]
fn plain_text_that_begins_as_no_json_does_is_text() {
    let plain = &[("content-type", "text/plain")];
    for (body, expected) in [
        ("[true, {]", "invalid_json"),
        ("[1]", "[i1]"),
        ("[1, 2", "invalid_json"),
        ("[db]\nhost = a", "\"[db]\\nhost = a\""),
        ("[100]\nhost = a", "\"[100]\\nhost = a\""),
        ("[2026-11-24 10:00] up", "\"[2026-11-24 10:00] up\""),
        (" {'a': 1}", "\" {'a': 1}\""),
        ("{", "\"{\""),
    ] {
        assert_eq!(read(plain, body.as_bytes()), expected, "{body}");
    }
}

#[test]
fn a_cut_body_is_not_read() {
    let body = Body { truncated: true, ..Body::whole("{\"a\":1}") };
    let headers = headers(&[("content-type", "application/json")]);
    let content = Content::of(&headers, &body);
    assert_eq!(content.read(), Decoded { notes: vec![Note::Truncated], ..Decoded::default() });
    assert_eq!(content.media_type(), Some("application/json"));
}

fn encode(coding: &str, bytes: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" | "x-gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "raw deflate" => {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut out = Vec::new();
            brotli::CompressorReader::new(bytes, 4096, 5, 22).read_to_end(&mut out).unwrap();
            out
        }
        "zstd" => {
            let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        _ => unreachable!("no such coding"),
    }
}

#[test]
fn encodings_are_undone_alone_stacked_and_cut() {
    let stacks: [&[&str]; 9] = [
        &["gzip"],
        &["x-gzip"],
        &["deflate"],
        &["raw deflate"],
        &["br"],
        &["zstd"],
        &["gzip", "br"],
        &["deflate", "zstd", "gzip"],
        &["br", "br"],
    ];
    for stack in stacks {
        let bytes =
            stack.iter().fold(b"{\"a\":[1,2]}".to_vec(), |bytes, coding| encode(coding, &bytes));
        let names = stack.join(", ").replace("raw ", "");
        let fields = [("content-type", "application/json"), ("content-encoding", names.as_str())];
        assert_eq!(read(&fields, &bytes), "{\"a\":[i1,i2]}", "{names}");
        for cut in 1..bytes.len() {
            let note = read(&fields, &bytes[..cut]);
            assert!(
                note.starts_with("undecodable") || note == "empty",
                "{names} cut at {cut}: {note}"
            );
        }
    }
    let fields = [("content-type", "application/json"), ("content-encoding", "gzip")];
    assert_eq!(read(&fields, &encode("gzip", b"")), "empty");
    let members = [encode("gzip", b"[1,"), encode("gzip", b"2]")].concat();
    assert_eq!(read(&fields, &members), "[i1,i2]");
}

#[test]
fn windows_that_a_peer_asks_for_are_not_allocated() {
    let json = ("content-type", "application/json");
    // A Brotli stream of the large-window variant, and a zstd frame with a window of 128 MiB.
    assert_eq!(read(&[json, ("content-encoding", "br")], &[0x11, 0x1e, 0x03]), "undecodable_br");
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x88, 0x01, 0x00, 0x00];
    assert_eq!(read(&[json, ("content-encoding", "zstd")], &frame), "undecodable_zstd");
}

#[test]
fn percent_decoding_is_lenient() {
    let rows =
        [("a%20b", "a b"), ("100%", "100%"), ("%zz%4", "%zz%4"), ("a+b", "a+b"), ("%C3%A9", "é")];
    for (text, expected) in rows {
        assert_eq!(percent_decode_lossy(text), expected);
    }
    assert_eq!(query("a+b=%2B&x=%ff").notes, [Note::InvalidUtf8]);
}

proptest! {
    #[test]
    fn whatever_serde_json_reads_is_read(text in "[\\[\\]{}\":,0-9a-e\\\\utrn.\\- ]{0,40}") {
        if json(&text).is_ok() {
            // Numbers beyond a double are JSON all the same, which serde_json refuses.
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            prop_assert!(theirs.is_ok() || theirs.is_err_and(|error| error.to_string().contains("out of range")));
        } else {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_err());
        }
    }
}
