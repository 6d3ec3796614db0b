//! Where in an API a rule holds: patterns over paths.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use http::HeaderMap;

use super::glob::squash;
use super::policy::{Below, PolicyError};
use super::{Glob, GlobError};
use crate::decode::percent_decode_lossy;
use crate::route::{Readings, other_paths};

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
/// segments. It matches the whole path, in any way in which the API may understand it, without regard
/// to case, to how words are joined and to matrix parameters.
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

/// The path without a format (`/users.json`) or a verb (`/users:purge`) at its end.
fn without_format(path: &str) -> Option<&str> {
    let (bare, end) = path.rsplit_once(['.', ':'])?;
    let ends = !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_alphabetic());
    (ends && !bare.ends_with('/')).then_some(bare)
}

/// The path in what may be a whole URL.
fn path_of(url: &str) -> &str {
    let rest = url
        .split_once("://")
        .map_or(url, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"));
    rest.split(['?', '#']).next().unwrap_or(rest)
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

    /// The lists that a request is below, by its path, as far as the API may understand it, and by
    /// those that fields name in its place.
    pub(super) fn below(&self, path: &str, headers: &HeaderMap) -> Below {
        if self.lists.is_empty() {
            return 0;
        }
        let others = other_paths(headers).map(|other| other.to_str().map(path_of).ok());
        std::iter::once(Some(path)).chain(others).fold(0, |below, path| {
            below | path.and_then(|path| self.below_path(path)).unwrap_or(Below::MAX)
        })
    }

    /// By all readings of a path; `None` where it may be any.
    fn below_path(&self, path: &str) -> Option<Below> {
        let readings = Readings::of(path);
        readings.is_complete().then(|| {
            readings.each().fold(0, |below, reading| {
                let reading = String::from_utf8_lossy(reading);
                let bare = without_format(&reading).map_or(0, |path| self.below_segments(path));
                below | bare | self.below_segments(&reading)
            })
        })
    }

    fn below_segments(&self, path: &str) -> Below {
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
            assert_eq!(places.below_segments(path), expected, "{path}");
        }
        assert_eq!(places.below_segments(&"/x".repeat(10_000)), 0);
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
            prop_assert_eq!(places.below_segments(&path) == bit, expected);
        }
    }
}
