//! Many globs at once: a table for exact names, one automaton for the rest.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::Glob;

/// Globs, each with the position of its rule in the policy. Rules stand in the order of their
/// strictness, so that of several the lowest position wins.
#[derive(Debug, Default)]
pub(super) struct Names {
    exact: HashMap<Box<str>, usize>,
    globs: Vec<(Glob, usize)>,
    literals: Option<AhoCorasick>,
    /// The strictest rule that selects every name.
    any: Option<usize>,
}

impl Names {
    /// Compiles the globs; fails only if there are more of them than an automaton can hold.
    pub(super) fn new(
        selectors: impl IntoIterator<Item = (Glob, usize)>,
    ) -> Result<Self, aho_corasick::BuildError> {
        let mut names = Self::default();
        for (glob, rule) in selectors {
            if let Some(name) = glob.exact() {
                let slot = names.exact.entry(name.into()).or_insert(rule);
                *slot = rule.min(*slot);
            } else if glob.literal().is_empty() {
                names.any = Some(names.any.map_or(rule, |other| other.min(rule)));
            } else {
                names.globs.push((glob, rule));
            }
        }
        if !names.globs.is_empty() {
            let automaton = AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::DFA))
                .build(names.globs.iter().map(|(glob, _)| glob.literal()))?;
            names.literals = Some(automaton);
        }
        Ok(names)
    }

    /// The strictest rule that selects this squashed name.
    pub(super) fn find(&self, squashed: &str) -> Option<usize> {
        let mut best = match (self.exact.get(squashed), self.any) {
            (Some(exact), Some(any)) => Some(any.min(*exact)),
            (exact, any) => exact.copied().or(any),
        };
        let Some(literals) = &self.literals else { return best };
        for hit in literals.find_overlapping_iter(squashed) {
            let Some((glob, rule)) = self.globs.get(hit.pattern().as_usize()) else { continue };
            if best.is_none_or(|best| *rule < best) && glob.matches(squashed) {
                best = Some(*rule);
            }
        }
        best
    }
}
