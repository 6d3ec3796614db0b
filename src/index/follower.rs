//! The index as a follower of the ledger.

use std::collections::BTreeSet;

use async_trait::async_trait;
use sqlx::{Connection, SqliteConnection};

use super::table::{self, Numbered};
use super::{Index, IndexError, Row};
use crate::follow::{FollowError, Follower};
use crate::record::Stored;

const NAME: &str = "index";

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
        rows.write(&mut transaction).await?;
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
        sqlx::raw_sql(table::DROP).execute(&mut *transaction).await?;
        sqlx::raw_sql(table::SCHEMA).execute(&mut *transaction).await?;
        transaction.commit().await
    }
}

/// The rows that the entries make or change.
async fn rows(
    conn: &mut SqliteConnection,
    writer: &str,
    entries: &[&Stored],
) -> Result<Numbered, IndexError> {
    let begun: BTreeSet<u64> =
        entries.iter().filter(|entry| entry.intent.is_none()).map(|entry| entry.seq).collect();
    let earlier: Vec<u64> =
        entries.iter().filter_map(|entry| entry.intent).filter(|i| !begun.contains(i)).collect();
    let mut rows = Numbered::load(conn, writer, &earlier).await?;
    for entry in entries {
        match entry.intent {
            None => rows.insert(entry.seq, Row::begin(entry)),
            Some(intent) => {
                let completed = match rows.take(intent) {
                    Some(begun) => Row::complete(begun, entry),
                    // The ledger's triggers make sure that there is an intent.
                    None => {
                        let alone = Row::begin(entry).into_iter();
                        alone.map(|row| Row { seq: intent, ..row }).collect()
                    }
                };
                rows.insert(intent, completed);
            }
        }
    }
    Ok(rows)
}
