//! One short question to a server, bounded in size; the caller bounds its time.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use pingora::connectors::http::Connector;
use pingora::http::RequestHeader;
use pingora::prelude::HttpPeer;
use pingora::protocols::ALPN;
use pingora::protocols::http::client::HttpSession;
use pingora::utils::tls::{WrappedX509, parse_x509};

use crate::identify::Endpoint;
use crate::proxy::forward;

/// Interim responses (1xx) before the final one.
const INTERIMS: usize = 8;
/// Connections that are tried, where those of the pool turn out to be dead.
const CONNECTIONS: usize = 3;
/// Addresses of a server that are tried.
const ADDRESSES: usize = 3;

/// A response, whole.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Why there is none. Nothing of what was sent or received is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the server cannot be reached")]
    Unreachable,
    #[error("the connection broke off")]
    Broken,
    #[error("the answer is too large")]
    TooLarge,
    #[error("the question cannot be put")]
    Request,
    #[error("there was no answer in time")]
    Late,
    #[error("the answer is not what was asked for")]
    Unusable,
}

/// Asks, and reads the answer to its end. HTTP/1.1, or HTTP/2 where the peer agrees. What is asked
/// changes nothing, so a connection of the pool that turns out to be dead is replaced.
pub(super) async fn ask(
    connector: &Connector,
    peer: &HttpPeer,
    head: Box<RequestHeader>,
    body: Bytes,
    limit: usize,
) -> Result<Answer, FetchError> {
    let mut tries = 1;
    loop {
        let (session, reused) =
            connector.get_http_session(peer).await.map_err(|_| FetchError::Unreachable)?;
        match ask_on(session, connector, peer, head.clone(), body.clone(), limit).await {
            Err(FetchError::Broken) if reused && tries < CONNECTIONS => tries += 1,
            answer => return answer,
        }
    }
}

async fn ask_on(
    mut session: HttpSession,
    connector: &Connector,
    peer: &HttpPeer,
    head: Box<RequestHeader>,
    body: Bytes,
    limit: usize,
) -> Result<Answer, FetchError> {
    let broken = |_| FetchError::Broken;
    let head = match &session {
        HttpSession::H2(_) => forward::over_http2(head, peer.is_tls()),
        _ => head,
    };
    session.write_request_header(head).await.map_err(broken)?;
    if !body.is_empty() {
        session.write_request_body(body, true).await.map_err(broken)?;
    }
    session.finish_request_body().await.map_err(broken)?;
    let mut interims = 0;
    let status = loop {
        session.read_response_header().await.map_err(broken)?;
        let status = session.response_header().map(|head| head.status.as_u16());
        match status {
            Some(status @ 200..) => break status,
            _ if interims < INTERIMS => interims += 1,
            _ => return Err(FetchError::Broken),
        }
    };
    let mut answer = Answer { status, body: Vec::new() };
    while let Some(piece) = session.read_response_body().await.map_err(broken)? {
        if answer.body.len() + piece.len() > limit {
            session.shutdown().await;
            return Err(FetchError::TooLarge);
        }
        answer.body.extend_from_slice(&piece);
    }
    if session.response_done() {
        connector.release_http_session(session, peer, peer.options.idle_timeout).await;
    } else {
        session.shutdown().await;
    }
    Ok(answer)
}

/// Asks a server that the rules name.
pub(super) async fn ask_server(
    connector: &Connector,
    endpoint: &Endpoint,
    head: &RequestHeader,
    body: &Bytes,
    limit: usize,
) -> Result<Answer, FetchError> {
    let name = (endpoint.host.as_str(), endpoint.port);
    let addresses = tokio::net::lookup_host(name).await.map_err(|_| FetchError::Unreachable)?;
    let mut failure = FetchError::Unreachable;
    for address in addresses.take(ADDRESSES) {
        let mut peer = HttpPeer::new(address, endpoint.tls, endpoint.host.clone());
        peer.options.alpn = ALPN::H1;
        if !endpoint.authorities.is_empty() {
            let wrapped = |der: &Vec<u8>| WrappedX509::new(der.clone(), parse_x509);
            let trusted: Vec<WrappedX509> = endpoint.authorities.iter().map(wrapped).collect();
            peer.options.ca = Some(trusted.into());
        }
        let mut hasher = DefaultHasher::new();
        (&endpoint.host, &endpoint.authorities).hash(&mut hasher);
        peer.group_key = hasher.finish();
        match ask(connector, &peer, Box::new(head.clone()), body.clone(), limit).await {
            // Nothing was asked: another address may be better.
            Err(FetchError::Unreachable) => failure = FetchError::Unreachable,
            answer => return answer,
        }
    }
    if failure == FetchError::Unreachable {
        tracing::debug!(host = endpoint.host, "a server that the rules name cannot be reached");
    }
    Err(failure)
}

/// The head of a question to a server that the rules name.
pub(super) fn head(method: &str, endpoint: &Endpoint) -> Result<RequestHeader, FetchError> {
    let wrong = |_| FetchError::Request;
    let mut head = RequestHeader::build(method, endpoint.path.as_bytes(), None).map_err(wrong)?;
    let host = match endpoint.host.contains(':') {
        true => format!("[{}]:{}", endpoint.host, endpoint.port),
        false => format!("{}:{}", endpoint.host, endpoint.port),
    };
    head.insert_header("Host", host).map_err(wrong)?;
    head.insert_header("Accept", "application/json").map_err(wrong)?;
    head.insert_header("User-Agent", "countersign").map_err(wrong)?;
    Ok(head)
}
