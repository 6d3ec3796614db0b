//! Trees as they are recorded: redacted, in canonical order, each name once in an object.

use std::fmt;

use serde::ser::{Error as _, SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::CanonicalError;
use crate::decode::{Node, Number, json_of_record};

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

/// A body: canonical JSON text, which is a part of the event's as it stands.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct BodyRecord(Box<RawValue>);

impl BodyRecord {
    /// Writes a tree whose members are in canonical order.
    pub(crate) fn new(node: &Node<'_>) -> Result<Self, CanonicalError> {
        Ok(Self(to_raw_value(&Written(node))?))
    }

    /// A body that is on record.
    pub(super) fn of_record(value: &serde_json::Value) -> Option<Self> {
        to_raw_value(value).ok().map(Self)
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }

    /// The tree.
    pub fn tree(&self) -> Node<'_> {
        json_of_record(self.text())
    }
}

impl PartialEq for BodyRecord {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
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

/// How tests say what is expected.
#[cfg(test)]
mod for_tests {
    use serde_json::Value;

    use super::{BodyRecord, Tree, Written, json_of_record, to_raw_value};

    impl BodyRecord {
        pub(crate) fn value(&self) -> Value {
            serde_json::from_str(self.text()).unwrap()
        }
    }

    impl Tree {
        pub(crate) fn value(&self) -> Value {
            serde_json::to_value(Written(&self.0)).unwrap()
        }
    }

    impl From<Value> for BodyRecord {
        fn from(value: Value) -> Self {
            Self(to_raw_value(&value).unwrap())
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
}
