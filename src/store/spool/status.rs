//! How a spool is, as far as others need to know.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::Damage;

/// An entry of usual size has room, in bytes.
const ROOM: u64 = 16 * 1024;

/// How the spool is, for readiness and metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpoolStatus {
    /// Entries that wait.
    pub entries: u64,
    /// Their documents, in bytes.
    pub bytes: u64,
    /// How many bytes it may hold.
    pub limit: u64,
    /// Since when entries go to the spool; none while they go to the ledger.
    pub since: Option<Instant>,
    /// Somebody else has written in this writer's place: what waits cannot drain. That stays so until
    /// it has drained after all.
    pub conflict: bool,
    /// What waits is not what it was when it was put there: nothing drains past that.
    pub damaged: Option<Damage>,
    /// The last number that is known to be in the ledger itself.
    pub drained: u64,
}

impl SpoolStatus {
    /// Whether an event that begins may not fit any more.
    pub fn is_full(&self) -> bool {
        self.entries > 0 && self.bytes.saturating_add(ROOM) > self.limit
    }
}

/// What the wrapper, the drain and whoever asks for the status share.
#[derive(Debug, Clone, Default)]
pub struct SpoolShared(Arc<Mutex<SpoolStatus>>);

impl SpoolShared {
    /// How it is now.
    pub fn get(&self) -> SpoolStatus {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut SpoolStatus)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
