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
    /// Its GraphQL, without what stands between the words.
    documents: OnceCell<Vec<String>>,
}

impl<'r> Sent<'r> {
    pub(super) fn of(request: &'r RequestRecord) -> Self {
        Self { body: request.body.as_ref(), ..Self::default() }
    }

    /// Whether it is this.
    pub(super) fn is(&self, value: &Value<'_>) -> bool {
        self.body.is_some_and(|body| self.tree.get_or_init(|| body.tree()) == value)
    }

    /// Whether it holds this member with this value.
    pub(super) fn echoes(&self, name: &str, value: &Value<'_>) -> bool {
        let Some(body) = self.body else { return false };
        let tree = self.tree.get_or_init(|| body.tree());
        echoes(tree, name, value, ECHO_DEPTH_MAX) || self.writes(tree, name, value)
    }

    /// Whether a GraphQL document in it has an argument of this name with this value.
    fn writes(&self, tree: &Value<'_>, name: &str, value: &Value<'_>) -> bool {
        let documents = self.documents.get_or_init(|| {
            let mut found = Vec::new();
            documents(tree, &mut found, ECHO_DEPTH_MAX);
            found
        });
        let Some(value) = scalar(value).filter(|_| !documents.is_empty()) else { return false };
        let argument = format!("{name}:{value}");
        documents.iter().any(|document| document.contains(&argument))
    }
}

/// Whether a request holds this member with this value.
fn echoes(sent: &Value<'_>, name: &str, value: &Value<'_>, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    if let Some(items) = sent.as_array() {
        return items.iter().take(MEMBERS_MAX).any(|item| echoes(item, name, value, depth));
    }
    let mut members = sent.members().iter();
    members.any(|(other, own)| (other == name && own == value) || echoes(own, name, value, depth))
}

/// The GraphQL documents in a request.
fn documents(sent: &Value<'_>, found: &mut Vec<String>, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let items = sent.as_array().unwrap_or_default();
    items.iter().take(MEMBERS_MAX).for_each(|item| documents(item, found, depth));
    for (name, own) in sent.members() {
        match own.as_str().filter(|_| name == "query") {
            Some(text) => {
                let plain = text.chars().filter(|c| !c.is_whitespace() && *c != '"');
                found.push(plain.collect());
            }
            None => documents(own, found, depth),
        }
    }
}
