//! Answers that say by their bodies alone how it ended, and were not read: those that stream, are too
//! long, or of another type than that of an answer.

use super::super::answer::is_unread;
use super::super::endpoint::reads;
use super::super::naming::Naming;
use super::super::operations::SOAP;
use super::super::trace::Trace;
use super::{Came, Verdict, noted, without};
use crate::record::Outcome;

/// Nothing is shown of how it ended.
pub(super) const NO_RESULT: &str = "no_result";

/// Judges an operation of SOAP that changes something, where its envelope was not read.
pub(super) fn unread(naming: &Naming, came: Came<'_>, trace: &mut Trace) -> Option<Verdict> {
    let is_call = naming.acts_kind.ends_with(SOAP) && !naming.acts.iter().all(reads);
    if !is_call || !is_unread(came.response) {
        return None;
    }
    noted::unread(trace);
    Some(without(naming, Outcome::Unknown, NO_RESULT, trace))
}
