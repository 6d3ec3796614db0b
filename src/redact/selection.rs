//! What the paths of rules select in one body: found before the walk, which then asks for each
//! value.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::bits::Bits;
use super::exceptions::Exceptions;
use super::jsonpath::{Exhausted, JsonPath};
use super::only::{RecordOnly, Unlisted};
use super::policy::{Place, Policy};
use super::rule::{Rule, Side};
use super::walk::{Walk, scalar};
use crate::decode::{Layout, Node, Note};

/// Steps that finding what paths select in one body may take, all paths together: sixty times past
/// every value of the largest tree.
pub(super) const WORK_MAX: usize = 16_000_000;

/// What a path is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// A rule, by its position in the policy.
    Redact(usize),
    /// An exception.
    Keep,
    /// A list of what may be recorded, by its number.
    List(usize),
    /// A rule that holds in answers to requests that have something there, or in bodies that do.
    Answering(usize),
    Having(usize),
}

/// All paths, by the name with which their results begin.
#[derive(Debug, Default)]
pub(super) struct Paths {
    paths: Vec<Entry>,
    named: HashMap<Box<str>, Vec<usize>, RandomState>,
    /// Those that may begin with any name, by the numbers of names of which they need one.
    needing: Vec<Vec<usize>>,
    /// Those that need no name, and of these those for lists alone.
    other: Vec<usize>,
    of_lists: Vec<usize>,
    /// All names that some path needs, by their numbers.
    needed: HashMap<Box<str>, usize, RandomState>,
    /// Which lengths they have, a bit for each, by what they begin with: most names are none of them.
    lengths: Lengths,
}

/// By the first byte; the last bit is for all that are longer.
#[derive(Debug)]
struct Lengths([u64; 256]);

impl Default for Lengths {
    fn default() -> Self {
        Self([0; 256])
    }
}

impl Lengths {
    fn place(name: &str) -> (usize, u64) {
        let first = name.as_bytes().first().copied().unwrap_or_default();
        (usize::from(first), 1 << name.len().min(63))
    }

    fn add(&mut self, name: &str) {
        let (first, length) = Self::place(name);
        if let Some(lengths) = self.0.get_mut(first) {
            *lengths |= length;
        }
    }

    fn may_have(&self, name: &str) -> bool {
        let (first, length) = Self::place(name);
        self.0.get(first).is_some_and(|lengths| lengths & length != 0)
    }
}

/// One path.
#[derive(Debug)]
struct Entry {
    path: JsonPath,
    purpose: Purpose,
    /// The names without which it selects nothing: one of each list.
    needs: Vec<Vec<usize>>,
    /// It selects nothing in documents that are no lists.
    needs_list: bool,
}

impl Paths {
    pub(super) fn of(rules: &[Rule], keep: &Exceptions, record_only: &[RecordOnly]) -> Self {
        let redact = rules.iter().enumerate().flat_map(|(position, rule)| {
            rule.paths.iter().map(move |path| (path, Purpose::Redact(position)))
        });
        let answering = rules.iter().enumerate().flat_map(|(position, rule)| {
            rule.answering.iter().map(move |path| (path, Purpose::Answering(position)))
        });
        let having = rules.iter().enumerate().flat_map(|(position, rule)| {
            rule.having.iter().map(move |path| (path, Purpose::Having(position)))
        });
        let keep = keep.paths.iter().map(|path| (path, Purpose::Keep));
        let list = record_only.iter().enumerate().flat_map(|(entry, only)| {
            only.paths.iter().map(move |path| (path, Purpose::List(entry)))
        });
        let mut all = Self::default();
        for (path, purpose) in redact.chain(answering).chain(having).chain(keep).chain(list) {
            let position = all.paths.len();
            let needs: Vec<_> = path.needed_names().map(|names| all.numbers(&names)).collect();
            let needs_list = path.needs_list();
            match (path.first_name(), needs.first()) {
                (Some(name), _) => all.named.entry(name.into()).or_default().push(position),
                (None, Some(needed)) => {
                    all.needing.resize_with(all.needed.len(), Vec::new);
                    for number in needed {
                        all.needing.get_mut(*number).into_iter().for_each(|it| it.push(position));
                    }
                }
                (None, None) if needs_list => all.of_lists.push(position),
                (None, None) => all.other.push(position),
            }
            all.paths.push(Entry { path: path.clone(), purpose, needs, needs_list });
        }
        all
    }

    /// The numbers of names that are needed.
    fn numbers(&mut self, names: &[&str]) -> Vec<usize> {
        let mut number = |name: &&str| {
            self.lengths.add(name);
            let next = self.needed.len();
            *self.needed.entry((*name).into()).or_insert(next)
        };
        names.iter().map(&mut number).collect()
    }

    /// Which of the needed names are somewhere in a document: looked for once, instead of by each path.
    fn present(&self, document: &Node<'_>) -> Vec<bool> {
        let mut present = vec![false; self.needed.len()];
        let mut open = vec![document];
        while let Some(node) = open.pop() {
            match node {
                Node::Array(items) => open.extend(items.iter().filter(|item| has_parts(item))),
                Node::Object(members) => {
                    for (name, member) in members {
                        if self.lengths.may_have(name)
                            && let Some(number) = self.needed.get(name.as_ref())
                            && let Some(slot) = present.get_mut(*number)
                        {
                            *slot = true;
                        }
                        if has_parts(member) {
                            open.push(member);
                        }
                    }
                }
                _ => {}
            }
        }
        present
    }

    /// The paths that may select something in a document.
    fn candidates(&self, document: &Node<'_>) -> Vec<&Entry> {
        let is_list = matches!(document, Node::Array(_));
        let present = self.present(document);
        let is_present = |number: &usize| present.get(*number).copied().unwrap_or_default();
        let mut positions = self.other.clone();
        if is_list {
            positions.extend(&self.of_lists);
        }
        let needing = self.needing.iter().zip(&present).filter(|(_, is_there)| **is_there);
        positions.extend(needing.flat_map(|(needing, _)| needing));
        if let Node::Object(members) = document {
            let named = members.iter().filter_map(|(name, _)| self.named.get(name.as_ref()));
            positions.extend(named.flatten());
        }
        // A name may be repeated, and a path may need any of several.
        positions.sort_unstable();
        positions.dedup();
        let entries = positions.into_iter().filter_map(|position| self.paths.get(position));
        entries
            .filter(|entry| is_list || !entry.needs_list)
            .filter(|entry| entry.needs.iter().all(|names| names.iter().any(is_present)))
            .collect()
    }
}

fn has_parts(node: &Node<'_>) -> bool {
    matches!(node, Node::Array(_) | Node::Object(_))
}

/// What is known of the values of one body, by where in memory they are, as long as the walk lasts.
#[derive(Default)]
pub(super) struct Selection {
    marks: HashMap<usize, Mark, RandomState>,
    /// In how many strings the document is.
    nesting: usize,
    /// What the document asks for, by the numbers of the rules that hold in answers to that.
    asks: Bits,
    /// What it is, by the numbers of those that hold in such bodies.
    has: Bits,
}

/// What is known of a value.
#[derive(Default, Clone)]
pub(super) struct Mark {
    rule: Option<usize>,
    /// A rule without `members_but` selects it.
    is_whole: bool,
    pub(super) kept: bool,
    /// The lists that it is on.
    pub(super) listed: Unlisted,
}

impl Mark {
    /// Whether no path selects it.
    pub(super) fn is_none(&self) -> bool {
        self.rule.is_none() && !self.kept && self.listed.is_empty()
    }
}

impl Selection {
    fn of(
        policy: &Policy,
        mut place: Place,
        body: &Node<'_>,
        layout: Layout,
    ) -> Result<Self, Exhausted> {
        let mut selection = Self::default();
        let paths = policy.paths();
        if paths.paths.is_empty() {
            return Ok(selection);
        }
        let unlisted = policy.unlisted(place);
        let mut work = WORK_MAX;
        for document in layout.documents(body) {
            let candidates = paths.candidates(document);
            for Entry { path, purpose, .. } in &candidates {
                let Purpose::Having(rule) = *purpose else { continue };
                if !path.select(document, &mut work)?.is_empty() {
                    policy.having(rule).into_iter().for_each(|number| selection.has.add(number));
                }
            }
            place.below.add_all(&selection.has);
            for Entry { path, purpose, .. } in candidates {
                let holds = match purpose {
                    Purpose::Redact(rule) => policy.holds_at(*rule, place),
                    Purpose::Keep => true,
                    Purpose::List(entry) => unlisted.has(*entry),
                    Purpose::Answering(_) => place.side == Side::Request,
                    Purpose::Having(_) => false,
                };
                if holds {
                    for node in path.select(document, &mut work)? {
                        selection.add(policy, place, node, *purpose);
                    }
                }
            }
        }
        Ok(selection)
    }

    /// What shipped paths select in a document inside of a text: they tell forms, whatever holds these.
    fn inside(walk: &mut Walk<'_>, document: &Node<'_>) -> Result<Self, Exhausted> {
        let (policy, place) = (walk.policy, walk.place);
        let mut selection = Self { nesting: walk.nesting, ..Self::default() };
        for Entry { path, purpose, .. } in policy.paths().candidates(document) {
            let Purpose::Redact(rule) = *purpose else { continue };
            if policy.is_shipped(rule) && policy.holds_at(rule, place) {
                for node in path.select(document, &mut walk.path_work)? {
                    selection.add(policy, place, node, *purpose);
                }
            }
        }
        Ok(selection)
    }

    /// Of several rules the first is the strictest.
    fn add(&mut self, policy: &Policy, place: Place, node: &Node<'_>, purpose: Purpose) {
        if let Purpose::Answering(rule) = purpose {
            policy.answering(rule).into_iter().for_each(|number| self.asks.add(number));
            return;
        }
        let mark = self.marks.entry(address(node)).or_default();
        match purpose {
            Purpose::Redact(rule) => {
                if policy.holds(rule, place, scalar(node).as_deref()) {
                    mark.rule = mark.rule.into_iter().chain([rule]).min();
                    mark.is_whole |= !policy.goes_in(rule);
                }
            }
            Purpose::Keep => mark.kept = true,
            Purpose::List(entry) => mark.listed.add(entry),
            Purpose::Answering(_) | Purpose::Having(_) => {}
        }
    }
}

/// Values have an address each, and stay where they are while they are borrowed.
fn address(node: &Node<'_>) -> usize {
    std::ptr::from_ref(node).addr()
}

impl<'n> Walk<'_> {
    /// What is recorded of a decoded body. If what paths select in it cannot be found out, nothing
    /// is, nor of a body that comes later in the exchange: it could repeat what was not found.
    pub(super) fn body_of(&mut self, mut body: Node<'n>, layout: Layout) -> Option<Node<'n>> {
        self.enter("body.$");
        match Selection::of(self.policy, self.place, &body, layout) {
            Ok(mut selection) => {
                self.seen.below.add_all(&selection.asks);
                if !selection.has.is_empty() {
                    self.place.below.add_all(&selection.has);
                    self.only_words = self.policy.has_texts_but_at(self.place);
                }
                if let Some((sessions, rule)) = self.sessions(&body) {
                    for session in sessions {
                        let mark = selection.marks.entry(address(session)).or_default();
                        mark.rule = mark.rule.into_iter().chain([rule]).min();
                    }
                }
                self.selection = selection;
                self.unlisted = self.policy.unlisted(self.place);
                let bare = scalar(&body);
                let bare = bare.and_then(|value| self.policy.bare_body(self.place, &value));
                self.under(bare, &mut body);
                self.unlisted = Unlisted::default();
                self.selection = Selection::default();
                Some(body)
            }
            Err(Exhausted) => {
                self.look_through(&mut body);
                self.seen.give_up(Note::PathLimit);
                self.notes.insert(Note::PathLimit);
                None
            }
        }
    }

    /// Walks over a document inside of a text.
    pub(super) fn document_inside(&mut self, document: &mut Node<'_>) {
        if !has_parts(document) {
            return self.value(document);
        }
        match Selection::inside(self, document) {
            Ok(inside) => {
                let outside = std::mem::replace(&mut self.selection, inside);
                self.value(document);
                self.selection = outside;
            }
            Err(Exhausted) => {
                self.look_through(document);
                self.seen.give_up(Note::PathLimit);
                *document = Node::String(self.give_up(Note::PathLimit).into());
            }
        }
    }

    /// A value under a rule, if there is one for its name, or if a path selects it.
    pub(super) fn under(&mut self, named: Option<usize>, node: &mut Node<'_>) {
        if self.selection.marks.is_empty() {
            return match named {
                Some(rule) => self.secret(node, rule),
                None => self.value(node),
            };
        }
        let unlisted = self.unlisted.clone();
        let mark = self.mark(node);
        self.unlisted.remove_all(&mark.listed);
        if mark.kept {
            self.within = None;
        }
        match named.filter(|_| !mark.kept).into_iter().chain(mark.rule).min() {
            Some(rule) => {
                if mark.is_whole {
                    self.take_whole(rule, node);
                }
                self.by_place |= named.is_none();
                self.secret(node, rule);
                self.by_place = false;
            }
            None => self.value(node),
        }
        self.unlisted = unlisted;
    }

    /// What is known of a value of the document that was looked at last. What stands in a string of it is
    /// none: it may stand in memory where something was that is gone.
    pub(super) fn mark(&self, node: &Node<'_>) -> Mark {
        if self.nesting != self.selection.nesting || self.selection.marks.is_empty() {
            return Mark::default();
        }
        self.selection.marks.get(&address(node)).cloned().unwrap_or_default()
    }
}
