//! One short question to a server, bounded in size; the caller bounds its time.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use http::HeaderMap;
use pingora::connectors::http::Connector;
use pingora::http::RequestHeader;
use pingora::prelude::HttpPeer;
use pingora::protocols::ALPN;
use pingora::protocols::http::client::HttpSession;
use pingora::utils::tls::{WrappedX509, parse_x509};

use super::balance::Pool;
use super::budget::Account;
use super::forward::{self, Forwarding};
use crate::identify::Endpoint;

/// Interim responses (1xx) before the final one.
const INTERIMS: usize = 8;
/// Connections that are tried, where those of the pool turn out to be dead.
const CONNECTIONS: usize = 3;
/// Addresses of a server that are tried.
const ADDRESSES: usize = 3;

/// A response, whole.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// How much of an answer's body is taken.
pub(super) struct Room<'a> {
    /// Bytes.
    pub(super) limit: usize,
    /// Whose memory it is; none where the questions at a time are few enough to need no account.
    pub(super) account: Option<&'a mut Account>,
}

impl Room<'_> {
    /// Room for so many bytes, on nobody's account.
    pub(super) fn of(limit: usize) -> Self {
        Self { limit, account: None }
    }

    fn take(&mut self, held: usize, more: usize) -> Result<(), FetchError> {
        if held.saturating_add(more) > self.limit {
            return Err(FetchError::TooLarge);
        }
        let fits = self.account.as_mut().is_none_or(|account| account.take_spare(more));
        if fits { Ok(()) } else { Err(FetchError::NoMemory) }
    }
}

/// Where a request goes, for whoever asks the application about it.
pub(super) struct Application<'a> {
    pub(super) connector: &'a Connector,
    pub(super) upstream: &'a str,
    pub(super) pool: Option<&'a Pool>,
    pub(super) forwarding: &'a Forwarding<'a>,
}

impl Application<'_> {
    /// Puts a question to the application on behalf of a caller whose fields are in `head`.
    pub(super) async fn ask(
        &self,
        mut head: RequestHeader,
        room: Room<'_>,
    ) -> Result<Answer, FetchError> {
        forward::stamp(&mut head, self.forwarding).map_err(|_| FetchError::Request)?;
        self.ask_stamped(Box::new(head), room).await
    }

    /// The same, with a head that says already who passes it on.
    pub(super) async fn ask_stamped(
        &self,
        head: Box<RequestHeader>,
        room: Room<'_>,
    ) -> Result<Answer, FetchError> {
        let pool = self.pool.ok_or(FetchError::Unreachable)?;
        let peer = pool.pick(&self.forwarding.balanced, &[]).ok_or(FetchError::Unreachable)?;
        ask(self.connector, &peer, head, Bytes::new(), room).await
    }
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
    #[error("there is no memory for the answer")]
    NoMemory,
    #[error("the question cannot be put")]
    Request,
    #[error("there was no answer in time")]
    Late,
    #[error("the answer is not what was asked for")]
    Unusable,
}

/// Asks, and reads the answer to its end. HTTP/1.1, or HTTP/2 where the peer agrees. What is asked
/// changes nothing, so a connection of the pool that turns out to be dead is replaced.
async fn ask(
    connector: &Connector,
    peer: &HttpPeer,
    head: Box<RequestHeader>,
    body: Bytes,
    mut room: Room<'_>,
) -> Result<Answer, FetchError> {
    let mut tries = 1;
    loop {
        let (session, reused) =
            connector.get_http_session(peer).await.map_err(|_| FetchError::Unreachable)?;
        match ask_on(session, connector, peer, head.clone(), body.clone(), &mut room).await {
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
    room: &mut Room<'_>,
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
    let (status, headers) = loop {
        session.read_response_header().await.map_err(broken)?;
        match session.response_header() {
            Some(head) if head.status.as_u16() >= 200 => {
                break (head.status.as_u16(), head.headers.clone());
            }
            _ if interims < INTERIMS => interims += 1,
            _ => return Err(FetchError::Broken),
        }
    };
    let mut answer = Answer { status, headers, body: Vec::new() };
    while let Some(piece) = session.read_response_body().await.map_err(broken)? {
        if let Err(error) = room.take(answer.body.len(), piece.len()) {
            session.shutdown().await;
            return Err(error);
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
        match ask(connector, &peer, Box::new(head.clone()), body.clone(), Room::of(limit)).await {
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
    let name = match endpoint.host.contains(':') {
        true => format!("[{}]", endpoint.host),
        false => endpoint.host.clone(),
    };
    // As browsers and other clients send it.
    let host = match (endpoint.tls, endpoint.port) {
        (true, 443) | (false, 80) => name,
        (_, port) => format!("{name}:{port}"),
    };
    head.insert_header("Host", host).map_err(wrong)?;
    head.insert_header("Accept", "application/json").map_err(wrong)?;
    head.insert_header("User-Agent", "countersign").map_err(wrong)?;
    Ok(head)
}
