//! Where in an API a rule holds: patterns over paths.

use http::HeaderMap;

use super::glob::squash;
use super::policy::{Below, Policy, PolicyError};
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

    /// Whether it matches these segments, which [`squashed`] made.
    pub(super) fn matches(&self, path: &[String]) -> bool {
        // Which lengths of the path so far can be matched by the pattern so far.
        let mut reached = vec![false; path.len() + 1];
        if let Some(start) = reached.first_mut() {
            *start = true;
        }
        for segment in &self.0 {
            let mut next = vec![false; reached.len()];
            match segment {
                Segment::Many => {
                    let mut open = false;
                    for (slot, before) in next.iter_mut().zip(&reached) {
                        open |= before;
                        *slot = open;
                    }
                }
                Segment::One(glob) => {
                    for ((slot, before), name) in next.iter_mut().skip(1).zip(&reached).zip(path) {
                        *slot = *before && glob.matches(name);
                    }
                }
            }
            reached = next;
        }
        reached.last().copied().unwrap_or_default()
    }
}

impl Policy {
    /// Where a value in this half of an exchange stands, by the path of its request, as far as the
    /// API may understand it, and by those that fields name in its place.
    pub(super) fn below(&self, path: &str, headers: &HeaderMap) -> Below {
        if self.places.is_empty() {
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
        let below = readings.known()?.fold(0, |below, reading| {
            let bare = without_format(&reading).map_or(0, |path| self.below_segments(path));
            below | bare | self.below_segments(&reading)
        });
        Some(below)
    }

    fn below_segments(&self, path: &str) -> Below {
        let path = squashed(path);
        let matches = |globs: &Vec<PathGlob>| globs.iter().any(|glob| glob.matches(&path));
        let places = self.places.iter().enumerate();
        places.fold(0, |below, (bit, globs)| below | Below::from(matches(globs)) << bit)
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

/// The bit of a list of paths, which is added if it is a new one.
pub(super) fn below(
    places: &mut Vec<Vec<PathGlob>>,
    under: &[PathGlob],
) -> Result<Below, PolicyError> {
    if under.is_empty() {
        return Ok(Below::MAX);
    }
    let bit = match places.iter().position(|other| other == under) {
        Some(bit) => bit,
        None => {
            places.push(under.to_vec());
            places.len() - 1
        }
    };
    if bit >= PLACES_MAX { Err(PolicyError::Places) } else { Ok(1 << bit) }
}
