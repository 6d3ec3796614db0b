//! What the paths of rules select in one body: found before the walk, which then asks for each
//! value.

use std::collections::HashMap;

use serde_json::Value;

use super::jsonpath::{Exhausted, JsonPath};
use super::policy::{Place, Policy};
use super::walk::{Walk, scalar};
use crate::decode::{Decoded, Node, Note};

/// Steps that finding what paths select in one body may take, all paths together: sixty times past
/// every value of the largest tree.
const WORK_MAX: usize = 16_000_000;

/// All paths of all rules, by the name with which their results begin.
#[derive(Debug, Default)]
pub(super) struct Paths {
    paths: Vec<(JsonPath, usize)>,
    named: HashMap<Box<str>, Vec<usize>>,
    /// Those that may begin with any name.
    other: Vec<usize>,
}

impl Paths {
    /// Paths, each with the position of its rule in the policy.
    pub(super) fn new(paths: impl IntoIterator<Item = (JsonPath, usize)>) -> Self {
        let mut all = Self::default();
        for (path, rule) in paths {
            let position = all.paths.len();
            match path.first_name() {
                Some(name) => all.named.entry(name.into()).or_default().push(position),
                None => all.other.push(position),
            }
            all.paths.push((path, rule));
        }
        all
    }

    /// The paths that may select something in a document.
    fn candidates(&self, document: &Node<'_>) -> Vec<&(JsonPath, usize)> {
        let mut positions = self.other.clone();
        if let Node::Object(members) = document {
            let named = members.iter().filter_map(|(name, _)| self.named.get(name.as_ref()));
            positions.extend(named.flatten());
            // A name may be repeated.
            positions.sort_unstable();
            positions.dedup();
        }
        positions.into_iter().filter_map(|position| self.paths.get(position)).collect()
    }
}

/// The rules for the values of one body, by where in memory the values are, as long as the walk
/// lasts.
#[derive(Default)]
pub(super) struct Selection {
    rules: HashMap<usize, usize>,
}

impl Selection {
    fn of(policy: &Policy, place: Place, decoded: &Decoded<'_>) -> Result<Self, Exhausted> {
        let mut selection = Self::default();
        let paths = policy.paths();
        if paths.paths.is_empty() {
            return Ok(selection);
        }
        let mut work = WORK_MAX;
        for document in decoded.documents() {
            for (path, rule) in paths.candidates(document) {
                if !policy.holds_at(*rule, place) {
                    continue;
                }
                for node in path.select(document, &mut work)? {
                    if policy.holds(*rule, place, scalar(node).as_deref()) {
                        selection.add(node, *rule);
                    }
                }
            }
        }
        Ok(selection)
    }

    /// Of several rules the first is the strictest.
    fn add(&mut self, node: &Node<'_>, rule: usize) {
        let slot = self.rules.entry(address(node)).or_insert(rule);
        *slot = rule.min(*slot);
    }

    /// The rule for a value for whose name there may be one.
    pub(super) fn rule(&self, named: Option<usize>, node: &Node<'_>) -> Option<usize> {
        if self.rules.is_empty() {
            return named;
        }
        let selected = self.rules.get(&address(node)).copied();
        named.into_iter().chain(selected).min()
    }
}

/// Values have an address each, and stay where they are while they are borrowed.
fn address(node: &Node<'_>) -> usize {
    std::ptr::from_ref(node).addr()
}

impl Walk<'_> {
    /// What is recorded of a decoded body. If what paths select in it cannot be found out, nothing
    /// is, nor of a body that comes later in the exchange: it could repeat what was not found.
    pub(super) fn body_of(&mut self, decoded: &Decoded<'_>) -> Option<Value> {
        let node = decoded.node.as_ref()?;
        match Selection::of(self.policy, self.place, decoded) {
            Ok(selection) => {
                self.selection = selection;
                let body = self.body(node);
                self.selection = Selection::default();
                Some(body)
            }
            Err(Exhausted) => {
                self.enter("body.$");
                self.look_through(node);
                self.seen.give_up();
                self.notes.insert(Note::PathLimit);
                None
            }
        }
    }
}
