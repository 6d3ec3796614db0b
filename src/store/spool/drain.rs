//! From the spool to the ledger, in the background.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::super::{Store, StoreError};
use super::file::File;
use super::{BUSY_SHARE, Opener, SpoolOptions, SpoolShared};
use crate::record::{Entry, Stored};

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
    /// Somebody else has written in our place.
    Taken,
}

impl Drain {
    /// Until nothing waits: then gives the ledger back, ready to be appended to. Without it, nothing
    /// will ever drain.
    pub(super) async fn run(self, mut ledger: Option<Box<dyn Store>>) -> Option<Box<dyn Store>> {
        let mut pause = FIRST_PAUSE;
        let mut known: Option<&'static str> = None;
        loop {
            match self.all(&mut ledger).await {
                Ok(true) => {
                    self.status.change(|status| status.conflict = false);
                    return ledger;
                }
                Ok(false) => {
                    self.status.change(|status| status.conflict = true);
                    tracing::error!(
                        writer = self.writer,
                        dir = %self.options.dir.display(),
                        "what was spooled cannot go to the ledger: another process has written in \
                         this writer's place; the spool is kept"
                    );
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

    /// Whether all could go.
    async fn all(&self, ledger: &mut Option<Box<dyn Store>>) -> Result<bool, StoreError> {
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
                Place::Done => return Ok(true),
                Place::Taken => return Ok(false),
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

    /// Whether somebody else has written where what waits would have to go.
    pub(super) async fn is_taken(
        &self,
        ledger: &mut dyn Store,
        spool: &mut File,
        head: u64,
    ) -> Result<bool, StoreError> {
        Ok(matches!(self.place(ledger, spool, head).await?, Place::Taken))
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
                let next = first == head + 1;
                return Ok(if next { Place::Next(waiting) } else { Place::Taken });
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
                    return Ok(Place::Taken);
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

fn entry(row: Stored) -> Result<Entry, StoreError> {
    let (writer, seq) = (row.writer.clone(), i64::try_from(row.seq).unwrap_or(i64::MAX));
    row.into_entry().ok_or(StoreError::Damaged { writer, seq })
}

async fn in_time<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    timeout(limit, work).await.unwrap_or(Err(StoreError::Closed))
}
