//! The ledger in one SQLite file.
//!
//! Files, all for their owner alone: `ledger.db` with its `-wal` and `-shm`, and `ledger.lock`,
//! which one process at a time may hold; its text is the holder's process id.
//!
//! Schema (version 1, in `PRAGMA user_version`; a later version is refused):
//!
//! | table | column | |
//! |---|---|---|
//! | `entries` | `writer`, `seq` | primary key; `seq` is dense from 1 for each writer |
//! | | `kind` | `intent` or `completion` |
//! | | `id` | the event's UUIDv7, as text |
//! | | `intent` | for the completion of an intent: that intent's `seq`; unique for each writer |
//! | | `scope` | who may see it, canonical JSON |
//! | | `doc` | the document, canonical JSON, exactly as hashed |
//! | | `leaf` | SHA-256 over a zero byte and `doc` (RFC 6962) |
//! | `writers` | `writer`, `closed` | every intent up to `closed` has its completion |
//!
//! Triggers refuse `UPDATE`, `DELETE` and `REPLACE` on `entries`, a number that is not the next one,
//! and a completion that does not belong to an earlier intent of the same event. `writers` only saves work: it lets a start skip what has been
//! looked through before.
//!
//! Journal: write-ahead log, `synchronous=FULL`: a commit is an fsync of the log. SQLite moves the
//! log into the database after every 1,000 pages. A reader that stays in one transaction for long
//! holds that up and lets the log grow, so every reader here reads in short transactions.
//!
//! Why a table with a rowid: measured with 1 KiB documents at the default page size, it holds
//! twice the rows a second of one without, and takes a third of the space.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, SqliteConnection};

use super::files::{DirLock, create_dir, create_file, is_out_of_room, ledger_path};
use super::reader::{read_head, read_rows, seq_to_sql, sql_to_seq};
use super::{Opening, Orphan, Store, StoreError, schema};
use crate::record::{Entry, Stored, canonical_text, leaf_hash};

/// Rows of the largest statement; larger batches are refused. SQLite allows 32,766 parameters.
const MAX_BATCH: usize = 4096;
/// Rows are padded to a power of two, so that few statements serve all batch sizes.
const COLUMNS: usize = 7;

/// `PRAGMA synchronous`: every commit is an fsync.
const SYNCHRONOUS_FULL: i64 = 2;

/// Where the ledger is and who writes it.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The directory of the files.
    pub dir: PathBuf,
    /// The name of this writer.
    pub writer: String,
    /// How long to wait for a lock that another process holds. It must be clearly below the
    /// deadline of an append, so that what then fails has failed for certain.
    pub busy_timeout: Duration,
}

impl SqliteOptions {
    /// Options for appends with the deadline `timeout`.
    pub fn new(dir: impl Into<PathBuf>, writer: impl Into<String>, timeout: Duration) -> Self {
        Self { dir: dir.into(), writer: writer.into(), busy_timeout: timeout.mul_f64(0.6) }
    }

    /// A maker of connections, one after the other. The right to write is taken by the first and
    /// kept, while connections come and go, until the maker is dropped with the last of them.
    pub fn opener(self) -> impl FnMut() -> Opening + Send + 'static {
        let mut lock: Option<Arc<DirLock>> = None;
        move || {
            let options = self.clone();
            if lock.is_none() {
                let taken = create_dir(&options.dir).and_then(|()| DirLock::acquire(&options.dir));
                match taken {
                    Ok(taken) => lock = Some(Arc::new(taken)),
                    Err(error) => return Box::pin(std::future::ready(Err(error))),
                }
            }
            let lock = lock.clone();
            Box::pin(async move {
                let store = SqliteStore::open(options, lock).await?;
                Ok(Box::new(store) as Box<dyn Store>)
            })
        }
    }
}

/// The writing connection.
pub struct SqliteStore {
    conn: SqliteConnection,
    options: SqliteOptions,
    /// The statement for 2^n rows at position n.
    statements: Vec<Arc<str>>,
    _lock: Option<Arc<DirLock>>,
}

impl SqliteStore {
    async fn open(options: SqliteOptions, lock: Option<Arc<DirLock>>) -> Result<Self, StoreError> {
        let path = ledger_path(&options.dir);
        create_file(&path)?;
        let mut conn = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(options.busy_timeout)
            .thread_name(|_| "ledger".to_owned())
            .disable_statement_logging()
            .connect()
            .await
            .map_err(StoreError::from_sqlx)?;
        require_durability(&mut conn, &path).await?;
        schema::migrate(&mut conn, &path).await?;
        let mut rows = 1;
        let mut statements = Vec::new();
        while rows <= MAX_BATCH {
            statements.push(Arc::from(insert_statement(rows)));
            rows *= 2;
        }
        let mut store = Self { conn, options, statements, _lock: lock };
        let writer = store.options.writer.clone();
        store.mark_closed(&writer, 0).await?;
        Ok(store)
    }

    /// Sorts an error; asks the system where SQLite does not tell a full disk from a broken one.
    fn sort(&self, error: sqlx::Error) -> StoreError {
        match StoreError::from_sqlx(error) {
            StoreError::Failed(error) if is_out_of_room(&self.options.dir) => {
                StoreError::DiskFull(error)
            }
            other => other,
        }
    }
}

/// Asks the database whether it will do as it was told: a filesystem without shared memory, for
/// example, has no write-ahead log, and SQLite then quietly goes on without.
async fn require_durability(conn: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut *conn)
        .await
        .map_err(StoreError::from_sqlx)?;
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous")
        .fetch_one(&mut *conn)
        .await
        .map_err(StoreError::from_sqlx)?;
    if journal == "wal" && synchronous == SYNCHRONOUS_FULL {
        return Ok(());
    }
    Err(StoreError::NotDurable { path: path.to_owned(), journal, synchronous })
}

/// One statement for up to `rows` rows: a row without a number is no row.
fn insert_statement(rows: usize) -> String {
    let row = format!("({})", ["?"; COLUMNS].join(","));
    let rows = vec![row; rows].join(",");
    format!(
        "INSERT INTO entries (writer, seq, kind, id, intent, scope, doc, leaf) \
         SELECT ?, column1, column2, column3, column4, column5, column6, column7 \
         FROM (VALUES {rows}) WHERE column1 IS NOT NULL"
    )
}

/// The scope as it is stored: RFC 8785, like everything in the ledger.
fn scope_json(entry: &Entry) -> Result<String, StoreError> {
    if entry.scope.is_empty() {
        return Ok("{}".to_owned());
    }
    canonical_text(&entry.scope)
        .map_err(|error| StoreError::Rejected(sqlx::Error::Encode(Box::new(error))))
}

#[async_trait]
impl Store for SqliteStore {
    fn writer(&self) -> &str {
        &self.options.writer
    }

    async fn writers(&mut self) -> Result<Vec<String>, StoreError> {
        // The lock file makes this process the only writer: all others in the file are gone.
        sqlx::query_scalar("SELECT writer FROM writers ORDER BY writer")
            .fetch_all(&mut self.conn)
            .await
            .map_err(StoreError::from_sqlx)
    }

    async fn head(&mut self, writer: &str) -> Result<u64, StoreError> {
        read_head(&mut self.conn, writer).await
    }

    async fn append(
        &mut self,
        writer: &str,
        first_seq: u64,
        batch: &[Entry],
    ) -> Result<(), StoreError> {
        let size = batch.len().next_power_of_two();
        let Some(statement) = self.statements.get(size.trailing_zeros() as usize) else {
            return Err(StoreError::Rejected(sqlx::Error::InvalidArgument(format!(
                "a batch of {} entries is too large",
                batch.len()
            ))));
        };
        let mut query = sqlx::query(AssertSqlSafe(Arc::clone(statement))).bind(writer.to_owned());
        for (seq, entry) in (first_seq..).zip(batch) {
            query = query
                .bind(seq_to_sql(seq))
                .bind(entry.kind.as_str())
                .bind(entry.id.to_string())
                .bind(entry.intent.map(seq_to_sql))
                .bind(scope_json(entry)?)
                .bind(entry.doc.get().clone())
                .bind(leaf_hash(entry.doc.get()).to_vec());
        }
        for _ in 0..(size - batch.len()) * COLUMNS {
            query = query.bind(None::<i64>);
        }
        let result = query.execute(&mut self.conn).await.map_err(|error| self.sort(error))?;
        if result.rows_affected() == batch.len() as u64 {
            Ok(())
        } else {
            Err(StoreError::Uncertain(sqlx::Error::RowNotFound))
        }
    }

    async fn orphans(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Orphan>, StoreError> {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT seq, id, scope FROM entries AS i \
             WHERE writer = ?1 AND seq > ?2 AND kind = 'intent' AND NOT EXISTS \
                 (SELECT 1 FROM entries WHERE writer = ?1 AND intent = i.seq) \
             ORDER BY seq LIMIT ?3",
        )
        .bind(writer)
        .bind(seq_to_sql(after))
        .bind(limit)
        .fetch_all(&mut self.conn)
        .await
        .map_err(StoreError::from_sqlx)?;
        rows.into_iter()
            .map(|(seq, id, scope)| {
                let id = id
                    .parse()
                    .map_err(|_| StoreError::Damaged { writer: writer.to_owned(), seq })?;
                Ok(Orphan { seq: sql_to_seq(seq), id, scope })
            })
            .collect()
    }

    async fn read_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        read_rows(&mut self.conn, writer, after, limit).await
    }

    async fn closed_up_to(&mut self, writer: &str) -> Result<u64, StoreError> {
        let closed: Option<i64> = sqlx::query_scalar("SELECT closed FROM writers WHERE writer = ?")
            .bind(writer)
            .fetch_optional(&mut self.conn)
            .await
            .map_err(StoreError::from_sqlx)?;
        Ok(closed.map_or(0, sql_to_seq))
    }

    async fn mark_closed(&mut self, writer: &str, seq: u64) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO writers (writer, closed) VALUES (?1, ?2) \
             ON CONFLICT (writer) DO UPDATE SET closed = max(closed, excluded.closed)",
        )
        .bind(writer)
        .bind(seq_to_sql(seq))
        .execute(&mut self.conn)
        .await
        .map(drop)
        .map_err(|error| self.sort(error))
    }

    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.conn.close().await.map_err(StoreError::from_sqlx)
    }
}

/// Whether `dir` holds a ledger.
pub(super) fn exists(dir: &Path) -> bool {
    ledger_path(dir).is_file()
}
