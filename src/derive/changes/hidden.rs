//! What redaction put in the place of values, and what two of them tell.

use std::borrow::Cow;

use crate::decode::Node;
use crate::redact::SEAL;

/// What stands in the place of a value, or of a part of a text, that told nothing of it.
const MASK: &str = "***";

/// What two places tell, of which at least one is redacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// The same value.
    Same,
    /// Another value.
    Changed,
    /// Nobody can say.
    Hidden,
}

/// A redacted value.
enum Marker<'n> {
    /// A text with a mask in it.
    Masked(&'n str),
    /// `{"redacted": rule, …}`: the rule, and what is told beside it.
    Told(&'n str, Option<(&'n str, &'n Node<'n>)>),
}

/// Whether a value is what redaction put there.
pub(super) fn is_hidden(node: &Node<'_>) -> bool {
    marker(node).is_some()
}

/// The digest that stands in the place of a value, by which it is told from others.
pub(super) fn mark<'n>(node: &'n Node<'n>) -> Option<&'n str> {
    match marker(node)? {
        Marker::Told(_, Some(("fingerprint" | SEAL, digest))) => digest.as_str(),
        _ => None,
    }
}

/// Whether there is such a value in it.
pub(super) fn has_hidden(node: &Node<'_>) -> bool {
    is_hidden(node)
        || match node {
            Node::Array(items) => items.iter().any(has_hidden),
            Node::Object(members) => members.iter().any(|(_, item)| has_hidden(item)),
            _ => false,
        }
}

/// What the two tell; `None` if neither is redacted.
pub(super) fn sight(before: &Node<'_>, after: &Node<'_>) -> Option<Sight> {
    Some(match (marker(before), marker(after)) {
        (None, None) => return None,
        (Some(before), Some(after)) => between(&before, &after),
        (Some(_), None) | (None, Some(_)) => Sight::Changed,
    })
}

fn between(before: &Marker<'_>, after: &Marker<'_>) -> Sight {
    match (before, after) {
        (Marker::Masked(before), Marker::Masked(after)) if before == after => Sight::Hidden,
        (Marker::Masked(_), Marker::Masked(_)) => Sight::Changed,
        (Marker::Told(rule, Some((name, before))), Marker::Told(other, Some((as_well, after))))
            if name == as_well && (rule == other || *name == "fingerprint") =>
        {
            match before == after {
                // A digest tells; a size or some characters of two values may be the same.
                true if matches!(*name, "fingerprint" | SEAL) => Sight::Same,
                true => Sight::Hidden,
                false => Sight::Changed,
            }
        }
        _ => Sight::Hidden,
    }
}

/// Whether a member holds a digest that is for comparing only.
pub(super) fn is_seal(members: &[(Cow<'_, str>, Node<'_>)], name: &str) -> bool {
    name == SEAL && members.iter().any(|(name, _)| name == "redacted")
}

/// Whether there is a mask in a text. Most have no `*`.
fn is_masked(text: &str) -> bool {
    text.as_bytes().contains(&b'*') && text.contains(MASK)
}

fn marker<'n>(node: &'n Node<'n>) -> Option<Marker<'n>> {
    match node {
        Node::String(text) if is_masked(text) => Some(Marker::Masked(text)),
        Node::Object(members) if members.len() <= 2 => {
            let rule = node.get("redacted")?.as_str()?;
            let told = members.iter().find(|(name, _)| name != "redacted");
            let told = told.map(|(name, value)| (name.as_ref(), value));
            let is_known = told.is_none_or(|(name, _)| {
                matches!(name, "fingerprint" | "ends" | "chars" | "items" | "type" | SEAL)
            });
            is_known.then_some(Marker::Told(rule, told))
        }
        _ => None,
    }
}
