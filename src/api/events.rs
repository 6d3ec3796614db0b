//! The list, and one event.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::asked::{Allowed, Asked, Who};
use super::log::Log;
use super::problem::Problem;
use crate::index::{Condition, Search};
use crate::query::{self, EventError, Summary};
use crate::record::EventId;

const LIST: Allowed = Allowed { own: &[], page: true, strict: false };

/// A page of events, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct List {
    /// The events, and acts of events.
    events: Vec<Summary>,
    /// Give it as `cursor` to get the page behind this one; null where there is none.
    next_cursor: Option<String>,
    /// What was not taken into account.
    warnings: Vec<String>,
}

pub(super) async fn list(
    State(log): State<Arc<Log>>,
    who: Who,
    uri: Uri,
) -> Result<Json<List>, Problem> {
    let mut asked = Asked::of(&uri, &who, LIST, log.clock.now())?;
    let page = log.read().await?.index.search(&asked.search).await?;
    log.warn_of_lag(&mut asked.warnings);
    Ok(Json(List {
        events: page.rows.into_iter().map(Summary::from).collect(),
        next_cursor: page.next.map(|cursor| cursor.to_string()),
        warnings: asked.warnings,
    }))
}

/// What is hidden, what is absent and what cannot be are answered alike.
pub(super) async fn one(
    State(log): State<Arc<Log>>,
    who: Who,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Value>, Problem> {
    let Path(id) = id.map_err(|_| Problem::no_event())?;
    one_of(&log, &who, &id).await.map(Json)
}

/// The whole event of this id, as this reader may see it.
pub(crate) async fn one_of(log: &Log, who: &Who, id: &str) -> Result<Value, Problem> {
    let id: EventId = id.parse().map_err(|_| Problem::no_event())?;
    let view = who.0.grant().view();
    let search = Search {
        view: view.clone(),
        conditions: vec![Condition::Id(id.to_string())],
        limit: 1,
        ..Search::default()
    };
    let mut session = log.read().await?;
    let page = session.index.search(&search).await?;
    let row = page.rows.first().ok_or_else(Problem::no_event)?;
    let mut event = query::whole(&mut *log.ledger().await?, row).await.map_err(unreadable)?;
    query::without_position(&mut event, view);
    Ok(event)
}

/// The index and the ledger do not fit, or the ledger cannot be read.
pub(super) fn unreadable(error: EventError) -> Problem {
    tracing::error!(%error, "an event cannot be shown");
    Problem::unavailable("the event cannot be read from the ledger")
}
