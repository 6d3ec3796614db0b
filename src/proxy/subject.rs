//! What the stages are told of an exchange: what was captured of both halves, who acts, and how it
//! ended.
//!
//! Of a request to a gateway nothing is worked out unless it is rejected: those that are not must not
//! wait for it.

use std::sync::Arc;

use http::Version;
use pingora::protocols::tls::SslDigest;
use pingora::proxy::Session;

use super::caller;
use super::failure::Failure;
use super::fetch::Application;
use super::gate::Shared;
use super::heavy::{through, weight};
use super::plan;
use super::release::Held;
use super::snapshot::{Routed, Snapshot};
use crate::capture::{self, Body};
use crate::clock::Timestamp;
use crate::identify::{ClientCertificate, Identified};
use crate::pipeline::{End, Prepared, Stage};
use crate::record::EventId;
use crate::redact::Redacted;
use crate::route::{Call, Shape};

pub(super) fn stage<'a>(snapshot: &'a Snapshot, routed: &Routed) -> Stage<'a> {
    plan::stage(&snapshot.engine, &snapshot.events, snapshot.trusted(), &routed.route)
}

/// A request, and what else says who acts.
pub(super) struct Subject {
    id: EventId,
    arrived: Timestamp,
    request: capture::Request,
    tls: Option<Arc<SslDigest>>,
}

impl Subject {
    /// What crossed the wire of a request.
    pub(super) fn of(
        session: &Session,
        snapshot: &Snapshot,
        arrived: Timestamp,
        target: String,
        body: Body,
    ) -> Self {
        let head = session.req_header();
        let peer = caller::client_ip(session);
        let request = capture::Request {
            method: head.method.as_str().to_owned(),
            path_and_query: target,
            host: caller::host_of(head).to_owned(),
            version: match head.version {
                Version::HTTP_10 => "1.0",
                Version::HTTP_2 => "2",
                _ => "1.1",
            },
            headers: head.headers.clone(),
            body,
            peer,
            peer_trusted: snapshot.trusts(peer),
        };
        let tls = session.digest().and_then(|digest| digest.ssl_digest.clone());
        Self { id: EventId::new(arrived), arrived, request, tls }
    }

    /// The event's id.
    pub(super) fn id(&self) -> EventId {
        self.id
    }

    fn certificate(&self) -> Option<&ClientCertificate> {
        self.tls.as_ref().and_then(|tls| tls.extension.get::<ClientCertificate>())
    }

    /// Takes the request through the stages, and asks those who know who acts. Answers about the
    /// credential, on which that rests, come along.
    pub(super) async fn ask(
        &self,
        shared: &Shared,
        snapshot: &Snapshot,
        routed: &Routed,
        session: &Session,
    ) -> Prepared {
        let application = Application {
            connector: &shared.connector,
            upstream: &routed.route.upstream,
            pool: snapshot.pool(&routed.route.upstream),
            forwarding: &caller::forwarding(session, snapshot, &routed.route),
        };
        let (now, key) = (shared.clock.now().timestamp(), snapshot.engine.key());
        let identity = snapshot.identity();
        let who = identity.ask(&self.request, self.certificate(), now, key, &application).await;
        self.prepared(snapshot, routed, who)
    }

    /// Takes the request through the stages by what is known of who acts.
    pub(super) fn known(&self, shared: &Shared, snapshot: &Snapshot, routed: &Routed) -> Prepared {
        let (now, key) = (shared.clock.now().timestamp(), snapshot.engine.key());
        let who = snapshot.identity().known(&self.request, self.certificate(), now, key);
        self.prepared(snapshot, routed, who)
    }

    fn prepared(
        &self,
        snapshot: &Snapshot,
        routed: &Routed,
        who: Redacted<Identified>,
    ) -> Prepared {
        let stage = stage(snapshot, routed);
        let observer = snapshot.observer(&routed.route);
        let weight = weight(&self.request.headers, &self.request.body);
        through(weight, || {
            Prepared::of_actor(&stage, self.id, self.arrived, observer, &self.request, who)
        })
    }

    /// Whether the body is that of a call to a model.
    pub(super) fn has(&self, shape: Shape) -> bool {
        Call::of(&self.request).has(shape)
    }
}

pub(super) fn end_of(failure: Failure) -> End<'static> {
    match failure {
        Failure::NotSent | Failure::ConnectTimeout => End::NotSent,
        Failure::Lost => End::UpstreamLost,
        Failure::Invalid => End::UpstreamInvalid,
        Failure::Timeout => End::UpstreamTimeout,
        Failure::ClientAborted(_) => End::ClientAborted,
    }
}

pub(super) fn captured_response(held: &Held) -> capture::Response {
    capture::Response {
        status: held.head.status.as_u16(),
        headers: held.head.headers.clone(),
        body: held.body.clone(),
        release: held.release,
    }
}
