//! What handles and the writer share: counters, health, and what was set aside to be written when
//! there is time, completions that are owed and intents that were lost.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::writer::Open;
use super::{Settings, Status};
use crate::record::{Entry, Written};
use crate::store::{Breach, Unguarded};
use crate::telemetry::{Metrics, ReasonLabel};

/// Triggers that are remembered as wrong.
const UNGUARDED_MAX: usize = 64;

/// Memory for owed completions, in bytes.
const OWED_BYTES: usize = 16 * 1024 * 1024;

/// The reason while the store does not answer.
const HANGS: &str = "timeout";

/// The reason while no more entries may wait.
pub(super) const QUEUE_FULL: &str = "queue_full";

/// Why nobody will complete an intent any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// Its caller was told no, or had left: the request was never sent.
    NotSent,
    /// The exchange was dropped on its way.
    Exchange,
    /// The completion was known, and could be neither written nor kept.
    Completion,
    /// An earlier process left it.
    Restart,
    /// A writer that is gone left it.
    Writer,
}

#[derive(Default)]
struct Aside {
    owed: VecDeque<Entry>,
    owed_bytes: usize,
    /// Never more than there are open intents.
    lost: Vec<(u64, Loss)>,
    /// Events whose outcome is on record, but not that nobody was told it; as many as may be owed.
    withheld: VecDeque<Open>,
}

pub(super) struct Shared {
    waiting: AtomicUsize,
    open: AtomicUsize,
    failing: Mutex<Option<&'static str>>,
    /// When the store was given the work that it has not finished.
    working_since: Mutex<Option<Instant>>,
    /// It has been said that the store hangs.
    hang_reported: AtomicBool,
    timeout: Duration,
    head: watch::Sender<u64>,
    /// What was appended to the own log.
    pub(super) written: Arc<Written>,
    aside: Mutex<Aside>,
    /// So many entries may wait, and so many be owed.
    queue: usize,
    /// What was found wrong with what guards the ledger.
    unguarded: Mutex<BTreeSet<Unguarded>>,
    /// Something was set aside.
    pub(super) wake: Notify,
    pub(super) metrics: Arc<Metrics>,
}

impl Shared {
    pub(super) fn new(settings: &Settings, metrics: Arc<Metrics>) -> Self {
        // An alert sees a count grow only from one that it has seen.
        for reason in
            [Loss::Exchange, Loss::Completion, Loss::Restart, Loss::Writer].map(Loss::reason)
        {
            drop(metrics.unknown_outcomes.get_or_create(&ReasonLabel { reason }));
        }
        Self {
            waiting: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            failing: Mutex::new(Some("starting")),
            working_since: Mutex::new(None),
            hang_reported: AtomicBool::new(false),
            timeout: settings.timeout,
            head: watch::Sender::new(0),
            written: Arc::default(),
            aside: Mutex::default(),
            queue: settings.queue,
            unguarded: Mutex::default(),
            wake: Notify::new(),
            metrics,
        }
    }

    /// Entries in the queue.
    pub(super) fn waiting(&self) -> &AtomicUsize {
        &self.waiting
    }

    pub(super) fn head_watch(&self) -> watch::Receiver<u64> {
        self.head.subscribe()
    }

    /// Tells followers how far the ledger reaches.
    pub(super) fn set_head(&self, head: u64) {
        self.head.send_replace(head);
    }

    pub(super) fn set_open(&self, open: usize) {
        self.open.store(open, Ordering::Relaxed);
    }

    /// Why entries are refused at present; `None` when they are not.
    pub(super) fn set_failing(&self, reason: Option<&'static str>) {
        *lock(&self.failing) = reason;
    }

    pub(super) fn failing(&self) -> Option<&'static str> {
        let failing = *lock(&self.failing);
        failing.or_else(|| self.hangs().then_some(HANGS))
    }

    /// The store is at work, on the recorder's thread, which it may block.
    pub(super) fn work_begins(&self) {
        *lock(&self.working_since) = Some(Instant::now());
    }

    /// The store has finished.
    pub(super) fn work_ends(&self) {
        *lock(&self.working_since) = None;
        if self.hang_reported.swap(false, Ordering::Relaxed) {
            tracing::info!("the ledger answers again");
        }
    }

    /// Whether the store has been at work for longer than anybody waits. The recorder's own thread
    /// may not be able to tell, so whoever asks finds out.
    fn hangs(&self) -> bool {
        self.works_for(self.timeout)
    }

    /// Whether the store has been at the same work for at least so long.
    pub(super) fn works_for(&self, limit: Duration) -> bool {
        lock(&self.working_since).is_some_and(|since| since.elapsed() >= limit)
    }

    /// Somebody has waited in vain: if the store is the reason, that is said once.
    pub(super) fn waited_in_vain(&self) {
        if self.hangs() && !self.hang_reported.swap(true, Ordering::Relaxed) {
            self.metrics.store_errors.get_or_create(&ReasonLabel { reason: HANGS }).inc();
            tracing::error!(reason = HANGS, "the ledger does not answer; entries are refused");
        }
    }

    pub(super) fn status(&self) -> Status {
        let waiting = self.waiting.load(Ordering::Relaxed);
        let reason = self.failing().or_else(|| (waiting >= self.queue).then_some(QUEUE_FULL));
        Status {
            ok: reason.is_none(),
            reason,
            disk_full: reason == Some("disk_full"),
            queue_depth: waiting,
            head: *self.head.borrow(),
            open_intents: self.open.load(Ordering::Relaxed),
        }
    }

    /// So many intents were closed without anybody knowing how they ended.
    pub(super) fn count_unknown(&self, loss: Loss, count: usize) {
        let label = ReasonLabel { reason: loss.reason() };
        self.metrics.unknown_outcomes.get_or_create(&label).inc_by(count as u64);
    }

    /// Keeps a completion to be written later; beyond the limits, only that it was lost.
    pub(super) fn owe(&self, entry: Entry) {
        let mut aside = lock(&self.aside);
        let bytes = aside.owed_bytes.saturating_add(entry.doc.get().len());
        if aside.owed.len() < self.queue && bytes <= OWED_BYTES {
            aside.owed_bytes = bytes;
            aside.owed.push_back(entry);
        } else if let Some(seq) = entry.intent {
            aside.lost.push((seq, Loss::Completion));
        }
        drop(aside);
        self.wake.notify_one();
    }

    /// Nobody will complete the intent `seq`.
    pub(super) fn lose(&self, seq: u64, loss: Loss) {
        lock(&self.aside).lost.push((seq, loss));
        self.wake.notify_one();
    }

    /// The outcome of an event is on record, but whoever waited for that was told no.
    pub(super) fn withhold(&self, event: Open) {
        let mut aside = lock(&self.aside);
        if aside.withheld.len() < self.queue {
            aside.withheld.push_back(event);
        } else {
            tracing::error!(event = %event.id, "it is not on record that a response was withheld");
        }
        drop(aside);
        self.wake.notify_one();
    }

    /// The next event of which that is to be said.
    pub(super) fn take_withheld(&self) -> Option<Open> {
        lock(&self.aside).withheld.pop_front()
    }

    /// The next owed completion.
    pub(super) fn take_owed(&self) -> Option<Entry> {
        let mut aside = lock(&self.aside);
        let entry = aside.owed.pop_front()?;
        aside.owed_bytes = aside.owed_bytes.saturating_sub(entry.doc.get().len());
        Some(entry)
    }

    /// The next lost intent.
    pub(super) fn take_lost(&self) -> Option<(u64, Loss)> {
        lock(&self.aside).lost.pop()
    }

    /// Whether that is news. Of the many that somebody could make, those of a kind that is known are not
    /// remembered, nor told, without end.
    pub(super) fn note_unguarded(&self, unguarded: &Unguarded) -> bool {
        let mut known = lock(&self.unguarded);
        let has_room = known.len() < UNGUARDED_MAX
            || known.iter().all(|other| other.breach != unguarded.breach);
        has_room && known.insert(unguarded.clone())
    }

    /// What was found wrong with what guards the ledger, since the process began.
    pub(super) fn breaches(&self) -> BTreeSet<Breach> {
        lock(&self.unguarded).iter().map(|unguarded| unguarded.breach).collect()
    }

    /// Whether something waits to be written.
    pub(super) fn has_aside(&self) -> bool {
        let aside = lock(&self.aside);
        !(aside.owed.is_empty() && aside.lost.is_empty() && aside.withheld.is_empty())
    }
}

/// No code panics while it holds one of these locks; what they guard is valid at every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
