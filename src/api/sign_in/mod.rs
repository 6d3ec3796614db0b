//! Signing in and out, for browsers. The pages that ask for it are drawn elsewhere.
//!
//! Invariants:
//! - A session begins under a new secret, and the one before it ends; it is on record before its
//!   cookie is given away.
//! - Nothing changes because of a request that another site made.
//! - Nobody is sent anywhere but to pages of the console.

mod browser;
mod oidc;
mod token;
mod visitor;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::HeaderMap;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::log::Log;
use super::origin::Origin;
use super::record::{Notice, actor, stranger};
use super::shown::Shown;
use crate::access::{Failure, Reader};

pub(super) use oidc::Provider;
pub(super) use token::is_same;
pub use visitor::Visitor;

/// The largest form, in bytes.
const FORM_BYTES: usize = 16 * 1024;

/// Why somebody does not get in, as the sign-in page is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// No such token, or it no longer holds.
    Token,
    /// Too many failures.
    Throttled,
    /// The provider said no, or said what cannot be believed.
    Oidc,
    /// The person is known, and may do nothing.
    Role,
    /// Another site may have sent the form.
    CrossSite,
    /// The session has ended.
    Expired,
    /// It cannot be recorded, or the database does not answer.
    Unavailable,
}

impl Refusal {
    fn code(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Throttled => "throttled",
            Self::Oidc => "oidc",
            Self::Role => "role",
            Self::CrossSite => "csrf",
            Self::Expired => "expired",
            Self::Unavailable => "unavailable",
        }
    }
}

/// The routes that change sessions.
pub(super) fn routes() -> Router<Arc<Log>> {
    Router::new()
        .route("/audit/sign-in", post(token::sign_in))
        .route("/audit/sign-out", post(token::sign_out))
        .route("/audit/oidc/start", get(oidc::start))
        .route("/audit/oidc/callback", get(oidc::callback))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
}

/// Records that somebody got in; whether it is on record.
async fn let_in(log: &Log, reader: &Reader, from: &Origin, way: &'static str) -> bool {
    let role = reader.grant().role().as_str();
    let notice = Notice {
        verb: "sign_in",
        description: "signed in to read the audit log",
        actor: Some(actor(log, reader)),
        from: from.clone(),
        reason: None,
        metadata: json!({"way": way, "role": role}),
    };
    notice.record_first(log).await
}

/// Counts and records that somebody did not get in. Of too many from one address the first is on
/// record, so that nobody can fill the ledger.
async fn refuse(
    log: &Log,
    from: &Origin,
    actor: Option<Value>,
    reason: &'static str,
    metadata: Value,
) -> Option<Refusal> {
    let failure = from.client.map(|client| log.turns.sign_ins.failed(client, Instant::now()));
    let (reason, throttled) = match failure {
        None | Some(Failure::Counted) => (reason, None),
        Some(Failure::Throttled(_)) => ("throttled", Some(Refusal::Throttled)),
        Some(Failure::Still(_)) => return Some(Refusal::Throttled),
    };
    let description = "sign-in to the audit log refused";
    let reason = Some(reason);
    let notice =
        Notice { verb: "sign_in", description, actor, from: from.clone(), reason, metadata };
    notice.record(log).await;
    throttled
}

/// Records who shows a token that is none, claims to be somebody by what only a trusted proxy may say, or may do
/// nothing; of one address no more than the throttle lets through.
pub(super) async fn note(log: &Log, shown: &Shown, headers: &HeaderMap, from: &Origin) {
    let (actor, reason, way) = match shown {
        Shown::Stranger(id) => (Some(stranger(log, id, "header")), "role", "header"),
        _ if shown.is_stray(headers, &log.ways) => (None, "untrusted_header", "header"),
        Shown::Token(_) | Shown::Wrong => (None, "token", "token"),
        _ => return,
    };
    let failure = from.client.map(|client| log.turns.strays.failed(client, Instant::now()));
    if failure != Some(Failure::Counted) {
        return;
    }
    let description = "sign-in to the audit log refused";
    let (reason, metadata) = (Some(reason), json!({"way": way}));
    Notice { verb: "sign_in", description, actor, from: from.clone(), reason, metadata }
        .record(log)
        .await;
}
