//! What a recorder has appended to its own log, so that nothing else in it is taken for its own.
//!
//! Kept as runs of entries, each with one digest of its leaf hashes: whoever reads the log later
//! computes the same. As many as wait to be compared; beyond a limit the last run only grows longer.

use std::collections::VecDeque;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use sha2::{Digest, Sha256};

/// Runs that may wait.
const RUNS: usize = 4096;

/// Entries of one log, up to a number, and the digest of their leaf hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// The number of the last of them. The first comes after the run before.
    pub last: u64,
    /// SHA-256 over their leaf hashes, one after the other.
    pub digest: [u8; 32],
}

/// The digest of a run while it grows.
#[derive(Clone, Default)]
pub struct RunDigest(Sha256);

impl RunDigest {
    /// The next entry.
    pub fn push(&mut self, leaf: &[u8; 32]) {
        self.0.update(leaf);
    }

    /// The end of the run; the next one begins.
    pub fn end(&mut self) -> [u8; 32] {
        self.0.finalize_reset().into()
    }
}

/// Who is told at once that there is more.
type Listener = Box<dyn Fn(u64) + Send + Sync>;

/// What this process has appended to its log since it began.
#[derive(Default)]
pub struct Written {
    state: Mutex<State>,
    listener: OnceLock<Listener>,
}

#[derive(Default)]
struct State {
    writer: String,
    /// The last number that was there when it began.
    base: u64,
    head: u64,
    runs: VecDeque<Run>,
    /// The run that grows; none if it has no entry.
    open: Option<RunDigest>,
    foreign: Option<RangeInclusive<u64>>,
}

impl Written {
    /// The log, and where it ends before the first append.
    pub fn begin(&self, writer: &str, head: u64) {
        let state = State { writer: writer.to_owned(), base: head, head, ..State::default() };
        *self.lock() = state;
    }

    /// Whoever is told of each new head, before anybody hears that the entry is on record. There is one.
    pub fn listen(&self, listener: impl Fn(u64) + Send + Sync + 'static) {
        self.listener.set(Box::new(listener)).ok();
    }

    /// Entries that were appended, by their leaf hashes.
    pub fn add(&self, leaves: impl IntoIterator<Item = [u8; 32]>) {
        let mut state = self.lock();
        for leaf in leaves {
            state.open.get_or_insert_default().push(&leaf);
            state.head += 1;
        }
        let head = state.head;
        drop(state);
        if let Some(listener) = self.listener.get() {
            listener(head);
        }
    }

    /// Entries of these numbers are not those that this process has appended. The log goes on after
    /// `head`.
    pub fn disown(&self, entries: RangeInclusive<u64>, head: u64) {
        let mut state = self.lock();
        state.foreign.get_or_insert(entries);
        state.head = head;
    }

    /// The name of the log.
    pub fn writer(&self) -> String {
        self.lock().writer.clone()
    }

    /// The last number that was there at the beginning.
    pub fn base(&self) -> u64 {
        self.lock().base
    }

    /// The last number.
    pub fn head(&self) -> u64 {
        self.lock().head
    }

    /// What stands in the log and was not appended by this process, if that was noticed.
    pub fn foreign(&self) -> Option<RangeInclusive<u64>> {
        self.lock().foreign.clone()
    }

    /// Takes out the runs that a ledger that ends here has whole.
    pub fn take(&self, head: u64) -> Vec<Run> {
        let mut state = self.lock();
        let last = state.head;
        // A ledger that lags gets whole runs later: this one need not end here.
        if (last <= head || state.runs.len() < RUNS)
            && let Some(mut open) = state.open.take()
        {
            state.runs.push_back(Run { last, digest: open.end() });
        }
        let whole = state.runs.partition_point(|run| run.last <= head);
        state.runs.drain(..whole).collect()
    }

    /// No code panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        out.debug_struct("Written")
            .field("writer", &state.writer)
            .field("head", &state.head)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(leaves: &[u8]) -> [u8; 32] {
        let mut digest = RunDigest::default();
        leaves.iter().for_each(|leaf| digest.push(&[*leaf; 32]));
        digest.end()
    }

    #[test]
    fn runs_are_given_out_once_and_only_whole() {
        let written = Written::default();
        written.begin("w", 7);
        assert!(written.take(7).is_empty());
        written.add([[1; 32], [2; 32]]);
        // The ledger has one of the two: the run that ends at the second comes with that.
        assert!(written.take(8).is_empty());
        written.add([[3; 32]]);
        assert_eq!(written.take(9), [Run { last: 9, digest: digest(&[1, 2]) }]);
        assert_eq!(written.take(50), [Run { last: 10, digest: digest(&[3]) }]);
        assert!(written.take(50).is_empty());
        assert_eq!((written.base(), written.head()), (7, 10));
    }

    #[test]
    fn what_waits_for_a_ledger_that_is_away_has_a_limit() {
        let written = Written::default();
        written.begin("w", 0);
        for _ in 0..2 * RUNS {
            written.add([[1; 32]]);
            assert!(written.take(0).is_empty());
        }
        let (head, mut last) = (written.head(), 0);
        let runs = written.take(head);
        assert_eq!((head, runs.len()), (2 * RUNS as u64, RUNS + 1));
        for run in runs {
            assert!(run.last > last);
            last = run.last;
        }
        assert_eq!(last, head);
    }
}
