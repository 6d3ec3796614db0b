//! XML: elements, attributes and text as members; nothing expanded; bounded.

use super::*;

fn xml(body: &str) -> String {
    read(&[("content-type", "application/xml")], body.as_bytes())
}

#[test]
fn elements_become_members() {
    let rows = [
        ("<a/>", r#"{"a":""}"#),
        ("<a></a>", r#"{"a":""}"#),
        ("\u{feff}<?xml version=\"1.0\"?>\n<!-- c --><a>x</a>\n<!-- d --><?pi x?>", r#"{"a":"x"}"#),
        ("<a> x\r\ny </a>", r#"{"a":" x\ny "}"#),
        ("<a>&lt;&gt;&amp;&quot;&apos;&#233;&#xe9;</a>", r#"{"a":"<>&\"'éé"}"#),
        ("<a b='1' c=\"&lt;2&#51;\"/>", r#"{"a":{"@b":"1","@c":"<23"}}"#),
        ("<a b='1'>x</a>", r##"{"a":{"@b":"1","#text":"x"}}"##),
        ("<a>\n <b>1</b>\n <c/>\n</a>", r#"{"a":{"b":"1","c":""}}"#),
        ("<a><b>1</b><c/><b>2</b></a>", r#"{"a":{"b":["1","2"],"c":""}}"#),
        ("<a>x<b>1</b>y</a>", r##"{"a":{"b":"1","#text":"xy"}}"##),
        ("<a>x<!-- c -->y<![CDATA[<z>&amp;]]></a>", r#"{"a":"xy<z>&amp;"}"#),
        ("<n:a xmlns:n='urn:x' xmlns='urn:y' n:b='1'><n:c/></n:a>", r#"{"a":{"@b":"1","c":""}}"#),
        ("<dict><key>a</key><true/><key>b</key><dict/></dict>", r#"{"dict":{"a":"","b":""}}"#),
        ("<dict><key>a</key></dict>", r#"{"dict":{"key":"a"}}"#),
        ("<dict><x>a</x><key>b</key></dict>", r#"{"dict":{"x":"a","key":"b"}}"#),
    ];
    for (body, expected) in rows {
        assert_eq!(xml(body), expected, "{body}");
    }
}

#[test]
fn what_is_not_xml_is_not_read() {
    let invalid = [
        "x",
        "<",
        "<a",
        "<a>",
        "<a></b>",
        "</a>",
        "<a/><b/>",
        "<a/>x",
        "x<a/>",
        "<a b=1/>",
        "<a b/>",
        "<a b='1' b='2'/>",
        "<a>&nbsp;</a>",
        "<a>&x</a>",
        "<a>& b</a>",
        "<a b='&x;'/>",
        "<a>&#0;</a>",
        "<a>&#xd800;</a>",
        "<a>&#x110000;</a>",
        "<a><![CDATA[x</a>",
        "<a><!-- </a>",
        "<a>&#99999999999999999999;</a>",
        "<![CDATA[x]]>",
        " ",
    ];
    for body in invalid {
        assert_eq!(xml(body), "invalid_xml", "{body}");
    }
    let text = |body: &str| read(&[("content-type", "text/plain")], body.as_bytes());
    assert_eq!(text("<a>"), "invalid_xml");
    assert_eq!(text("<3 you"), "\"<3 you\"");
    assert_eq!(text(" <a>1</a>"), r#"{"a":"1"}"#);
}

#[test]
fn nothing_is_expanded() {
    let mut laughs = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol \"lol\">".to_owned();
    for level in 1..10 {
        let inner = format!("&lol{};", level - 1).repeat(10);
        laughs += &format!("<!ENTITY lol{level} \"{inner}\">");
    }
    laughs += "]><lolz>&lol9;</lolz>";
    let rows = [
        laughs.as_str(),
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM \"http://example.invalid/a.dtd\"><a/>",
    ];
    for body in rows {
        assert_eq!(xml(body), "xml_doctype");
    }
}

#[test]
fn charsets_of_declarations() {
    let rows: &[(&str, &[u8], &str)] = &[
        ("text/xml", b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", r#"{"a":"é"}"#),
        ("text/xml", b"<?xml encoding = \"windows-1251\" ?><a>\xef</a>", r#"{"a":"п"}"#),
        ("text/xml; charset=iso-8859-1", b"<a>\xe9</a>", r#"{"a":"é"}"#),
        ("text/xml", b"<?xml encoding='x-unknown'?><a/>", "unsupported_charset"),
        ("text/xml", b"<a>\xe9</a>", "invalid_utf8"),
        ("text/xml", b"<\0a\0/\0>\0", r#"{"a":""}"#),
        ("text/xml", b"\0<\0a\0/\0>", r#"{"a":""}"#),
    ];
    for (content_type, body, expected) in rows {
        assert_eq!(read(&[("content-type", content_type)], body), *expected, "{body:?}");
    }
}

#[test]
fn depth_and_size_end_where_they_should() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(xml(&nested(DEPTH_MAX - 1)).starts_with("{\"a\""));
    assert_eq!(xml(&nested(DEPTH_MAX)), "too_deep");
    assert_eq!(xml(&"<a>".repeat(100_000)), "too_deep");
    let many = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count - 1));
    assert!(xml(&many(NODES_MAX)).starts_with("{\"a\""));
    assert_eq!(xml(&many(NODES_MAX + 1)), "too_many_values");
    let attributes = |count: usize| {
        let list: String = (0..count).map(|n| format!(" a{n}=''")).collect();
        format!("<a{list}/>")
    };
    assert!(xml(&attributes(ATTRIBUTES_MAX)).starts_with("{\"a\""));
    assert_eq!(xml(&attributes(ATTRIBUTES_MAX + 1)), "too_many_values");
    assert_eq!(xml(&attributes(100_000)), "too_many_values");
}

#[test]
fn every_prefix_is_handled() {
    let body = "<?xml version='1.0'?><a b='1'><c>x&lt;</c><![CDATA[z]]><!-- y --></a>";
    for prefix in prefixes(body).skip(1) {
        assert_eq!(xml(prefix), "invalid_xml", "{prefix}");
    }
}
