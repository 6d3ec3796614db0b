//! Answers that say by their bodies alone how it ended, and were not read: those that stream, are too
//! long, or of another type than that of an answer.

use super::super::answer::{NO_RESULT, is_unread};
use super::super::endpoint::{self, reads};
use super::super::naming::Naming;
use super::super::operations::SOAP;
use super::super::partly::bare;
use super::super::trace::Trace;
use super::{Came, Verdict, noted, without};
use crate::record::{Outcome, RequestRecord};

/// Verbs of operations of SOAP that read, beside those of other calls.
const READS: [&str; 4] = ["describe", "lookup", "retrieve", "select"];

/// Types of calls that are answered with 200 whatever became of them, in forms of their own: streams of
/// Connect, whose end is a frame (<https://connectrpc.com/docs/protocol/#streaming-rpcs>), and GWT.
const CALLS: [&str; 2] = ["application/connect+", "text/x-gwt-rpc"];

/// The end of paths at which DWR answers its calls with scripts.
const SCRIPTED: &str = ".dwr";

/// Judges an operation of SOAP, or another call, that changes something, where its answer was not read.
pub(super) fn unread(naming: &Naming, came: Came<'_>, trace: &mut Trace) -> Option<Verdict> {
    let verb = naming.action.rsplit_once('.').map_or("", |(_, verb)| verb);
    let is_read = naming.acts.iter().all(reads) || READS.iter().any(|read| verb.starts_with(read));
    let is_call = naming.acts_kind.ends_with(SOAP) && !is_read
        || is_call(came.request) && !endpoint::READS.contains(&bare(&naming.sentence.verb));
    if !is_call || !is_unread(came.response) {
        return None;
    }
    noted::unread(trace);
    Some(without(naming, Outcome::Unknown, NO_RESULT, trace))
}

/// Whether a request is a call by its type, or by where it is sent.
fn is_call(request: &RequestRecord) -> bool {
    let kind = request.content_type.as_deref().unwrap_or_default();
    CALLS.iter().any(|call| kind.starts_with(call)) || request.path.ends_with(SCRIPTED)
}

/// Whether a request is GraphQL whose document nobody could read, so that nobody knows what it does.
pub(super) fn is_unread_graphql(naming: &Naming, request: &RequestRecord) -> bool {
    naming.graphql.is_some() && request.notes.iter().any(|note| note == "invalid_graphql")
}
