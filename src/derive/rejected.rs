//! What a gateway refused: how it is told.

use super::code::code;
use super::naming::Naming;
use super::outcome::{Ended, Verdict};
use super::text::cut;
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
}

/// Tells what became of a named request that a gateway refused.
pub fn rejected(naming: &Naming, rejected: &Rejected, ended: Ended<'_>) -> Verdict {
    let reason = match ended {
        Ended::Response(response) | Ended::Observed(response, _) => {
            let tree = response.body.as_ref().map(BodyRecord::tree);
            let told = tree.as_ref().and_then(|tree| code(tree, Some(response.status)));
            told.unwrap_or_else(|| match response.status {
                status @ 400.. => format!("http_{status}"),
                _ => "stream_error".to_owned(),
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
