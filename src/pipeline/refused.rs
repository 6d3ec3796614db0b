//! What a gateway refused: an event of one entry.

use crate::capture::{Request, Response};
use crate::derive::{self, Changes, Ended, Rejected};
use crate::gateway::{self, Answer, RejectionRule};
use crate::record::{Completion, Outcome, Severity};
use crate::redact::{Detail, Redacted, Seen};
use crate::route::is_model;

use super::{End, Prepared, Stage, Timing, ended};

/// What a gateway was asked.
pub(super) struct Asked {
    path: String,
    model: Option<Redacted<String>>,
    /// The segment of the path with it.
    segment: Option<usize>,
}

impl Asked {
    pub(super) fn of(stage: &Stage<'_>, request: &Request, seen: &Seen) -> Self {
        let model = gateway::model(request);
        Self {
            path: request.path().to_owned(),
            segment: model.as_ref().and_then(|model| model.segment),
            model: model.map(|model| stage.engine.text(&model.name, seen)),
        }
    }
}

impl Prepared {
    /// How a gateway refused a request. Which rejection it is is told by what was captured; whatever
    /// is recorded of it comes from the redacted response, without its body.
    pub(super) fn refused(
        &mut self,
        stage: &Stage<'_>,
        end: End<'_>,
        timing: &Timing<'_>,
    ) -> Redacted<Completion> {
        let none = Asked { path: String::new(), model: None, segment: None };
        let asked = self.asked.as_ref().unwrap_or(&none);
        let rule = match end {
            End::Response(response) => Answer::read(&asked.path, response, |answer| {
                stage.events.rejections().find(answer).cloned()
            }),
            _ => None,
        };
        let model = asked.model.clone().unwrap_or_default().map(Some);
        let model = model.map(|model| model.filter(|model| is_model(model)));
        let segment = asked.segment;
        let rejected = model.map(|model| rejection_of(rule.as_ref(), end, (model, segment)));
        let rule = rule.map(|rule| rule.id);
        let response = match end {
            End::Response(response) => {
                let body = stage.engine.response(response, Detail::WithBody, &mut self.seen);
                body.map(Some)
            }
            _ => Redacted::default(),
        };
        self.unread.response = response.get().as_ref().and_then(|response| response.unread);
        let mut trace = std::mem::take(&mut self.trace);
        let redacted = self.naming.as_ref().and(rejected).and(response);
        let completion = redacted.map(|((naming, rejected), response)| {
            let ended = match (&response, end) {
                (Some(response), _) => Ended::Response(response),
                (None, end) => ended(end),
            };
            let verdict = derive::rejected_traced(naming, &rejected, ended, &mut trace);
            let mut completion = self.assemble(verdict, Changes::default(), timing);
            completion.rule = rule;
            if let Some(mut response) = response {
                completion.detail = gateway::limit(&response.headers);
                completion.redactions = std::mem::take(&mut response.receipts);
                completion
                    .redactions
                    .retain(|receipt| !receipt.location.starts_with("response.body"));
                response.body = None;
                completion.response = Some(response);
            }
            completion
        });
        self.trace = trace;
        completion
    }
}

/// The rejection that a rule says, or else that the end looks like.
fn rejection_of(
    rule: Option<&RejectionRule>,
    end: End<'_>,
    (model, model_at): (Option<String>, Option<usize>),
) -> Rejected {
    if let Some(RejectionRule { id, action, outcome, severity, .. }) = rule {
        return Rejected {
            action: action.clone(),
            outcome: *outcome,
            severity: *severity,
            model,
            model_at,
            rule: Some(id.clone()),
        };
    }
    let (action, outcome, severity) = match end {
        End::Response(Response { status: 400..=499, .. }) => {
            ("gateway.rejected", Outcome::Denied, Severity::Warn)
        }
        _ => ("gateway.upstream_failed", Outcome::Failure, Severity::Fail),
    };
    Rejected { action: action.to_owned(), outcome, severity, model, model_at, rule: None }
}
