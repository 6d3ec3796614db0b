//! An event in full, joined from the ledger's entries.

use serde_json::{Map, Value, json};

use crate::index::{Row, View};
use crate::record::Stored;
use crate::store::{LedgerReader, StoreError};

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
    let mut event = whole(reader, row).await?;
    if let Value::Object(event) = &mut event {
        single_out(event, row.act);
    }
    Ok(event)
}

/// The event, or the act of it, that a row stands for, from the entries that the row knows of: what was
/// added to the ledger later does not count.
pub fn joined(
    row: &Row,
    first: Option<&Stored>,
    second: Option<&Stored>,
) -> Result<Value, EventError> {
    let first = first.filter(|first| first.id.is_written(&row.id));
    let first = first.ok_or_else(|| EventError::of_missing(row))?;
    let mut event = merge(first, second)?;
    if let Value::Object(event) = &mut event {
        single_out(event, row.act);
    }
    Ok(event)
}

/// Puts one act, counted from 1, in the place of the whole; what it does not say is not so.
fn single_out(event: &mut Map<String, Value>, number: u32) {
    let position = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let Some(position) = position else { return };
    let Some(Value::Array(acts)) = event.remove("acts") else { return };
    let count = acts.len();
    let Some(Value::Object(act)) = acts.into_iter().nth(position) else { return };
    // The end of the whole is that of an act which does not say its own: nobody knows it.
    if act.contains_key("outcome") {
        event.remove("reason");
    }
    event.extend(act);
    event.insert("act".to_owned(), json!({"number": number, "of": count}));
}

/// Reads the whole event of a row from the ledger, with all its acts.
pub async fn whole(reader: &mut dyn LedgerReader, row: &Row) -> Result<Value, EventError> {
    let missing = || EventError::of_missing(row);
    let first = reader.entry(&row.writer, row.seq).await?.ok_or_else(missing)?;
    if !first.id.is_written(&row.id) {
        return Err(missing());
    }
    let second = match first.kind {
        crate::record::EntryKind::Intent => reader.completion_of(&row.writer, row.seq).await?,
        crate::record::EntryKind::Completion => None,
    };
    merge(&first, second.as_ref())
}

/// Leaves out what tells of other events: where in the ledger this one stands, from which those who see
/// only some could count the others.
pub fn without_position(event: &mut Value, view: &View) {
    if let (View::Scopes(_), Value::Object(event)) = (view, event) {
        for name in ["writer", "seq", "intent"] {
            event.remove(name);
        }
    }
}

/// Joins an intent and its completion, or takes an event of one entry as it is.
///
/// What the completion says wins; redaction receipts and notes of both are kept, and what it
/// says of the request's body goes to the request. `writer`, `seq` and `intent` are added, and
/// `outcome` is null while there is no completion.
pub fn merge(first: &Stored, second: Option<&Stored>) -> Result<Value, EventError> {
    let mut event = object(first)?;
    if let Some(second) = second {
        for (name, value) in object(second)? {
            join(&mut event, name, value);
        }
    }
    let last = second.unwrap_or(first);
    event.insert("writer".to_owned(), last.writer.clone().into());
    event.insert("seq".to_owned(), last.seq.into());
    event.insert("intent".to_owned(), last.intent.into());
    event.entry("outcome").or_insert(Value::Null);
    Ok(Value::Object(event))
}

fn object(entry: &Stored) -> Result<Map<String, Value>, EventError> {
    serde_json::from_str(&entry.doc)
        .map_err(|_| EventError::NotJson { writer: entry.writer.clone(), seq: entry.seq })
}

fn join(event: &mut Map<String, Value>, name: String, value: Value) {
    match (name.as_str(), value) {
        ("redactions" | "notes", Value::Array(more)) => {
            match event.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(known) => known.extend(more),
                other => *other = Value::Array(more),
            }
        }
        ("request_body", Value::Object(body)) => match event.get_mut("request") {
            Some(Value::Object(request)) => request.extend(body),
            _ => drop(event.insert(name, Value::Object(body))),
        },
        (_, value) => drop(event.insert(name, value)),
    }
}
