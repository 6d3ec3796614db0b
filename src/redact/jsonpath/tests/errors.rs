//! What is no path, and where.

use super::*;

/// Paths, the character where they go wrong, and what is missing there.
const ROWS: &[(&str, usize, Expected)] = &[
    ("", 1, Expected::Start),
    ("a", 1, Expected::Start),
    (" $", 1, Expected::Start),
    ("@.a", 1, Expected::Start),
    ("$ ", 2, Expected::Segment),
    ("$.a ", 4, Expected::Segment),
    ("$a", 2, Expected::Segment),
    ("$$", 2, Expected::Segment),
    ("$.a-b", 4, Expected::Segment),
    ("$.a b", 4, Expected::Segment),
    ("$.é]", 4, Expected::Segment),
    ("$.", 3, Expected::Name),
    ("$..", 4, Expected::Name),
    ("$...a", 4, Expected::Name),
    ("$. a", 3, Expected::Name),
    ("$.1", 3, Expected::Name),
    ("$.-a", 3, Expected::Name),
    ("$.'a'", 3, Expected::Name),
    ("$.[0]", 3, Expected::Name),
    ("$.$", 3, Expected::Name),
    ("$[", 3, Expected::Selector),
    ("$[]", 3, Expected::Selector),
    ("$[a]", 3, Expected::Selector),
    ("$[0,]", 5, Expected::Selector),
    ("$[,0]", 3, Expected::Selector),
    ("$[.a]", 3, Expected::Selector),
    ("$[0", 4, Expected::Sign(']')),
    ("$[0 1]", 5, Expected::Sign(']')),
    ("$['a'", 6, Expected::Sign(']')),
    ("$[*", 4, Expected::Sign(']')),
    ("$[1:2:3:4]", 8, Expected::Sign(']')),
    ("$[01]", 3, Expected::Integer),
    ("$[-0]", 3, Expected::Integer),
    ("$[-01]", 3, Expected::Integer),
    ("$[-]", 3, Expected::Integer),
    ("$[--1]", 3, Expected::Integer),
    ("$[9007199254740992]", 3, Expected::Integer),
    ("$[-9007199254740992]", 3, Expected::Integer),
    ("$[99999999999999999999]", 3, Expected::Integer),
    ("$[1:01]", 5, Expected::Integer),
    ("$[::-0]", 5, Expected::Integer),
    ("$[1.0]", 4, Expected::Sign(']')),
    ("$[1e1]", 4, Expected::Sign(']')),
    ("$['a", 5, Expected::Text),
    ("$['a\u{1}']", 5, Expected::Text),
    ("$[\"a\n\"]", 5, Expected::Text),
    ("$['\\x']", 5, Expected::Escape),
    ("$['\\\"']", 5, Expected::Escape),
    ("$[\"\\'\"]", 5, Expected::Escape),
    ("$['\\u12']", 6, Expected::Escape),
    ("$['\\ud800']", 6, Expected::Escape),
    ("$['\\udc00']", 6, Expected::Escape),
    ("$['\\ud800\\u0041']", 6, Expected::Escape),
    ("$['\\U0041']", 5, Expected::Escape),
    ("$['\\", 5, Expected::Escape),
    ("$[?]", 4, Expected::Operand),
    ("$[?()]", 5, Expected::Operand),
    ("$[?@.a &&]", 10, Expected::Operand),
    ("$[?@.a || ]", 11, Expected::Operand),
    ("$[?@.a ==]", 10, Expected::Operand),
    ("$[?.a]", 4, Expected::Operand),
    ("$[?'a]", 7, Expected::Text),
    ("$[?@.a & @.b]", 8, Expected::Sign(']')),
    ("$[?@.a === 1]", 10, Expected::Operand),
    ("$[?@.a = 1]", 8, Expected::Sign(']')),
    ("$[?@.a == 1 == 2]", 13, Expected::Sign(']')),
    ("$[?!@.a == 1]", 9, Expected::Sign(']')),
    ("$[?(@.a) == 1]", 10, Expected::Sign(']')),
    ("$[?(@.a]", 8, Expected::Sign(')')),
    ("$[?@.a == (1)]", 11, Expected::Operand),
    ("$[?@ @.a]", 6, Expected::Sign(']')),
    ("$[?!!@.a]", 5, Expected::Operand),
    ("$[?1]", 4, Expected::Condition),
    ("$[?'a']", 4, Expected::Condition),
    ("$[?true]", 4, Expected::Condition),
    ("$[?!null]", 5, Expected::Condition),
    ("$[?@.a && true]", 11, Expected::Condition),
    ("$[?length(@.a)]", 4, Expected::Condition),
    ("$[?count(@.*)]", 4, Expected::Condition),
    ("$[?@.* == 1]", 4, Expected::Singular),
    ("$[?@..a == 1]", 4, Expected::Singular),
    ("$[?1 == @[0:1]]", 9, Expected::Singular),
    ("$[?@['a','b'] == 1]", 4, Expected::Singular),
    ("$[?@[?@.a] == 1]", 4, Expected::Singular),
    ("$[?length(@.*) == 1]", 11, Expected::Singular),
    ("$[?match(@.a, 'a') == true]", 4, Expected::Value),
    ("$[?length(match(@.a, 'a')) == 1]", 11, Expected::Value),
    ("$[?count(1) == 1]", 10, Expected::Query),
    ("$[?value('a') == 1]", 10, Expected::Query),
    ("$[?count(length(@)) == 1]", 10, Expected::Query),
    ("$[?count() == 1]", 10, Expected::Query),
    ("$[?length() == 1]", 11, Expected::Operand),
    ("$[?length(@.a,@.b) == 1]", 14, Expected::Sign(')')),
    ("$[?count(@.a,@.b) == 1]", 13, Expected::Sign(')')),
    ("$[?match(@.a)]", 13, Expected::Sign(',')),
    ("$[?match(@.a, 'a', 'b')]", 18, Expected::Sign(')')),
    ("$[?match(@.*, 'a')]", 10, Expected::Singular),
    ("$[?match(@.a, '\\\\d')]", 15, Expected::Regexp),
    ("$[?match(@.a, '[')]", 15, Expected::Regexp),
    ("$[?match(@.a, '[]')]", 15, Expected::Regexp),
    ("$[?match(@.a, '[b-a]')]", 15, Expected::Regexp),
    ("$[?match(@.a, '(')]", 15, Expected::Regexp),
    ("$[?match(@.a, 'a)')]", 15, Expected::Regexp),
    ("$[?match(@.a, 'a**')]", 15, Expected::Regexp),
    ("$[?match(@.a, 'a+?')]", 15, Expected::Regexp),
    ("$[?match(@.a, '*')]", 15, Expected::Regexp),
    ("$[?match(@.a, 'a{2,1}')]", 15, Expected::Regexp),
    ("$[?match(@.a, 'a{,2}')]", 15, Expected::Regexp),
    ("$[?match(@.a, '(?i)a')]", 15, Expected::Regexp),
    ("$[?match(@.a, '\\\\p{Greek}')]", 15, Expected::Regexp),
    ("$[?match(@.a, '\\\\pL')]", 15, Expected::Regexp),
    ("$[?match(@.a, '[a-b-c]')]", 15, Expected::Regexp),
    ("$[?match(@.a, 'a{99999}{99999}')]", 15, Expected::Regexp),
    ("$[?match(@.a, '(a{900}){900}')]", 15, Expected::SmallRegexp),
    ("$[?nope(@.a)]", 4, Expected::Function),
    ("$[?Length(@.a) == 1]", 4, Expected::Operand),
    ("$[?length (@.a) == 1]", 4, Expected::Operand),
    ("$[?TRUE == 1]", 4, Expected::Operand),
    ("$[?@.a == True]", 11, Expected::Operand),
    ("$[?@.a == nul]", 11, Expected::Operand),
    ("$[?@.a == undefined]", 11, Expected::Operand),
    ("$[?@.a == 01]", 11, Expected::Number),
    ("$[?@.a == -]", 11, Expected::Number),
    ("$[?@.a == 1.]", 11, Expected::Number),
    ("$[?@.a == .1]", 11, Expected::Operand),
    ("$[?@.a == 1e]", 11, Expected::Number),
    ("$[?@.a == 1e+]", 11, Expected::Number),
    ("$[?@.a == +1]", 11, Expected::Operand),
    ("$[?@.a == {}]", 11, Expected::Operand),
    ("$[?@.a == []]", 11, Expected::Operand),
    ("$[?@.a in ['b']]", 8, Expected::Sign(']')),
    ("$[?(@.a =~ /b/)]", 9, Expected::Sign(')')),
    ("$[(@.length-1)]", 3, Expected::Selector),
    ("$.a.length()", 11, Expected::Segment),
    ("$.a~", 4, Expected::Segment),
    ("$.a^", 4, Expected::Segment),
];

#[test]
fn paths_that_are_none() {
    for (path, at, expected) in ROWS {
        let error = JsonPath::new(path).map(|_| ()).expect_err(path);
        assert_eq!(error, JsonPathError { at: *at, expected: *expected }, "{path}");
        assert!(error.to_string().ends_with(&format!(" at character {at}")), "{error}");
    }
}

#[test]
fn numbers_of_any_form() {
    for number in
        ["0", "-0", "1", "-1", "10", "1.5", "1e3", "1E+3", "1.5e-3", "-0.0", "0e0", "1e400"]
    {
        assert!(JsonPath::new(&format!("$[?@.a == {number}]")).is_ok(), "{number}");
    }
}

#[test]
fn nesting_and_length_are_bounded() {
    let parens = |n: usize| format!("$[?{}@{}]", "(".repeat(n), ")".repeat(n));
    assert!(JsonPath::new(&parens(11)).is_ok());
    let error = JsonPath::new(&parens(12)).unwrap_err();
    assert_eq!(error.expected, Expected::Shallower);
    let filters = |n: usize| format!("${}{}", "[?@".repeat(n), "]".repeat(n));
    assert!(JsonPath::new(&filters(12)).is_ok());
    assert_eq!(JsonPath::new(&filters(13)).unwrap_err().expected, Expected::Shallower);
    let functions = |n: usize| format!("$[?{}@{} == 1]", "length(".repeat(n), ")".repeat(n));
    assert!(JsonPath::new(&functions(11)).is_ok());
    assert_eq!(JsonPath::new(&functions(900)).unwrap_err().expected, Expected::Shorter);
    assert_eq!(JsonPath::new(&functions(200)).unwrap_err().expected, Expected::Shallower);
    let groups = |n: usize| format!("$[?match(@, '{}a{}')]", "(".repeat(n), ")".repeat(n));
    assert!(JsonPath::new(&groups(12)).is_ok());
    assert!(JsonPath::new(&groups(500)).is_err());
    let long = format!("${}", ".a".repeat(PATH_BYTES_MAX / 2));
    assert_eq!(
        JsonPath::new(&long).unwrap_err(),
        JsonPathError { at: 1, expected: Expected::Shorter }
    );
    let longest = long.strip_suffix(".a").unwrap();
    assert!(JsonPath::new(longest).is_ok());
}
