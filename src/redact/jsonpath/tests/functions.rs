//! The functions, and I-Regexp.

use super::{check, selected};

#[test]
fn lengths_counts_and_values() {
    let document = r#"{"l":[{"a":"é😀x","b":[1,2]},{"a":[1,2,3],"b":{"c":1}},{"a":{"x":1},"d":{"d":5}},{"a":7},{"a":null}]}"#;
    check(
        document,
        &[
            ("$.l[?length(@.a) == 3].b", r#"[1,2] {"c":1}"#),
            ("$.l[?length(@.a) == 1].a", r#"{"x":1}"#),
            ("$.l[?length(@.a) > 1].b", r#"[1,2] {"c":1}"#),
            ("$.l[?length(@.a) == length('abc')].b", r#"[1,2] {"c":1}"#),
            ("$.l[?length(@.none) == 0]", ""),
            ("$.l[?length(@.none) == @.none].a", r#""é😀x" [1,2,3] {"x":1} 7 null"#),
            ("$.l[?length(@.a) == @.none].a", "7 null"),
            ("$.l[?length(@) == 2].d", r#"{"d":5}"#),
            ("$.l[?length(value($..x)) == 1]", ""),
            ("$.l[?length(value(@.b.*)) == 1]", ""),
            ("$.l[?count(@.b.*) == 2].b", "[1,2]"),
            ("$.l[?count(@.*) == 1].a", "7 null"),
            ("$.l[?count(@..d) == 2].d", r#"{"d":5}"#),
            ("$.l[?count(@.b[0,0]) == 2].b", "[1,2]"),
            ("$.l[?count(@.none) == 0].a", r#""é😀x" [1,2,3] {"x":1} 7 null"#),
            ("$.l[? count( @.b[*] ) >= 1 ].b", r#"[1,2] {"c":1}"#),
            ("$.l[?value(@..c) == 1].b", r#"{"c":1}"#),
            ("$.l[?value(@.b[*]) == 1].b", r#"{"c":1}"#),
            ("$.l[?value(@.none) == @.none].d", r#"{"d":5}"#),
            ("$.l[?count(@[?length(@) == 2]) == 1].b", "[1,2]"),
        ],
    );
}

#[test]
fn match_is_about_all_of_a_text_and_search_about_a_part() {
    let document = r#"[{"a":"abc","p":"a.c"},{"a":"xabcx","p":"["},{"a":"a\nc","p":7},{"a":5},{}]"#;
    check(
        document,
        &[
            ("$[?match(@.a, 'a.c')].a", r#""abc""#),
            ("$[?match(@.a, 'a')].a", ""),
            ("$[?match(@.a, 'a|abc')].a", r#""abc""#),
            ("$[?search(@.a, 'b')].a", r#""abc" "xabcx""#),
            ("$[?search(@.a, 'a[\\n]c')].a", r#""a\nc""#),
            ("$[?!search(@.a, 'b')].a", r#""a\nc" 5"#),
            // No text is described by a number: it holds nowhere.
            ("$[?search(@.a, 1)].a", ""),
            ("$[?match(@.a, true)].a", ""),
            ("$[?match(@.a, @.p)].a", r#""abc""#),
            ("$[?search(@.a, @.p)].a", r#""abc""#),
            ("$[?search(@.a, $[0].p)].a", r#""abc" "xabcx""#),
            ("$[?match('abc', @.p)].a", r#""abc""#),
            ("$[?match(@.none, '.*')]", ""),
            ("$[?match(@.a, '')]", ""),
            ("$[?match(@.a,'abc')&&@.p].p", r#""a.c""#),
            ("$[?match(value(@..a), 'abc')].a", r#""abc""#),
        ],
    );
}

#[test]
fn regular_expressions_are_those_of_rfc_9485() {
    // Expression, texts that match it, texts that do not.
    let rows: &[(&str, &[&str], &[&str])] = &[
        ("a", &["a"], &["", "A", "aa"]),
        (".", &["a", "é", "😀"], &["\\n", "\\r", "ab"]),
        ("a*b+c?", &["b", "aabbc"], &["a", "abcc"]),
        ("a{2}", &["aa"], &["a", "aaa"]),
        ("a{2,}", &["aa", "aaaa"], &["a"]),
        ("a{1,2}", &["a", "aa"], &["", "aaa"]),
        ("(ab|c)d", &["abd", "cd"], &["abcd", "ad"]),
        ("()", &[""], &["a"]),
        ("a||b", &["a", "", "b"], &["ab"]),
        ("[abc]", &["b"], &["d", "ab"]),
        ("[^abc]", &["d", "é"], &["a"]),
        ("[a-c]", &["b"], &["d", "-"]),
        ("[-a]", &["-", "a"], &["b"]),
        ("[a-]", &["-", "a"], &["b"]),
        ("[^-]", &["a"], &["-"]),
        ("[a-cx-z]", &["b", "y"], &["d"]),
        ("[a&&b]", &["a", "&", "b"], &["c"]),
        ("[.*+?]", &[".", "*"], &["a"]),
        ("[\\\\]\\\\[]", &["[", "]"], &["\\\\"]),
        ("[\\\\^a]", &["^", "a"], &["b"]),
        ("[^^]", &["a"], &["^"]),
        ("\\\\p{Lu}", &["A", "É"], &["a", "1"]),
        ("\\\\P{L}", &["1", " "], &["a"]),
        ("[\\\\p{Nd}x]", &["7", "x"], &["a"]),
        ("\\\\.\\\\-\\\\(\\\\)\\\\{\\\\}\\\\|\\\\?\\\\*\\\\+", &[".-(){}|?*+"], &["a"]),
        ("\\\\n\\\\r\\\\t", &["\\n\\r\\t"], &["nrt"]),
        ("a b#c~d", &["a b#c~d"], &["ab#c~d"]),
        ("^a$", &["a"], &["^a$"]),
        ("é+", &["éé"], &["e"]),
        ("(((a)))", &["a"], &["b"]),
    ];
    for (expression, hits, misses) in rows {
        for (texts, expected) in [(hits, true), (misses, false)] {
            for text in *texts {
                let document = format!("[\"{text}\"]");
                let path = format!("$[?match(@, '{expression}')]");
                let found = !selected(&path, &document).is_empty();
                assert_eq!(found, expected, "{expression} on {text}");
            }
        }
    }
}
