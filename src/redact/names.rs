//! Many globs at once: a table for exact names, one automaton for the rest.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use foldhash::fast::RandomState;

use super::Glob;

/// Globs, each with the position of its rule in the policy. Rules stand in the order of their
/// strictness, so that of several the lowest position wins.
#[derive(Debug, Default)]
pub(super) struct Names {
    exact: HashMap<Box<str>, Vec<usize>, RandomState>,
    globs: Vec<(Glob, usize)>,
    literals: Option<AhoCorasick>,
    /// The rules that select every name.
    any: Vec<usize>,
}

impl Names {
    /// Compiles the globs; fails only if there are more of them than an automaton can hold.
    pub(super) fn new(
        selectors: impl IntoIterator<Item = (Glob, usize)>,
    ) -> Result<Self, aho_corasick::BuildError> {
        let mut names = Self::default();
        for (glob, rule) in selectors {
            if let Some(name) = glob.exact() {
                names.exact.entry(name.into()).or_default().push(rule);
            } else if glob.literal().is_empty() {
                names.any.push(rule);
            } else {
                names.globs.push((glob, rule));
            }
        }
        if !names.globs.is_empty() {
            let automaton = AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(names.globs.iter().map(|(glob, _)| glob.literal()))?;
            names.literals = Some(automaton);
        }
        Ok(names)
    }

    /// Adds the rules that select this squashed name.
    pub(super) fn add(&self, squashed: &str, rules: &mut Vec<usize>) {
        self.each(squashed, |rule| {
            rules.push(rule);
            false
        });
    }

    /// Adds the rules that select a name, those of `in_words` only by words of it.
    pub(super) fn add_in_words(
        &self,
        name: &str,
        squashed: &str,
        in_words: impl Fn(usize) -> bool,
        rules: &mut Vec<usize>,
    ) {
        self.each_glob(squashed, |glob, rule| {
            if glob.is_none_or(|glob| !in_words(rule) || glob.is_in_words(name)) {
                rules.push(rule);
            }
            false
        });
    }

    /// Whether any of them does.
    pub(super) fn selects(&self, squashed: &str) -> bool {
        self.each(squashed, |_| true)
    }

    /// Goes through the rules that select this squashed name, until `found` says that it is enough.
    fn each(&self, squashed: &str, mut found: impl FnMut(usize) -> bool) -> bool {
        self.each_glob(squashed, |_, rule| found(rule))
    }

    /// The same, with the glob if it is not the name itself, or any.
    fn each_glob(
        &self,
        squashed: &str,
        mut found: impl FnMut(Option<&Glob>, usize) -> bool,
    ) -> bool {
        let exact = self.exact.get(squashed).into_iter().flatten();
        if exact.chain(&self.any).any(|rule| found(None, *rule)) {
            return true;
        }
        self.literals.as_ref().is_some_and(|literals| {
            literals
                .find_overlapping_iter(squashed)
                .filter_map(|hit| self.globs.get(hit.pattern().as_usize()))
                .filter(|(glob, _)| glob.matches(squashed))
                .any(|(glob, rule)| found(Some(glob), *rule))
        })
    }
}
