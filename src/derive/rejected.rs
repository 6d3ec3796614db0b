//! What a gateway refused: how it is told.

use super::body::Value;
use super::code::{code, code_at, field_code, json_path, status_in, word};
use super::naming::Naming;
use super::outcome::{Ended, Verdict};
use super::text::cut;
use super::trace::{By, Field, Origin, Trace};
use crate::record::{BodyRecord, Outcome, Severity, Target};

/// What is known of a rejection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// `gateway.rate_limit_exceeded`, …
    pub action: String,
    /// Refused, or failed.
    pub outcome: Outcome,
    /// How much it should worry.
    pub severity: Severity,
    /// The model that was asked for.
    pub model: Option<String>,
    /// The segment of the path that names it, empty ones not counted; else the body does.
    pub model_at: Option<usize>,
    /// The rule that says so.
    pub rule: Option<String>,
    /// What of the answer the rule looks at.
    pub told_by: Vec<Origin>,
    /// The code that is all that the answer says of its error, where the rule names it.
    pub code: Option<String>,
    /// The parts of the limit that was reached, and where they stand.
    pub limit: Vec<(&'static str, Origin)>,
}

impl Rejected {
    /// The code in the place of an error.
    fn code_alone(&self, status: u16) -> Option<String> {
        word(self.code.as_deref()?, Some(status))
    }
}

/// Tells what became of a named request that a gateway refused.
pub fn rejected(naming: &Naming, rejected: &Rejected, ended: Ended<'_>) -> Verdict {
    rejected_traced(naming, rejected, ended, &mut Trace::off())
}

/// The same, and where each field came from; the trace goes on where that of the naming ended.
pub fn rejected_traced(
    naming: &Naming,
    rejected: &Rejected,
    ended: Ended<'_>,
    trace: &mut Trace,
) -> Verdict {
    let reason = match ended {
        Ended::Response(response) | Ended::Observed(response, _) => {
            let tree = response.body.as_ref().map(BodyRecord::tree);
            let told = tree.and_then(|tree| code(tree, Some(response.status)));
            let told = told.or_else(|| Some(field_code(response)?.0));
            let told = told.or_else(|| rejected.code_alone(response.status));
            told.unwrap_or_else(|| match response.status {
                status @ 400.. => format!("http_{status}"),
                _ => tree
                    .and_then(status_told)
                    .map_or_else(|| "stream_error".to_owned(), |(told, _)| format!("http_{told}")),
            })
        }
        Ended::NotSent => "not_sent".to_owned(),
        Ended::ClientAborted => "client_aborted".to_owned(),
        Ended::UpstreamLost => "upstream_lost".to_owned(),
        Ended::UpstreamTimeout => "upstream_timeout".to_owned(),
        Ended::UpstreamInvalid => "upstream_invalid".to_owned(),
    };
    let asked = match &rejected.model {
        Some(model) => format!("Request to model “{model}”"),
        None => "Request to a model".to_owned(),
    };
    let became = match rejected.outcome {
        Outcome::Denied => "rejected",
        _ => "failed",
    };
    let what = rejected.action.split_once('.').map_or("rejected", |(_, verb)| verb);
    let mut description = format!("{asked} {became}");
    if what != became {
        description.push_str(&format!(": {}", what.replace('_', " ")));
    }
    if what != reason {
        description.push_str(&format!(" ({reason})"));
    }
    let model =
        |model: &String| Target { kind: "model".to_owned(), id: Some(model.clone()), name: None };
    let targets = rejected.model.as_ref().map(|id| vec![model(id)]);
    if trace.is_on() {
        noted(rejected, ended, targets.is_some(), trace);
    }
    Verdict {
        acts: Vec::new(),
        action: Some(rejected.action.clone()),
        outcome: rejected.outcome,
        reason: Some(reason),
        severity: rejected.severity,
        description: cut(&description),
        targets: targets.filter(|targets| *targets != naming.targets),
    }
}

/// The status that an error in the answer has as its code, and where.
fn status_told(body: &Value<'_>) -> Option<(u16, &'static str)> {
    let error = body.get("error")?;
    let places = [("code", "$.error.code"), ("status", "$.error.status")];
    places.into_iter().find_map(|(name, place)| Some((status_in(error.get(name)?)?, place)))
}

/// Notes where the fields of a rejection come from.
fn noted(rejected: &Rejected, ended: Ended<'_>, has_model: bool, trace: &mut Trace) {
    let response = match ended {
        Ended::Response(response) | Ended::Observed(response, _) => Some(response),
        _ => None,
    };
    let in_body = response.and_then(|response| {
        let tree = response.body.as_ref().map(BodyRecord::tree)?;
        let place = code_at(tree, Some(response.status)).map(|(_, at)| json_path(tree, at));
        let status = || status_told(tree).filter(|_| response.status < 400);
        let place = place.or_else(|| Some(status()?.1.to_owned()));
        place.map(Origin::ResponseBody)
    });
    let in_field = || Some(Origin::ResponseHeader(field_code(response?)?.1.to_owned()));
    let alone = || {
        rejected.code_alone(response?.status).map(|_| Origin::ResponseBody("$.error".to_owned()))
    };
    let place = in_body.or_else(in_field).or_else(alone);
    let end = if response.is_some() { Origin::Status } else { Origin::NoResponse };
    let by = || match &rejected.rule {
        Some(id) => By::Rejection { id: id.clone() },
        None => By::Convention("how the gateway answered"),
    };
    let told = match rejected.told_by.is_empty() {
        true => vec![end.clone()],
        false => rejected.told_by.clone(),
    };
    for field in [Field::Action, Field::Outcome, Field::Severity] {
        trace.note(field, || (by(), told.clone()));
    }
    for (name, place) in &rejected.limit {
        let by = By::Convention("what the answer says of the limit");
        trace.note(Field::Detail((*name).to_owned()), || (by, vec![place.clone()]));
    }
    let by = By::Convention("what stopped it was the gateway");
    trace.note(Field::Category, || (by, Vec::new()));
    trace.note(Field::Reason, || match place {
        Some(place) => (By::Convention("the response's own code"), vec![place]),
        None => (By::Convention("the status"), vec![end.clone()]),
    });
    let by = By::Convention("a sentence of the model, action and reason");
    trace.note(Field::Description, || (by, Vec::new()));
    if has_model {
        trace.forget(|field| matches!(field, Field::Kind(_) | Field::Id(_) | Field::Name(_)));
        for field in [Field::Kind(0), Field::Id(0)] {
            let by = By::Convention("the model that is asked for");
            let from = rejected.model_at.map_or(Origin::Call, Origin::Segment);
            trace.note(field, || (by, vec![from]));
        }
    }
}
