//! Reads a request body up to the capture limit, before anything is written or sent.

use std::time::Duration;

use http::{StatusCode, Version, header};
use pingora::proxy::Session;
use pingora::{Error, ErrorType};
use tokio::time::timeout;

use super::budget::Account;
use super::strict::Refusal;
use super::wire;
use crate::capture::{Body, BodyCapture};

/// A request body, as far as it was read.
pub(super) enum RequestBody {
    /// All of it.
    Whole(Body),
    /// As far as the limit, and the chunk that passed it. The rest is still with the client.
    Begun(BodyCapture, bytes::Bytes),
}

const MALFORMED: Refusal = Refusal {
    status: StatusCode::BAD_REQUEST,
    reason: "request-body",
    detail: "the body is malformed; the application did not get the whole request",
};
const SLOW: Refusal = Refusal {
    status: StatusCode::REQUEST_TIMEOUT,
    reason: "slow_body",
    detail: "the body did not arrive in time; the application did not get the whole request",
};

/// Why a request body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// The client left.
    Gone,
    /// Its framing is broken, or it took too long.
    Refused(Refusal),
    /// There is no memory for it now.
    NoMemory,
}

impl BodyError {
    /// What an error of the client's connection means.
    pub(super) fn of(error: &Error) -> Self {
        match error.etype() {
            ErrorType::ReadTimedout => Self::Refused(SLOW),
            ErrorType::ReadError => wire::bad_framing(error).map_or(Self::Gone, Self::Refused),
            ErrorType::ConnectionClosed | ErrorType::H2Error => Self::Gone,
            // Pingora's name for a body that ends before its declared length.
            kind if kind.as_str() == "PrematureBodyEnd" => Self::Gone,
            _ => Self::Refused(MALFORMED),
        }
    }
}

/// The length that a head declares.
pub fn declared_length(headers: &http::HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

/// How long a body may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// From one read to the next.
    pub(super) between: Duration,
    /// All of what is captured.
    pub(super) total: Duration,
}

/// The next piece of a body; none behind its end.
pub(super) async fn next(
    session: &mut Session,
    between: Duration,
) -> Result<Option<bytes::Bytes>, BodyError> {
    // Pingora knows such a deadline for HTTP/1 alone.
    match timeout(between, session.as_downstream_mut().read_request_body()).await {
        Ok(read) => read.map_err(|error| BodyError::of(&error)),
        Err(_) => Err(BodyError::Refused(SLOW)),
    }
}

/// Reads the body as far as `limit`, within a deadline; `Expect: 100-continue` is answered here,
/// since the upstream must not be asked before the intent is durable.
pub(super) async fn read(
    session: &mut Session,
    limit: usize,
    patience: Patience,
    account: &mut Account,
) -> Result<RequestBody, BodyError> {
    if session.as_downstream_mut().is_body_empty() {
        return Ok(RequestBody::Whole(Body::whole(bytes::Bytes::new())));
    }
    let head = session.req_header();
    let expects = head
        .headers
        .get(header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if expects && head.version != Version::HTTP_10 {
        let asked = session.as_downstream_mut().write_continue_response().await;
        asked.map_err(|error| BodyError::of(&error))?;
    }
    match timeout(patience.total, collect(session, limit, patience.between, account)).await {
        Ok(body) => body,
        Err(_) => Err(BodyError::Refused(SLOW)),
    }
}

async fn collect(
    session: &mut Session,
    limit: usize,
    between: Duration,
    account: &mut Account,
) -> Result<RequestBody, BodyError> {
    let mut capture = BodyCapture::of_request(limit);
    loop {
        let Some(chunk) = next(session, between).await? else {
            return Ok(RequestBody::Whole(capture.finish()));
        };
        if !account.take(chunk.len()) {
            return Err(BodyError::NoMemory);
        }
        if capture.push(&chunk) {
            return Ok(RequestBody::Begun(capture, chunk));
        }
    }
}
