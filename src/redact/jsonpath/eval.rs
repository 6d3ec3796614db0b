//! Segments over a tree: each node that is reached is given to a visitor, in the order of RFC 9535.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow;

use super::iregexp::Regexp;
use super::syntax::{Logical, Origin, Pattern, Query, Segment, Selector};
use super::values::Value;
use crate::decode::Node;

/// Steps that compiling an expression of the document costs.
const COMPILE_STEPS: usize = 100_000;

/// Expressions of the document are not longer.
const DYNAMIC_BYTES_MAX: usize = 256;

/// The work that was allowed was not enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("evaluating a path took too many steps")]
pub struct Exhausted;

/// Why an evaluation ends before all was visited.
pub(super) enum Stop {
    /// The visitor has what it wants.
    Enough,
    /// There are no steps left.
    Exhausted,
}

/// A result, or the reason to stop.
pub(super) type Flow<T> = ControlFlow<Stop, T>;

/// Whom the nodes are given to.
type Visitor<'v, 'n> = &'v mut dyn FnMut(&'n Node<'n>) -> Flow<()>;

/// An evaluation in one document.
pub(super) struct Evaluation<'n, 'w> {
    document: &'n Node<'n>,
    work: &'w Cell<usize>,
    /// Expressions that the document brought.
    compiled: RefCell<HashMap<(String, bool), Option<Regexp>>>,
    /// What singular queries of filters find from the top of the document, by where in the path they
    /// are: the same for every child that a filter is asked about.
    fixed: RefCell<Vec<(usize, Vec<&'n Node<'n>>)>>,
}

impl<'n, 'w> Evaluation<'n, 'w> {
    pub(super) fn new(document: &'n Node<'n>, work: &'w Cell<usize>) -> Self {
        Self { document, work, compiled: RefCell::default(), fixed: RefCell::default() }
    }

    /// Everything that the segments select in the document.
    pub(super) fn all(
        &self,
        segments: &[Segment],
        selected: &mut Vec<&'n Node<'n>>,
    ) -> Result<(), Exhausted> {
        let mut visit = |node| {
            selected.push(node);
            Flow::Continue(())
        };
        finished(self.walk(segments, self.document, &mut visit))
    }

    /// Everything that the segments select in what others select before, each with where it is in.
    pub(super) fn in_items(
        &self,
        to_items: &[Segment],
        within: &[Segment],
        selected: &mut Vec<(&'n Node<'n>, &'n Node<'n>)>,
    ) -> Result<(), Exhausted> {
        let mut visit = |item| {
            self.walk(within, item, &mut |node| {
                selected.push((item, node));
                Flow::Continue(())
            })
        };
        finished(self.walk(to_items, self.document, &mut visit))
    }

    /// Counts steps.
    pub(super) fn spend(&self, steps: usize) -> Flow<()> {
        match self.work.get().checked_sub(steps) {
            Some(left) => {
                self.work.set(left);
                Flow::Continue(())
            }
            None => Flow::Break(Stop::Exhausted),
        }
    }

    fn walk(&self, segments: &[Segment], node: &'n Node<'n>, visit: Visitor<'_, 'n>) -> Flow<()> {
        self.spend(1)?;
        match segments.split_first() {
            None => visit(node),
            Some((Segment::Child(selectors), rest)) => self.children(selectors, rest, node, visit),
            Some((Segment::Descendant(selectors), rest)) => {
                self.descendants(selectors, rest, node, visit)
            }
        }
    }

    fn descendants(
        &self,
        selectors: &[Selector],
        rest: &[Segment],
        node: &'n Node<'n>,
        visit: Visitor<'_, 'n>,
    ) -> Flow<()> {
        self.spend(1)?;
        self.children(selectors, rest, node, visit)?;
        for child in children(node) {
            self.descendants(selectors, rest, child, visit)?;
        }
        Flow::Continue(())
    }

    fn children(
        &self,
        selectors: &[Selector],
        rest: &[Segment],
        node: &'n Node<'n>,
        visit: Visitor<'_, 'n>,
    ) -> Flow<()> {
        for selector in selectors {
            match (selector, node) {
                (Selector::Name(name), Node::Object(members)) => {
                    self.spend(members.len())?;
                    for (_, child) in members.iter().filter(|(other, _)| *other == **name) {
                        self.walk(rest, child, visit)?;
                    }
                }
                (Selector::Index(index), Node::Array(items)) => {
                    if let Some(child) = position(*index, items.len()).and_then(|at| items.get(at))
                    {
                        self.walk(rest, child, visit)?;
                    }
                }
                (Selector::Slice { start, end, step }, Node::Array(items)) => {
                    for at in slice(*start, *end, *step, items.len()) {
                        if let Some(child) = items.get(at) {
                            self.walk(rest, child, visit)?;
                        }
                    }
                }
                (Selector::Wildcard, _) => {
                    for child in children(node) {
                        self.walk(rest, child, visit)?;
                    }
                }
                (Selector::Filter(condition), _) => {
                    if children(node).next().is_none() || !self.may_hold(condition)? {
                        continue;
                    }
                    for child in children(node) {
                        if self.holds(condition, child)? {
                            self.walk(rest, child, visit)?;
                        }
                    }
                }
                (Selector::Name(_) | Selector::Index(_) | Selector::Slice { .. }, _) => {}
            }
        }
        Flow::Continue(())
    }

    /// Whether a condition may hold for any child: what it says of the document alone is the same for
    /// all of them.
    fn may_hold(&self, condition: &Logical) -> Flow<bool> {
        if condition.is_fixed() {
            return self.holds(condition, self.document);
        }
        if let Logical::And(all) = condition {
            for condition in all {
                if !self.may_hold(condition)? {
                    return Flow::Continue(false);
                }
            }
        }
        Flow::Continue(true)
    }

    fn holds(&self, condition: &Logical, current: &'n Node<'n>) -> Flow<bool> {
        self.spend(1)?;
        Flow::Continue(match condition {
            Logical::Or(any) => {
                for condition in any {
                    if self.holds(condition, current)? {
                        return Flow::Continue(true);
                    }
                }
                false
            }
            Logical::And(all) => {
                for condition in all {
                    if !self.holds(condition, current)? {
                        return Flow::Continue(false);
                    }
                }
                true
            }
            Logical::Not(condition) => !self.holds(condition, current)?,
            Logical::Exists(query) => self.exists(query, current)?,
            Logical::Compare(left, comparison, right) => {
                let left = self.values(left, current)?;
                let right = self.values(right, current)?;
                self.any_compare(&left, *comparison, &right)?
            }
            Logical::Matches { text, pattern, whole } => {
                let texts = self.values(text, current)?;
                self.matches(&texts, pattern, *whole, current)?
            }
        })
    }

    fn exists(&self, query: &Query, current: &'n Node<'n>) -> Flow<bool> {
        match self.run(query, current, &mut |_| Flow::Break(Stop::Enough)) {
            Flow::Break(Stop::Enough) => Flow::Continue(true),
            Flow::Break(Stop::Exhausted) => Flow::Break(Stop::Exhausted),
            Flow::Continue(()) => Flow::Continue(false),
        }
    }

    /// Runs a query of a filter.
    pub(super) fn run(
        &self,
        query: &Query,
        current: &'n Node<'n>,
        visit: Visitor<'_, 'n>,
    ) -> Flow<()> {
        match query.from {
            Origin::Document if query.is_singular() => self.fixed(query, visit),
            Origin::Document => self.walk(&query.segments, self.document, visit),
            Origin::Current => self.walk(&query.segments, current, visit),
        }
    }

    /// Runs a query that finds the same each time, and looks for it once.
    fn fixed(&self, query: &Query, visit: Visitor<'_, 'n>) -> Flow<()> {
        let place = std::ptr::from_ref(query).addr();
        let known = self.fixed.borrow().iter().position(|(other, _)| *other == place);
        let position = match known {
            Some(position) => position,
            None => {
                let mut found = Vec::new();
                self.walk(&query.segments, self.document, &mut |node| {
                    found.push(node);
                    Flow::Continue(())
                })?;
                let mut fixed = self.fixed.borrow_mut();
                fixed.push((place, found));
                fixed.len() - 1
            }
        };
        self.spend(1)?;
        let nth = |nth: usize| self.fixed.borrow().get(position)?.1.get(nth).copied();
        for node in (0..).map_while(nth) {
            self.spend(1)?;
            visit(node)?;
        }
        Flow::Continue(())
    }

    fn matches(
        &self,
        texts: &[Value<'_, 'n>],
        pattern: &Pattern,
        whole: bool,
        current: &'n Node<'n>,
    ) -> Flow<bool> {
        for text in texts.iter().filter_map(Value::text) {
            self.spend(text.len() / 4)?;
            match pattern {
                Pattern::Fixed(regexp) if regexp.is_match(text) => return Flow::Continue(true),
                Pattern::Fixed(_) => {}
                Pattern::Of(operand) => {
                    for pattern in self.values(operand, current)?.iter().filter_map(Value::text) {
                        if self.matches_dynamic(text, pattern, whole)? {
                            return Flow::Continue(true);
                        }
                    }
                }
            }
        }
        Flow::Continue(false)
    }

    fn matches_dynamic(&self, text: &str, pattern: &str, whole: bool) -> Flow<bool> {
        if pattern.len() > DYNAMIC_BYTES_MAX {
            return Flow::Break(Stop::Exhausted);
        }
        let mut compiled = self.compiled.borrow_mut();
        let key = (pattern.to_owned(), whole);
        if !compiled.contains_key(&key) {
            self.spend(COMPILE_STEPS)?;
        }
        let regexp = compiled.entry(key).or_insert_with(|| Regexp::new(pattern, whole).ok());
        Flow::Continue(regexp.as_ref().is_some_and(|regexp| regexp.is_match(text)))
    }
}

fn finished(flow: Flow<()>) -> Result<(), Exhausted> {
    match flow {
        Flow::Break(Stop::Exhausted) => Err(Exhausted),
        Flow::Break(Stop::Enough) | Flow::Continue(()) => Ok(()),
    }
}

/// The children of a node, in order.
fn children<'n>(node: &'n Node<'n>) -> impl Iterator<Item = &'n Node<'n>> {
    let (items, members) = match node {
        Node::Array(items) => (items.as_slice(), &[][..]),
        Node::Object(members) => (&[][..], members.as_slice()),
        _ => (&[][..], &[][..]),
    };
    items.iter().chain(members.iter().map(|(_, child)| child))
}

/// Where an index of a path is in a list of that length.
fn position(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    usize::try_from(if index < 0 { length + index } else { index }).ok()
}

/// The positions of a slice (RFC 9535, section 2.3.4.2.2).
fn slice(
    start: Option<i64>,
    end: Option<i64>,
    step: i64,
    length: usize,
) -> impl Iterator<Item = usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let normal = |index: i64| if index < 0 { length.saturating_add(index) } else { index };
    let (mut at, stop) = if step >= 0 {
        let start = start.map_or(0, normal).clamp(0, length);
        (start, end.map_or(length, normal).clamp(0, length))
    } else {
        let start = start.map_or(length - 1, normal).clamp(-1, length - 1);
        (start, end.map_or(-1, normal).clamp(-1, length - 1))
    };
    std::iter::from_fn(move || {
        let goes_on = (step > 0 && at < stop) || (step < 0 && at > stop);
        let position = usize::try_from(at).ok().filter(|_| goes_on)?;
        at = at.saturating_add(step);
        Some(position)
    })
}
