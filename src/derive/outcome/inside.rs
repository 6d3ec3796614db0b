//! What the body of a successful response tells of an error, or that nothing was done.

use super::super::body::Value;
use super::super::code::{code, is_refusal};
use super::super::naming::Naming;
use super::super::signs::{self, Sent, Tells, is_error_told};
use super::super::trace::{By, Field, Origin, Trace};
use super::super::wrapped::{error_within, is_partly_done};
use super::{Came, Verdict, note_ending, noted};
use crate::record::{Outcome, Severity};

/// What the body of a successful response tells of an error, or that nothing was done.
pub(super) fn told_inside(
    naming: &Naming,
    came: Came<'_>,
    body: &Value<'_>,
    trace: &mut Trace,
) -> Option<(Outcome, String)> {
    let sent = Sent::of(came.request);
    let told = code(body, Some(came.response.status));
    let (by, outcome, reason) = if let Some(status) = signs::error_status(body, &sent) {
        let outcome = match status {
            401 | 403 | 407 => Outcome::Denied,
            _ => Outcome::Failure,
        };
        ("a status in the body of a successful response", outcome, told)
    } else if is_error_told(body, Tells::Answer, &sent) {
        let outcome = match told.as_deref() {
            Some(code) if is_refusal(code) => Outcome::Denied,
            _ => Outcome::Failure,
        };
        ("an error in the body of a successful response", outcome, told)
    } else if let Some(place) = error_within(body, &sent) {
        let told = told.or_else(|| code(place, None));
        let outcome = match told.as_deref() {
            Some(code) if is_refusal(code) => Outcome::Denied,
            _ => Outcome::Failure,
        };
        let (outcome, told) = match is_partly_done(place) {
            true => (Outcome::Unknown, Some("some_failed".to_owned())),
            false => (outcome, told),
        };
        ("an error within the body of a successful response", outcome, told)
    } else {
        let within = ["data", "result"].iter().filter_map(|name| body.get(name));
        let reason = std::iter::once(body)
            .chain(within)
            .find_map(|it| signs::nothing_done(&naming.sentence.verb, it, &sent))?;
        let by = "the body of a successful response says that nothing was done";
        (by, Outcome::Failure, Some(reason.to_owned()))
    };
    let reason = reason.unwrap_or_else(|| match signs::error_status(body, &sent) {
        Some(status) => format!("http_{status}"),
        None => "error_in_body".to_owned(),
    });
    noted::within(came, by, trace);
    noted::reason(came, Some(&reason), trace);
    Some((outcome, reason))
}

/// Whoever signs in has yet to give a second factor: nobody is signed in.
pub(super) fn challenged(naming: &Naming, came: Came<'_>, trace: &mut Trace) -> Verdict {
    let by = By::Convention("a second factor is asked for");
    let from = match came.says {
        Some(_) => Origin::ResponseBody("$".to_owned()),
        None => Origin::ResponseHeader("location".to_owned()),
    };
    trace.note(Field::Action, || (by, vec![from]));
    note_ending(trace);
    Verdict {
        action: Some("session.challenge".to_owned()),
        acts: Vec::new(),
        outcome: Outcome::Success,
        reason: None,
        severity: Severity::Info,
        description: naming.sentence.challenged(&naming.targets),
        targets: None,
    }
}
