//! The single writer: every entry of this process goes through here, and each caller waits until
//! its entry is durable or certainly refused.
//!
//! Owns the store's connection, the sequence number, the deadline of appends and the sweep of
//! intents that nobody completes. Knows nothing of HTTP.
//!
//! Invariants:
//! - `Ok` means durable. Sequence numbers are dense; no entry is written twice.
//! - An intent whose caller was told no, or had left, never stays open: if it reached the ledger
//!   after all, it is completed as `failure`, reason `not_sent`.
//! - An intent has at most one completion: the real one whenever it is known in time. Intents of a
//!   writer that is gone are closed by another one; if it was not gone after all, what it still learns
//!   is refused. A completion that
//!   could not be written is *owed*: it is kept, as the canonical text that it already is, and
//!   written once the store recovers, unchanged but for a note that its response was withheld. Where it
//!   reached the ledger without one, though its caller was told no, an event of its own says so
//!   (`Recorded`). What is kept has a limit; what does not fit is
//!   completed as `unknown`, reason `completion_lost`.
//! - Nobody waits longer than [`Settings::timeout`], whatever the store does: the recorder has a
//!   thread of its own, which the store may block, and callers keep a timer of their own. While
//!   the store fails or hangs, callers are refused at once.
//! - What no request waits for, such as taking out what retention purges, is done in small pieces
//!   between batches ([`PURGE_ENTRIES`]).
//! - After a failure whose effect is unknown, the connection is closed and the ledger's head is
//!   compared before anything else is written.

mod aside;
mod batch;
mod chore;
mod found;
mod later;
mod recovery;
mod sweep;
mod system;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use crate::clock::Clock;
use crate::record::{Entry, EntryKind, Written};
use crate::store::{Breach, Opening, StoreError};
use crate::telemetry::Metrics;
use aside::{Loss, QUEUE_FULL, Shared};
use batch::{Inbox, Job, Reply};
use chore::{CHORES, Chore};
use writer::{Open, Writer};

pub use chore::{PURGE_BYTES, PURGE_ENTRIES};
pub use later::Later;

/// A step of opening may take as long as so many appends: it may have to repair what a crash left.
const OPENING_TIMEOUTS: u32 = 6;
/// And at least this long.
const OPENING_MIN: Duration = Duration::from_secs(1);

/// The limits of a recorder.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// The deadline of an append, from the moment it was asked for.
    pub timeout: Duration,
    /// Entries that may wait. Completions have as much room again, so that work that has begun
    /// goes before work that has not. As many completions may be owed.
    pub queue: usize,
    /// Entries in one transaction.
    pub batch: usize,
    /// How often orphans are looked for and progress is remembered.
    pub sweep_interval: Duration,
}

/// Why an entry is not known to be on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Too many entries wait already.
    #[error("too many entries wait to be recorded")]
    QueueFull,
    /// The deadline has passed.
    #[error("recording took longer than the deadline")]
    Timeout,
    /// The store does not work at present.
    #[error("the store cannot record: `{reason}`")]
    Unavailable {
        /// A code from a closed set.
        reason: &'static str,
    },
    /// The recorder has stopped.
    #[error("the recorder has stopped")]
    Closed,
}

impl AppendError {
    /// Whether somebody else wrote at the same place at the same time.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Unavailable { reason: "rejected" | "superseded" })
    }

    /// The error's name for clients and logs, from a closed set.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::QueueFull => QUEUE_FULL,
            Self::Timeout => "timeout",
            Self::Unavailable { reason } => reason,
            Self::Closed => "stopping",
        }
    }
}

/// Why a recorder did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be opened, or what an earlier run left open could not be closed.
    #[error("the ledger cannot be opened for writing")]
    Store(#[source] StoreError),
    /// The store was at one step of opening for too long.
    #[error(
        "the ledger did not open within {} s: its disk or file system does not answer; if a crash \
         left more to repair than that, raise `ledger.timeout`", limit.as_secs()
    )]
    Hangs {
        /// How long was waited.
        limit: Duration,
    },
    /// The system gave no thread.
    #[error("the recorder's thread cannot be started")]
    Thread(#[source] std::io::Error),
    /// The thread ended without a word.
    #[error("the recorder's thread ended while it started")]
    Ended,
}

/// Why waiting for the recorder's end was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// It is still at work: somebody holds a [`Recorder`], or the store hangs.
    #[error("the recorder is still at work")]
    StillBusy,
    /// Its thread panicked.
    #[error("the recorder's thread panicked")]
    Panicked,
}

/// How the recorder is, for readiness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Entries are being accepted.
    pub ok: bool,
    /// Why not.
    pub reason: Option<&'static str>,
    /// There is no room for the ledger.
    pub disk_full: bool,
    /// Entries that wait.
    pub queue_depth: usize,
    /// The last sequence number that is durable.
    pub head: u64,
    /// Intents whose completion is not durable yet.
    pub open_intents: usize,
}

/// A handle to the recorder. Clones are cheap; the recorder runs until the last one and the last
/// [`OpenIntent`] are gone.
#[derive(Clone)]
pub struct Recorder(Arc<Handle>);

struct Handle {
    jobs: mpsc::Sender<Job>,
    chores: mpsc::Sender<Chore>,
    shared: Arc<Shared>,
    settings: Settings,
}

/// The thread behind the handles.
#[derive(Debug)]
pub struct RecorderThread {
    thread: JoinHandle<()>,
    ended: Receiver<()>,
}

/// An intent that is durable and waits for its completion. Dropped without one, its outcome is
/// recorded as `unknown`, reason `exchange_lost`.
pub struct OpenIntent {
    seq: u64,
    recorder: Recorder,
    armed: bool,
}

/// The message that an intent is durable. If nobody takes it out of its channel, nobody will have
/// sent the request: the intent is closed as `not_sent`.
struct Granted {
    seq: u64,
    shared: Arc<Shared>,
    armed: bool,
}

/// The message that a completion is durable. If nobody takes it out of its channel, the response was
/// withheld: that goes on record.
struct Recorded {
    seq: u64,
    unheard: Option<(Open, Arc<Shared>)>,
}

impl Recorder {
    /// Starts the recorder on a thread of its own and waits until it accepts entries: the store
    /// is open, and what an earlier run left open is closed as `unknown`, `proxy_restarted`. A
    /// store that hangs is not waited for; its thread is then left behind.
    ///
    /// `open` is called again whenever the connection must be replaced.
    pub fn start<F>(
        open: F,
        settings: Settings,
        clock: Arc<dyn Clock>,
        metrics: Arc<Metrics>,
    ) -> Result<(Self, RecorderThread), StartError>
    where
        F: FnMut() -> Opening + Send + 'static,
    {
        let (jobs, waiting) = mpsc::channel(settings.queue.saturating_mul(2).max(1));
        let (chores, waiting_chores) = mpsc::channel(CHORES);
        let inbox = Inbox::new(waiting, waiting_chores);
        let shared = Arc::new(Shared::new(&settings, metrics));
        let (started, start) = sync_channel(1);
        let (end, ended) = sync_channel(1);
        let writer_shared = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || {
                // Dropped last, also by a panic: then the end is known.
                let _end = end;
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                match runtime {
                    Ok(runtime) => runtime.block_on(async move {
                        let opened = Writer::open(open, settings, clock, writer_shared).await;
                        let message = opened.map(|writer| (writer, inbox));
                        match message {
                            Ok((writer, inbox)) => {
                                started.send(Ok(())).ok();
                                Box::pin(writer.run(inbox)).await;
                            }
                            Err(error) => {
                                started.send(Err(StartError::Store(error))).ok();
                            }
                        }
                    }),
                    Err(error) => {
                        started.send(Err(StartError::Thread(error))).ok();
                    }
                }
            })
            .map_err(StartError::Thread)?;
        let limit = OPENING_MIN.max(settings.timeout * OPENING_TIMEOUTS);
        loop {
            match start.recv_timeout(limit) {
                Ok(started) => break started?,
                Err(RecvTimeoutError::Timeout) if shared.works_for(limit) => {
                    return Err(StartError::Hangs { limit });
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(StartError::Ended),
            }
        }
        let handle = Handle { jobs, chores, shared, settings };
        Ok((Self(Arc::new(handle)), RecorderThread { thread, ended }))
    }

    /// Appends an intent. With `Ok` it is durable, and the request may be sent.
    pub async fn intent(&self, mut entry: Entry) -> Result<OpenIntent, AppendError> {
        entry.kind = EntryKind::Intent;
        entry.intent = None;
        let (reply, answer) = oneshot::channel();
        let deadline = Instant::now() + self.0.settings.timeout;
        self.queue_new(Job { entry, deadline, reply: Reply::Intent(reply) })?;
        let granted = self.wait(deadline, answer).await?;
        Ok(granted.claim(self.clone()))
    }

    /// Appends an event that has only one half, such as a rejection or an act of the system.
    pub async fn event(&self, mut entry: Entry) -> Result<u64, AppendError> {
        entry.kind = EntryKind::Completion;
        entry.intent = None;
        let (reply, answer) = oneshot::channel();
        let deadline = Instant::now() + self.0.settings.timeout;
        self.queue_new(Job { entry, deadline, reply: Reply::Event(reply) })?;
        self.wait(deadline, answer).await
    }

    /// Waits for the answer, but not beyond the deadline. An answer that comes too late is dropped
    /// with its channel, which tells the recorder that nobody heard it.
    async fn wait<T>(
        &self,
        deadline: Instant,
        answer: oneshot::Receiver<Result<T, AppendError>>,
    ) -> Result<T, AppendError> {
        match timeout_at(deadline, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(AppendError::Closed),
            Err(_) => {
                self.0.shared.waited_in_vain();
                Err(AppendError::Timeout)
            }
        }
    }

    /// How the recorder is.
    pub fn status(&self) -> Status {
        self.0.shared.status()
    }

    /// What was found wrong with what guards the ledger in the database, since the process began. It may be
    /// mended by now; what came of it meanwhile, only verification tells.
    pub fn breaches(&self) -> BTreeSet<Breach> {
        self.0.shared.breaches()
    }

    /// The last durable sequence number, as it moves.
    pub fn head_watch(&self) -> watch::Receiver<u64> {
        self.0.shared.head_watch()
    }

    /// What this process has appended to its own log, for whoever seals that.
    pub fn written(&self) -> Arc<Written> {
        Arc::clone(&self.0.shared.written)
    }

    /// New work is refused at once while the store does not work, and while `queue` entries wait.
    fn queue_new(&self, job: Job) -> Result<(), AppendError> {
        if let Some(reason) = self.0.shared.failing() {
            return Err(AppendError::Unavailable { reason });
        }
        let waiting = self.0.shared.waiting();
        if waiting.fetch_add(1, Ordering::Relaxed) >= self.0.settings.queue {
            waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(AppendError::QueueFull);
        }
        self.0.jobs.try_send(job).map_err(|error| refused(waiting, &error))
    }
}

fn refused(waiting: &AtomicUsize, error: &mpsc::error::TrySendError<Job>) -> AppendError {
    waiting.fetch_sub(1, Ordering::Relaxed);
    match error {
        mpsc::error::TrySendError::Full(_) => AppendError::QueueFull,
        mpsc::error::TrySendError::Closed(_) => AppendError::Closed,
    }
}

impl OpenIntent {
    /// The intent's sequence number.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Appends the completion. With `Ok` it is durable, and the response may be released. After
    /// an error the recorder still owes it to the ledger and writes it as soon as it can.
    pub async fn complete(mut self, mut entry: Entry) -> Result<u64, AppendError> {
        entry.kind = EntryKind::Completion;
        entry.intent = Some(self.seq);
        let (reply, answer) = oneshot::channel();
        let handle = &self.recorder.0;
        let deadline = Instant::now() + handle.settings.timeout;
        // From here on the recorder answers for the completion.
        self.armed = false;
        if let Some(reason) = handle.shared.failing() {
            handle.shared.owe(entry);
            return Err(AppendError::Unavailable { reason });
        }
        let waiting = handle.shared.waiting();
        waiting.fetch_add(1, Ordering::Relaxed);
        let job = Job { entry, deadline, reply: Reply::Completion(reply) };
        if let Err(error) = handle.jobs.try_send(job) {
            let reason = refused(waiting, &error);
            handle.shared.owe(error.into_inner().entry);
            return Err(reason);
        }
        let recorded = self.recorder.wait(deadline, answer).await?;
        Ok(recorded.heard())
    }
}

impl Drop for OpenIntent {
    fn drop(&mut self) {
        if self.armed {
            self.recorder.0.shared.lose(self.seq, Loss::Exchange);
        }
    }
}

impl Granted {
    fn new(seq: u64, shared: &Arc<Shared>) -> Self {
        Self { seq, shared: Arc::clone(shared), armed: true }
    }

    fn claim(mut self, recorder: Recorder) -> OpenIntent {
        self.armed = false;
        OpenIntent { seq: self.seq, recorder, armed: true }
    }
}

impl Drop for Granted {
    fn drop(&mut self) {
        if self.armed {
            self.shared.lose(self.seq, Loss::NotSent);
        }
    }
}

impl Recorded {
    fn new(seq: u64, event: Open, shared: &Arc<Shared>) -> Self {
        Self { seq, unheard: Some((event, Arc::clone(shared))) }
    }

    fn heard(mut self) -> u64 {
        self.unheard = None;
        self.seq
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        if let Some((event, shared)) = self.unheard.take() {
            shared.withhold(event);
        }
    }
}

impl RecorderThread {
    /// Waits until all handles are gone, what was accepted is written, and the store is closed.
    /// Blocks the calling thread.
    pub fn join(self, timeout: Duration) -> Result<(), JoinError> {
        match self.ended.recv_timeout(timeout) {
            Err(RecvTimeoutError::Timeout) => Err(JoinError::StillBusy),
            _ => self.thread.join().map_err(|_| JoinError::Panicked),
        }
    }
}
