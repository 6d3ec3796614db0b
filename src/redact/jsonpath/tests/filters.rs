//! Conditions: existence, comparisons, what binds what.

use super::{check, selected};

#[test]
fn existence() {
    let document = r#"{"l":[{"a":1,"b":null},{"a":false},{"b":[]},[1,2],[],"a",null]}"#;
    check(
        document,
        &[
            ("$.l[?@.a]", r#"{"a":1,"b":null} {"a":false}"#),
            ("$.l[?@.b]", r#"{"a":1,"b":null} {"b":[]}"#),
            ("$.l[?!@.a]", r#"{"b":[]} [1,2] [] "a" null"#),
            ("$.l[?@.a && @.b]", r#"{"a":1,"b":null}"#),
            ("$.l[?@.a && !@.b]", r#"{"a":false}"#),
            ("$.l[?@[0]]", "[1,2]"),
            ("$.l[?@[-2]]", "[1,2]"),
            ("$.l[?@.*]", r#"{"a":1,"b":null} {"a":false} {"b":[]} [1,2]"#),
            ("$.l[?@[1:]]", "[1,2]"),
            ("$.l[?@]", r#"{"a":1,"b":null} {"a":false} {"b":[]} [1,2] [] "a" null"#),
            ("$.l[?!@]", ""),
            ("$.l[?$.l]", r#"{"a":1,"b":null} {"a":false} {"b":[]} [1,2] [] "a" null"#),
            ("$.l[?$.m]", ""),
            ("$[?@..a]", r#"[{"a":1,"b":null},{"a":false},{"b":[]},[1,2],[],"a",null]"#),
            ("$.l[?@['a','b']]", r#"{"a":1,"b":null} {"a":false} {"b":[]}"#),
            ("$.l[?@[?@ > 1]]", r#"[1,2]"#),
            ("$.l[0][?@ == 1]", "1"),
            ("$.l[?@.a,?@.b]", r#"{"a":1,"b":null} {"a":false} {"a":1,"b":null} {"b":[]}"#),
            ("$..[?@.a == 1].b", "null"),
            ("$.l[0][?@.x]", ""),
            ("$.l[5][?@]", ""),
        ],
    );
}

/// What holds for the document of the test.
const HOLDS: &[&str] = &[
    "@.n == 1",
    "@.n == 1.0",
    "@.n == 1e0",
    "@.n == 10e-1",
    "@.n == @.f",
    "1 == @.n",
    "@.n != 2",
    "@.n < 2",
    "@.n <= 1",
    "@.n >= 1",
    "@.n > 0",
    "@.n > -0.5",
    "2 > @.n",
    "@.t == 'b'",
    "@.t == \"b\"",
    "@.t > 'a'",
    "@.t < 'ba'",
    "@.t <= 'b'",
    "'a' < @.t",
    "@.T == true",
    "@.F == false",
    "@.T != @.F",
    "@.T <= true",
    "@.F >= false",
    "@.z == null",
    "@.z <= null",
    "@.z >= @.z",
    "null == @.z",
    "@.z != @.none",
    "@.none == @.other",
    "@.none <= @.other",
    "@.none >= @.other",
    "@.none != 1",
    "@.n != @.none",
    "@.l == @.m",
    "@.l != @.e",
    "@.e != @.o",
    "@.l[1] == @.m[1]",
    "@.o == @['o']",
    "@.u > 'z'",
    "@.u == '\\u00e9'",
    "@.u == '\u{e9}'",
    "@.big == 12345678901234567890123",
    "@.big > 1e22",
    "@.big == @.big",
    "@.s != 1",
    "@.s == '1'",
    "@['n'] == $[0].n",
    "@.n==1",
    "@.n ==\t1",
    "@.n\n==\r1",
    "@.l[0] == 1",
    "@.l[-1].x == 2",
    "-0 == 0",
    "'' == \"\"",
    "'\\'' == \"'\"",
    "1 == 1",
    "'a' < 'b'",
    "@.l[1].x == @.m[1].x",
];

/// What does not.
const HOLDS_NOT: &[&str] = &[
    "@.n == 2",
    "@.n == '1'",
    "@.n == true",
    "@.n < 1",
    "@.n > 1",
    "@.n != 1.0",
    "@.n <= 0.5",
    "@.t == 'B'",
    "@.t < 'B'",
    "@.t > 'b'",
    "@.t < 1",
    "@.t > 1",
    "@.s < 2",
    "@.s >= 1",
    "@.T < @.F",
    "@.T > @.F",
    "@.F < @.T",
    "@.T == 1",
    "@.F == 0",
    "@.F == null",
    "@.z == 0",
    "@.z < 1",
    "@.z == @.none",
    "@.none == null",
    "@.none == 1",
    "@.none < 1",
    "@.none > 1",
    "@.none < @.other",
    "@.n <= @.none",
    "@.l < @.m",
    "@.l > @.m",
    "@.e == @.o",
    "@.l == @.e",
    "@.o == null",
    "@.l == 1",
    "@.o == 1",
    "@.l != @.m",
    "@.e == ''",
    "@.u < 'z'",
    "@.big == 1",
    "1 == 2",
    "'a' == 'b'",
];

#[test]
fn comparisons() {
    // Each holds, or does not, for one document with values of every kind.
    let document = r#"[{"n":1,"f":1.0,"t":"b","T":true,"F":false,"z":null,"l":[1,{"x":2,"y":3}],
        "m":[1,{"y":3,"x":2}],"o":{},"e":[],"u":"é","big":12345678901234567890123,"s":"1"}]"#;
    for (conditions, expected) in [(HOLDS, 1), (HOLDS_NOT, 0)] {
        for condition in conditions {
            let path = format!("$[?{condition}].n");
            assert_eq!(selected(&path, document), "1".repeat(expected), "{condition}");
            let path = format!("$[?!({condition})].n");
            assert_eq!(selected(&path, document), "1".repeat(1 - expected), "not {condition}");
        }
    }
    // Lists and objects are in no order, but equal ones are.
    assert_eq!(selected("$[?@.l <= @.m].n", document), "1");
}

#[test]
fn what_binds_what() {
    let document = r#"[{"a":1},{"b":1},{"c":1},{"a":1,"b":1},{"b":1,"c":1},{"a":1,"b":1,"c":1}]"#;
    let rows = [
        ("@.a || @.b && @.c", "0 3 4 5"),
        ("(@.a || @.b) && @.c", "4 5"),
        ("@.a && @.b || @.c", "2 3 4 5"),
        ("@.a && (@.b || @.c)", "3 5"),
        ("!@.a && @.b", "1 4"),
        ("!(@.a && @.b)", "0 1 2 4"),
        ("!(@.a || @.b)", "2"),
        ("! @.a", "1 2 4"),
        ("!\n( @.a )", "1 2 4"),
        ("((@.a))", "0 3 5"),
        ("@.a||@.b||@.c", "0 1 2 3 4 5"),
        ("@.a&&@.b&&@.c", "5"),
        ("(@.a) && (@.b == 1)", "3 5"),
        ("!(!(@.a))", "0 3 5"),
        ("@.a == 1 || @.c == 1 && @.b == 2", "0 3 5"),
    ];
    let items: Vec<&str> = vec![
        r#"{"a":1}"#,
        r#"{"b":1}"#,
        r#"{"c":1}"#,
        r#"{"a":1,"b":1}"#,
        r#"{"b":1,"c":1}"#,
        r#"{"a":1,"b":1,"c":1}"#,
    ];
    for (condition, expected) in rows {
        let expected: Vec<&str> =
            expected.split(' ').map(|item| items[item.parse::<usize>().unwrap()]).collect();
        assert_eq!(
            selected(&format!("$[?{condition}]"), document),
            expected.join(" "),
            "{condition}"
        );
    }
}
