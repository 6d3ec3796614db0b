//! What redaction put in the place of values, and what two of them tell.

use std::borrow::Cow;

use crate::decode::Node;
use crate::redact::{SEAL, SEALED_NUMBER, SEALED_TEXT};

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
struct Marker<'n> {
    shows: Shows<'n>,
    /// The digest of what stood there, in a state.
    seal: Option<&'n str>,
}

enum Shows<'n> {
    /// A text that is not as it was, or with a mask in it.
    Text(&'n str),
    /// `{"redacted": rule, …}`: the rule, and what is told beside it.
    Told(&'n str, Option<(&'n str, &'n Node<'n>)>),
}

/// Whether a value is what redaction put there.
pub(super) fn is_hidden(node: &Node<'_>) -> bool {
    marker(node).is_some()
}

/// The digest that stands in the place of a value, by which it is told from others.
pub(super) fn mark<'n>(node: &'n Node<'n>) -> Option<&'n str> {
    let marker = marker(node)?;
    match marker.shows {
        Shows::Told(_, Some(("fingerprint", digest))) => digest.as_str(),
        _ => marker.seal,
    }
}

/// What is on record in the place of a value, and tells it from others: a digest, or a number as a text.
pub(super) fn identity<'n>(node: &'n Node<'n>) -> Option<&'n str> {
    if let Some(number) = node.get(SEALED_NUMBER) {
        return number.as_str();
    }
    match marker(node)?.shows {
        Shows::Told(_, Some(("fingerprint", digest))) => digest.as_str(),
        _ => None,
    }
}

/// Whether there is a value in it of which nothing tells whether it is the same as another.
pub(super) fn has_untold(node: &Node<'_>) -> bool {
    match node {
        node if is_hidden(node) => mark(node).is_none(),
        Node::Array(items) => items.iter().any(has_untold),
        Node::Object(members) => members.iter().any(|(_, item)| has_untold(item)),
        _ => false,
    }
}

/// The same value as it may be recorded.
pub(super) fn unsealed<'n>(node: &'n Node<'n>) -> Cow<'n, Node<'n>> {
    if has_hidden(node) { Cow::Owned(without_seals(node)) } else { Cow::Borrowed(node) }
}

fn without_seals<'n>(node: &Node<'n>) -> Node<'n> {
    let is_marker = is_hidden(node);
    match node {
        Node::Array(items) => Node::Array(items.iter().map(without_seals).collect()),
        Node::Object(members) => match sealed_text(node) {
            Some(text) if is_marker => Node::String(Cow::Owned(text.to_owned())),
            _ => {
                let told = members.iter().filter(|(name, _)| !is_marker || name != SEAL);
                Node::Object(told.map(|(name, item)| (name.clone(), without_seals(item))).collect())
            }
        },
        other => other.clone(),
    }
}

/// Whether there is a number in it that is written as a text.
pub(super) fn has_number_as_text(node: &Node<'_>) -> bool {
    match node {
        Node::Array(items) => items.iter().any(has_number_as_text),
        Node::Object(members) => {
            let is_one = node.get(SEALED_NUMBER).is_some() && is_hidden(node);
            is_one || members.iter().any(|(_, item)| has_number_as_text(item))
        }
        _ => false,
    }
}

/// Whether there is a redacted value in it.
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
    if let (Some(before), Some(after)) = (before.seal, after.seal) {
        return if before == after { Sight::Same } else { Sight::Changed };
    }
    match (&before.shows, &after.shows) {
        (Shows::Text(before), Shows::Text(after)) if before == after => Sight::Hidden,
        (Shows::Text(_), Shows::Text(_)) => Sight::Changed,
        (Shows::Told(rule, Some((name, before))), Shows::Told(other, Some((as_well, after))))
            if name == as_well && (rule == other || *name == "fingerprint") =>
        {
            match before == after {
                // A fingerprint tells; a size or some characters of two values may be the same.
                true if *name == "fingerprint" => Sight::Same,
                true => Sight::Hidden,
                false => Sight::Changed,
            }
        }
        _ => Sight::Hidden,
    }
}

/// Whether there is a mask in a text. Most have no `*`.
fn is_masked(text: &str) -> bool {
    text.as_bytes().contains(&b'*') && text.contains(MASK)
}

/// A text that is not as it was.
fn sealed_text<'n>(node: &'n Node<'n>) -> Option<&'n str> {
    node.get(SEALED_TEXT).or_else(|| node.get(SEALED_NUMBER))?.as_str()
}

fn marker<'n>(node: &'n Node<'n>) -> Option<Marker<'n>> {
    match node {
        Node::String(text) if is_masked(text) => {
            Some(Marker { shows: Shows::Text(text), seal: None })
        }
        Node::Object(members) if members.len() <= 3 => {
            let seal = node.get(SEAL).and_then(Node::as_str);
            let others = members.len() - usize::from(seal.is_some());
            if let Some(text) = sealed_text(node) {
                let is_whole = seal.is_some() && others == 1;
                return is_whole.then_some(Marker { shows: Shows::Text(text), seal });
            }
            let rule = node.get("redacted")?.as_str()?;
            let is_beside = |name: &str| name != "redacted" && name != SEAL;
            let told = members.iter().find(|(name, _)| is_beside(name));
            let told = told.map(|(name, value)| (name.as_ref(), value));
            let is_known = others <= 2
                && told.is_none_or(|(name, _)| {
                    matches!(name, "fingerprint" | "ends" | "chars" | "items" | "type")
                });
            is_known.then_some(Marker { shows: Shows::Told(rule, told), seal })
        }
        _ => None,
    }
}
