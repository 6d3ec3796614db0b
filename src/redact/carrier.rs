//! What carries values under names, and which names rules select in it.

use super::Glob;
use super::names::Names;
use super::rule::{Rule, Side, Sides};

/// What carries a value under a name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Carrier {
    /// An object, a form, an argument: anything that `keys` alone select in.
    #[default]
    Member,
    /// A query string.
    Parameter,
    /// The head.
    Header,
    /// `Cookie` or `Set-Cookie`.
    Cookie,
}

impl Carrier {
    pub(super) const COUNT: usize = 4;
}

/// The names that rules select in one half, by their carriers.
#[derive(Debug)]
pub(super) struct Selectors {
    pub(super) keys: Names,
    headers: Names,
    cookies: Names,
    query: Names,
    pub(super) segments: Names,
}

impl Selectors {
    pub(super) fn new(rules: &[Rule], side: Side) -> Result<Self, aho_corasick::BuildError> {
        let of = |globs: fn(&Rule) -> &Vec<Glob>| {
            let selected = rules.iter().enumerate().filter(|(_, rule)| match side {
                Side::Request => rule.sides != Sides::Response,
                Side::Response => rule.sides != Sides::Request,
            });
            Names::new(selected.flat_map(|(position, rule)| {
                globs(rule).iter().cloned().map(move |glob| (glob, position))
            }))
        };
        Ok(Self {
            keys: of(|rule| &rule.keys)?,
            headers: of(|rule| &rule.headers)?,
            cookies: of(|rule| &rule.cookies)?,
            query: of(|rule| &rule.query)?,
            segments: of(|rule| &rule.segments)?,
        })
    }

    /// The names that are selected in this carrier only.
    pub(super) fn of(&self, carrier: Carrier) -> Option<&Names> {
        match carrier {
            Carrier::Member => None,
            Carrier::Parameter => Some(&self.query),
            Carrier::Header => Some(&self.headers),
            Carrier::Cookie => Some(&self.cookies),
        }
    }
}
