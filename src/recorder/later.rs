//! Events that nobody waits for: what cannot be recorded when it happens is recorded as soon as the ledger
//! works again, as long as the process lives.
//!
//! Invariants:
//! - Nothing is recorded twice, also where the effect of an earlier try is not known.
//! - What waits has a limit; what does not fit is lost, and the log of the process says so.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::Recorder;
use crate::record::{Entry, EventId};
use crate::store::{LedgerSource, StoreError};

/// Events that may wait.
const WAITING_MAX: usize = 10_000;
/// How often is looked whether the ledger works again.
const LOOK: Duration = Duration::from_secs(1);
/// Entries that are looked at in one go.
const PAGE: u32 = 500;

/// Events of one entry that are to be recorded, now or later.
pub struct Later {
    recorder: Recorder,
    source: LedgerSource,
    /// In whose log the recorder writes.
    writer: String,
    waiting: Mutex<VecDeque<Waiting>>,
    /// One at a time records what waits.
    one: tokio::sync::Mutex<()>,
}

#[derive(Debug, Clone)]
struct Waiting {
    entry: Entry,
    /// Where the ledger ended before the first try, which may have succeeded.
    head: u64,
}

impl Later {
    /// None wait.
    pub fn new(recorder: Recorder, source: LedgerSource, writer: &str) -> Self {
        let (waiting, one) = (Mutex::default(), tokio::sync::Mutex::default());
        Self { recorder, source, writer: writer.to_owned(), waiting, one }
    }

    /// Records an event, or keeps it to be recorded; whether it is on record now.
    pub async fn record(&self, entry: Entry) -> bool {
        let head = self.recorder.status().head;
        let Err(error) = self.recorder.event(entry.clone()).await else { return true };
        let mut waiting = self.waiting();
        if waiting.len() < WAITING_MAX {
            waiting.push_back(Waiting { entry, head });
            tracing::warn!(%error, "an event is recorded later: the ledger cannot be written");
        } else {
            tracing::error!(%error, "an event is lost: too many wait to be recorded");
        }
        false
    }

    /// Records what waits whenever the ledger works, until the process stops.
    pub async fn keep(&self, mut stopping: watch::Receiver<bool>) {
        loop {
            if self.recorder.status().ok {
                self.settle().await;
            }
            tokio::select! {
                _ = stopping.wait_for(|stopping| *stopping) => return,
                () = sleep(LOOK) => {}
            }
        }
    }

    /// Records what waits, as much as can be. What comes to wait meanwhile is for the next time.
    async fn settle(&self) {
        let _one = self.one.lock().await;
        let wanted: BTreeSet<EventId> = self.waiting().iter().map(|it| it.entry.id).collect();
        let Some(head) = self.waiting().iter().map(|it| it.head).min() else { return };
        let known = self.recorder.status().head;
        let mut there = match self.those_there(&wanted, head).await {
            // Those of a spool, which still drains, may be among them.
            Ok((_, last)) if last < known => return,
            Ok((there, _)) => there,
            Err(error) => {
                tracing::warn!(%error, "events that wait cannot be looked for in the ledger");
                return;
            }
        };
        loop {
            let next = self.waiting().front().map(|it| it.entry.clone());
            let Some(entry) = next.filter(|entry| wanted.contains(&entry.id)) else { return };
            let id = entry.id;
            if !there.contains(&id) && self.recorder.event(entry).await.is_err() {
                return;
            }
            there.insert(id);
            self.waiting().pop_front();
        }
    }

    /// Which of these events are in the own log after an entry, and where that ends.
    async fn those_there(
        &self,
        wanted: &BTreeSet<EventId>,
        mut after: u64,
    ) -> Result<(BTreeSet<EventId>, u64), StoreError> {
        let mut ledger = self.source.reader().await?;
        let mut there = BTreeSet::new();
        loop {
            let entries = ledger.read_after(&self.writer, after, PAGE).await?;
            let Some(last) = entries.last() else { break };
            after = last.seq;
            there.extend(entries.iter().map(|entry| entry.id).filter(|id| wanted.contains(id)));
        }
        ledger.close().await?;
        Ok((there, after))
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
