//! How it is told that something was not done, or that nobody knows.

use super::super::act::{self, End};
use super::super::naming::Naming;
use super::super::trace::{By, Field, Trace};
use super::{Verdict, noted};
use crate::record::{self, Outcome, Severity};

/// The description is made of the rest.
pub(super) fn note_ending(trace: &mut Trace) {
    trace.note(Field::Description, || {
        let by = By::Convention("a sentence of action, target and how it ended");
        (by, vec![noted::event("outcome"), noted::event("reason")])
    });
}

/// There was no response.
pub(super) fn broken(
    naming: &Naming,
    outcome: Outcome,
    reason: &str,
    trace: &mut Trace,
) -> Verdict {
    noted::broken(trace);
    without(naming, outcome, reason, trace)
}

pub(super) fn without(
    naming: &Naming,
    outcome: Outcome,
    reason: &str,
    trace: &mut Trace,
) -> Verdict {
    note_ending(trace);
    let (sentence, targets) = (&naming.sentence, naming.targets.as_slice());
    let severity = if outcome == Outcome::Denied { Severity::Warn } else { Severity::Fail };
    let description = match outcome {
        _ if naming.is_mixed() => {
            let what = match outcome {
                Outcome::Denied => "refused",
                Outcome::Unknown => "outcome unknown",
                _ => "not done",
            };
            act::plan(&naming.acts, &format!("{}: {what} ({reason})", naming.acts_kind))
        }
        Outcome::Denied => sentence.refused(targets, reason),
        Outcome::Unknown => sentence.unknown(targets, reason),
        _ => sentence.failed(targets, reason),
    };
    let reason = Some(reason.to_owned());
    let acts = all_ended(naming, &End::of(outcome, reason.clone()));
    Verdict { action: None, acts, outcome, reason, severity, description, targets: None }
}

/// Several acts that all ended alike.
pub(super) fn all_ended(naming: &Naming, end: &End) -> Vec<record::Act> {
    match naming.acts.len() {
        0 | 1 => Vec::new(),
        _ if naming.is_one => Vec::new(),
        _ => naming.acts.iter().map(|act| act.ended(end)).collect(),
    }
}
