//! Time behind a trait, so that the stages that stamp and expire can be tested without waiting.
//!
//! Nothing else in the crate may call `Utc::now` (clippy enforces it).

use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Duration, SubsecRound, Utc};

/// A moment in UTC. Everything that is recorded is rounded to milliseconds first.
pub type Timestamp = DateTime<Utc>;

/// A source of the present moment.
pub trait Clock: Send + Sync {
    /// The present moment, in whole milliseconds.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        // Not `Utc::now`, which panics where the clock stands before 1970.
        DateTime::from(SystemTime::now().max(UNIX_EPOCH)).trunc_subsecs(3)
    }
}

/// A clock that moves only when told.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Mutex::new(start.trunc_subsecs(3)))
    }

    /// Moves the clock by `step`.
    pub fn advance(&self, step: Duration) {
        let mut now = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *now += step;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
