//! How a request ended that calls what it does: by what the answer tells of each act.

use super::super::act::{self, End};
use super::super::answer;
use super::super::body::{self, Value};
use super::super::naming::Naming;
use super::super::trace::Trace;
use super::inside::told_inside;
use super::undone::{note_ending, without};
use super::{Came, Verdict, done, noted};
use crate::record::{self, Outcome, Severity, Target};

/// Whether a call is answered in a form of the software's own, which may say anywhere that it was not
/// done: an answer of JSON-RPC has the member `jsonrpc`, or, before its second version, `error`.
fn answers_in_own_way(acts: &[act::Act], body: &Value<'_>) -> bool {
    let is_call = acts.iter().all(|act| matches!(act.answer, act::Answer::Rpc(_)));
    is_call && body.get("jsonrpc").is_none() && body.get("error").is_none()
}

/// Judges by what a successful response tells of each act.
pub(super) fn by_acts(naming: &Naming, came: Came<'_>, trace: &mut Trace) -> Verdict {
    let ends = answer::ends(&naming.acts, came.body, came.sketch, (came.request, came.response));
    match (ends.as_slice(), naming.acts.len()) {
        ([end], 1) if end.outcome != Outcome::Success => {
            let reason = end.reason.as_deref().unwrap_or("call_error");
            noted::within(came, "an error in the body of a successful call", trace);
            noted::reason(came, Some(reason), trace);
            without(naming, end.outcome, reason, trace)
        }
        (_, 1) => {
            let told = came.says.filter(|body| answers_in_own_way(&naming.acts, body));
            match told.and_then(|body| told_inside(naming, came, body, trace)) {
                Some((outcome, reason)) => without(naming, outcome, &reason, trace),
                None => done(naming, came, trace),
            }
        }
        (ends, _) if naming.is_one && ends.iter().all(|end| end.outcome == Outcome::Success) => {
            done(naming, came, trace)
        }
        _ => several(naming, (&naming.acts, &ends), &naming.acts_kind, came, trace),
    }
}

/// Sums up several acts: what the whole is said to have come to is the gravest of their ends.
pub(super) fn several(
    naming: &Naming,
    (acts, ends): (&[act::Act], &[End]),
    kind: &str,
    came: Came<'_>,
    trace: &mut Trace,
) -> Verdict {
    let told: Vec<record::Act> = acts.iter().zip(ends).map(|(act, end)| act.ended(end)).collect();
    let gravest = ends.iter().max_by_key(|end| act::gravity(end.outcome));
    let (outcome, reason) =
        gravest.map_or((Outcome::Success, None), |end| (end.outcome, end.reason.clone()));
    let targets: Vec<Target> = told.iter().flat_map(|act| act.targets.clone()).collect();
    let targets: Vec<Target> = targets.into_iter().take(body::TARGETS_MAX).collect();
    let description = match outcome {
        Outcome::Success if act::are_told_alike(acts) || naming.is_one => {
            naming.sentence.done(&targets)
        }
        _ => act::summary(acts, &told, kind),
    };
    noted::acts((acts, ends), came, trace);
    noted::within(came, "the gravest of what the body tells of each", trace);
    noted::reason(came, reason.as_deref(), trace);
    note_ending(trace);
    if targets != naming.targets {
        noted::targets(&targets, &naming.targets, came.body, trace);
    }
    Verdict {
        action: None,
        // One name for several calls says nothing of any of them; items all have it.
        acts: if naming.is_one && naming.acts.len() > 1 { Vec::new() } else { told },
        outcome,
        reason,
        severity: match outcome {
            Outcome::Success => Severity::Info,
            Outcome::Denied => Severity::Warn,
            Outcome::Failure | Outcome::Unknown => Severity::Fail,
        },
        description,
        targets: (targets != naming.targets).then_some(targets),
    }
}
