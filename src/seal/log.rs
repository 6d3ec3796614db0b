//! One log, as the sealer has it.

use std::collections::VecDeque;
use std::ops::{Range, RangeInclusive};

use tlog_tiles::Hash;

use super::state::{Disagreement, LogState};
use super::tree::Tree;
use crate::record::{Run, RunDigest};

/// Entries that are looked at once more in one go, after the last time and at the end: so few that it
/// costs nothing, and within a day more than a million are.
const LOOK: u64 = 32;
const LOOK_AT_END: u64 = 8;

/// What the recorder says it has written, as far as the log was compared to it.
#[derive(Clone)]
pub(super) struct Own {
    /// The entry up to which it was compared, or was there before the recorder began.
    pub(super) compared: u64,
    /// Of what came since.
    pub(super) digest: RunDigest,
    /// Runs that are still to be compared.
    pub(super) runs: VecDeque<Run>,
}

pub(super) struct Log {
    pub(super) tree: Tree,
    /// Where the ledger ended when it was last asked.
    pub(super) head: u64,
    /// What the newest checkpoint says.
    pub(super) sealed: Option<(u64, Hash)>,
    /// The newest checkpoint was reached, or there is none.
    pub(super) is_compared: bool,
    /// Its last entry was compared to the ledger's.
    pub(super) is_resumed: bool,
    pub(super) disagreement: Option<Disagreement>,
    /// Only of the own log, where the recorder is known.
    pub(super) own: Option<Own>,
    /// Up to here its entries were looked at once more, beginning anew at the end.
    pub(super) looked: u64,
}

/// Entries of a tree that are looked at once more: after the one number up to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) writer: String,
    pub(super) ranges: [Range<u64>; 2],
}

pub(super) fn foreign_entries(entries: &RangeInclusive<u64>) -> Disagreement {
    Disagreement::Foreign { first: *entries.start(), last: *entries.end() }
}

impl Own {
    /// Of a log that ends here before the recorder's first append.
    pub(super) fn after(base: u64) -> Self {
        Self { compared: base, digest: RunDigest::default(), runs: VecDeque::new() }
    }

    /// The last entry that the recorder has told of.
    pub(super) fn limit(&self) -> u64 {
        self.runs.back().map_or(self.compared, |run| run.last)
    }

    /// The next entry; what is wrong where a run ends that is another one than was written.
    pub(super) fn next(&mut self, seq: u64, leaf: &Hash) -> Option<Disagreement> {
        if seq <= self.compared {
            return None;
        }
        self.digest.push(&leaf.0);
        let run = self.runs.pop_front_if(|run| run.last == seq)?;
        let first = std::mem::replace(&mut self.compared, seq) + 1;
        let is_own = self.digest.end() == run.digest;
        (!is_own).then_some(Disagreement::Foreign { first, last: seq })
    }
}

impl Log {
    /// The last entry is asked for once more when a log is resumed.
    pub(super) fn cursor(&self) -> u64 {
        let size = self.tree.size();
        if self.is_resumed { size } else { size.saturating_sub(1) }
    }

    pub(super) fn disagree(&mut self, writer: &str, disagreement: Disagreement) {
        if self.disagreement.replace(disagreement) != Some(disagreement) {
            tracing::error!(
                writer,
                code = disagreement.code(),
                "the ledger is not what was sealed: {disagreement}; nothing more of it is signed; \
                 run `countersign verify`"
            );
        }
    }

    /// The newest entries of the tree, and the next of all of them. None where nothing is to be told.
    pub(super) fn look(&mut self) -> Option<Look> {
        let size = self.tree.size();
        if size == 0 || self.disagreement.is_some() {
            return None;
        }
        let after = if self.looked < size { self.looked } else { 0 };
        self.looked = size.min(after + LOOK);
        let ranges = [after..self.looked, size.saturating_sub(LOOK_AT_END)..size];
        Some(Look { writer: String::new(), ranges })
    }

    pub(super) fn state(&self) -> LogState {
        LogState {
            head: self.head.max(self.tree.size()),
            entries: self.tree.size(),
            sealed: self.sealed.map_or(0, |(size, _)| size),
            disagreement: self.disagreement,
        }
    }
}
