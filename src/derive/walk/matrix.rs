//! Ids in parameters of a segment (RFC 3986, section 3.3): `/users;id=5`.

use super::super::body::names_id;
use super::super::text::CHARS_MAX;
use super::{Node, Segment};
use crate::decode::percent_decode_lossy;

/// A parameter with an id.
pub(super) struct Matrix {
    /// The segment without its parameters, as recorded.
    before: String,
    name: String,
    id: String,
}

impl Matrix {
    /// The segment in a route template.
    pub(super) fn route(&self, parameter: &str) -> String {
        format!("{};{}={{{parameter}}}", self.before, self.name)
    }
}

/// The id of a thing with this noun that a parameter of a segment names; none if two do.
pub(super) fn matrix(segment: &Segment, noun: &str) -> Option<Matrix> {
    let (before, parameters) = segment.raw.split_once(';')?;
    if segment.raw.chars().count() >= CHARS_MAX {
        // It was cut.
        return None;
    }
    let mut ids = parameters.split(';').filter_map(|parameter| {
        let (name, id) = parameter.split_once('=')?;
        let id = percent_decode_lossy(id).trim().to_owned();
        (names_id(name, noun) && !id.is_empty()).then(|| (name.to_owned(), id))
    });
    let (name, id) = ids.next().filter(|_| ids.next().is_none())?;
    Some(Matrix { before: before.to_owned(), name, id })
}

/// Gives the thing that a segment names the id that its parameter has.
pub(super) fn take(nodes: &mut [Node], segment: &Segment, at: usize) {
    let Some(node) = nodes.last_mut().filter(|node| node.at == Some(at) && !node.is_item) else {
        return;
    };
    if let Some(matrix) = matrix(segment, &node.noun) {
        node.take_id(&matrix.id, Some(at));
    }
}
