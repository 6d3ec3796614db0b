//! Where a request to read comes from.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;
use serde_json::{Map, Value};

use crate::identify;

/// Where a request comes from. Remote readers come through a proxy with TLS, which says whose it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Who is connected.
    pub(super) peer: Option<IpAddr>,
    /// Whose request it is: the peer's, unless that is a trusted proxy.
    pub(super) client: Option<IpAddr>,
    /// What such a proxy says.
    forwarded: Option<Arc<str>>,
}

impl Origin {
    /// Of a request from this peer.
    pub(super) fn new(headers: &HeaderMap, peer: SocketAddr, trusted: &[IpNet]) -> Self {
        let peer = peer.ip().to_canonical();
        let told = match trusted.iter().any(|net| net.contains(&peer)) {
            true => identify::Origin::told(headers, Some(peer), trusted),
            false => identify::Origin { ip: Some(peer), forwarded: None },
        };
        let client = told.ip.map(|ip| ip.to_canonical());
        Self { peer: Some(peer), client, forwarded: told.forwarded.map(Arc::from) }
    }

    /// As it was found when the request came in.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    /// As events have it.
    pub(super) fn source(&self) -> Value {
        let ip = ("ip".to_owned(), self.client.map(|ip| ip.to_string()).into());
        let forwarded = self.forwarded.as_deref().map(|it| ("forwarded".to_owned(), it.into()));
        Value::Object(Map::from_iter([Some(ip), forwarded].into_iter().flatten()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trusted_proxy_says_whose_request_it_is_and_nobody_else_does() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "192.0.2.7, 203.0.113.9".parse().unwrap());
        let trusted = ["127.0.0.1/32".parse().unwrap()];
        let source = |peer: &str| {
            let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
            Origin::new(&headers, peer, &trusted).source()
        };
        let told = serde_json::json!({"ip": "203.0.113.9", "forwarded": "192.0.2.7, 203.0.113.9"});
        assert_eq!(source("127.0.0.1"), told);
        assert_eq!(source("::ffff:127.0.0.1"), told);
        assert_eq!(source("192.0.2.1"), serde_json::json!({"ip": "192.0.2.1"}));
    }
}
