//! The index as a follower of the ledger.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as MapEntry;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::batch::{Batch, Known};
use super::{Core, Index, IndexError, Row, files, schema};
use crate::follow::{FollowError, Follower, Gap};
use crate::record::{Purge, Stored};
use crate::store::LedgerReader;

const NAME: &str = "index";

#[async_trait]
impl Follower for Index {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn cursor(&mut self, writer: &str) -> Result<u64, FollowError> {
        let writer = writer.to_owned();
        self.run(move |core| cursor(&core.conn, &writer)).await.map_err(failed)
    }

    async fn apply(&mut self, entries: Vec<Stored>) -> Result<(), FollowError> {
        self.run(move |core| {
            let taken = take_in(core, &entries);
            if taken.is_err() {
                core.known = Known::default();
            }
            taken
        })
        .await
        .map_err(failed)
    }

    async fn pass_over(&mut self, writer: &str, gap: &Gap) -> Result<(), FollowError> {
        let (writer, after, up_to) = (writer.to_owned(), gap.after, gap.up_to);
        self.run(move |core| pass_over(core, &writer, after, up_to)).await.map_err(failed)
    }

    async fn is_of(&mut self, reader: &mut dyn LedgerReader) -> Result<bool, FollowError> {
        let newest = self.run(|core| newest(&core.conn)).await.map_err(failed)?;
        let Some((writer, seq, id)) = newest else { return Ok(true) };
        // No two ledgers have an event of the same id.
        if let Some(entry) = reader.entry(&writer, seq).await? {
            return Ok(entry.id.to_string() == id);
        }
        let purged = reader.purged_after(&writer, seq.saturating_sub(1), 1).await?;
        Ok(purged.first().is_some_and(|purged| purged.seq == seq))
    }

    async fn start_over(&mut self) -> Result<(), FollowError> {
        self.run(|core| clear(core).map_err(IndexError::Update)).await.map_err(failed)
    }
}

fn failed(error: IndexError) -> FollowError {
    FollowError::Follower { name: NAME, source: Box::new(error) }
}

fn cursor(conn: &Connection, writer: &str) -> Result<u64, IndexError> {
    let seq = conn
        .prepare_cached("SELECT seq FROM cursors WHERE writer = ?1")
        .and_then(|mut cursor| cursor.query_row([writer], |row| row.get(0)).optional());
    Ok(schema::unsigned(seq.map_err(IndexError::Update)?).unwrap_or(0))
}

/// Where the newest event stands, and its id.
fn newest(conn: &Connection) -> Result<Option<(String, u64, String)>, IndexError> {
    let sql = "SELECT writer, seq, id FROM events ORDER BY n DESC LIMIT 1";
    let row = |row: &rusqlite::Row<'_>| {
        let seq: i64 = row.get(1)?;
        Ok((row.get(0)?, u64::try_from(seq).unwrap_or(0), row.get(2)?))
    };
    let found = conn.prepare_cached(sql).and_then(|mut sql| sql.query_row([], row).optional());
    found.map_err(IndexError::of_search)
}

fn clear(core: &mut Core) -> rusqlite::Result<()> {
    core.known = Known::default();
    let transaction = core.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(schema::DROP)?;
    transaction.execute_batch(schema::SCHEMA)?;
    transaction.commit()
}

fn take_in(core: &mut Core, entries: &[Stored]) -> Result<(), IndexError> {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(()) };
    let transaction = core
        .conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(IndexError::Update)?;
    core.known.check(&transaction).map_err(IndexError::Update)?;
    let cursor = cursor(&transaction, &first.writer)?;
    if first.seq > cursor + 1 {
        return Err(IndexError::Moved);
    }
    let entries: Vec<&Stored> = entries.iter().filter(|entry| entry.seq > cursor).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let mut batch = Batch::new(&transaction, &mut core.known);
    for change in changes(&transaction, &entries)?.into_values() {
        batch.change(change)?;
    }
    let mut has_forgotten = false;
    // After the rows of these entries, which may be among them.
    for entry in &entries {
        if let Some(purge) = Purge::of(entry) {
            batch.forget(&entry.writer, entry.seq, &purge)?;
            has_forgotten = true;
        }
    }
    batch.finish()?;
    move_cursor(&transaction, &last.writer, last.seq)?;
    transaction.commit().map_err(IndexError::Update)?;
    if has_forgotten && let Err(error) = files::empty_log(&core.conn) {
        tracing::debug!(%error, "the search index's log cannot be emptied yet");
    }
    Ok(())
}

fn pass_over(core: &mut Core, writer: &str, after: u64, up_to: u64) -> Result<(), IndexError> {
    let transaction = core
        .conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(IndexError::Update)?;
    let cursor = cursor(&transaction, writer)?;
    if after > cursor {
        return Err(IndexError::Moved);
    }
    if up_to > cursor {
        move_cursor(&transaction, writer, up_to)?;
    }
    transaction.commit().map_err(IndexError::Update)
}

fn move_cursor(conn: &Connection, writer: &str, seq: u64) -> Result<(), IndexError> {
    conn.prepare_cached(
        "INSERT INTO cursors (writer, seq) VALUES (?1, ?2) \
         ON CONFLICT (writer) DO UPDATE SET seq = excluded.seq",
    )
    .and_then(|mut set| set.execute(params![writer, schema::signed(seq)]))
    .map(drop)
    .map_err(IndexError::Update)
}

/// What becomes of an event: its rows with their numbers, and what they shall be.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) old: Vec<(i64, Row)>,
    pub(super) new: Vec<Row>,
}

/// What the entries make or change, by where the events begin.
fn changes(conn: &Connection, entries: &[&Stored]) -> Result<BTreeMap<u64, Change>, IndexError> {
    let mut changes: BTreeMap<u64, Change> = BTreeMap::new();
    for entry in entries {
        let Some(intent) = entry.intent else {
            changes.insert(entry.seq, Change { old: Vec::new(), new: Row::begin(entry) });
            continue;
        };
        let change = match changes.entry(intent) {
            MapEntry::Occupied(known) => known.into_mut(),
            MapEntry::Vacant(vacant) => {
                let old = pending(conn, &entry.writer, intent)?;
                let new = old.iter().map(|(_, row)| row.clone()).collect();
                vacant.insert(Change { old, new })
            }
        };
        change.new = completed(std::mem::take(&mut change.new), entry, intent);
    }
    Ok(changes)
}

/// The rows of an event that is over, made of those that it began with.
pub(super) fn completed(begun: Vec<Row>, entry: &Stored, intent: u64) -> Vec<Row> {
    // The ledger's triggers make sure that there is an intent.
    if begun.is_empty() {
        return Row::begin(entry).into_iter().map(|row| Row { seq: intent, ..row }).collect();
    }
    Row::complete(begun, entry)
}

/// The rows of an event that is not over.
fn pending(conn: &Connection, writer: &str, seq: u64) -> Result<Vec<(i64, Row)>, IndexError> {
    let mut statement = conn
        .prepare_cached("SELECT n FROM pending WHERE writer = ?1 AND seq = ?2")
        .map_err(IndexError::Update)?;
    let numbers = statement
        .query_map(params![writer, schema::signed(seq)], |row| row.get(0))
        .and_then(Iterator::collect::<rusqlite::Result<Vec<i64>>>)
        .map_err(IndexError::Update)?;
    let mut rows = Vec::with_capacity(numbers.len());
    for n in numbers {
        rows.extend(schema::read(conn, n)?.map(|row| (n, row)));
    }
    rows.sort_by_key(|(_, row)| row.act);
    Ok(rows)
}
