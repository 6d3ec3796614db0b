//! Entries on their way into one transaction, and who waits for each.

use std::sync::atomic::Ordering;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::aside::{Loss, Shared};
use super::chore::Chore;
use super::system::WITHHELD;
use super::writer::Open;
use super::{AppendError, Granted, Recorded};
use crate::record::Entry;
use crate::store::StoreError;

/// Documents in one transaction, in bytes: one large batch must not eat up everybody's deadline.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// An entry that waits in the queue.
pub(super) struct Job {
    pub(super) entry: Entry,
    pub(super) deadline: Instant,
    pub(super) reply: Reply,
}

/// Who waits for an entry.
pub(super) enum Reply {
    /// The caller of an intent.
    Intent(oneshot::Sender<Result<Granted, AppendError>>),
    /// The caller of a completion.
    Completion(oneshot::Sender<Result<Recorded, AppendError>>),
    /// The caller of an event without an intent.
    Event(oneshot::Sender<Result<u64, AppendError>>),
    /// Nobody: an intent whose caller was told no while it may still reach the ledger.
    RefusedIntent,
    /// Nobody: an event whose caller was told no while it may still reach the ledger.
    RefusedEvent,
    /// Nobody: a completion whose caller was told no while it may still reach the ledger.
    RefusedCompletion,
    /// Nobody: a completion that is owed, and says so.
    Owed,
    /// Nobody: a completion that the recorder made itself.
    Closing(Loss),
    /// Nobody: the event that the response of another one was withheld.
    Withheld(Box<Open>),
}

impl Reply {
    /// Tells the caller no; what remains says what is still due for the entry.
    pub(super) fn refuse(self, error: AppendError) -> Self {
        // A caller that has left needs no answer.
        match self {
            Self::Intent(caller) => {
                caller.send(Err(error)).ok();
                Self::RefusedIntent
            }
            Self::Completion(caller) => {
                caller.send(Err(error)).ok();
                Self::RefusedCompletion
            }
            Self::Event(caller) => {
                caller.send(Err(error)).ok();
                Self::RefusedEvent
            }
            other => other,
        }
    }
}

/// A run of entries with consecutive numbers.
pub(super) struct Batch {
    pub(super) first: u64,
    pub(super) entries: Vec<Entry>,
    pub(super) replies: Vec<Reply>,
    bytes: usize,
    /// Why something could not be read that its entries say.
    pub(super) fault: Option<StoreError>,
}

impl Batch {
    pub(super) fn new(first: u64) -> Self {
        Self { first, entries: Vec::new(), replies: Vec::new(), bytes: 0, fault: None }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Documents, in bytes.
    pub(super) fn size(&self) -> usize {
        self.entries.iter().map(|entry| entry.doc.get().len()).sum()
    }

    pub(super) fn has_room(&self, limit: usize) -> bool {
        self.entries.len() < limit && self.bytes < BATCH_BYTES
    }

    pub(super) fn push(&mut self, entry: Entry, reply: Reply) {
        self.bytes = self.bytes.saturating_add(entry.doc.get().len());
        self.entries.push(entry);
        self.replies.push(reply);
    }

    /// A completion that is not in the ledger, and of which the caller is told so.
    pub(super) fn push_owed(&mut self, mut entry: Entry) {
        let reply = match entry.note(WITHHELD) {
            Ok(()) => Reply::Owed,
            Err(error) => {
                tracing::error!(%error, "an outcome cannot say that it is recorded late");
                Reply::RefusedCompletion
            }
        };
        self.push(entry, reply);
    }

    /// Takes a job from the queue, unless it is too late for it.
    ///
    /// New work whose caller has left, or whose deadline is over, is dropped. A completion is
    /// written in any case: it tells what has happened.
    pub(super) fn admit(&mut self, job: Job, now: Instant) {
        let expired = now >= job.deadline;
        match &job.reply {
            Reply::Intent(caller) if caller.is_closed() => {}
            Reply::Event(caller) if caller.is_closed() => {}
            Reply::Completion(_) if expired => {
                drop(job.reply.refuse(AppendError::Timeout));
                self.push_owed(job.entry);
            }
            _ if expired => drop(job.reply.refuse(AppendError::Timeout)),
            _ => self.push(job.entry, job.reply),
        }
    }

    /// Tells all callers no.
    pub(super) fn refuse(&mut self, error: AppendError) {
        let replies = std::mem::take(&mut self.replies);
        self.replies = replies.into_iter().map(|reply| reply.refuse(error)).collect();
    }

    /// Nothing of it was written: keeps what is still due.
    pub(super) fn give_back(self, shared: &Shared) {
        for (entry, reply) in self.entries.into_iter().zip(self.replies) {
            match (reply, entry.intent) {
                (Reply::Owed | Reply::RefusedCompletion | Reply::Completion(_), _) => {
                    shared.owe(entry);
                }
                (Reply::Withheld(event), _) => shared.withhold(*event),
                (Reply::Closing(loss), Some(seq)) => shared.lose(seq, loss),
                _ => {}
            }
        }
    }

    /// Splits off what comes after the first `count` entries.
    pub(super) fn split_off(&mut self, count: usize) -> Self {
        let count = count.min(self.entries.len());
        Self {
            first: self.first + count as u64,
            entries: self.entries.split_off(count),
            replies: self.replies.split_off(count),
            bytes: 0,
            fault: None,
        }
    }
}

/// The queue's end.
pub(super) struct Inbox {
    pub(super) jobs: mpsc::Receiver<Job>,
    /// What no request waits for.
    pub(super) chores: mpsc::Receiver<Chore>,
    /// All handles are gone.
    pub(super) closed: bool,
}

impl Inbox {
    pub(super) fn new(jobs: mpsc::Receiver<Job>, chores: mpsc::Receiver<Chore>) -> Self {
        Self { jobs, chores, closed: false }
    }

    /// Runs the store's work to its end, however long it takes, and meanwhile refuses at once
    /// whatever arrives.
    pub(super) async fn refuse_while<T>(
        &mut self,
        shared: &Shared,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                output = &mut work => return output,
                job = self.jobs.recv(), if !self.closed => match job {
                    Some(job) => refuse(job, shared),
                    None => self.closed = true,
                },
            }
        }
    }
}

fn refuse(job: Job, shared: &Shared) {
    shared.waiting().fetch_sub(1, Ordering::Relaxed);
    let reason = shared.failing().unwrap_or("recovering");
    if let Reply::RefusedCompletion = job.reply.refuse(AppendError::Unavailable { reason }) {
        shared.owe(job.entry);
    }
}
