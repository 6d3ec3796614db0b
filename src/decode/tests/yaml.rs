//! YAML: types of plain scalars, aliases, and what is no tree of names and values.

use super::*;

fn yaml(body: &str) -> String {
    read(&[("content-type", "application/yaml")], body.as_bytes())
}

#[test]
fn documents_become_trees() {
    let rows = [
        ("a: 1\nb: [x, 'y', \"z\\n\"]", "{\"a\":i1,\"b\":[\"x\",\"y\",\"z\\n\"]}"),
        ("\u{feff}a: 1", r#"{"a":i1}"#),
        ("{\"a\": {\"b\": [1, null]}}", r#"{"a":{"b":[i1,null]}}"#),
        (
            "- ~\n- null\n-\n- true\n- False\n- yes\n- 1e3\n- 0x1F\n- .inf\n- 0123\n- -0.5",
            r#"[null,null,null,true,false,"yes",d1e3,"0x1F",".inf","0123",d-5e-1]"#,
        ),
        ("- '1'\n- \"true\"\n- !!str 1\n- !x 1", r#"["1","true","1",i1]"#),
        ("12345678901234567890", "t12345678901234567890"),
        ("a: |\n  x\n  y\nb: >\n  x\n  y\n", r#"{"a":"x\ny\n","b":"x y\n"}"#),
        ("1: a\ntrue: b\n~: c\n? d\n: e", r#"{"1":"a","true":"b","~":"c","d":"e"}"#),
        ("a: 1\na: 2", r#"{"a":i1,"a":i2}"#),
        ("a: &x 1\nb: *x\nc: &y [*x]\nd: *y", r#"{"a":i1,"b":i1,"c":[i1],"d":[i1]}"#),
        ("a: &x b\n*x : c", r#"{"a":"b","b":"c"}"#),
        ("x: &b {p: 1}\ny:\n  <<: *b", r#"{"x":{"p":i1},"y":{"<<":{"p":i1}}}"#),
        ("a: &x 1\nb: &x 2\nc: *x", r#"{"a":i1,"b":i2,"c":i2}"#),
        ("--- 1\n--- 2\n...\n", "[i1,i2]"),
        ("a: # c\n  b # d\n#e", r#"{"a":"b"}"#),
        ("plain text", "\"plain text\""),
        ("# nothing", "invalid_yaml"),
        ("[", "invalid_yaml"),
        ("a: b: c", "invalid_yaml"),
        ("{a: 1", "invalid_yaml"),
        ("a: *x", "invalid_yaml"),
        ("a: &x [*x]", "invalid_yaml"),
        ("--- &x a\n--- *x", "invalid_yaml"),
        ("? [a]\n: b", "invalid_yaml"),
        ("? {a: b}\n: c", "invalid_yaml"),
        ("a: &x [1]\n*x : b", "invalid_yaml"),
        ("a: \"\\x\"", "invalid_yaml"),
        ("a: \0", "invalid_yaml"),
    ];
    for (body, expected) in rows {
        assert_eq!(yaml(body), expected, "{body}");
    }
    assert_eq!(read(&[("content-type", "text/yaml")], b"a: \xff"), "invalid_utf8");
}

#[test]
fn depth_and_size_end_where_they_should() {
    let flow = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(yaml(&flow(DEPTH_MAX)).starts_with("[["));
    assert_eq!(yaml(&flow(DEPTH_MAX + 1)), "too_deep");
    // The parser has limits of its own.
    for open in ["[", "{a: ", "- ", "? "] {
        let note = yaml(&open.repeat(100_000));
        assert!(note == "too_deep" || note == "invalid_yaml", "{open} {}", note.len());
    }
    let blocks = |depth: usize| format!("{}x", "- ".repeat(depth));
    assert!(yaml(&blocks(DEPTH_MAX)).starts_with("[["));
    assert_eq!(yaml(&blocks(DEPTH_MAX + 1)), "too_deep");
    let many = |count: usize| "- 1\n".repeat(count - 1);
    assert!(yaml(&many(NODES_MAX)).starts_with("[i1"));
    assert_eq!(yaml(&many(NODES_MAX + 1)), "too_many_values");
}

#[test]
fn aliases_cost_what_they_stand_for() {
    let laughs = |leaf: &str, width: usize, levels: usize| {
        let mut text = format!("a0: &a0 {leaf}\n");
        for level in 1..levels {
            let inner = vec![format!("*a{}", level - 1); width].join(", ");
            text += &format!("a{level}: &a{level} [{inner}]\n");
        }
        text
    };
    assert_eq!(yaml(&laughs("[]", 10, 10)), "too_many_values");
    assert_eq!(yaml(&laughs("lol", 10, 10)), "too_much_text");
    assert!(yaml(&laughs("lol", 3, 5)).starts_with("{\"a0\":\"lol\""));
    assert_eq!(yaml(&laughs(&"x".repeat(20_000), 10, 4)), "too_much_text");
    // Chains are deep, not wide.
    assert_eq!(yaml(&laughs("[]", 1, 100)), "too_deep");
}
