//! The rules by path, so that their number hardly matters.

use std::collections::HashMap;

use super::pattern::{PathPattern, Piece, between};

/// What patterns say of one segment, after all the segments before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Trie {
    /// By lower-case text.
    literals: HashMap<String, Self>,
    /// Parameters with a text before or after them, the longer texts first.
    affixed: Vec<(String, String, Self)>,
    any: Option<Box<Self>>,
    /// Rules whose path ends here, in the order in which they are tried.
    here: Vec<usize>,
    /// Rules that take whatever follows.
    rest: Vec<usize>,
}

impl Trie {
    /// Adds a rule; of those with the same path the first that was added is tried first.
    pub(super) fn add(&mut self, path: &PathPattern, rule: usize) {
        let mut at = self;
        for piece in path.pieces() {
            at = match piece {
                Piece::Literal(text) => at.literals.entry(text.to_ascii_lowercase()).or_default(),
                Piece::Param { prefix, suffix, .. } if prefix.is_empty() && suffix.is_empty() => {
                    at.any.get_or_insert_default()
                }
                Piece::Param { prefix, suffix, .. } => at.affixed(prefix, suffix),
                Piece::Rest => {
                    at.rest.push(rule);
                    return;
                }
            };
        }
        at.here.push(rule);
    }

    fn affixed(&mut self, prefix: &str, suffix: &str) -> &mut Self {
        let same = |(p, s, _): &(String, String, Self)| p == prefix && s == suffix;
        let length = prefix.len() + suffix.len();
        let at = self.affixed.iter().position(same).unwrap_or_else(|| {
            let longer = |(p, s, _): &(String, String, Self)| p.len() + s.len() >= length;
            let at = self.affixed.iter().take_while(|other| longer(other)).count();
            self.affixed.insert(at, (prefix.to_owned(), suffix.to_owned(), Self::default()));
            at
        });
        match self.affixed.get_mut(at) {
            Some((_, _, node)) => node,
            // Never: it was found, or was put there.
            None => self.any.get_or_insert_default(),
        }
    }

    /// The first rule that takes the path and is acceptable: at each segment texts come before
    /// parameters, and those before the rest of a path. Every node is looked at once at most.
    pub(super) fn find(
        &self,
        segments: &[String],
        accepts: &dyn Fn(usize) -> bool,
    ) -> Option<usize> {
        let first = |rules: &[usize]| rules.iter().copied().find(|rule| accepts(*rule));
        let found = match segments.split_first() {
            None => first(&self.here),
            Some((segment, after)) => self.below(segment, after, accepts),
        };
        found.or_else(|| first(&self.rest))
    }

    fn below(
        &self,
        segment: &str,
        after: &[String],
        accepts: &dyn Fn(usize) -> bool,
    ) -> Option<usize> {
        let literal = match self.literals.get(segment) {
            Some(node) => Some(node),
            None if segment.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                self.literals.get(&segment.to_ascii_lowercase())
            }
            None => None,
        };
        literal
            .and_then(|node| node.find(after, accepts))
            .or_else(|| {
                let fitting = self
                    .affixed
                    .iter()
                    .filter(|(prefix, suffix, _)| between(segment, prefix, suffix).is_some());
                fitting.into_iter().find_map(|(_, _, node)| node.find(after, accepts))
            })
            .or_else(|| self.any.as_ref()?.find(after, accepts))
    }
}
