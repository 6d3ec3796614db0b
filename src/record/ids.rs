//! Event ids.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::{NoContext, Timestamp as UuidTime, Uuid};

use crate::clock::Timestamp;

/// The id of an event: a UUIDv7 whose time is the arrival of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventId(Uuid);

impl EventId {
    /// A new id for an event that began at `time`.
    pub fn new(time: Timestamp) -> Self {
        let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
        Self(Uuid::new_v7(UuidTime::from_unix(NoContext, seconds, time.timestamp_subsec_nanos())))
    }

    /// The time that is in it, in milliseconds since 1970.
    pub fn time_ms(self) -> Option<i64> {
        let (seconds, nanoseconds) = self.0.get_timestamp()?.to_unix();
        let ms = seconds.checked_mul(1000)?.checked_add(u64::from(nanoseconds) / 1_000_000)?;
        i64::try_from(ms).ok()
    }

    /// Whether this is the id as countersign writes it.
    pub fn is_written(self, text: &str) -> bool {
        *self.0.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == *text
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for EventId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::from_str(text).map(Self)
    }
}
