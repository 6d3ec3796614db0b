//! What a redacted body says of the target.

use std::borrow::Cow;
use std::fmt;

use super::text::bounded;
pub(super) use crate::decode::Node as Value;

/// The members of an object.
type Members<'b> = [(Cow<'b, str>, Value<'b>)];

/// Members that hold a name, the best first.
const NAMES: &[&str] =
    &["name", "display_name", "displayName", "title", "email", "username", "slug"];

/// Members that hold an id, the best first.
const IDS: &[&str] = &["id", "uuid", "uid"];

/// Members around what is meant.
pub(super) const WRAPPERS: &[&str] = &["data", "result", "item", "attributes", "metadata", "spec"];

/// Of a bulk request so many targets are named.
pub(super) const TARGETS_MAX: usize = 100;

/// Where in a body a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At<'n> {
    /// A member of the body itself.
    Outer(&'n str),
    /// A member of a member.
    Inner(&'n str, &'n str),
    /// `NOUN_id`, perhaps of a member.
    Own(Option<&'n str>, &'n str),
    /// `NOUN[name]`.
    Form(&'n str, &'n str),
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outer(name) => write!(f, "$.{name}"),
            Self::Inner(outer, name) => write!(f, "$.{outer}.{name}"),
            Self::Own(None, noun) => write!(f, "$.{noun}_id"),
            Self::Own(Some(outer), noun) => write!(f, "$.{outer}.{noun}_id"),
            Self::Form(noun, name) => write!(f, "$['{noun}[{name}]']"),
        }
    }
}

/// A text of a body, and where it stands.
pub(super) type Found<'n> = (String, At<'n>);

/// The object that a body is about: the body itself, or what it wraps under the noun; and under
/// which name it stands.
fn objects<'b>(
    body: &'b Value<'b>,
    noun: &'b str,
) -> impl Iterator<Item = (Option<&'b str>, &'b Members<'b>)> {
    let outer = body.members();
    let wrapped = |name: &'b str| Some((Some(name), member(outer, name)?.members()));
    let named = wrapped(noun);
    let inner: Vec<_> = WRAPPERS.iter().filter_map(|name| wrapped(name)).collect();
    named.into_iter().chain([(None, outer)]).chain(inner)
}

/// The first of these members.
fn first_at<'n>(
    outer: Option<&'n str>,
    object: &Members<'_>,
    names: &[&'n str],
) -> Option<Found<'n>> {
    let found = names.iter().find_map(|name| Some((scalar(member(object, name)?)?, *name)));
    let (text, name) = found?;
    Some((text, outer.map_or(At::Outer(name), |outer| At::Inner(outer, name))))
}

/// The name of the target.
pub(super) fn name(body: &Value<'_>, noun: &str) -> Option<String> {
    name_at(body, noun).map(|(name, _)| name)
}

/// The name of the target, and where it stands.
pub(super) fn name_at<'b>(body: &'b Value<'b>, noun: &'b str) -> Option<Found<'b>> {
    objects(body, noun).find_map(|(outer, object)| first_at(outer, object, NAMES)).or_else(|| {
        // Forms of some frameworks: `user[name]`.
        NAMES.iter().find_map(|name| {
            Some((scalar(body.get(&format!("{noun}[{name}]"))?)?, At::Form(noun, name)))
        })
    })
}

/// The id of the target.
pub(super) fn id(body: &Value<'_>, noun: &str) -> Option<String> {
    id_at(body, noun).map(|(id, _)| id)
}

/// The id of the target, and where it stands.
pub(super) fn id_at<'b>(body: &'b Value<'b>, noun: &'b str) -> Option<Found<'b>> {
    let own = format!("{noun}_id");
    objects(body, noun).find_map(|(outer, object)| {
        first_at(outer, object, IDS)
            .or_else(|| Some((scalar(member(object, &own)?)?, At::Own(outer, noun))))
    })
}

/// The id that a response gives to what was created; a key or a name where there is none.
pub(super) fn created_id_at<'b>(body: &'b Value<'b>, noun: &'b str) -> Option<Found<'b>> {
    id_at(body, noun).or_else(|| {
        let keys = ["key", "name"];
        objects(body, noun).find_map(|(outer, object)| first_at(outer, object, &keys))
    })
}

/// One of several targets.
pub(super) struct Listed<'b> {
    /// The member that holds the list; the body itself is one if there is none.
    list: Option<&'b str>,
    position: usize,
    /// The id, and the member that holds it.
    pub(super) id: Option<(String, Option<&'static str>)>,
    /// The name, and the member that holds it.
    pub(super) name: Option<(String, Option<&'static str>)>,
}

impl Listed<'_> {
    /// Where a member of it stands, or the item itself.
    pub(super) fn path(&self, member: Option<&str>) -> String {
        let list = self.list.map(|list| format!(".{list}")).unwrap_or_default();
        let member = member.map(|member| format!(".{member}")).unwrap_or_default();
        format!("${list}[{}]{member}", self.position)
    }
}

/// Several targets with their ids and names.
pub(super) fn many<'b>(body: &'b Value<'b>, plural: &'b str) -> Vec<Listed<'b>> {
    let held = || {
        let mut names = ["ids", plural, "items"].into_iter();
        names.find_map(|name| Some((Some(name), body.get(name)?.as_array()?)))
    };
    let Some((list, items)) = body.as_array().map(|items| (None, items)).or_else(held) else {
        return Vec::new();
    };
    let one = |(position, item): (usize, &Value<'_>)| match item {
        Value::Object(object) => {
            let of = |names: &[&'static str]| {
                names.iter().find_map(|name| Some((scalar(member(object, name)?)?, Some(*name))))
            };
            let (id, name) = (of(IDS), of(NAMES));
            (id.is_some() || name.is_some()).then_some(Listed { list, position, id, name })
        }
        item => Some(Listed { list, position, id: Some((scalar(item)?, None)), name: None }),
    };
    items.iter().enumerate().take(TARGETS_MAX).filter_map(one).collect()
}

fn member<'b>(object: &'b Members<'b>, name: &str) -> Option<&'b Value<'b>> {
    object.iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

/// A text or a number; of a repeated field the first.
pub(super) fn scalar(value: &Value<'_>) -> Option<String> {
    match value {
        Value::String(text) => bounded(text),
        Value::Number(number) => bounded(&number.to_string()),
        Value::Array(values) => match values.first()? {
            Value::String(text) => bounded(text),
            _ => None,
        },
        _ => None,
    }
}
