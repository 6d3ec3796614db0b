//! Reading the ledger, from any process, without ever writing to it.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Connection, FromRow, Row, SqliteConnection};

use super::files::ledger_path;
use super::{LedgerReader, Purged, StoreError, schema};
use crate::record::{EntryKind, EventId, Stored};

/// How long a reader waits for a lock. Writers never block readers; only the first connection
/// after a crash, which repairs the log, does.
const READ_BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// SQLite's memory for pages, in KiB when negative: a reader goes on and does not come back.
const READ_CACHE: &str = "-256";

/// Rows that the database's thread may be ahead by; fewer make it wait for each of them.
const READ_ROWS: usize = 512;

/// Documents that are read in one go, in bytes.
pub(super) const READ_BYTES: i64 = 1024 * 1024;

/// Opens a database to read it, and reads its version. Needs no right to write, neither to the
/// file nor to its directory.
pub async fn connect_read_only(path: &Path) -> Result<(SqliteConnection, i64), sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        .busy_timeout(READ_BUSY_TIMEOUT)
        .row_buffer_size(READ_ROWS)
        .pragma("cache_size", READ_CACHE)
        .disable_statement_logging();
    match connect(&options).await {
        // SQLite wants to put its files beside a database that nobody has open. Where nothing is
        // left in a log, the database alone is all there is.
        Err(error) if cannot_open(&error) && !has_log(path) => {
            connect(&options.immutable(true)).await.map_err(|_| error)
        }
        result => result,
    }
}

async fn connect(options: &SqliteConnectOptions) -> Result<(SqliteConnection, i64), sqlx::Error> {
    let mut conn = options.connect().await?;
    let version = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut conn).await?;
    Ok((conn, version))
}

/// SQLITE_READONLY and SQLITE_CANTOPEN, with their extended codes.
fn cannot_open(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let code = code.and_then(|code| code.parse::<u32>().ok());
    code.is_some_and(|code| matches!(code & 0xff, 8 | 14))
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(Path::new(&log)).is_ok_and(|log| log.len() > 0)
}

/// A read-only connection to the ledger of a directory.
pub(super) struct SqliteReader {
    conn: SqliteConnection,
    /// The schema's version: one that no proxy has brought up to date can be read as well.
    version: i64,
}

impl SqliteReader {
    /// Opens the ledger in `dir`, which must exist.
    pub(super) async fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = ledger_path(dir);
        match std::fs::metadata(&path) {
            Ok(found) if found.is_file() => {}
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(StoreError::File { operation: "open", path, source });
            }
            _ => return Err(StoreError::Missing { path }),
        }
        let (conn, version) = connect_read_only(&path).await.map_err(StoreError::from_sqlx)?;
        if schema::known(version, &path)? == 0 {
            return Err(StoreError::Missing { path });
        }
        Ok(Self { conn, version })
    }

    async fn one(
        &mut self,
        sql: &'static str,
        writer: &str,
        seq: u64,
    ) -> Result<Option<Stored>, StoreError> {
        let row: Option<Fields> = sqlx::query_as(sql)
            .bind(writer)
            .bind(seq_to_sql(seq))
            .fetch_optional(&mut self.conn)
            .await
            .map_err(StoreError::from_sqlx)?;
        row.map(Fields::stored).transpose()
    }
}

#[async_trait]
impl LedgerReader for SqliteReader {
    async fn writers(&mut self) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar("SELECT writer FROM writers ORDER BY writer")
            .fetch_all(&mut self.conn)
            .await
            .map_err(StoreError::from_sqlx)
    }

    async fn head(&mut self, writer: &str) -> Result<u64, StoreError> {
        let head = if self.version < PURGED_SINCE { SELECT_HEAD_OF_1 } else { SELECT_HEAD };
        let head: Option<i64> = sqlx::query_scalar(head)
            .bind(writer)
            .fetch_one(&mut self.conn)
            .await
            .map_err(StoreError::from_sqlx)?;
        Ok(head.map_or(0, sql_to_seq))
    }

    async fn read_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        let sizes: Vec<(i64, i64)> = sqlx::query_as(SELECT_SIZES)
            .bind(writer)
            .bind(seq_to_sql(after))
            .bind(limit)
            .fetch_all(&mut self.conn)
            .await
            .map_err(StoreError::from_sqlx)?;
        let Some(last) = last_within(&sizes) else { return Ok(Vec::new()) };
        let rows: Vec<Fields> = sqlx::query_as(SELECT_ENTRIES)
            .bind(writer)
            .bind(seq_to_sql(after))
            .bind(last)
            .fetch_all(&mut self.conn)
            .await
            .map_err(StoreError::from_sqlx)?;
        rows.into_iter().map(Fields::stored).collect()
    }

    async fn entry(&mut self, writer: &str, seq: u64) -> Result<Option<Stored>, StoreError> {
        self.one(SELECT_ENTRY, writer, seq).await
    }

    async fn entries(&mut self, writer: &str, seqs: &[u64]) -> Result<Vec<Stored>, StoreError> {
        let sizes: Vec<(i64, i64)> = sqlx::query_as(SELECT_SIZES_OF)
            .bind(writer)
            .bind(list(seqs))
            .fetch_all(&mut self.conn)
            .await
            .map_err(StoreError::from_sqlx)?;
        let sizes: HashMap<u64, i64> =
            sizes.into_iter().map(|(seq, size)| (sql_to_seq(seq), size)).collect();
        let mut bytes = 0_i64;
        let fit = seqs.iter().enumerate().take_while(|(position, seq)| {
            bytes = bytes.saturating_add(sizes.get(seq).copied().unwrap_or(0));
            *position < 2 || bytes <= READ_BYTES
        });
        let fit: Vec<u64> = fit.map(|(_, seq)| *seq).collect();
        let rows: Vec<Fields> = sqlx::query_as(SELECT_ENTRIES_OF)
            .bind(writer)
            .bind(list(&fit))
            .fetch_all(&mut self.conn)
            .await
            .map_err(StoreError::from_sqlx)?;
        rows.into_iter().map(Fields::stored).collect()
    }

    async fn ended(
        &mut self,
        writer: &str,
        head: u64,
        range: Range<u64>,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        let rows: Vec<(i64, String)> = sqlx::query_as(SELECT_ENDED)
            .bind(writer)
            .bind(seq_to_sql(range.start))
            .bind(seq_to_sql(range.end))
            .bind(seq_to_sql(head))
            .bind(limit)
            .fetch_all(&mut self.conn)
            .await
            .map_err(StoreError::from_sqlx)?;
        let id = |(seq, id): (i64, String)| {
            id.parse().map_err(|_| StoreError::Damaged { writer: writer.to_owned(), seq })
        };
        rows.into_iter().map(id).collect()
    }

    async fn purged_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Purged>, StoreError> {
        if self.version < PURGED_SINCE {
            return Ok(Vec::new());
        }
        let rows: Vec<(i64, Vec<u8>, i64)> = sqlx::query_as(SELECT_PURGED)
            .bind(writer)
            .bind(seq_to_sql(after))
            .bind(limit)
            .fetch_all(&mut self.conn)
            .await
            .map_err(StoreError::from_sqlx)?;
        let purged = |(seq, leaf, by)| Purged { seq: sql_to_seq(seq), leaf, by: sql_to_seq(by) };
        Ok(rows.into_iter().map(purged).collect())
    }

    async fn completion_of(
        &mut self,
        writer: &str,
        seq: u64,
    ) -> Result<Option<Stored>, StoreError> {
        self.one(SELECT_COMPLETION, writer, seq).await
    }

    async fn strays(&mut self) -> Result<Vec<(String, i64)>, StoreError> {
        sqlx::query_as(SELECT_STRAYS).fetch_all(&mut self.conn).await.map_err(StoreError::from_sqlx)
    }

    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.conn.close().await.map_err(StoreError::from_sqlx)
    }
}

/// The columns of [`Fields`], in their order.
macro_rules! entries_where {
    ($condition:literal) => {
        concat!(
            "SELECT writer, seq, kind, id, intent, scope, doc, leaf FROM entries WHERE ",
            $condition
        )
    };
}

/// The version of the schema from which on there is `purged`.
const PURGED_SINCE: i64 = 2;

pub(super) const SELECT_HEAD: &str = "SELECT max(coalesce((SELECT max(seq) FROM entries WHERE writer = ?1), 0), \
                coalesce((SELECT max(seq) FROM purged WHERE writer = ?1), 0))";
const SELECT_HEAD_OF_1: &str = "SELECT max(seq) FROM entries WHERE writer = ?1";

const SELECT_PURGED: &str = "SELECT seq, leaf, \"by\" FROM purged \
                             WHERE writer = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";

/// Numbers and sizes of the entries after one. `octet_length` does not load the document, so this
/// costs little.
pub(super) const SELECT_SIZES: &str = "SELECT seq, octet_length(doc) FROM entries \
                                       WHERE writer = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";

/// The entries after one, up to another.
pub(super) const SELECT_ENTRIES: &str =
    entries_where!("writer = ?1 AND seq > ?2 AND seq <= ?3 ORDER BY seq");

const SELECT_ENTRY: &str = entries_where!("writer = ?1 AND seq = ?2");
const SELECT_COMPLETION: &str = entries_where!("writer = ?1 AND intent = ?2");

const SELECT_SIZES_OF: &str = "SELECT seq, octet_length(doc) FROM entries \
                               WHERE writer = ?1 AND seq IN (SELECT value FROM json_each(?2))";
const SELECT_ENTRIES_OF: &str =
    entries_where!("writer = ?1 AND seq IN (SELECT value FROM json_each(?2))");
const SELECT_ENDED: &str = "SELECT seq, id FROM entries WHERE writer = ?1 AND seq > ?2 \
                            AND seq <= ?3 AND intent <= ?4 LIMIT ?5";

/// The first number of each writer, by a jump in the index from one to the next.
const SELECT_STRAYS: &str = "WITH RECURSIVE found (writer) AS (\
         SELECT min(writer) FROM entries UNION ALL \
         SELECT (SELECT min(e.writer) FROM entries e WHERE e.writer > f.writer) FROM found f \
         WHERE f.writer IS NOT NULL) \
     SELECT writer, seq FROM (\
         SELECT f.writer, (SELECT min(seq) FROM entries e WHERE e.writer = f.writer) AS seq \
         FROM found f WHERE f.writer IS NOT NULL) \
     WHERE seq < 1 OR writer NOT IN (SELECT writer FROM writers)";

/// Numbers as one parameter: a JSON array.
fn list(seqs: &[u64]) -> String {
    let numbers: Vec<String> = seqs.iter().map(ToString::to_string).collect();
    format!("[{}]", numbers.join(","))
}

/// A row of `entries`, as it is in the database.
pub(super) struct Fields {
    pub(super) writer: String,
    pub(super) seq: i64,
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) intent: Option<i64>,
    pub(super) scope: String,
    pub(super) doc: String,
    pub(super) leaf: Vec<u8>,
}

impl FromRow<'_, SqliteRow> for Fields {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            writer: row.try_get(0)?,
            seq: row.try_get(1)?,
            kind: row.try_get(2)?,
            id: row.try_get(3)?,
            intent: row.try_get(4)?,
            scope: row.try_get(5)?,
            doc: row.try_get(6)?,
            leaf: row.try_get(7)?,
        })
    }
}

impl Fields {
    /// From a row of rusqlite, its columns in this order.
    pub(super) fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            writer: row.get(0)?,
            seq: row.get(1)?,
            kind: row.get(2)?,
            id: row.get(3)?,
            intent: row.get(4)?,
            scope: row.get(5)?,
            doc: row.get(6)?,
            leaf: row.get(7)?,
        })
    }

    /// The entry, unless no version of countersign writes such a row.
    pub(super) fn stored(self) -> Result<Stored, StoreError> {
        let kind = match self.kind.as_str() {
            "intent" => Some(EntryKind::Intent),
            "completion" => Some(EntryKind::Completion),
            _ => None,
        };
        // Ids can be written in several ways, of which countersign writes one.
        let id = self.id.parse().ok().filter(|id: &EventId| id.to_string() == self.id);
        let (Some(kind), Some(id)) = (kind, id) else {
            return Err(StoreError::Damaged { writer: self.writer, seq: self.seq });
        };
        Ok(Stored {
            kind,
            id,
            seq: sql_to_seq(self.seq),
            intent: self.intent.map(sql_to_seq),
            scope: self.scope,
            doc: self.doc,
            leaf: self.leaf,
            writer: self.writer,
        })
    }
}

/// The last number up to which the documents may be read in one go; the first one always may.
pub(super) fn last_within(sizes: &[(i64, i64)]) -> Option<i64> {
    let mut bytes = 0_i64;
    sizes
        .iter()
        .enumerate()
        .take_while(|(position, (_, size))| {
            bytes = bytes.saturating_add(*size);
            *position == 0 || bytes <= READ_BYTES
        })
        .last()
        .map(|(_, (seq, _))| *seq)
}

/// Sequence numbers stay below 2^63: at a million entries a second that takes 290,000 years.
pub(super) fn seq_to_sql(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// The schema's checks keep them positive.
pub(super) fn sql_to_seq(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}
