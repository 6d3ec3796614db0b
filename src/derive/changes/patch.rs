//! JSON Patch (RFC 6902): operations one after the other.
//!
//! Some software takes more than the standard has (`Replace`, a path without its slash), and carries out
//! what is before an operation that it does not know. So what can be read is told, and that there is more.

use std::borrow::Cow;

use super::Note;
use super::hidden::{Sight, has_hidden, sight};
use super::list::List;
use crate::decode::Node;

/// One operation.
struct Operation<'n> {
    op: Op,
    path: Cow<'n, str>,
    from: Option<Cow<'n, str>>,
    value: Option<&'n Node<'n>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Op {
    Add,
    Remove,
    Replace,
    Move,
    Copy,
    Test,
}

/// Values that the patch has tested: in one that succeeded they were there.
#[derive(Default)]
struct Tested<'n>(Vec<(String, &'n Node<'n>)>);

/// Tests that are remembered.
const TESTS_MAX: usize = 64;

/// Whether a body has the form of one, whatever its type.
pub(super) fn is_patch(tree: &Node<'_>) -> bool {
    tree.as_array().is_some_and(|items| {
        !items.is_empty() && items.iter().all(|item| operation(item).is_some())
    })
}

/// Lists what the operations do.
pub(super) fn read(list: &mut List, tree: &Node<'_>) -> Result<(), Note> {
    let items = tree.as_array().ok_or(Note::InvalidPatch)?;
    if !items.iter().any(|item| operation(item).is_some()) && !items.is_empty() {
        return Err(Note::InvalidPatch);
    }
    let mut tested = Tested::default();
    for item in items {
        let Some(Operation { op, path, from, value }) = operation(item) else {
            list.note(Note::InvalidPatch);
            // Nobody knows what it did.
            tested = Tested::default();
            continue;
        };
        if list.is_full() {
            return Ok(());
        }
        let (path, from) = (path.as_ref(), from.as_deref());
        let before = tested.at(path);
        let moved = from.and_then(|from| tested.at(from));
        match op {
            Op::Test => {
                tested.add(path.to_owned(), value);
                continue;
            }
            Op::Add => list.add(path, value),
            Op::Remove => list.remove(path, before),
            Op::Replace if is_known_same(before, value) => {}
            Op::Replace => list.replace(path, before, value),
            Op::Copy => list.add(path, moved),
            Op::Move => {
                let from = from.unwrap_or_default();
                list.remove(from, moved);
                list.add(path, moved);
                tested.forget(from);
            }
        }
        tested.forget(path);
    }
    Ok(())
}

/// What is set is what was tested to be there.
fn is_known_same(before: Option<&Node<'_>>, after: Option<&Node<'_>>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return false };
    match sight(before, after) {
        Some(seen) => seen == Sight::Same,
        None => before == after && !has_hidden(before),
    }
}

fn operation<'n>(node: &'n Node<'n>) -> Option<Operation<'n>> {
    let text = |name: &str| node.get(name).and_then(Node::as_str);
    let known = [
        ("add", Op::Add),
        ("remove", Op::Remove),
        ("replace", Op::Replace),
        ("move", Op::Move),
        ("copy", Op::Copy),
        ("test", Op::Test),
    ];
    let named = text("op")?;
    let (_, op) = *known.iter().find(|(name, _)| named.eq_ignore_ascii_case(name))?;
    let (path, from) = (pointer(text("path")?), text("from").map(pointer));
    let value = node.get("value");
    let is_whole = match op {
        Op::Add | Op::Replace | Op::Test => value.is_some(),
        Op::Move | Op::Copy => from.is_some(),
        Op::Remove => true,
    };
    is_whole.then_some(Operation { op, path, from, value })
}

/// RFC 6901: empty, or beginning with a slash, which some leave out.
fn pointer(path: &str) -> Cow<'_, str> {
    match path.is_empty() || path.starts_with('/') {
        true => Cow::Borrowed(path),
        false => Cow::Owned(format!("/{path}")),
    }
}

impl<'n> Tested<'n> {
    fn at(&self, path: &str) -> Option<&'n Node<'n>> {
        self.0.iter().rev().find(|(other, _)| other == path).map(|(_, value)| *value)
    }

    fn add(&mut self, path: String, value: Option<&'n Node<'n>>) {
        if let Some(value) = value
            && self.0.len() < TESTS_MAX
        {
            self.0.push((path, value));
        }
    }

    /// Forgets what an operation at `path` may have changed or moved: what stands beside it in a
    /// list, what holds it, and what it holds.
    fn forget(&mut self, path: &str) {
        let is_item = |name: &str| name == "-" || name.bytes().all(|byte| byte.is_ascii_digit());
        let changed = match path.rsplit_once('/') {
            Some((parent, name)) if is_item(name) => parent,
            _ => path,
        };
        self.0.retain(|(other, _)| !is_within(other, changed) && !is_within(changed, other));
    }
}

fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
