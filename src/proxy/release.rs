//! Holding a response until its completion is durable, and letting it go.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode, Version};
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use pingora::{Error, ErrorType};

use super::body::declared_length;
use super::budget::Account;
use super::failure::Failure;
use super::forward::{self, ResponseFraming};
use super::oversee::Passing;
use super::plan;
use super::trailers::{self, Trailers};
use super::tunnel::{self, Side};
use super::upstream::Upstream;
use super::wire::Wire;
use crate::capture::{Body, BodyCapture, Release};
use crate::record::EventId;

/// A response with as much of its body as is held.
pub(super) struct Held {
    /// The head, as the upstream sent it.
    pub head: Box<ResponseHeader>,
    /// What was captured.
    pub body: Body,
    /// Held whole, or to be streamed.
    pub release: Release,
    framing: ResponseFraming,
    /// What was read but not captured.
    overflow: Option<Bytes>,
    trailers: Option<Trailers>,
}

/// What decides whether a response can be held.
pub(super) struct Holding {
    /// Bytes of the body that may be held.
    pub limit: usize,
    /// The route declares its responses to be streams.
    pub streaming: bool,
}

/// Reads a response as far as it can be held. On a failure in its middle, the head is there but
/// the rest is lost.
pub(super) async fn hold(
    upstream: &mut Upstream,
    head: Box<ResponseHeader>,
    method: &Method,
    holding: &Holding,
    account: &mut Account,
) -> Result<Held, Failure> {
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        // What follows is no body, and goes past unread.
        let body = Body { truncated: true, ..Body::default() };
        let (release, framing) = (Release::Streaming, ResponseFraming::AsIs);
        return Ok(Held { head, body, release, framing, overflow: None, trailers: None });
    }
    let bodiless = *method == Method::HEAD
        || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if bodiless {
        // Reads nothing, but tells the connection that the message has ended.
        upstream.read().await?;
        let trailers = upstream.trailers().await;
        let (body, release) = (Body::whole(Bytes::new()), Release::Held);
        return Ok(Held {
            head,
            body,
            release,
            framing: ResponseFraming::AsIs,
            overflow: None,
            trailers,
        });
    }
    let declared = declared_length(&head.headers);
    let mut capture = BodyCapture::new(holding.limit);
    let streams = |capture: &BodyCapture, overflow| Held {
        head: head.clone(),
        body: capture.so_far(declared),
        release: Release::Streaming,
        framing: ResponseFraming::Open,
        overflow,
        trailers: None,
    };
    if holding.streaming || plan::is_stream(&head.headers, holding.limit) {
        return Ok(streams(&capture, None));
    }
    while let Some(chunk) = upstream.read().await? {
        let kept = usize::try_from(capture.size()).unwrap_or(usize::MAX);
        let fits = account.take(chunk.len());
        if capture.push(&chunk) || !fits {
            let room = holding.limit.saturating_sub(kept).min(chunk.len());
            return Ok(streams(&capture, Some(chunk.slice(room..))));
        }
    }
    let trailers = upstream.trailers().await;
    let body = capture.finish();
    let framing = ResponseFraming::Length(body.bytes.len() as u64);
    Ok(Held { head, body, release: Release::Held, framing, overflow: None, trailers })
}

/// Lets a response go. One that is held whole needs its connection no more.
pub(super) async fn let_go(
    session: &mut Session,
    upstream: Option<&mut Upstream>,
    held: Held,
    event: Option<EventId>,
    see: &mut (dyn FnMut(Passing<'_>) + Send),
) -> pingora::Result<()> {
    let version = session.req_header().version;
    let framing = match held.framing {
        // What HTTP/1 sends with its length cannot have trailers.
        ResponseFraming::Length(_) if version == Version::HTTP_11 && held.trailers.is_some() => {
            ResponseFraming::Open
        }
        framing => framing,
    };
    let head = forward::response(held.head, event, framing, version)?;
    Wire::keep_date(session.as_downstream().stream(), &head.headers);
    session.as_downstream_mut().write_response_header(head).await?;
    let (Release::Streaming, Some(upstream)) = (held.release, upstream) else {
        return trailers::finish(session, held.body.bytes, held.trailers).await;
    };
    write(session, held.body.bytes).await?;
    if let Some(overflow) = held.overflow {
        write(session, overflow).await?;
    }
    loop {
        match upstream.read().await {
            Ok(Some(chunk)) => {
                write(session, chunk.clone()).await?;
                see(Passing::Passed(&chunk));
            }
            Ok(None) => {
                see(Passing::Ended);
                let trailers = upstream.trailers().await;
                return trailers::finish(session, Bytes::new(), trailers).await;
            }
            Err(failure) => {
                see(Passing::Lost);
                tracing::debug!(?failure, "a streamed response broke off");
                return Error::e_explain(
                    ErrorType::ConnectionClosed,
                    "the upstream broke off a response that was being streamed",
                );
            }
        }
    }
}

/// Lets an accepted upgrade go, and carries what follows until it ends.
pub(super) async fn switch(
    session: &mut Session,
    upstream: Box<Upstream>,
    held: &Held,
    event: Option<EventId>,
    idle: Duration,
) -> pingora::Result<()> {
    let head = forward::switching(&held.head, event)?;
    let downstream = session.as_downstream_mut();
    downstream.write_response_header(head).await?;
    let client = downstream.stream().and_then(Wire::steal);
    let (Some(client), Some(upstream)) = (client, upstream.into_side().await) else {
        return Error::e_explain(ErrorType::InternalError, "only HTTP/1.1 can be upgraded");
    };
    let side = Side { stream: client.stream, first: client.ahead.to_vec() };
    let end = tunnel::carry(side, upstream, idle, client.stop).await;
    tracing::debug!(?end, "an upgraded connection ended");
    Ok(())
}

async fn write(session: &mut Session, bytes: Bytes) -> pingora::Result<()> {
    session.as_downstream_mut().write_response_body(bytes, false).await
}
