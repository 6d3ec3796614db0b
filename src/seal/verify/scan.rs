//! Reads a ledger and lets each log be walked through: the reading, the hashing of some batches, and
//! the walk at the same time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use super::entry::{Digest, Item};
use super::evidence::{Evidence, Standing};
use super::fault::{Column, Fault, Found};
use super::purges::PurgedReport;
use super::walk::{Leaves, Walk};
use crate::record::{EntryKind, EventId, Stored};
use crate::seal::leaves::TileLeaves;
use crate::seal::{Hash, Kept};
use crate::store::{LedgerReader, Purged, StoreError, Unguarded};

/// Entries that are read in one go, if their documents are not large.
const BATCH: u32 = 1024;
/// Batches that may wait to be walked through.
const AHEAD: usize = 4;

/// Entries that are said to be purged and are there, that are named.
const MARKED: usize = 8;
/// Numbers in which they are looked for in one go.
const STRETCH: u64 = 65_536;

/// What was found out about one log.
#[derive(Debug, Clone, PartialEq)]
pub struct LogReport {
    /// Whose log.
    pub writer: String,
    /// Entries that were checked.
    pub entries: u64,
    /// Entries up to here are proven to be what was sealed.
    pub proven: u64,
    /// By how many checkpoints.
    pub checkpoints: u64,
    /// The newest of them.
    pub newest: Option<Standing>,
    /// What was purged.
    pub purged: PurgedReport,
    /// Entries that are said to be purged and are there: the first of them, some at most.
    pub marked: Vec<u64>,
    /// Intents without a completion.
    pub open: usize,
    /// The first thing that is wrong.
    pub found: Option<Found>,
}

/// What was found out about a ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// By writer.
    pub logs: Vec<LogReport>,
    /// What is wrong with the evidence, with the writer where one is named.
    pub evidence: Vec<(Option<String>, Found)>,
    /// What is wrong with what guards the ledger in the database. That changes nothing of what was sealed.
    pub unguarded: Vec<Unguarded>,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.evidence.is_empty() && self.logs.iter().all(|log| log.found.is_none())
    }

    /// Whether of every log that has entries a checkpoint proves some. Where there are none at all,
    /// nothing is proven.
    pub fn is_proven(&self) -> bool {
        let mut some = self.logs.iter().filter(|log| log.entries > 0).peekable();
        some.peek().is_some() && some.all(|log| log.proven > 0)
    }

    /// Whether there is no entry at all.
    pub fn is_empty(&self) -> bool {
        self.logs.iter().all(|log| log.entries == 0)
    }
}

/// Verifies a whole ledger. `progress` is told now and then how many entries were checked.
pub async fn verify(
    reader: &mut dyn LedgerReader,
    evidence: &Evidence,
    mut kept: Option<&mut Kept>,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<Report, StoreError> {
    let mut writers: BTreeSet<String> = reader.writers().await?.into_iter().collect();
    // A log of which nothing is left is still missed.
    writers.extend(evidence.writers().map(ToOwned::to_owned));
    let strays: BTreeMap<String, i64> = reader.strays().await?.into_iter().collect();
    writers.extend(strays.keys().cloned());
    let mut logs = Vec::new();
    let mut before = 0;
    for writer in writers {
        let mut told = |entries| progress(before + entries);
        let stray = strays.get(&writer).copied();
        let kept = kept.as_deref_mut();
        let log = verify_log(reader, &writer, evidence, kept, stray, &mut told).await?;
        before += log.entries;
        logs.push(log);
    }
    let unguarded = reader.unguarded().await?;
    Ok(Report { logs, evidence: evidence.faults().to_vec(), unguarded })
}

async fn verify_log(
    reader: &mut dyn LedgerReader,
    writer: &str,
    evidence: &Evidence,
    kept: Option<&mut Kept>,
    stray: Option<i64>,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<LogReport, StoreError> {
    // Entries that come while this goes on are another matter.
    let head = reader.head(writer).await?;
    // The count may be what was changed: what follows it without a gap is looked at as well.
    let is_beyond = stray.and_then(|number| u64::try_from(number).ok()) == Some(head + 1);
    let end = if is_beyond { u64::MAX } else { head };
    let leaves = kept.map(|kept| Box::new(TileLeaves::new(kept, writer)) as Box<dyn Leaves>);
    let standing = evidence.of(writer);
    let mut walk = Walk::new(writer, evidence, leaves);
    let (batches, digests) = mpsc::channel::<JoinHandle<Vec<Item>>>(AHEAD);
    let reading = read(reader, writer, (head, end), batches);
    let walking = async {
        // Gone once the walk is over: whoever reads on for nobody stops.
        let mut digests = digests;
        while let Some(batch) = digests.recv().await {
            // Hashing cannot fail; a batch that is lost shows as a gap.
            for item in batch.await.unwrap_or_default() {
                walk.take(item)?;
            }
            progress(walk.entries());
        }
        Ok(())
    };
    let (read, walked) = tokio::join!(reading, walking);
    let found = match (walked, read) {
        (Err(found), _) => Some(found),
        (Ok(()), Read::Unreadable(seq, column)) => {
            Some(Found::at(seq, column.map_or(Fault::Unreadable, Fault::Column)))
        }
        (Ok(()), Read::Failed(error)) => return Err(error),
        (Ok(()), Read::Whole) => walk.end().err(),
    };
    let (proven, checkpoints) = walk.proven();
    let found = match found {
        None => again(reader, writer, walk.late()).await?,
        found => found,
    };
    let known = standing.last().map_or(0, |last| last.size).max(head);
    let found = found.filter(|found| stray.is_none() || *found.entries.start() <= known);
    let found = found.or_else(|| miscounted((head, walk.entries()), proven, stray));
    let newest = standing.iter().rfind(|standing| standing.size <= proven).cloned();
    let (writer, entries, open) = (writer.to_owned(), walk.entries(), walk.open());
    let purged = walk.purged();
    let marked = marked(reader, &writer, end).await?;
    Ok(LogReport { writer, entries, proven, checkpoints, newest, purged, marked, open, found })
}

/// Entries that are said to be purged and are there, in stretches of what is said to be: no question to the
/// database takes long.
async fn marked(
    reader: &mut dyn LedgerReader,
    writer: &str,
    end: u64,
) -> Result<Vec<u64>, StoreError> {
    let (mut marked, mut after) = (Vec::new(), 0);
    while after < end && marked.len() < MARKED {
        let Some(next) = reader.purged_after(writer, after, 1).await?.pop() else { break };
        after = next.seq.saturating_add(STRETCH);
        let limit = u32::try_from(MARKED - marked.len()).unwrap_or(1);
        marked.extend(reader.said_to_be_purged(writer, next.seq..=after, limit).await?);
    }
    Ok(marked)
}

/// What is wrong with the count of a log, and with what is in no count: that counts for less than what
/// is wrong with the entries that were counted or sealed.
fn miscounted((head, there): (u64, u64), proven: u64, stray: Option<i64>) -> Option<Found> {
    let fault = match stray {
        Some(number) if number > 0 && number.unsigned_abs() <= proven => {
            Fault::Count { counted: if there > head { head } else { 0 }, there }
        }
        Some(number) => Fault::Stray { number },
        None if there < head => Fault::Count { counted: head, there },
        None => return None,
    };
    Some(Found::at(0, fault))
}

/// Looks for the events of entries that came late among those before them: of each event there is one
/// beginning. In most logs none came late.
async fn again(
    reader: &mut dyn LedgerReader,
    writer: &str,
    late: &HashMap<EventId, u64>,
) -> Result<Option<Found>, StoreError> {
    let (mut after, last) = (0, late.values().max().copied().unwrap_or(0));
    let mut found = Vec::new();
    while after < last {
        let entries = reader.read_after(writer, after, BATCH).await?;
        let Some(end) = entries.last().map(|entry| entry.seq) else { break };
        for entry in entries {
            let is_beginning = entry.kind == EntryKind::Intent || entry.intent.is_none();
            let twice = late.get(&entry.id).filter(|seq| is_beginning && entry.seq < **seq);
            found.extend(twice.map(|seq| (*seq, entry.seq)));
        }
        after = end;
    }
    let first = found.into_iter().min();
    Ok(first.map(|(seq, other)| Found::at(seq, Fault::Twice { other })))
}

/// How reading ended.
enum Read {
    Whole,
    /// An entry that is no entry, and which of its columns says why.
    Unreadable(u64, Option<Column>),
    Failed(StoreError),
}

/// Reads up to the end. Behind the head only what follows without a gap is of the log.
async fn read(
    reader: &mut dyn LedgerReader,
    writer: &str,
    (head, end): (u64, u64),
    batches: mpsc::Sender<JoinHandle<Vec<Item>>>,
) -> Read {
    let (mut after, mut limit) = (0, BATCH);
    while after < end {
        match reader.read_after(writer, after, limit).await {
            Ok(mut entries) => {
                let mut next = after.max(head) + 1;
                entries.retain(|entry| {
                    let is_next = entry.seq == next && entry.seq <= end;
                    next += u64::from(is_next);
                    entry.seq <= head || is_next
                });
                if entries.is_empty() && after >= head {
                    break;
                }
                let up_to = entries.last().map_or(head, |last| last.seq);
                let purged = match purged_between(reader, writer, after, up_to, &entries).await {
                    Ok(purged) => purged,
                    Err(error) => return Read::Failed(error),
                };
                after = up_to;
                let items = spawn_blocking(move || in_order(entries, purged));
                if batches.send(items).await.is_err() {
                    break;
                }
            }
            // One row of the batch is at fault: which?
            Err(_) if limit > 1 => limit = 1,
            Err(StoreError::Damaged { seq, column, .. }) => {
                let seq = u64::try_from(seq).unwrap_or(after + 1);
                return Read::Unreadable(seq, column.and_then(Column::named));
            }
            Err(error) => return Read::Failed(error),
        }
    }
    Read::Whole
}

/// The leaves of what is not there any more, where entries are missing.
async fn purged_between(
    reader: &mut dyn LedgerReader,
    writer: &str,
    after: u64,
    up_to: u64,
    entries: &[Stored],
) -> Result<Vec<Purged>, StoreError> {
    let mut all = Vec::new();
    if entries.len() as u64 == up_to.saturating_sub(after) {
        return Ok(all);
    }
    let mut from = after;
    while from < up_to {
        let purged = reader.purged_after(writer, from, BATCH).await?;
        let Some(last) = purged.last() else { break };
        from = last.seq;
        all.extend(purged.into_iter().filter(|purged| purged.seq <= up_to));
    }
    Ok(all)
}

/// Entries, hashed, and leaves in their places between them. Of an entry that is there no leaf counts.
fn in_order(entries: Vec<Stored>, purged: Vec<Purged>) -> Vec<Item> {
    let mut purged = purged.into_iter().peekable();
    let mut items = Vec::with_capacity(entries.len());
    for entry in entries {
        while let Some(purged) = purged.next_if(|purged| purged.seq < entry.seq) {
            items.push(Item::Purged(purged));
        }
        if purged.next_if(|purged| purged.seq == entry.seq).is_some() {
            tracing::debug!("an entry that is said to be purged is still there");
        }
        items.push(Item::Entry(Box::new(Digest::of(entry))));
    }
    items.extend(purged.map(Item::Purged));
    items
}

impl Leaves for TileLeaves<'_> {
    fn leaf(&mut self, seq: u64) -> Option<Hash> {
        TileLeaves::leaf(self, seq)
    }
}
