//! What is sent to break things: every format has the same to bear, and none may go past its limits.

use super::super::budget::Budget;
use super::*;

/// A type, a body that is read, and how the body goes on for as long as is wanted: the opening of
/// one more level, and one more value.
struct Format {
    content_type: &'static str,
    sample: &'static str,
    level: Option<(&'static str, &'static str)>,
    value: (&'static str, &'static str, &'static str),
}

const FORMATS: &[Format] = &[
    Format {
        content_type: "application/json",
        sample: r#"{"a": [1, -2.5e3, "é\u0041", null, true], "a": {"b": {}}}"#,
        level: Some(("[", "{\"a\":")),
        value: ("[", "1,", "1]"),
    },
    Format {
        content_type: "application/x-ndjson",
        sample: "{\"a\": 1}\n[2]\n\"x\"\n",
        level: Some(("[", "{\"a\":")),
        value: ("", "1\n", ""),
    },
    Format {
        content_type: "application/x-www-form-urlencoded",
        sample: "a=1&b=%C3%A9+x&c[d]=2&a=3",
        level: None,
        value: ("", "a=1&", ""),
    },
    Format {
        content_type: "multipart/form-data; boundary=b",
        sample: "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b\r\n\
                 Content-Disposition: form-data; name=f; filename=x\r\n\r\n2\r\n--b--\r\n",
        level: None,
        value: ("", "--b\r\ncontent-disposition:x;name=a\r\n\r\n\r\n", "--b--"),
    },
    Format {
        content_type: "application/xml",
        sample: "<?xml version='1.0'?><a b='1'><c>x&lt;&#233;</c><c/><![CDATA[z]]><!-- y --></a>",
        level: Some(("<a>", "<a b=''><c>")),
        value: ("<a>", "<b/>", "</a>"),
    },
    Format {
        content_type: "application/yaml",
        sample: "a: &x {b: 1}\nc: *x\nd:\n- 'e'\n- |\n  f\n",
        level: Some(("[", "{a: ")),
        value: ("", "- 1\n", ""),
    },
    Format {
        content_type: "application/toml",
        sample: "a = 1\n[b.c]\nd = ['x', {e = 1.5}]\n",
        level: Some(("a = [", "a = {")),
        value: ("a = [", "1,", "]"),
    },
    Format {
        content_type: "text/event-stream",
        sample: "event: a\ndata: {\"b\": 1}\n\ndata: x\n\n",
        level: Some(("data:[\n", "data:{\"a\":\n")),
        value: ("", "data:\n\n", ""),
    },
    Format {
        content_type: "text/csv",
        sample: "a,b\n1,\"x,\"\"y\"\"\"\n2,é\n",
        level: None,
        value: ("a\n", "1\n", ""),
    },
    Format {
        content_type: "application/graphql",
        sample: "mutation M($p: Int = 1) { a(b: \"é\", c: [{d: 1.5}]) @e { f } } # g",
        level: Some(("{a", "{a{...{b:a")),
        value: ("{a(b:[", "1 ", "])}"),
    },
    Format {
        content_type: "text/plain",
        sample: "{\"a\": 1}",
        level: Some(("[", "<a>")),
        value: ("[", "1,", "1]"),
    },
];

fn with_type(content_type: &str, body: &[u8]) -> String {
    read(&[("content-type", content_type)], body)
}

/// Whether this is a tree. Notes are words.
fn is_tree(text: &str) -> bool {
    text.starts_with(['{', '[', '"'])
}

#[test]
fn samples_are_read() {
    for format in FORMATS {
        let tree = with_type(format.content_type, format.sample.as_bytes());
        assert!(is_tree(&tree), "{}: {tree}", format.content_type);
    }
}

#[test]
fn no_prefix_and_no_changed_byte_breaks_anything() {
    for format in FORMATS {
        let sample = format.sample.as_bytes();
        for end in 0..sample.len() {
            let body = Body { truncated: end % 2 == 1, ..Body::whole(sample[..end].to_vec()) };
            let headers = headers(&[("content-type", format.content_type)]);
            let content = Content::of(&headers, &body);
            let decoded = content.read();
            let ok = decoded.node.is_some() || !decoded.notes.is_empty() || end == 0;
            assert!(ok, "{} {end}", format.content_type);
            for byte in [0, 0x22, 0x26, 0x80, 0xff] {
                let mut changed = sample.to_vec();
                changed[end] = byte;
                let _ = with_type(format.content_type, &changed);
            }
        }
    }
}

#[test]
fn a_hundred_thousand_levels_are_too_deep() {
    for format in FORMATS {
        let Some((one, other)) = format.level else { continue };
        for open in [one, other] {
            let note = with_type(format.content_type, open.repeat(100_000).as_bytes());
            let own_limit = match format.content_type {
                "application/toml" if note == "invalid_toml" => "invalid_toml",
                "application/toml" => "too_much_work",
                "application/yaml" => "invalid_yaml",
                // Every line of data belongs to the one event.
                "text/event-stream" => "invalid_json",
                _ => "too_deep",
            };
            let refused = note == "too_deep" || note == own_limit;
            assert!(refused, "{} {open} {}", format.content_type, note.len());
        }
    }
}

#[test]
fn a_million_values_are_too_many() {
    for format in FORMATS {
        let (before, value, after) = format.value;
        let body = |count: usize| format!("{before}{}{after}", value.repeat(count));
        let tree = with_type(format.content_type, body(100).as_bytes());
        assert!(is_tree(&tree), "{}: {tree}", format.content_type);
        let note = with_type(format.content_type, body(1_000_000).as_bytes());
        let expected = match format.content_type {
            "application/toml" => "too_much_work",
            _ => "too_many_values",
        };
        assert_eq!(note, expected, "{}", format.content_type);
    }
}

#[test]
fn one_line_of_five_mebibytes() {
    let long = "x".repeat(5 << 20);
    let rows = [
        ("application/json", format!("\"{long}\"")),
        ("application/x-ndjson", format!("\"{long}\"")),
        ("application/x-www-form-urlencoded", format!("a={long}")),
        (
            "multipart/form-data; boundary=b",
            format!("--b\r\ncontent-disposition:x;name=a\r\n\r\n{long}\r\n--b--"),
        ),
        ("application/xml", format!("<a>{long}</a>")),
        ("application/yaml", format!("a: {long}")),
        ("text/event-stream", format!("data: {long}")),
        ("text/csv", format!("a\n{long}")),
        ("application/graphql", format!("{{a(b: \"{long}\")}}")),
        ("text/plain", long.clone()),
    ];
    for (content_type, body) in rows {
        assert!(with_type(content_type, body.as_bytes()).contains(&long), "{content_type}");
    }
}

#[test]
fn nul_and_bytes_that_are_no_text() {
    for format in FORMATS {
        let bad = [format.sample.as_bytes(), b"\xff\xfe"].concat();
        let note = with_type(format.content_type, &bad);
        let strict = if format.content_type.starts_with("multipart") {
            "invalid_multipart"
        } else {
            "invalid_utf8"
        };
        assert_eq!(note, strict, "{}", format.content_type);
        for nul in [&b"\0"[..], b"\0\0", b"\0\0\0"] {
            let note = with_type(format.content_type, nul);
            let taken = matches!(
                format.content_type,
                "application/x-www-form-urlencoded" | "text/event-stream" | "text/csv"
            );
            assert!(!is_tree(&note) || taken, "{} {nul:?} {note}", format.content_type);
        }
    }
}

#[test]
fn numbers_that_nothing_can_hold() {
    let digits = "9".repeat(100_000);
    let rows = [
        ("application/json", digits.clone(), "t"),
        ("application/json", format!("1e{digits}"), "t"),
        ("application/json", format!("0.{digits}"), "t"),
        ("application/yaml", digits.clone(), "t"),
        ("application/toml", format!("a = {digits}"), "{\"a\":t"),
        ("application/toml", format!("a = 0x{digits}"), "{\"a\":\"0x"),
        ("application/graphql", format!("{{a(b: {digits})}}"), "\""),
        ("application/xml", format!("<a>&#{digits};</a>"), "invalid_xml"),
    ];
    for (content_type, body, expected) in rows {
        let tree = with_type(content_type, body.as_bytes());
        assert!(tree.starts_with(expected), "{content_type} {}", tree.get(..40).unwrap_or(&tree));
    }
}

#[test]
fn repeated_names_are_kept_or_refused() {
    let rows = [
        ("application/json", r#"{"a":1,"a":2}"#, r#"{"a":i1,"a":i2}"#),
        ("application/x-www-form-urlencoded", "a=1&a=2", r#"{"a":"1","a":"2"}"#),
        ("application/yaml", "a: 1\na: 2", r#"{"a":i1,"a":i2}"#),
        ("application/toml", "a = 1\na = 2", "invalid_toml"),
        ("application/xml", "<a b='1' b='2'/>", "invalid_xml"),
        ("application/xml", "<a><b/><b/></a>", r#"{"a":{"b":["",""]}}"#),
        ("text/event-stream", "id: 1\nid: 2\n\n", r#"[{"id":"1","id":"2"}]"#),
        ("text/csv", "a,a\n1,2", r#"[{"a":"1","a":"2"}]"#),
    ];
    for (content_type, body, expected) in rows {
        assert_eq!(with_type(content_type, body.as_bytes()), expected, "{body}");
    }
}

/// So many MiB of zeroes. What is encoded in pieces may be joined, in these two codings.
fn bomb(coding: &str, mebibytes: usize) -> Vec<u8> {
    encode(coding, &vec![0; 1 << 20]).repeat(mebibytes)
}

#[test]
fn bombs_leave_metadata_only() {
    let mut rows = Vec::new();
    for coding in ["gzip", "zstd"] {
        let once = bomb(coding, 10 * 1024);
        let twice = encode(coding, &once);
        let thrice = encode("gzip", &twice);
        assert!(twice.len() < 64 << 10, "10 GiB in {} bytes", twice.len());
        rows.push((coding.to_owned(), once));
        rows.push((format!("{coding}, {coding}"), twice));
        rows.push((format!("{coding}, {coding}, gzip"), thrice));
    }
    // Brotli and deflate end with their stream.
    for coding in ["br", "deflate"] {
        let once = encode(coding, &vec![0; OUTPUT_BYTES_MAX + 1]);
        rows.push((coding.to_owned(), once.clone()));
        rows.push((format!("{coding}, gzip"), encode("gzip", &once)));
    }
    for (coding, bytes) in rows {
        for content_type in ["application/json", "multipart/form-data; boundary=b", "text/plain"] {
            let fields = [("content-type", content_type), ("content-encoding", coding.as_str())];
            assert_eq!(read(&fields, &bytes), "decompression_limit", "{coding} {content_type}");
        }
    }
}

#[test]
fn output_is_limited_by_size_and_by_ratio() {
    let incompressible = |bytes: usize| {
        let mut state = 1_u32;
        let random = std::iter::repeat_with(move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            char::from(b'a' + u8::try_from(state >> 28).unwrap())
        });
        random.take(bytes).collect::<String>()
    };
    let note = |text: &str| {
        let fields = [("content-type", "text/plain"), ("content-encoding", "gzip")];
        read(&fields, &encode("gzip", text.as_bytes()))
    };
    assert!(is_tree(&note(&incompressible(OUTPUT_BYTES_MAX))));
    assert_eq!(note(&incompressible(OUTPUT_BYTES_MAX + 1)), "decompression_limit");
    assert!(is_tree(&note(&"x".repeat(OUTPUT_BYTES_FLOOR))));
    assert_eq!(note(&"x".repeat(OUTPUT_BYTES_FLOOR + 1)), "decompression_limit");
}

#[test]
fn a_budget_is_one_for_all() {
    let mut budget = Budget::of(0);
    assert_eq!(budget.text(TEXT_BYTES_FLOOR), Ok(()));
    assert_eq!(budget.text(1), Err(Note::TooMuchText));
    assert_eq!(budget.look(TEXT_BYTES_FLOOR), Ok(()));
    assert_eq!(budget.look(1), Err(Note::TooMuchWork));
    for _ in 0..NODES_MAX {
        assert_eq!(budget.node(), Ok(()));
    }
    assert_eq!(budget.node(), Err(Note::TooManyValues));
    let mut budget = Budget::of(usize::MAX);
    assert_eq!(budget.text(usize::MAX), Ok(()));
    assert_eq!(budget.look(usize::MAX), Ok(()));
    let mut budget = Budget::of(1 << 30);
    assert_eq!(budget.text(TEXT_BYTES_MAX + 1), Ok(()));
    // Parts share the budget of their body.
    let part = |values: usize| {
        let head = "--b\r\ncontent-disposition:x;name=a\r\ncontent-type:application/json\r\n\r\n";
        format!("{head}[{}1]\r\n", "1,".repeat(values))
    };
    let body = format!("{}--b--", part(NODES_MAX / 2).repeat(2));
    assert_eq!(with_type("multipart/form-data; boundary=b", body.as_bytes()), "too_many_values");
}

proptest! {
    #[test]
    fn no_bytes_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        format in 0..FORMATS.len(),
        coding in 0..5_usize,
        truncated in any::<bool>(),
    ) {
        let codings = ["identity", "gzip", "deflate", "br", "zstd"];
        let fields =
            [("content-type", FORMATS[format].content_type), ("content-encoding", codings[coding])];
        let body = Body { truncated, ..Body::whole(bytes) };
        let headers = headers(&fields);
        let _ = Content::of(&headers, &body).read();
    }

    #[test]
    fn no_text_of_a_format_panics(
        picks in proptest::collection::vec((0..FORMATS.len(), 0..100_usize, 0..20_usize), 0..12),
        format in 0..FORMATS.len(),
    ) {
        let pieces = picks.iter().map(|(format, start, length)| {
            let bytes = FORMATS[*format].sample.as_bytes();
            let start = start % bytes.len();
            &bytes[start..(start + length).min(bytes.len())]
        });
        let body: Vec<u8> = pieces.collect::<Vec<_>>().concat();
        let _ = with_type(FORMATS[format].content_type, &body);
        let text = String::from_utf8_lossy(&body);
        drop((graphql(&text), base64_text(&text), percent_text(&text), data_url(&text)));
    }

    #[test]
    fn labels_of_charsets_do_not_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        label in prop_oneof![Just("utf-16".to_owned()), Just("shift_jis".to_owned()), Just("iso-2022-jp".to_owned()), Just("gb18030".to_owned()), "\\PC{0,12}"],
    ) {
        if let Ok(value) = HeaderValue::from_str(&format!("text/plain; charset=\"{label}\"")) {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", value);
            let body = Body::whole(bytes);
            let _ = Content::of(&headers, &body).read();
        }
    }
}
