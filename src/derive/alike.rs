//! Members of one object whose names differ in nothing but the case of letters. Some readers of JSON (Go's, those of
//! .NET) take names in any case, and one of several; what others take for nothing is then what counts.

use std::borrow::Cow;
use std::collections::HashSet;

use foldhash::fast::RandomState;

use super::body::Value;

/// There are such members: which of them counts is not known.
pub(super) const NAMES_ALIKE: &str = "names_alike";

/// Members that are looked at.
const MEMBERS_MAX: usize = 1000;

/// Ways in which an object is read.
const READINGS_MAX: usize = 4;

/// Members that hold arguments.
const ARGUMENTS: [&str; 4] = ["arguments", "data", "input", "params"];

/// The note of a body with such members.
pub(super) fn note(body: Option<&Value<'_>>) -> Option<&'static str> {
    body.is_some_and(are_there).then_some(NAMES_ALIKE)
}

/// Whether a body has such members: it, an item of it, or the arguments in it.
fn are_there(body: &Value<'_>) -> bool {
    let mut left = MEMBERS_MAX;
    let places = body.as_array().unwrap_or_else(|| std::slice::from_ref(body));
    places.iter().take(MEMBERS_MAX).any(|place| {
        let is_wrapper = |name: &str| ARGUMENTS.iter().any(|known| is_alike(name, known));
        let inner = place.members().iter().filter(|(name, _)| is_wrapper(name));
        let mut inner = inner.take(MEMBERS_MAX).map(|(_, inner)| inner);
        repeats(place, &mut left) || inner.any(|inner| repeats(inner, &mut left))
    })
}

fn repeats(object: &Value<'_>, left: &mut usize) -> bool {
    let members = object.members();
    if members.len() < 2 {
        return false;
    }
    let mut seen =
        HashSet::with_capacity_and_hasher(members.len().min(*left), RandomState::default());
    let looked_at = members.iter().take(*left);
    let is_there = looked_at.into_iter().any(|(name, _)| !seen.insert(folded(name)));
    *left = left.saturating_sub(members.len());
    is_there
}

/// Whether two names are one to readers that take them in any case.
pub(super) fn is_alike(name: &str, known: &str) -> bool {
    name.chars().map(fold).eq(known.chars().map(fold))
}

fn folded(name: &str) -> Cow<'_, str> {
    match name.chars().all(|letter| fold(letter) == letter) {
        true => Cow::Borrowed(name),
        false => Cow::Owned(name.chars().map(fold).collect()),
    }
}

/// A letter without its case, as Go folds it: the long s and the sign of the kelvin are letters too.
fn fold(letter: char) -> char {
    match letter {
        'ſ' => 's',
        '\u{212a}' => 'k',
        letter => letter.to_ascii_lowercase(),
    }
}

/// An object as those read it who take these names in any case, in each of the ways that there are; nothing
/// where they read what everybody does. In which order members were sent is not on record.
pub(super) fn in_any_case<'n>(object: &Value<'n>, names: &[&'static str]) -> Vec<Value<'n>> {
    let meant = |name: &str| names.iter().copied().find(|known| is_alike(name, known));
    let is_other = |name: &str| meant(name).is_some_and(|known| known != name);
    let members = object.members();
    if !members.iter().any(|(name, _)| is_other(name)) {
        return Vec::new();
    }
    let others = |known: &'static str| {
        let others = members.iter().filter(move |(name, _)| name != known && is_alike(name, known));
        others.take(READINGS_MAX).collect::<Vec<_>>()
    };
    let others: Vec<_> = names.iter().map(|known| (*known, others(known))).collect();
    let plain = |known: &str| others.iter().all(|(name, all)| *name != known || all.is_empty());
    let rest = members.iter().filter(|(name, _)| !is_other(name) && plain(name));
    let ways = others.iter().map(|(_, all)| all.len()).max().unwrap_or_default();
    let way = |at: usize| {
        let taken = others.iter().filter_map(|(known, all)| {
            let (_, value) = all.get(at).or_else(|| all.last())?;
            Some((Cow::Borrowed(*known), value.clone()))
        });
        Value::Object(rest.clone().cloned().chain(taken).collect())
    };
    (0..ways).map(way).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::json;

    #[test]
    fn names_differ_in_case_alone() {
        for (body, expected) in [
            (r#"{"id": 7, "ID": 5}"#, true),
            (r#"{"variables": {}, "variable\u017f": {}}"#, true),
            (r#"[{"id": 7}, {"id": 7, "Id": 5}]"#, true),
            (r#"{"params": {"id": 7, "iD": 5}}"#, true),
            (r#"{"id": 7, "name": "ID"}"#, false),
            (r#"{"translations": {"de": 1, "DE": 2}}"#, false),
            (r#"[{"id": 7}, {"ID": 7}]"#, false),
            ("[]", false),
        ] {
            assert_eq!(are_there(&json(body).unwrap()), expected, "{body}");
        }
    }

    #[test]
    fn each_of_several_is_read() {
        let names = ["query", "id"];
        let body = json(r#"{"query": "a", "Query": "b", "QUERY": "c", "Id": 1, "x": 2}"#).unwrap();
        let read = in_any_case(&body, &names);
        let queries: Vec<_> =
            read.iter().map(|it| it.get("query").and_then(Value::as_str)).collect();
        assert_eq!(queries, [Some("b"), Some("c")]);
        assert!(read.iter().all(|it| it.members().len() == 3 && it.get("id").is_some()));
        assert!(in_any_case(&json(r#"{"query": "a", "Name": "b"}"#).unwrap(), &names).is_empty());
    }
}
