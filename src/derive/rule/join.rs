//! Which id and which name a rule has taken of one thing.
//!
//! Invariant: an id and a name of a list go together only if they stand in the same item of it. How
//! many there are of each says nothing: an item may lack either.

use std::collections::{HashMap, HashSet};

use crate::derive::body::TARGETS_MAX;
use crate::record::Target;

/// The item of a list that a value stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Item {
    /// In none: there is one such value only.
    None,
    /// In the one at this address, of the trees that the values are taken from.
    At(usize),
    /// In some, and nothing tells which of another list is the same.
    Unknown,
}

/// A value that a template has taken.
#[derive(Debug, Clone)]
pub(in crate::derive) struct Taken {
    pub(super) text: String,
    pub(super) item: Item,
}

impl Taken {
    /// One that is known otherwise.
    pub(super) fn known(text: &str) -> Self {
        Self { text: text.to_owned(), item: Item::None }
    }
}

/// The targets with these ids and names; names alone are targets, too, and so are those of the items of
/// a list that have no id, where others have one.
pub(super) fn joined(kind: &str, ids: Vec<Taken>, names: Vec<Taken>) -> Vec<Target> {
    let target = |id, name| Target { kind: kind.to_owned(), id, name };
    if ids.is_empty() {
        let mut names = names.into_iter().map(|name| target(None, Some(name.text)));
        let first = names.next().unwrap_or_else(|| target(None, None));
        return std::iter::once(first).chain(names).collect();
    }
    let only = match (ids.as_slice(), names.as_slice()) {
        ([_], [Taken { text, item: Item::None }]) => Some(text.clone()),
        _ => None,
    };
    let identified: HashSet<Item> = ids.iter().map(|id| id.item).collect();
    let is_alone =
        |name: &&Taken| matches!(name.item, Item::At(_)) && !identified.contains(&name.item);
    let is_shared = names.iter().any(|name| matches!(name.item, Item::At(_)) && !is_alone(&name));
    let alone = names.iter().filter(is_alone).filter(|_| is_shared);
    let alone: Vec<Target> = alone.map(|name| target(None, Some(name.text.clone()))).collect();
    let names: HashMap<Item, String> =
        names.into_iter().map(|name| (name.item, name.text)).collect();
    let name = |id: &Taken| match id.item {
        Item::At(_) => only.as_ref().or_else(|| names.get(&id.item)),
        Item::None | Item::Unknown => only.as_ref(),
    };
    let with_name = |id: Taken| {
        let name = name(&id).filter(|name| **name != id.text).cloned();
        target(Some(id.text), name)
    };
    ids.into_iter().map(with_name).chain(alone).take(TARGETS_MAX).collect()
}
