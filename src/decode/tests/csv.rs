//! Tables: names of columns, quotes, and what has no names.

use super::*;

fn csv(body: &str) -> String {
    read(&[("content-type", "text/csv")], body.as_bytes())
}

#[test]
fn rows_have_named_cells() {
    let rows = [
        ("a,b\n1,2\n", r#"[{"a":"1","b":"2"}]"#),
        ("a,b\r\n1\r\n\r\n,2", r#"[{"a":"1"},{"a":"","b":"2"}]"#),
        ("\u{feff}a;b c\n\"x;\"\"y\"\"\n\";z", "[{\"a\":\"x;\\\"y\\\"\\n\",\"b c\":\"z\"}]"),
        ("a\tb\nx,y\tz", r#"[{"a":"x,y","b":"z"}]"#),
        ("a\n1\n2", r#"[{"a":"1"},{"a":"2"}]"#),
        ("\"a\",\"\"\"b\"\n1,2", "invalid_csv"),
        ("a,a\n1,2", r#"[{"a":"1","a":"2"}]"#),
        ("a,b", "[]"),
        ("a,b\nx\"y,\"z\"", "[{\"a\":\"x\\\"y\",\"b\":\"z\"}]"),
        ("a,b\n\"\",\"\"\"\"", "[{\"a\":\"\",\"b\":\"\\\"\"}]"),
        ("a,b\n1,2,3", "invalid_csv"),
        ("a,b\n\"1,2", "invalid_csv"),
        ("a,b\n\"1\"x,2", "invalid_csv"),
        ("a,\n1,2", "invalid_csv"),
        ("1,2\n3,4", "invalid_csv"),
        ("me@example.org,x\n3,4", "invalid_csv"),
        ("\n\n", "invalid_csv"),
    ];
    for (body, expected) in rows {
        assert_eq!(csv(body), expected, "{body:?}");
    }
    let kind = |value: &str| read(&[("content-type", value)], b"a\tb\n1\t2");
    assert_eq!(kind("text/tab-separated-values"), r#"[{"a":"1","b":"2"}]"#);
    assert_eq!(kind("text/csv; header=present"), r#"[{"a":"1","b":"2"}]"#);
    assert_eq!(kind("text/csv; header=absent"), "unsupported_content_type");
    assert_eq!(read(&[("content-type", "text/csv")], b"a\n\xff"), "invalid_utf8");
}

#[test]
fn cells_are_bounded() {
    let wide = |columns: usize| format!("{}b", "a,".repeat(columns - 1));
    assert_eq!(csv(&wide(COLUMNS_MAX)), "[]");
    assert_eq!(csv(&wide(COLUMNS_MAX + 1)), "too_many_values");
    assert_eq!(csv(&wide(100_000)), "too_many_values");
    assert_eq!(csv(&format!("a\n{}", "1\n".repeat(NODES_MAX / 2 + 1))), "too_many_values");
    assert_eq!(csv(&format!("{}\n1", "a".repeat(65))), "invalid_csv");
    // Short rows under long names would make far more text than was sent.
    let name = "a".repeat(64);
    let rows = format!("{name},{name}\n{}", ",\n".repeat(50_000));
    assert_eq!(csv(&rows), "too_much_text");
    assert_eq!(csv(&format!("a\n\"{}", "\"\"".repeat(100_000))), "invalid_csv");
}
