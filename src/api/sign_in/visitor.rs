//! Somebody who looks at a page.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};

use super::browser::{Next, ask_to_sign_in, is_own_request};
use super::token::is_same;
use super::{Refusal, note};
use crate::access::{Reader, Way};
use crate::api::Origin;
use crate::api::log::Log;
use crate::api::problem::Problem;
use crate::api::shown::{Shown, Used};
use crate::api::views::What;

/// Somebody who may look at pages. A handler that asks for one sends everybody else to the sign-in
/// page, from which they come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    reader: Reader,
    csrf: String,
}

impl Visitor {
    /// Who reads; [`Reader::grant`] says what.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// By what people know them.
    pub fn name(&self) -> &str {
        self.reader.name()
    }

    /// How they got in.
    pub fn way(&self) -> Way {
        self.reader.way()
    }

    /// What a form must carry, in a field `csrf`, to change anything; empty where there is no cookie
    /// that other sites could make use of.
    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Whether a request that changes something was meant by this visitor: `sent` is its field
    /// `csrf`. The answer to one that was not is the response.
    #[expect(clippy::result_large_err, reason = "handlers answer with it at once")]
    pub fn must_mean_it(&self, log: &Log, headers: &HeaderMap, sent: &str) -> Result<(), Response> {
        match is_own_request(headers, &log.ways) && is_same(sent, &self.csrf) {
            true => Ok(()),
            false => Err(Problem::cross_site().into_response()),
        }
    }
}

impl FromRequestParts<Arc<Log>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, log: &Arc<Log>) -> Result<Self, Response> {
        let from = Origin::of(&parts.extensions);
        let shown = Shown::of(&parts.headers, &log.ways, from.peer);
        let used = Used::by(&parts.headers, parts.uri.path());
        if matches!(&*shown, Shown::Token(_) | Shown::Wrong) {
            let found = log.authenticate(&parts.headers, used, &from).await;
            let reader = found.map_err(IntoResponse::into_response)?;
            log.viewed(&reader, What::at(parts.uri.path()), &from);
            return Ok(Self { reader, csrf: String::new() });
        }
        let found = log.reader(&shown, used).await.map_err(IntoResponse::into_response)?;
        if let Some(reader) = found {
            log.viewed(&reader, What::at(parts.uri.path()), &from);
            let csrf = match &*shown {
                Shown::Session(id) => id.csrf(),
                _ => log.ways.csrf(&reader),
            };
            return Ok(Self { reader, csrf });
        }
        note(log, &shown, &parts.headers, &from).await;
        let refusal = match &*shown {
            Shown::Session(_) => Some(Refusal::Expired),
            Shown::Stranger(_) => Some(Refusal::Role),
            _ => None,
        };
        let page = parts.uri.path_and_query().map_or("", |page| page.as_str());
        Err(ask_to_sign_in(&log.ways, refusal, &Next::of(page)))
    }
}
