//! What operations need, where it is asked for through the proxy that makes the log public.
//!
//! Counts of requests and of what waits are about all scopes. On this machine they are for everybody;
//! elsewhere, for those who see everything.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::log::Log;
use super::origin::Origin;
use super::problem::Problem;
use super::shown::Used;
use super::ways::Ways;
use crate::index::View;

/// What proxies add to what they pass on.
const ADDED: [HeaderName; 6] = [
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-real-ip"),
];

/// Answers requests from elsewhere: metrics to those who see everything, and of readiness whether it is so.
pub(super) async fn guarded(State(log): State<Arc<Log>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let (is_metrics, is_readiness) = (path == "/metrics", path == "/readyz");
    if !(is_metrics || is_readiness) || !comes_from_outside(request.headers(), &log.ways) {
        return next.run(request).await;
    }
    if is_metrics {
        let from = Origin::of(request.extensions());
        match log.authenticate(request.headers(), Used::Now, &from).await {
            Ok(reader) if *reader.grant().view() == View::Everything => {}
            Ok(_) => return Problem::of_operations().into_response(),
            Err(problem) => return problem.into_response(),
        }
        return next.run(request).await;
    }
    let status = next.run(request).await.status();
    match status {
        StatusCode::OK | StatusCode::SERVICE_UNAVAILABLE => {
            (status, Json(json!({"ready": status == StatusCode::OK}))).into_response()
        }
        other => other.into_response(),
    }
}

/// Whether a request came through a proxy.
fn comes_from_outside(headers: &HeaderMap, ways: &Ways) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    ADDED.iter().any(|name| headers.contains_key(name)) || ways.is_public_host(host)
}
