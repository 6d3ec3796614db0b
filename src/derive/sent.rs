//! What a request holds, where an answer only repeats it.

use std::cell::OnceCell;

use super::body::{Value, scalar};
use super::signs::MEMBERS_MAX;
use crate::record::{BodyRecord, RequestRecord};

/// Levels of a request in which it is looked for what a response repeats.
const ECHO_DEPTH_MAX: usize = 4;

/// What the client sent; it is read when it is asked for, which it seldom is.
#[derive(Default)]
pub(super) struct Sent<'r> {
    body: Option<&'r BodyRecord>,
    tree: OnceCell<Value<'r>>,
}

impl<'r> Sent<'r> {
    pub(super) fn of(request: &'r RequestRecord) -> Self {
        Self { body: request.body.as_ref(), tree: OnceCell::new() }
    }

    /// Whether it is this.
    pub(super) fn is(&self, value: &Value<'_>) -> bool {
        self.body.is_some_and(|body| self.tree.get_or_init(|| body.tree()) == value)
    }

    /// Whether it holds this member with this value.
    pub(super) fn echoes(&self, name: &str, value: &Value<'_>) -> bool {
        self.body.is_some_and(|body| {
            echoes(self.tree.get_or_init(|| body.tree()), name, value, ECHO_DEPTH_MAX)
        })
    }
}

/// Whether a request holds this member with this value.
fn echoes(sent: &Value<'_>, name: &str, value: &Value<'_>, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    if let Some(items) = sent.as_array() {
        return items.iter().take(MEMBERS_MAX).any(|item| echoes(item, name, value, depth));
    }
    let mut members = sent.members().iter();
    members.any(|(other, own)| {
        (other == name && own == value)
            || other == "query" && own.as_str().is_some_and(|text| writes(text, name, value))
            || echoes(own, name, value, depth)
    })
}

/// Whether a GraphQL document has an argument of this name with this value.
fn writes(document: &str, name: &str, value: &Value<'_>) -> bool {
    let Some(value) = scalar(value) else { return false };
    let plain: String = document.chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
    plain.contains(&format!("{name}:{value}"))
}
