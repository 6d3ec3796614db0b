//! Paths as tables: what they select, and what is wrong with them.

use super::*;
use crate::decode::{self, Number};

/// Values as JSON, so that they can be compared with what a row says.
fn shown(node: &Node<'_>) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match node {
        Node::Null => "null".to_owned(),
        Node::Bool(value) => value.to_string(),
        Node::Number(Number::Integer(number)) => number.to_string(),
        Node::Number(Number::Double(number)) => number.to_string(),
        Node::Number(Number::Text(text)) => text.to_string(),
        Node::String(text) => quoted(text),
        Node::Array(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(","))
        }
        Node::Object(members) => {
            let members =
                members.iter().map(|(name, node)| format!("{}:{}", quoted(name), shown(node)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    }
}

/// What a path selects, one value after the other.
fn selected(path: &str, document: &str) -> String {
    let path = JsonPath::new(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let node = decode::json(document).unwrap();
    let mut work = 1_000_000;
    let selected = path.select(&node, &mut work).unwrap();
    selected.into_iter().map(shown).collect::<Vec<_>>().join(" ")
}

fn check(document: &str, rows: &[(&str, &str)]) {
    for (path, expected) in rows {
        assert_eq!(selected(path, document), *expected, "{path}");
    }
}

#[test]
fn names_and_indices() {
    let document =
        r#"{"a":{"b":1,"a":[10,11,12]},"é":2,"":3,"a b":4,"A":5,"_x9":6,"'":7,"\"":8,"\u0001":9}"#;
    check(
        document,
        &[
            ("$.a.b", "1"),
            ("$['a']['b']", "1"),
            ("$[\"a\"].b", "1"),
            ("$.a.a[0]", "10"),
            ("$.a.a[-1]", "12"),
            ("$.a.a[-3]", "10"),
            ("$.a.a[-4]", ""),
            ("$.a.a[3]", ""),
            ("$.a[0]", ""),
            ("$.a.a.a", ""),
            ("$.a.a['0']", ""),
            ("$.b", ""),
            ("$.é", "2"),
            ("$['\\u00e9']", "2"),
            ("$['']", "3"),
            ("$['a b']", "4"),
            ("$.A", "5"),
            ("$._x9", "6"),
            ("$['\\'']", "7"),
            ("$[\"'\"]", "7"),
            ("$['\"']", "8"),
            ("$[\"\\\"\"]", "8"),
            ("$['\\u0001']", "9"),
            ("$ .a .b", "1"),
            ("$\n[ 'a' ]\t.b", "1"),
            ("$.a.a[0,2]", "10 12"),
            ("$.a.a[1,1]", "11 11"),
            ("$['A','é']", "5 2"),
            ("$.a.a[9007199254740991]", ""),
            ("$.a.a[-9007199254740991]", ""),
        ],
    );
    assert_eq!(selected("$", "7"), "7");
    assert_eq!(selected("$['\\ud83d\\ude00']", r#"{"😀":1}"#), "1");
    assert_eq!(selected("$['\\b\\f\\n\\r\\t\\/\\\\']", r#"{"\b\f\n\r\t/\\":1}"#), "1");
}
