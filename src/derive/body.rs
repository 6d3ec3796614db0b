//! What a redacted body says of the target.

use std::borrow::Cow;

use super::shape::is_id;
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

/// The object that a body is about: the body itself, or what it wraps under the noun.
fn objects<'b>(body: &'b Value<'b>, noun: &str) -> impl Iterator<Item = &'b Members<'b>> {
    let outer = body.members();
    let wrapped = |name: &str| member(outer, name).map(Value::members);
    let named = wrapped(noun);
    let inner: Vec<_> = WRAPPERS.iter().filter_map(|name| wrapped(name)).collect();
    named.into_iter().chain([outer]).chain(inner)
}

/// The name of the target.
pub(super) fn name(body: &Value<'_>, noun: &str) -> Option<String> {
    objects(body, noun).find_map(|object| first(object, NAMES)).or_else(|| {
        // Forms of some frameworks: `user[name]`. It is a user who signs in.
        let nouns = [noun, if noun == "session" { "user" } else { noun }];
        let form =
            |noun| NAMES.iter().find_map(move |name| scalar(body.get(&format!("{noun}[{name}]"))?));
        nouns.into_iter().find_map(form)
    })
}

/// The id of the target.
pub(super) fn id(body: &Value<'_>, noun: &str) -> Option<String> {
    objects(body, noun).find_map(|object| {
        let own = || object.iter().find(|(name, _)| is_id_of(name, noun));
        first(object, IDS).or_else(|| scalar(&own()?.1))
    })
}

/// Whether a member is called `user_id` or `userId`, for the noun `user`.
fn is_id_of(name: &str, noun: &str) -> bool {
    let plain = |text: &str| text.bytes().filter(|byte| !b"_-".contains(byte)).count();
    name.len() > noun.len()
        && plain(name) == plain(noun) + 2
        && name
            .bytes()
            .filter(|byte| !b"_-".contains(byte))
            .map(|byte| byte.to_ascii_lowercase())
            .eq(noun.bytes().filter(|byte| *byte != b'_').chain(*b"id"))
}

/// The id that a response gives to what was created; a key or a name where there is none.
pub(super) fn created_id(body: &Value<'_>, noun: &str) -> Option<String> {
    id(body, noun)
        .or_else(|| objects(body, noun).find_map(|object| first(object, &["key", "name"])))
}

/// Names of lists of ids, whatever they are ids of: everybody's, and those of Django's forms.
const ID_LISTS: [&str; 5] = ["ids", "ids[]", "id[]", "_selected_action", "selected_ids"];

/// Ids and names of several targets, and how many there are in all.
pub(super) fn many(body: &Value<'_>, noun: &str, plural: &str) -> Many {
    let own = |name: &str| {
        name == plural
            || name
                .strip_suffix("[]")
                .unwrap_or(name)
                .strip_suffix('s')
                .is_some_and(|name| is_id_of(name, noun))
    };
    let list = || {
        let named = ID_LISTS.iter().find_map(|name| body.get(name));
        named.or_else(|| body.members().iter().find(|(name, _)| own(name)).map(|(_, list)| list))
    };
    let Some(found) = body.as_array().is_some().then_some(body).or_else(list) else {
        return Many::default();
    };
    let Some(items) = found.as_array() else {
        let many = found.as_str().map(Many::of_ids).unwrap_or_default();
        let one = || scalar(found).filter(|id| is_plain_id(id));
        return match many.is_empty() {
            true => Many::one(one()),
            false => many,
        };
    };
    let targets = items.iter().take(TARGETS_MAX).filter_map(|item| match item {
        Value::Object(object) => {
            let found = (first(object, IDS), first(object, NAMES));
            (found != (None, None)).then_some(found)
        }
        scalar_item => Some((Some(scalar(scalar_item)?), None)),
    });
    let targets: Vec<_> = targets.collect();
    let count = if items.len() > TARGETS_MAX { items.len() } else { targets.len() };
    Many { targets, count }
}

/// The rows of a list that is edited at once, as Django's forms have them: `form-0-id`.
pub(super) fn formset(body: &Value<'_>) -> Many {
    if body.get("form-TOTAL_FORMS").is_none() {
        return Many::default();
    }
    let is_id = |name: &str| name.starts_with("form-") && name.ends_with("-id");
    let ids = || body.members().iter().filter(|(name, _)| is_id(name));
    let targets: Vec<_> =
        ids().take(TARGETS_MAX).filter_map(|(_, id)| Some((Some(scalar(id)?), None))).collect();
    let count = targets.len().max(ids().count());
    Many { targets, count }
}

/// Several targets: ids and names, no more than [`TARGETS_MAX`], and how many there are.
#[derive(Debug, Default)]
pub(super) struct Many {
    pub(super) targets: Vec<(Option<String>, Option<String>)>,
    pub(super) count: usize,
}

impl Many {
    /// Ids between commas; nothing if it could be one name with commas in it.
    pub(super) fn of_ids(text: &str) -> Self {
        let ids = || text.split(',').map(str::trim);
        if !text.contains(',') || !ids().all(is_plain_id) {
            return Self::default();
        }
        let targets = ids().take(TARGETS_MAX).map(|id| (bounded(id), None)).collect();
        Self { targets, count: ids().count() }
    }

    fn one(id: Option<String>) -> Self {
        let count = usize::from(id.is_some());
        Self { targets: id.into_iter().map(|id| (Some(id), None)).collect(), count }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }
}

fn is_plain_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    id.bytes().any(|byte| byte.is_ascii_digit()) && id.bytes().all(plain) && is_id(id)
}

/// The name of the first file of a form.
pub(super) fn file_name(body: &Value<'_>) -> Option<String> {
    body.members().iter().find_map(|(_, part)| scalar(part.get("filename")?))
}

fn member<'b>(object: &'b Members<'b>, name: &str) -> Option<&'b Value<'b>> {
    object.iter().find(|(other, _)| other == name).map(|(_, value)| value)
}

fn first(object: &Members<'_>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| scalar(member(object, name)?))
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
