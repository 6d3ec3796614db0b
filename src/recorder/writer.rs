//! The thread's loop: take what waits, append it, answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::aside::{Loss, Shared};
use super::batch::{Batch, Inbox, Job, Reply};
use super::chore::BATCHES;
use super::system::{closing, said, withheld};
use super::{AppendError, Granted, Recorded, Settings};
use crate::clock::Clock;
use crate::record::{Entry, EventId, Outcome, Scope, leaf_hash};
use crate::store::{Opening, Store, StoreError};

/// Why an outcome is refused that comes after its intent was closed.
const CLOSED_BY_ANOTHER: &str = "closed_by_another";

/// What is needed to close an intent.
pub(super) struct Open {
    pub(super) id: EventId,
    pub(super) scope: Scope,
}

pub(super) struct Writer<F> {
    pub(super) opener: F,
    /// `None` only between closing one connection and opening the next.
    pub(super) store: Option<Box<dyn Store>>,
    pub(super) name: String,
    pub(super) settings: Settings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) shared: Arc<Shared>,
    /// The last number that is durable.
    pub(super) head: u64,
    /// Intents of this process that have no durable completion.
    pub(super) open: BTreeMap<u64, Open>,
    /// Up to here the store remembers that everything is closed.
    pub(super) marked: u64,
    /// A batch of which it is not known whether it was written.
    pub(super) in_doubt: Option<Batch>,
    /// The connection must be replaced before it is used again.
    pub(super) suspect: bool,
    /// How long to wait before the store is tried again; zero while it works.
    pub(super) pause: Duration,
    /// Bytes of documents that found no room.
    pub(super) short_of: Option<usize>,
    /// When to stop trying, once nobody is left.
    pub(super) give_up_at: Option<Instant>,
}

impl<F> Writer<F>
where
    F: FnMut() -> Opening + Send + 'static,
{
    /// Opens the store and closes what earlier processes left open.
    pub(super) async fn open(
        mut opener: F,
        settings: Settings,
        clock: Arc<dyn Clock>,
        shared: Arc<Shared>,
    ) -> Result<Self, StoreError> {
        shared.work_begins();
        let store = opener().await?;
        let mut writer = Self {
            opener,
            name: store.writer().to_owned(),
            store: Some(store),
            settings,
            clock,
            shared,
            head: 0,
            open: BTreeMap::new(),
            marked: 0,
            in_doubt: None,
            suspect: false,
            pause: Duration::ZERO,
            short_of: None,
            give_up_at: None,
        };
        writer.sweep_at_start().await?;
        writer.shared.work_ends();
        writer.shared.set_failing(None);
        Ok(writer)
    }

    /// Runs until all handles are gone and everything is written, or cannot be.
    pub(super) async fn run(mut self, mut inbox: Inbox) {
        let stopped = Stopped(Arc::clone(&self.shared));
        let period = self.settings.sweep_interval.max(Duration::from_millis(10));
        let mut sweep = interval_at(Instant::now() + period, period);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batches = 0_u32;
        while !inbox.closed {
            let (mut first, mut chore) = (None, None);
            tokio::select! {
                biased;
                () = self.shared.wake.notified() => {}
                _ = sweep.tick() => {
                    self.remember_progress(&mut inbox).await;
                    if self.look_around(&mut inbox).await {
                        sweep.reset_immediately();
                    }
                }
                job = inbox.jobs.recv() => match job {
                    Some(job) => first = Some(job),
                    None => inbox.closed = true,
                },
                Some(waiting) = inbox.chores.recv() => chore = Some(waiting),
            }
            let batch = self.collect(first, &mut inbox).await;
            self.write(batch, &mut inbox).await;
            batches = batches.saturating_add(1);
            if chore.is_none() && batches >= BATCHES {
                batches = 0;
                chore = inbox.chores.try_recv().ok();
            }
            if let Some(chore) = chore {
                self.attend(chore, &mut inbox).await;
            }
            if self.shared.has_aside() {
                self.shared.wake.notify_one();
            }
        }
        self.finish(&mut inbox).await;
        drop(stopped);
    }

    /// All handles are gone: writes what is still due, within one deadline, and closes the store.
    async fn finish(&mut self, inbox: &mut Inbox) {
        let deadline = Instant::now() + self.settings.timeout;
        while self.shared.has_aside() {
            if Instant::now() >= deadline {
                break;
            }
            let batch = self.collect(None, inbox).await;
            self.write(batch, inbox).await;
        }
        if self.shared.failing().is_none() {
            self.remember_progress(inbox).await;
        }
        if let Some(store) = self.store.take() {
            // Closing the last connection also moves the log into the database.
            if let Err(error) = store.close().await {
                tracing::warn!(reason = error.reason(), "the ledger did not close cleanly");
            }
        }
    }

    /// Takes what is due and what waits, up to one batch.
    async fn collect(&mut self, first: Option<Job>, inbox: &mut Inbox) -> Batch {
        let limit = self.settings.batch.max(1);
        let mut batch = Batch::new(self.head + 1);
        let now = Instant::now();
        if let Some(job) = first {
            self.shared.waiting().fetch_sub(1, Ordering::Relaxed);
            self.admit(&mut batch, job, now);
        }
        if self.shared.has_aside() {
            self.collect_aside(&mut batch, limit).await;
        }
        while batch.has_room(limit) {
            let Ok(job) = inbox.jobs.try_recv() else { break };
            self.shared.waiting().fetch_sub(1, Ordering::Relaxed);
            self.admit(&mut batch, job, now);
        }
        let depth = self.shared.waiting().load(Ordering::Relaxed);
        self.shared.metrics.queue_depth.set(i64::try_from(depth).unwrap_or(i64::MAX));
        batch
    }

    /// Takes a job from the queue, unless it completes what somebody else has closed: while this
    /// writer was taken for gone.
    fn admit(&self, batch: &mut Batch, job: Job, now: Instant) {
        if self.is_closed(&job.entry) {
            drop(job.reply.refuse(AppendError::Unavailable { reason: CLOSED_BY_ANOTHER }));
        } else {
            batch.admit(job, now);
        }
    }

    /// An intent that is not open has its completion.
    fn is_closed(&self, entry: &Entry) -> bool {
        let closed = entry.intent.is_some_and(|seq| !self.open.contains_key(&seq));
        if closed {
            tracing::error!(
                event = %entry.id,
                "an outcome cannot be recorded: another proxy has closed the intent as unknown"
            );
        }
        closed
    }

    async fn collect_aside(&mut self, batch: &mut Batch, limit: usize) {
        while batch.has_room(limit) {
            let Some(entry) = self.shared.take_owed() else { break };
            if !self.is_closed(&entry) {
                batch.push_owed(entry);
            }
        }
        while batch.has_room(limit) {
            let Some((seq, loss)) = self.shared.take_lost() else { break };
            // An intent that is not open has its completion.
            let Some(open) = self.open.get(&seq) else { continue };
            let (id, scope) = (open.id, open.scope.clone());
            let intent = match &mut self.store {
                Some(store) if batch.fault.is_none() => {
                    self.shared.work_begins();
                    let intent = said(store.as_mut(), &self.name, seq).await;
                    self.shared.work_ends();
                    intent.unwrap_or_else(|error| {
                        batch.fault = Some(error);
                        None
                    })
                }
                _ => None,
            };
            let entry = closing(seq, id, scope, loss, intent.as_deref(), self.clock.now());
            if let Some(entry) = made(entry) {
                batch.push(entry, Reply::Closing(loss));
            }
        }
        while batch.has_room(limit) {
            let Some(event) = self.shared.take_withheld() else { break };
            if let Some(entry) = made(withheld(&event, &*self.clock)) {
                batch.push(entry, Reply::Withheld(Box::new(event)));
            }
        }
    }

    /// Appends one batch and answers for it.
    async fn write(&mut self, mut batch: Batch, inbox: &mut Inbox) {
        if batch.len() == 0 {
            if self.shared.failing().is_some() && !self.shared.has_aside() {
                self.works_again();
            }
            return;
        }
        // What could not be read for it is a fault as one of its own.
        let appended = match batch.fault.take() {
            Some(error) => Err(error),
            None => self.append(&batch).await,
        };
        match appended {
            Ok(()) => {
                self.landed(batch);
                if self.shared.failing().is_some() {
                    self.works_again();
                }
            }
            Err(error @ StoreError::Rejected(_)) => self.refused(error, batch, inbox).await,
            Err(error) => self.failed(error, batch, inbox).await,
        }
    }

    /// One append. Who waits longer than the deadline has gone when it ends, and what nobody waits
    /// for any more is closed when it lands.
    pub(super) async fn append(&mut self, batch: &Batch) -> Result<(), StoreError> {
        let Some(store) = &mut self.store else {
            return Err(StoreError::Closed);
        };
        let started = Instant::now();
        self.shared.work_begins();
        let result = store.append(&self.name, batch.first, &batch.entries).await;
        self.shared.work_ends();
        self.shared.metrics.append_seconds.observe(started.elapsed().as_secs_f64());
        result
    }

    /// The batch is durable.
    pub(super) fn landed(&mut self, batch: Batch) {
        self.pause = Duration::ZERO;
        self.shared.metrics.batch_size.observe(batch.len() as f64);
        self.head = batch.first + batch.len() as u64 - 1;
        let leaves = batch.entries.iter().map(|entry| leaf_hash(entry.doc.get()));
        self.shared.written.add(leaves);
        self.shared.set_head(self.head);
        let mut answers = Vec::with_capacity(batch.replies.len());
        for (seq, (entry, reply)) in
            (batch.first..).zip(batch.entries.into_iter().zip(batch.replies))
        {
            let event = Open { id: entry.id, scope: entry.scope };
            let completed = match (&reply, entry.intent) {
                (Reply::Intent(_) | Reply::RefusedIntent, _) => {
                    self.open.insert(seq, event);
                    None
                }
                (_, Some(intent)) => {
                    self.open.remove(&intent);
                    Some(event)
                }
                _ => None,
            };
            answers.push((seq, reply, completed));
        }
        // Whoever is answered must see counts that include its own entry.
        self.shared.set_open(self.open.len());
        for (seq, reply, completed) in answers {
            self.answer(seq, reply, completed);
        }
    }

    fn answer(&self, seq: u64, reply: Reply, completed: Option<Open>) {
        match (reply, completed) {
            // Where nobody hears it, the message itself sees to the intent, or to what is to be said.
            (Reply::Intent(caller), _) => {
                caller.send(Ok(Granted::new(seq, &self.shared))).ok();
            }
            (Reply::Completion(caller), Some(event)) => {
                caller.send(Ok(Recorded::new(seq, event, &self.shared))).ok();
            }
            (Reply::RefusedCompletion, Some(event)) => self.shared.withhold(event),
            (Reply::Event(caller), _) => {
                caller.send(Ok(seq)).ok();
            }
            (Reply::RefusedIntent, _) => self.shared.lose(seq, Loss::NotSent),
            (Reply::Closing(loss), _) if loss.outcome() == Outcome::Unknown => {
                self.shared.count_unknown(loss, 1);
            }
            (
                Reply::Completion(_)
                | Reply::RefusedCompletion
                | Reply::Owed
                | Reply::Closing(_)
                | Reply::RefusedEvent
                | Reply::Withheld(_),
                _,
            ) => {}
        }
    }
}

/// A completion of our own always has a canonical form; if that ever fails, the next start closes
/// the intent.
pub(super) fn made(entry: Result<Entry, crate::record::CanonicalError>) -> Option<Entry> {
    entry
        .inspect_err(|error| tracing::error!(%error, "a completion could not be written down"))
        .ok()
}

/// Says that nothing is accepted any more, however the thread ends.
struct Stopped(Arc<Shared>);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.set_failing(Some("stopped"));
    }
}
