//! From the spool to the ledger, in the background.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::super::{Store, StoreError};
use super::damage::{Damage, Flaw, flaw};
use super::file::File;
use super::noted::noted;
use super::{BUSY_SHARE, Opener, SpoolOptions, SpoolShared};
use crate::record::{Column, Entry, Stored};

/// Entries in one transaction.
const BATCH: u32 = 512;
/// The pauses after an error.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LAST_PAUSE: Duration = Duration::from_secs(5);

pub(super) struct Drain {
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
    /// What waits is not what it was when it was put here.
    Damaged(Damage),
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
                    // Whoever has a row that the ledger does not take may be the ledger, so it is tried again.
                    if let StoreError::SpoolDamaged { damage, .. } = &error {
                        self.tell(Stuck::Damaged(*damage));
                    } else if known != Some(error.reason()) {
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
    pub(super) fn tell(&self, stuck: Stuck) {
        let (writer, dir) = (&self.options.writer, self.options.dir.display());
        let before = self.status.get();
        match stuck {
            Stuck::Taken if before.conflict => {}
            Stuck::Taken => {
                self.status.change(|status| status.conflict = true);
                tracing::error!(
                    writer,
                    %dir,
                    "what was spooled cannot go to the ledger: another process has written in \
                     this writer's place; the spool is kept"
                );
            }
            Stuck::Damaged(damage) if before.damaged == Some(damage) => {}
            Stuck::Damaged(damage) => {
                self.status.change(|status| status.damaged = Some(damage));
                tracing::error!(
                    writer,
                    %dir,
                    seq = damage.seq,
                    "what was spooled cannot go to the ledger, since it was changed in the spool: {damage}; the \
                     spool is kept"
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
        let writer = &self.options.writer;
        let mut head = in_time(limit, ledger.head(writer)).await?;
        let mut at_once = BATCH;
        loop {
            let rows = match self.place(ledger, &mut spool, head, at_once).await? {
                Place::Next(rows) => rows,
                Place::Done => return Ok(None),
                Place::Stuck(stuck) => return Ok(Some(stuck)),
            };
            let count = rows.len() as u64;
            let mut batch = Vec::with_capacity(rows.len());
            for row in rows {
                batch.push(entry(row)?);
            }
            match in_time(limit, ledger.append(writer, head + 1, &batch)).await {
                Ok(()) => {
                    head += count;
                    self.forget(&spool, head)?;
                }
                // Perhaps an earlier attempt of our own has come through late.
                Err(error) if error.is_conflict() => {
                    let now = in_time(limit, ledger.head(writer)).await?;
                    match error {
                        _ if now > head => head = now,
                        StoreError::Rejected(_) if count > 1 => at_once = 1,
                        StoreError::Rejected(_) => {
                            return Err(self.damaged(Damage { seq: head + 1, flaw: Flaw::Refused }));
                        }
                        error => return Err(error),
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn damaged(&self, damage: Damage) -> StoreError {
        StoreError::SpoolDamaged { dir: self.options.dir.clone(), damage }
    }

    /// What is in the way of what waits, as far as that can be told now: of all of it.
    pub(super) async fn stuck(
        &self,
        ledger: &mut dyn Store,
        spool: &mut File,
        head: u64,
    ) -> Result<Option<Stuck>, StoreError> {
        if let Place::Stuck(stuck) = self.place(ledger, spool, head, BATCH).await? {
            return Ok(Some(stuck));
        }
        let noted = noted(&self.options.dir)?;
        let mut after = 0;
        loop {
            let rows = match rows(spool, after, BATCH)? {
                Ok(rows) => rows,
                Err(damage) => return Ok(Some(Stuck::Damaged(damage))),
            };
            let Some(last) = rows.last().map(|row| row.seq) else { break };
            if let Some((_, damage)) = self.first_flaw(ledger, spool, after, &rows).await? {
                return Ok(Some(Stuck::Damaged(damage)));
            }
            after = last;
        }
        let last = noted.map_or(0, |noted| noted.last);
        Ok(missing(head.max(after), last + 1).map(Stuck::Damaged))
    }

    /// What comes next after the ledger's head, so many entries at most. What it has already is compared
    /// and forgotten.
    async fn place(
        &self,
        ledger: &mut dyn Store,
        spool: &mut File,
        head: u64,
        at_once: u32,
    ) -> Result<Place, StoreError> {
        loop {
            // In this order: what stands there by now is in the spool.
            let noted = noted(&self.options.dir)?;
            let mut waiting = match rows(spool, 0, at_once)? {
                Ok(waiting) => waiting,
                Err(damage) => return Ok(Place::Stuck(Stuck::Damaged(damage))),
            };
            let last = noted.map_or(0, |noted| noted.last);
            let next = waiting.first().map_or(last + 1, |row| row.seq);
            if let Some(damage) = missing(head, next) {
                return Ok(Place::Stuck(Stuck::Damaged(damage)));
            }
            let Some(first) = waiting.first().map(|row| row.seq) else { return Ok(Place::Done) };
            match self.first_flaw(ledger, spool, 0, &waiting).await? {
                Some((0, damage)) => return Ok(Place::Stuck(Stuck::Damaged(damage))),
                Some((position, _)) => waiting.truncate(position),
                None => {}
            }
            if first > head {
                return Ok(Place::Next(waiting));
            }
            let there: Vec<Stored> =
                waiting.into_iter().take_while(|row| row.seq <= head).collect();
            let mut same = 0;
            while same < there.len() {
                let after = first - 1 + same as u64;
                let limit = u32::try_from(there.len() - same).unwrap_or(BATCH);
                let rows = ledger.read_after(&self.options.writer, after, limit);
                let rows = in_time(self.options.timeout, rows).await?;
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

    /// The first of these rows, which come after `after`, that is not what it was when it was put here: its
    /// position among them, and what is wrong.
    async fn first_flaw(
        &self,
        ledger: &mut dyn Store,
        spool: &mut File,
        after: u64,
        rows: &[Stored],
    ) -> Result<Option<(usize, Damage)>, StoreError> {
        let mut before = match after {
            0 => rows.first().map_or(0, |first| first.seq - 1),
            after => after,
        };
        let mut here: HashMap<u64, &Stored> = HashMap::new();
        for (position, row) in rows.iter().enumerate() {
            if let Some(damage) = missing(before, row.seq) {
                return Ok(Some((position, damage)));
            }
            before = row.seq;
            here.insert(row.seq, row);
            let found = match (flaw(row), row.intent) {
                (Some(flaw), _) => Some(flaw),
                (None, None) => None,
                (None, Some(intent)) => {
                    let elsewhere = match here.contains_key(&intent) {
                        true => None,
                        false => self.intent(ledger, spool, intent).await?,
                    };
                    let first = here.get(&intent).copied().or(elsewhere.as_ref());
                    row.belongs_to(first).map(Flaw::Column)
                }
            };
            if let Some(flaw) = found {
                return Ok(Some((position, Damage { seq: row.seq, flaw })));
            }
        }
        Ok(None)
    }

    /// The first half of an event of which only the second waits, or comes much later.
    async fn intent(
        &self,
        ledger: &mut dyn Store,
        spool: &mut File,
        seq: u64,
    ) -> Result<Option<Stored>, StoreError> {
        let is_it = |found: Vec<Stored>| found.into_iter().next().filter(|found| found.seq == seq);
        let before = seq.saturating_sub(1);
        if let Ok(found) = rows(spool, before, 1)?
            && let Some(found) = is_it(found)
        {
            return Ok(Some(found));
        }
        let found = ledger.read_after(&self.options.writer, before, 1);
        Ok(is_it(in_time(self.options.timeout, found).await?))
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

/// What is missing between a number and the next one that is there.
fn missing(before: u64, next: u64) -> Option<Damage> {
    let (seq, last) = (before + 1, next.saturating_sub(1));
    (last >= seq).then_some(Damage { seq, flaw: Flaw::Missing { last } })
}

/// Rows after a number; what is wrong with the first one, if that cannot be read.
fn rows(spool: &File, after: u64, limit: u32) -> Result<Result<Vec<Stored>, Damage>, StoreError> {
    for limit in [limit, 1] {
        match spool.read_after(after, limit) {
            Ok(rows) => return Ok(Ok(rows)),
            // What comes before it can still go.
            Err(StoreError::Damaged { .. }) if limit > 1 => {}
            Err(StoreError::Damaged { seq, column, .. }) => {
                let column = column.and_then(Column::named).map(Flaw::Column);
                let seq = u64::try_from(seq).unwrap_or(after + 1);
                return Ok(Err(Damage { seq, flaw: column.unwrap_or(Flaw::Row) }));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Ok(Vec::new()))
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
