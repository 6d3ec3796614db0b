//! The route of a path: it, with what it names in braces.

use super::super::path::{Path, keyed};
use super::super::text::cut;
use super::Node;
use super::matrix::matrix;

/// The path with ids replaced: `{id}` for the last node's, the noun for others.
pub(super) fn route(path: &Path, nodes: &[Node]) -> String {
    let mut out = String::new();
    for (index, segment) in path.segments.iter().enumerate() {
        let slot = nodes.iter().enumerate().find(|(_, node)| node.slots.contains(&index));
        out.push('/');
        match slot {
            Some((at, node)) => {
                let noun = if at + 1 < nodes.len() { node.noun.as_str() } else { "id" };
                let matrix = matrix(segment, &node.noun).filter(|_| node.at == Some(index));
                match (keyed(&segment.text), matrix) {
                    (Some((name, _)), _) => out.push_str(&format!("{name}({{{noun}}})")),
                    (None, Some(matrix)) => out.push_str(&matrix.route(noun)),
                    // What is its own id: `/me`.
                    (None, None) if node.at == Some(index) => out.push_str(&segment.raw),
                    (None, None) => out.push_str(&format!("{{{noun}}}")),
                }
            }
            None => out.push_str(&segment.raw),
        }
    }
    if let Some(tail) = &path.tail {
        out.push('/');
        out.push_str(tail);
    }
    if out.is_empty() {
        out.push('/');
    }
    cut(&out)
}
