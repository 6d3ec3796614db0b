//! What is decided about a request and its response before anything is carried: the route, what is
//! recorded, how much of it, and what is held.
//!
//! Pure, and without Pingora, so that `countersign explain` decides by the same code as the gate.

use http::header::{self, HeaderMap, HeaderName};
use http::{StatusCode, Version};
use ipnet::IpNet;

use super::body::declared_length;
use crate::config::{AuditLevel, Route, RouteKind};
use crate::derive::{EventRules, Kind};
use crate::pipeline::Stage;
use crate::redact::{Detail, Engine};
use crate::route::{Pattern, RouteTable, Safety};

/// What of an exchange is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// Intent and completion.
    Everything,
    /// A completion, if it is a rejection.
    Rejections,
    /// Nothing.
    Nothing,
}

/// What is recorded of a request on this route; `upgrade` says that it offers to switch protocols.
pub fn recording(route: &Route, safety: Safety, upgrade: bool) -> Recording {
    if audits(route) && (!safety.is_safe() || upgrade) {
        Recording::Everything
    } else if route.kind == RouteKind::Gateway && !safety.is_safe() {
        Recording::Rejections
    } else {
        Recording::Nothing
    }
}

/// Whether mutations on this route are audited with intent and completion.
fn audits(route: &Route) -> bool {
    route.kind == RouteKind::Admin && route.level > AuditLevel::None
}

/// Whether a response ends a request of which only rejections are recorded as one.
pub fn is_rejection(status: u16) -> bool {
    status >= 400
}

/// The routes, to be tried in their order.
pub fn table(routes: &[Route]) -> RouteTable {
    let pattern = |route: &Route| Pattern {
        hosts: route.hosts.clone(),
        paths: route.paths.clone(),
        methods: route.methods.clone(),
        audits: audits(route),
        generation: route.generation,
    };
    RouteTable::new(routes.iter().map(pattern).collect())
}

/// What the stages work with on this route.
pub fn stage<'a>(
    engine: &'a Engine,
    events: &'a EventRules,
    trusted: &'a [IpNet],
    route: &Route,
) -> Stage<'a> {
    let detail = |from: AuditLevel| {
        if route.level >= from && route.kind == RouteKind::Admin {
            Detail::WithBody
        } else {
            Detail::Metadata
        }
    };
    Stage {
        engine,
        events,
        trusted,
        kind: match route.kind {
            RouteKind::Gateway => Kind::Gateway,
            RouteKind::Admin | RouteKind::Bypass => Kind::Admin,
        },
        request: detail(AuditLevel::Request),
        response: detail(AuditLevel::Full),
    }
}

/// The protocols that a request asks to switch to. `h2c` is left out: clients offer it with ordinary
/// requests, and a server may ignore it (RFC 9113, section 3.1).
pub fn upgrade(version: Version, headers: &HeaderMap) -> Option<String> {
    let tokens = |name: &HeaderName| {
        let values = headers.get_all(name).iter();
        values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','))
    };
    let asked = version == Version::HTTP_11
        && tokens(&header::CONNECTION).any(|token| token.trim().eq_ignore_ascii_case("upgrade"));
    let protocols: Vec<&str> = tokens(&header::UPGRADE)
        .map(str::trim)
        .filter(|protocol| !protocol.is_empty() && !protocol.eq_ignore_ascii_case("h2c"))
        .collect();
    (asked && !protocols.is_empty()).then(|| protocols.join(", "))
}

/// Whether all responses of this status are released at their head on this route. Gateway routes
/// hold only rejections.
pub fn streams(route: &Route, status: StatusCode) -> bool {
    let accepted = !is_rejection(status.as_u16());
    route.streaming || (route.kind == RouteKind::Gateway && accepted)
}

/// Whether a response is released at its head by what its fields say: events, or a body that is
/// longer than `limit`.
pub fn is_stream(headers: &HeaderMap, limit: usize) -> bool {
    let events = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    events || declared_length(headers).is_some_and(|length| length > limit as u64)
}
