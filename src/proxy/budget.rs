//! How much captured content may be in memory at one time, and how many requests are in flight.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// That the budget is used up is told again after so long.
const AGAIN: Duration = Duration::from_secs(30);

/// Memory for captured bodies, shared by all requests.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
    /// When it was told last that there is none left.
    told: Mutex<Option<Instant>>,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0), told: Mutex::default() })
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// A request was refused for want of memory: said once in a while.
    pub(super) fn tell_exhausted(&self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|last| last.elapsed() >= AGAIN) {
            *told = Some(Instant::now());
            let (used, limit) = (self.used(), self.limit);
            tracing::warn!(used, limit, "requests are refused: `limits.captured_bytes` is used up");
        }
    }

    /// An account that takes from this budget and gives back when dropped.
    pub fn account(self: &Arc<Self>) -> Account {
        Account { budget: Arc::clone(self), held: 0 }
    }
}

/// What one request holds of the budget.
#[derive(Debug)]
pub struct Account {
    budget: Arc<Budget>,
    held: usize,
}

impl Account {
    /// Takes `bytes` more; false if the budget does not have them.
    pub fn take(&mut self, bytes: usize) -> bool {
        let before = self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.budget.limit {
            self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.held += bytes;
        true
    }

    /// Takes `bytes` more for what can be done without: only while less than half of the budget is
    /// in use, so that no request is refused for its sake.
    pub fn take_spare(&mut self, bytes: usize) -> bool {
        let left = self.budget.limit / 2;
        self.budget.used().saturating_add(bytes) <= left && self.take(bytes)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.held, Ordering::Relaxed);
    }
}

/// Counts the requests in flight, so that stopping takes as long as they do and no longer.
#[derive(Debug, Default)]
pub struct InFlight {
    count: AtomicUsize,
    landed: Notify,
}

impl InFlight {
    /// One more, until the returned guard is dropped.
    pub fn enter(self: &Arc<Self>) -> Flight {
        self.count.fetch_add(1, Ordering::AcqRel);
        Flight(Arc::clone(self))
    }

    /// Requests in flight.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }

    /// Waits until there are none.
    pub async fn landed(&self) {
        loop {
            let landed = self.landed.notified();
            if self.count() == 0 {
                return;
            }
            landed.await;
        }
    }
}

/// One request in flight.
#[derive(Debug)]
pub struct Flight(Arc<InFlight>);

impl Drop for Flight {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.landed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_done_without_takes_from_half_of_the_budget_only() {
        let budget = Budget::new(100);
        let (mut needed, mut spare) = (budget.account(), budget.account());
        assert!(spare.take_spare(50));
        assert!(!spare.take_spare(1));
        assert!(needed.take(50) && !needed.take(1));
        drop(spare);
        assert!(!budget.account().take_spare(1));
        drop(needed);
        assert!(budget.account().take_spare(1));
        assert_eq!(budget.used(), 0);
    }
}
