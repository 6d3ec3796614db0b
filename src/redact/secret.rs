//! What is done to a value under a rule.

use std::borrow::Cow;

use super::policy::Carrier;
use super::rule::Action;
use super::seen::{
    ENDS_CHARS_MAX, MASK, ends, is_fingerprint, is_guessable, is_redacted_text, is_remembered,
};
use super::walk::Walk;
use crate::decode::{Node, Number, base64_text};

/// The domain of fingerprints of secrets: one for all carriers, so that the same secret is
/// recognised in a header and in a body.
pub const DOMAIN: &str = "secret";

/// Where a secret stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// It is the value under the selected name.
    Selected,
    /// It is a member inside of that value.
    Inner,
}

impl Walk<'_> {
    /// Puts in the place of a value under a rule what is recorded of it.
    pub(super) fn secret(&mut self, node: &mut Node<'_>, rule: usize) {
        if self.is_redacted(node) {
            return self.value(node);
        }
        self.remember_all(node, rule, Depth::Selected);
        self.receipt(rule);
        let id = self.policy.id(rule);
        *node = match (self.policy.action(rule), &*node) {
            (Action::Mask, _) => Node::String(Cow::Borrowed(MASK)),
            (Action::KeepEnds { first, last }, Node::String(text)) => {
                match ends(text, first, last) {
                    Some(shown) => marker(id, "ends", Node::String(shown.into())),
                    None => dropped(id),
                }
            }
            (Action::Summarize, Node::String(text)) => {
                marker(id, "chars", Node::count(text.chars().count()))
            }
            (Action::Summarize, Node::Array(items)) => {
                marker(id, "items", Node::count(items.len()))
            }
            (Action::Summarize, Node::Object(items)) => {
                marker(id, "items", Node::count(items.len()))
            }
            (Action::Fingerprint, Node::String(text)) => {
                let secret = super::headers::without_scheme(text).1;
                if is_guessable(secret) {
                    dropped(id)
                } else {
                    let fingerprint = self.key.fingerprint(DOMAIN, secret.as_bytes());
                    marker(id, "fingerprint", Node::String(fingerprint.into()))
                }
            }
            _ => dropped(id),
        };
    }

    /// Remembers a secret, so that it is removed wherever else it occurs.
    pub(super) fn remember(&mut self, text: &str, rule: usize) {
        if is_remembered(self.policy.action(rule)) {
            self.seen.add(text, rule);
        }
    }

    /// Remembers the secret, or all of them inside of a list or an object.
    fn remember_all(&mut self, node: &Node<'_>, rule: usize, depth: Depth) {
        match node {
            Node::String(text) if depth == Depth::Inner && self.is_kind(text) => {}
            Node::String(text) => {
                self.remember(text, rule);
                if let Some(decoded) = base64_text(text) {
                    self.remember(&decoded, rule);
                }
                let (scheme, secret) = super::headers::without_scheme(text);
                if scheme.is_some() {
                    self.remember(secret, rule);
                }
            }
            Node::Number(Number::Integer(number)) => self.remember(&number.to_string(), rule),
            Node::Number(Number::Text(text)) => self.remember(text, rule),
            Node::Array(items) => {
                items.iter().for_each(|item| self.remember_all(item, rule, depth));
            }
            Node::Object(members) => {
                members.iter().for_each(|(_, item)| self.remember_all(item, rule, Depth::Inner));
            }
            Node::Null | Node::Bool(_) | Node::Number(Number::Double(_)) => {}
        }
    }

    /// A word that only says what kind of credential it is: `{"type": "password", …}`.
    fn is_kind(&mut self, text: &str) -> bool {
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-')
            && self.rule_of_content(Carrier::Member, text, None).is_some()
    }

    /// Whether the value is what the engine itself puts in the place of one.
    fn is_redacted(&self, node: &Node<'_>) -> bool {
        match node {
            Node::String(text) => is_redacted_text(text),
            Node::Object(members) => {
                members.len() <= 2
                    && members.iter().any(|(name, _)| name == "redacted")
                    && members.iter().all(|(name, value)| match (name.as_ref(), value) {
                        ("redacted", Node::String(id)) => self.policy.has_rule(id),
                        ("fingerprint", Node::String(text)) => is_fingerprint(text),
                        ("ends", Node::String(text)) => is_ends(text),
                        ("chars" | "items", Node::Number(Number::Integer(_))) => true,
                        _ => false,
                    })
            }
            _ => false,
        }
    }
}

/// A few characters, `…`, a few characters: no secret is so short.
fn is_ends(text: &str) -> bool {
    text.split_once('…')
        .is_some_and(|(first, last)| first.chars().count() + last.chars().count() <= ENDS_CHARS_MAX)
}

/// `{"redacted": id}`.
pub(super) fn dropped(id: &str) -> Node<'static> {
    Node::Object(vec![redacted(id)])
}

/// `{"redacted": id, name: value}`.
pub(super) fn marker(id: &str, name: &'static str, value: Node<'static>) -> Node<'static> {
    Node::Object(vec![redacted(id), (Cow::Borrowed(name), value)])
}

fn redacted(id: &str) -> (Cow<'static, str>, Node<'static>) {
    (Cow::Borrowed("redacted"), Node::String(Cow::Owned(id.to_owned())))
}
