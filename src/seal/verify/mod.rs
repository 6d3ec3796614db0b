//! Verification: whether a ledger is what was sealed, without trust in the database that holds it.
//!
//! `evidence` is what the ledger is held against: keys, and checkpoints that they signed. `entry` is
//! what can be said of one entry alone; `walk` goes through a log entry by entry, and `events` sees that no event
//! begins twice in it; `scan` feeds it.

mod entry;
mod events;
mod evidence;
mod fault;
mod purges;
mod scan;
mod walk;

pub use evidence::{Evidence, Origin, Standing};
pub use fault::{Column, Fault, Found};
pub use purges::PurgedReport;
pub use scan::{LogReport, Report, verify};
