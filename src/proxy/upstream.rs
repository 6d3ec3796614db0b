//! One request to an upstream, on a connection of its own or of the pool.
//!
//! Invariant: a request that changes something and that an upstream may have seen is never sent
//! again.

use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, header};
use pingora::connectors::http::Connector;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::prelude::HttpPeer;
use pingora::protocols::ALPN;
use pingora::protocols::http::client::HttpSession;
use pingora::protocols::http::v1::client::HttpSession as ClientSession;
use pingora::proxy::Session;
use pingora::{Error, ErrorType};
use tokio::task::unconstrained;
use tokio::time::{sleep, timeout};

use super::balance::Pool;
use super::body::{self, BodyError};
use super::failure::Failure;
use super::forward;
use super::listening::Listening;
use super::trailers::Trailers;
use super::tunnel::Side;
use crate::capture::BodyCapture;

/// How long an answer is waited for when the upstream no longer takes the request.
const EARLY_ANSWER: Duration = Duration::from_secs(1);
/// How many connections are tried before the upstream counts as out of reach.
pub(super) const CONNECTS: usize = 3;
/// Interim responses (1xx) before the final one; an upstream that sends more is taken for lost.
const INTERIMS: usize = 64;
/// What is sent at once up to this size goes to an idle connection's send buffer whole or not at all:
/// Linux gives a socket at least this much (`net.ipv4.tcp_wmem`, default 16 KiB).
const ATOMIC: usize = 8 * 1024;

/// What a head has besides its path and its fields: method, version and the ends of lines.
const HEAD_LINES: usize = 64;

/// A body up to this size is sent without listening for an answer meanwhile: it fits into the
/// buffers of any connection.
const SHORT: usize = 64 * 1024;

/// The pool's group of connections for upgrades; none is ever given back to it.
const UPGRADES: u64 = 1;

/// How much there is to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Upload {
    /// All of it, which a connection takes at once, or soon.
    Short(Bytes),
    /// So much that an upstream may answer before it has read it all.
    Long,
}

impl Upload {
    /// Of a body that is known.
    pub(super) fn of(body: &Bytes) -> Self {
        if body.len() > SHORT { Self::Long } else { Self::Short(body.clone()) }
    }

    /// What can be sent at once.
    fn short(&self) -> &Bytes {
        static NOTHING: Bytes = Bytes::new();
        match self {
            Self::Short(body) => body,
            Self::Long => &NOTHING,
        }
    }
}

/// A request body on its way.
pub(super) enum Outgoing<'a> {
    /// All of it.
    Whole(Bytes),
    /// What was captured, the chunk behind it, and the rest from the client, which may pause so long.
    Begun { capture: &'a mut BodyCapture, first: Vec<Bytes>, between: Duration },
}

/// A connection with a request on it.
pub(super) struct Upstream {
    session: HttpSession,
    peer: HttpPeer,
    /// It had served another request before.
    pooled: bool,
    /// The body went with the head.
    whole: bool,
    /// The whole request went out.
    sent: bool,
}

/// For whose sake a response is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// For the record: to the end, whether or not the client stays. Interim responses are not passed
    /// on: nothing may reach the client before the completion is durable.
    ForRecord,
    /// For the client: as long as it stays, and it sees interim responses.
    ForClient,
}

/// How waiting for a response went.
pub(super) struct Answer {
    /// The final response's head.
    pub head: Result<Box<ResponseHeader>, Failure>,
    /// The client closed its connection meanwhile.
    pub client_gone: bool,
}

impl Upstream {
    /// Connects and sends a head, and a short body with it.
    pub(super) async fn open(
        connector: &Connector,
        pool: &Pool,
        client: &[u8],
        head: Box<RequestHeader>,
        upload: Upload,
    ) -> Result<Box<Self>, Failure> {
        let upgrades = head.headers.contains_key(header::UPGRADE);
        let repeatable = matches!(head.method.as_str(), "PUT" | "DELETE" | "GET" | "HEAD");
        let (mut failure, mut tried) = (Failure::NotSent, Vec::new());
        let may_have_body = head.method != Method::HEAD;
        let mut head = Some(head);
        for _ in 0..CONNECTS {
            let Some(mut peer) = pool.pick(client, &tried) else {
                if tried.is_empty() {
                    pool.reach().no_address();
                }
                return Err(failure);
            };
            if upgrades {
                peer.options.alpn = ALPN::H1;
                // Never one of the pool, which may have died: a handshake is not repeated.
                peer.group_key = UPGRADES;
            }
            // On the heap, as long as it takes: what connecting may need is large.
            let connecting = Box::pin(connector.get_http_session(&peer));
            let (mut session, reused) = match connecting.await {
                Ok(connected) => connected,
                // Nothing was sent: another address may be better.
                Err(error) => {
                    failure = Failure::to_connect(&error);
                    pool.reach().refused(&peer._address, &error);
                    tried.push(peer._address);
                    continue;
                }
            };
            let head_bytes = head.as_deref().map_or(0, forward::size);
            session = listening(session, &peer);
            let mut gathered = None;
            if let HttpSession::H1(h1) = &session {
                Listening::expect(h1.stream(), may_have_body);
                let bytes = head_bytes + upload.short().len();
                if !upload.short().is_empty() && bytes < ATOMIC {
                    gathered = Some(upload.short());
                    Listening::gather(h1.stream(), bytes + HEAD_LINES);
                }
            }
            session.set_read_timeout(peer.options.read_timeout);
            session.set_write_timeout(peer.options.write_timeout);
            let is_http2 = matches!(session, HttpSession::H2(_));
            // What may have to be sent again is kept.
            let may_again = is_http2 || (reused && repeatable);
            let outgoing = if may_again { head.clone() } else { head.take() }.ok_or(failure)?;
            let outgoing = match is_http2 {
                true => forward::over_http2(outgoing, peer.is_tls()),
                false => outgoing,
            };
            let mut written = session.write_request_header(outgoing).await;
            if let (Ok(()), Some(body)) = (&written, gathered) {
                written = session.write_request_body(body.clone(), true).await;
            }
            let bytes = head_bytes + gathered.map_or(0, Bytes::len);
            match written {
                Ok(()) => {
                    let whole = gathered.is_some();
                    let sent = false;
                    return Ok(Box::new(Self { session, peer, pooled: reused, whole, sent }));
                }
                Err(error) if reused && repeatable && untouched(&error, &session, &peer, bytes) => {
                }
                // HTTP/2 refuses a head before it opens a stream: the connection takes no more.
                Err(error) if is_http2 => {
                    failure = Failure::NotSent;
                    pool.reach().refused(&peer._address, &error);
                }
                Err(error) => return Err(Failure::after_sending(&error)),
            }
        }
        Err(failure)
    }

    /// Sends the body. An answer that comes before all of it is sent ends the sending.
    pub(super) async fn send(
        &mut self,
        client: &mut Session,
        body: Outgoing<'_>,
    ) -> Result<(), Failure> {
        match body {
            Outgoing::Whole(bytes) => {
                if !self.whole && !bytes.is_empty() && !self.write(bytes, true).await? {
                    return Ok(());
                }
                self.finish().await
            }
            Outgoing::Begun { capture, first, between } => {
                for chunk in first {
                    if !self.write(chunk, false).await? {
                        return Ok(());
                    }
                }
                self.pass_on(client, capture, between).await
            }
        }
    }

    /// Whether the connection had served another request before.
    pub(super) fn was_pooled(&self) -> bool {
        self.pooled
    }

    /// Whether the whole request went out.
    pub(super) fn has_sent(&self) -> bool {
        self.sent
    }

    /// Passes on what the client still sends, while listening for an early answer.
    async fn pass_on(
        &mut self,
        client: &mut Session,
        capture: &mut BodyCapture,
        between: Duration,
    ) -> Result<(), Failure> {
        // It is the client whom the upstream waits for now. A timeout would also take what was read
        // of a head; being cancelled does not.
        self.session.set_read_timeout(None);
        let passed = self.pass_chunks(client, capture, between).await;
        self.session.set_read_timeout(self.peer.options.read_timeout);
        passed
    }

    async fn pass_chunks(
        &mut self,
        client: &mut Session,
        capture: &mut BodyCapture,
        between: Duration,
    ) -> Result<(), Failure> {
        loop {
            // Known before the client is asked again: then an answer is not taken for an early one.
            if client.as_downstream_mut().is_body_done() {
                return self.finish().await;
            }
            let chunk = tokio::select! {
                biased;
                head = self.session.read_response_header() => match head {
                    Ok(()) if self.interim() => continue,
                    Ok(()) => return Ok(()),
                    Err(error) => return Err(Failure::after_sending(&error)),
                },
                chunk = body::next(client, between) => chunk,
            };
            match chunk {
                Ok(Some(chunk)) => {
                    capture.push(&chunk);
                    if !self.write(chunk, false).await? {
                        return Ok(());
                    }
                }
                Ok(None) => return self.finish().await,
                Err(why) => {
                    tracing::debug!(?why, "a client broke off its request");
                    self.session.shutdown().await;
                    return Err(Failure::ClientAborted(why));
                }
            }
        }
    }

    /// Writes a piece of the body; false if the upstream has answered instead of taking it. A piece may be
    /// empty, where a read ended behind the size of a chunk: written as a chunk it would end the body.
    async fn write(&mut self, bytes: Bytes, end: bool) -> Result<bool, Failure> {
        if bytes.is_empty() && !end {
            return Ok(true);
        }
        match self.session.write_request_body(bytes, end).await {
            Ok(()) => Ok(true),
            Err(error) => self.answered_early(&error).await.map(|()| false),
        }
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        match self.session.finish_request_body().await {
            Ok(()) => {
                self.sent = true;
                Ok(())
            }
            Err(error) => self.answered_early(&error).await,
        }
    }

    /// An upstream that stopped reading may have said why.
    async fn answered_early(&mut self, error: &Error) -> Result<(), Failure> {
        match timeout(EARLY_ANSWER, self.session.read_response_header()).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Failure::after_sending(error)),
        }
    }

    fn interim(&self) -> bool {
        self.session
            .response_header()
            .is_some_and(|head| head.status.is_informational() && head.status != 101)
    }

    /// Waits for the final response's head, and notices a client that leaves meanwhile.
    pub(super) async fn answer(&mut self, client: &mut Session, waiting: Waiting) -> Answer {
        let mut client_gone = false;
        let mut watching = self.sent && client.as_downstream_mut().is_body_done();
        let patience = self.peer.options.read_timeout.unwrap_or(Duration::MAX);
        let late = sleep(patience);
        tokio::pin!(late);
        let mut interims = 0;
        while self.session.response_header().is_none() || self.interim() {
            let read = {
                let read = self.session.read_response_header();
                tokio::pin!(read);
                loop {
                    tokio::select! {
                        biased;
                        read = &mut read => break read,
                        () = &mut late => {
                            return Answer { head: Err(Failure::Timeout), client_gone };
                        }
                        idle = client.as_downstream_mut().read_body_or_idle(true), if watching => {
                            watching = false;
                            client_gone = idle.is_err_and(|error| BodyError::of(&error) == BodyError::Gone);
                            // Whatever came, the connection holds bytes that are now lost.
                            client.set_keepalive(None);
                            if client_gone && waiting == Waiting::ForClient {
                                let failure = Failure::ClientAborted(BodyError::Gone);
                                return Answer { head: Err(failure), client_gone };
                            }
                        }
                    }
                }
            };
            if let Err(error) = read {
                return Answer { head: Err(Failure::after_sending(&error)), client_gone };
            }
            interims += 1;
            if interims > INTERIMS {
                return Answer { head: Err(Failure::Lost), client_gone };
            }
            if waiting == Waiting::ForClient
                && self.interim()
                && let Some(head) = self.session.response_header()
                && let Err(error) = client.as_downstream_mut().write_response_header_ref(head).await
            {
                let failure = Failure::ClientAborted(BodyError::of(&error));
                return Answer { head: Err(failure), client_gone };
            }
        }
        let head = self.session.response_header().map(|head| Box::new(head.clone()));
        Answer { head: head.ok_or(Failure::Lost), client_gone }
    }

    /// The next piece of the response's body.
    pub(super) async fn read(&mut self) -> Result<Option<Bytes>, Failure> {
        self.session.read_response_body().await.map_err(|error| Failure::after_sending(&error))
    }

    /// Trailers behind the body, which was read to its end.
    pub(super) async fn trailers(&mut self) -> Option<Trailers> {
        match &mut self.session {
            HttpSession::H1(h1) => Listening::trailers(h1.stream()),
            HttpSession::H2(h2) => Trailers::of(&h2.read_trailers().await.ok().flatten()?),
            _ => None,
        }
    }

    /// The connection itself, once protocols are switched; none if it is not HTTP/1.
    pub(super) async fn into_side(mut self) -> Option<Side> {
        let mut first = Vec::new();
        if let HttpSession::H1(h1) = &mut self.session {
            // What came with the head is there at once, and nothing else is waited for.
            let read = unconstrained(h1.read_body_bytes());
            tokio::pin!(read);
            let ready = poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx))).await;
            if let Poll::Ready(Ok(Some(bytes))) = ready {
                first.extend_from_slice(&bytes);
            }
        }
        match self.session {
            HttpSession::H1(h1) => Some(Side { stream: h1.into_inner(), first }),
            _ => None,
        }
    }

    /// Gives the connection back to the pool if both messages went to their ends.
    pub(super) async fn release(mut self: Box<Self>, connector: &Connector) {
        let pooled = self.peer.group_key != UPGRADES;
        if pooled && self.sent && self.session.response_done() {
            let idle = self.peer.options.idle_timeout;
            let Self { session, peer, .. } = *self;
            Box::pin(connector.release_http_session(session, &peer, idle)).await;
        } else {
            self.session.shutdown().await;
        }
    }
}

/// The same connection, listening. HTTP/2 needs no help.
fn listening(session: HttpSession, peer: &HttpPeer) -> HttpSession {
    match session {
        HttpSession::H1(h1) if !Listening::is(h1.stream()) => {
            let stream = Listening::on(h1.into_inner());
            HttpSession::H1(ClientSession::new_with_options(stream, peer))
        }
        other => other,
    }
}

/// Whether what failed to be sent, of so many bytes, cannot have reached the upstream: the connection was
/// dead before, and it is so small that the kernel has taken none of it.
fn untouched(error: &Error, session: &HttpSession, peer: &HttpPeer, bytes: usize) -> bool {
    matches!(session, HttpSession::H1(_))
        && !peer.is_tls()
        && bytes < ATOMIC
        && *error.etype() == ErrorType::WriteError
}
