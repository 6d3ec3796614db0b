//! Goes through one log, entry by entry.

use std::collections::HashMap;

use tlog_tiles::Hash;

use super::entry::{Digest, Item, Open, Part};
use super::events::Events;
use super::evidence::{Evidence, Standing};
use super::fault::{Fault, Found};
use super::purges::{PurgedReport, Purges};
use crate::record::{EventId, Purge};
use crate::seal::order::Ordered;
use crate::seal::tree::Tree;
use crate::store::Purged;

/// The leaves as they were when they were sealed, if somebody has kept them. They count for nothing
/// unless they have the root of a checkpoint.
pub(super) trait Leaves: Send {
    /// The leaf of an entry.
    fn leaf(&mut self, seq: u64) -> Option<Hash>;
}

/// How far a log is verified.
pub(super) struct Walk<'e> {
    tree: Tree,
    open: Open,
    events: Events,
    /// Checkpoints that are not reached yet, by size.
    ahead: &'e [Standing],
    /// The size of the last checkpoint that was reached and has the right root.
    proven: u64,
    checkpoints: u64,
    /// The same of those that were given from elsewhere, if there are any.
    given: Option<(u64, u64)>,
    /// A checkpoint beside the ledger that is of another log, while one that was given is ahead.
    doubted: Option<Found>,
    leaves: Option<Box<dyn Leaves + 'e>>,
    purges: Purges,
    /// From the first entry that is not what was kept: its number, and the tree as it was sealed.
    apart: Option<(u64, Tree)>,
    writer: &'e str,
    evidence: &'e Evidence,
}

impl<'e> Walk<'e> {
    pub(super) fn new(
        writer: &'e str,
        evidence: &'e Evidence,
        leaves: Option<Box<dyn Leaves + 'e>>,
    ) -> Self {
        let ahead = evidence.of(writer);
        Self {
            tree: Tree::default(),
            open: Open::default(),
            events: Events::default(),
            ahead,
            proven: 0,
            checkpoints: 0,
            given: ahead.iter().any(Standing::is_given).then_some((0, 0)),
            doubted: None,
            leaves,
            purges: Purges::default(),
            apart: None,
            writer,
            evidence,
        }
    }

    /// Entries that were taken.
    pub(super) fn entries(&self) -> u64 {
        self.tree.size()
    }

    /// Entries that a checkpoint proves, and by how many checkpoints.
    pub(super) fn proven(&self) -> (u64, u64) {
        (self.proven, self.checkpoints)
    }

    /// Intents that have no completion.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Entries whose event may be that of an earlier entry as well.
    pub(super) fn late(&self) -> &HashMap<EventId, u64> {
        self.events.late()
    }

    /// What was purged.
    pub(super) fn purged(&self) -> PurgedReport {
        self.purges.told()
    }

    /// Takes what stands at the next number.
    pub(super) fn take(&mut self, item: Item) -> Result<(), Found> {
        let next = self.tree.size() + 1;
        let seq = item.seq();
        if seq != next {
            // That rows were deleted is certain only where some were sealed.
            let fault = match self.ahead.is_empty() && seq > next {
                true => Fault::Apart { number: seq },
                false => Fault::Missing,
            };
            let missing = Found { entries: next..=seq.saturating_sub(1), fault };
            return Err(self.first(missing));
        }
        match item {
            Item::Entry(entry) => self.entry(next, *entry),
            Item::Purged(purged) => self.pass_over(&purged),
        }
    }

    fn pass_over(&mut self, purged: &Purged) -> Result<(), Found> {
        let Ok(leaf) = purged.leaf.as_slice().try_into().map(Hash) else {
            return Err(self.first(Found::at(purged.seq, Fault::Leaf)));
        };
        self.compare(purged.seq, leaf);
        self.purges.add(purged.seq, purged.by);
        self.tree.push(leaf, drop);
        self.reach()
    }

    fn entry(&mut self, next: u64, mut entry: Digest) -> Result<(), Found> {
        self.compare(next, entry.leaf);
        let (writer, evidence) = (self.writer, self.evidence);
        // Nobody can say so where no key is known.
        let ordered = |purge: &Purge| match evidence.keys().is_empty() {
            true => Ordered::Yes,
            false => evidence.orders(writer, entry.seq, purge),
        };
        let (purge, at) = (entry.purge.as_deref(), entry.id.time_ms());
        if let Err(found) = self.purges.reach(entry.seq, at, purge, ordered) {
            return Err(self.first(found));
        }
        // Where the first half is gone, there is nothing to compare the second one to.
        let is_left = matches!(entry.part, Part::Completion(seq) if self.purges.has(seq));
        let fault = match entry.fault.take() {
            None if !is_left => self.open.take(&mut entry),
            fault => fault,
        };
        let fault = fault.or_else(|| self.events.take(&entry));
        if let Some(fault) = fault {
            return Err(self.first(Found::at(next, fault)));
        }
        self.tree.push(entry.leaf, drop);
        self.reach()
    }

    /// Notes the first entry whose leaf is not the one that was kept.
    fn compare(&mut self, seq: u64, leaf: Hash) {
        let Some(leaves) = &mut self.leaves else { return };
        if seq > self.ahead.last().map_or(0, |last| last.size) {
            return;
        }
        let Some(kept) = leaves.leaf(seq) else { return };
        if self.apart.is_none() && kept != leaf {
            self.apart = Some((seq, self.tree.clone()));
        }
        if let Some((_, sealed)) = &mut self.apart
            && sealed.size() + 1 == seq
        {
            sealed.push(kept, drop);
        }
    }

    /// Compares the tree to a checkpoint of this size.
    fn reach(&mut self) -> Result<(), Found> {
        let Some((standing, ahead)) = self.ahead.split_first() else { return Ok(()) };
        let size = standing.size;
        if size > self.tree.size() {
            return Ok(());
        }
        if standing.root == self.tree.root() {
            // What was kept beside the ledger is then not what was sealed.
            self.apart = None;
            (self.ahead, self.proven) = (ahead, size);
            self.checkpoints += 1;
            if let Some(given) = self.given.as_mut().filter(|_| standing.is_given()) {
                *given = (size, given.1 + 1);
            }
            return Ok(());
        }
        if !standing.is_given() && ahead.iter().any(Standing::is_given) {
            // Which of the two is right, one that was given will tell.
            let fault = Fault::Fork { origin: standing.origin.to_string() };
            self.doubted.get_or_insert(Found::at(size, fault));
            self.ahead = ahead;
            return Ok(());
        }
        // What only stands beside the ledger may have been signed after it was changed.
        if let Some((proven, checkpoints)) = self.given.filter(|_| standing.is_given()) {
            (self.proven, self.checkpoints) = (proven, checkpoints);
        }
        let among = Found { entries: self.proven + 1..=size, fault: Fault::Root { size } };
        Err(self.first(among))
    }

    /// An entry before this one may be wrong, and only its checkpoint would have shown it: then that is
    /// the first.
    fn first(&mut self, found: Found) -> Found {
        let Some((standing, _)) = self.ahead.split_first() else { return found };
        let Some((seq, mut sealed)) = self.apart.take() else { return found };
        let Some(leaves) = &mut self.leaves else { return found };
        while sealed.size() < standing.size {
            let Some(leaf) = leaves.leaf(sealed.size() + 1) else { return found };
            sealed.push(leaf, drop);
        }
        let is_earlier = seq < *found.entries.start() || matches!(found.fault, Fault::Root { .. });
        if is_earlier && sealed.size() == standing.size && sealed.root() == standing.root {
            return Found::at(seq, Fault::Replaced { size: standing.size });
        }
        found
    }

    /// The end of the log.
    pub(super) fn end(&mut self) -> Result<(), Found> {
        if let Some(found) = self.purges.left() {
            return Err(self.first(found));
        }
        let Some(last) = self.ahead.last() else { return self.doubted.take().map_or(Ok(()), Err) };
        let size = last.size;
        let gone = Found { entries: self.tree.size() + 1..=size, fault: Fault::Truncated { size } };
        Err(self.first(gone))
    }
}
