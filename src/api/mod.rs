//! The reading listener: for now what operations need, `/livez`, `/readyz` and `/metrics`. It is
//! never the proxy's. It must not know Pingora.

use std::net::TcpListener;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio::sync::watch;

use crate::recorder::Recorder;
use crate::telemetry::Metrics;

/// What the listener tells about.
#[derive(Clone)]
pub struct Operations {
    /// The one writer.
    pub recorder: Recorder,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// Bytes of captured bodies now in memory.
    pub captured_bytes: Arc<dyn Fn() -> usize + Send + Sync>,
    /// The process is stopping.
    pub stopping: watch::Receiver<bool>,
}

/// Whether requests can be taken, and why not.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    reasons: Vec<&'static str>,
    queue_depth: usize,
    open_intents: usize,
    head: u64,
}

/// The routes.
pub fn router(operations: Operations) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(operations)
}

/// Serves until `operations.stopping` says so.
pub async fn serve(listener: TcpListener, operations: Operations) -> std::io::Result<()> {
    let mut stopping = operations.stopping.clone();
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    axum::serve(listener, router(operations))
        .with_graceful_shutdown(async move {
            // An error means that the sender is gone, which is a reason to stop as well.
            if stopping.wait_for(|stopping| *stopping).await.is_err() {
                tracing::debug!("the server is gone");
            }
        })
        .await
}

async fn readyz(State(operations): State<Operations>) -> Response {
    let status = operations.recorder.status();
    let mut reasons: Vec<&'static str> = status.reason.into_iter().collect();
    if *operations.stopping.borrow() {
        reasons.push("stopping");
    }
    let readiness = Readiness {
        ready: reasons.is_empty(),
        reasons,
        queue_depth: status.queue_depth,
        open_intents: status.open_intents,
        head: status.head,
    };
    let code = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(readiness)).into_response()
}

async fn metrics(State(operations): State<Operations>) -> Response {
    let captured = i64::try_from((operations.captured_bytes)()).unwrap_or(i64::MAX);
    operations.metrics.captured_bytes.set(captured);
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], operations.metrics.encode()).into_response()
}
