//! Answers of our own: problem details (RFC 9457), never with anything the client sent.

use bytes::Bytes;
use http::{StatusCode, header};
use pingora::http::ResponseHeader;
use pingora::proxy::Session;
use serde_json::json;

use super::strict::Refusal;
use crate::record::EventId;

/// What the problem types begin with (docs/proxy.md explains them).
const TYPES: &str = "urn:countersign:problem:";

/// One answer.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    event: Option<EventId>,
    retry_after_secs: Option<u32>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: String) -> Self {
        Self { status, kind, title, detail, event: None, retry_after_secs: None }
    }

    /// The status code.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Names the event under which the exchange is on record.
    #[must_use]
    pub(super) fn with_event(mut self, event: EventId) -> Self {
        self.event = Some(event);
        self
    }

    fn body(&self) -> Bytes {
        let mut body = json!({
            // Refusals are counted by the same words, with `_` between them as labels have it.
            "type": format!("{TYPES}{}", self.kind.replace('_', "-")),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let (Some(event), Some(fields)) = (self.event, body.as_object_mut()) {
            fields.insert("event".to_owned(), json!(event.to_string()));
        }
        Bytes::from(body.to_string())
    }
}

/// The intent could not be written; the upstream was not contacted.
pub(super) fn audit_unavailable(reason: &str) -> Problem {
    let mut problem = Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "audit-unavailable",
        "The audit log cannot be written",
        format!(
            "the request was not executed: its audit record could not be made durable ({reason})"
        ),
    );
    problem.retry_after_secs = Some(1);
    problem
}

/// The completion could not be written; the upstream has executed the request.
pub(super) fn audit_incomplete(event: EventId) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "audit-incomplete",
        "The request was executed, but its outcome could not be recorded",
        "the request WAS sent to the application and may have been executed; its response is \
         withheld because its outcome could not be made durable. Do not repeat it before you have \
         looked."
            .to_owned(),
    )
    .with_event(event)
}

/// A request that is not accepted as it is.
pub(super) fn refused(refusal: &Refusal) -> Problem {
    Problem::new(
        refusal.status,
        refusal.reason,
        "The request was refused",
        refusal.detail.to_owned(),
    )
}

/// An upgrade on a route that does not permit it.
pub(super) fn upgrade_refused() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "upgrade-refused",
        "This route does not permit upgrades",
        "what passes through an upgraded connection cannot be audited; set `upgrades: true` on the \
         route to permit it"
            .to_owned(),
    )
}

/// No connection to the upstream.
pub(super) fn unreached() -> Problem {
    bad_gateway("the application could not be reached; the request was not executed")
}

/// No connection to the upstream in time.
pub(super) fn out_of_reach() -> Problem {
    gateway_timeout("the application could not be reached in time; the request was not executed")
}

/// The upstream was lost.
pub(super) fn lost() -> Problem {
    bad_gateway(
        "the application was lost after it had the request; whether it was executed is not known",
    )
}

/// The upstream's answer cannot be read.
pub(super) fn unreadable() -> Problem {
    bad_gateway(
        "the application had the request, but its answer is no HTTP response, or has a head of more than 256 \
         fields or 1 MiB; whether the request was executed is not known",
    )
}

/// The upstream took too long.
pub(super) fn late() -> Problem {
    gateway_timeout(
        "the application did not answer in time; whether the request was executed is not known",
    )
}

fn bad_gateway(detail: &str) -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        "bad-gateway",
        "The application could not answer",
        detail.to_owned(),
    )
}

fn gateway_timeout(detail: &str) -> Problem {
    Problem::new(
        StatusCode::GATEWAY_TIMEOUT,
        "gateway-timeout",
        "The application did not answer in time",
        detail.to_owned(),
    )
}

/// The answer as HTTP/1.1 text, for connections that never became a session.
pub(super) fn http1_text(problem: &Problem) -> Bytes {
    let body = problem.body();
    let reason = problem.status.canonical_reason().unwrap_or("Error");
    let mut text = format!(
        "HTTP/1.1 {} {reason}\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n",
        problem.status.as_u16(),
        body.len(),
    )
    .into_bytes();
    text.extend_from_slice(&body);
    text.into()
}

/// Sends the answer in a session. The connection is kept only if the request was read to its end.
pub(super) async fn send(session: &mut Session, problem: &Problem) -> pingora::Result<()> {
    let body = problem.body();
    let mut head = ResponseHeader::build(problem.status, Some(6))?;
    head.insert_header(header::CONTENT_TYPE, "application/problem+json")?;
    head.insert_header(header::CONTENT_LENGTH, body.len())?;
    head.insert_header(header::CACHE_CONTROL, "no-store")?;
    if let Some(seconds) = problem.retry_after_secs {
        head.insert_header(header::RETRY_AFTER, seconds)?;
    }
    if let Some(event) = problem.event {
        head.insert_header(super::EVENT_HEADER, event.to_string())?;
    }
    let bodiless = session.req_header().method == http::Method::HEAD;
    let downstream = session.as_downstream_mut();
    downstream.write_response_header(Box::new(head)).await?;
    let body = if bodiless { Bytes::new() } else { body };
    downstream.write_response_body(body, true).await
}
