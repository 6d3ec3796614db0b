//! How it stands with a log: how far it is sealed, and whether the ledger still is what was sealed.

use std::fmt::{self, Display, Formatter};

use super::Checkpoint;
use crate::clock::Timestamp;

/// A checkpoint that was just signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// Whose log.
    pub writer: String,
    /// When.
    pub at: Timestamp,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
}

/// Why nothing more is signed of a log: the ledger is not what was signed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disagreement {
    /// The ledger ends before what was sealed.
    Truncated {
        /// Where the ledger ends.
        head: u64,
        /// What was sealed.
        sealed: u64,
    },
    /// The tree of a size that was signed has another root now.
    Root {
        /// The size.
        size: u64,
    },
    /// An entry is not the one that the tree was made of.
    Changed {
        /// Its number.
        seq: u64,
    },
    /// An entry's document does not have the leaf hash that stands beside it.
    Leaf {
        /// Its number.
        seq: u64,
    },
    /// Entries are there that the proxy whose log it is has not written, or not those that it has.
    Foreign {
        /// The first of them.
        first: u64,
        /// The last.
        last: u64,
    },
    /// Entries are missing.
    Gap {
        /// The first that is.
        seq: u64,
    },
}

impl Disagreement {
    /// A code from a closed set, for readiness.
    pub fn code(self) -> &'static str {
        match self {
            Self::Truncated { .. } => "truncated",
            Self::Root { .. } => "root",
            Self::Changed { .. } => "changed",
            Self::Leaf { .. } => "leaf",
            Self::Foreign { .. } => "foreign",
            Self::Gap { .. } => "gap",
        }
    }
}

impl Display for Disagreement {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { head, sealed } => {
                write!(out, "the ledger ends at entry {head}, but {sealed} entries were sealed")
            }
            Self::Root { size } => {
                write!(out, "the first {size} entries are not those that were sealed")
            }
            Self::Changed { seq } => write!(out, "entry {seq} is not the one that was sealed"),
            Self::Leaf { seq } => write!(out, "entry {seq} does not have the hash beside it"),
            Self::Foreign { first, last } => {
                write!(out, "entries {first} to {last} are not those that this proxy has written")
            }
            Self::Gap { seq } => write!(out, "entry {seq} is missing"),
        }
    }
}

/// How it stands with one log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogState {
    /// Entries in the ledger.
    pub head: u64,
    /// Entries in its tree.
    pub entries: u64,
    /// Entries that the newest checkpoint covers.
    pub sealed: u64,
    /// Why nothing more is signed.
    pub disagreement: Option<Disagreement>,
}

impl LogState {
    /// Entries that no checkpoint covers yet.
    pub fn unsealed(&self) -> u64 {
        self.head.saturating_sub(self.sealed)
    }
}
