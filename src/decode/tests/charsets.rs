//! Bytes → text: marks, labels, and bytes that a charset does not have.

use super::*;

fn utf16(text: &str, big: bool) -> Vec<u8> {
    text.encode_utf16()
        .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
        .collect()
}

fn with_type(content_type: &str, body: &[u8]) -> String {
    read(&[("content-type", content_type)], body)
}

#[test]
fn json_in_any_charset() {
    let text = r#"{"é":"ß€"}"#;
    let tree = r#"{"é":"ß€"}"#;
    let windows = b"{\"\xe9\":\"\xdf\x80\"}";
    let marked = |mark: &[u8], body: Vec<u8>| [mark, &body].concat();
    let rows: &[(&str, Vec<u8>, &str)] = &[
        ("application/json", text.as_bytes().to_vec(), tree),
        ("application/json", marked(b"\xef\xbb\xbf", text.into()), tree),
        ("application/json", marked(b"\xff\xfe", utf16(text, false)), tree),
        ("application/json", marked(b"\xfe\xff", utf16(text, true)), tree),
        ("application/json", utf16(text, false), tree),
        ("application/json", utf16(text, true), tree),
        ("application/json; charset=utf-16", utf16(text, true), tree),
        ("application/json; charset=utf-16", utf16(text, false), tree),
        ("application/json; charset=utf-16be", utf16(text, true), tree),
        ("application/json; charset=\"UTF-16LE\"", utf16(text, false), tree),
        ("application/json;charset=utf8", text.as_bytes().to_vec(), tree),
        ("application/json; charset=windows-1252", windows.to_vec(), tree),
        ("application/json; charset=ISO-8859-1", windows.to_vec(), tree),
        ("application/json; charset=us-ascii; x", b"[1]".to_vec(), "[i1]"),
        ("application/json; charset=shift_jis", b"\"\x93\xfa\x96\x7b\"".to_vec(), "\"日本\""),
        // A mark is stronger than a label, as in browsers.
        ("application/json; charset=latin1", marked(b"\xef\xbb\xbf", text.into()), tree),
        ("application/json", windows.to_vec(), "invalid_utf8"),
        ("application/json; charset=utf-7", b"[1]".to_vec(), "unsupported_charset"),
        ("application/json; charset=utf-32", b"[1]".to_vec(), "unsupported_charset"),
        ("application/json; charset=iso-2022-kr", b"[1]".to_vec(), "unsupported_charset"),
        ("application/json; charset=\"\"", b"[1]".to_vec(), "unsupported_charset"),
        ("application/json; charset=utf-16le", b"[\x001".to_vec(), "invalid_charset"),
        ("application/json; charset=utf-16le", b"\x00\xd8[\x00".to_vec(), "invalid_charset"),
        ("application/json; charset=shift_jis", b"\"\x81\"".to_vec(), "invalid_charset"),
        (
            "application/json; charset=utf-8; charset=latin1",
            b"[1]".to_vec(),
            "unsupported_content_type",
        ),
        ("application/json; charset=utf-8; Charset=utf-8", b"[1]".to_vec(), "[i1]"),
        // UTF-32 has the mark of UTF-16, and zeroes.
        ("application/json", b"\xff\xfe\0\0[\0\0\0]\0\0\0".to_vec(), "invalid_json"),
    ];
    for (content_type, body, expected) in rows {
        assert_eq!(with_type(content_type, body), *expected, "{content_type} {body:?}");
    }
}

#[test]
fn forms_have_escapes_in_their_own_charset() {
    let form = "application/x-www-form-urlencoded";
    let wide = utf16("a%5Bb%5D=%C3%A9", true);
    let rows: &[(&str, &[u8], &str)] = &[
        ("", b"a=%C3%A9", r#"{"a":"é"}"#),
        ("; charset=utf-16be", &wide, r#"{"a[b]":"é"}"#),
        ("; charset=utf-8", b"a=%C3%A9", r#"{"a":"é"}"#),
        ("; charset=iso-8859-1", b"a=%E9&b=\xe9", r#"{"a":"é","b":"é"}"#),
        ("; charset=windows-1251", b"%EF=%F0+1", r#"{"п":"р 1"}"#),
        ("; charset=shift_jis", b"a=%81", "invalid_utf8"),
        ("", b"a=%E9", "invalid_utf8"),
        ("", b"a=\xe9", "invalid_utf8"),
    ];
    for (parameter, body, expected) in rows {
        assert_eq!(with_type(&format!("{form}{parameter}"), body), *expected, "{parameter}");
    }
}

#[test]
fn parameters_of_media_types() {
    let rows = [
        ("a/b", "charset", Ok(None)),
        ("a/b; charset=x", "charset", Ok(Some("x"))),
        ("a/b;CHARSET = x ;y", "charset", Ok(Some("x"))),
        ("a/b; x; ; charset=\"a;b\\\"c\"; z=1", "charset", Ok(Some("a;b\"c"))),
        ("a/b; charset=\"\" ; z=1", "z", Ok(Some("1"))),
        ("a/b; z=1; z=2", "z", Err(Note::UnsupportedContentType)),
        ("a/b; é=1; z=2", "z", Ok(Some("2"))),
    ];
    for (value, name, expected) in rows {
        let media_type = media::MediaType::parse(value).unwrap();
        assert_eq!(media_type.parameter(name), expected, "{value}");
    }
    let many = format!("a/b{}", "; a=b".repeat(17));
    for value in ["a/b; x=\"open", "a/b; x=\"open\\", "a/b; x=\"a\"b; z=1", many.as_str()] {
        assert_eq!(media::MediaType::parse(value), None, "{value}");
    }
}
