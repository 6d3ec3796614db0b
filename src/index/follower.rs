//! The index as a follower of the ledger.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Serialize;
use sqlx::{Connection, SqliteConnection};

use super::{Index, IndexError, Row};
use crate::follow::{FollowError, Follower};
use crate::record::Stored;

const NAME: &str = "index";

/// A row on its way into the tables, as SQLite's JSON functions read it.
#[derive(Serialize)]
struct Change {
    row: Row,
    text: String,
}

#[async_trait]
impl Follower for Index {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn cursor(&mut self, writer: &str) -> Result<u64, FollowError> {
        cursor(&mut self.conn, writer).await.map_err(failed)
    }

    async fn apply(&mut self, entries: &[Stored]) -> Result<(), FollowError> {
        self.take_in(entries).await.map_err(failed)
    }

    async fn start_over(&mut self) -> Result<(), FollowError> {
        self.clear().await.map_err(|error| failed(IndexError::Update(error)))
    }
}

fn failed(error: IndexError) -> FollowError {
    FollowError::Follower { name: NAME, source: Box::new(error) }
}

async fn cursor(conn: &mut SqliteConnection, writer: &str) -> Result<u64, IndexError> {
    let seq: Option<i64> = sqlx::query_scalar("SELECT seq FROM cursors WHERE writer = ?")
        .bind(writer)
        .fetch_optional(conn)
        .await
        .map_err(IndexError::Update)?;
    Ok(seq.map_or(0, |seq| u64::try_from(seq).unwrap_or(0)))
}

impl Index {
    async fn take_in(&mut self, entries: &[Stored]) -> Result<(), IndexError> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(()) };
        let mut transaction =
            self.conn.begin_with("BEGIN IMMEDIATE").await.map_err(IndexError::Update)?;
        let cursor = cursor(&mut transaction, &first.writer).await?;
        if first.seq > cursor + 1 {
            return Err(IndexError::Moved);
        }
        let entries: Vec<&Stored> = entries.iter().filter(|entry| entry.seq > cursor).collect();
        if entries.is_empty() {
            return Ok(());
        }
        let rows = rows(&mut transaction, &first.writer, &entries).await?;
        write(&mut transaction, rows).await?;
        sqlx::query(
            "INSERT INTO cursors (writer, seq) VALUES (?, ?) \
             ON CONFLICT (writer) DO UPDATE SET seq = excluded.seq",
        )
        .bind(&last.writer)
        .bind(i64::try_from(last.seq).unwrap_or(i64::MAX))
        .execute(&mut *transaction)
        .await
        .map_err(IndexError::Update)?;
        transaction.commit().await.map_err(IndexError::Update)
    }

    async fn clear(&mut self) -> Result<(), sqlx::Error> {
        let mut transaction = self.conn.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(super::DROP).execute(&mut *transaction).await?;
        sqlx::raw_sql(super::SCHEMA).execute(&mut *transaction).await?;
        transaction.commit().await
    }
}

/// The rows that the entries make or change.
async fn rows(
    conn: &mut SqliteConnection,
    writer: &str,
    entries: &[&Stored],
) -> Result<BTreeMap<u64, Row>, IndexError> {
    let begun: std::collections::BTreeSet<u64> =
        entries.iter().filter(|entry| entry.intent.is_none()).map(|entry| entry.seq).collect();
    let earlier: Vec<u64> =
        entries.iter().filter_map(|entry| entry.intent).filter(|i| !begun.contains(i)).collect();
    let mut rows = load(conn, writer, &earlier).await?;
    for entry in entries {
        match entry.intent {
            None => drop(rows.insert(entry.seq, Row::begin(entry))),
            Some(intent) => match rows.get_mut(&intent) {
                Some(row) => row.complete(entry),
                // The ledger's triggers make sure that there is an intent.
                None => drop(rows.insert(intent, Row { seq: intent, ..Row::begin(entry) })),
            },
        }
    }
    Ok(rows)
}

async fn load(
    conn: &mut SqliteConnection,
    writer: &str,
    seqs: &[u64],
) -> Result<BTreeMap<u64, Row>, IndexError> {
    if seqs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let seqs = serde_json::to_string(seqs).map_err(IndexError::Row)?;
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT row FROM events WHERE writer = ? AND seq IN (SELECT value FROM json_each(?))",
    )
    .bind(writer)
    .bind(seqs)
    .fetch_all(conn)
    .await
    .map_err(IndexError::Update)?;
    rows.iter()
        .map(|row| serde_json::from_str::<Row>(row).map(|row| (row.seq, row)))
        .collect::<Result<_, _>>()
        .map_err(IndexError::Row)
}

/// A few statements for all rows: each is a round trip to the database's thread.
async fn write(conn: &mut SqliteConnection, rows: BTreeMap<u64, Row>) -> Result<(), IndexError> {
    const STATEMENTS: [&str; 6] = [
        "INSERT INTO events (writer, seq, row) \
         SELECT value ->> '$.row.writer', value ->> '$.row.seq', value -> '$.row' \
         FROM json_each(?) WHERE true \
         ON CONFLICT (writer, seq) DO UPDATE SET row = excluded.row",
        "INSERT OR REPLACE INTO texts (rowid, text) \
         SELECT n, c.value ->> '$.text' FROM json_each(?) AS c CROSS JOIN events \
         WHERE writer = c.value ->> '$.row.writer' AND seq = c.value ->> '$.row.seq'",
        "DELETE FROM targets WHERE n IN \
         (SELECT n FROM json_each(?) AS c CROSS JOIN events \
          WHERE writer = c.value ->> '$.row.writer' AND seq = c.value ->> '$.row.seq')",
        "INSERT OR IGNORE INTO targets (n, type, id, name) \
         SELECT n, t.value ->> '$.type', t.value ->> '$.id', t.value ->> '$.name' \
         FROM json_each(?) AS c CROSS JOIN events CROSS JOIN json_each(c.value, '$.row.targets') AS t \
         WHERE writer = c.value ->> '$.row.writer' AND seq = c.value ->> '$.row.seq'",
        "DELETE FROM scopes WHERE n IN \
         (SELECT n FROM json_each(?) AS c CROSS JOIN events \
          WHERE writer = c.value ->> '$.row.writer' AND seq = c.value ->> '$.row.seq')",
        "INSERT OR IGNORE INTO scopes (n, name, value) \
         SELECT n, s.key, s.value \
         FROM json_each(?) AS c CROSS JOIN events CROSS JOIN json_each(c.value, '$.row.scope') AS s \
         WHERE writer = c.value ->> '$.row.writer' AND seq = c.value ->> '$.row.seq'",
    ];
    let changes: Vec<Change> =
        rows.into_values().map(|row| Change { text: row.text(), row }).collect();
    let changes = serde_json::to_string(&changes).map_err(IndexError::Row)?;
    for statement in STATEMENTS {
        sqlx::query(statement)
            .bind(changes.as_str())
            .execute(&mut *conn)
            .await
            .map_err(IndexError::Update)?;
    }
    Ok(())
}
