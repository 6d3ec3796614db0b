//! What stands in the place of a value that is not recorded, and how it is recognised.

use serde_json::{Map, Value};

use super::policy::Policy;
use super::seen::{ENDS_CHARS_MAX, is_fingerprint, is_redacted_text};
use crate::decode::{Node, Number};

/// `{"redacted": id}`.
pub(super) fn dropped(id: &str) -> Value {
    Value::Object(Map::from_iter([("redacted".to_owned(), Value::from(id))]))
}

/// `{"redacted": id, name: value}`.
pub(super) fn marker(id: &str, name: &str, value: Value) -> Value {
    let redacted = ("redacted".to_owned(), Value::from(id));
    Value::Object(Map::from_iter([redacted, (name.to_owned(), value)]))
}

/// Whether a captured value is what the engine itself puts in the place of one.
pub(super) fn is_redacted(node: &Node<'_>, policy: &Policy) -> bool {
    match node {
        Node::String(text) => is_redacted_text(text),
        Node::Object(members) => {
            members.len() <= 2
                && members.iter().any(|(name, _)| name == "redacted")
                && members.iter().all(|(name, value)| match (name.as_ref(), value) {
                    ("redacted", Node::String(id)) => policy.has_rule(id),
                    ("fingerprint", Node::String(text)) => is_fingerprint(text),
                    ("ends", Node::String(text)) => is_ends(text),
                    ("chars" | "items", Node::Number(Number::Integer(_))) => true,
                    ("type", Node::String(text)) => is_type(text),
                    _ => false,
                })
        }
        _ => false,
    }
}

/// What the walk put in the place of a secret: a rule's id is no secret, whatever was sent.
pub(super) fn is_marker(object: &Map<String, Value>, policy: &Policy) -> bool {
    let Some(Value::String(id)) = object.get("redacted") else { return false };
    policy.has_rule(id)
        && object.iter().all(|(name, value)| match (name.as_str(), value) {
            ("redacted", _) => true,
            ("fingerprint", Value::String(text)) => is_fingerprint(text),
            ("ends", Value::String(_)) => true,
            ("chars" | "items", Value::Number(_)) => true,
            ("type", Value::String(text)) => is_type(text),
            _ => false,
        })
}

/// A few characters, `…`, a few characters: no secret is so short.
fn is_ends(text: &str) -> bool {
    text.split_once('…')
        .is_some_and(|(first, last)| first.chars().count() + last.chars().count() <= ENDS_CHARS_MAX)
}

/// What is recorded of a value that is neither text nor made of others.
fn is_type(text: &str) -> bool {
    matches!(text, "number" | "boolean" | "null")
}
