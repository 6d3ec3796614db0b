//! The reading listener: the log for those who may read it, and what operations need, `/livez`,
//! `/readyz` and `/metrics`. It is never the proxy's. It must not know Pingora.
//!
//! Invariants:
//! - Nothing of the log is answered without a token or a session that holds now; what a reader sees is limited in
//!   the queries of the index, and what is hidden and what is absent are answered alike.
//! - Reading has its own connections and its own limits: appends never wait for it.
//! - An export is on record before its first row is given away, and its end before its last.

mod asked;
mod bundle;
mod changes;
mod counts;
mod coverage;
mod events;
mod export;
mod fresh;
pub(crate) mod integrity;
mod listener;
mod log;
mod openapi;
mod origin;
mod outside;
mod problem;
mod record;
mod refusals;
mod shares;
mod shown;
mod sign_in;
mod tail;
mod views;
mod ways;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde::Serialize;
use tokio::sync::watch;

use crate::recorder::Recorder;
use crate::retain::RetainStatus;
use crate::seal::{Disagreement, LogState};
use crate::store::{SpoolShared, SpoolStatus};
use crate::telemetry::Metrics;
use listener::{CONNECTIONS, Few, Peer, served};

pub(crate) use asked::{Allowed, Asked, Who};
pub(crate) use counts::{FacetValues, Facets, Stats, ValueCount, facets_of, stats_of};
pub(crate) use events::one_of;
pub(crate) use log::Session;
pub(crate) use origin::Origin;
pub(crate) use problem::Problem;
pub(crate) use tail::HEARTBEAT;
pub(crate) use views::What;

pub use changes::keep_changes;
pub use fresh::PATIENCE;
pub use listener::Trusted;
pub use log::{Log, Redaction, Turns};
pub use sign_in::Visitor;
pub use views::Views;
pub use ways::{SignInWays, Ways};

/// How it stands with checkpoints.
#[derive(Debug, Clone)]
pub struct SealStates {
    /// Of each log, by writer.
    pub logs: watch::Receiver<BTreeMap<String, LogState>>,
    /// The ways by which the last ones could not be published: `file`, `endpoint`, `witness NAME`.
    pub unpublished: watch::Receiver<BTreeSet<String>>,
}

/// What the listener tells about.
#[derive(Clone)]
pub struct Operations {
    /// The one writer.
    pub recorder: Recorder,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// Bytes of captured bodies now in memory.
    pub captured_bytes: Arc<dyn Fn() -> usize + Send + Sync>,
    /// How retention is.
    pub retention: RetainStatus,
    /// How it stands with the checkpoints of each log; none where none are made.
    pub seal: Option<SealStates>,
    /// What waits for a database that is away.
    pub spool: SpoolShared,
    /// The process is stopping.
    pub stopping: watch::Receiver<bool>,
}

/// Whether requests can be taken, and why not.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    reasons: Vec<&'static str>,
    /// What does not work, and keeps nobody from being served: `retention: …`, `ledger: …`,
    /// `checkpoints: …`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    queue_depth: usize,
    open_intents: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    spool: Option<Spooling>,
    sealing: Sealing,
}

/// The reason where nothing that begins has room, since what waits goes first.
const SPOOL_FULL: &str = "spool_full";
/// The reason where what waits was changed, so that nothing drains past it.
const SPOOL_DAMAGED: &str = "spool_damaged";
/// The reason of a writer in whose place somebody else has written.
const SUPERSEDED: &str = "superseded";

/// What waits for a database that is away. Requests are taken all the same.
#[derive(Debug, Serialize)]
struct Spooling {
    /// `spooling`; `conflict` or `damaged` where nothing can drain any more.
    state: &'static str,
    entries: u64,
    bytes: u64,
    seconds: u64,
}

impl Spooling {
    fn of(spool: &SpoolShared) -> Option<Self> {
        let SpoolStatus { entries, bytes, since, conflict, damaged, .. } = spool.get();
        let state = match damaged {
            Some(_) => "damaged",
            None if conflict => "conflict",
            None => "spooling",
        };
        let seconds = since?.elapsed().as_secs();
        Some(Self { state, entries, bytes, seconds })
    }
}

/// How it stands with checkpoints. It is no reason to take no requests: they are on record all the same,
/// and refusing them would not bring back what was changed.
#[derive(Debug, Serialize)]
struct Sealing {
    /// `off`, `ok`, or what is wrong with the ledger.
    state: &'static str,
    /// Entries that no checkpoint covers yet.
    unsealed: u64,
}

impl Sealing {
    fn of(states: Option<&SealStates>) -> Self {
        let Some(states) = states else { return Self { state: "off", unsealed: 0 } };
        let states = states.logs.borrow();
        let disagreement = states.values().find_map(|log| log.disagreement);
        Self {
            state: disagreement.map_or("ok", Disagreement::code),
            unsealed: states.values().map(LogState::unsealed).sum(),
        }
    }
}

/// The routes.
pub fn router(operations: Operations, log: Arc<Log>) -> Router {
    let health = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .method_not_allowed_fallback(|| async { Problem::method() })
        .with_state(operations)
        .layer(middleware::from_fn_with_state(Arc::clone(&log), outside::guarded));
    Router::new()
        .route("/v1/admin/audit", get(events::list))
        .route("/v1/admin/audit/facets", get(counts::facets))
        .route("/v1/admin/audit/stats", get(counts::stats))
        .route("/v1/admin/audit/coverage", get(coverage::coverage))
        .route("/v1/admin/audit/export", get(export::export).head(no_head).fallback(no_head))
        .route("/v1/admin/audit/stream", get(tail::tail).head(no_head).fallback(no_head))
        .route("/v1/admin/audit/checkpoint", get(integrity::checkpoint))
        .route("/v1/admin/audit/consistency", get(integrity::consistency))
        .route("/v1/admin/audit/log/{writer}/{*file}", get(integrity::file))
        .route("/v1/admin/audit/{id}", get(events::one))
        .route("/v1/admin/audit/{id}/proof", get(integrity::proof))
        .merge(sign_in::routes())
        .route("/openapi.json", get(openapi::openapi))
        .route("/api/openapi.json", get(openapi::openapi))
        .fallback(|| async { Problem::no_route() })
        .method_not_allowed_fallback(|| async { Problem::method() })
        .layer(middleware::map_response(guarded))
        .with_state(log)
        .merge(health)
}

/// Without a body these would do their work for nothing.
async fn no_head() -> impl IntoResponse {
    ([(header::ALLOW, HeaderValue::from_static("GET"))], Problem::method())
}

/// What holds for every answer that may show the log: nobody keeps it, and nobody guesses what it is.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; sandbox");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

/// Serves until `stopping` says so. Whose request it is may be told by these proxies, asked for with each request.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    trusted: Trusted,
    mut stopping: watch::Receiver<bool>,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = Few::new(tokio::net::TcpListener::from_std(listener)?, CONNECTIONS);
    let layer = middleware::from_fn_with_state(trusted, served);
    let service = router.layer(layer).into_make_service_with_connect_info::<Peer>();
    axum::serve(listener, service)
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
    // Whoever may have tried it last: nothing new is taken.
    if operations.spool.get().conflict && !reasons.contains(&SUPERSEDED) {
        reasons.push(SUPERSEDED);
    }
    if operations.spool.get().damaged.is_some() && !reasons.contains(&SPOOL_DAMAGED) {
        reasons.push(SPOOL_DAMAGED);
    }
    if operations.spool.get().is_full() && !reasons.contains(&SPOOL_FULL) {
        reasons.push(SPOOL_FULL);
    }
    let mut warnings: Vec<String> = operations
        .retention
        .failing()
        .map(|reason| format!("retention: {reason}"))
        .into_iter()
        .collect();
    let breaches = operations.recorder.breaches();
    warnings.extend(breaches.into_iter().map(|breach| format!("ledger: {}", breach.code())));
    if let Some(seal) = &operations.seal {
        warnings.extend(seal.unpublished.borrow().iter().map(|way| format!("checkpoints: {way}")));
    }
    let readiness = Readiness {
        ready: reasons.is_empty(),
        reasons,
        warnings,
        queue_depth: status.queue_depth,
        open_intents: status.open_intents,
        spool: Spooling::of(&operations.spool),
        sealing: Sealing::of(operations.seal.as_ref()),
    };
    let code = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(readiness)).into_response()
}

async fn metrics(State(operations): State<Operations>) -> Response {
    let captured = i64::try_from((operations.captured_bytes)()).unwrap_or(i64::MAX);
    operations.metrics.captured_bytes.set(captured);
    let SpoolStatus { entries, bytes, .. } = operations.spool.get();
    operations.metrics.spool_entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
    operations.metrics.spool_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], operations.metrics.encode()).into_response()
}
