//! The pure composition of the stages: a captured request becomes an intent, and what came of it
//! becomes a completion. No I/O, nothing of Pingora.
//!
//! Redaction comes before derivation, so that whatever is derived can hold nothing secret: the
//! deriving stage never sees what was captured, only its redacted record.

mod refused;
mod states;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use ipnet::IpNet;
use serde_json::{Value, json};

use crate::capture::{Body, Request, Response};
use crate::clock::Timestamp;
use crate::decode::REDACTED_BY_VALUE;
use crate::derive::{self, Changes, Ended, EventRules, Kind, Naming, Place, Trace, Verdict};
use crate::identify::{self, Identified};
use crate::record::{
    Actor, ActorKind, BodyRecord, CanonicalError, Claim, Completion, Entry, EntryKind, EventId,
    Intent, Observer, RequestRecord, Scope, canonical,
};
use crate::redact::{Detail, Engine, Redacted, Seen};
use refused::{Asked, joined};
pub use states::{Reading, States};

/// The note of a request's body that did not come to its end.
const CUT_SHORT: &str = "cut_short";

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
    /// The upstream answered something that is no HTTP response, or that cannot be read.
    UpstreamInvalid,
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
    /// A request body that was longer than the capture limit, now that it has passed, or broke off.
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
    trace: Trace,
    /// Of a request to a gateway: its path, and the model that it asks for.
    asked: Option<Asked>,
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
        let who = identify::actor(request, stage.engine.key()).map(|actor| Identified {
            actor,
            notes: Vec::new(),
            rule: None,
        });
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
        Self::begin(stage, id, time, observer, (request, who), Trace::off())
    }

    /// The same, noting where each derived field comes from.
    pub fn traced(
        stage: &Stage<'_>,
        id: EventId,
        time: Timestamp,
        observer: Observer,
        request: &Request,
        who: Redacted<Identified>,
    ) -> Self {
        Self::begin(stage, id, time, observer, (request, who), Trace::on())
    }

    fn begin(
        stage: &Stage<'_>,
        id: EventId,
        time: Timestamp,
        observer: Observer,
        (request, who): (&Request, Redacted<Identified>),
        mut trace: Trace,
    ) -> Self {
        let mut seen = Seen::default();
        let who = match stage.kind {
            Kind::Gateway => identify::caller(request, who, stage.engine.key()),
            Kind::Admin => who,
        };
        let record = stage.engine.request(request, stage.request, &mut seen);
        let unread = Unread { request: record.get().unread, ..Unread::default() };
        let actor = searched(stage.engine, who, &seen);
        let actor = actor.and(identify::on_behalf(&record)).map(|(mut who, claim)| {
            who.notes.extend(claim.iter().flat_map(|claim| &claim.notes));
            who.actor.claimed.extend(claim);
            who
        });
        let source = identify::source(request, stage.trusted, &record);
        let host = match stage.events.is_empty() {
            true => Redacted::default(),
            false => stage.engine.text(&request.host, &seen),
        };
        let known = record.as_ref().and(actor.as_ref()).and(host);
        let naming = known.map(|((record, actor), host)| {
            let place = Place { rules: stage.events, host: &host, kind: stage.kind };
            derive::named_traced(record, &actor.actor, &place, &mut trace)
        });
        let intent = record.and(actor).and(source).and(naming.clone()).map(
            |(((record, who), source), mut naming)| {
                let rule = naming.rule().map(ToOwned::to_owned);
                let request_id = header(&record, "x-request-id");
                let trace_id = header(&record, "traceparent").and_then(|value| trace_id(&value));
                let mut record = record;
                let mut actor = who.actor;
                if naming.is_delivery && actor.kind == ActorKind::Anonymous {
                    actor.kind = ActorKind::Webhook;
                }
                record.route = naming.route.clone();
                record.notes.extend(naming.notes.iter().map(|note| (*note).to_owned()));
                record.notes.extend(who.notes.iter().map(|note| (*note).to_owned()));
                let redactions = std::mem::take(&mut record.receipts);
                let targets = std::mem::take(&mut naming.targets);
                let targets = naming.recorded(targets, &mut trace);
                Intent {
                    id,
                    time,
                    acts: naming.recorded_acts(naming.acts()),
                    action: naming.action,
                    category: naming.category,
                    description: naming.description,
                    actor,
                    source,
                    targets,
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
        let asked = (stage.kind == Kind::Gateway).then(|| Asked::of(stage, request, &seen));
        let mut prepared = Self { id, intent, naming, seen, unread, trace, asked };
        prepared.rest();
        prepared
    }

    /// Lets go of what was read to derive from, as somebody else is waited for now.
    fn rest(&mut self) {
        let request = self.intent.as_mut().map(|intent| &mut intent.request).into_inner();
        request.body.iter_mut().for_each(BodyRecord::rest);
    }

    /// The event's id.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// Where the derived fields came from, if that was asked for.
    pub fn trace(&self) -> &Trace {
        &self.trace
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
        let doc = canonical(&self.complete(stage, end, timing));
        self.rest();
        let doc = doc?;
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
        let doc = canonical(&halves.try_map(|(intent, completion)| joined(intent, &completion))?);
        self.rest();
        let doc = doc?;
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
        let mut trace = std::mem::take(&mut self.trace);
        let mut judge = |naming: &Naming, intent: &Intent, ended: Ended<'_>| {
            derive::outcome_traced(naming, &intent.request, &intent.actor, ended, &mut trace)
        };
        let redacted = self.naming.as_ref().and(self.intent.as_ref()).and(observed);
        let completion = match response {
            Some(response) => redacted.and(response).map(|(known, mut response)| {
                let ((naming, intent), observed) = known;
                let ended = match &observed {
                    Some(observed) => Ended::Observed(&response, observed),
                    None => Ended::Response(&response),
                };
                let verdict = judge(naming, intent, ended);
                let redactions = std::mem::take(&mut response.receipts);
                let (request, observed) = (&intent.request, observed.as_ref());
                let changes = derive::changes(request, naming, &verdict, Some(&response), observed);
                let verdict = recorded(naming, verdict);
                let mut completion = self.assemble(verdict, changes, timing);
                completion.response = Some(response);
                completion.redactions = redactions;
                completion
            }),
            None => redacted.map(|((naming, intent), _)| {
                let verdict = judge(naming, intent, ended(end));
                let request = &intent.request;
                let changes = derive::changes(request, naming, &verdict, None, None);
                self.assemble(recorded(naming, verdict), changes, timing)
            }),
        };
        self.trace = trace;
        completion
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
            request_body: timing.request_body.map(passed),
            changes: changes.list,
            changes_hidden: changes.hidden,
            changes_notes: changes.notes,
            changes_source: changes.source,
            redactions: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// What is known of a body, now that no more of it comes.
fn passed(body: &Body) -> Value {
    match &body.sha256 {
        Some(sha256) => json!({"size": body.size, "sha256": sha256}),
        None => json!({"size": body.size, "notes": [CUT_SHORT]}),
    }
}

/// The verdict with targets and acts as they are recorded.
fn recorded(naming: &Naming, mut verdict: Verdict) -> Verdict {
    let targets = verdict.targets.take();
    verdict.targets = targets.map(|it| naming.recorded(it, &mut Trace::off()));
    verdict.acts = naming.recorded_acts(std::mem::take(&mut verdict.acts));
    verdict
}

/// What an end without a response is.
fn ended(end: End<'_>) -> Ended<'static> {
    match end {
        End::Response(_) | End::UpstreamLost => Ended::UpstreamLost,
        End::NotSent => Ended::NotSent,
        End::UpstreamInvalid => Ended::UpstreamInvalid,
        End::UpstreamTimeout => Ended::UpstreamTimeout,
        End::ClientAborted => Ended::ClientAborted,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// What says who may be a secret that stands elsewhere in the request, or look like one.
fn searched(engine: &Engine, who: Redacted<Identified>, seen: &Seen) -> Redacted<Identified> {
    who.map(|Identified { actor, mut notes, rule }| {
        let mut is_hidden = false;
        let mut shown = |name: Option<String>| {
            let (name, is_secret) = engine.identity(&name?, seen);
            is_hidden |= is_secret;
            Some(name.into_inner())
        };
        let claim = |claim: Claim| Claim {
            id: shown(claim.id),
            name: shown(claim.name),
            email: shown(claim.email),
            ..claim
        };
        let claimed = actor.claimed.into_iter().map(claim).collect();
        let actor = Actor {
            claimed,
            id: shown(actor.id),
            name: shown(actor.name),
            email: shown(actor.email),
            ..actor
        };
        if is_hidden {
            notes.push(REDACTED_BY_VALUE);
        }
        Identified { actor, notes, rule }
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
