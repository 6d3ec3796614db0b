//! Reading the ledger, from any process, without ever writing to it.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};

use super::files::ledger_path;
use super::{StoreError, schema, sqlite};
use crate::record::{EntryKind, Stored};

/// How long a reader waits for a lock. Writers never block readers; only the first connection
/// after a crash, which repairs the log, does.
const READ_BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// Documents that are read in one go, in bytes.
const READ_BYTES: i64 = 4 * 1024 * 1024;

/// A read-only connection to the ledger of a directory.
pub struct LedgerReader {
    conn: SqliteConnection,
}

impl LedgerReader {
    /// Opens the ledger in `dir`, which must exist.
    pub async fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = ledger_path(dir);
        if !sqlite::exists(dir) {
            return Err(StoreError::Missing { path });
        }
        let mut conn = SqliteConnectOptions::new()
            .filename(&path)
            .read_only(true)
            .busy_timeout(READ_BUSY_TIMEOUT)
            .disable_statement_logging()
            .connect()
            .await
            .map_err(StoreError::from_sqlx)?;
        if schema::version(&mut conn, &path).await? == 0 {
            return Err(StoreError::Missing { path });
        }
        Ok(Self { conn })
    }

    /// All writers of the ledger.
    pub async fn writers(&mut self) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar("SELECT writer FROM writers ORDER BY writer")
            .fetch_all(&mut self.conn)
            .await
            .map_err(StoreError::from_sqlx)
    }

    /// The last sequence number of `writer`; 0 where there is none.
    pub async fn head(&mut self, writer: &str) -> Result<u64, StoreError> {
        read_head(&mut self.conn, writer).await
    }

    /// Entries of `writer` after `after`, in order, at most `limit`, and fewer where their documents
    /// are large; none only where there is none.
    pub async fn read_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        read_rows(&mut self.conn, writer, after, limit).await
    }

    /// One entry.
    pub async fn entry(&mut self, writer: &str, seq: u64) -> Result<Option<Stored>, StoreError> {
        sqlx::query(
            "SELECT writer, seq, kind, id, intent, scope, doc, leaf FROM entries \
             WHERE writer = ? AND seq = ?",
        )
        .bind(writer)
        .bind(seq_to_sql(seq))
        .fetch_optional(&mut self.conn)
        .await
        .map_err(StoreError::from_sqlx)?
        .map(|row| stored(&row))
        .transpose()
    }

    /// The completion of the intent `seq` of `writer`.
    pub async fn completion_of(
        &mut self,
        writer: &str,
        seq: u64,
    ) -> Result<Option<Stored>, StoreError> {
        sqlx::query(
            "SELECT writer, seq, kind, id, intent, scope, doc, leaf FROM entries \
             WHERE writer = ? AND intent = ?",
        )
        .bind(writer)
        .bind(seq_to_sql(seq))
        .fetch_optional(&mut self.conn)
        .await
        .map_err(StoreError::from_sqlx)?
        .map(|row| stored(&row))
        .transpose()
    }

    /// Closes the connection.
    pub async fn close(self) -> Result<(), StoreError> {
        self.conn.close().await.map_err(StoreError::from_sqlx)
    }
}

pub(super) async fn read_head(
    conn: &mut SqliteConnection,
    writer: &str,
) -> Result<u64, StoreError> {
    let head: Option<i64> = sqlx::query_scalar("SELECT max(seq) FROM entries WHERE writer = ?")
        .bind(writer)
        .fetch_one(conn)
        .await
        .map_err(StoreError::from_sqlx)?;
    Ok(head.map_or(0, sql_to_seq))
}

pub(super) async fn read_rows(
    conn: &mut SqliteConnection,
    writer: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    // `octet_length` does not load the document, so this costs little.
    let sizes: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT seq, octet_length(doc) FROM entries WHERE writer = ? AND seq > ? \
         ORDER BY seq LIMIT ?",
    )
    .bind(writer)
    .bind(seq_to_sql(after))
    .bind(limit)
    .fetch_all(&mut *conn)
    .await
    .map_err(StoreError::from_sqlx)?;
    let Some(last) = last_within(&sizes, READ_BYTES) else { return Ok(Vec::new()) };
    let rows = sqlx::query(
        "SELECT writer, seq, kind, id, intent, scope, doc, leaf FROM entries \
         WHERE writer = ? AND seq > ? AND seq <= ? ORDER BY seq",
    )
    .bind(writer)
    .bind(seq_to_sql(after))
    .bind(last)
    .fetch_all(conn)
    .await
    .map_err(StoreError::from_sqlx)?;
    rows.iter().map(stored).collect()
}

/// The last number up to which the documents fit; the first one always does.
fn last_within(sizes: &[(i64, i64)], limit: i64) -> Option<i64> {
    let mut bytes = 0_i64;
    sizes
        .iter()
        .enumerate()
        .take_while(|(position, (_, size))| {
            bytes = bytes.saturating_add(*size);
            *position == 0 || bytes <= limit
        })
        .last()
        .map(|(_, (seq, _))| *seq)
}

fn stored(row: &SqliteRow) -> Result<Stored, StoreError> {
    let writer: String = row.try_get(0).map_err(StoreError::from_sqlx)?;
    let seq: i64 = row.try_get(1).map_err(StoreError::from_sqlx)?;
    let kind: String = row.try_get(2).map_err(StoreError::from_sqlx)?;
    let id: String = row.try_get(3).map_err(StoreError::from_sqlx)?;
    let intent: Option<i64> = row.try_get(4).map_err(StoreError::from_sqlx)?;
    let damaged = || StoreError::Damaged { writer: writer.clone(), seq };
    Ok(Stored {
        kind: match kind.as_str() {
            "intent" => EntryKind::Intent,
            "completion" => EntryKind::Completion,
            _ => return Err(damaged()),
        },
        id: id.parse().map_err(|_| damaged())?,
        seq: sql_to_seq(seq),
        intent: intent.map(sql_to_seq),
        scope: row.try_get(5).map_err(StoreError::from_sqlx)?,
        doc: row.try_get(6).map_err(StoreError::from_sqlx)?,
        leaf: row.try_get(7).map_err(StoreError::from_sqlx)?,
        writer,
    })
}

/// Sequence numbers stay below 2^63: at a million entries a second that takes 290,000 years.
pub(super) fn seq_to_sql(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// The schema's checks keep them positive.
pub(super) fn sql_to_seq(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}
