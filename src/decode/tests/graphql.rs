//! GraphQL: which literals there are, and by which names.

use super::*;
use crate::decode::graphql::SELECTIONS_MAX;

/// `names|field=value` of every literal.
fn literals(text: &str) -> String {
    let Ok(literals) = graphql(text) else { return "invalid".to_owned() };
    let rows = literals.iter().map(|literal| {
        let names = literal.names.join(".");
        let written = text.get(literal.range.clone()).unwrap();
        match &literal.value {
            Value::String(value) => {
                assert!(written.starts_with('"') && written.ends_with('"'), "{written}");
                format!("{names}|{}={value:?}", literal.field)
            }
            Value::Number(value) | Value::Name(value) => {
                assert_eq!(written, *value);
                format!("{names}|{}={value}", literal.field)
            }
            Value::Variable(value) => {
                assert_eq!(written, *value);
                format!("{names}|{}=${value}", literal.field)
            }
            Value::Comment(value) => {
                assert_eq!(written, format!("#{value}"));
                format!("#{value}")
            }
        }
    });
    rows.collect::<Vec<_>>().join(" ")
}

#[test]
fn literals_have_names() {
    let rows = [
        ("{a}", ""),
        ("\u{feff} query Q { a, b }", ""),
        ("{ login(user: \"u\", password: \"p\") { id } }", "user|login=\"u\" password|login=\"p\""),
        ("mutation M($p: String!) { x: login(password: $p) }", "password|login=$p"),
        (
            "mutation M($p: [String!]! = [\"d\"] @dir(why: \"w\"), $q: Int = 1) { a(b: $q, c: 2) }",
            "p|M=\"d\" p.why|dir=\"w\" q|M=1 b|a=$q c|a=2",
        ),
        (
            "mutation { a(in: {user: {pass: \"p\", n: [1, -2.5e3]}, ok: true, k: PIN}) }",
            "in.user.pass|a=\"p\" in.user.n|a=1 in.user.n|a=-2.5e3 in.ok|a=true in.k|a=PIN",
        ),
        (
            "{ a(b: \"\\\"\\u00e9\\ud83d\\ude00\\u{1f600}\\n\") c(d: \"\"\"x \"y\" \\\"\"\" z\"\"\") }",
            "b|a=\"\\\"é😀😀\\n\" d|c=\"x \\\"y\\\" \\\\\\\"\\\"\\\" z\"",
        ),
        ("# one\n{ a # two\r }", "# one # two"),
        (
            "query { a @include(if: true) { ...F ... on T { b(c: null) } } }",
            "if|include=true c|b=null",
        ),
        ("fragment F on T { a } query { a { ...F } }", ""),
        ("subscription S { a(b: [[{c: \"d\"}], []]) }", "b.c|a=\"d\""),
        ("{ a(b: {}) c(d: [\"x\" \"y\"]) }", "d|c=\"x\" d|c=\"y\""),
    ];
    for (text, expected) in rows {
        assert_eq!(literals(text), expected, "{text}");
    }
}

#[test]
fn what_is_no_document() {
    let rows = [
        "",
        "a",
        "query",
        "{",
        "}",
        "{a(b: \"c\")",
        "{a(b: \"c)}",
        "{a(b: \"c\n\")}",
        "{a(b)}",
        "{a(b:)}",
        "{a(: 1)}",
        "{a(b: {c)}",
        "{a(b: [c)}",
        "{a(b: ])}",
        "{a(b: 1}",
        "{\"a\": 1}",
        "{a(b: \"\\x\")}",
        "{a(b: \"\\ud800\")}",
        "{a(b: \"\\u{110000}\")}",
        "{a(b: \"\\u{}\")}",
        "{a(b: \"\"\"c\")}",
        "{a ? b}",
        "{{a}}}",
        "{a..b}",
        "{a(b: $)}",
        "query ($a String) {a}",
        "query ($a: String {a}",
        "{a!}",
        "{é}",
    ];
    for text in rows {
        assert_eq!(literals(text), "invalid", "{text}");
    }
}

#[test]
fn operations_are_known_by_their_first_word() {
    let rows = [
        ("mutation{a}", true),
        ("  query Q {a}", true),
        ("subscription\n{", true),
        ("fragment F on T {", true),
        ("queryset {", false),
        ("query the database", false),
        ("{a}", false),
        ("", false),
    ];
    for (text, expected) in rows {
        assert_eq!(is_operation(text), expected, "{text}");
    }
}

#[test]
fn bodies_are_checked() {
    let body = |text: &str| read(&[("content-type", "application/graphql")], text.as_bytes());
    assert_eq!(body("{ a }"), "\"{ a }\"");
    assert_eq!(body("{ a"), "invalid_graphql");
    assert_eq!(body("a"), "invalid_graphql");
}

#[test]
fn depth_and_size_end_where_they_should() {
    let nested = |depth: usize| format!("{}a{}", "{a".repeat(depth), "}".repeat(depth));
    assert!(graphql(&nested(SELECTIONS_MAX)).is_ok());
    assert_eq!(graphql(&nested(SELECTIONS_MAX + 1)).err(), Some(Note::TooDeep));
    let listed = |depth: usize| format!("{{a(b: {}1{})}}", "[".repeat(depth), "]".repeat(depth));
    assert!(graphql(&listed(DEPTH_MAX - 2)).is_ok());
    assert_eq!(graphql(&listed(DEPTH_MAX - 1)).err(), Some(Note::TooDeep));
    for open in ["{a", "{a(b:{c:", "{a(b:["] {
        let deep = open.to_owned() + &"[".repeat(100_000);
        assert!(graphql(&deep).is_err());
        assert!(graphql(&open.repeat(100_000)).is_err());
    }
    let many = |count: usize| format!("{{a(b: [{}])}}", "1 ".repeat(count));
    assert_eq!(graphql(&many(1000)).map(|literals| literals.len()).ok(), Some(1000));
    assert_eq!(graphql(&many(NODES_MAX)).err(), Some(Note::TooManyValues));
}

#[test]
fn every_prefix_is_handled() {
    let text = "mutation M($p: Int = 1) { a(b: \"\\u00e9\", c: {d: [\"\"\"e\"\"\"]}) @f { g } }";
    for prefix in prefixes(text) {
        assert_eq!(literals(prefix), "invalid", "{prefix}");
    }
}
