//! Signing in with a token, and signing out.

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{Extensions, HeaderMap};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::browser::{Next, ask_to_sign_in, go_to, is_own_request, with_session};
use super::{Refusal, let_in, refuse};
use crate::access::{Reader, SessionId, Token};
use crate::api::Origin;
use crate::api::log::Log;
use crate::api::problem::Problem;
use crate::api::record::{Notice, actor};
use crate::api::shown::{Shown, Used, session};

/// What the form of the sign-in page sends.
#[derive(Deserialize)]
pub(super) struct SignIn {
    token: String,
    #[serde(default)]
    next: String,
}

/// What the form to sign out sends.
#[derive(Deserialize)]
pub(super) struct SignOut {
    #[serde(default)]
    csrf: String,
}

pub(super) async fn sign_in(
    State(log): State<Arc<Log>>,
    headers: HeaderMap,
    extensions: Extensions,
    form: Result<Form<SignIn>, FormRejection>,
) -> Response {
    let from = Origin::of(&extensions);
    let Ok(Form(form)) = form else {
        return Problem::form("token").into_response();
    };
    let next = Next::of(&form.next);
    let metadata = || json!({"way": "token"});
    if !is_own_request(&headers, &log.ways) {
        refuse(&log, &from, None, "cross_site", metadata()).await;
        return ask_to_sign_in(&log.ways, Some(Refusal::CrossSite), &next);
    }
    let found = match Token::parse(form.token.trim()) {
        Some(token) => log.reader(&Arc::new(Shown::Token(token)), Used::Now).await,
        None => Ok(None),
    };
    match found {
        Ok(Some(reader)) => match begin(&log, &headers, reader, &from, "token").await {
            Some(session) => with_session(go_to(&log.ways, &next), &log.ways, Some(&session)),
            None => ask_to_sign_in(&log.ways, Some(Refusal::Unavailable), &next),
        },
        Ok(None) => {
            let refusal =
                refuse(&log, &from, None, "token", metadata()).await.unwrap_or(Refusal::Token);
            ask_to_sign_in(&log.ways, Some(refusal), &next)
        }
        Err(_) => ask_to_sign_in(&log.ways, Some(Refusal::Unavailable), &next),
    }
}

/// Begins a session, in the place of the one that the browser has; none where that cannot be
/// recorded.
pub(super) async fn begin(
    log: &Arc<Log>,
    headers: &HeaderMap,
    reader: Reader,
    from: &Origin,
    way: &'static str,
) -> Option<SessionId> {
    let (before, now, who) = (session(headers, &log.ways), log.clock.now(), reader.clone());
    let begun = log.access(move |access, ways| {
        if let Some(before) = before {
            access.end_session(&before)?;
        }
        access.begin_session(&who, &ways.sessions, now)
    });
    let id = begun.await.ok()?;
    if let_in(log, &reader, from, way).await {
        return Some(id);
    }
    // Its secret was given to nobody, so that it is of no use even where this fails.
    if log.access(move |access, _| access.end_session(&id)).await.is_err() {
        tracing::debug!("a session that could not be recorded was not ended");
    }
    None
}

pub(super) async fn sign_out(
    State(log): State<Arc<Log>>,
    headers: HeaderMap,
    extensions: Extensions,
    form: Result<Form<SignOut>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else {
        return Problem::form("csrf").into_response();
    };
    let gone = || with_session(ask_to_sign_in(&log.ways, None, &Next::of("")), &log.ways, None);
    let Some(id) = session(&headers, &log.ways) else { return gone() };
    if !is_own_request(&headers, &log.ways) || !is_same(&form.csrf, &id.csrf()) {
        return Problem::cross_site().into_response();
    }
    let now = log.clock.now();
    let ended = log.access(move |access, ways| {
        let reader = access.idle_session(&id, &ways.sessions, now)?;
        access.end_session(&id)?;
        Ok(reader)
    });
    match ended.await {
        Ok(Some(reader)) => {
            let notice = Notice {
                verb: "sign_out",
                description: "signed out of the audit log",
                actor: Some(actor(&log, &reader)),
                from: Origin::of(&extensions),
                reason: None,
                metadata: json!({}),
            };
            // The session has ended all the same.
            notice.record(&log).await;
            gone()
        }
        Ok(None) => gone(),
        Err(problem) => problem.into_response(),
    }
}

/// Compares without telling how much is the same.
pub(in crate::api) fn is_same(sent: &str, right: &str) -> bool {
    sent.len() == right.len()
        && sent.bytes().zip(right.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}
