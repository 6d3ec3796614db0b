//! The difference between two states.

use std::collections::BTreeMap;

use super::Note;
use super::asked::{Asked, volatile};
use super::hidden::{self, Sight};
use super::items::{self, Key};
use super::list::{List, down, down_to, down_to_added, size};
use super::sequence::{self, Step};
use crate::decode::{Node, Number};
use crate::record::Change;

/// What differs between two states.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Difference {
    /// The changes. An item of a list is called by its id (`/items/[id=3]/v`), else by where it was before
    /// (`/items/2/v`), and an added one by where it is after (`/items/+2`): no path is that of two items.
    pub changes: Vec<Change>,
    /// Paths whose values are redacted on both sides so that nobody can say whether they changed.
    pub hidden: Vec<String>,
    /// What is to be known of the changes.
    pub notes: Vec<String>,
}

/// Compares two redacted trees.
pub fn diff(before: &Node<'_>, after: &Node<'_>) -> Difference {
    diff_asked(before, after, &Asked::default())
}

/// The same, where a request asked for changes of fields that else are not compared.
pub(super) fn diff_asked(before: &Node<'_>, after: &Node<'_>, asked: &Asked<'_>) -> Difference {
    let mut list = List::of_states();
    compare(&mut list, asked, &mut String::new(), before, after);
    let hidden = std::mem::take(&mut list.hidden);
    let (changes, notes) = list.finish();
    Difference { changes, hidden, notes }
}

fn compare(
    list: &mut List,
    asked: &Asked<'_>,
    path: &mut String,
    before: &Node<'_>,
    after: &Node<'_>,
) {
    if list.is_full() {
        return;
    }
    match (hidden::sight(before, after), before, after) {
        (Some(Sight::Same), ..) => {}
        (Some(Sight::Hidden), ..) => list.hide(path),
        (Some(Sight::Changed), ..) => list.replace(path, Some(before), Some(after)),
        (None, Node::Object(_), Node::Object(_)) => objects(list, asked, path, before, after),
        (None, Node::Array(left), Node::Array(right)) => match items::key(left, right) {
            Some(key) => by_id(list, asked, path, (&key, left, right)),
            None => by_position(list, asked, path, (before, left), (after, right)),
        },
        (None, ..) if is_same(before, after) => {}
        (None, ..) => list.replace(path, Some(before), Some(after)),
    }
}

/// Whether two values that are neither lists nor objects are the same.
fn is_same(before: &Node<'_>, after: &Node<'_>) -> bool {
    match (before, after) {
        (Node::Number(left), Node::Number(right)) => match (left, right) {
            (Number::Integer(_), Number::Double(_)) | (Number::Double(_), Number::Integer(_)) => {
                left.to_string() == right.to_string()
            }
            _ => left == right,
        },
        _ => before == after,
    }
}

fn objects(
    list: &mut List,
    asked: &Asked<'_>,
    path: &mut String,
    before: &Node<'_>,
    after: &Node<'_>,
) {
    let mut members: BTreeMap<&str, (Option<&Node<'_>>, Option<&Node<'_>>)> = BTreeMap::new();
    for (name, node) in before.members() {
        members.entry(name).or_default().0.get_or_insert(node);
    }
    for (name, node) in after.members() {
        members.entry(name).or_default().1.get_or_insert(node);
    }
    for (name, sides) in members {
        if volatile(name).is_some_and(|name| !asked.changes(&name, sides.0)) {
            continue;
        }
        let length = down(path, name);
        match sides {
            (Some(before), Some(after)) => compare(list, asked, path, before, after),
            (Some(before), None) => list.remove(path, Some(before)),
            (None, after) => list.add(path, after),
        }
        path.truncate(length);
        if list.is_full() {
            return;
        }
    }
}

fn by_id(
    list: &mut List,
    asked: &Asked<'_>,
    path: &mut String,
    (key, before, after): (&Key, &[Node<'_>], &[Node<'_>]),
) {
    let mut last = None;
    for (position, item) in before.iter().enumerate() {
        let length = key.down(path, item).unwrap_or_else(|| down_to(path, position));
        let place = key.after(item);
        match place.and_then(|place| after.get(place)) {
            Some(now) => compare(list, asked, path, item, now),
            None => list.remove(path, Some(item)),
        }
        path.truncate(length);
        if place.is_some() && place < last {
            list.note(Note::Reordered);
        }
        last = place.or(last);
        if list.is_full() {
            return;
        }
    }
    for (position, item) in after.iter().enumerate().filter(|(_, item)| key.is_new(item)) {
        let length = key.down(path, item).unwrap_or_else(|| down_to_added(path, position));
        list.add(path, Some(item));
        path.truncate(length);
    }
}

/// Item by item, plain values as a sequence, or as a whole if that is shorter.
fn by_position<'n>(
    list: &mut List,
    asked: &Asked<'_>,
    path: &mut String,
    (before, left): (&Node<'n>, &[Node<'n>]),
    (after, right): (&Node<'n>, &[Node<'n>]),
) {
    let mark = list.mark();
    let by_position = || {
        (0..left.len().max(right.len())).map(|at| match (at < left.len(), at < right.len()) {
            (true, true) => Step::Other(at, at),
            (true, false) => Step::Out(at),
            (false, _) => Step::In(at),
        })
    };
    let steps = sequence::steps(left, right).unwrap_or_else(|| by_position().collect());
    for step in steps {
        let length = match step {
            Step::Other(position, _) | Step::Out(position) => down_to(path, position),
            Step::In(position) => down_to_added(path, position),
        };
        match step {
            Step::Other(at, now) => {
                if let (Some(before), Some(after)) = (left.get(at), right.get(now)) {
                    compare(list, asked, path, before, after);
                }
            }
            Step::Out(at) => list.remove(path, left.get(at)),
            Step::In(at) => list.add(path, right.get(at)),
        }
        path.truncate(length);
        if list.is_full() {
            break;
        }
    }
    if list.len() == mark.changes() {
        return;
    }
    if list.is_full() || list.cost_since(&mark) >= path.len() + size(before) + size(after) {
        list.back_to(mark);
        list.replace(path, Some(before), Some(after));
    }
}
