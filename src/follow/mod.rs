//! One way to follow the ledger, for everything that reads it: at least once, in order, resumable.
//!
//! Owns the loop: batches, waiting for more, and trying again after an error. Knows nothing of
//! what a follower does with entries.
//!
//! Invariants:
//! - A follower keeps its own cursor, in the same transaction as what it made of the entries.
//! - Each writer's entries arrive in order; some may arrive twice. What is missing between them was
//!   purged.
//! - Nothing here writes to the ledger, and nothing here is on the way of a request.

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::record::Stored;
use crate::store::{LedgerReader, LedgerSource, Purged, StoreError};

/// Entries in one step; fewer where their documents are large. What followers write for many
/// entries at once is much less than for each of them.
const STEP: usize = 4096;
/// Documents of one step, in bytes: with that many no more are read.
const STEP_BYTES: usize = 1024 * 1024;
/// Arrivals within this time are taken together.
const GATHER: Duration = Duration::from_millis(50);
/// How often a ledger that others write to as well is looked at.
const POLL: Duration = Duration::from_millis(150);
/// In the background a follower rests for as many times as long as it worked, so that it leaves
/// the processors to the requests. What it then falls behind, it makes up when there is quiet.
const REST: u32 = 4;
/// The pauses after an error.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(10);

/// Something that is kept up to date with the ledger.
#[async_trait]
pub trait Follower: Send {
    /// Its name, for logs.
    fn name(&self) -> &'static str;

    /// The last entry of `writer` that it has taken in; 0 for none.
    async fn cursor(&mut self, writer: &str) -> Result<u64, FollowError>;

    /// Whether it must be told of every entry that was purged. Then entries arrive without gaps, and
    /// [`Follower::pass_over`] comes in their order, with leaves.
    fn wants_leaves(&self) -> bool {
        false
    }

    /// Takes in entries, all of one writer and in order, and moves the cursor, all or nothing. The first
    /// comes right after the cursor; entries at or before it are skipped.
    async fn apply(&mut self, entries: Vec<Stored>) -> Result<(), FollowError>;

    /// Moves the cursor over entries that were purged.
    async fn pass_over(&mut self, writer: &str, gap: &Gap) -> Result<(), FollowError>;

    /// Whether what it has taken in came from this ledger, as far as it can tell.
    async fn is_of(&mut self, _reader: &mut dyn LedgerReader) -> Result<bool, FollowError> {
        Ok(true)
    }

    /// Forgets everything: the ledger is not the one that was followed.
    async fn start_over(&mut self) -> Result<(), FollowError>;
}

/// Numbers of entries that were purged, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The number before the first of them.
    pub after: u64,
    /// The last of them.
    pub up_to: u64,
    /// All of them, where the follower wants their leaves.
    pub purged: Vec<Purged>,
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The ledger cannot be read.
    #[error("cannot read the ledger")]
    Ledger(#[from] StoreError),
    /// An entry is missing that was not purged.
    #[error("the ledger has no entry {seq} of writer `{writer}`, and it was not purged")]
    Missing {
        /// Whose log.
        writer: String,
        /// Which entry.
        seq: u64,
    },
    /// The follower cannot take the entries in.
    #[error("the follower `{name}` cannot go on")]
    Follower {
        /// Which follower.
        name: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// How far each writer's log reaches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heads(pub Vec<(String, u64)>);

impl Heads {
    /// The heads at this moment.
    pub async fn now(reader: &mut dyn LedgerReader) -> Result<Self, StoreError> {
        reader.heads().await.map(Self)
    }
}

/// Brings the follower to `heads`, without rest.
pub async fn catch_up(
    reader: &mut dyn LedgerReader,
    follower: &mut dyn Follower,
    heads: &Heads,
) -> Result<(), FollowError> {
    require_its(reader, follower).await?;
    for (writer, head) in &heads.0 {
        while step(reader, follower, writer, *head).await? > 0 {}
    }
    Ok(())
}

/// Gives the follower entries once more that it has taken in: those after the one number up to the other,
/// with the gaps between them.
pub async fn read_again(
    reader: &mut dyn LedgerReader,
    follower: &mut dyn Follower,
    writer: &str,
    range: Range<u64>,
) -> Result<(), FollowError> {
    let (mut after, up_to) = (range.start, range.end);
    while after < up_to {
        let limit = u32::try_from((up_to - after).min(STEP as u64)).unwrap_or(u32::MAX);
        let mut entries = reader.read_after(writer, after, limit).await?;
        let is_end = entries.last().is_none_or(|last| last.seq >= up_to);
        entries.retain(|entry| entry.seq <= up_to);
        let last = entries.last().map_or(after, |last| last.seq);
        give(reader, follower, writer, after, entries).await?;
        if is_end {
            return pass(reader, follower, writer, last, up_to).await;
        }
        after = last;
    }
    Ok(())
}

/// What came from another ledger is forgotten.
async fn require_its(
    reader: &mut dyn LedgerReader,
    follower: &mut dyn Follower,
) -> Result<(), FollowError> {
    if !follower.is_of(reader).await? {
        tracing::warn!(follower = follower.name(), "the ledger is another one: starting over");
        follower.start_over().await?;
    }
    Ok(())
}

/// How many entries the follower still has to take in to be at `heads`.
pub async fn lag(follower: &mut dyn Follower, heads: &Heads) -> Result<u64, FollowError> {
    let mut behind = 0;
    for (writer, head) in &heads.0 {
        behind += head.saturating_sub(follower.cursor(writer).await?);
    }
    Ok(behind)
}

/// Follows the ledger until `shutdown` becomes true or the recorder is gone. Wakes when
/// `head` moves, and often enough where others write as well. `lag` shows by how many entries the follower is behind.
pub async fn follow(
    source: &LedgerSource,
    follower: &mut dyn Follower,
    mut head: watch::Receiver<u64>,
    mut shutdown: watch::Receiver<bool>,
    lag: &Gauge,
) {
    let mut reader = None;
    let mut pause = FIRST_PAUSE;
    loop {
        head.mark_unchanged();
        let wait = async {
            match rounds(source, &mut reader, follower, lag).await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    let more = match source.is_shared() {
                        // Of what others write nobody tells.
                        true => match timeout(POLL, head.changed()).await {
                            Ok(changed) => changed.is_ok(),
                            Err(_) => head.has_changed().is_ok(),
                        },
                        false => head.changed().await.is_ok(),
                    };
                    sleep(GATHER).await;
                    more
                }
                Err(error) => {
                    reader = None;
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(follower = follower.name(), %error, cause, "will try again");
                    sleep(pause).await;
                    pause = LAST_PAUSE.min(pause * 2);
                    head.has_changed().is_ok()
                }
            }
        };
        let more = tokio::select! {
            more = wait => more,
            _ = shutdown.wait_for(|stop| *stop) => false,
        };
        if !more {
            break;
        }
    }
    // What was on record when the end came.
    if let Err(error) = rounds(source, &mut reader, follower, lag).await {
        tracing::debug!(follower = follower.name(), %error, "not up to date at the end");
    }
    if let Some(reader) = reader
        && let Err(error) = reader.close().await
    {
        tracing::debug!(%error, "the follower's view of the ledger was not closed cleanly");
    }
}

/// Steps until the follower is at the head, resting in between.
async fn rounds(
    source: &LedgerSource,
    reader: &mut Option<Box<dyn LedgerReader>>,
    follower: &mut dyn Follower,
    gauge: &Gauge,
) -> Result<(), FollowError> {
    if reader.is_none() {
        let mut opened = source.reader().await?;
        require_its(&mut *opened, follower).await?;
        *reader = Some(opened);
    }
    let Some(reader) = reader.as_deref_mut() else { return Ok(()) };
    loop {
        let started = Instant::now();
        let heads = Heads::now(reader).await?;
        // Told first: a step may not succeed for a long time.
        let before = lag(follower, &heads).await?;
        gauge.set(i64::try_from(before).unwrap_or(i64::MAX));
        let mut behind = 0;
        for (writer, head) in heads.0 {
            behind += step(reader, follower, &writer, head).await?;
        }
        gauge.set(i64::try_from(behind).unwrap_or(i64::MAX));
        if behind == 0 {
            return Ok(());
        }
        sleep(started.elapsed() * REST).await;
    }
}

/// One step towards `head`; returns how far it is still.
async fn step(
    reader: &mut dyn LedgerReader,
    follower: &mut dyn Follower,
    writer: &str,
    head: u64,
) -> Result<u64, FollowError> {
    let mut cursor = follower.cursor(writer).await?;
    if cursor > head && cursor > reader.head(writer).await? {
        tracing::warn!(follower = follower.name(), "the ledger is another one: starting over");
        follower.start_over().await?;
        cursor = 0;
    }
    if cursor >= head {
        return Ok(0);
    }
    let began = cursor;
    let (mut entries, mut bytes): (Vec<Stored>, usize) = (Vec::new(), 0);
    while entries.len() < STEP && bytes < STEP_BYTES && cursor < head {
        let wanted = u32::try_from(STEP - entries.len()).unwrap_or(u32::MAX);
        let more = reader.read_after(writer, cursor, wanted).await?;
        let Some(last) = more.last() else { break };
        cursor = last.seq;
        bytes += more.iter().map(|entry| entry.doc.len()).sum::<usize>();
        entries.extend(more);
    }
    if entries.is_empty() {
        // All that there was up to the head has been purged.
        pass(reader, follower, writer, began, head).await?;
        return Ok(0);
    }
    give(reader, follower, writer, began, entries).await?;
    Ok(head.saturating_sub(cursor))
}

/// Gives entries to the follower, and the gaps before and between them as it wants to have them.
async fn give(
    reader: &mut dyn LedgerReader,
    follower: &mut dyn Follower,
    writer: &str,
    mut cursor: u64,
    mut entries: Vec<Stored>,
) -> Result<(), FollowError> {
    while let Some(first) = entries.first() {
        if first.seq > cursor + 1 {
            pass(reader, follower, writer, cursor, first.seq - 1).await?;
        }
        let consecutive = || (first.seq..).zip(&entries).take_while(|(seq, it)| it.seq == *seq);
        let count = if follower.wants_leaves() { consecutive().count() } else { entries.len() };
        let rest = entries.split_off(count);
        cursor = entries.last().map_or(cursor, |last| last.seq);
        follower.apply(std::mem::replace(&mut entries, rest)).await?;
    }
    Ok(())
}

/// Lets the follower pass over what was purged.
async fn pass(
    reader: &mut dyn LedgerReader,
    follower: &mut dyn Follower,
    writer: &str,
    after: u64,
    up_to: u64,
) -> Result<(), FollowError> {
    if !follower.wants_leaves() {
        return follower.pass_over(writer, &Gap { after, up_to, purged: Vec::new() }).await;
    }
    let mut after = after;
    while after < up_to {
        let limit = u32::try_from((up_to - after).min(STEP as u64)).unwrap_or(u32::MAX);
        let mut purged = reader.purged_after(writer, after, limit).await?;
        let dense = (after + 1..).zip(&purged).take_while(|(seq, it)| it.seq == *seq).count();
        purged.truncate(dense);
        let Some(last) = purged.last().map(|last| last.seq) else {
            return Err(FollowError::Missing { writer: writer.to_owned(), seq: after + 1 });
        };
        follower.pass_over(writer, &Gap { after, up_to: last, purged }).await?;
        after = last;
    }
    Ok(())
}
