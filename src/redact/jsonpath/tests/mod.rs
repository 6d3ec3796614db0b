//! Paths as tables: what they select, and what is wrong with them.

use super::*;
use crate::decode::{self, Number};

mod errors;
mod filters;
mod functions;
mod work;

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

#[test]
fn wildcards_and_descendants() {
    let document = r#"{"o":{"j":1,"k":2},"a":[5,3,[{"j":4},{"k":6}]]}"#;
    check(
        document,
        &[
            ("$.*", r#"{"j":1,"k":2} [5,3,[{"j":4},{"k":6}]]"#),
            ("$[*]", r#"{"j":1,"k":2} [5,3,[{"j":4},{"k":6}]]"#),
            ("$.o[*]", "1 2"),
            ("$.o[*,*]", "1 2 1 2"),
            ("$.a[*]", r#"5 3 [{"j":4},{"k":6}]"#),
            ("$.o.j[*]", ""),
            ("$.o.j.*", ""),
            ("$..j", "1 4"),
            ("$..['j','k']", "1 2 4 6"),
            ("$..[0]", r#"5 {"j":4}"#),
            ("$..[-1]", r#"[{"j":4},{"k":6}] {"k":6}"#),
            ("$.o..*", "1 2"),
            ("$.a..*", r#"5 3 [{"j":4},{"k":6}] {"j":4} {"k":6} 4 6"#),
            ("$.a..[*]", r#"5 3 [{"j":4},{"k":6}] {"j":4} {"k":6} 4 6"#),
            ("$.a..[0,1]", r#"5 3 {"j":4} {"k":6}"#),
            ("$..*..k", "2 6 6 6"),
            ("$..nothing", ""),
            ("$.a[2]..j", "4"),
        ],
    );
}

#[test]
fn slices() {
    let document = r#"["a","b","c","d","e","f","g"]"#;
    let rows = [
        ("1:3", "b c"),
        ("5:", "f g"),
        (":2", "a b"),
        (":", "a b c d e f g"),
        ("::", "a b c d e f g"),
        ("1:5:2", "b d"),
        ("5:1:-2", "f d"),
        ("::-1", "g f e d c b a"),
        ("::2", "a c e g"),
        ("::-3", "g d a"),
        ("::0", ""),
        ("1:5:0", ""),
        ("-2:", "f g"),
        (":-5", "a b"),
        ("-100:2", "a b"),
        ("5:100", "f g"),
        ("100:", ""),
        ("3:3", ""),
        ("4:2", ""),
        ("2:4:-1", ""),
        ("-1:-4:-1", "g f e"),
        ("100:4:-1", "g f"),
        ("2:-100:-1", "c b a"),
        ("0:0:-1", ""),
        ("0::-1", "a"),
        (" 1 : 5 : 2 ", "b d"),
        ("1:9007199254740991:9007199254740991", "b"),
        ("::-9007199254740991", "g"),
        ("1:3,0", "b c a"),
        ("-3::-3", "e b"),
    ];
    for (slice, expected) in rows {
        let expected: Vec<String> =
            expected.split_whitespace().map(|letter| format!("\"{letter}\"")).collect();
        assert_eq!(selected(&format!("$[{slice}]"), document), expected.join(" "), "{slice}");
    }
    for document in ["[]", "{\"a\":1}", "\"text\"", "1"] {
        for slice in ["::", "::-1", "1:2", "-1:"] {
            assert_eq!(selected(&format!("$[{slice}]"), document), "", "{slice} of {document}");
        }
    }
}

#[test]
fn all_members_of_a_name_are_selected() {
    let document = r#"{"a":1,"b":{"x":1,"x":2},"a":[2],"a":{"a":3}}"#;
    check(
        document,
        &[
            ("$.a", r#"1 [2] {"a":3}"#),
            ("$..a", r#"1 [2] {"a":3} 3"#),
            ("$.a[0]", "2"),
            ("$.a.a", "3"),
            ("$.b.x", "1 2"),
            // A reader may have taken either: it counts as both.
            ("$[?@.x == 1]", r#"{"x":1,"x":2}"#),
            ("$[?@.x == 2]", r#"{"x":1,"x":2}"#),
            ("$[?@.x != 1]", r#"1 {"x":1,"x":2} [2] {"a":3}"#),
            ("$[?@.x == 3]", ""),
        ],
    );
}

#[test]
fn the_name_with_which_results_begin() {
    let rows = [
        ("$.a[*].b", Some("a")),
        ("$['a b']..c", Some("a b")),
        ("$", None),
        ("$[0]", None),
        ("$.*.a", None),
        ("$..a", None),
        ("$['a','b']", None),
        ("$[?@.a]", None),
    ];
    for (path, expected) in rows {
        assert_eq!(JsonPath::new(path).unwrap().first_name(), expected, "{path}");
    }
}

#[test]
fn names_without_which_nothing_is_selected() {
    let rows: [(&str, &[&[&str]]); 15] = [
        ("$", &[]),
        ("$.a[*].b", &[&["a"], &["b"]]),
        ("$..['a','b'].c", &[&["a", "b"], &["c"]]),
        ("$[?@.a].b", &[&["a"], &["b"]]),
        ("$..[?@.a.c && match(@.d, 'x')].b", &[&["a"], &["c"], &["d"], &["b"]]),
        ("$[?@.a == 1 || $.c == null]", &[&["a", "c"]]),
        ("$[?@.a || !@.b]", &[]),
        ("$[?@.a != 1 && @.b == @.c]", &[]),
        ("$[?@.a < 1]", &[]),
        ("$[?search(@, 'x') && 'x' == @.a]", &[&["a"]]),
        ("$[?length(@.a) == 1]", &[]),
        ("$[?@.a, ?@.b].c", &[&["c"]]),
        ("$['a',0].b", &[&["b"]]),
        ("$..*", &[]),
        ("$.*.a..b", &[&["a"], &["b"]]),
    ];
    for (path, expected) in rows {
        let path = JsonPath::new(path).unwrap();
        assert_eq!(path.needed_names().collect::<Vec<_>>(), expected, "{path:?}");
    }
}

#[test]
fn a_path_is_shown_as_written() {
    let path = JsonPath::new("$[?@.a == 1]").unwrap();
    assert_eq!(format!("{path:?} {}", path.as_str()), "JsonPath($[?@.a == 1]) $[?@.a == 1]");
}
