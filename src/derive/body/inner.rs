//! The one thing that an answer shows, below what wraps it, and where in a body a value stands.

use std::collections::VecDeque;

use super::{
    At, Found, IDS, Members, Value, WRAPPERS, id_at, is_own, member_of, objects, scalar, step,
};
use crate::derive::text::letters;
use crate::derive::words::{plural, snake};

/// An answer wraps a thing so many times.
const DEPTH_MAX: usize = 3;

/// Around all answers of Nextcloud.
const ENVELOPE: &str = "ocs";

/// So many values are looked at for a place.
const VALUES_MAX: usize = 4096;

/// Members by which people are known, beside what they are called.
const LOGINS: [&str; 2] = ["login", "username"];

/// The id that a response gives to what was created; a key or a name where there is none. What it is
/// called there is no id if it was `called` otherwise when it was sent: it may be for people to read.
pub(in crate::derive) fn created_id_at<'b>(
    body: &'b Value<'b>,
    noun: &'b str,
    called: Option<&str>,
) -> Option<Found<'b>> {
    id_at(body, noun).or_else(|| {
        // An id that is not shown is not what it is called.
        let has_id = |object: &Members<'_>| IDS.iter().any(|id| member_of(object, id).is_some());
        if objects(body, noun).any(|(_, object)| has_id(object)) {
            return None;
        }
        // `{"hostids": ["107819"]}`, as Zabbix has it.
        let listed = objects(body, noun).find_map(|(outer, object)| {
            let (name, ids) = object.iter().find(|(name, _)| is_own(name, noun, b"ids"))?;
            let one = ids.as_array().filter(|ids| ids.len() == 1)?;
            Some((scalar(one.first()?)?, At::member(outer, name)))
        });
        listed.or_else(|| {
            objects(body, noun).find_map(|(outer, object)| known_by(outer, object, noun, called))
        })
    })
}

/// The same, where it does not matter where it stands.
pub(in crate::derive) fn created_id(
    body: &Value<'_>,
    noun: &str,
    called: Option<&str>,
) -> Option<String> {
    created_id_at(body, noun, called).map(|(id, _)| id)
}

/// The key of an object, or its name, which is an id where things are known by their names.
fn known_by<'b>(
    outer: Option<&'b str>,
    object: &'b Members<'b>,
    noun: &str,
    called: Option<&str>,
) -> Option<Found<'b>> {
    let found =
        |name: &'static str| Some((scalar(member_of(object, name)?)?, At::member(outer, name)));
    if let Some(key) = found("key") {
        return Some(key);
    }
    let (name, at) = found("name")?;
    // `{"login": "ann", "name": "Ann Smith"}`
    let is_person = matches!(noun, "account" | "member" | "user");
    let login = || LOGINS.into_iter().filter(|_| is_person).find_map(found);
    login().or_else(|| called.is_none_or(|called| is_called(&name, called)).then_some((name, at)))
}

/// Whether a name is what was sent, perhaps written as ids are: `my-app` of `My App`.
fn is_called(name: &str, called: &str) -> bool {
    let is_id = || !name.contains(|c: char| c.is_uppercase() || c.is_whitespace());
    name == called || is_id() && letters(name).eq(letters(called))
}

/// What an answer to a creation shows, and where it stands: the answer itself, if that has an id, or the one thing in
/// it: `[{…}]`, `{"data": [{…}]}`, `{"result": {"user": {…}}}`, `{"userEdge": {"node": {…}}}`.
pub(in crate::derive) fn created<'b>(
    body: &'b Value<'b>,
    noun: &str,
) -> Option<(&'b Value<'b>, String)> {
    let mut found = (body, "$".to_owned());
    for _ in 0..=DEPTH_MAX {
        if created_id_at(found.0, noun, None).is_some() {
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
            plain if scalar(plain).as_deref() == Some(text) => return Some(place),
            _ => {}
        }
    }
    None
}
