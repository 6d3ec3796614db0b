//! Rules that leave alone what stands under certain names: of each such rule, the names.

use super::glob::Glob;
use super::names::Names;
use super::rule::Rule;

/// The names of one rule under which something stays.
#[derive(Debug)]
pub(super) struct But {
    pub(super) rule: usize,
    names: Names,
}

impl But {
    /// Those of all rules that have such names; the strictest first, as the rules are.
    pub(super) fn all(
        rules: &[Rule],
        names: impl Fn(&Rule) -> &[Glob],
    ) -> Result<Vec<Self>, aho_corasick::BuildError> {
        let limited = rules.iter().enumerate().filter(|(_, rule)| !names(rule).is_empty());
        let of = |(rule, written)| {
            let globs = names(written).iter().cloned();
            Ok(Self { rule, names: Names::new(globs.map(|glob| (glob, 0)))? })
        };
        limited.map(of).collect()
    }

    /// Whether a squashed name is one of them.
    pub(super) fn spares(&self, squashed: &str) -> bool {
        self.names.selects(squashed)
    }
}
