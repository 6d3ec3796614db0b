//! The one thing that an answer shows, below what wraps it, and where in a body a value stands.

use std::collections::VecDeque;

use super::{Value, WRAPPERS, created_id_at, step};
use crate::derive::words::{plural, snake};

/// An answer wraps a thing so many times.
const DEPTH_MAX: usize = 3;

/// Around all answers of Nextcloud.
const ENVELOPE: &str = "ocs";

/// So many values are looked at for a place.
const VALUES_MAX: usize = 4096;

/// What an answer to a creation shows, and where it stands: the answer itself, if that has an id, or the one thing in
/// it: `[{…}]`, `{"data": [{…}]}`, `{"result": {"user": {…}}}`, `{"userEdge": {"node": {…}}}`.
pub(in crate::derive) fn created<'b>(
    body: &'b Value<'b>,
    noun: &str,
) -> Option<(&'b Value<'b>, String)> {
    let mut found = (body, "$".to_owned());
    for _ in 0..=DEPTH_MAX {
        if created_id_at(found.0, noun).is_some() {
            return Some(found);
        }
        let (inner, place) = within(found.0, noun)?;
        found = (inner, found.1 + &place);
    }
    None
}

/// The one thing in a list, or under a name that only wraps it.
fn within<'b>(body: &'b Value<'b>, noun: &str) -> Option<(&'b Value<'b>, String)> {
    if let Value::Array(items) = body {
        let [item @ Value::Object(_)] = items.as_slice() else { return None };
        return Some((item, "[0]".to_owned()));
    }
    let plural = plural(noun);
    let wraps = |name: &str, value: &Value<'_>| {
        let name = snake(name);
        let is_key = noun == "token" && (name.ends_with("_key") || name.ends_with("_token"));
        let is_list = name == plural && value.as_array().is_some();
        let is_own = name == noun || is_list || is_key;
        WRAPPERS.contains(&name.as_str()) || is_own || name == ENVELOPE
    };
    let is_thing = |value: &Value<'_>| matches!(value, Value::Object(_) | Value::Array(_));
    let mut inner =
        body.members().iter().filter(|(name, value)| wraps(name, value) && is_thing(value));
    if let Some((name, value)) = inner.next() {
        return Some((value, step(name)));
    }
    // As Relay's connections have it.
    let is_edge = |name: &str| {
        snake(name).strip_suffix("edge").is_some_and(|of| {
            let of = of.trim_end_matches('_');
            of.is_empty() || of == noun
        })
    };
    let (name, edge) = body.members().iter().find(|(name, _)| is_edge(name))?;
    Some((edge.get("node")?, format!("{}.node", step(name))))
}

/// The list that an answer has under the name of what is in it, itself or in what wraps it:
/// `{"users": [{…}, {…}]}`.
pub(in crate::derive) fn under_own_name<'b>(
    body: &'b Value<'b>,
    noun: &str,
) -> Option<&'b [Value<'b>]> {
    let plural = plural(noun);
    let own = |body: &'b Value<'b>| {
        let (_, list) = body.members().iter().find(|(name, _)| snake(name) == plural)?;
        list.as_array()
    };
    own(body).or_else(|| WRAPPERS.iter().find_map(|name| own(body.get(name)?)))
}

/// Where below a place a text stands, or a number that is written so: the nearest of the values.
pub(in crate::derive) fn place_of(body: &Value<'_>, root: &str, text: &str) -> Option<String> {
    let mut queue = VecDeque::from([(body, root.to_owned())]);
    let mut rest = VALUES_MAX;
    while let Some((value, place)) = queue.pop_front() {
        rest = rest.checked_sub(1)?;
        match value {
            Value::Array(items) => queue.extend(
                items
                    .iter()
                    .take(rest)
                    .enumerate()
                    .map(|(at, item)| (item, format!("{place}[{at}]"))),
            ),
            Value::Object(members) => queue.extend(
                members.iter().take(rest).map(|(name, it)| (it, format!("{place}{}", step(name)))),
            ),
            scalar if super::scalar(scalar).as_deref() == Some(text) => return Some(place),
            _ => {}
        }
    }
    None
}
