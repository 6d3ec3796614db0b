//! Multipart bodies: fields, files, and what readers could take apart differently.

use super::*;

const TYPE: &str = "multipart/form-data; boundary=b";

fn with_type(content_type: &str, body: &str) -> String {
    read(&[("content-type", content_type)], body.as_bytes())
}

fn part(headers: &str, content: &str) -> String {
    format!("--b\r\n{headers}\r\n\r\n{content}\r\n")
}

fn named(parameters: &str, content: &str) -> String {
    part(&format!("Content-Disposition: form-data; {parameters}"), content)
}

#[test]
fn fields_become_members() {
    let digest = "b5d4045c3f466fa91fe2cc6abe79232a1a57cdf104f7a26e716e0a1e2789df78";
    let abc = "ABC".repeat(11);
    let long_digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&abc));
    assert_ne!(digest, long_digest);
    let rows: Vec<(String, String)> = vec![
        (named("name=\"a\"", "1"), r#"{"a":"1"}"#.into()),
        (named("name=a", ""), r#"{"a":""}"#.into()),
        (named("name=\"a b;c\"", "x\r\ny"), "{\"a b;c\":\"x\\r\\ny\"}".into()),
        (named("name=\"é\"", "é"), r#"{"é":"é"}"#.into()),
        (named("NAME=\"a\"", "1") + &named("name=\"a\"", "2"), r#"{"a":"1","a":"2"}"#.into()),
        (
            part("content-disposition:form-data;name=a\r\nContent-Type: application/json", "[1]"),
            r#"{"a":[i1]}"#.into(),
        ),
        (
            part("content-disposition: form-data; name=a\r\ncontent-type: application/json", ""),
            r#"{"a":""}"#.into(),
        ),
        (
            part("content-disposition: form-data; name=a\r\ncontent-type: text/plain", "{no"),
            r#"{"a":"{no"}"#.into(),
        ),
        (
            part(
                "content-disposition: form-data; name=a\r\ncontent-type: text/plain; charset=utf-16be",
                "\0h\0i",
            ),
            r#"{"a":"hi"}"#.into(),
        ),
        (
            named("name=\"f\"; filename=\"x.bin\"", &abc),
            format!(r#"{{"f":{{"filename":"x.bin","size":i33,"sha256":"{long_digest}"}}}}"#),
        ),
        // A digest of so little would tell the contents.
        (
            part(
                "Content-Disposition: form-data; name=f; filename=\"\"\r\nContent-Type: text/plain",
                "abc",
            ),
            r#"{"f":{"filename":"","content_type":"text/plain","size":i3}}"#.into(),
        ),
        (
            named("name=f; filename=x; filename*=UTF-8''%C3%A9.txt", "abc"),
            r#"{"f":{"filename":"é.txt","size":i3}}"#.into(),
        ),
        (
            part("content-disposition: form-data; name=f\r\ncontent-type: image/png", "abc"),
            r#"{"f":{"content_type":"image/png","size":i3}}"#.into(),
        ),
        (
            part(
                "content-disposition: form-data; name=f\r\ncontent-transfer-encoding: base64",
                "abc",
            ),
            r#"{"f":{"size":i3}}"#.into(),
        ),
        (
            part(
                "content-disposition: form-data; name=f\r\nContent-Type: multipart/mixed; boundary=c",
                "--c\r\nContent-Disposition: file; filename=a\r\n\r\n1\r\n--c\r\n\r\n2\r\n--c--",
            ),
            r#"{"f":[{"filename":"a","size":i1},"2"]}"#.into(),
        ),
        (String::new(), "{}".into()),
    ];
    for (parts, expected) in rows {
        assert_eq!(with_type(TYPE, &format!("{parts}--b--\r\n")), expected, "{parts}");
        assert_eq!(with_type(TYPE, &format!("\r\n{parts}--b--")), expected, "{parts}");
    }
    let related = "--b\r\nContent-Type: application/json\r\n\r\n{}\r\n--b\r\n\r\nx\r\n--b--";
    assert_eq!(with_type("multipart/related; boundary=\"b\"", related), r#"[{},"x"]"#);
}

#[test]
fn what_readers_disagree_on_is_not_read() {
    let ok = named("name=a", "1");
    let rows: Vec<(&str, String)> = vec![
        (TYPE, format!("preamble\r\n{ok}--b--")),
        (TYPE, format!("{ok}--b--\r\nepilogue")),
        (TYPE, ok.clone()),
        (TYPE, format!("{ok}--b")),
        (TYPE, format!("{ok}--c--")),
        (TYPE, named("name=a", "x\n--b\npassword") + "--b--"),
        (TYPE, named("name=a", "x--by") + "--b--"),
        (TYPE, named("name=a", "x\r\n--bc\r\n") + "--b--"),
        (TYPE, named("name=a", "x") + "--b- -\r\n--b--"),
        (TYPE, named("name=a; name=b", "1") + "--b--"),
        (TYPE, named("name*=utf-8''a", "1") + "--b--"),
        (TYPE, named("name=\"a\"b\"", "1") + "--b--"),
        (TYPE, named("name=\"a", "1") + "--b--"),
        (TYPE, named(&format!("name=a{}; name=b", "; x=y".repeat(20)), "1") + "--b--"),
        (TYPE, named("filename*0=x; name=a", "1") + "--b--"),
        (TYPE, named("x=a", "1") + "--b--"),
        (TYPE, part("Content-Type: text/plain", "1") + "--b--"),
        (TYPE, part("Content-Disposition: form-data;\r\n name=a", "1") + "--b--"),
        (TYPE, part("Content-Disposition: form-data; name=a\nX: y", "1") + "--b--"),
        (TYPE, part("Content Disposition: form-data; name=a", "1") + "--b--"),
        (TYPE, part("no colon", "1") + "--b--"),
        (
            TYPE,
            part("Content-Disposition: form-data; name=a\r\nContent-Disposition: x; name=b", "1")
                + "--b--",
        ),
        (
            TYPE,
            part(
                "Content-Disposition: form-data; name=a\r\nContent-Type: a/b\r\nContent-Type: a/c",
                "1",
            ) + "--b--",
        ),
        (TYPE, "--b\r\nContent-Disposition: form-data; name=a\r\n--b--".to_owned()),
        (TYPE, "--b\nContent-Disposition: form-data; name=a\n\n1\n--b--".to_owned()),
        (TYPE, named(&format!("name={}", "a".repeat(9000)), "1") + "--b--"),
        (TYPE, part(&"a: b\r\n".repeat(17), "1") + "--b--"),
        ("multipart/form-data", format!("{ok}--b--")),
        ("multipart/form-data; boundary=\"\"", format!("{ok}--b--")),
        ("multipart/form-data; boundary=\"b \"", format!("{ok}--b--")),
    ];
    for (content_type, body) in rows {
        assert_eq!(with_type(content_type, &body), "invalid_multipart", "{content_type} {body:?}");
    }
    let long = "x".repeat(71);
    let body = ok.replace("--b", &format!("--{long}"));
    let content_type = format!("multipart/form-data; boundary={long}");
    assert_eq!(with_type(&content_type, &format!("{body}--{long}--")), "invalid_multipart");
    let twice = "multipart/form-data; boundary=b; boundary=c";
    assert_eq!(with_type(twice, &format!("{ok}--b--")), "unsupported_content_type");
    assert_eq!(
        read(
            &[("content-type", TYPE)],
            &[
                named("name=a", "1").as_bytes(),
                b"--b\r\nContent-Disposition: form-data; name=b\r\n\r\n\xff\r\n--b--"
            ]
            .concat()
        ),
        "invalid_utf8"
    );
}

#[test]
fn parts_and_nesting_end_where_they_should() {
    let many = |count: usize| named("name=a", "1").repeat(count) + "--b--";
    assert!(with_type(TYPE, &many(PARTS_MAX)).starts_with("{\"a\""));
    assert_eq!(with_type(TYPE, &many(PARTS_MAX + 1)), "too_many_values");
    let mut body = "--q\r\n\r\nx\r\n--q--".to_owned();
    let mut boundary = "q".to_owned();
    for level in 0..MULTIPARTS_MAX {
        let content_type = format!("multipart/mixed; boundary={boundary}");
        assert!(with_type(&content_type, &body).contains("\"x\""), "{level}");
        boundary = format!("r{level}");
        body =
            format!("--{boundary}\r\nContent-Type: {content_type}\r\n\r\n{body}\r\n--{boundary}--");
    }
    assert_eq!(with_type(&format!("multipart/mixed; boundary={boundary}"), &body), "too_deep");
}

#[test]
fn every_prefix_is_handled() {
    let body = named("name=a", "1")
        + &named("name=f; filename=x", "2")
        + &part("content-disposition: form-data; name=j\r\ncontent-type: application/json", "[1]")
        + "--b--";
    for prefix in prefixes(&body).skip(1) {
        assert_eq!(with_type(TYPE, prefix), "invalid_multipart", "{prefix}");
    }
}
