//! A local spool in front of a ledger that is elsewhere.
//!
//! What the ledger does not take in time goes, durably and in order, to a file of this machine, under
//! the numbers that it will have in the ledger; from there it drains when the ledger works again.
//! Owns that file, and which of the two is written to. Knows nothing of what stores the ledger.
//!
//! Invariants:
//! - Numbers stay dense and in order: while anything waits in the spool, everything goes there.
//! - What waits is removed only once the ledger is known to have it.
//! - What waits drains only as what it was when it was put there: a row that was changed, and one that is
//!   missing, also at the end, is said, and nothing drains past it.
//! - If somebody else has written in this writer's place meanwhile, nothing more drains, and nothing
//!   new is begun; what waits is kept, and it is said.
//! - The spool has a limit; beyond it appends fail as they do without one.

mod damage;
mod drain;
mod file;
mod left;
mod noted;
mod status;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::{Opening, Orphan, Purged, Store, StoreError, Unguarded};
use crate::record::{Entry, EntryKind, Stored};
pub use damage::{Damage, Flaw};
pub use left::{unspooled, waiting};
pub use status::{SpoolShared, SpoolStatus};

use drain::Drain;
use file::{Content, File};
use noted::{forget, note, noted};

/// Of the limit, so much more is taken for completions alone: what has begun goes before what has not.
const RESERVE: u64 = 8;
/// How much of an append's deadline the ledger may take before the spool is used.
const SHARE: f64 = 0.5;
/// How much of it the spool's file may wait for a lock of its own other connection.
const BUSY_SHARE: f64 = 0.3;

/// Where the spool is, and how much it may hold.
#[derive(Debug, Clone)]
pub struct SpoolOptions {
    /// The directory of its file.
    pub dir: PathBuf,
    /// The name of the writer whose entries it takes.
    pub writer: String,
    /// Documents, in bytes.
    pub max_bytes: u64,
    /// The deadline of an append.
    pub timeout: Duration,
}

/// Opens connections to the ledger; one at a time uses it.
type Opener = Arc<tokio::sync::Mutex<dyn FnMut() -> Opening + Send>>;

/// A maker of stores that spool what `ledger` does not take. The first one needs the ledger, to know
/// where its log ends.
pub fn spooled(
    ledger: impl FnMut() -> Opening + Send + 'static,
    options: SpoolOptions,
    status: SpoolShared,
) -> impl FnMut() -> Opening + Send + 'static {
    let opener: Opener = Arc::new(tokio::sync::Mutex::new(ledger));
    let begun = Arc::new(AtomicBool::new(false));
    move || {
        let (opener, options) = (Arc::clone(&opener), options.clone());
        let (status, begun) = (status.clone(), Arc::clone(&begun));
        Box::pin(async move {
            let is_start = !begun.load(Ordering::Relaxed);
            let store = Spooled::open(opener, options, status, is_start).await?;
            begun.store(true, Ordering::Relaxed);
            Ok(Box::new(store) as Box<dyn Store>)
        })
    }
}

enum Ledger {
    /// Appends go to it, unless something waits.
    Here(Box<dyn Store>),
    /// It does not answer, or takes what waits.
    Away(Task),
    /// Somebody else has written in our place.
    Lost,
}

/// A drain at work. It ends with this value.
struct Task(JoinHandle<Option<Box<dyn Store>>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Spooled {
    ledger: Ledger,
    spool: File,
    opener: Opener,
    options: SpoolOptions,
    status: SpoolShared,
    /// The last own number that is durable in one of the two.
    head: u64,
    /// What an earlier process left is still being looked through, in both: nothing drains until that
    /// is done, which the first heartbeat tells.
    starting: bool,
}

impl Spooled {
    async fn open(
        opener: Opener,
        options: SpoolOptions,
        status: SpoolShared,
        is_start: bool,
    ) -> Result<Self, StoreError> {
        let spool = File::open(&options.dir, options.timeout.mul_f64(BUSY_SHARE))?;
        let content = spool.content()?;
        let noted = noted(&options.dir)?;
        // Before anything is claimed: a name that is refused is not taken.
        let of_another = noted.clone().map(|noted| noted.writer).filter(|it| *it != options.writer);
        if let Some(owner) = spool.stranger(&options.writer)?.or(of_another) {
            let (dir, writer) = (options.dir, options.writer);
            return Err(StoreError::Spooled { dir, owner, writer });
        }
        status.change(|status| {
            (status.entries, status.bytes) = (content.entries, content.bytes);
            status.limit = options.max_bytes;
            // They wait already.
            status.since = status.since.or_else(|| (content.entries > 0).then(Instant::now));
        });
        let opened = async { (opener.lock().await)().await };
        // At the start of the process the ledger's own opening has its own deadline.
        let opened = match is_start {
            true => Some(opened.await?),
            false => match timeout(options.timeout.mul_f64(SHARE), opened).await {
                Ok(Ok(store)) => Some(store),
                Ok(Err(error)) if error.is_conflict() => return Err(error),
                _ => None,
            },
        };
        // What is missing keeps its number.
        let last = content.last.unwrap_or(0).max(noted.map_or(0, |noted| noted.last));
        let mut store = Self {
            ledger: Ledger::Lost,
            spool,
            opener,
            options,
            status,
            head: last,
            starting: opened.is_some(),
        };
        match opened {
            Some(mut ledger) => {
                let head = ledger.head(&store.options.writer).await?;
                store.status.change(|status| status.drained = head);
                // Before anything new is begun by this process. What cannot be told now, the drain tells.
                if is_start {
                    let drainer = store.drainer();
                    match drainer.stuck(&mut *ledger, &mut store.spool, head).await {
                        Ok(Some(stuck)) => {
                            drainer.tell(stuck);
                            let now = Instant::now();
                            store.status.change(|status| _ = status.since.get_or_insert(now));
                        }
                        Ok(None) if content.entries == 0 => forget(&store.options.dir),
                        Ok(None) | Err(_) => {}
                    }
                }
                store.ledger = Ledger::Here(ledger);
            }
            None => store.drain(None),
        }
        store.head = store.head.max(store.status.get().drained);
        Ok(store)
    }

    /// Lets what waits go to the ledger, which is opened anew where there is none.
    fn drain(&mut self, ledger: Option<Box<dyn Store>>) {
        self.status.change(|status| _ = status.since.get_or_insert_with(Instant::now));
        self.ledger = Ledger::Away(Task(tokio::spawn(self.drainer().run(ledger))));
    }

    fn drainer(&self) -> Drain {
        Drain {
            options: self.options.clone(),
            opener: Arc::clone(&self.opener),
            status: self.status.clone(),
        }
    }

    /// The ledger, if it is there.
    async fn here(&mut self) -> Option<&mut Box<dyn Store>> {
        if let Ledger::Away(task) = &mut self.ledger
            && task.0.is_finished()
        {
            self.ledger = match (&mut task.0).await.ok().flatten() {
                Some(ledger) => Ledger::Here(ledger),
                None => Ledger::Lost,
            };
            if let Ok(Content { entries, bytes, .. }) = self.spool.content() {
                self.status.change(|status| (status.entries, status.bytes) = (entries, bytes));
            }
        }
        match &mut self.ledger {
            Ledger::Here(ledger) => Some(ledger),
            _ => None,
        }
    }

    /// The ledger, if own appends may go to it now.
    async fn direct(&mut self) -> Option<&mut Box<dyn Store>> {
        self.here().await?;
        let SpoolStatus { entries, damaged, since, .. } = self.status.get();
        if entries > 0 {
            if self.starting {
                return None;
            }
            if let Ledger::Here(ledger) = std::mem::replace(&mut self.ledger, Ledger::Lost) {
                self.drain(Some(ledger));
            }
            return None;
        }
        // What was spooled is gone: its numbers are not given to something else.
        if damaged.is_some() {
            return None;
        }
        if since.is_some() {
            forget(&self.options.dir);
            self.status.change(|status| status.since = None);
            tracing::info!(head = self.head, "the ledger has all that was spooled");
        }
        match &mut self.ledger {
            Ledger::Here(ledger) => Some(ledger),
            _ => None,
        }
    }

    /// Appends go to the spool from now on. The connection is given up: what it was doing, the drain
    /// finds out by the ledger's head.
    fn away(&mut self, error: Option<&StoreError>) {
        let reason = error.map_or("timeout", StoreError::reason);
        tracing::error!(reason, "the ledger does not take entries; they are spooled");
        self.drain(None);
    }

    /// Puts it into the spool.
    fn spool(&mut self, first: u64, batch: &[Entry]) -> Result<(), StoreError> {
        let bytes: u64 = batch.iter().map(|entry| entry.doc.get().len() as u64).sum();
        let max = self.options.max_bytes;
        let is_begun =
            |entry: &Entry| entry.kind == EntryKind::Completion && entry.intent.is_some();
        let all_begun = batch.iter().all(is_begun);
        let SpoolStatus { conflict, damaged, .. } = self.status.get();
        if let Some(damage) = damaged.filter(|_| !all_begun) {
            return Err(StoreError::SpoolDamaged { dir: self.options.dir.clone(), damage });
        }
        let is_lost = matches!(self.ledger, Ledger::Lost) || conflict;
        if is_lost && !all_begun {
            return Err(StoreError::Superseded { writer: self.options.writer.clone() });
        }
        let limit = if all_begun { max + max / RESERVE } else { max };
        if self.status.get().bytes.saturating_add(bytes) > limit {
            return Err(StoreError::SpoolFull { limit: max });
        }
        self.spool.append(&self.options.writer, first, batch)?;
        self.status.change(|status| {
            status.entries += batch.len() as u64;
            status.bytes += bytes;
        });
        self.head = first + batch.len() as u64 - 1;
        // It is there, and not yet acknowledged.
        note(&self.options.dir, &self.options.writer, self.head)
            .map_err(|error| StoreError::Uncertain(error.into()))
    }

    /// How long the ledger may take.
    fn patience(&self) -> Duration {
        self.options.timeout.mul_f64(SHARE)
    }
}

/// The ledger answered, or the spool has to do.
macro_rules! ask {
    ($store:ident, $which:ident, $ledger:ident => $question:expr) => {{
        let patience = $store.patience();
        let answer = match $store.$which().await {
            Some($ledger) => Some(timeout(patience, $question).await),
            None => None,
        };
        match answer {
            Some(Ok(Err(error))) if !error.is_conflict() => {
                $store.away(Some(&error));
                None
            }
            Some(Ok(answer)) => Some(answer?),
            Some(Err(_)) => {
                $store.away(None);
                None
            }
            None => None,
        }
    }};
}

#[async_trait]
impl Store for Spooled {
    fn writer(&self) -> &str {
        &self.options.writer
    }

    async fn writers(&mut self) -> Result<Vec<String>, StoreError> {
        let names = ask!(self, here, ledger => ledger.writers());
        Ok(names.unwrap_or_else(|| vec![self.options.writer.clone()]))
    }

    async fn head(&mut self, writer: &str) -> Result<u64, StoreError> {
        if writer == self.options.writer {
            return Ok(self.head);
        }
        ask!(self, here, ledger => ledger.head(writer)).ok_or(StoreError::Away)
    }

    async fn append(
        &mut self,
        writer: &str,
        first_seq: u64,
        batch: &[Entry],
    ) -> Result<(), StoreError> {
        if writer != self.options.writer {
            let appended = ask!(self, here, ledger => ledger.append(writer, first_seq, batch));
            return appended.ok_or(StoreError::Away);
        }
        if ask!(self, direct, ledger => ledger.append(writer, first_seq, batch)).is_some() {
            self.head = first_seq + batch.len() as u64 - 1;
            let head = self.head;
            self.status.change(|status| status.drained = head);
            return Ok(());
        }
        self.spool(first_seq, batch)
    }

    async fn purge(&mut self, writer: &str, purged: &[Purged]) -> Result<(), StoreError> {
        // What waits in the spool is never old.
        ask!(self, direct, ledger => ledger.purge(writer, purged)).ok_or(StoreError::Away)
    }

    async fn orphans(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Orphan>, StoreError> {
        if writer != self.options.writer {
            let orphans = ask!(self, here, ledger => ledger.orphans(writer, after, limit));
            return orphans.ok_or(StoreError::Away);
        }
        // At the start there may be some of both; later on, whoever asks waits for the ledger.
        let Ledger::Here(ledger) = &mut self.ledger else { return Err(StoreError::Away) };
        let mut after = after;
        loop {
            let found = timeout(self.options.timeout, ledger.orphans(writer, after, limit)).await;
            let mut found = found.map_err(|_| StoreError::Away)??;
            let Some(last) = found.last() else { break };
            after = last.seq;
            let mut open = Vec::with_capacity(found.len());
            for orphan in found.drain(..) {
                if !self.spool.completes(orphan.seq)? {
                    open.push(orphan);
                }
            }
            if !open.is_empty() {
                return Ok(open);
            }
        }
        self.spool.orphans(after, limit)
    }

    async fn read_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        if writer == self.options.writer && after >= self.status.get().drained {
            return self.spool.read_after(after, limit);
        }
        ask!(self, here, ledger => ledger.read_after(writer, after, limit)).ok_or(StoreError::Away)
    }

    async fn closed_up_to(&mut self, writer: &str) -> Result<u64, StoreError> {
        // Without the ledger it is only known that nothing is known.
        Ok(ask!(self, here, ledger => ledger.closed_up_to(writer)).unwrap_or(0))
    }

    async fn mark_closed(&mut self, writer: &str, seq: u64) -> Result<(), StoreError> {
        let marked = match writer == self.options.writer {
            true => ask!(self, direct, ledger => ledger.mark_closed(writer, seq)),
            false => ask!(self, here, ledger => ledger.mark_closed(writer, seq)),
        };
        if marked.is_none() {
            self.spool.probe()?;
        }
        Ok(())
    }

    async fn heartbeat(&mut self) -> Result<(), StoreError> {
        self.starting = false;
        ask!(self, direct, ledger => ledger.heartbeat());
        Ok(())
    }

    async fn guard(&mut self) -> Result<Vec<Unguarded>, StoreError> {
        Ok(ask!(self, here, ledger => ledger.guard()).unwrap_or_default())
    }

    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        match self.ledger {
            // While something waits the claim is not given back: others would close what is open.
            Ledger::Here(ledger) if self.status.get().entries == 0 => ledger.close().await,
            Ledger::Here(_) => Ok(()),
            Ledger::Lost => Ok(()),
            Ledger::Away(mut task) => {
                // What it was doing is found out by the ledger's head; what waits, stays.
                task.0.abort();
                drop((&mut task.0).await);
                Ok(())
            }
        }
    }
}
