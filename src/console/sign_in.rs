//! The page to say who one is. What is sent from it is taken elsewhere.

use askama::Template;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use form_urlencoded::Serializer;
use serde::Deserialize;

use super::question::LIST;
use super::shell::{Section, Shell, render};
use crate::api::Told;

/// Where the page is.
const PAGE: &str = "/audit/sign-in";
/// The longest way back.
const NEXT_MAX: usize = 4096;

/// What the page is told.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    next: Option<String>,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    shell: Shell,
    next: String,
    /// The way back as a value in an address.
    next_query: String,
    error: Option<(&'static str, &'static str)>,
    oidc: bool,
}

/// The page; `wanted` is where its reader wanted to go.
pub(super) fn address(wanted: Option<&str>) -> String {
    match wanted.and_then(local).filter(|wanted| *wanted != LIST) {
        Some(wanted) => {
            let query = Serializer::new(String::new()).append_pair("next", wanted).finish();
            format!("{PAGE}?{query}")
        }
        None => PAGE.to_owned(),
    }
}

/// A way back, if it leads to a page of the console and nowhere else.
pub(super) fn local(next: &str) -> Option<&str> {
    let rest = next.strip_prefix(LIST)?;
    let begins = rest.is_empty() || rest.starts_with('/') || rest.starts_with('?');
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (begins && plain && next.len() <= NEXT_MAX && !rest.starts_with("//")).then_some(next)
}

pub(super) async fn page(asked: Result<Query<Asked>, QueryRejection>) -> Response {
    let Asked { next, error } = asked.map(|Query(asked)| asked).unwrap_or_default();
    let next = next.as_deref().and_then(local).unwrap_or(LIST);
    let status = match error.as_deref() {
        Some("throttled") => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::OK,
    };
    shown(status, next, error.as_deref().map(explained))
}

/// Too many failures from this address.
pub(super) fn throttled(told: Told<'_>) -> Response {
    let mut response = shown(StatusCode::TOO_MANY_REQUESTS, LIST, Some(explained("throttled")));
    if let Some(wait) = told.retry_after {
        let seconds = HeaderValue::from(wait.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

fn shown(status: StatusCode, next: &str, error: Option<(&'static str, &'static str)>) -> Response {
    let shell = Shell::new("Sign in", Section::Other, None);
    let next_query = Serializer::new(String::new()).append_pair("next", next).finish();
    let next = next.to_owned();
    render(status, &SignInPage { shell, next, next_query, error, oidc: false })
}

/// What went wrong, and what to do.
fn explained(error: &str) -> (&'static str, &'static str) {
    match error {
        "token" => (
            "This token is not in force.",
            "Check that all of it was pasted. It may have been revoked or be over: an owner makes \
             another with `countersign tokens create`.",
        ),
        "throttled" => (
            "Too many attempts from this address failed.",
            "Wait a minute, then try again. A token that is in force gets in at once.",
        ),
        "expired" => ("Your session is over.", "Sign in again; you come back to where you were."),
        "role" => (
            "You are known, but nothing gives you a right to this log.",
            "Ask an owner to map one of your groups to a role.",
        ),
        "oidc" => (
            "Signing in with your identity provider did not work.",
            "Try again. If it goes on, the log of countersign says why.",
        ),
        "csrf" => ("The form was not one of this page, or too old.", "Try again from here."),
        _ => ("Signing in did not work.", "Try again, or sign in with a token."),
    }
}
