//! States of a resource that were read beside an exchange: redacted as responses of it.

use super::engine::{Detail, Engine};
use super::{Redacted, Seen};
use crate::capture::Response;
use crate::record::ResponseRecord;

/// How much is known of the secrets of an exchange, to tell whether more became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knowledge {
    secrets: usize,
    prose: usize,
}

impl Seen {
    /// How much is known so far.
    pub fn knowledge(&self) -> Knowledge {
        Knowledge { secrets: self.secrets(), prose: self.heard.pieces() }
    }

    /// Whether there were more secrets than can be searched for.
    pub fn is_overwhelmed(&self) -> bool {
        self.overflowed()
    }

    /// Whether more is known now, all of which can be searched for.
    pub fn has_learnt_since(&self, known: Knowledge) -> bool {
        !self.overflowed() && self.knowledge() != known
    }
}

impl Engine {
    /// What may be compared of a state that was read at `path` during the exchange of `seen`: rules
    /// hold for it that hold below the exchange's own path, and those that hold below this one. Values
    /// that are dropped have a digest (`SEAL`), by which two states are compared, and which has
    /// no place on record.
    pub fn state(&self, path: &str, state: &Response, seen: &mut Seen) -> Redacted<ResponseRecord> {
        let own = seen.below;
        let path = path.split('?').next().unwrap_or_default();
        seen.below.add_all(&self.below(path));
        seen.is_compared = true;
        let record = self.response(state, Detail::WithBody, seen);
        seen.is_compared = false;
        seen.below = own;
        record
    }
}
