//! What a gateway refused: an event of one entry.

use serde_json::{Value, json};

use crate::capture::{Request, Response};
use crate::derive::{self, Changes, Ended, Origin, Rejected};
use crate::gateway::{self, Answer, Limit, Part, Place, RejectionRule, When};
use crate::record::{CanonicalError, Completion, Intent, Outcome, Severity};
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
        let (rule, code, within) = match end {
            End::Response(response) => Answer::read(&asked.path, response, |answer| {
                let rule = stage.events.rejections().find(answer);
                let code = rule.and_then(|rule| rule.code(answer));
                (rule.cloned(), code, answer.limit())
            }),
            _ => (None, None, Limit::new()),
        };
        let within = searched(stage, within, &self.seen);
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
        let redacted = self.naming.as_ref().and(rejected).and(response).and(within);
        let completion = redacted.map(|(((naming, mut rejected), response), within)| {
            let limit = response.as_ref().map(|response| gateway::limit(&response.headers));
            let limit = whole(limit.unwrap_or_default(), within);
            rejected.code = code;
            rejected.limit =
                limit.iter().map(|(name, part)| (*name, origin(&part.place))).collect();
            let ended = match (&response, end) {
                (Some(response), _) => Ended::Response(response),
                (None, end) => ended(end),
            };
            let verdict = derive::rejected_traced(naming, &rejected, ended, &mut trace);
            let mut completion = self.assemble(verdict, Changes::default(), timing);
            completion.rule = rule;
            if let Some(mut response) = response {
                completion.detail =
                    limit.into_iter().map(|(name, part)| (name, part.text)).collect();
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

/// What an error says of a limit, searched for secrets as all else.
fn searched(stage: &Stage<'_>, limit: Limit, seen: &Seen) -> Redacted<Limit> {
    limit.into_iter().fold(Redacted::default(), |found, (name, Part { text, place })| {
        found.and(stage.engine.text(&text, seen)).map(|(mut found, text)| {
            found.insert(name, Part { text, place });
            found
        })
    })
}

/// The limit as header fields tell it, or else as the error does.
fn whole(fields: Limit, within: Limit) -> Limit {
    let is_told = fields.keys().any(|name| *name != "retry_after");
    let within = within.into_iter().filter(|(name, _)| !is_told || *name == "retry_after");
    within.chain(fields).collect()
}

fn origin(place: &Place) -> Origin {
    match place {
        Place::Field(name) => Origin::ResponseHeader(name.clone()),
        Place::Body(path) => Origin::ResponseBody((*path).to_owned()),
    }
}

/// What of an answer a rule looks at.
fn looked_at(when: &When) -> Vec<Origin> {
    let status = (!when.statuses.is_empty()).then_some(Origin::Status);
    let fields = when.headers.iter().map(|(name, _)| Origin::ResponseHeader(name.to_string()));
    let body = when.body.iter().map(|(path, _)| Origin::ResponseBody(path.as_str().to_owned()));
    status.into_iter().chain(fields).chain(body).collect()
}

/// The rejection that a rule says, or else that the end looks like.
fn rejection_of(
    rule: Option<&RejectionRule>,
    end: End<'_>,
    (model, model_at): (Option<String>, Option<usize>),
) -> Rejected {
    if let Some(RejectionRule { id, when, action, outcome, severity }) = rule {
        let mut told_by = looked_at(when);
        // What had begun well has the status that its error names.
        if let End::Response(Response { status: ..400, .. }) = end
            && let Some(place) = told_by.iter_mut().find(|place| **place == Origin::Status)
        {
            *place = Origin::ResponseBody("$.error".to_owned());
        }
        return Rejected {
            action: action.clone(),
            outcome: *outcome,
            severity: *severity,
            model,
            model_at,
            rule: Some(id.clone()),
            told_by,
            limit: Vec::new(),
            code: None,
        };
    }
    let (action, outcome, severity) = match end {
        End::Response(Response { status: 400..=499, .. }) => {
            ("gateway.rejected", Outcome::Denied, Severity::Warn)
        }
        _ => ("gateway.upstream_failed", Outcome::Failure, Severity::Fail),
    };
    Rejected {
        action: action.to_owned(),
        outcome,
        severity,
        model,
        model_at,
        rule: None,
        told_by: Vec::new(),
        limit: Vec::new(),
        code: None,
    }
}

/// Both halves of an event in one document; what the completion says wins.
pub(super) fn joined(intent: &Intent, completion: &Completion) -> Result<Value, CanonicalError> {
    let mut whole = serde_json::to_value(intent)?;
    let end = serde_json::to_value(completion)?;
    if let (Value::Object(whole), Value::Object(end)) = (&mut whole, end) {
        let redactions = whole.remove("redactions");
        whole.extend(end);
        // Whatever it was about: what stopped it was the gateway.
        whole.insert("category".to_owned(), json!("gateway"));
        if let Some(Value::Array(mut receipts)) = redactions {
            if let Some(Value::Array(more)) = whole.remove("redactions") {
                receipts.extend(more);
            }
            whole.insert("redactions".to_owned(), Value::Array(receipts));
        }
    }
    Ok(whole)
}
