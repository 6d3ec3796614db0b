//! What is around every page, and for whom it is.

use std::sync::Arc;

use askama::Template;
use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Response};

use super::assets::{ASSETS, Assets};
use super::error;
use super::shown::Shown;
use crate::access::{Role, Way};
use crate::api::{Log, Origin, Problem, Visitor, Who};

/// Somebody who looks at pages. Whoever has not said who they are is sent to do so.
pub(super) struct Viewer {
    pub(super) who: Who,
    /// What a form must carry to change anything; empty where there is no session to end.
    csrf: String,
    /// What stands before paths where browsers are.
    pub(super) prefix: String,
    /// From where they look.
    pub(super) from: Origin,
}

impl FromRequestParts<Arc<Log>> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, log: &Arc<Log>) -> Result<Self, Response> {
        match Visitor::from_request_parts(parts, log).await {
            Ok(visitor) => Ok(Self {
                who: Who(visitor.reader().clone()),
                csrf: match visitor.way() {
                    Way::TokenSession | Way::Oidc => visitor.csrf().to_owned(),
                    Way::Token | Way::Header => String::new(),
                },
                prefix: log.ways.prefix().to_owned(),
                from: Origin::of(&parts.extensions),
            }),
            // To the sign-in page, or to a program that sent a wrong token.
            Err(response) if response.status() != StatusCode::SERVICE_UNAVAILABLE => Err(response),
            Err(_) => {
                let problem = Problem::unavailable("tokens and sessions cannot be checked");
                Err(error::page(None, &problem))
            }
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
    /// What rules name, and what they do not.
    Coverage,
    /// Whether the log is what was sealed.
    Integrity,
    /// What is in force.
    Settings,
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
    /// What stands before paths where browsers are.
    pub(super) prefix: String,
}

/// Who looks at a page.
pub(super) struct Reader {
    /// For the form to sign out; none where there is no session.
    pub(super) csrf: Option<String>,
    pub(super) name: Shown,
    /// Under which the browser keeps what is theirs.
    pub(super) mark: String,
    pub(super) role: &'static str,
    is_owner: bool,
}

impl Shell {
    /// Around a page for somebody.
    pub(super) fn new(title: impl Into<String>, section: Section, viewer: Option<&Viewer>) -> Self {
        let reader = viewer.map(|viewer| Reader {
            csrf: Some(&viewer.csrf).filter(|csrf| !csrf.is_empty()).cloned(),
            name: Shown::line(viewer.who.0.name()),
            mark: viewer.who.0.mark(),
            role: viewer.who.0.grant().role().as_str(),
            is_owner: viewer.is_owner(),
        });
        let prefix = viewer.map(|viewer| viewer.prefix.clone()).unwrap_or_default();
        Self { title: title.into(), section, reader, assets: &ASSETS, prefix }
    }

    /// The parts that there are for this reader: name, address, whether it is the one that is shown.
    pub(super) fn parts(&self) -> Vec<(&'static str, &'static str, bool)> {
        let mut parts = vec![("Events", "/audit", self.section == Section::Events)];
        if self.reader.as_ref().is_some_and(|reader| reader.is_owner) {
            parts.push(("Coverage", "/audit/coverage", self.section == Section::Coverage));
            parts.push(("Integrity", "/audit/integrity", self.section == Section::Integrity));
            parts.push(("Settings", "/audit/settings", self.section == Section::Settings));
        }
        parts
    }
}

/// A page, and what is around it.
pub(super) trait Page: Template {
    /// What is around it.
    fn shell(&self) -> &Shell;
}

/// The page, or word that it could not be written.
///
/// Templates write addresses from the root of this listener. Where a proxy in front takes a path off,
/// it is put before them here: no text can look like an attribute, since every quote in it is escaped.
pub(super) fn render(status: StatusCode, page: &impl Page) -> Response {
    let text = match page.render() {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let prefix = &page.shell().prefix;
    if prefix.is_empty() {
        return (status, Html(text)).into_response();
    }
    let audit = text.replace("=\"/audit", &format!("=\"{prefix}/audit"));
    let both = audit.replace("=\"/v1/", &format!("=\"{prefix}/v1/"));
    (status, Html(both)).into_response()
}
