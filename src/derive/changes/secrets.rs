//! What a request set that redaction took out of it, and that the states do not tell of: an API hides a
//! secret in its own way (`"********"`, `true`, nothing), before and after it was changed alike.

use super::hidden::{is_hidden, mark};
use super::items;
use super::list::{down, down_to};
use super::shows::{find, is_at};
use super::{CHANGES_MAX, Difference};
use crate::decode::Node;

/// A value that a request set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Secret {
    /// Where it stands in the request (RFC 6901).
    path: String,
    /// What tells two such values apart, if anything does.
    mark: Option<String>,
}

/// Takes the secrets of a value that is set at a path.
pub(super) fn take(secrets: &mut Vec<Secret>, path: &str, node: &Node<'_>) {
    let mut path = path.to_owned();
    within(secrets, &mut path, node);
}

fn within(secrets: &mut Vec<Secret>, path: &mut String, node: &Node<'_>) {
    if secrets.len() >= CHANGES_MAX {
        return;
    }
    match node {
        node if is_hidden(node) => {
            let mark = mark(node).map(str::to_owned);
            secrets.push(Secret { path: path.clone(), mark });
        }
        Node::Array(items) => {
            let names = items::names(items);
            for (position, item) in items.iter().enumerate() {
                let name = names.as_ref().and_then(|names| names.get(position));
                let length = match name {
                    Some(name) => down(path, name),
                    None => down_to(path, position),
                };
                within(secrets, path, item);
                path.truncate(length);
            }
        }
        Node::Object(members) => {
            for (name, item) in members {
                let length = down(path, name);
                within(secrets, path, item);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

/// The paths of the secrets of which the difference between two states tells nothing, though the
/// state after may show something in their place; `kind` is that of the target.
pub(super) fn untold(
    secrets: Vec<Secret>,
    kind: &str,
    after: &Node<'_>,
    difference: &Difference,
) -> Vec<String> {
    let told = difference.changes.iter().map(|change| &change.path);
    let told: Vec<&String> = told.chain(&difference.hidden).collect();
    let is_untold = |secret: &Secret| {
        let place = find(after, kind, &secret.path);
        // The very value that was sent is shown.
        let is_shown = secret.mark.is_some() && place.and_then(mark) == secret.mark.as_deref();
        !is_shown && !told.iter().any(|path| is_at(path, kind, &secret.path))
    };
    secrets.into_iter().filter(is_untold).map(|secret| secret.path).collect()
}
