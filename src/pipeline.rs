//! The pure composition of the stages: a captured request becomes an intent, and what came of it
//! becomes a completion. No I/O, nothing of Pingora.
//!
//! Redaction comes before derivation, so that whatever is derived can hold nothing secret: the
//! deriving stage never sees what was captured, only its redacted record.

mod states;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;
use serde_json::{Value, json};

use crate::capture::{Body, Request, Response};
use crate::clock::Timestamp;
use crate::derive::{self, Changes, Ended, EventRules, Kind, Naming, Place, Rejected, Verdict};
use crate::gateway::{self, Answer, RejectionRule};
use crate::identify::{self, Identified};
use crate::record::{
    Actor, CanonicalError, Completion, Entry, EntryKind, EventId, Intent, Observer, Outcome,
    RequestRecord, Scope, Severity, canonical,
};
use crate::redact::{Detail, Engine, Redacted, Seen};
use crate::route::is_model;
pub use states::{Reading, States};

/// What the stages work with.
pub struct Stage<'a> {
    /// The redaction engine in force.
    pub engine: &'a Engine,
    /// Peers whose forwarding headers are believed.
    pub trusted: &'a [IpNet],
    /// The rules that name events.
    pub events: &'a EventRules,
    /// The kind of route.
    pub kind: Kind,
    /// How much of the request is recorded.
    pub request: Detail,
    /// How much of the response is recorded.
    pub response: Detail,
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy)]
pub enum End<'a> {
    /// With a response.
    Response(&'a Response),
    /// The upstream was never reached.
    NotSent,
    /// The upstream was lost after it had the request.
    UpstreamLost,
    /// The upstream did not answer in time.
    UpstreamTimeout,
    /// The client broke off its request.
    ClientAborted,
}

/// When, and what else is known of the end.
#[derive(Debug, Clone, Copy)]
pub struct Timing<'a> {
    /// When the outcome was known.
    pub completed_at: Timestamp,
    /// From the request's arrival to here.
    pub duration: Duration,
    /// The upstream's part of it, if it was reached.
    pub upstream: Option<Duration>,
    /// The client had left.
    pub client_gone: bool,
    /// A request body that was longer than the capture limit, now that it has passed.
    pub request_body: Option<&'a Body>,
    /// The states before and after, where they were to be read.
    pub states: Option<&'a States>,
}

/// A request that has gone through the stages, waiting for its end.
pub struct Prepared {
    id: EventId,
    intent: Redacted<Intent>,
    naming: Redacted<Naming>,
    seen: Seen,
    unread: Unread,
    /// Of a request to a gateway: its path, and the model that it asks for.
    asked: Option<Asked>,
}

/// What a gateway was asked.
struct Asked {
    path: String,
    model: Option<Redacted<String>>,
}

/// Why bodies of an exchange could not be read, as notes in the record say it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    /// The request's.
    pub request: Option<&'static str>,
    /// The response's.
    pub response: Option<&'static str>,
    /// The state's before.
    pub before: Option<&'static str>,
    /// The state's after.
    pub after: Option<&'static str>,
}

impl Prepared {
    /// Takes a request through the stages. Who acts is what the request claims.
    pub fn new(
        stage: &Stage<'_>,
        id: EventId,
        time: Timestamp,
        observer: Observer,
        request: &Request,
    ) -> Self {
        let who = identify::actor(request, stage.engine.key())
            .map(|actor| Identified { actor, notes: Vec::new() });
        Self::of_actor(stage, id, time, observer, request, who)
    }

    /// Takes a request through the stages, whose actor is known.
    pub fn of_actor(
        stage: &Stage<'_>,
        id: EventId,
        time: Timestamp,
        observer: Observer,
        request: &Request,
        who: Redacted<Identified>,
    ) -> Self {
        let mut seen = Seen::default();
        let who = match stage.kind {
            Kind::Gateway => identify::caller(request, who, stage.engine.key()),
            Kind::Admin => who,
        };
        let record = stage.engine.request(request, stage.request, &mut seen);
        let unread = Unread { request: record.get().unread, ..Unread::default() };
        let actor = searched(stage.engine, who, &seen);
        let source = identify::source(request, stage.trusted, &record);
        let host = match stage.events.is_empty() {
            true => Redacted::default(),
            false => stage.engine.text(&request.host, &seen),
        };
        let known = record.as_ref().and(actor.as_ref()).and(host);
        let naming = known.map(|((record, actor), host)| {
            let place = Place { rules: stage.events, host: &host, kind: stage.kind };
            derive::named(record, &actor.actor, &place)
        });
        let intent = record.and(actor).and(source).and(naming.clone()).map(
            |(((record, who), source), naming)| {
                let rule = naming.rule().map(ToOwned::to_owned);
                let request_id = header(&record, "x-request-id");
                let trace_id = header(&record, "traceparent").and_then(|value| trace_id(&value));
                let mut record = record;
                record.route = naming.route.clone();
                record.notes.extend(naming.notes.iter().map(|note| (*note).to_owned()));
                record.notes.extend(who.notes.iter().map(|note| (*note).to_owned()));
                let redactions = std::mem::take(&mut record.receipts);
                Intent {
                    id,
                    time,
                    acts: naming.acts(),
                    action: naming.action,
                    category: naming.category,
                    description: naming.description,
                    actor: who.actor,
                    source,
                    targets: naming.targets,
                    scope: naming.scope,
                    request: record,
                    redactions,
                    trace_id,
                    request_id,
                    rule,
                    observer,
                }
            },
        );
        let asked = (stage.kind == Kind::Gateway).then(|| Asked {
            path: request.path().to_owned(),
            model: gateway::model(request).map(|model| stage.engine.text(&model, &seen)),
        });
        Self { id, intent, naming, seen, unread, asked }
    }

    /// The event's id.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// What could not be read so far.
    pub fn unread(&self) -> Unread {
        self.unread
    }

    fn scope(&self) -> Scope {
        self.intent.get().scope.clone()
    }

    /// The entry to be durable before the upstream is contacted.
    pub fn intent(&self) -> Result<Entry, CanonicalError> {
        let doc = canonical(&self.intent)?;
        Ok(Entry { kind: EntryKind::Intent, id: self.id, intent: None, scope: self.scope(), doc })
    }

    /// The entry to be durable before the response is released.
    pub fn completion(
        &mut self,
        stage: &Stage<'_>,
        end: End<'_>,
        timing: &Timing<'_>,
    ) -> Result<Entry, CanonicalError> {
        let doc = canonical(&self.complete(stage, end, timing))?;
        let (id, scope) = (self.id, self.scope());
        Ok(Entry { kind: EntryKind::Completion, id, intent: None, scope, doc })
    }

    /// The entry of an event that has no intent: a gateway's rejection.
    pub fn rejection(
        &mut self,
        stage: &Stage<'_>,
        end: End<'_>,
        timing: &Timing<'_>,
    ) -> Result<Entry, CanonicalError> {
        let completion = self.refused(stage, end, timing);
        let halves = self.intent.as_ref().and(completion);
        let doc = canonical(&halves.try_map(|(intent, completion)| joined(intent, &completion))?)?;
        let (id, scope) = (self.id, self.scope());
        Ok(Entry { kind: EntryKind::Completion, id, intent: None, scope, doc })
    }

    fn complete(
        &mut self,
        stage: &Stage<'_>,
        end: End<'_>,
        timing: &Timing<'_>,
    ) -> Redacted<Completion> {
        let mut response = match end {
            End::Response(response) => {
                Some(stage.engine.response(response, stage.response, &mut self.seen))
            }
            _ => None,
        };
        let known = self.seen.knowledge();
        let observed = timing.states.map(|states| states.observed(stage.engine, &mut self.seen));
        if let End::Response(captured) = end
            && self.seen.has_learnt_since(known)
        {
            response = Some(stage.engine.response(captured, stage.response, &mut self.seen));
        }
        self.unread.response = response.as_ref().and_then(|response| response.get().unread);
        if let (Some(states), Some(observed)) = (timing.states, &observed) {
            (self.unread.before, self.unread.after) = states.unread(observed.get());
        }
        let observed = observed.map_or_else(Redacted::default, |observed| observed.map(Some));
        let redacted = self.naming.as_ref().and(self.intent.as_ref()).and(observed);
        match response {
            Some(response) => redacted.and(response).map(|(known, mut response)| {
                let ((naming, intent), observed) = known;
                let ended = match &observed {
                    Some(observed) => Ended::Observed(&response, observed),
                    None => Ended::Response(&response),
                };
                let verdict = derive::outcome(naming, &intent.request, &intent.actor, ended);
                let redactions = std::mem::take(&mut response.receipts);
                let (request, observed) = (&intent.request, observed.as_ref());
                let changes = derive::changes(request, naming, &verdict, Some(&response), observed);
                let mut completion = self.assemble(verdict, changes, timing);
                completion.response = Some(response);
                completion.redactions = redactions;
                completion
            }),
            None => redacted.map(|((naming, intent), _)| {
                let ended = ended(end);
                let request = &intent.request;
                let verdict = derive::outcome(naming, request, &intent.actor, ended);
                let changes = derive::changes(request, naming, &verdict, None, None);
                self.assemble(verdict, changes, timing)
            }),
        }
    }

    /// How a gateway refused a request. Which rejection it is is told by what was captured; whatever
    /// is recorded of it comes from the redacted response, without its body.
    fn refused(
        &mut self,
        stage: &Stage<'_>,
        end: End<'_>,
        timing: &Timing<'_>,
    ) -> Redacted<Completion> {
        let none = Asked { path: String::new(), model: None };
        let asked = self.asked.as_ref().unwrap_or(&none);
        let rule = match end {
            End::Response(response) => Answer::read(&asked.path, response, |answer| {
                stage.events.rejections().find(answer).cloned()
            }),
            _ => None,
        };
        let model = asked.model.clone().unwrap_or_default().map(Some);
        let model = model.map(|model| model.filter(|model| is_model(model)));
        let rejected = model.map(|model| rejection_of(rule.as_ref(), end, model));
        let rule = rule.map(|rule| rule.id);
        let response = match end {
            End::Response(response) => {
                let body = stage.engine.response(response, Detail::WithBody, &mut self.seen);
                body.map(Some)
            }
            _ => Redacted::default(),
        };
        self.unread.response = response.get().as_ref().and_then(|response| response.unread);
        let redacted = self.naming.as_ref().and(rejected).and(response);
        redacted.map(|((naming, rejected), response)| {
            let ended = match (&response, end) {
                (Some(response), _) => Ended::Response(response),
                (None, end) => ended(end),
            };
            let verdict = derive::rejected(naming, &rejected, ended);
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
        })
    }

    fn assemble(&self, verdict: Verdict, changes: Changes, timing: &Timing<'_>) -> Completion {
        Completion {
            id: self.id,
            completed_at: timing.completed_at,
            duration_ms: millis(timing.duration),
            upstream_ms: timing.upstream.map(millis),
            outcome: verdict.outcome,
            reason: verdict.reason,
            severity: verdict.severity,
            action: verdict.action,
            acts: verdict.acts,
            description: Some(verdict.description),
            detail: BTreeMap::new(),
            targets: verdict.targets,
            client_gone: timing.client_gone,
            response: None,
            rule: None,
            request_body: timing
                .request_body
                .map(|body| json!({"size": body.size, "sha256": body.sha256})),
            changes: changes.list,
            changes_hidden: changes.hidden,
            changes_notes: changes.notes,
            changes_source: changes.source,
            redactions: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// What an end without a response is.
fn ended(end: End<'_>) -> Ended<'static> {
    match end {
        End::Response(_) | End::UpstreamLost => Ended::UpstreamLost,
        End::NotSent => Ended::NotSent,
        End::UpstreamTimeout => Ended::UpstreamTimeout,
        End::ClientAborted => Ended::ClientAborted,
    }
}

/// The rejection that a rule says, or else that the end looks like.
fn rejection_of(rule: Option<&RejectionRule>, end: End<'_>, model: Option<String>) -> Rejected {
    if let Some(RejectionRule { action, outcome, severity, .. }) = rule {
        return Rejected { action: action.clone(), outcome: *outcome, severity: *severity, model };
    }
    let (action, outcome, severity) = match end {
        End::Response(Response { status: 400..=499, .. }) => {
            ("gateway.rejected", Outcome::Denied, Severity::Warn)
        }
        _ => ("gateway.upstream_failed", Outcome::Failure, Severity::Fail),
    };
    Rejected { action: action.to_owned(), outcome, severity, model }
}

/// Both halves of an event in one document; what the completion says wins.
fn joined(intent: &Intent, completion: &Completion) -> Result<Value, CanonicalError> {
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

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What says who may be a secret that stands elsewhere in the request, or look like one.
fn searched(engine: &Engine, who: Redacted<Identified>, seen: &Seen) -> Redacted<Identified> {
    let shown = |text: Option<String>| text.map(|text| engine.text(&text, seen).into_inner());
    who.map(|Identified { actor, notes }| {
        let actor = Actor {
            id: shown(actor.id),
            name: shown(actor.name),
            email: shown(actor.email),
            ..actor
        };
        Identified { actor, notes }
    })
}

/// The value of a header that was recorded once.
fn header(record: &RequestRecord, name: &str) -> Option<String> {
    record.headers.get(name)?.as_str().map(ToOwned::to_owned)
}

/// The trace id of a `traceparent` (W3C Trace Context, section 3.2).
fn trace_id(traceparent: &str) -> Option<String> {
    let mut parts = traceparent.split('-');
    let (_version, trace) = (parts.next()?, parts.next()?);
    let plausible = trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit());
    plausible.then(|| trace.to_ascii_lowercase())
}
