//! TOML: its types, and tables nested by dots and braces.

use super::*;

fn toml(body: &str) -> String {
    read(&[("content-type", "application/toml")], body.as_bytes())
}

#[test]
fn tables_become_objects() {
    let rows = [
        ("", ""),
        ("a = 1", r#"{"a":i1}"#),
        ("\u{feff}# c\na = 'x' # d", r#"{"a":"x"}"#),
        ("a = \"\\u00e9\\n\"", "{\"a\":\"é\\n\"}"),
        ("a = [true, -1, +2, 1_000, 1.5, 1e3]", r#"{"a":[true,i-1,i2,i1000,d1.5e0,d1e3]}"#),
        ("a = [0xff, 0o7, 0b1, inf, nan]", r#"{"a":["0xff","0o7","0b1","inf","nan"]}"#),
        ("a = 9007199254740993", r#"{"a":t9007199254740993}"#),
        ("a = 123456789012345678901234567890", r#"{"a":t123456789012345678901234567890}"#),
        ("a = 1979-05-27T07:32:00Z", r#"{"a":"1979-05-27T07:32:00Z"}"#),
        (
            "z.y = 1\nz.x = 2\n['a b'.c]\nd = {e = 1}",
            r#"{"z":{"y":i1,"x":i2},"a b":{"c":{"d":{"e":i1}}}}"#,
        ),
        ("[[a]]\nb = 1\n[[a]]\n", r#"{"a":[{"b":i1},{}]}"#),
        ("a", "invalid_toml"),
        ("a = ", "invalid_toml"),
        ("a = 1\na = 2", "invalid_toml"),
        ("a = 1\n[a]", "invalid_toml"),
        ("a = \"\0\"", "invalid_toml"),
        ("{}", "invalid_toml"),
    ];
    for (body, expected) in rows {
        assert_eq!(toml(body), expected, "{body}");
    }
}

#[test]
fn depth_and_size_end_where_they_should() {
    let dots = |depth: usize| format!("{} = 1", vec!["a"; depth].join("."));
    assert!(toml(&dots(DEPTH_MAX)).starts_with("{\"a\""));
    assert_eq!(toml(&dots(DEPTH_MAX + 1)), "too_deep");
    assert_eq!(toml(&dots(100_000)), "invalid_toml");
    assert_eq!(toml(&format!("[{}]", vec!["a"; 100_000].join("."))), "invalid_toml");
    let lists = |depth: usize| format!("a = {}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(toml(&lists(DEPTH_MAX - 1)).starts_with("{\"a\""));
    assert_eq!(toml(&lists(DEPTH_MAX)), "too_deep");
    assert_eq!(toml(&lists(100_000)), "invalid_toml");
    assert_eq!(toml(&"a = {".repeat(100_000)), "invalid_toml");
    let many = |count: usize| format!("a=[{}]", "1,".repeat(count));
    assert!(toml(&many(1000)).starts_with("{\"a\""));
    assert_eq!(toml(&many(NODES_MAX)), "too_much_work");
    let long = |bytes: usize| format!("a='{}'", "x".repeat(bytes - 4));
    assert!(toml(&long(TOML_BYTES_MAX)).starts_with("{\"a\""));
    assert_eq!(toml(&long(TOML_BYTES_MAX + 1)), "too_much_work");
}

#[test]
fn dots_in_braces_nest_without_limit() {
    let path = vec!["a"; 78].join(".");
    let open = format!("{path} = {{").repeat(70);
    let deep = format!("{open}{path} = 1{}", "}".repeat(70));
    assert_eq!(toml(&deep), "too_deep");
    assert_eq!(toml(&format!("{deep}\nb = ")), "invalid_toml");
    assert_eq!(toml(&format!("{deep}\n{}", deep.replace('a', "b"))), "too_deep");
}
