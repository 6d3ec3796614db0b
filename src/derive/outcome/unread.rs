//! Answers that say by their bodies alone how it ended, and were not read: those that stream, are too
//! long, or of another type than that of an answer.

use super::super::answer::{NO_RESULT, is_unread};
use super::super::endpoint::reads;
use super::super::naming::Naming;
use super::super::operations::SOAP;
use super::super::trace::Trace;
use super::{Came, Verdict, noted, without};
use crate::record::Outcome;

/// Verbs of operations of SOAP that read, beside those of other calls.
const READS: [&str; 4] = ["describe", "lookup", "retrieve", "select"];

/// Judges an operation of SOAP that changes something, where its envelope was not read.
pub(super) fn unread(naming: &Naming, came: Came<'_>, trace: &mut Trace) -> Option<Verdict> {
    let verb = naming.action.rsplit_once('.').map_or("", |(_, verb)| verb);
    let is_read = naming.acts.iter().all(reads) || READS.iter().any(|read| verb.starts_with(read));
    let is_call = naming.acts_kind.ends_with(SOAP) && !is_read;
    if !is_call || !is_unread(came.response) {
        return None;
    }
    noted::unread(trace);
    Some(without(naming, Outcome::Unknown, NO_RESULT, trace))
}
