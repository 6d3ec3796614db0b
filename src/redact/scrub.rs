//! The second pass: everything that is to be recorded is searched for the secrets that were seen.

use std::borrow::Cow;

use super::escapes::{find_escaped, may_have_escapes};
use super::ids::names_id;
use super::inner::find_encoded;
use super::policy::Policy;
use super::receipts::Receipts;
use super::routes::{is_call, is_call_method, is_schema_name, may_be_document};
use super::secret::is_type;
use super::seen::{MASK, SECRET_BYTES_MIN, Search, is_fingerprint};
use super::texts::nearest_name;
use super::walk::{Members, push_name};
use crate::decode::{Node, Number};

/// Which texts of a body stand in it as they are recorded, and stand for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// Those that are borrowed from it: it has no escapes.
    Borrowed,
    /// Those that are borrowed from it and have no escapes.
    Unescaped,
}

impl Sent {
    /// Of these bytes, in which no secret occurs.
    pub(super) fn of(bytes: &[u8]) -> Self {
        if may_have_escapes(bytes) { Self::Unescaped } else { Self::Borrowed }
    }

    /// Whether anything in a tree is written otherwise than it was sent.
    pub(super) fn differs(self, node: &Node<'_>) -> bool {
        match node {
            Node::Null | Node::Bool(_) | Node::Number(Number::Integer(_)) => false,
            Node::Number(Number::Double(_) | Number::Text(_)) => true,
            Node::String(text) => !self.has(text),
            Node::Array(items) => items.iter().any(|item| self.differs(item)),
            Node::Object(members) => {
                members.iter().any(|(name, item)| !self.has(name) || self.differs(item))
            }
        }
    }

    #[expect(clippy::ptr_arg, reason = "it matters whether it is borrowed")]
    fn has(self, text: &Cow<'_, str>) -> bool {
        match text {
            Cow::Borrowed(text) => self == Self::Borrowed || !may_have_escapes(text.as_bytes()),
            Cow::Owned(_) => false,
        }
    }
}

/// A pass over what is to be recorded.
pub(super) struct Scrub<'s> {
    pub(super) search: &'s Search<'s>,
    pub(super) policy: &'s Policy,
    pub(super) receipts: &'s mut Receipts,
    /// Text that stands in the body as it was sent needs no search, if there is no secret in the
    /// body.
    pub(super) clean: Option<Sent>,
}

impl Scrub<'_> {
    /// Removes what was seen from a text.
    pub(super) fn text(&mut self, text: &mut String, location: &str) {
        if let Some(shown) = self.shown(text, location) {
            *text = shown;
        }
    }

    fn shown(&mut self, text: &str, location: &str) -> Option<String> {
        // So short a text is no secret, and none encoded: that takes more bytes, not fewer.
        if text.len() < SECRET_BYTES_MIN {
            return None;
        }
        if let Some(scrubbed) = self.search.scrub(text) {
            if self.is_id(text, location) {
                return None;
            }
            self.receipts.add(location, scrubbed.rule);
            return Some(scrubbed.text);
        }
        let rule = find_encoded(text, self.search).or_else(|| find_escaped(text, self.search))?;
        self.receipts.add(location, rule);
        Some(MASK.to_owned())
    }

    /// Whether a text with a secret in it is an id, under the name of one.
    fn is_id(&self, text: &str, location: &str) -> bool {
        self.search.is_id(text) && names_id(nearest_name(location))
    }

    /// Removes what was seen from a GraphQL document, but for names of its schema.
    fn document(&mut self, text: &mut Cow<'_, str>, location: &str) {
        if self.skips(text) {
            return;
        }
        let hits = self.search.hits(text);
        let is_value = |(range, _): &(_, usize)| !is_schema_name(text, range);
        if (hits.is_empty() || hits.iter().any(is_value))
            && let Some(shown) = self.shown(text, location)
        {
            *text = Cow::Owned(shown);
        }
    }

    #[expect(clippy::ptr_arg, reason = "it matters whether it is borrowed")]
    fn skips(&self, text: &Cow<'_, str>) -> bool {
        self.clean.is_some_and(|sent| sent.has(text))
    }

    /// Removes what was seen from values and names. The depth is that of the decoded tree.
    pub(super) fn value(&mut self, value: &mut Node<'_>, location: &mut String) {
        match value {
            Node::Null | Node::Bool(_) => {}
            // Integers stand in the body as they are recorded.
            Node::Number(Number::Integer(_)) if self.clean.is_some() => {}
            Node::Number(number) => {
                let written = number.to_string();
                if let Some(scrubbed) = self.search.scrub(&written)
                    && !self.is_id(&written, location)
                {
                    self.receipts.add(location, scrubbed.rule);
                    *value = Node::String(Cow::Owned(scrubbed.text));
                }
            }
            Node::String(text) if self.skips(text) => {}
            Node::String(text) => {
                if let Some(shown) = self.shown(text, location) {
                    *text = Cow::Owned(shown);
                }
            }
            Node::Array(items) => {
                let length = location.len();
                location.push_str("[*]");
                items.iter_mut().for_each(|item| self.value(item, location));
                location.truncate(length);
            }
            Node::Object(members) if self.is_marker(members) => {}
            Node::Object(members) => self.object(members, location),
        }
    }

    /// Names that are the same without their secrets become one later.
    fn object(&mut self, members: &mut Members<'_>, location: &mut String) {
        let is_call = is_call(members);
        for (name, value) in members {
            let length = location.len();
            push_name(location, name);
            match value {
                Node::String(text) if is_call && is_call_method(name, text) => {}
                Node::String(text) if may_be_document(name, text) => self.document(text, location),
                value => self.value(value, location),
            }
            location.truncate(length);
            if !self.skips(name)
                && let Some(shown) = self.shown(name, location)
            {
                *name = Cow::Owned(shown);
            }
        }
    }

    /// What the walk put in the place of a secret: a rule's id is no secret, whatever was sent.
    fn is_marker(&self, members: &Members<'_>) -> bool {
        let id = members.iter().find(|(name, _)| name == "redacted");
        let Some((_, Node::String(id))) = id else { return false };
        self.policy.has_rule(id)
            && members.iter().all(|(name, value)| match (name.as_ref(), value) {
                ("redacted", Node::String(_)) => true,
                ("fingerprint", Node::String(text)) => is_fingerprint(text),
                ("ends", Node::String(_)) => true,
                ("chars" | "items", Node::Number(_)) => true,
                ("type", Node::String(text)) => is_type(text),
                _ => false,
            })
    }
}
