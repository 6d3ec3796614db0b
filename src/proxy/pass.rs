//! The shortest way for the most frequent requests: reads without a body, of which nothing is
//! recorded. Pingora's own pipeline, which takes all others that are not recorded, joins
//! both directions by queues; a read needs only one of them.
//!
//! A read changes nothing: other than an audited request it ends when its client leaves, and is
//! sent again when a connection of the pool turns out to be dead.

use http::{Method, StatusCode, Version, header};
use pingora::ErrorType;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::Session;

use super::body::BodyError;
use super::caller;
use super::failure::Failure;
use super::forward::{self, Framing, ResponseFraming};
use super::gate::Shared;
use super::problem;
use super::snapshot::{Routed, Snapshot};
use super::trailers;
use super::upstream::{CONNECTS, Outgoing, Upload, Upstream, Waiting};
use super::wire::Wire;

/// Whether a request that is not recorded goes this way.
pub(super) fn takes(head: &RequestHeader, has_body: bool) -> bool {
    matches!(head.version, Version::HTTP_11 | Version::HTTP_2)
        && !has_body
        && matches!(head.method, Method::GET | Method::HEAD)
        && !head.headers.contains_key(header::EXPECT)
}

/// Passes a read on, and its response back as it comes.
pub(super) async fn pass(
    shared: &Shared,
    snapshot: &Snapshot,
    routed: &Routed,
    session: &mut Session,
) -> pingora::Result<()> {
    let mut tries = 1;
    let asked = loop {
        match ask(shared, snapshot, routed, session).await {
            Err((Failure::Lost, true)) if tries < CONNECTS => tries += 1,
            asked => break asked,
        }
    };
    let problem = match asked {
        Ok((upstream, head)) => return stream(shared, session, upstream, head).await,
        Err((Failure::ClientAborted(_), _)) => {
            session.set_keepalive(None);
            return Ok(());
        }
        Err((Failure::NotSent, _)) if tries == 1 => problem::unreached(),
        Err((Failure::ConnectTimeout, _)) if tries == 1 => problem::out_of_reach(),
        // An earlier try may have been seen.
        Err((Failure::NotSent | Failure::Lost, _)) => problem::lost(),
        Err((Failure::Invalid, _)) => problem::unreadable(),
        Err((Failure::ConnectTimeout | Failure::Timeout, _)) => problem::late(),
    };
    problem::send(session, &problem).await
}

/// Sends the request and waits for the response's head. A failure tells whether it is that of a
/// connection that had served before.
async fn ask(
    shared: &Shared,
    snapshot: &Snapshot,
    routed: &Routed,
    session: &mut Session,
) -> Result<(Box<Upstream>, Box<ResponseHeader>), (Failure, bool)> {
    let fresh = |failure| (failure, false);
    let pool = snapshot.pool(&routed.route.upstream).ok_or(fresh(Failure::NotSent))?;
    let forwarding = caller::forwarding(session, snapshot, &routed.route);
    let head = forward::request(session.req_header(), None, Framing::None, &forwarding)
        .map_err(|_| fresh(Failure::NotSent))?;
    let (client, nothing) = (&forwarding.balanced, Upload::Short(bytes::Bytes::new()));
    let opened = Upstream::open(&shared.connector, pool, client, head, nothing).await;
    let mut upstream = opened.map_err(fresh)?;
    let reused = upstream.was_pooled();
    let failed = |failure| (failure, reused);
    upstream.send(session, Outgoing::Whole(bytes::Bytes::new())).await.map_err(failed)?;
    let head = upstream.answer(session, Waiting::ForClient).await.head.map_err(failed)?;
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        // Nobody asked for that.
        return Err(fresh(Failure::Lost));
    }
    Ok((upstream, head))
}

async fn stream(
    shared: &Shared,
    session: &mut Session,
    mut upstream: Box<Upstream>,
    head: Box<ResponseHeader>,
) -> pingora::Result<()> {
    let request = session.req_header();
    let bodiless = request.method == Method::HEAD
        || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let framing = if bodiless { ResponseFraming::AsIs } else { ResponseFraming::Open };
    let head = forward::response(head, None, framing, request.version)?;
    Wire::keep_date(session.as_downstream().stream(), &head.headers);
    session.as_downstream_mut().write_response_header(head).await?;
    let mut watching = true;
    loop {
        let chunk = {
            let read = upstream.read();
            tokio::pin!(read);
            loop {
                tokio::select! {
                    biased;
                    chunk = &mut read => break chunk,
                    idle = session.as_downstream_mut().read_body_or_idle(true), if watching => {
                        watching = false;
                        // Whatever came, the connection holds bytes that are now lost.
                        session.set_keepalive(None);
                        if idle.is_err_and(|error| BodyError::of(&error) == BodyError::Gone) {
                            return Ok(());
                        }
                    }
                }
            }
        };
        match chunk {
            Ok(Some(chunk)) => {
                session.as_downstream_mut().write_response_body(chunk, false).await?;
            }
            Ok(None) => break,
            Err(failure) => {
                tracing::debug!(?failure, "a response broke off");
                return pingora::Error::e_explain(
                    ErrorType::ConnectionClosed,
                    "the upstream broke off its response",
                );
            }
        }
    }
    let trailers = upstream.trailers().await;
    trailers::finish(session, bytes::Bytes::new(), trailers).await?;
    upstream.release(&shared.connector).await;
    Ok(())
}
