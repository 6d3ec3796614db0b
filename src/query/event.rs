//! An event in full, joined from the ledger's entries.

use chrono::{DateTime, SecondsFormat};
use serde_json::Value;

use super::Joined;
use super::joined::POSITION;
use crate::index::{Condition, Index, Row, Search, View};
use crate::record::{EntryKind, EventId, PURGE_ACTION, Purge, Stored};
use crate::store::{LedgerReader, StoreError};

/// Events about purges that are looked at for one that says where an event is.
const PURGES: u32 = 4;

/// Why an event cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The ledger cannot be read.
    #[error("cannot read the ledger")]
    Ledger(#[from] StoreError),
    /// The index knows an event that the ledger does not have.
    #[error("the ledger has no entry {seq} of writer `{writer}`: delete the search index")]
    Missing {
        /// Whose log.
        writer: String,
        /// Which entry.
        seq: u64,
    },
    /// A document of the ledger is not JSON.
    #[error("entry {seq} of writer `{writer}` is not a JSON object")]
    NotJson {
        /// Whose log.
        writer: String,
        /// Which entry.
        seq: u64,
    },
}

impl EventError {
    /// The ledger lacks what the row stands for.
    pub fn of_missing(row: &Row) -> Self {
        Self::Missing { writer: row.writer.clone(), seq: row.seq }
    }
}

/// Reads what a row stands for from the ledger: the event, or one of the acts of an event, which then
/// says as `act` which one of them it is. A completion that is newer than the index counts.
pub async fn event(reader: &mut dyn LedgerReader, row: &Row) -> Result<Value, EventError> {
    let (first, second) = halves(reader, row).await?;
    let mut event = Joined::of(&first, second.as_ref())?;
    event.single_out(row.act);
    event.into_value()
}

/// A purge that took events of the time of this one, and when it was: of an event that is not there, it
/// is the best that can be said.
pub async fn purge_at(
    index: &mut Index,
    reader: &mut dyn LedgerReader,
    id: EventId,
) -> Option<(String, Purge)> {
    for (writer, seq) in index.purges_of(id.time_ms()?, PURGES).await.unwrap_or_default() {
        let Ok(Some(entry)) = reader.entry(&writer, seq).await else { continue };
        let Some(purge) = Purge::of(&entry) else { continue };
        let when = entry.id.time_ms().and_then(DateTime::from_timestamp_millis);
        return Some((when.unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true), purge));
    }
    None
}

/// What whoever sees everything should know of a search: that events of its time were purged.
pub async fn purged_in(index: &mut Index, search: &Search) -> Option<String> {
    if search.view != View::Everything {
        return None;
    }
    let (mut since, mut until) = (i64::MIN, i64::MAX);
    for condition in &search.conditions {
        match condition {
            Condition::Since(time) => since = since.max(*time),
            Condition::Until(time) => until = until.min(*time),
            _ => {}
        }
    }
    let last = index.purged_between(since, until).await.ok().flatten()?;
    let last = DateTime::from_timestamp_millis(last).unwrap_or_default();
    Some(format!(
        "events of this time, up to {}, were purged by the retention policy: the events `{PURGE_ACTION}` say \
         which they were, and whether they are archived",
        last.to_rfc3339_opts(SecondsFormat::Secs, true)
    ))
}

/// Reads the whole event of a row from the ledger, with all its acts.
pub async fn whole(reader: &mut dyn LedgerReader, row: &Row) -> Result<Value, EventError> {
    let (first, second) = halves(reader, row).await?;
    merge(&first, second.as_ref())
}

async fn halves(
    reader: &mut dyn LedgerReader,
    row: &Row,
) -> Result<(Stored, Option<Stored>), EventError> {
    let missing = || EventError::of_missing(row);
    let first = reader.entry(&row.writer, row.seq).await?.ok_or_else(missing)?;
    if !first.id.is_written(&row.id) {
        return Err(missing());
    }
    let second = match first.kind {
        EntryKind::Intent => reader.completion_of(&row.writer, row.seq).await?,
        EntryKind::Completion => None,
    };
    Ok((first, second))
}

/// Leaves out what tells of other events, where not everything may be seen.
pub fn without_position(event: &mut Value, view: &View) {
    if let (View::Scopes(_), Value::Object(event)) = (view, event) {
        for name in POSITION {
            event.remove(name);
        }
    }
}

/// Joins an intent and its completion as [`Joined`] does.
pub fn merge(first: &Stored, second: Option<&Stored>) -> Result<Value, EventError> {
    Joined::of(first, second)?.into_value()
}
