//! Where in an API a rule holds: patterns over paths.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::glob::squash;
use super::policy::{Below, PolicyError};
use super::{Glob, GlobError};
use crate::decode::percent_decode_lossy;

/// Different lists of paths that rules may be limited to.
const PLACES_MAX: usize = 64;

/// More segments in a pattern are a mistake.
const SEGMENTS_MAX: usize = 32;

/// A pattern over paths that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathGlobError {
    /// One of its segments.
    #[error("`{0}`: {1}")]
    Segment(String, #[source] GlobError),
    /// More than 32 segments, or none.
    #[error("it must have from 1 to 32 segments")]
    Segments,
}

/// A compiled pattern: segments between `/`, each as a [`Glob`]; `**` stands for any number of
/// segments. It matches the whole path, decoded, without regard to case, to how words are joined
/// and to matrix parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathGlob(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    One(Glob),
    Many,
}

impl PathGlob {
    /// Compiles a pattern.
    pub fn new(pattern: &str) -> Result<Self, PathGlobError> {
        let written = pattern.split('/').filter(|segment| !segment.is_empty());
        let segments: Vec<Segment> = written
            .map(|segment| match segment {
                "**" => Ok(Segment::Many),
                _ => Glob::new(segment)
                    .map(Segment::One)
                    .map_err(|error| PathGlobError::Segment(segment.to_owned(), error)),
            })
            .collect::<Result<_, _>>()?;
        if segments.is_empty() || segments.len() > SEGMENTS_MAX {
            return Err(PathGlobError::Segments);
        }
        Ok(Self(segments))
    }

    /// The longest name that every path that it matches has as a segment.
    fn literal(&self) -> Option<&str> {
        let names = self.0.iter().filter_map(|segment| match segment {
            Segment::One(glob) => glob.exact(),
            Segment::Many => None,
        });
        names.max_by_key(|name| name.len())
    }

    /// Whether it matches these segments, which [`squashed`] made. After a failure it is enough to
    /// let the last `**` take one segment more, so that the time is bounded by the product of both.
    fn matches(&self, path: &[String]) -> bool {
        let (mut own, mut at) = (0, 0);
        // After the last `**`, and what it takes so far.
        let mut open: Option<(usize, usize)> = None;
        while let Some(name) = path.get(at) {
            match self.0.get(own) {
                Some(Segment::Many) => {
                    own += 1;
                    open = Some((own, at));
                }
                Some(Segment::One(glob)) if glob.matches(name) => {
                    own += 1;
                    at += 1;
                }
                _ => {
                    let Some((after, taken)) = open else { return false };
                    (own, at) = (after, taken + 1);
                    open = Some((after, at));
                }
            }
        }
        self.0.iter().skip(own).all(|segment| *segment == Segment::Many)
    }
}

/// The segments of a path, as patterns compare them.
fn squashed(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            let decoded = percent_decode_lossy(segment);
            let mut out = String::new();
            squash(decoded.split(';').next().unwrap_or_default(), &mut out);
            out
        })
        .collect()
}

/// The lists of paths that rules are limited to, a bit each.
#[derive(Debug, Default)]
pub(super) struct Places {
    lists: Vec<Vec<PathGlob>>,
    /// Patterns by a segment that the path must have, each with its bit.
    by_literal: HashMap<Box<str>, Vec<(PathGlob, Below)>, RandomState>,
    /// Patterns that have none.
    others: Vec<(PathGlob, Below)>,
}

impl Places {
    /// The bit of a list of paths, which is added if it is a new one; all bits for no list.
    pub(super) fn add(&mut self, under: &[PathGlob]) -> Result<Below, PolicyError> {
        if under.is_empty() {
            return Ok(Below::MAX);
        }
        if let Some(bit) = self.lists.iter().position(|other| other == under) {
            return Ok(1 << bit);
        }
        if self.lists.len() >= PLACES_MAX {
            return Err(PolicyError::Places);
        }
        let bit = 1 << self.lists.len();
        self.lists.push(under.to_vec());
        for glob in under {
            let entry = (glob.clone(), bit);
            match glob.literal() {
                Some(name) => self.by_literal.entry(name.into()).or_default().push(entry),
                None => self.others.push(entry),
            }
        }
        Ok(bit)
    }

    /// The lists that a path is below.
    pub(super) fn below(&self, path: &str) -> Below {
        if self.lists.is_empty() {
            return 0;
        }
        let path = squashed(path);
        let named = path.iter().filter_map(|name| self.by_literal.get(name.as_str()));
        named
            .flatten()
            .chain(&self.others)
            .filter(|(glob, _)| glob.matches(&path))
            .fold(0, |below, (_, bit)| below | bit)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By the definition: a `**` takes any number of segments.
    fn defined(globs: &[Segment], path: &[String]) -> bool {
        match globs.split_first() {
            None => path.is_empty(),
            Some((Segment::Many, rest)) => (0..=path.len()).any(|n| defined(rest, &path[n..])),
            Some((Segment::One(glob), rest)) => path
                .split_first()
                .is_some_and(|(name, path)| glob.matches(name) && defined(rest, path)),
        }
    }

    #[test]
    fn places_have_a_bit_each() {
        let list = |text: &str| vec![PathGlob::new(text).unwrap()];
        let mut places = Places::default();
        assert_eq!(places.add(&[]).unwrap(), Below::MAX);
        let users = places.add(&list("**/users/*/password")).unwrap();
        let any = places.add(&list("/*")).unwrap();
        assert_eq!(places.add(&list("**/users/*/password")).unwrap(), users);
        for (path, expected) in [
            ("/users/5/password", users),
            ("/api/v1/Users/5/pass-word;x=1", users),
            ("/users/5/password/more", 0),
            ("/users", any),
            ("//users/", any),
            ("/%75sers/5/password", users),
            ("/", 0),
            ("", 0),
        ] {
            assert_eq!(places.below(path), expected, "{path}");
        }
        assert_eq!(places.below(&"/x".repeat(10_000)), 0);
    }

    proptest! {
        #[test]
        fn a_pattern_matches_as_it_is_defined(
            pattern in "(/(a|b|\\*|\\*\\*|a\\*)){1,6}",
            path in "(/(a|b|ab)){0,7}",
        ) {
            let glob = PathGlob::new(&pattern).unwrap();
            let segments = squashed(&path);
            let expected = defined(&glob.0, &segments);
            prop_assert_eq!(glob.matches(&segments), expected);
            let mut places = Places::default();
            let bit = places.add(std::slice::from_ref(&glob)).unwrap();
            prop_assert_eq!(places.below(&path) == bit, expected);
        }
    }
}
