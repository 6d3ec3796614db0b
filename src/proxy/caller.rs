//! Whose request it is, and for which host, as the gate and an exchange see it.

use std::net::IpAddr;

use http::header;
use pingora::http::RequestHeader;
use pingora::proxy::Session;

use super::forward::Forwarding;
use super::snapshot::Snapshot;
use crate::config::Route;

/// The client's address, unless it came over a unix socket.
pub(super) fn client_ip(session: &Session) -> Option<IpAddr> {
    session.client_addr().and_then(|address| address.as_inet()).map(|address| address.ip())
}

/// Who passes a request on.
pub(super) fn forwarding<'a>(
    session: &Session,
    snapshot: &'a Snapshot,
    route: &'a Route,
) -> Forwarding<'a> {
    let tls = session.digest().is_some_and(|digest| digest.ssl_digest.is_some());
    let client = client_ip(session);
    Forwarding {
        client: client.map(|ip| ip.to_string()),
        tls,
        host: route.host_header.as_deref(),
        balanced: snapshot
            .pool(&route.upstream)
            .map(|pool| snapshot.balanced(session, pool))
            .unwrap_or_default(),
        named: Some(session.req_header())
            .filter(|head| host_of(head).is_empty())
            .and_then(|_| snapshot.name_of(&route.upstream)),
        withheld: snapshot.withheld(&session.req_header().headers, client),
    }
}

/// `Host`, or `:authority`.
pub(super) fn host_of(head: &RequestHeader) -> &str {
    head.headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| head.uri.authority().map(|authority| authority.as_str()))
        .unwrap_or_default()
}
