//! One audited exchange, from the request's body to the response's release, in the order that the
//! guarantee prescribes.
//!
//! Once the intent is durable the exchange runs to its end, whether or not the client stays.

mod failure;
mod observe;

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use http::header::SET_COOKIE;
use pingora::http::ResponseHeader;
use pingora::proxy::Session;

use super::body::{self, BodyError, Patience, RequestBody, declared_length};
use super::budget::Account;
use super::caller;
use super::failure::Failure;
use super::forward::{self, Framing};
use super::gate::Shared;
use super::heavy::{HEAVY_BYTES, through, weight};
use super::oversee::{Overseer, Passing};
use super::plan::{self, Recording};
use super::problem::{self, Problem};
use super::release::{self, Held, Holding};
use super::snapshot::{Routed, Snapshot};
use super::subject::{Subject, captured_response, end_of, stage};
use super::upstream::{Outgoing, Upload, Upstream, Waiting};
use crate::capture::{Body, Release};
use crate::gateway::Watch;
use crate::pipeline::{End, Prepared, States, Timing, Unread};
use crate::record::EventId;
use crate::recorder::{AppendError, OpenIntent};
use crate::route::{Safety, Shape};
use crate::telemetry::{AuditResult, ExchangeLabels, ReasonLabel, UnreadLabels};

pub(super) use failure::count_unknown_from_zero;

/// What the gate has decided about a request.
pub(super) struct Plan {
    /// Path and query, as sent.
    pub target: String,
    /// What is known of its effect.
    pub safety: Safety,
    /// What is recorded.
    pub recording: Recording,
    /// The protocols that the client offers to switch to.
    pub upgrade: Option<String>,
    /// Another route, if the body says so.
    pub by_body: Option<ByBody>,
}

/// A route that takes a request if its body is that of a call to a model.
pub(super) struct ByBody {
    pub routed: Arc<Routed>,
    pub shape: Shape,
}

/// An exchange whose intent is durable, if it needs one.
struct Exchange<'a> {
    shared: &'a Arc<Shared>,
    snapshot: &'a Snapshot,
    routed: &'a Routed,
    recording: Recording,
    upgrade: Option<String>,
    id: EventId,
    told: Told,
    intent: Option<OpenIntent>,
    /// The state before, until that after is read.
    observing: Option<Box<observe::Observing>>,
    states: Option<Box<States>>,
    began: Instant,
    account: Account,
}

/// The request as the stages tell it.
enum Told {
    /// Before the upstream sees it.
    Now(Box<Prepared>),
    /// If it is rejected, or never.
    Later(Box<Subject>),
}

impl Told {
    fn now(&self) -> Option<&Prepared> {
        match self {
            Self::Now(prepared) => Some(prepared),
            Self::Later(_) => None,
        }
    }
}

/// Who looks on, and the memory that is held meanwhile.
type Overseen<'a> = (Option<Overseer<'a>>, Account);

/// How the upstream's part ended.
struct Outcome {
    /// The response, and its connection as long as that is needed.
    held: Result<(Option<Box<Upstream>>, Held), Failure>,
    /// A request body that was longer than the capture limit, as far as it came.
    request_body: Option<Body>,
    client_gone: bool,
    upstream: Option<Duration>,
}

/// Carries one request through. Whatever happens, the client gets an answer or a closed connection.
pub(super) async fn run(
    shared: &Arc<Shared>,
    snapshot: &Arc<Snapshot>,
    routed: &Routed,
    session: &mut Session,
    plan: Plan,
) -> pingora::Result<()> {
    let Plan { target, safety, mut recording, upgrade, by_body } = plan;
    let (began, arrived) = (Instant::now(), shared.clock.now());
    let mut account = shared.budget.account();
    let timeouts = &snapshot.config.timeouts;
    let limit = routed.route.capture_request;
    let patience = Patience { between: timeouts.request_body, total: timeouts.request_body_total };
    let read = body::read(session, limit, patience, &mut account).await;
    let body = match read {
        Ok(body) => body,
        Err(BodyError::Gone) => {
            session.set_keepalive(None);
            return Ok(());
        }
        Err(BodyError::Refused(refusal)) => {
            return answer_and_close(session, &shared.refuse(&refusal)).await;
        }
        Err(BodyError::NoMemory) => {
            shared.budget.tell_exhausted();
            routed.requests.inc();
            count(shared, routed, AuditResult::Refused);
            let problem = problem::audit_unavailable("captured_bytes_limit");
            return answer_and_close(session, &problem).await;
        }
    };
    let known = match &body {
        RequestBody::Whole(body) => body.clone(),
        RequestBody::Begun(capture, _) => {
            capture.so_far(declared_length(&session.req_header().headers))
        }
    };
    let subject = Subject::of(session, snapshot, arrived, target, known);
    let by_body = by_body.filter(|by_body| subject.has(by_body.shape));
    let routed = by_body.as_ref().map_or(routed, |by_body| {
        recording = plan::recording(&by_body.routed.route, safety, false);
        &by_body.routed
    });
    routed.requests.inc();
    let id = subject.id();
    let told = match recording {
        Recording::Everything => {
            Told::Now(Box::new(subject.ask(shared, snapshot, routed, session).await))
        }
        Recording::Rejections | Recording::Nothing => Told::Later(Box::new(subject)),
    };
    let mut exchange = Exchange {
        shared,
        snapshot,
        routed,
        recording,
        upgrade,
        id,
        told,
        intent: None,
        observing: None,
        states: None,
        began,
        account,
    };
    if recording == Recording::Everything
        && let Err(error) = exchange.record_intent().await
    {
        exchange.count(AuditResult::Refused);
        return problem::send(session, &problem::audit_unavailable(error.reason())).await;
    }
    exchange.observe_before(session).await;
    let mut outcome = exchange.execute(session, body).await;
    exchange.observe_after(session, &mut outcome).await;
    exchange.conclude(session, outcome).await
}

async fn answer_and_close(session: &mut Session, problem: &Problem) -> pingora::Result<()> {
    session.set_keepalive(None);
    problem::send(session, problem).await
}

fn count(shared: &Shared, routed: &Routed, result: AuditResult) {
    let labels = ExchangeLabels { route: routed.route.name.clone(), result };
    shared.metrics.exchanges.get_or_create(&labels).inc();
}

impl<'a> Exchange<'a> {
    async fn record_intent(&mut self) -> Result<(), AppendError> {
        let Told::Now(prepared) = &self.told else { return Ok(()) };
        let entry = prepared.intent();
        let entry = entry.map_err(|_| AppendError::Unavailable { reason: "encoding" })?;
        self.intent = Some(self.shared.recorder.intent(entry).await?);
        Ok(())
    }

    fn event(&self) -> Option<EventId> {
        self.intent.as_ref().map(|_| self.id)
    }

    fn count(&self, result: AuditResult) {
        count(self.shared, self.routed, result);
    }

    /// Counts the bodies that are on record without their contents.
    fn count_unread(&self, unread: Unread) {
        for (half, reason) in [
            ("request", unread.request),
            ("response", unread.response),
            ("before", unread.before),
            ("after", unread.after),
        ] {
            if let Some(reason) = reason {
                let labels = UnreadLabels { half, reason };
                self.shared.metrics.unread_bodies.get_or_create(&labels).inc();
            }
        }
    }

    /// Sends the request and reads the response as far as it can be held.
    async fn execute(&mut self, session: &mut Session, mut body: RequestBody) -> Outcome {
        let began = Instant::now();
        let mut client_gone = false;
        let mut is_sent = false;
        let held = self.carry(session, &mut body, &mut is_sent, &mut client_gone).await;
        let request_body = match body {
            RequestBody::Whole(_) => None,
            RequestBody::Begun(capture, _) if is_sent => Some(capture.finish()),
            RequestBody::Begun(capture, _) => Some(capture.cut()),
        };
        let held = held.map(|(upstream, held)| (Some(upstream), held));
        let reached = !matches!(held, Err(Failure::NotSent | Failure::ConnectTimeout));
        Outcome { held, request_body, client_gone, upstream: reached.then(|| began.elapsed()) }
    }

    async fn carry(
        &mut self,
        session: &mut Session,
        body: &mut RequestBody,
        is_sent: &mut bool,
        client_gone: &mut bool,
    ) -> Result<(Box<Upstream>, Held), Failure> {
        let route = &self.routed.route;
        let pool = self.snapshot.pool(&route.upstream).ok_or(Failure::NotSent)?;
        let original = session.req_header();
        let had_length = declared_length(&original.headers);
        let framing = match &*body {
            RequestBody::Whole(whole) if whole.bytes.is_empty() && had_length.is_none() => {
                Framing::None
            }
            RequestBody::Whole(whole) => Framing::Length(whole.bytes.len() as u64),
            RequestBody::Begun(..) => had_length.map_or(Framing::Chunked, Framing::Length),
        };
        let forwarding = caller::forwarding(session, self.snapshot, route);
        let mut head = forward::request(original, self.event(), framing, &forwarding)
            .map_err(|_| Failure::NotSent)?;
        if let Some(protocols) = &self.upgrade {
            forward::ask_upgrade(&mut head, protocols).map_err(|_| Failure::NotSent)?;
        }
        let (method, balanced) = (original.method.clone(), &forwarding.balanced);
        let upload = match &*body {
            RequestBody::Whole(whole) => Upload::of(&whole.bytes),
            RequestBody::Begun(..) => Upload::Long,
        };
        let mut upstream =
            Upstream::open(&self.shared.connector, pool, balanced, head, upload).await?;
        match body {
            RequestBody::Whole(whole) => {
                let bytes = std::mem::take(&mut whole.bytes);
                upstream.send(session, Outgoing::Whole(bytes)).await?
            }
            RequestBody::Begun(capture, last) => {
                let last = std::mem::take(last);
                let kept = capture.kept();
                let seen = usize::try_from(capture.size()).unwrap_or(usize::MAX);
                let before = seen.saturating_sub(last.len());
                let rest = last.slice(kept.len().saturating_sub(before).min(last.len())..);
                let between = self.snapshot.config.timeouts.request_body;
                let first = vec![kept, rest];
                let sent =
                    upstream.send(session, Outgoing::Begun { capture, first, between }).await;
                *is_sent = upstream.has_sent();
                sent?;
            }
        }
        let answer = upstream.answer(session, Waiting::ForRecord).await;
        *client_gone = answer.client_gone;
        let holding =
            Holding { limit: route.capture_response, streaming: self.streams(&answer.head) };
        let head = answer.head?;
        // Nobody asked for another protocol: what follows cannot be read.
        if head.status == StatusCode::SWITCHING_PROTOCOLS && self.upgrade.is_none() {
            return Err(Failure::Lost);
        }
        let held = release::hold(&mut upstream, head, &method, &holding, &mut self.account).await?;
        Ok((upstream, held))
    }

    fn streams(&self, head: &Result<Box<ResponseHeader>, Failure>) -> bool {
        head.as_ref().is_ok_and(|head| plan::streams(&self.routed.route, head.status))
    }

    /// Records how it ended, and only then lets the answer go.
    async fn conclude(mut self, session: &mut Session, outcome: Outcome) -> pingora::Result<()> {
        let added = self.began;
        let event = self.event();
        if let Ok((_, held)) = &outcome.held
            && (held.head.headers.contains_key(SET_COOKIE)
                || held.head.status == StatusCode::UNAUTHORIZED
                || self.told.now().is_some_and(Prepared::is_about_session))
        {
            // Sessions begin and end; whose this one is has to be asked again.
            let (headers, key) = (&session.req_header().headers, self.snapshot.engine.key());
            let upstream = &self.routed.route.upstream;
            self.snapshot.identity().forget(headers, upstream, key);
        }
        let recorded = self.record_end(&outcome).await;
        let upstream_time = outcome.upstream.unwrap_or_default();
        let overhead = added.elapsed().saturating_sub(upstream_time);
        self.shared.metrics.added_seconds.observe(overhead.as_secs_f64());
        // A rejection has no intent, and is on record by its own.
        let event = event.or_else(|| recorded.as_ref().is_ok_and(|done| *done).then_some(self.id));
        if let Err(error) = recorded {
            self.count(AuditResult::Incomplete);
            tracing::error!(event = %self.id, reason = error.reason(), "a completion was not recorded");
            if let Ok((Some(upstream), _)) = outcome.held {
                upstream.release(&self.shared.connector).await;
            }
            return problem::send(session, &problem::audit_incomplete(self.id)).await;
        }
        if self.recording != Recording::Nothing && event.is_some() {
            self.count(AuditResult::Recorded);
        }
        match outcome.held {
            Ok((Some(upstream), held)) if held.head.status == StatusCode::SWITCHING_PROTOCOLS => {
                let idle = self.snapshot.config.timeouts.upstream_read;
                // What was captured is on record; a tunnel may last.
                drop(self);
                // On the heap: most exchanges end otherwise.
                Box::pin(release::switch(session, upstream, &held, event, idle)).await
            }
            Ok((mut upstream, held)) => {
                let shared = self.shared;
                let (mut overseer, account) = self.overseer(&held, outcome.upstream);
                let mut see = |passing: Passing<'_>| {
                    if let Some(overseer) = &mut overseer {
                        overseer.see(passing);
                    }
                };
                let from = upstream.as_deref_mut();
                let gone = release::let_go(session, from, held, event, &mut see).await;
                if let Some(upstream) = upstream {
                    upstream.release(&shared.connector).await;
                }
                drop(account);
                gone
            }
            Err(failure) => self.answer_failure(session, failure, event).await,
        }
    }

    /// Looks on while a gateway's answer streams.
    fn overseer(self, held: &Held, upstream: Option<Duration>) -> Overseen<'a> {
        let streams = held.release == Release::Streaming && self.recording == Recording::Rejections;
        let status = held.head.status.as_u16();
        let account = self.account;
        let subject = match self.told {
            Told::Later(subject) if streams && !plan::is_rejection(status) => subject,
            Told::Later(_) | Told::Now(_) => return (None, account),
        };
        let headers = held.head.headers.clone();
        let overseer = Overseer {
            shared: self.shared,
            snapshot: self.snapshot,
            routed: self.routed,
            subject: *subject,
            began: self.began,
            upstream,
            status,
            watch: Watch::over(&headers),
            headers,
            is_told: false,
        };
        (Some(overseer), account)
    }

    /// Records how it ended, if it is to be recorded; whether it was.
    async fn record_end(&mut self, outcome: &Outcome) -> Result<bool, AppendError> {
        let rejected = match &outcome.held {
            Ok((_, held)) => plan::is_rejection(held.head.status.as_u16()),
            // Who leaves was not turned away.
            Err(failure) => !matches!(failure, Failure::ClientAborted(_)),
        };
        let gateway = self.recording == Recording::Rejections;
        if self.recording == Recording::Nothing || (gateway && !rejected) {
            return Ok(false);
        }
        let timing = Timing {
            completed_at: self.shared.clock.now(),
            duration: self.began.elapsed(),
            upstream: outcome.upstream,
            client_gone: outcome.client_gone,
            request_body: outcome.request_body.as_ref(),
            states: self.states.as_deref(),
        };
        let stage = stage(self.snapshot, self.routed);
        let encoding = |_| AppendError::Unavailable { reason: "encoding" };
        let response = outcome.held.as_ref().ok().map(|(_, held)| captured_response(held));
        let end = match (&outcome.held, &response) {
            (Ok(_), Some(response)) => End::Response(response),
            (Err(failure), _) => end_of(*failure),
            (Ok(_), None) => End::UpstreamLost,
        };
        let unknown = failure::unknown(end).filter(|_| !gateway);
        let states = if self.states.is_some() { HEAVY_BYTES } else { 0 };
        let passed = timing.request_body.map_or(0, |body| body.bytes.len());
        let answered = response.as_ref().map_or(0, |it| weight(&it.headers, &it.body));
        let weight = states + passed + answered;
        let unread = match &mut self.told {
            Told::Now(prepared) => {
                let entry = through(weight, || prepared.completion(&stage, end, &timing));
                let entry = entry.map_err(encoding)?;
                if let Some(intent) = self.intent.take() {
                    intent.complete(entry).await?;
                }
                prepared.unread()
            }
            Told::Later(subject) => {
                let mut prepared = subject.known(self.shared, self.snapshot, self.routed);
                let entry = through(weight, || prepared.rejection(&stage, end, &timing));
                let entry = entry.map_err(encoding)?;
                self.shared.recorder.event(entry).await?;
                prepared.unread()
            }
        };
        self.count_unread(unread);
        if let Some(reason) = unknown {
            self.shared.metrics.unknown_outcomes.get_or_create(&ReasonLabel { reason }).inc();
        }
        Ok(true)
    }
}
