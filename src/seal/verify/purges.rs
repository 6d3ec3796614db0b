//! What is said to be purged, held against the purges that are on record.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::fault::{Fault, Found};
use crate::record::Purge;
use crate::seal::order::Ordered;

/// The purged entries of a log, as far as it was walked through.
#[derive(Debug, Default)]
pub(super) struct Purges {
    /// By the number of the event that should say so, the entries.
    claimed: BTreeMap<u64, Vec<RangeInclusive<u64>>>,
    /// All that were purged, in order.
    all: Vec<RangeInclusive<u64>>,
    count: u64,
    /// The time of the newest event that was purged.
    to: Option<String>,
    /// When the first and the last purge was put on record.
    at: Option<(i64, i64)>,
}

/// What is told of purges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PurgedReport {
    /// Entries that were purged by policy: their leaves are still there, and proven.
    pub entries: u64,
    /// The time of the newest event among them.
    pub to: Option<String>,
    /// When the first and the last of the purges was put on record, in milliseconds since 1970.
    pub at: Option<(i64, i64)>,
}

impl Purges {
    /// One more, said to be purged by a later entry.
    pub(super) fn add(&mut self, seq: u64, by: u64) {
        self.count += 1;
        extend(&mut self.all, seq);
        extend(self.claimed.entry(by).or_default(), seq);
    }

    /// Whether an entry was purged.
    pub(super) fn has(&self, seq: u64) -> bool {
        let after = self.all.partition_point(|range| *range.start() <= seq);
        let range = after.checked_sub(1).and_then(|position| self.all.get(position));
        range.is_some_and(|range| range.contains(&seq))
    }

    /// An entry that is there, with what it says was purged, if that was ordered by who may.
    pub(super) fn reach(
        &mut self,
        seq: u64,
        at_ms: Option<i64>,
        purge: Option<&Purge>,
        ordered: impl FnOnce(&Purge) -> Ordered,
    ) -> Result<(), Found> {
        let Some(claimed) = self.claimed.remove(&seq) else { return Ok(()) };
        if let (Some(purge), Some(first)) = (purge, claimed.first())
            && let by_others @ (Ordered::ByOthers | Ordered::No) = ordered(purge)
        {
            let by_others = by_others == Ordered::ByOthers;
            return Err(Found::at(*first.start(), Fault::NotOrdered { by: seq, by_others }));
        }
        let is_named = |seq: &u64| purge.is_some_and(|purge| purge.ranges.contains(*seq));
        match claimed.into_iter().flatten().find(|seq| !is_named(seq)) {
            Some(missing) => Err(Found::at(missing, Fault::NotPurged { by: seq })),
            None => {
                self.to = purge.map(|purge| purge.to.clone()).max(self.to.take());
                if let Some(at) = at_ms {
                    let (first, last) = self.at.unwrap_or((at, at));
                    self.at = Some((first.min(at), last.max(at)));
                }
                Ok(())
            }
        }
    }

    /// What no event has said.
    pub(super) fn left(&self) -> Option<Found> {
        let (by, claimed) = self.claimed.first_key_value()?;
        let seq = *claimed.first()?.start();
        Some(Found::at(seq, Fault::NotPurged { by: *by }))
    }

    /// How many, of when the newest was, and when they were purged.
    pub(super) fn told(&self) -> PurgedReport {
        PurgedReport { entries: self.count, to: self.to.clone(), at: self.at }
    }
}

fn extend(ranges: &mut Vec<RangeInclusive<u64>>, seq: u64) {
    match ranges.last_mut() {
        Some(last) if last.end().checked_add(1) == Some(seq) => *last = *last.start()..=seq,
        _ => ranges.push(seq..=seq),
    }
}
