//! Puts a tree into the form in which it is recorded: members in the order of RFC 8785, section
//! 3.2.3, each name once in an object.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::mem;

use super::walk::Members;
use crate::decode::Node;
use crate::record::by_utf16;

/// Sorts members; several of one name become one list. Tells whether there were any.
pub(super) fn settle(node: &mut Node<'_>) -> bool {
    match node {
        Node::Array(items) => {
            let mut found = false;
            for item in items {
                found |= settle(item);
            }
            found
        }
        Node::Object(members) => {
            let mut found = false;
            for (_, item) in members.iter_mut() {
                found |= settle(item);
            }
            if members.is_sorted_by(|(a, _), (b, _)| {
                by_utf16(a.as_bytes(), b.as_bytes()) == Ordering::Less
            }) {
                return found;
            }
            members.sort_by(|(a, _), (b, _)| by_utf16(a.as_bytes(), b.as_bytes()));
            found | merge(members)
        }
        _ => false,
    }
}

/// Members of one name, which stand beside each other, as one list.
fn merge<'a>(members: &mut Vec<(Cow<'a, str>, Node<'a>)>) -> bool {
    let repeated = |members: &Members<'_>| {
        members.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a == b))
    };
    if !repeated(members) {
        return false;
    }
    let mut out: Vec<(Cow<'a, str>, Node<'a>)> = Vec::with_capacity(members.len());
    // Whether the last one is a list that was made here.
    let mut listed = false;
    for (name, node) in members.drain(..) {
        match out.last_mut() {
            Some((last, value)) if *last == name => {
                if !listed {
                    *value = Node::Array(vec![mem::replace(value, Node::Null)]);
                    listed = true;
                }
                if let Node::Array(values) = value {
                    values.push(node);
                }
            }
            _ => {
                listed = false;
                out.push((name, node));
            }
        }
    }
    *members = out;
    true
}

#[cfg(test)]
mod tests {
    use super::settle;
    use crate::decode::json;
    use crate::record::BodyRecord;

    #[test]
    fn members_are_sorted_and_names_are_not_repeated() {
        for (given, settled, repeated) in [
            ("{}", "{}", false),
            (r#"{"b":1,"a":{"d":[],"c":2.50}}"#, r#"{"a":{"c":2.5,"d":[]},"b":1}"#, false),
            (r#"{"a":1,"b":2,"a":3}"#, r#"{"a":[1,3],"b":2}"#, true),
            (r#"[{"a":[1],"a":[2],"a":null}]"#, r#"[{"a":[[1],[2],null]}]"#, true),
            ("{\"\u{ffff}\":1,\"\u{10000}\":2}", "{\"\u{10000}\":2,\"\u{ffff}\":1}", false),
            (r#"{"aa":1,"a":2,"":3}"#, r#"{"":3,"a":2,"aa":1}"#, false),
            (
                r#"{"x":12345678901234567890,"y":1e30}"#,
                r#"{"x":"12345678901234567890","y":1e+30}"#,
                false,
            ),
        ] {
            let mut node = json(given).unwrap();
            assert_eq!(settle(&mut node), repeated, "{given}");
            assert_eq!(BodyRecord::new(&node, 0).unwrap().text(), settled);
        }
    }
}
