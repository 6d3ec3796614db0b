//! Whether a state shows a field that a request sets, though it may write it otherwise.
//!
//! Requests and states wrap the thing (`{"key": {…}}`, `{"data": {…}}`, `user[name]`), or do not, and
//! write names in another case (`displayName`, `display_name`).

use crate::decode::Node;
use crate::derive::body::WRAPPERS;

/// Names of a path that are looked at.
const DEPTH_MAX: usize = 32;

/// Whether a state tells of the value at a path of the request: it stands there, or what is above it
/// is no object; with what wraps the thing on either side, or without.
pub(super) fn has(state: &Node<'_>, kind: &str, path: &str) -> bool {
    let names = names(path);
    let inner = names.get(1..).filter(|inner| !inner.is_empty());
    let wrapped = state.members().iter().filter(|(name, node)| {
        let is_alone = state.members().len() == 1;
        let is_known = WRAPPERS.contains(&name.as_ref()) || is_same(name, kind);
        matches!(node, Node::Object(_)) && (is_alone || is_known)
    });
    let mut states = std::iter::once(state).chain(wrapped.map(|(_, node)| node));
    states.any(|state| tells(state, &names) || inner.is_some_and(|inner| tells(state, inner)))
}

/// The names on a path (RFC 6901); those of a form's field are told apart: `user[name]`. Of what
/// filters a list (`emails[type eq "work"]`) the list is meant.
fn names(path: &str) -> Vec<String> {
    let mut names = Vec::new();
    for name in path.split('/').skip(1).take(DEPTH_MAX) {
        let name = name.replace("~1", "/").replace("~0", "~");
        match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
            Some((outer, inner)) if !outer.is_empty() && !inner.contains(' ') => {
                names.push(outer.to_owned());
                names.extend(inner.split("][").filter(|it| !it.is_empty()).map(str::to_owned));
            }
            Some((outer, _)) if !outer.is_empty() => names.push(outer.to_owned()),
            _ => names.push(position(&name).unwrap_or(&name).to_owned()),
        }
    }
    names
}

/// Where an item that was added stands.
fn position(name: &str) -> Option<&str> {
    name.strip_prefix('+').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// What a state shows at a path of the request, with what wraps the thing on either side, or without.
pub(super) fn find<'n>(state: &'n Node<'n>, kind: &str, path: &str) -> Option<&'n Node<'n>> {
    let names = names(path);
    let names = bare(&names, kind);
    let down = |state: &'n Node<'n>| {
        names.iter().try_fold(state, |node, name| {
            let like = || node.members().iter().find(|(other, _)| is_same(other, name));
            node.get(name).or_else(|| like().map(|(_, node)| node))
        })
    };
    let is_wrapper = |name: &str| WRAPPERS.contains(&name) || is_same(name, kind);
    let wrapped = state.members().iter().filter(|(name, _)| is_wrapper(name));
    down(state).or_else(|| wrapped.into_iter().find_map(|(_, node)| down(node)))
}

/// Whether a path of a state and one of the request are those of the same value, with what wraps the
/// thing on either side, or without.
pub(super) fn is_at(shown: &str, kind: &str, set: &str) -> bool {
    let (shown, set) = (names(shown), names(set));
    let (shown, set) = (bare(&shown, kind), bare(&set, kind));
    shown.len() == set.len() && shown.iter().zip(set).all(|(one, other)| is_same(one, other))
}

/// The names without what wraps the thing.
fn bare<'n>(names: &'n [String], kind: &str) -> &'n [String] {
    match names {
        [first, rest @ ..]
            if !rest.is_empty() && (WRAPPERS.contains(&first.as_str()) || is_same(first, kind)) =>
        {
            rest
        }
        names => names,
    }
}

fn tells(state: &Node<'_>, names: &[String]) -> bool {
    let mut node = state;
    for name in names {
        if !matches!(node, Node::Object(_)) {
            return true;
        }
        let like = || node.members().iter().find(|(other, _)| is_same(other, name));
        match node.get(name).or_else(|| like().map(|(_, node)| node)) {
            Some(member) => node = member,
            None => return false,
        }
    }
    true
}

/// Whether two names are the same but for their case and what parts their words.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |name: &str| -> Vec<char> {
        let chars = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
        chars.flat_map(char::to_lowercase).collect()
    };
    // An id is what it is.
    one == other || (!one.starts_with('[') && plain(one) == plain(other))
}
