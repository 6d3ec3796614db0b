//! One audited exchange, from the request's body to the response's release, in the order that the
//! guarantee prescribes.
//!
//! Once the intent is durable the exchange runs to its end, whether or not the client stays.

mod failure;
mod observe;

use std::sync::Arc;
use std::time::Instant;

use http::header::SET_COOKIE;
use http::{StatusCode, Version};
use pingora::http::ResponseHeader;
use pingora::proxy::Session;

use super::body::{self, BodyError, RequestBody, declared_length};
use super::budget::Account;
use super::fetch::Application;
use super::forward::{self, Framing};
use super::gate::{self, Shared};
use super::identity::Known;
use super::plan::{self, Recording};
use super::problem::{self, Problem};
use super::release::{self, Held, Holding};
use super::snapshot::{Routed, Snapshot};
use super::upstream::{Failure, Outgoing, Upload, Upstream, Waiting};
use crate::capture::{self, Body};
use crate::identify::ClientCertificate;
use crate::pipeline::{End, Prepared, Stage, States, Timing};
use crate::record::EventId;
use crate::recorder::{AppendError, OpenIntent};
use crate::telemetry::{AuditResult, ExchangeLabels, ReasonLabel, UnreadLabels};

/// What the gate has decided about a request.
pub(super) struct Plan {
    /// Path and query, as sent.
    pub target: String,
    /// What is recorded.
    pub recording: Recording,
    /// The protocols that the client offers to switch to.
    pub upgrade: Option<String>,
}

/// An exchange whose intent is durable, if it needs one.
struct Exchange<'a> {
    shared: &'a Shared,
    snapshot: &'a Snapshot,
    routed: &'a Routed,
    recording: Recording,
    upgrade: Option<String>,
    prepared: Prepared,
    /// Answers about the credential, on which rests who acts.
    rests_on: Vec<[u8; 32]>,
    intent: Option<OpenIntent>,
    /// The state before, until that after is read.
    observing: Option<Box<observe::Observing>>,
    states: Option<Box<States>>,
    began: Instant,
    account: Account,
}

/// How the upstream's part ended.
struct Outcome {
    /// The response, and its connection as long as that is needed.
    held: Result<(Option<Upstream>, Held), Failure>,
    /// Size and digest of a request body that was longer than the capture limit.
    request_body: Option<Body>,
    client_gone: bool,
    upstream: Option<std::time::Duration>,
}

fn stage<'a>(snapshot: &'a Snapshot, routed: &Routed) -> Stage<'a> {
    plan::stage(&snapshot.engine, &snapshot.events, snapshot.trusted(), &routed.route)
}

/// What crossed the wire of a request, for the stages that know what it means.
fn captured(
    session: &Session,
    snapshot: &Snapshot,
    target: String,
    body: Body,
) -> capture::Request {
    let head = session.req_header();
    let peer = gate::client_ip(session);
    let peer_trusted = snapshot.trusts(peer);
    capture::Request {
        method: head.method.as_str().to_owned(),
        path_and_query: target,
        host: gate::host_of(head).to_owned(),
        version: match head.version {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2",
            _ => "1.1",
        },
        headers: head.headers.clone(),
        body,
        peer,
        peer_trusted,
    }
}

/// Who acts. For what is recorded in any case those are asked who know.
async fn identified(
    shared: &Shared,
    snapshot: &Snapshot,
    routed: &Routed,
    session: &Session,
    request: &capture::Request,
    recording: Recording,
) -> Known {
    let tls = session.digest().and_then(|digest| digest.ssl_digest.as_ref());
    let certificate = tls.and_then(|tls| tls.extension.get::<ClientCertificate>());
    let now = shared.clock.now().timestamp();
    let (identity, key) = (snapshot.identity(), snapshot.engine.key());
    if recording != Recording::Everything {
        return identity.known(request, certificate, now, key);
    }
    let application = Application {
        connector: &shared.connector,
        upstream: &routed.route.upstream,
        pool: snapshot.pool(&routed.route.upstream),
        forwarding: &gate::forwarding(session, snapshot, &routed.route),
    };
    identity.ask(request, certificate, now, key, &application).await
}

/// Carries one request through. Whatever happens, the client gets an answer or a closed connection.
pub(super) async fn run(
    shared: &Arc<Shared>,
    snapshot: &Arc<Snapshot>,
    routed: &Routed,
    session: &mut Session,
    plan: Plan,
) -> pingora::Result<()> {
    let Plan { target, recording, upgrade } = plan;
    let (began, arrived) = (Instant::now(), shared.clock.now());
    let mut account = shared.budget.account();
    let timeouts = &snapshot.config.timeouts;
    let limit = routed.route.capture_request;
    let read = body::read(session, limit, timeouts.request_body_total, &mut account).await;
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
    let request = captured(session, snapshot, target, known);
    let id = EventId::new(arrived);
    let observer = snapshot.observer(&routed.route);
    let known = identified(shared, snapshot, routed, session, &request, recording).await;
    let (who, rests_on) = known.parts();
    let stage = stage(snapshot, routed);
    let prepared = Prepared::of_actor(&stage, id, arrived, observer, &request, who);
    drop(request);
    let mut exchange = Exchange {
        shared,
        snapshot,
        routed,
        recording,
        upgrade,
        prepared,
        rests_on,
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

impl Exchange<'_> {
    async fn record_intent(&mut self) -> Result<(), AppendError> {
        let entry =
            self.prepared.intent().map_err(|_| AppendError::Unavailable { reason: "encoding" })?;
        self.intent = Some(self.shared.recorder.intent(entry).await?);
        Ok(())
    }

    fn event(&self) -> Option<EventId> {
        self.intent.as_ref().map(|_| self.prepared.id())
    }

    fn count(&self, result: AuditResult) {
        let labels = ExchangeLabels { route: self.routed.route.name.clone(), result };
        self.shared.metrics.exchanges.get_or_create(&labels).inc();
    }

    /// Counts the bodies that are on record without their contents.
    fn count_unread(&self) {
        let unread = self.prepared.unread();
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
    async fn execute(&mut self, session: &mut Session, body: RequestBody) -> Outcome {
        let began = Instant::now();
        let mut request_body = None;
        let mut client_gone = false;
        let held = self.carry(session, body, &mut request_body, &mut client_gone).await;
        let held = held.map(|(upstream, held)| (Some(upstream), held));
        let reached = !matches!(held, Err(Failure::NotSent | Failure::ConnectTimeout));
        Outcome { held, request_body, client_gone, upstream: reached.then(|| began.elapsed()) }
    }

    async fn carry(
        &mut self,
        session: &mut Session,
        body: RequestBody,
        request_body: &mut Option<Body>,
        client_gone: &mut bool,
    ) -> Result<(Upstream, Held), Failure> {
        let route = &self.routed.route;
        let pool = self.snapshot.pool(&route.upstream).ok_or(Failure::NotSent)?;
        let original = session.req_header();
        let had_length = declared_length(&original.headers);
        let framing = match &body {
            RequestBody::Whole(whole) if whole.bytes.is_empty() && had_length.is_none() => {
                Framing::None
            }
            RequestBody::Whole(whole) => Framing::Length(whole.bytes.len() as u64),
            RequestBody::Begun(..) => had_length.map_or(Framing::Chunked, Framing::Length),
        };
        let forwarding = gate::forwarding(session, self.snapshot, route);
        let client = forwarding.client.clone().unwrap_or_default();
        let mut head = forward::request(original, self.event(), framing, &forwarding)
            .map_err(|_| Failure::NotSent)?;
        if let Some(protocols) = &self.upgrade {
            forward::ask_upgrade(&mut head, protocols).map_err(|_| Failure::NotSent)?;
        }
        let method = original.method.clone();
        let upload = match &body {
            RequestBody::Whole(whole) => Upload::of(whole.bytes.len()),
            RequestBody::Begun(..) => Upload::Long,
        };
        let mut upstream =
            Upstream::open(&self.shared.connector, pool, client.as_bytes(), head, upload).await?;
        match body {
            RequestBody::Whole(whole) => {
                upstream.send(session, Outgoing::Whole(whole.bytes)).await?
            }
            RequestBody::Begun(mut capture, last) => {
                let kept = capture.kept();
                let seen = usize::try_from(capture.size()).unwrap_or(usize::MAX);
                let before = seen.saturating_sub(last.len());
                let rest = last.slice(kept.len().saturating_sub(before).min(last.len())..);
                let outgoing = Outgoing::Begun { capture: &mut capture, first: vec![kept, rest] };
                upstream.send(session, outgoing).await?;
                // Of what was not read to its end, size and digest are not known.
                *request_body = upstream.has_sent().then(|| capture.finish());
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
                || held.head.status == StatusCode::UNAUTHORIZED)
        {
            // Sessions begin and end; whose this one is has to be asked again.
            self.snapshot.identity().forget(&self.rests_on);
        }
        let recorded = self.record_end(&outcome).await;
        let upstream_time = outcome.upstream.unwrap_or_default();
        let overhead = added.elapsed().saturating_sub(upstream_time);
        self.shared.metrics.added_seconds.observe(overhead.as_secs_f64());
        if let Err(error) = recorded {
            self.count(AuditResult::Incomplete);
            tracing::error!(event = %self.prepared.id(), reason = error.reason(), "a completion was not recorded");
            if let Ok((Some(upstream), _)) = outcome.held {
                upstream.release(&self.shared.connector).await;
            }
            return problem::send(session, &problem::audit_incomplete(self.prepared.id())).await;
        }
        if self.recording != Recording::Nothing {
            self.count(AuditResult::Recorded);
        }
        match outcome.held {
            Ok((Some(upstream), held)) if held.head.status == StatusCode::SWITCHING_PROTOCOLS => {
                let idle = self.snapshot.config.timeouts.upstream_read;
                // What was captured is on record; a tunnel may last.
                drop(self);
                release::switch(session, upstream, &held, event, idle).await
            }
            Ok((mut upstream, held)) => {
                let gone = release::let_go(session, upstream.as_mut(), held, event).await;
                if let Some(upstream) = upstream {
                    upstream.release(&self.shared.connector).await;
                }
                gone
            }
            Err(failure) => self.answer_failure(session, failure, event).await,
        }
    }

    async fn record_end(&mut self, outcome: &Outcome) -> Result<(), AppendError> {
        let rejected = match &outcome.held {
            Ok((_, held)) => plan::is_rejection(held.head.status.as_u16()),
            Err(_) => true,
        };
        let gateway = self.recording == Recording::Rejections;
        if self.recording == Recording::Nothing || (gateway && !rejected) {
            return Ok(());
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
        let unknown = match end {
            End::UpstreamLost => Some("upstream_lost"),
            End::UpstreamTimeout => Some("upstream_timeout"),
            _ => None,
        };
        if let Some(intent) = self.intent.take() {
            let entry = self.prepared.completion(&stage, end, &timing).map_err(encoding)?;
            intent.complete(entry).await?;
        } else if gateway {
            let entry = self.prepared.rejection(&stage, end, &timing).map_err(encoding)?;
            self.shared.recorder.event(entry).await?;
        }
        self.count_unread();
        if let Some(reason) = unknown {
            self.shared.metrics.unknown_outcomes.get_or_create(&ReasonLabel { reason }).inc();
        }
        Ok(())
    }
}

fn end_of(failure: Failure) -> End<'static> {
    match failure {
        Failure::NotSent | Failure::ConnectTimeout => End::NotSent,
        Failure::Lost => End::UpstreamLost,
        Failure::Timeout => End::UpstreamTimeout,
        Failure::ClientAborted(_) => End::ClientAborted,
    }
}

fn captured_response(held: &Held) -> capture::Response {
    capture::Response {
        status: held.head.status.as_u16(),
        headers: held.head.headers.clone(),
        body: held.body.clone(),
        release: held.release,
    }
}
