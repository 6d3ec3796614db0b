//! What is around every page, and for whom it is.

use std::sync::Arc;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::assets::{ASSETS, Assets};
use super::error;
use super::shown::Shown;
use super::sign_in;
use crate::access::Role;
use crate::api::{Log, Who};

/// Somebody who looks at pages. Whoever has not said who they are is sent to do so.
pub(super) struct Viewer {
    pub(super) who: Who,
}

impl FromRequestParts<Arc<Log>> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, log: &Arc<Log>) -> Result<Self, Response> {
        match Who::from_request_parts(parts, log).await {
            Ok(who) => Ok(Self { who }),
            Err(problem) => Err(match problem.told().status {
                StatusCode::UNAUTHORIZED => {
                    let wanted = parts.uri.path_and_query().map(|wanted| wanted.as_str());
                    Redirect::to(&sign_in::address(wanted)).into_response()
                }
                StatusCode::TOO_MANY_REQUESTS => sign_in::throttled(problem.told()),
                _ => error::page(None, &problem),
            }),
        }
    }
}

impl Viewer {
    /// Whether more than events is theirs to see.
    pub(super) fn is_owner(&self) -> bool {
        self.who.0.grant().role() == Role::Owner
    }
}

/// A part of the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// The list, and what is opened from it.
    Events,
    /// None of them.
    Other,
}

/// What is around a page.
pub(super) struct Shell {
    /// The page's name.
    pub(super) title: String,
    section: Section,
    /// Who looks at it.
    pub(super) reader: Option<Reader>,
    pub(super) assets: &'static Assets,
}

/// Who looks at a page.
pub(super) struct Reader {
    pub(super) name: Shown,
    pub(super) role: &'static str,
}

impl Shell {
    /// Around a page for somebody.
    pub(super) fn new(title: impl Into<String>, section: Section, viewer: Option<&Viewer>) -> Self {
        let reader = viewer.map(|viewer| Reader {
            name: Shown::line(viewer.who.0.name()),
            role: viewer.who.0.grant().role().as_str(),
        });
        Self { title: title.into(), section, reader, assets: &ASSETS }
    }

    /// Whether this is the part that is shown.
    pub(super) fn is_at_events(&self) -> bool {
        self.section == Section::Events
    }
}

/// The page, or word that it could not be written.
pub(super) fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
