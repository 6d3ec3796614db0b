//! What an exchange changed: between two states that were read, or from the request alone.
//!
//! Owns the reading of requests as changes (JSON Merge Patch, JSON Patch, whole resources, forms)
//! and the comparison of two states. Works on redacted trees only, so that no change can tell more
//! than the bodies do; does not know how the trees were come by.
//!
//! - From a request, `add` says that the field came to be with its resource, and `replace` that it
//!   was set: nobody knows what was there before, unless a JSON Patch tested it.
//! - Only what succeeded has changed something. Why there are no changes, or not all, is a note.
//! - Between two trees, objects are compared by name, lists of objects by their ids, lists of plain
//!   values as sequences, others by position, and as a whole where that is shorter. A path means one item of a list. Fields that change with everything
//!   (`updated_at`, `etag`, …) are compared only where the request set them.
//! - What redaction hides is never claimed to be unchanged: two fingerprints tell, and of states the
//!   digests of what stood there, which are not recorded. What else is hidden on both sides is listed
//!   apart, as is what was set and redacted, and shows as changed nowhere.
//!
//! Invariants: never panics; the same trees give the same list; at most [`CHANGES_MAX`] changes, of
//! at most [`VALUE_BYTES_MAX`] a value and [`BYTES_MAX`] in all.

mod asked;
mod diff;
mod echo;
mod hidden;
mod items;
mod list;
mod observed;
mod patch;
mod request;
mod scim;
mod secrets;
mod sequence;
mod shows;
#[cfg(test)]
mod tests;

pub use diff::{Difference, diff};
pub use list::{BYTES_MAX, CHANGES_MAX, VALUE_BYTES_MAX};
pub use observed::{Moment, Observed, Shown, Unseen};

use super::naming::Naming;
use super::outcome::Verdict;
use super::shown;
use crate::record::{BodyRecord, Change, ChangesSource, Outcome, RequestRecord, ResponseRecord};
use list::List;
use secrets::Secret;

/// What changed, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// The changes.
    pub list: Vec<Change>,
    /// Paths of which nobody can say whether they changed: their values are redacted in both states, or
    /// the request set them and neither state shows them.
    pub hidden: Vec<String>,
    /// How they are known.
    pub source: ChangesSource,
    /// Why there are none, or not all.
    pub notes: Vec<String>,
}

/// Why there are no changes, or not all, or what is to be known of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// The request was refused, or never sent.
    NotDone,
    /// The API failed at it, or did a part of it.
    Failed,
    /// Nobody knows whether it was done.
    OutcomeUnknown,
    /// It is a deletion: the request does not say what was there.
    Deletion,
    /// It is a call (GraphQL, JSON-RPC), whose arguments are no fields.
    Call,
    /// The body holds parameters of an action (signing in, rotating), which are no fields.
    Parameters,
    /// There is no body.
    NoBody,
    /// The body is not on record.
    BodyNotRecorded,
    /// Only a part of the body was captured.
    BodyTruncated,
    /// The method, or the type of a patch, is of a kind that is not understood here.
    UnknownForm,
    /// The patch is not one of its type.
    InvalidPatch,
    /// The whole resource was given: fields that are not in the request may have changed as well.
    WholeReplaced,
    /// The API has only accepted the request (202).
    Accepted,
    /// The API did it in part, perhaps (207).
    MultiStatus,
    /// Items of a list compared by their ids stand in another order.
    Reordered,
    /// There are more changes than are listed.
    ChangesTruncated,
    /// Long values are given by type and size.
    ValuesTruncated,
    /// Numbers that a double cannot hold are given as texts.
    NumbersAsText,
    /// The state before could not be read; the next note says why.
    BeforeUnavailable,
    /// The state after could not be read; the next note says why.
    AfterUnavailable,
    /// What was changed was found neither before nor after.
    NotFound,
    /// Fields that the request set are in neither state.
    NotShown,
    /// It is a deletion, and the state after is the one before.
    StillThere,
    /// Values are redacted in both states: nobody can say whether they changed.
    Hidden,
}

impl Note {
    /// The name in the record; stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotDone => "not_done",
            Self::Failed => "failed",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Deletion => "deletion",
            Self::Call => "call",
            Self::Parameters => "parameters",
            Self::NoBody => "no_body",
            Self::BodyNotRecorded => "body_not_recorded",
            Self::BodyTruncated => "body_truncated",
            Self::UnknownForm => "unknown_form",
            Self::InvalidPatch => "invalid_patch",
            Self::WholeReplaced => "whole_replaced",
            Self::Accepted => "accepted",
            Self::MultiStatus => "multi_status",
            Self::Reordered => "reordered",
            Self::ChangesTruncated => "changes_truncated",
            Self::ValuesTruncated => "values_truncated",
            Self::NumbersAsText => "numbers_as_text",
            Self::BeforeUnavailable => "before_unavailable",
            Self::AfterUnavailable => "after_unavailable",
            Self::NotFound => "not_found",
            Self::NotShown => "not_shown",
            Self::StillThere => "still_there",
            Self::Hidden => "hidden",
        }
    }
}

impl Changes {
    fn none(note: Note) -> Self {
        Self { notes: vec![note.as_str().to_owned()], ..Self::default() }
    }
}

/// What changed, given how the exchange ended: by the states before and after, where both are known,
/// else as the request alone says.
pub fn changes(
    request: &RequestRecord,
    naming: &Naming,
    verdict: &Verdict,
    response: Option<&ResponseRecord>,
    observed: Option<&Observed>,
) -> Changes {
    let status = response.map(|response| status(response, naming));
    match verdict.outcome {
        Outcome::Success if status == Some(304) => return Changes::none(Note::NotDone),
        Outcome::Success => {}
        Outcome::Failure if may_have_changed(verdict, status) => {
            return Changes::none(Note::Failed);
        }
        Outcome::Failure | Outcome::Denied => return Changes::none(Note::NotDone),
        Outcome::Unknown => return Changes::none(Note::OutcomeUnknown),
    }
    let (set, secrets) = requested(request, naming, verdict, response.zip(status));
    match observed {
        Some(observed) => {
            let body = request.body.as_ref().map(BodyRecord::tree);
            let asked = asked::Asked::of(body);
            observed.changes(naming, (set, secrets), &asked, status)
        }
        None => set,
    }
}

/// Whether what failed may have changed something all the same: an error of the server's own may come when
/// a part was done, and of several acts some were. A method that is not there (501) did nothing.
fn may_have_changed(verdict: &Verdict, status: Option<u16>) -> bool {
    status.is_some_and(|status| status >= 500 && status != 501)
        || verdict.acts.iter().any(|act| act.outcome == Some(Outcome::Success))
}

/// The status; that of an operation that has yet to be carried out is 202.
fn status(response: &ResponseRecord, naming: &Naming) -> u16 {
    let body = response.body.as_ref().map(BodyRecord::tree);
    match body.is_some_and(|body| shown::is_pending(&naming.sentence.verb, body, &naming.targets)) {
        true => 202,
        false => response.status,
    }
}

/// What the request alone says to have changed, and what of it redaction took.
fn requested(
    request: &RequestRecord,
    naming: &Naming,
    verdict: &Verdict,
    response: Option<(&ResponseRecord, u16)>,
) -> (Changes, Vec<Secret>) {
    let mut list = List::default();
    if let Err(note) = request::read(request, naming, verdict, &mut list) {
        return (Changes::none(note), Vec::new());
    }
    if let Some((response, status)) = response {
        match status {
            202 => list.note(Note::Accepted),
            207 => list.note(Note::MultiStatus),
            _ => {}
        }
        echo::complete(&mut list, naming, verdict, response);
    }
    let secrets = std::mem::take(&mut list.secrets);
    let (list, notes) = list.finish();
    (Changes { list, source: ChangesSource::Request, notes, ..Changes::default() }, secrets)
}
