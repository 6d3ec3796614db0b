//! Where connections come in: secures them, reads each HTTP/1 head itself, judges its exact bytes,
//! and only then hands it, unread, to Pingora. HTTP/2 goes to Pingora once its preface is there; its
//! framing is not ambiguous.
//!
//! Invariants: a head that is refused never reaches a parser; a slow or silent client costs a
//! bounded time and buffer, in TLS handshakes too; a connection over the limit costs nothing.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::BytesMut;
use http::StatusCode;
use pingora::apps::{HttpPersistentSettings, HttpServerApp, ReusedHttpStream, ServerApp};
use pingora::listeners::tls::Acceptor;
use pingora::protocols::http::ServerSession;
use pingora::protocols::l4::stream::Stream as Socket;
use pingora::protocols::{ALPN, Stream};
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout, timeout_at};

use super::gate::Gate;
use super::places::{Place, Places};
use super::problem;
use super::streams;
use super::strict::{self, Head, HeadLimits, Refusal};
use super::wire::Wire;
use crate::config::{Limits, Timeouts};
use crate::telemetry::{Metrics, ReasonLabel};

/// What an HTTP/2 connection begins with (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What no other request begins with.
const RESERVED: &[u8] = b"PRI ";

/// So long a connection is kept for its client's next request, whoever else comes.
const KEPT: Duration = Duration::from_secs(1);

const SLOW: Refusal = Refusal {
    status: StatusCode::REQUEST_TIMEOUT,
    reason: "slow_head",
    detail: "the request head did not arrive in time",
};

/// One listener's door.
pub struct Door {
    proxy: Arc<HttpProxy<Gate>>,
    tls: Option<Arc<ArcSwap<Acceptor>>>,
    places: Arc<Places>,
    metrics: Arc<Metrics>,
    limits: HeadLimits,
    head_timeout: Duration,
    idle_timeout: Duration,
    cleartext_http2: bool,
}

/// What a connection has turned out to be.
enum Begun {
    Http1(Box<Wire>),
    Http2(Stream),
}

/// How reading a head ended.
enum Read {
    /// A head, and what came with it of its body; what is behind that is with the wire.
    Head(BytesMut),
    /// Nothing more will come.
    End,
    /// A head that cannot be accepted.
    Refused(Refusal),
}

impl Door {
    /// A door before `proxy`; all doors of a process share `places`.
    pub fn new(
        proxy: Arc<HttpProxy<Gate>>,
        places: Arc<Places>,
        metrics: Arc<Metrics>,
        limits: &Limits,
        timeouts: &Timeouts,
        cleartext_http2: bool,
    ) -> Self {
        Self {
            proxy,
            tls: None,
            places,
            metrics,
            limits: HeadLimits {
                head_bytes: limits.head_bytes,
                fields: limits.head_fields,
                target_bytes: limits.target_bytes,
            },
            head_timeout: timeouts.request_head,
            idle_timeout: timeouts.client_idle,
            cleartext_http2,
        }
    }

    /// The same door for clients that speak TLS, with the certificate that is there when one comes.
    #[must_use]
    pub fn secured(mut self, tls: Arc<ArcSwap<Acceptor>>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Shakes hands with a client that has to speak TLS. Not as Pingora's listeners do it: there a
    /// handshake has no place yet, and a minute.
    async fn secure(&self, stream: Stream) -> Option<Stream> {
        let Some(tls) = &self.tls else { return Some(stream) };
        let socket = stream.into_any().downcast::<Socket>().ok()?;
        let tls = tls.load_full();
        // On the heap, so that connections without TLS do not carry its size around.
        match timeout(self.head_timeout, Box::pin(tls.tls_handshake(*socket))).await {
            Ok(Ok(stream)) => return Some(Box::new(stream)),
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
        self.metrics.rejected.get_or_create(&ReasonLabel { reason: "handshake" }).inc();
        None
    }

    /// Serves the requests of an HTTP/1 connection, one after the other.
    async fn http1(&self, mut wire: Box<Wire>, place: &Place, shutdown: &ShutdownWatch) {
        let mut settings: Option<HttpPersistentSettings> = None;
        let mut known = None;
        loop {
            let read = {
                let head = pin!(self.read_head(&mut wire, known, shutdown));
                match known {
                    Some(_) => head.await,
                    // Nothing was asked for yet.
                    None => place.wait(head).await.unwrap_or(Read::End),
                }
            };
            known = Some(place);
            let head = match read {
                Read::Head(head) => head,
                Read::End => return AsyncWriteExt::shutdown(&mut wire).await.unwrap_or_default(),
                Read::Refused(refusal) => return self.refuse(wire, refusal).await,
            };
            let Some(reused) = self.request(wire, head, settings, shutdown).await else { return };
            let (stream, kept) = reused.consume();
            let Some(back) = Wire::back(stream) else { return };
            (wire, settings) = (back, kept);
        }
    }

    /// Has one request served. Not `async`, or every idle connection would have room for a session.
    fn request<'a>(
        &'a self,
        wire: Box<Wire>,
        head: BytesMut,
        settings: Option<HttpPersistentSettings>,
        shutdown: &'a ShutdownWatch,
    ) -> Pin<Box<dyn Future<Output = Option<ReusedHttpStream>> + Send + 'a>> {
        let mut session = ServerSession::new_http1(wire);
        match settings {
            Some(settings) => settings.apply_to_session(&mut session),
            None => session.set_keepalive(Some(self.idle_timeout.as_secs().max(1))),
        }
        session.set_pipelined_prefix(head);
        self.proxy.process_new_http(session, shutdown)
    }

    /// Reads a head: waits for its first byte as long as a connection may be idle, and for its
    /// last as long as a head may take. Then the wire is ready for the body behind it.
    async fn read_head(
        &self,
        wire: &mut Wire,
        place: Option<&Place>,
        shutdown: &ShutdownWatch,
    ) -> Read {
        let mut head = wire.ahead();
        if head.is_empty() {
            let mut stop = shutdown.clone();
            let begun = tokio::select! {
                biased;
                begun = self.begins(wire, &mut head, place) => begun,
                _ = stop.wait_for(|stopping| *stopping) => return Read::End,
            };
            if !begun {
                return Read::End;
            }
        }
        let deadline = Instant::now() + self.head_timeout;
        let mut seen = 0;
        loop {
            match strict::check(&head, seen, &self.limits) {
                Ok(Head::Complete(end, framing)) => {
                    return match wire.begin(framing, &mut head, end) {
                        Ok(()) => Read::Head(head),
                        Err(refusal) => Read::Refused(refusal),
                    };
                }
                Ok(Head::Partial) => seen = head.len(),
                Err(refusal) => return Read::Refused(refusal),
            }
            match timeout_at(deadline, wire.read_head(&mut head)).await {
                Ok(Ok(1..)) => {}
                Ok(_) => return Read::End,
                Err(_) => return Read::Refused(SLOW),
            }
        }
    }

    /// Waits for the first bytes of a head. After a while with none, whose place this is counts as one
    /// who only waits.
    async fn begins(&self, wire: &mut Wire, head: &mut BytesMut, place: Option<&Place>) -> bool {
        let Some(place) = place else {
            let read = timeout(self.idle_timeout, wire.read_head(head)).await;
            return matches!(read, Ok(Ok(1..)));
        };
        if let Ok(read) = timeout(KEPT.min(self.idle_timeout), wire.read_head(head)).await {
            return matches!(read, Ok(1..));
        }
        let left = self.idle_timeout.saturating_sub(KEPT);
        let read = place.wait(pin!(timeout(left, wire.read_head(head)))).await;
        matches!(read, Some(Ok(Ok(1..))))
    }

    /// Answers a request that is not accepted, and closes so that the client can read the answer.
    async fn refuse(&self, wire: Box<Wire>, refusal: Refusal) {
        self.metrics.rejected.get_or_create(&ReasonLabel { reason: refusal.reason }).inc();
        let answer = problem::http1_text(&problem::refused(&refusal));
        if wire.farewell(&answer).await.is_err() {
            tracing::debug!(
                reason = refusal.reason,
                "a refused client did not wait for its answer"
            );
        }
    }

    /// Finds out what a client speaks: by ALPN, or without TLS by its first bytes.
    async fn begun(&self, stream: Stream, shutdown: &ShutdownWatch) -> Option<Begun> {
        let secured = stream.get_ssl_digest().is_some();
        let negotiated = secured && matches!(stream.selected_alpn_proto(), Some(ALPN::H2));
        let mut wire = Box::new(Wire::new(stream, shutdown.clone()));
        let http2 = match secured {
            true => negotiated,
            false => {
                self.cleartext_http2 && self.sends(RESERVED, self.idle_timeout, &mut wire).await?
            }
        };
        if !http2 {
            return Some(Begun::Http1(wire));
        }
        // Pingora would wait for the rest of it without end.
        self.sends(PREFACE, self.head_timeout, &mut wire).await?.then_some(())?;
        let read = wire.ahead();
        wire.open(read);
        Some(Begun::Http2(wire))
    }

    /// Whether the first bytes of a client are these; nothing where they do not come in time.
    async fn sends(&self, these: &[u8], first: Duration, wire: &mut Wire) -> Option<bool> {
        let mut read = wire.ahead();
        if read.is_empty() {
            let begun = timeout(first, wire.read_head(&mut read)).await;
            matches!(begun, Ok(Ok(1..))).then_some(())?;
        }
        let rest = async {
            while read.len() < these.len() && these.starts_with(&read) {
                if !matches!(wire.read_head(&mut read).await, Ok(1..)) {
                    break;
                }
            }
        };
        timeout(self.head_timeout, rest).await.ok()?;
        let sent = read.starts_with(these);
        wire.put_back(read);
        Some(sent)
    }
}

#[async_trait]
impl ServerApp for Door {
    async fn process_new(
        self: &Arc<Self>,
        stream: Stream,
        shutdown: &ShutdownWatch,
    ) -> Option<Stream> {
        let Some(place) = self.places.take() else {
            self.metrics.rejected.get_or_create(&ReasonLabel { reason: "connections" }).inc();
            return None;
        };
        let begun = pin!(async {
            let stream = self.secure(stream).await?;
            self.begun(stream, shutdown).await
        });
        let mut stop = shutdown.clone();
        let begun = tokio::select! {
            biased;
            begun = place.wait(begun) => begun??,
            _ = stop.wait_for(|stopping| *stopping) => return None,
        };
        match begun {
            Begun::Http1(wire) => self.http1(wire, &place, shutdown).await,
            Begun::Http2(stream) => {
                streams::serve(&self.proxy, stream, &place, KEPT, shutdown).await;
            }
        }
        None
    }

    async fn cleanup(&self) {
        self.proxy.http_cleanup().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<'a, F>(
        _: impl FnOnce(&'a Door, Box<Wire>, &'a Place, &'a ShutdownWatch) -> F,
    ) -> usize {
        size_of::<F>()
    }

    /// There may be thousands of them, of which hardly any has a request.
    #[test]
    fn a_connection_that_waits_takes_little_memory() {
        let size = size(Door::http1);
        assert!(size <= 2048, "{size}");
    }
}
