//! From the spool to the ledger, in the background.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::super::{Store, StoreError};
use super::file::File;
use super::{BUSY_SHARE, Opener, SpoolOptions, SpoolShared};
use crate::record::{Entry, Stored, leaf_hash};

/// Entries in one transaction.
const BATCH: u32 = 512;
/// The pauses after an error.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);

pub(super) struct Drain {
    pub(super) writer: String,
    pub(super) options: SpoolOptions,
    pub(super) opener: Opener,
    pub(super) status: SpoolShared,
}

/// What the ledger's head says of what waits.
enum Place {
    /// This comes next.
    Next(Vec<Stored>),
    /// Nothing waits.
    Done,
    /// Nothing ever will.
    Stuck(Stuck),
}

/// Why what waits cannot drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stuck {
    /// Somebody else has written in our place.
    Taken,
    /// This document is not what it was when it was put here.
    Damaged(u64),
}

impl Drain {
    /// Until nothing waits: then gives the ledger back, ready to be appended to. Without it, nothing
    /// will ever drain.
    pub(super) async fn run(self, mut ledger: Option<Box<dyn Store>>) -> Option<Box<dyn Store>> {
        let mut pause = FIRST_PAUSE;
        let mut known: Option<&'static str> = None;
        loop {
            match self.all(&mut ledger).await {
                Ok(None) => {
                    self.status.change(|status| (status.conflict, status.damaged) = (false, None));
                    return ledger;
                }
                Ok(Some(stuck)) => {
                    self.tell(stuck);
                    return None;
                }
                Err(error) => {
                    if known != Some(error.reason()) {
                        known = Some(error.reason());
                        tracing::warn!(reason = error.reason(), %error, "the spool does not drain yet");
                    }
                    // Whatever the connection was doing: the next one compares heads.
                    ledger = None;
                    sleep(pause).await;
                    pause = LAST_PAUSE.min(pause * 2);
                }
            }
        }
    }

    /// What waits is kept.
    fn tell(&self, stuck: Stuck) {
        let (writer, dir) = (&self.writer, self.options.dir.display());
        match stuck {
            Stuck::Taken => {
                self.status.change(|status| status.conflict = true);
                tracing::error!(
                    writer,
                    %dir,
                    "what was spooled cannot go to the ledger: another process has written in \
                     this writer's place; the spool is kept"
                );
            }
            Stuck::Damaged(seq) => {
                self.status.change(|status| status.damaged = Some(seq));
                tracing::error!(
                    writer,
                    %dir,
                    seq,
                    "what was spooled cannot go to the ledger: the document of this entry does not have \
                     its hash, so it was changed in the spool; the spool is kept"
                );
            }
        }
    }

    /// Lets all go that can; what is in the way of the rest.
    async fn all(&self, ledger: &mut Option<Box<dyn Store>>) -> Result<Option<Stuck>, StoreError> {
        let mut spool = File::open(&self.options.dir, self.options.timeout.mul_f64(BUSY_SHARE))?;
        let limit = self.options.timeout;
        if ledger.is_none() {
            let opening = async { (self.opener.lock().await)().await };
            *ledger = Some(in_time(limit, opening).await?);
        }
        let Some(ledger) = ledger.as_deref_mut() else { return Err(StoreError::Closed) };
        let mut head = in_time(limit, ledger.head(&self.writer)).await?;
        loop {
            let rows = match self.place(ledger, &mut spool, head).await? {
                Place::Next(rows) => rows,
                Place::Done => return Ok(None),
                Place::Stuck(stuck) => return Ok(Some(stuck)),
            };
            let count = rows.len() as u64;
            let mut batch = Vec::with_capacity(rows.len());
            for row in rows {
                batch.push(entry(row)?);
            }
            match in_time(limit, ledger.append(&self.writer, head + 1, &batch)).await {
                Ok(()) => {
                    head += count;
                    self.forget(&spool, head)?;
                }
                // Perhaps an earlier attempt of our own has come through late.
                Err(error) if error.is_conflict() => {
                    let now = in_time(limit, ledger.head(&self.writer)).await?;
                    if now <= head {
                        return Err(error);
                    }
                    head = now;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// What is in the way of what waits, as far as that can be told now.
    pub(super) async fn stuck(
        &self,
        ledger: &mut dyn Store,
        spool: &mut File,
        head: u64,
    ) -> Result<Option<Stuck>, StoreError> {
        Ok(match self.place(ledger, spool, head).await? {
            Place::Stuck(stuck) => Some(stuck),
            Place::Next(_) | Place::Done => None,
        })
    }

    /// What comes next after the ledger's head. What it has already is compared and forgotten.
    async fn place(
        &self,
        ledger: &mut dyn Store,
        spool: &mut File,
        head: u64,
    ) -> Result<Place, StoreError> {
        loop {
            let waiting = spool.read_after(0, BATCH)?;
            let Some(first) = waiting.first().map(|row| row.seq) else { return Ok(Place::Done) };
            if first > head {
                if first != head + 1 {
                    return Ok(Place::Stuck(Stuck::Taken));
                }
                return Ok(sound(waiting));
            }
            let there: Vec<Stored> =
                waiting.into_iter().take_while(|row| row.seq <= head).collect();
            let mut same = 0;
            while same < there.len() {
                let after = first - 1 + same as u64;
                let limit = u32::try_from(there.len() - same).unwrap_or(BATCH);
                let rows =
                    in_time(self.options.timeout, ledger.read_after(&self.writer, after, limit));
                let rows = rows.await?;
                let ours = there.iter().skip(same);
                if rows.is_empty()
                    || rows.iter().zip(ours).any(|(a, b)| a.seq != b.seq || a.doc != b.doc)
                {
                    return Ok(Place::Stuck(Stuck::Taken));
                }
                same += rows.len();
            }
            self.forget(spool, first - 1 + same as u64)?;
        }
    }

    /// All up to `seq` is in the ledger.
    fn forget(&self, spool: &File, seq: u64) -> Result<(), StoreError> {
        self.status.change(|status| status.drained = status.drained.max(seq));
        let (entries, bytes) = spool.forget(seq)?;
        self.status.change(|status| {
            status.entries = status.entries.saturating_sub(entries);
            status.bytes = status.bytes.saturating_sub(bytes);
        });
        Ok(())
    }
}

/// What comes before the first document that does not have its hash; that one, if nothing does.
fn sound(mut waiting: Vec<Stored>) -> Place {
    let is_damaged = |row: &Stored| *row.leaf != leaf_hash(&row.doc);
    match waiting.iter().position(is_damaged) {
        Some(0) => Place::Stuck(Stuck::Damaged(waiting.first().map_or(0, |row| row.seq))),
        Some(position) => {
            waiting.truncate(position);
            Place::Next(waiting)
        }
        None => Place::Next(waiting),
    }
}

fn entry(row: Stored) -> Result<Entry, StoreError> {
    let (writer, seq) = (row.writer.clone(), i64::try_from(row.seq).unwrap_or(i64::MAX));
    row.into_entry().ok_or(StoreError::Damaged { writer, seq, column: None })
}

async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    timeout(limit, work).await.unwrap_or(Err(StoreError::Closed))
}
