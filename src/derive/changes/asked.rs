//! Fields that change with everything else, and are not compared: unless the request set them, as
//! somebody does who dates something back.

use crate::decode::Node;
use crate::derive::body::scalar;

/// Names of such fields, in lower case without `_` and `-`.
const VOLATILE: [&str; 20] = [
    "etag",
    "lastactive",
    "lastactiveat",
    "lastmodified",
    "lastmodifiedat",
    "lastseen",
    "lastseenat",
    "lastupdated",
    "lastupdatedat",
    "lastused",
    "lastusedat",
    "lockversion",
    "modified",
    "modifiedat",
    "modifiedon",
    "resourceversion",
    "rowversion",
    "updated",
    "updatedat",
    "updatedon",
];

/// No volatile name is longer, with its separators.
const VOLATILE_BYTES_MAX: usize = 24;

/// Values of such fields that are remembered of a request.
const ASKED_MAX: usize = 64;

/// The name of such a field as it is compared, if it is one.
pub(super) fn volatile(name: &str) -> Option<String> {
    if name.len() > VOLATILE_BYTES_MAX {
        return None;
    }
    let squashed: String = name.chars().filter(|c| !matches!(c, '_' | '-')).collect();
    let squashed = squashed.to_ascii_lowercase();
    VOLATILE.contains(&squashed.as_str()).then_some(squashed)
}

/// What a request set of such fields.
#[derive(Debug, Default)]
pub(super) struct Asked<'n>(Vec<(String, &'n Node<'n>)>);

impl<'n> Asked<'n> {
    /// All of a body, wherever they stand: members, the names of a form, operations of a patch.
    pub(super) fn of(body: Option<&'n Node<'n>>) -> Self {
        let mut asked = Self::default();
        if let Some(body) = body {
            asked.collect(body);
        }
        asked
    }

    fn collect(&mut self, node: &'n Node<'n>) {
        if self.0.len() >= ASKED_MAX {
            return;
        }
        let path =
            node.get("path").and_then(Node::as_str).and_then(|path| path.rsplit(['/', '.']).next());
        let operation = path.and_then(volatile).zip(node.get("value"));
        self.0.extend(operation);
        for (name, inner) in node.members() {
            if self.0.len() >= ASKED_MAX {
                return;
            }
            // `issue[updated_at]`
            let own = name.rsplit('[').next().unwrap_or_default().trim_end_matches(']');
            match volatile(own) {
                Some(name) => self.0.push((name, inner)),
                None => self.collect(inner),
            }
        }
        node.as_array().into_iter().flatten().for_each(|item| self.collect(item));
    }

    /// Whether the request gave such a field another value than it had: who sends a whole resource
    /// back sends the one that it had.
    pub(super) fn changes(&self, name: &str, before: Option<&Node<'_>>) -> bool {
        let is_same = |value: &Node<'_>| {
            before.is_some_and(|before| match (scalar(value), scalar(before)) {
                (Some(value), Some(before)) => value == before,
                _ => value == before,
            })
        };
        self.0.iter().any(|(own, value)| own == name && !is_same(value))
    }
}
