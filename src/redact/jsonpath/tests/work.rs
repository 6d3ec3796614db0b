//! What evaluating may cost, and what no input does.

use proptest::prelude::*;

use super::*;

/// Steps that a path takes in a document; `None` if a million are too few.
fn steps(path: &str, document: &str) -> Option<usize> {
    let path = JsonPath::new(path).unwrap();
    let node = decode::json(document).unwrap();
    let mut work = 1_000_000;
    path.select(&node, &mut work).ok().map(|_| 1_000_000 - work)
}

fn deep(levels: usize) -> String {
    format!("{}1{}", "{\"x\":".repeat(levels), "}".repeat(levels))
}

fn wide(items: usize) -> String {
    format!("[{}]", vec!["{\"x\":[1,2],\"y\":\"text\"}"; items].join(","))
}

#[test]
fn what_cannot_be_there_costs_nothing() {
    assert!(steps("$.messages[*].content", &wide(2000)).unwrap() < 5);
    assert!(steps("$.messages[*].content", &deep(50)).unwrap() < 5);
    assert!(steps("$..x", &wide(2000)).unwrap() < 40_000);
    // What cannot hold for any child is asked once.
    for path in [
        "$[?$.code && @ == $.code && !$.name]",
        "$[?match(@, '[0-9]{6}') && $.code && @ == $.token]",
        "$[?($[0] == 'AUTH' || $[0] == 'auth') && @ != $[0]]",
        "$[?(@.x || @.y) && (search($.kind, '^s') && @.y)]",
        "$[?@.x && length($.kind) > 1]",
    ] {
        assert!(steps(path, &wide(2000)).unwrap() < 40, "{path}");
        assert_eq!(selected(path, &wide(3)), "");
    }
    let kind = r#"{"kind":"secret","a":{"x":1},"b":{"y":1}}"#;
    assert_eq!(selected("$[?(@.x || @.z) && (search($.kind, '^s') && $.b)]", kind), r#"{"x":1}"#);
    assert_eq!(selected("$[?$.b || @.x].x", kind), "1");
}

#[test]
fn what_a_filter_asks_of_the_whole_document_is_looked_for_once() {
    let members: Vec<_> = (0..5000).map(|n| format!("\"m{n}\":{{\"n\":{n}}}")).collect();
    let object = format!("{{{}}}", members.join(","));
    for path in ["$[?!$.data && !$.type && !$.options]", "$[?$.m4999 && @ == $.m4998]"] {
        assert!(steps(path, &object).unwrap() < 100_000, "{path}");
    }
    let twice = format!("{{\"a\":{object},\"b\":{object},\"c\":{{}}}}");
    assert!(steps("$[?@ == $.a]", &twice).unwrap() < 50_000);
    assert_eq!(selected("$[?@ == $.a].m1.n", &twice), "1 1");
    // Each query finds its own, also where names are repeated.
    let document = r#"{"a":1,"b":2,"a":2,"c":3,"d":[2,3]}"#;
    assert_eq!(selected("$[?@ == $.a]", document), "1 2 2");
    assert_eq!(selected("$[?@ == $.c || @ == $.b || @ == $.d]", document), "2 2 3 [2,3]");
    assert_eq!(selected("$..[?@ == $.d[1] && $.d[0] == $.b && !$.e]", document), "3 3");
}

#[test]
fn objects_in_another_order_are_compared_once_a_level() {
    let deep =
        |last: u8| (0..20).fold(last.to_string(), |inner, _| format!("{{\"x\":{inner},\"y\":0}}"));
    let swapped = deep(1).replace(",\"y\":0", "").replace("{\"x\"", "{\"y\":0,\"x\"");
    let document = format!("[{},{},{swapped}]", deep(1), deep(2));
    assert!(steps("$[?@ == $[0]]", &document).unwrap() < 1000);
    assert_eq!(selected("$[?@ == $[0]]", &document).matches("\"x\":1").count(), 2);
}

#[test]
fn work_is_bounded() {
    // Each is more than linear in some document.
    let rows = [
        ("$..[?$..z]", wide(2000)),
        ("$..[?count($..*) > 1]", wide(2000)),
        ("$..[?@..[?@..[?$..z]]]", wide(2000)),
        ("$..*..*..*..*..*", deep(50)),
        ("$[*,*,*,*,*,*,*,*,*,*][*,*,*,*,*,*,*,*][*,*,*,*,*,*,*,*,*]", wide(2000)),
        ("$[?@ == $[0]][?$[?@ == $[1]][?@ == $]]", wide(2000)),
        ("$[?match(@.y, @.y)]", texts()),
    ];
    for (path, document) in rows {
        assert_eq!(steps(path, &document), None, "{path}");
    }
    // The depth of a document is bounded, so that this is not quadratic.
    assert!(steps("$..[?@..x]", &deep(55)).unwrap() < 10_000);
}

/// Every text another expression to compile.
fn texts() -> String {
    let texts: Vec<String> = (0..20).map(|n| format!("{{\"y\":\"t{n}\"}}")).collect();
    format!("[{}]", texts.join(","))
}

#[test]
fn the_stack_holds_the_deepest_filters_in_the_deepest_document() {
    // Each filter starts again at the top, from the bottom.
    let path = format!("${}.z{}", "..[?$".repeat(12), "]".repeat(12));
    let lists = format!("{}1{}", "[".repeat(decode::DEPTH_MAX), "]".repeat(decode::DEPTH_MAX));
    for document in [deep(decode::DEPTH_MAX), lists] {
        assert_eq!(steps(&path, &document), None);
    }
}

#[test]
fn long_texts_count() {
    let text = "x".repeat(100_000);
    let document = format!("[{}]", vec![format!("\"{text}\""); 20].join(","));
    assert!(steps("$[?match(@, 'x*')]", &document).unwrap() > 400_000);
    assert!(steps("$[?length(@) > 1]", &document).unwrap() > 200_000);
    assert!(steps("$[?@ == $[0]]", &document).unwrap() > 100_000);
    assert!(steps("$[?@ < 'a']", &document).unwrap() < 1000);
    assert_eq!(steps("$[?match('a', @)]", &document), None);
}

/// Paths that are almost right.
fn any_path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("$"),
        Just("@"),
        Just("."),
        Just(".."),
        Just("["),
        Just("]"),
        Just("[?"),
        Just("("),
        Just(")"),
        Just("*"),
        Just("'a'"),
        Just("\"b\""),
        Just("a"),
        Just("0"),
        Just("-1"),
        Just(":"),
        Just(","),
        Just("=="),
        Just("<"),
        Just("&&"),
        Just("||"),
        Just("!"),
        Just(" "),
        Just("length("),
        Just("count("),
        Just("match("),
        Just("search("),
        Just("value("),
        Just("true"),
        Just("null"),
        Just("1.5e1"),
        Just("\\u"),
        Just("'"),
        Just("é"),
        Just(".a"),
        Just("@.a"),
        Just("[*]"),
        Just("'[a-z]*'"),
        Just("[?@.a]"),
        Just("[::-1]"),
    ];
    proptest::collection::vec(piece, 0..14).prop_map(|pieces| format!("${}", pieces.concat()))
}

#[test]
fn what_a_path_needs_is_told_by_what_it_compares() {
    for (path, names, list) in [
        ("$[?($.user || $.login) && @ == $.p]", vec![vec!["user", "login"], vec!["p"]], false),
        ("$[?$.a == @]", vec![vec!["a"]], false),
        // What is not there is equal to what is not there either, and differs from all that is.
        ("$[?@.b == $.a]", vec![], false),
        ("$[?@ != $.a]", vec![], false),
        ("$[?$[0] == 'AUTH' && @ != $[0]]", vec![], true),
        ("$[?$[0] == 'AUTH' || $.a]", vec![], false),
        ("$[1:]", vec![], true),
        ("$[0,'a']", vec![], false),
    ] {
        let path = JsonPath::new(path).unwrap();
        assert_eq!(path.needed_names().collect::<Vec<_>>(), names, "{}", path.as_str());
        assert_eq!(path.needs_list(), list, "{}", path.as_str());
    }
}

proptest! {
    #[test]
    fn no_input_panics(path in prop_oneof![any_path(), "\\PC{0,40}", "\\$[\\[\\].?@!=<>&|*a-c'0-9():, -]{0,30}"]) {
        let document = r#"{"a":[1,"b",{"a":{"b":null,"a":[]}},[[]],1.5],"b":"é","":{"a":"a"}}"#;
        let node = decode::json(document).unwrap();
        for allowed in [0, 10, 1000] {
            let mut work = allowed;
            if let Ok(path) = JsonPath::new(&path) {
                let selected = path.select(&node, &mut work);
                prop_assert!(work <= allowed);
                prop_assert!(selected.map_or(0, |nodes| nodes.len()) <= allowed);
            }
        }
    }

    #[test]
    fn nothing_is_selected_without_the_names_that_are_needed(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just(".a"),
                Just("..b"),
                Just("['a','c']"),
                Just("..['b',0]"),
                Just("[*]"),
                Just("[0]"),
                Just("[1:]"),
                Just("[?@.a]"),
                Just("[?@ == $.c]"),
                Just("[?$.a && (@ == $.b || $.d != @)]"),
                Just("[?@.a == $.b]"),
                Just("[?$[0] == 1 || $[1].a]"),
                Just("[?!$[0] && match($.c, '.*')]"),
            ],
            0..5,
        ),
        names in proptest::collection::vec("[abcd]", 3),
        is_list in proptest::bool::ANY,
    ) {
        let [one, two, three] = names.as_slice() else { unreachable!() };
        let document =
            format!(r#"{{"{one}":[1,{{"{two}":{{"{three}":[{{"{one}":2}}]}}}}],"{three}":{{}},"{two}":"x"}}"#);
        let document = if is_list { format!("[1,{document}]") } else { document };
        let node = decode::json(&document).unwrap();
        let path = JsonPath::new(&format!("${}", pieces.concat())).unwrap();
        let selected = path.select(&node, &mut { 100_000 }).unwrap();
        let is_there = |group: Vec<&str>| group.iter().any(|name| names.iter().any(|n| n == name));
        prop_assert!(selected.is_empty() || path.needed_names().all(is_there));
        prop_assert!(selected.is_empty() || is_list || !path.needs_list());
    }

    #[test]
    fn names_are_selected_however_they_are_written(name in "\\PC{0,12}", beside in "[a-z]{0,3}") {
        prop_assume!(name != beside);
        let document = serde_json::json!({ name.clone(): 1, beside: 2 }).to_string();
        let double = serde_json::Value::from(name.as_str()).to_string();
        let single = format!("'{}'", name.replace('\\', "\\\\").replace('\'', "\\'"));
        let escaped: String = name.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        for selector in [double, single, format!("'{escaped}'")] {
            prop_assert_eq!(selected(&format!("$[{selector}]"), &document), "1");
            prop_assert_eq!(selected(&format!("$..[{selector}]"), &document), "1");
        }
    }

    #[test]
    fn slices_are_those_of_the_rfc(
        length in 0..8_usize,
        start in proptest::option::of(-10..10_i64),
        end in proptest::option::of(-10..10_i64),
        step in proptest::option::of(-4..4_i64),
    ) {
        // The procedure of section 2.3.4.2.2, word for word, as an oracle.
        let (len, by) = (i64::try_from(length).unwrap(), step.unwrap_or(1));
        let normalize = |i: i64| if i >= 0 { i } else { len + i };
        let s = normalize(start.unwrap_or(if by >= 0 { 0 } else { len - 1 }));
        let e = normalize(end.unwrap_or(if by >= 0 { len } else { -len - 1 }));
        let mut expected = Vec::new();
        if by > 0 {
            let (mut i, upper) = (s.clamp(0, len), e.clamp(0, len));
            while i < upper { expected.push(i.to_string()); i += by; }
        } else if by < 0 {
            let (mut i, lower) = (s.clamp(-1, len - 1), e.clamp(-1, len - 1));
            while lower < i { expected.push(i.to_string()); i += by; }
        }
        let document = serde_json::json!((0..length).collect::<Vec<_>>()).to_string();
        let part = |n: Option<i64>| n.map_or(String::new(), |n| n.to_string());
        let path = format!("$[{}:{}:{}]", part(start), part(end), part(step));
        prop_assert_eq!(selected(&path, &document), expected.join(" "), "{}", path);
    }
}
