//! Where in an API a rule holds: patterns over paths.

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

/// The segments of a path, as patterns compare them.
pub(super) fn squashed(path: &str) -> Vec<String> {
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
