//! Questions to the log: the grammar of filters, cursors, and events in full.
//!
//! Owns what parameters mean; the index answers, and the ledger shows. Knows nothing of HTTP.
//!
//! Invariants:
//! - A parameter is understood or refused with an error that says what is allowed; none widens
//!   the answer silently.
//! - Events in full come from the ledger, never from the index.

mod event;
mod filter;
mod joined;
mod members;
mod summary;

#[cfg(test)]
mod tests;

pub use event::{EventError, event, merge, purge_at, purged_in, whole, without_position};
pub use filter::{
    ACTOR_TYPES, DEFAULT_LIMIT, FilterError, MAX_LIMIT, MAX_VALUE, OUTCOMES, SEVERITIES, Use,
    doubts, doubts_at, exactly, is_scope_name, parse, span, use_of,
};
pub use joined::Joined;
pub use summary::{
    PENDING, Summary, SummaryAct, SummaryActor, SummaryRequest, SummarySource, SummaryTarget,
};
