//! What a redacted body says of the target.

use serde_json::{Map, Value};

use super::text::bounded;

/// Members that hold a name, the best first.
const NAMES: &[&str] =
    &["name", "display_name", "displayName", "title", "email", "username", "slug"];

/// Members that hold an id, the best first.
const IDS: &[&str] = &["id", "uuid", "uid"];

/// Members around what is meant.
const WRAPPERS: &[&str] = &["data", "result", "item", "attributes", "metadata", "spec"];

/// Of a bulk request so many targets are named.
pub(super) const TARGETS_MAX: usize = 100;

/// The object that a body is about: the body itself, or what it wraps under the noun.
fn objects<'b>(body: &'b Value, noun: &str) -> impl Iterator<Item = &'b Map<String, Value>> {
    let outer = body.as_object();
    let wrapped = move |name: &str| outer.and_then(|outer| outer.get(name)?.as_object());
    let named = wrapped(noun);
    let inner: Vec<_> = WRAPPERS.iter().filter_map(|name| wrapped(name)).collect();
    named.into_iter().chain(outer).chain(inner)
}

/// The name of the target.
pub(super) fn name(body: &Value, noun: &str) -> Option<String> {
    objects(body, noun).find_map(|object| member(object, NAMES)).or_else(|| {
        // Forms of some frameworks: `user[name]`.
        let object = body.as_object()?;
        NAMES.iter().find_map(|name| scalar(object.get(&format!("{noun}[{name}]"))?))
    })
}

/// The id of the target.
pub(super) fn id(body: &Value, noun: &str) -> Option<String> {
    let own = format!("{noun}_id");
    objects(body, noun).find_map(|object| member(object, IDS).or_else(|| scalar(object.get(&own)?)))
}

/// The id that a response gives to what was created; a key or a name where there is none.
pub(super) fn created_id(body: &Value, noun: &str) -> Option<String> {
    id(body, noun)
        .or_else(|| objects(body, noun).find_map(|object| member(object, &["key", "name"])))
}

/// Ids and names of several targets.
pub(super) fn many(body: &Value, plural: &str) -> Vec<(Option<String>, Option<String>)> {
    let items = match body {
        Value::Array(items) => Some(items),
        Value::Object(object) => ["ids", plural, "items"]
            .iter()
            .find_map(|name| object.get(*name).and_then(Value::as_array)),
        _ => None,
    };
    items
        .into_iter()
        .flatten()
        .take(TARGETS_MAX)
        .filter_map(|item| match item {
            Value::Object(object) => {
                let found = (member(object, IDS), member(object, NAMES));
                (found != (None, None)).then_some(found)
            }
            scalar_item => Some((Some(scalar(scalar_item)?), None)),
        })
        .collect()
}

fn member(object: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| scalar(object.get(*name)?))
}

/// A text or a number; of a repeated field the first.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => bounded(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(values) => match values.first()? {
            Value::String(text) => bounded(text),
            _ => None,
        },
        _ => None,
    }
}
