//! The page to say who one is. What is sent from it is taken by the API's side of signing in.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use form_urlencoded::Serializer;
use serde::Deserialize;

use super::shell::{Page, Section, Shell, render};
use super::shown::Shown;
use crate::api::Log;

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
    /// Where to go afterwards; whether that may be is said where it is gone to.
    next: String,
    /// The same as a query.
    next_query: String,
    error: Option<(&'static str, &'static str)>,
    /// The identity provider's name.
    oidc: Option<Shown>,
}

impl Page for SignInPage {
    fn shell(&self) -> &Shell {
        &self.shell
    }
}

pub(super) async fn page(
    State(log): State<Arc<Log>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let Asked { next, error } = asked.map(|Query(asked)| asked).unwrap_or_default();
    let next = next.unwrap_or_default();
    let status = match error.as_deref() {
        Some("throttled") => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::OK,
    };
    let mut shell = Shell::new("Sign in", Section::Other, None);
    log.ways.prefix().clone_into(&mut shell.prefix);
    let page = SignInPage {
        shell,
        next_query: Serializer::new(String::new()).append_pair("next", &next).finish(),
        next,
        error: error.as_deref().map(explained),
        oidc: log.ways.sign_in().oidc.as_deref().map(Shown::line),
    };
    render(status, &page)
}

/// What went wrong, and what to do.
fn explained(error: &str) -> (&'static str, &'static str) {
    match error {
        "token" => (
            "This token is not in force.",
            "Check that all of it was pasted. If it was revoked or is over, ask an owner for another.",
        ),
        "throttled" => {
            ("Too many attempts from this address failed.", "Wait a minute, then try again.")
        }
        "expired" => ("Your session is over.", "Sign in again; you come back to where you were."),
        "role" => (
            "You are known, but nothing gives you a right to this log.",
            "Ask an owner to map one of your groups to a role.",
        ),
        "unavailable" => (
            "Nobody can be let in at present.",
            "Try again in a moment; /readyz and the log of countersign say what is wrong.",
        ),
        "csrf" => ("The request came from another site.", "Sign in from here."),
        "oidc" => (
            "Signing in with your identity provider did not work.",
            "Try again. If it goes on, the log of countersign says why.",
        ),
        _ => ("Signing in did not work.", "Try again, or sign in with a token."),
    }
}
