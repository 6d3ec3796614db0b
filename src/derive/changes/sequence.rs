//! Lists whose items have no ids: what was taken out, and what was put in, wherever it stands.

use super::hidden::has_untold;
use crate::decode::Node;

/// Longer lists are compared by position.
const ITEMS_MAX: usize = 256;

/// And those of objects, of which every one is compared with every other.
const OBJECTS_MAX: usize = 64;

/// A step from one list to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The item at this position before is gone.
    Out(usize),
    /// The item at this position after has come.
    In(usize),
    /// The item at the one position before is that at the other one after now.
    Other(usize, usize),
}

/// The fewest steps from one list to the other, if nothing in both is redacted so that it cannot be compared. Of items that are no
/// plain values, as many as went must have come for one to be another now.
pub(super) fn steps(before: &[Node<'_>], after: &[Node<'_>]) -> Option<Vec<Step>> {
    let is_plain = |node: &Node<'_>| !matches!(node, Node::Array(_) | Node::Object(_));
    let is_plain = before.iter().chain(after).all(is_plain);
    let max = if is_plain { ITEMS_MAX } else { OBJECTS_MAX };
    let fits = |items: &[Node<'_>]| items.len() <= max && !items.iter().any(has_untold);
    if !fits(before) || !fits(after) {
        return None;
    }
    let pair = |steps: &mut Vec<Step>, out: &mut Vec<usize>, new: &mut Vec<usize>| match is_plain
        || out.len() == new.len()
    {
        true => pair(steps, out, new),
        false => {
            steps.extend(out.drain(..).map(Step::Out));
            steps.extend(new.drain(..).map(Step::In));
        }
    };
    let lengths = lengths(before, after);
    let at =
        |i: usize, j: usize| lengths.get(i * (after.len() + 1) + j).copied().unwrap_or_default();
    let (mut i, mut j) = (0, 0);
    let mut steps = Vec::new();
    let (mut out, mut new) = (Vec::new(), Vec::new());
    loop {
        match (before.get(i), after.get(j)) {
            (Some(left), Some(right)) if left == right => {
                pair(&mut steps, &mut out, &mut new);
                (i, j) = (i + 1, j + 1);
            }
            (Some(_), Some(_)) if at(i + 1, j) >= at(i, j + 1) => {
                out.push(i);
                i += 1;
            }
            (Some(_), None) => {
                out.push(i);
                i += 1;
            }
            (_, Some(_)) => {
                new.push(j);
                j += 1;
            }
            (None, None) => break,
        }
    }
    pair(&mut steps, &mut out, &mut new);
    Some(steps)
}

/// What went and what came at the same place is one that is another now.
fn pair(steps: &mut Vec<Step>, out: &mut Vec<usize>, new: &mut Vec<usize>) {
    let mut came = new.drain(..);
    for i in out.drain(..) {
        steps.push(came.next().map_or(Step::Out(i), |j| Step::Other(i, j)));
    }
    steps.extend(came.map(Step::In));
}

/// Of every pair of ends of the lists, the length of their longest common subsequence.
fn lengths(before: &[Node<'_>], after: &[Node<'_>]) -> Vec<u16> {
    let width = after.len() + 1;
    let mut lengths = vec![0_u16; (before.len() + 1) * width];
    for (i, left) in before.iter().enumerate().rev() {
        for (j, right) in after.iter().enumerate().rev() {
            let known =
                |i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or_default();
            let length = match left == right {
                true => known(i + 1, j + 1) + 1,
                false => known(i + 1, j).max(known(i, j + 1)),
            };
            if let Some(cell) = lengths.get_mut(i * width + j) {
                *cell = length;
            }
        }
    }
    lengths
}
