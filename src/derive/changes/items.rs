//! By what the items of a list are known, and what they are called by in a path.

use std::collections::{HashMap, HashSet};

use super::hidden;
use super::list::down;
use crate::decode::Node;

/// Members by which items of a list are known, the best first.
pub(super) const IDS: [&str; 15] = [
    "id", "_id", "Id", "ID", "uuid", "uid", "guid", "gid", "sys_id", "iid", "key", "Key", "slug",
    "name", "Name",
];

/// Longer ids are no names for a path.
const ID_BYTES_MAX: usize = 256;

/// The member by which all items of two lists are known, each by another value.
pub(super) struct Key {
    name: &'static str,
    before: HashMap<String, usize>,
    after: HashMap<String, usize>,
}

impl Key {
    /// Where the item with the same id stands after.
    pub(super) fn after(&self, item: &Node<'_>) -> Option<usize> {
        id(item, self.name).and_then(|id| self.after.get(&id).copied())
    }

    /// Whether there was no item with this id before.
    pub(super) fn is_new(&self, item: &Node<'_>) -> bool {
        id(item, self.name).is_some_and(|id| !self.before.contains_key(&id))
    }

    /// Goes to an item by its id, unless that may not be told.
    pub(super) fn down(&self, path: &mut String, item: &Node<'_>) -> Option<usize> {
        called(item, self.name).map(|name| down(path, &name))
    }
}

/// The member by which all items on both sides are known.
pub(super) fn key(before: &[Node<'_>], after: &[Node<'_>]) -> Option<Key> {
    if before.is_empty() && after.is_empty() {
        return None;
    }
    IDS.into_iter().find_map(|name| {
        Some(Key { name, before: places(before, name)?, after: places(after, name)? })
    })
}

/// What the items of one list are called by, where all have an id that may be told.
pub(super) fn names(items: &[Node<'_>]) -> Option<Vec<String>> {
    let of = |key| items.iter().map(|item| called(item, key)).collect::<Option<Vec<_>>>();
    let is_each_another = |names: &Vec<String>| {
        let different: HashSet<&String> = names.iter().collect();
        different.len() == names.len()
    };
    IDS.into_iter().filter_map(of).find(is_each_another)
}

/// Where the items of a list stand, by their ids.
fn places(items: &[Node<'_>], key: &str) -> Option<HashMap<String, usize>> {
    let mut places = HashMap::with_capacity(items.len());
    for (position, item) in items.iter().enumerate() {
        if places.insert(id(item, key)?, position).is_some() {
            return None;
        }
    }
    Some(places)
}

/// The id of an item; a text and a number are not the same.
fn id(item: &Node<'_>, key: &str) -> Option<String> {
    match item.get(key)? {
        id if hidden::is_hidden(id) => hidden::mark(id).map(|mark| format!("}}{mark}")),
        Node::String(text) if text.len() <= ID_BYTES_MAX => Some(format!("\"{text}")),
        Node::Number(number) => Some(number.to_string()),
        Node::Object(members) => mongo(members).map(|text| format!("{{{text}")),
        _ => None,
    }
}

/// `{"$oid": "…"}`, as MongoDB writes the ids that it gives.
fn mongo<'n>(members: &'n [(std::borrow::Cow<'_, str>, Node<'_>)]) -> Option<&'n str> {
    match members {
        [(name, Node::String(text))] if name == "$oid" && text.len() <= ID_BYTES_MAX => Some(text),
        _ => None,
    }
}

/// An item as a path calls it, `[id=3]`, in a way that no two ids share: a text that could be taken for another
/// kind of id stands in quotes. An id that is redacted calls it by its fingerprint, or not at all.
fn called(item: &Node<'_>, key: &str) -> Option<String> {
    let id = match item.get(key)? {
        id if hidden::is_hidden(id) => hidden::identity(id)?.to_owned(),
        Node::String(text) if text.len() > ID_BYTES_MAX => return None,
        Node::String(text) if is_plain(text) => text.to_string(),
        Node::String(text) => format!("\"{text}\""),
        Node::Number(number) => number.to_string(),
        Node::Object(members) => format!("$oid:{}", mongo(members)?),
        _ => return None,
    };
    Some(format!("[{key}={id}]"))
}

/// Whether a text is no number, and no other id as it is written here.
fn is_plain(text: &str) -> bool {
    let is_other = ["\"", "$oid:", "hmac"].iter().any(|form| text.starts_with(form));
    !is_other && text.parse::<f64>().is_err()
}
