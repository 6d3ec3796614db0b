//! JSON Patch (RFC 6902): operations one after the other.

use super::Note;
use super::hidden::{Sight, has_hidden, sight};
use super::list::List;
use crate::decode::Node;

/// One operation.
struct Operation<'n> {
    op: Op,
    path: &'n str,
    from: Option<&'n str>,
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
struct Tested<'n>(Vec<(&'n str, &'n Node<'n>)>);

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
    let operations: Option<Vec<_>> =
        tree.as_array().and_then(|items| items.iter().map(operation).collect());
    let mut tested = Tested::default();
    for operation in operations.ok_or(Note::InvalidPatch)? {
        let Operation { op, path, from, value } = operation;
        if list.is_full() {
            return Ok(());
        }
        let before = tested.at(path);
        let moved = from.and_then(|from| tested.at(from));
        match op {
            Op::Test => {
                tested.add(path, value);
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
    let op = match text("op")? {
        "add" => Op::Add,
        "remove" => Op::Remove,
        "replace" => Op::Replace,
        "move" => Op::Move,
        "copy" => Op::Copy,
        "test" => Op::Test,
        _ => return None,
    };
    let (path, from) = (text("path")?, text("from"));
    let value = node.get("value");
    let is_whole = match op {
        Op::Add | Op::Replace | Op::Test => value.is_some(),
        Op::Move | Op::Copy => from.is_some_and(is_pointer),
        Op::Remove => true,
    };
    (is_whole && is_pointer(path)).then_some(Operation { op, path, from, value })
}

/// RFC 6901: empty, or beginning with a slash.
fn is_pointer(path: &str) -> bool {
    path.is_empty() || path.starts_with('/')
}

impl<'n> Tested<'n> {
    fn at(&self, path: &str) -> Option<&'n Node<'n>> {
        self.0.iter().rev().find(|(other, _)| *other == path).map(|(_, value)| *value)
    }

    fn add(&mut self, path: &'n str, value: Option<&'n Node<'n>>) {
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
