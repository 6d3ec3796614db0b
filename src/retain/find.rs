//! Finding what is due: the index says where to look, the ledger's documents decide.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chrono::{DateTime, SecondsFormat};

use super::{Policy, RetainError, Verdict};
use crate::archive::{ENTRIES_MAX, TEXT_BYTES_MAX};
use crate::clock::Timestamp;
use crate::index::{Index, Row};
use crate::record::{EntryKind, PURGE_ACTION, Ranges, Stored};
use crate::store::LedgerReader;

/// Rows that are looked at in one go.
const ROWS: u32 = 1_000;
/// Events that are read in one go.
const READ: usize = 250;
/// Ranges of numbers in one purge: they stand in its event.
const RANGES_MAX: usize = 4_000;

/// Entries that are said to be purged and are there, that are looked at in one go.
const MARKED_MAX: u32 = 10_000;
/// Numbers no further from each other than this are looked at together.
const NEAR: u64 = 64;

/// What there is to purge, and what stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Events that are due, by category.
    pub due: BTreeMap<String, u64>,
    /// Events that are old enough and held, by the name of the hold.
    pub held: BTreeMap<String, u64>,
    /// Events of a purge that was cut off, which goes on.
    pub cut_off: u64,
    /// Events that are old enough and not complete.
    pub open: u64,
    /// The time of the oldest event that is due, in milliseconds since 1970.
    pub oldest_ms: Option<i64>,
    /// The time of the newest.
    pub newest_ms: Option<i64>,
}

impl Survey {
    /// How many events are due.
    pub fn events(&self) -> u64 {
        self.due.values().sum()
    }

    /// Adds what another one found.
    pub fn add(&mut self, other: Self) {
        for (category, count) in other.due {
            *self.due.entry(category).or_default() += count;
        }
        for (hold, count) in other.held {
            *self.held.entry(hold).or_default() += count;
        }
        self.cut_off += other.cut_off;
        self.open += other.open;
        self.oldest_ms = self.oldest_ms.into_iter().chain(other.oldest_ms).min();
        self.newest_ms = self.newest_ms.into_iter().chain(other.newest_ms).max();
    }

    /// The time of the oldest, RFC 3339.
    pub fn oldest(&self) -> String {
        text(self.oldest_ms)
    }

    /// The time of the newest, RFC 3339.
    pub fn newest(&self) -> String {
        text(self.newest_ms)
    }

    fn count(&mut self, verdict: Verdict<'_>, rows: &[Row]) {
        let Some(first) = rows.first() else { return };
        match verdict {
            Verdict::Stays => {}
            Verdict::Open => self.open += 1,
            Verdict::Held(hold) => *self.held.entry(hold.name.clone()).or_default() += 1,
            Verdict::Due => {
                let category = first.category.clone().unwrap_or_else(|| "-".to_owned());
                *self.due.entry(category).or_default() += 1;
                let time = Some(first.time_ms);
                self.oldest_ms = self.oldest_ms.into_iter().chain(time).min();
                self.newest_ms = self.newest_ms.into_iter().chain(time).max();
            }
        }
    }
}

fn text(time_ms: Option<i64>) -> String {
    let time = time_ms.and_then(DateTime::from_timestamp_millis).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// An event that is to go: one entry, or both.
#[derive(Debug, Clone)]
pub(super) struct Going {
    pub(super) first: Stored,
    pub(super) second: Option<Stored>,
}

/// As much as one purge takes.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) events: Vec<Going>,
    pub(super) survey: Survey,
    entries: usize,
    bytes: usize,
    /// Where to look next; none at the end.
    pub(super) next: Option<i64>,
}

impl Piece {
    fn has_room(&self) -> bool {
        // Every event may begin two ranges.
        self.entries + 2 * READ <= ENTRIES_MAX
            && self.bytes < TEXT_BYTES_MAX
            && self.ranges().len() + 2 * READ <= RANGES_MAX
    }

    /// The numbers of the entries.
    pub(super) fn ranges(&self) -> Ranges {
        let entries =
            self.events.iter().flat_map(|event| [Some(&event.first), event.second.as_ref()]);
        let mut seqs: Vec<u64> = entries.flatten().map(|entry| entry.seq).collect();
        seqs.sort_unstable();
        seqs.into_iter().collect()
    }
}

/// A stretch of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// The place behind which it begins.
    pub(super) from: i64,
    /// The time at which it ends, in milliseconds since 1970.
    pub(super) before: i64,
}

/// Where it is looked.
pub(super) struct Find<'a> {
    pub(super) index: &'a mut Index,
    pub(super) reader: &'a mut dyn LedgerReader,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    /// Whether what is due is kept in the piece, or only counted.
    pub(super) keeps: bool,
}

impl Find<'_> {
    /// The next piece of the log of `writer` in a window, oldest first.
    pub(super) async fn piece(
        &mut self,
        writer: &str,
        Window { from, before }: Window,
    ) -> Result<Piece, RetainError> {
        let mut piece = Piece { next: Some(from), ..Piece::default() };
        // Of an event with several acts, the rows follow each other.
        let mut last = None;
        while let Some(place) = piece.next.filter(|_| piece.has_room()) {
            let rows = self.index.aged(writer, before, place, ROWS).await?;
            piece.next = None;
            let mut wanted = Vec::new();
            for (place, row) in rows {
                if wanted.len() >= READ {
                    break;
                }
                piece.next = Some(place);
                let event = Some(row.seq);
                if event != last && may_go(self.policy, &row, self.now) {
                    wanted.push((row.seq, row.completion.filter(|seq| *seq != row.seq)));
                }
                last = event;
            }
            self.take(writer, wanted, &mut piece).await?;
        }
        Ok(piece)
    }

    /// Reads events from the ledger and decides about them.
    async fn take(
        &mut self,
        writer: &str,
        wanted: Vec<(u64, Option<u64>)>,
        piece: &mut Piece,
    ) -> Result<(), RetainError> {
        let mut seqs: Vec<u64> = wanted
            .iter()
            .flat_map(|(seq, completion)| [Some(*seq), *completion])
            .flatten()
            .collect();
        let mut found: BTreeMap<u64, Stored> = BTreeMap::new();
        while !seqs.is_empty() {
            // As many as can be read at one time, and at least two.
            let entries = self.reader.entries(writer, &seqs).await?;
            let had = seqs.len();
            found.extend(entries.into_iter().map(|entry| (entry.seq, entry)));
            seqs.retain(|seq| !found.contains_key(seq));
            if seqs.len() == had {
                break;
            }
        }
        let marked = marked(writer, self.reader, found.keys()).await?;
        for (seq, completion) in wanted {
            let Some(first) = found.remove(&seq) else { continue };
            if marked.contains(&seq) || completion.is_some_and(|seq| marked.contains(&seq)) {
                continue;
            }
            let second = completion.and_then(|completion| found.remove(&completion));
            // An index that lags, or lies, must not tear the halves of an event apart.
            let is_whole = match (&first.kind, &second) {
                (EntryKind::Intent, Some(second)) => second.intent == Some(seq),
                (EntryKind::Intent, None) => true,
                (EntryKind::Completion, second) => first.intent.is_none() && second.is_none(),
            };
            if !is_whole {
                continue;
            }
            let rows = Row::of(&first, second.as_ref());
            let verdict = self.policy.verdict(&rows, self.now);
            piece.survey.count(verdict, &rows);
            if verdict == Verdict::Due && self.keeps {
                piece.entries += 1 + usize::from(second.is_some());
                piece.bytes +=
                    first.doc.len() + second.as_ref().map_or(0, |second| second.doc.len());
                piece.events.push(Going { first, second });
            }
        }
        Ok(())
    }
}

/// Which of these entries, which are there, are said to be purged: no purge of ours leaves that, and the database
/// lets nothing else be said of them any more. They stay, and keep nothing else from going.
pub(super) async fn marked(
    writer: &str,
    reader: &mut dyn LedgerReader,
    seqs: impl Iterator<Item = &u64>,
) -> Result<BTreeSet<u64>, RetainError> {
    let seqs: BTreeSet<u64> = seqs.copied().collect();
    // What lies far apart may have much between it that was purged long ago.
    let mut stretches: Vec<RangeInclusive<u64>> = Vec::new();
    for seq in &seqs {
        match stretches.last_mut() {
            Some(last) if seq - last.end() <= NEAR => *last = *last.start()..=*seq,
            _ => stretches.push(*seq..=*seq),
        }
    }
    let mut marked = BTreeSet::new();
    for stretch in stretches {
        let said = reader.said_to_be_purged(writer, stretch, MARKED_MAX).await?;
        marked.extend(said.into_iter().filter(|seq| seqs.contains(seq)));
    }
    if let Some(seq) = marked.first() {
        let count = marked.len();
        tracing::warn!(
            writer,
            seq,
            count,
            "entries are said to be purged and are there: somebody has written to the database; they stay; \
             run `countersign verify`"
        );
    }
    Ok(marked)
}

/// Whether it is worth looking at the event: by what the index says of one of its acts.
fn may_go(policy: &Policy, row: &Row, now: Timestamp) -> bool {
    row.action.as_deref() != Some(PURGE_ACTION)
        && policy.verdict(std::slice::from_ref(row), now) != Verdict::Stays
}
