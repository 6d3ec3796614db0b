//! Retention: what is old enough leaves the ledger, by policy, and only after it is on record that it
//! does and, unless the policy says otherwise, after it is safe in an archive.
//!
//! Owns the policy, finding what is due, and the order of a purge: archive, read the archive back, put
//! the purge on record, let the index forget, take the entries out. Knows nothing of HTTP and of how a
//! store deletes.
//!
//! Invariants:
//! - What decides is the ledger's own documents; the index only says where to look.
//! - An event counts by the time at which its request arrived. Both halves go together; one that is
//!   not complete, and an event about a purge, never goes. Of several acts the longest time counts.
//! - Whatever matches a hold stays.
//! - Nothing is deleted before the event that names it is durable. A purge that was cut off is finished
//!   before another one begins.
//! - Nothing goes by a clock that may be wrong.
//! - Nothing here is on the way of a request.

mod clock;
mod cut_off;
mod find;
mod memory;
mod policy;
mod run;
mod watch;

#[cfg(test)]
mod tests;

pub use clock::require_right;
pub use find::Survey;
pub use policy::{Given, Hold, HoldError, Keep, KeptIn, Name, Policy, Strange, Verdict, nearest};
pub use run::{Outcome, Retention};
pub use watch::{RetainStatus, keep_to};

use crate::archive::ArchiveError;
use crate::follow::FollowError;
use crate::index::IndexError;
use crate::record::CanonicalError;
use crate::recorder::AppendError;
use crate::seal::SealError;
use crate::store::StoreError;

/// Why retention did not do its work. Nothing is lost by it: it goes on with the next run.
#[derive(Debug, thiserror::Error)]
pub enum RetainError {
    /// The ledger cannot be read.
    #[error("cannot read the ledger")]
    Ledger(#[from] StoreError),
    /// The index cannot be brought up to date.
    #[error("cannot bring the search index up to date")]
    Follow(#[from] FollowError),
    /// The index cannot be searched.
    #[error("cannot look through the search index")]
    Index(#[from] IndexError),
    /// Nothing was archived, so nothing was purged.
    #[error("nothing was purged, since it could not be archived")]
    Archive(#[from] ArchiveError),
    /// The recorder did not take what was to be recorded or purged.
    #[error("the recorder did not do its part of the purge")]
    Recorder(#[from] AppendError),
    /// The clock is far from that of the database.
    #[error(
        "nothing was purged, since this machine's clock is {seconds} s from the database's, and one of them is wrong"
    )]
    Skewed {
        /// How far.
        seconds: i64,
    },
    /// The clock is far ahead of what came before.
    #[error(
        "nothing was purged, since the clock may be wrong: it is {days} days ahead of what was recorded before"
    )]
    Ahead {
        /// How far.
        days: i64,
    },
    /// The event has no canonical form.
    #[error("the purge cannot be written down")]
    Event(#[from] CanonicalError),
    /// The order cannot be signed.
    #[error("nothing was purged, since the order to do so could not be given")]
    Order(#[from] SealError),
}

impl RetainError {
    /// A code from a closed set, for metrics and readiness.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Ledger(error) => error.reason(),
            Self::Follow(_) | Self::Index(_) => "index",
            Self::Archive(error) => error.reason(),
            Self::Recorder(error) => error.reason(),
            Self::Skewed { .. } | Self::Ahead { .. } => "clock",
            Self::Event(_) => "event",
            Self::Order(SealError::NotSealed { .. }) => "damaged_entry",
            Self::Order(_) => "order",
        }
    }
}
