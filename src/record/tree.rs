//! Trees as they are recorded: redacted, in canonical order, each name once in an object.

use std::fmt;
use std::sync::{Arc, OnceLock};

use self_cell::self_cell;
use serde::ser::{Error as _, SerializeMap as _, SerializeSeq as _, SerializeStruct as _};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::CanonicalError;
use crate::decode::{Node, Number, json_of_record, plain_length};

/// A small tree: header fields, the parameters of a query.
#[derive(Clone, PartialEq)]
pub struct Tree(Node<'static>);

impl Tree {
    /// Takes a tree whose members are in canonical order.
    pub(crate) fn new(node: Node<'_>) -> Self {
        Self(node.into_owned())
    }

    /// A tree that is on record.
    pub(super) fn of_record(value: &serde_json::Value) -> Self {
        Self(json_of_record(&value.to_string()).into_owned())
    }

    /// The first member of this name.
    pub fn get(&self, name: &str) -> Option<&Node<'static>> {
        self.0.get(name)
    }

    /// The tree itself.
    pub fn node(&self) -> &Node<'static> {
        &self.0
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self(Node::Null)
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written(&self.0).serialize(serializer)
    }
}

/// Trees of longer texts are read again, rather than kept while an upstream is waited for.
const KEPT_BYTES_MAX: usize = 2048;

/// A body: canonical JSON text, which is a part of the event's as it stands.
pub struct BodyRecord {
    text: Arc<str>,
    /// The tree of it, once somebody has read it.
    read: OnceLock<Read>,
}

self_cell! {
    /// A text and its tree.
    struct Read {
        owner: Arc<str>,

        #[covariant]
        dependent: Node,
    }
}

impl BodyRecord {
    /// Writes a tree whose members are in canonical order, of about so many bytes.
    pub(crate) fn new(node: &Node<'_>, bytes: usize) -> Result<Self, CanonicalError> {
        let mut text = String::with_capacity(bytes);
        write(node, &mut text)?;
        Ok(Self::of(text))
    }

    fn of(text: String) -> Self {
        Self { text: text.into(), read: OnceLock::new() }
    }

    /// A body that is on record.
    pub(super) fn of_record(value: &serde_json::Value) -> Option<Self> {
        serde_json::to_string(value).ok().map(Self::of)
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The tree; it is read once, and kept.
    pub fn tree(&self) -> &Node<'_> {
        let read = || Read::new(Arc::clone(&self.text), |text| json_of_record(text));
        self.read.get_or_init(read).borrow_dependent()
    }

    /// Lets go of the tree, if it is large. It is read again when it is asked for.
    pub fn rest(&mut self) {
        if self.text.len() > KEPT_BYTES_MAX {
            self.read.take();
        }
    }
}

impl Clone for BodyRecord {
    fn clone(&self) -> Self {
        Self { text: Arc::clone(&self.text), read: OnceLock::new() }
    }
}

impl fmt::Debug for BodyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BodyRecord").field(&self.text).finish()
    }
}

impl PartialEq for BodyRecord {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Serialize for BodyRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut raw = serializer.serialize_struct(RAW, 1)?;
        raw.serialize_field(RAW, self.text())?;
        raw.end()
    }
}

/// How `serde_json` is told that a text is JSON: as its own `RawValue` tells it, which cannot be made
/// of a text without reading all of that once more.
const RAW: &str = "$serde_json::private::RawValue";

/// Appends a tree as JSON. As [`Written`], faster: most of a body is text without escapes.
fn write(node: &Node<'_>, out: &mut String) -> Result<(), CanonicalError> {
    match node {
        Node::Null => out.push_str("null"),
        Node::Bool(true) => out.push_str("true"),
        Node::Bool(false) => out.push_str("false"),
        Node::Number(Number::Integer(value)) => {
            out.push_str(itoa::Buffer::new().format(*value));
        }
        Node::Number(Number::Double(value)) if !value.is_finite() => {
            return Err(serde_json::Error::custom("not a JSON number").into());
        }
        Node::Number(number @ Number::Double(_)) => out.push_str(&number.to_string()),
        Node::Number(Number::Text(text)) | Node::String(text) => write_text(text, out),
        Node::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Node::Object(members) => {
            out.push('{');
            for (position, (name, item)) in members.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                write_text(name, out);
                out.push(':');
                write(item, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_text(text: &str, out: &mut String) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut rest = text;
    while let Some((plain, escaped)) =
        plain_length(rest.as_bytes()).and_then(|length| rest.split_at_checked(length))
    {
        out.push_str(plain);
        let mut chars = escaped.chars();
        match chars.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\t') => out.push_str("\\t"),
            Some('\n') => out.push_str("\\n"),
            Some('\u{c}') => out.push_str("\\f"),
            Some('\r') => out.push_str("\\r"),
            Some(control) => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            None => {}
        }
        rest = chars.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// A tree as JSON. Captured trees cannot be written: only this module can.
struct Written<'n>(&'n Node<'n>);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Node::Null => serializer.serialize_unit(),
            Node::Bool(value) => serializer.serialize_bool(*value),
            Node::Number(Number::Integer(value)) => serializer.serialize_i64(*value),
            // Infinities are refused here: they are no JSON.
            Node::Number(number @ Number::Double(_)) => {
                let text = RawValue::from_string(number.to_string());
                text.map_err(S::Error::custom)?.serialize(serializer)
            }
            Node::Number(Number::Text(text)) | Node::String(text) => serializer.serialize_str(text),
            Node::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Written(item))?;
                }
                list.end()
            }
            Node::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, item) in members {
                    map.serialize_entry(name.as_ref(), &Written(item))?;
                }
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BodyRecord, Node, Number, Written};

    fn node() -> impl Strategy<Value = Node<'static>> {
        let text =
            || "[a-c\"\\\\/é€\u{0}-\u{20}\u{7f}\u{2028}]{0,20}".prop_map(std::borrow::Cow::from);
        let leaf = prop_oneof![
            Just(Node::Null),
            any::<bool>().prop_map(Node::Bool),
            any::<i64>().prop_map(|value| Node::Number(Number::Integer(value))),
            any::<f64>().prop_map(|value| Node::Number(Number::Double(value))),
            text().prop_map(|text| Node::Number(Number::Text(text))),
            text().prop_map(Node::String),
        ];
        leaf.prop_recursive(3, 24, 4, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Node::Array),
                proptest::collection::vec((text(), inner), 0..4).prop_map(Node::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn bodies_are_written_as_other_trees_are(node in node()) {
            let body = BodyRecord::new(&node, 0).ok();
            let expected = serde_json::to_string(&Written(&node)).ok();
            prop_assert_eq!(body.as_ref().map(BodyRecord::text), expected.as_deref());
            let event = serde_json::to_string(&[&body]).unwrap();
            let body = expected.unwrap_or_else(|| "null".to_owned());
            prop_assert_eq!(event, format!("[{body}]"));
        }
    }
}

/// How tests say what is expected.
#[cfg(test)]
mod for_tests {
    use serde_json::Value;

    use super::{BodyRecord, Tree, Written, json_of_record};

    impl BodyRecord {
        pub(crate) fn value(&self) -> Value {
            serde_json::from_str(self.text()).unwrap()
        }

        pub(crate) fn is_read(&self) -> bool {
            self.read.get().is_some()
        }
    }

    impl Tree {
        pub(crate) fn value(&self) -> Value {
            serde_json::to_value(Written(&self.0)).unwrap()
        }
    }

    impl From<Value> for BodyRecord {
        fn from(value: Value) -> Self {
            Self::of(value.to_string())
        }
    }

    impl From<Value> for Tree {
        fn from(value: Value) -> Self {
            Self(json_of_record(&value.to_string()).into_owned())
        }
    }

    impl PartialEq<Value> for BodyRecord {
        fn eq(&self, other: &Value) -> bool {
            self.value() == *other
        }
    }

    impl PartialEq<Value> for Tree {
        fn eq(&self, other: &Value) -> bool {
            self.value() == *other
        }
    }

    #[test]
    fn a_body_is_read_once_and_large_ones_are_let_go_meanwhile() {
        for (letters, is_kept) in [(10, true), (10_000, false)] {
            let mut body = BodyRecord::from(serde_json::json!({ "a": "x".repeat(letters) }));
            let first = std::ptr::from_ref(body.tree());
            assert_eq!(std::ptr::from_ref(body.tree()), first);
            body.rest();
            assert_eq!(body.is_read(), is_kept);
            assert_eq!(
                body.tree().get("a").and_then(|it| it.as_str()).map(str::len),
                Some(letters)
            );
            assert_eq!(body.clone(), body);
        }
    }
}
