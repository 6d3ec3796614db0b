//! Signing in and out, for browsers. The pages that ask for it are drawn elsewhere.
//!
//! Invariants:
//! - A session begins under a new secret, and the one before it ends; it is on record before its
//!   cookie is given away.
//! - Nothing changes because of a request that another site made.
//! - Nobody is sent anywhere but to pages of the console.

mod browser;
mod token;
mod visitor;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit};
use axum::http::Extensions;
use axum::routing::post;
use serde_json::{Value, json};

use super::log::Log;
use super::record::Notice;
use crate::access::{Failure, Reader};

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
        .layer(DefaultBodyLimit::max(FORM_BYTES))
}

/// Where a request comes from.
fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip())
}

/// Records that somebody got in; whether it is on record.
async fn let_in(log: &Log, reader: &Reader, peer: Option<IpAddr>, way: &'static str) -> bool {
    let role = reader.grant().role().as_str();
    let notice = Notice {
        verb: "sign_in",
        description: "signed in to read the audit log",
        reader: Some(reader),
        peer,
        reason: None,
        metadata: json!({"way": way, "role": role}),
    };
    notice.record(log).await
}

/// Counts and records that somebody did not get in. Of too many from one address the first is on
/// record, so that nobody can fill the ledger.
async fn refuse(
    log: &Log,
    peer: Option<IpAddr>,
    reason: &'static str,
    metadata: Value,
) -> Option<Refusal> {
    let failure = peer.map(|peer| log.turns.sign_ins.failed(peer, Instant::now()));
    let (reason, throttled) = match failure {
        None | Some(Failure::Counted) => (reason, None),
        Some(Failure::Throttled(_)) => ("throttled", Some(Refusal::Throttled)),
        Some(Failure::Still(_)) => return Some(Refusal::Throttled),
    };
    let description = "sign-in to the audit log refused";
    let reason = Some(reason);
    let notice = Notice { verb: "sign_in", description, reader: None, peer, reason, metadata };
    notice.record(log).await;
    throttled
}
