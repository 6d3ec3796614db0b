//! JSONPath (RFC 9535) over decoded bodies.
//!
//! Owns the language: its parser with the well-typedness rules for functions, I-Regexp (RFC 9485),
//! and the evaluation over [`Node`]. Does not know rules, and neither keeps nor prints values.
//!
//! Invariants: a path that was parsed can be evaluated on any tree without a panic; evaluation
//! spends of a budget of steps and ends with [`Exhausted`] when there are none left; regular
//! expressions take linear time.
//!
//! Ours, since the trees are ours: members of the same name are all selected (a reader may take any
//! of them), numbers may be larger than a double holds, and a hostile body must not make a path
//! cost more than was allowed. Where a singular query in a filter finds several values for that
//! reason, a comparison holds if it holds for one of them.

mod error;
mod eval;
mod filter;
mod iregexp;
mod parser;
mod syntax;
#[cfg(test)]
mod tests;
mod values;

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

pub use error::{Expected, JsonPathError};
use eval::Evaluation;
pub use eval::Exhausted;
use parser::Parser;
use syntax::Segment;

use crate::decode::Node;

/// The longest path, in bytes.
pub const PATH_BYTES_MAX: usize = 2048;

/// How deep a document is that nothing names, and what looking through it may take.
const PROBE_DEPTH: usize = 5;
const PROBE_WORK: usize = 1_000_000;

/// A compiled path.
#[derive(Clone)]
pub struct JsonPath {
    text: Box<str>,
    segments: Arc<[Segment]>,
}

impl fmt::Debug for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonPath({})", self.text)
    }
}

impl PartialEq for JsonPath {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl JsonPath {
    /// Parses a path: `$.messages[*].content`.
    pub fn new(text: &str) -> Result<Self, JsonPathError> {
        let segments = Parser::new(text)?.path()?.into();
        Ok(Self { text: text.into(), segments })
    }

    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it selects one value at most, by its form: names and indices alone.
    pub fn is_singular(&self) -> bool {
        self.segments.iter().all(Segment::is_singular)
    }

    /// Whether it selects members whatever they are called and hold: those of a document of which it
    /// names nothing.
    pub fn selects_any_name(&self) -> bool {
        let inner = probe(PROBE_DEPTH);
        let documents = [Node::Array(vec![inner.clone()]), inner];
        documents.iter().any(|document| {
            let mut members = Vec::new();
            members_of(document, &mut members);
            let selected = self.select(document, &mut { PROBE_WORK }).unwrap_or_default();
            selected
                .into_iter()
                .any(|node| members.iter().any(|member| std::ptr::eq(*member, node)))
        })
    }

    /// The name with which every result of it begins, if there is one: of an object without that
    /// member it selects nothing.
    pub(super) fn first_name(&self) -> Option<&str> {
        match self.segments.first() {
            Some(Segment::Child(selectors)) => match selectors.as_slice() {
                [selector] => selector.name(),
                _ => None,
            },
            _ => None,
        }
    }

    /// The names of members without which it selects nothing: of each list there must be one somewhere
    /// in the document.
    pub(super) fn needed_names(&self) -> impl Iterator<Item = Vec<&str>> {
        self.segments.iter().flat_map(Segment::needed_names)
    }

    /// Whether it selects nothing in documents that are no lists.
    pub(super) fn needs_list(&self) -> bool {
        self.segments.first().is_some_and(Segment::needs_list)
    }

    /// All that it selects in a document, in the order of RFC 9535, and as often as it is selected.
    /// `work` is how many steps that may take, and then what is left of them.
    pub fn select<'n>(
        &self,
        document: &'n Node<'n>,
        work: &mut usize,
    ) -> Result<Vec<&'n Node<'n>>, Exhausted> {
        let left = Cell::new(*work);
        let mut selected = Vec::new();
        let found = Evaluation::new(document, &left).all(&self.segments, &mut selected);
        *work = left.get();
        found.map(|()| selected)
    }

    /// The same, each with the item that it was taken from: what the last step of the path that may
    /// find several has found. The document itself, if there is no such step.
    pub fn select_in_items<'n>(
        &self,
        document: &'n Node<'n>,
        work: &mut usize,
    ) -> Result<Vec<(&'n Node<'n>, &'n Node<'n>)>, Exhausted> {
        let several = self.segments.iter().rposition(|segment| !segment.is_singular());
        let end = several.map_or(0, |last| last + 1);
        let Some((to_items, within)) = self.segments.split_at_checked(end) else {
            return Ok(Vec::new());
        };
        let left = Cell::new(*work);
        let mut selected = Vec::new();
        let found = Evaluation::new(document, &left).in_items(to_items, within, &mut selected);
        *work = left.get();
        found.map(|()| selected)
    }
}

/// Objects and lists in each other, under names and of texts that nobody means.
fn probe(depth: usize) -> Node<'static> {
    let text = || Node::String(Cow::Borrowed("qz"));
    if depth == 0 {
        return text();
    }
    let (object, list) = (probe(depth - 1), Node::Array(vec![probe(depth - 1)]));
    let names = ["qza", "qzb", "qzc"].into_iter().map(Cow::Borrowed);
    Node::Object(names.zip([text(), object, list]).collect())
}

/// All members of all objects.
fn members_of<'n>(node: &'n Node<'n>, found: &mut Vec<&'n Node<'n>>) {
    match node {
        Node::Array(items) => items.iter().for_each(|item| members_of(item, found)),
        Node::Object(members) => {
            for (_, member) in members {
                found.push(member);
                members_of(member, found);
            }
        }
        _ => {}
    }
}
