//! Where in an API a rule holds: patterns over paths.

use http::HeaderMap;

use super::bits::{BITS, Bits};
use super::glob::squash;
use super::jsonpath::JsonPath;
use super::names::Names;
use super::policy::PolicyError;
use super::rule::Rule;
use super::{Glob, GlobError};
use crate::decode::percent_decode_lossy;
use crate::route::{Readings, other_paths};

/// Different lists of paths that rules may be limited to.
pub const PLACES_MAX: usize = BITS;

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

    /// Compiles a pattern of an operator: one that ends in a name holds below that as well, since whoever
    /// writes `/patients` means `/patients/7` too. What is to end somewhere ends in `*`.
    pub fn reaching(pattern: &str) -> Result<Self, PathGlobError> {
        let mut glob = Self::new(pattern)?;
        if !pattern.trim_end_matches('/').ends_with('*') {
            glob.0.push(Segment::Many);
        }
        Ok(glob)
    }

    /// Compiles a pattern that holds below what it matches as well, however it ends.
    pub fn at_and_below(pattern: &str) -> Result<Self, PathGlobError> {
        let mut glob = Self::new(pattern)?;
        if glob.0.last() != Some(&Segment::Many) {
            glob.0.push(Segment::Many);
        }
        Ok(glob)
    }

    /// The pattern of a segment that the fewest paths have: a whole name before a part of one, and
    /// of these the longest.
    fn telling(&self) -> Option<&Glob> {
        let globs = self.0.iter().filter_map(|segment| match segment {
            Segment::One(glob) => Some(glob),
            Segment::Many => None,
        });
        globs.max_by_key(|glob| (glob.exact().is_some(), glob.literal().len()))
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

/// The lists of paths that rules are limited to, a number each.
#[derive(Debug, Default)]
pub(super) struct Lists(Vec<Vec<PathGlob>>);

impl Lists {
    /// The number of a list of paths, which is added if it is a new one; none for no list.
    pub(super) fn add(&mut self, under: &[PathGlob]) -> Result<Option<usize>, PolicyError> {
        if under.is_empty() {
            return Ok(None);
        }
        let known = self.0.iter().position(|other| other == under);
        if known.is_some() {
            return Ok(known);
        }
        if self.0.len() >= PLACES_MAX {
            return Err(PolicyError::Places);
        }
        self.0.push(under.to_vec());
        Ok(Some(self.0.len() - 1))
    }

    /// The numbers of what a rule is limited to: a list of paths, requests that it answers, bodies.
    pub(super) fn limits(&mut self, rule: &Rule) -> Result<[Option<usize>; 3], PolicyError> {
        let under = self.add(&rule.under)?;
        Ok([under, self.reserve(&rule.answering)?, self.reserve(&rule.having)?])
    }

    /// A number for what paths into bodies tell, if there are any.
    fn reserve(&mut self, paths: &[JsonPath]) -> Result<Option<usize>, PolicyError> {
        if paths.is_empty() {
            return Ok(None);
        }
        if self.0.len() >= PLACES_MAX {
            return Err(PolicyError::Places);
        }
        self.0.push(Vec::new());
        Ok(Some(self.0.len() - 1))
    }
}

/// Finds the lists that a path is below: by one segment of each pattern, and then by all.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Each with the number of its list.
    patterns: Vec<(PathGlob, usize)>,
    /// The most telling segment of each pattern.
    segments: Names,
    /// Patterns that have none: `**`.
    others: Vec<usize>,
}

impl Places {
    pub(super) fn new(lists: Lists) -> Result<Self, aho_corasick::BuildError> {
        let with_number = |(number, list): (usize, Vec<PathGlob>)| {
            list.into_iter().map(move |pattern| (pattern, number))
        };
        let patterns: Vec<(PathGlob, usize)> =
            lists.0.into_iter().enumerate().flat_map(with_number).collect();
        let telling = |(position, (pattern, _)): (usize, &(PathGlob, usize))| {
            pattern.telling().map(|glob| (glob.clone(), position))
        };
        let others = patterns.iter().enumerate();
        let others = others.filter(|(_, (pattern, _))| pattern.telling().is_none());
        Ok(Self {
            segments: Names::new(patterns.iter().enumerate().filter_map(telling))?,
            others: others.map(|(position, _)| position).collect(),
            patterns,
        })
    }

    /// The lists that a request is below, by its path, as far as the API may understand it, and by
    /// those that fields name in its place.
    pub(super) fn below(&self, path: &str, headers: &HeaderMap) -> Bits {
        let mut below = Bits::default();
        if self.patterns.is_empty() {
            return below;
        }
        let others = other_paths(path, headers);
        for path in std::iter::once(path).chain(others.iter().map(String::as_str)) {
            below.add_all(&self.below_path(path));
        }
        below
    }

    /// By the readings of a path. What it may be beyond those counts for nothing: if rules of all places held for
    /// it, whoever sends a request could have most of it redacted, and hide what was done.
    fn below_path(&self, path: &str) -> Bits {
        let mut below = Bits::default();
        for reading in Readings::likely(path).each() {
            let reading = String::from_utf8_lossy(reading);
            for path in std::iter::once(reading.as_ref()).chain(without_format(&reading)) {
                below.add_all(&self.below_segments(path));
            }
        }
        below
    }

    fn below_segments(&self, path: &str) -> Bits {
        let path = squashed(path);
        let mut found = self.others.clone();
        for segment in &path {
            self.segments.add(segment, &mut found);
        }
        found
            .into_iter()
            .filter_map(|position| self.patterns.get(position))
            .filter(|(pattern, _)| pattern.matches(&path))
            .map(|(_, list)| *list)
            .collect()
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
    fn places_have_a_number_each() {
        let list = |text: &str| vec![PathGlob::new(text).unwrap()];
        let mut lists = Lists::default();
        assert_eq!(lists.add(&[]).unwrap(), None);
        let users = lists.add(&list("**/users/*/password")).unwrap();
        let any = lists.add(&list("/*")).unwrap();
        assert_eq!(lists.add(&list("**/users/*/password")).unwrap(), users);
        let places = Places::new(lists).unwrap();
        for (path, expected) in [
            ("/users/5/password", users),
            ("/api/v1/Users/5/pass-word;x=1", users),
            ("/users/5/password/more", None),
            ("/users", any),
            ("//users/", any),
            ("/%75sers/5/password", users),
            ("/", None),
            ("", None),
        ] {
            let expected: Bits = expected.into_iter().collect();
            assert_eq!(places.below_segments(path), expected, "{path}");
        }
        assert!(places.below_segments(&"/x".repeat(10_000)).is_empty());
    }

    #[test]
    fn what_ends_in_a_name_reaches_below_it() {
        for (pattern, path, expected) in [
            ("/patients", "/patients", true),
            ("/patients", "/patients/7/notes", true),
            ("patients/", "/patients/7", true),
            ("/patients", "/api/patients/7", false),
            ("**/users/*/pass", "/v1/users/5/pass/x", true),
            ("/patients/*", "/patients/7", true),
            ("/patients/*", "/patients/7/notes", false),
            ("/patients/*", "/patients", false),
            ("/patients/**", "/patients", true),
        ] {
            let glob = PathGlob::reaching(pattern).unwrap();
            assert_eq!(glob.matches(&squashed(path)), expected, "{pattern} {path}");
        }
        assert!(PathGlob::reaching("/").is_err());
        let glob = PathGlob::at_and_below("/patients/*").unwrap();
        for (path, expected) in [("/patients/7/notes", true), ("/patients", false)] {
            assert_eq!(glob.matches(&squashed(path)), expected, "{path}");
        }
    }

    #[test]
    fn as_many_lists_as_are_promised_can_be_told_apart() {
        let list = |number: usize| vec![PathGlob::new(&format!("/n{number}/**")).unwrap()];
        let mut lists = Lists::default();
        for number in 0..PLACES_MAX {
            assert_eq!(lists.add(&list(number)).unwrap(), Some(number));
        }
        assert!(matches!(lists.add(&list(PLACES_MAX)), Err(PolicyError::Places)));
        assert_eq!(lists.add(&list(5)).unwrap(), Some(5));
        let places = Places::new(lists).unwrap();
        for number in [0, 63, 64, 300, PLACES_MAX - 1] {
            let below = places.below_segments(&format!("/n{number}/x"));
            assert!(below.iter().eq([number]));
        }
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
            let mut lists = Lists::default();
            let list = lists.add(std::slice::from_ref(&glob)).unwrap().unwrap();
            let places = Places::new(lists).unwrap();
            prop_assert_eq!(places.below_segments(&path).has(list), expected);
        }
    }
}
