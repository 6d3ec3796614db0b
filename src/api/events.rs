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
use crate::access::Role;
use crate::index::{Condition, Index, Row, Search, View};
use crate::query::{self, EventError, Summary};
use crate::record::EventId;
use crate::store::LedgerReader;

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
    let mut session = log.read().await?;
    let page = session.index.search(&asked.search).await?;
    Ok(Json(List {
        events: page.rows.into_iter().map(Summary::from).collect(),
        next_cursor: page.next.map(|cursor| cursor.to_string()),
        warnings: asked.warned(&log, &mut session.index, session.fresh).await,
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
    let mut ledger = log.ledger().await?;
    let Some(row) = page.rows.first() else {
        let problem = absent(&mut session.index, &mut *ledger, id, who).await;
        return Err(problem.but(&log.what_may_be_missing(view, session.fresh)));
    };
    match query::whole(&mut *ledger, row).await {
        Ok(mut event) => {
            query::without_position(&mut event, view);
            Ok(event)
        }
        // It was purged a moment ago.
        Err(EventError::Missing { .. }) if was_purged(&mut *ledger, row).await => {
            Err(absent(&mut session.index, &mut *ledger, id, who).await)
        }
        Err(error) => Err(unreadable(error)),
    }
}

async fn was_purged(ledger: &mut dyn LedgerReader, row: &Row) -> bool {
    let purged = ledger.purged_after(&row.writer, row.seq.saturating_sub(1), 1).await;
    purged.is_ok_and(|purged| purged.first().is_some_and(|purged| purged.seq == row.seq))
}

/// There is no such event. Where events of its time were purged, that is said, whatever the id; where
/// they are kept, only to owners.
pub(super) async fn absent(
    index: &mut Index,
    ledger: &mut dyn LedgerReader,
    id: EventId,
    who: &Who,
) -> Problem {
    // When the events of others were purged is theirs to know.
    if *who.0.grant().view() != View::Everything {
        return Problem::no_event();
    }
    match query::purge_at(index, ledger, id).await {
        Some((when, purge)) => {
            let is_owner = who.0.grant().role() == Role::Owner;
            Problem::purged(&when, purge.archive.as_ref().filter(|_| is_owner))
        }
        None => Problem::no_event(),
    }
}

/// The index and the ledger do not fit, or the ledger cannot be read.
pub(super) fn unreadable(error: EventError) -> Problem {
    tracing::error!(%error, "an event cannot be shown");
    Problem::unavailable("the event cannot be read from the ledger")
}
