//! The ledger in one SQLite file.
//!
//! Files, all for their owner alone: `ledger.db` with its `-wal` and `-shm`, and `ledger.lock`,
//! which one process at a time may hold; its text is the holder's process id.
//!
//! Schema (version 3, in `PRAGMA user_version`; a later version is refused):
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
//! | `purged` | `writer`, `seq` | primary key; an entry that retention took |
//! | | `leaf` | its leaf, which stays |
//! | | `by` | the `seq`, in the same log, of the event that says what was purged and why |
//! | `writers` | `writer`, `closed` | every intent up to `closed` has its completion |
//!
//! Triggers refuse `UPDATE`, `DELETE` and `REPLACE` on `entries`, a number that is not the next one,
//! and a completion that does not belong to an earlier intent of the same event. Only an entry that
//! stands in `purged` with its leaf may be deleted; `purged` itself only grows, by events about a purge, and
//! the numbers in it count as taken. Triggers that are missing or changed are made again when the ledger is
//! opened and while it is (`guard`), and an append is committed only where the table has all of it. `writers` only saves work: it lets a start skip what has been looked through before.
//!
//! Space: what is deleted is overwritten with zeros (`secure_delete`), and SQLite uses its pages for
//! what comes; the file does not shrink.
//!
//! Journal: write-ahead log, `synchronous=FULL`: a commit is an fsync of the log. SQLite moves the
//! log into the database after every 1,000 pages. A reader that stays in one transaction for long
//! holds that up and lets the log grow, so every reader here reads in short transactions.
//!
//! Why a table with a rowid: measured with 1 KiB documents, it holds
//! twice the rows a second of one without, and takes a third of the space.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags, ToSql, Transaction, TransactionBehavior, params};

use super::files::{
    DirLock, OpenFiles, create_dir, create_file, is_out_of_room, ledger_path, lock_holders,
};
use super::reader::{SELECT_HEAD, read_after};
use super::rows::{all, seq_to_sql, sql_to_seq};
use super::{Opening, Orphan, Purged, Store, StoreError, Unguarded, guard, schema};
use crate::record::{Entry, Stored, canonical_text, leaf_hash};

/// Documents are between one and three KiB: with SQLite's default of 4 KiB a page holds one of them
/// where it could hold more. Measured with rows of that size, in batches of 30: a quarter less space,
/// and half the system's time for writing.
const PAGE_BYTES: i64 = 8192;

/// What entries take beside their documents: their places in the indexes, and pages that are not full.
const BESIDE_BYTES: usize = 64 * 1024;

/// SQLite's memory for pages, in KiB when negative: all writing is at the end.
const CACHE: i64 = -512;

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
                let path = ledger_path(&options.dir);
                // Later there must be a ledger: one that has vanished is not begun anew.
                let taken = create_dir(&options.dir)
                    .and_then(|()| DirLock::acquire(&options.dir))
                    .and_then(|taken| create_file(&path).map(|()| taken));
                match taken {
                    Ok(taken) => lock = Some(Arc::new(taken)),
                    Err(error) => return Box::pin(std::future::ready(Err(error))),
                }
            }
            let lock = lock.clone();
            Box::pin(async move {
                let dir = options.dir.clone();
                let store = SqliteStore::open(options, lock).map_err(|error| match error {
                    StoreError::Busy(_) => {
                        StoreError::Locked { path: ledger_path(&dir), holders: lock_holders(&dir) }
                    }
                    other => other,
                })?;
                Ok(Box::new(store) as Box<dyn Store>)
            })
        }
    }
}

/// The writing connection. Its work is done on the calling thread, which it blocks: the recorder's
/// own, so that an append costs no way to another thread and back.
pub struct SqliteStore {
    conn: Connection,
    files: OpenFiles,
    options: SqliteOptions,
    /// The schema as it was looked at last.
    schema: i64,
    /// There was nothing in it then that could change what is inserted.
    is_ours: bool,
    /// What was wrong with it, and has not been told.
    unguarded: Vec<Unguarded>,
    _lock: Option<Arc<DirLock>>,
}

const INSERT: &str = "INSERT INTO entries (writer, seq, kind, id, intent, scope, doc, leaf) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// How often the schema is looked at in a row, while it changes: what is made again changes it as well.
const LOOKS: usize = 3;

/// What was inserted is there as it was given: a trigger of somebody else's can swallow or change it. Asked
/// where the schema is not the one in which no such trigger was found.
const IS_THERE: &str = "SELECT EXISTS (SELECT 1 FROM entries WHERE writer = ?1 AND seq = ?2 AND kind = ?3 \
                        AND id = ?4 AND intent IS ?5 AND scope = ?6 AND doc = ?7 AND leaf = ?8)";

/// What the same event has purged before is there already.
const PURGE: &str = "INSERT INTO purged (writer, seq, leaf, \"by\") SELECT ?1, ?2, ?3, ?4 \
                     WHERE NOT EXISTS (SELECT 1 FROM purged WHERE writer = ?1 AND seq = ?2 \
                                       AND leaf = ?3 AND \"by\" = ?4)";
const DELETE: &str = "DELETE FROM entries WHERE writer = ?1 AND seq = ?2";

impl SqliteStore {
    fn open(options: SqliteOptions, lock: Option<Arc<DirLock>>) -> Result<Self, StoreError> {
        let path = ledger_path(&options.dir);
        OpenFiles::require(&path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn =
            Connection::open_with_flags(&path, flags).map_err(StoreError::from_rusqlite)?;
        conn.busy_timeout(options.busy_timeout)
            .and_then(|()| conn.pragma_update(None, "cache_size", CACHE))
            // Of a database that exists already this changes nothing.
            .and_then(|()| conn.pragma_update(None, "page_size", PAGE_BYTES))
            .and_then(|()| conn.pragma_update(None, "journal_mode", "WAL"))
            .and_then(|()| conn.pragma_update(None, "synchronous", "FULL"))
            // What is purged shall be gone, and nothing else is ever deleted.
            .and_then(|()| conn.pragma_update(None, "secure_delete", "ON"))
            .map_err(StoreError::from_rusqlite)?;
        require_durability(&conn, &path)?;
        schema::migrate(&mut conn, &path)?;
        let files = OpenFiles::of(&options.dir)?;
        let (schema, is_ours, unguarded) = (0, false, Vec::new());
        let mut store = Self { conn, files, options, schema, is_ours, unguarded, _lock: lock };
        store.restore_guards()?;
        store.mark(&store.options.writer, 0)?;
        Ok(store)
    }

    /// Sorts an error; asks the system where SQLite does not tell a full disk from a broken one.
    fn sort(&self, error: rusqlite::Error) -> StoreError {
        match StoreError::from_rusqlite(error) {
            StoreError::Failed(error) if is_out_of_room(&self.options.dir) => {
                StoreError::DiskFull(error)
            }
            other => other,
        }
    }

    /// One transaction, which a failure at any step rolls back. It is committed only where all of it is
    /// there; else tells what is not.
    fn insert(&mut self, rows: &[NewRow<'_>]) -> Result<Option<i64>, rusqlite::Error> {
        let transaction = Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate)?;
        let mut insert = transaction.prepare_cached(INSERT)?;
        for row in rows {
            insert.execute(&row.values()[..])?;
        }
        drop(insert);
        if !(self.is_ours && schema_version(&transaction)? == self.schema) {
            let mut is_there = transaction.prepare_cached(IS_THERE)?;
            // Once all were given: what comes later may undo what came before.
            for row in rows {
                if !is_there.query_row(&row.values()[..], |row| row.get(0))? {
                    return Ok(Some(row.seq));
                }
            }
        }
        transaction.commit().map(|()| None)
    }

    /// Makes triggers again that are gone, if the schema is another one than when it was last looked at.
    /// The version is read first: what changes while it is looked at has another one.
    fn restore_guards(&mut self) -> Result<(), StoreError> {
        let version = |conn: &Connection| schema_version(conn).map_err(StoreError::from_rusqlite);
        let mut told = Vec::new();
        for _ in 0..LOOKS {
            let before = version(&self.conn)?;
            if before == self.schema {
                break;
            }
            let found = guard::restore(&mut self.conn)?;
            (self.schema, self.is_ours) = (before, found.is_empty());
            let news = found.into_iter().filter(|it| !told.contains(it)).collect::<Vec<_>>();
            told.extend(news);
        }
        self.unguarded.extend(told);
        Ok(())
    }

    /// One transaction: all numbers first, so that of an event both halves are still there when the
    /// triggers look.
    fn take_out(&self, writer: &str, purged: &[Purged]) -> Result<(), rusqlite::Error> {
        let transaction = Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate)?;
        let mut insert = transaction.prepare_cached(PURGE)?;
        for Purged { seq, leaf, by } in purged {
            insert.execute(params![writer, seq_to_sql(*seq), leaf, seq_to_sql(*by)])?;
        }
        let mut delete = transaction.prepare_cached(DELETE)?;
        for Purged { seq, .. } in purged {
            delete.execute(params![writer, seq_to_sql(*seq)])?;
        }
        drop((insert, delete));
        transaction.commit()
    }

    /// A row that comes and goes in one transaction. Its pages go to the log with the commit, since what is
    /// deleted is overwritten (`secure_delete`), and the next entries get them.
    fn try_room(&self, bytes: usize) -> rusqlite::Result<()> {
        let name = "-".repeat(bytes.saturating_add(BESIDE_BYTES));
        let transaction = Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate)?;
        transaction
            .prepare_cached("INSERT INTO writers (writer, closed) VALUES (?1, 0)")?
            .execute([&name])?;
        transaction.prepare_cached("DELETE FROM writers WHERE writer = ?1")?.execute([&name])?;
        transaction.commit()
    }

    fn mark(&self, writer: &str, seq: u64) -> Result<(), StoreError> {
        self.files.require_in_place()?;
        self.conn
            .prepare_cached(
                "INSERT INTO writers (writer, closed) VALUES (?1, ?2) \
                 ON CONFLICT (writer) DO UPDATE SET closed = max(closed, excluded.closed)",
            )
            .and_then(|mut mark| mark.execute(params![writer, seq_to_sql(seq)]))
            .map(drop)
            .map_err(|error| self.sort(error))
    }
}

/// The number that every change of the schema, by anybody, makes another one. Inside of a transaction that
/// writes, it is that of the schema by which the transaction is done.
fn schema_version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("PRAGMA schema_version")?.query_row([], |row| row.get(0))
}

/// Asks the database whether it will do as it was told: a filesystem without shared memory, for
/// example, has no write-ahead log, and SQLite then quietly goes on without.
pub(super) fn require_durability(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let journal: String = conn
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .map_err(StoreError::from_rusqlite)?;
    let synchronous: i64 = conn
        .pragma_query_value(None, "synchronous", |row| row.get(0))
        .map_err(StoreError::from_rusqlite)?;
    if journal == "wal" && synchronous == SYNCHRONOUS_FULL {
        return Ok(());
    }
    Err(StoreError::NotDurable { path: path.to_owned(), journal, synchronous })
}

/// The scope as it is stored: RFC 8785, like everything in the ledger.
pub(super) fn scope_json(entry: &Entry) -> Result<String, StoreError> {
    if entry.scope.is_empty() {
        return Ok("{}".to_owned());
    }
    canonical_text(&entry.scope).map_err(|error| StoreError::Rejected(error.into()))
}

/// An entry as it goes into the table.
struct NewRow<'e> {
    writer: &'e str,
    seq: i64,
    kind: &'static str,
    id: String,
    intent: Option<i64>,
    scope: String,
    doc: &'e str,
    leaf: [u8; 32],
}

impl<'e> NewRow<'e> {
    fn new(writer: &'e str, seq: u64, entry: &'e Entry) -> Result<Self, StoreError> {
        let (seq, kind, id) = (seq_to_sql(seq), entry.kind.as_str(), entry.id.to_string());
        let (intent, scope) = (entry.intent.map(seq_to_sql), scope_json(entry)?);
        let doc = entry.doc.get();
        Ok(Self { writer, seq, kind, id, intent, scope, doc, leaf: leaf_hash(doc) })
    }

    /// By column, as `INSERT` and `IS_THERE` number them.
    fn values(&self) -> [&dyn ToSql; 8] {
        let Self { writer, seq, kind, id, intent, scope, doc, leaf } = self;
        [writer, seq, kind, id, intent, scope, doc, leaf]
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn writer(&self) -> &str {
        &self.options.writer
    }

    async fn writers(&mut self) -> Result<Vec<String>, StoreError> {
        // The lock file makes this process the only writer: all others in the file are gone.
        all(&self.conn, "SELECT writer FROM writers ORDER BY writer", [], |row| row.get(0))
    }

    async fn head(&mut self, writer: &str) -> Result<u64, StoreError> {
        let head: Vec<Option<i64>> = all(&self.conn, SELECT_HEAD, [writer], |row| row.get(0))?;
        Ok(head.into_iter().flatten().next().map_or(0, sql_to_seq))
    }

    async fn append(
        &mut self,
        writer: &str,
        first_seq: u64,
        batch: &[Entry],
    ) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(batch.len());
        for (seq, entry) in (first_seq..).zip(batch) {
            rows.push(NewRow::new(writer, seq, entry)?);
        }
        // A commit to files that were removed would end with this process.
        self.files.require_in_place()?;
        match self.insert(&rows).map_err(|error| self.sort(error))? {
            None => Ok(()),
            Some(seq) => Err(StoreError::Swallowed { writer: writer.to_owned(), seq }),
        }
    }

    async fn purge(&mut self, writer: &str, purged: &[Purged]) -> Result<(), StoreError> {
        self.files.require_in_place()?;
        self.take_out(writer, purged).map_err(|error| self.sort(error))
    }

    async fn orphans(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Orphan>, StoreError> {
        let rows: Vec<(i64, String, String)> = all(
            &self.conn,
            "SELECT seq, id, scope FROM entries AS i \
             WHERE writer = ?1 AND seq > ?2 AND kind = 'intent' AND NOT EXISTS \
                 (SELECT 1 FROM entries WHERE writer = ?1 AND intent = i.seq) \
             ORDER BY seq LIMIT ?3",
            params![writer, seq_to_sql(after), limit],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )?;
        rows.into_iter()
            .map(|(seq, id, scope)| {
                let id = id.parse().map_err(|_| StoreError::Damaged {
                    writer: writer.to_owned(),
                    seq,
                    column: Some("id"),
                })?;
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
        read_after(&self.conn, writer, after, limit)
    }

    async fn closed_up_to(&mut self, writer: &str) -> Result<u64, StoreError> {
        let closed: Vec<i64> =
            all(&self.conn, "SELECT closed FROM writers WHERE writer = ?", [writer], |row| {
                row.get(0)
            })?;
        Ok(closed.first().copied().map_or(0, sql_to_seq))
    }

    async fn mark_closed(&mut self, writer: &str, seq: u64) -> Result<(), StoreError> {
        self.mark(writer, seq)
    }

    async fn has_room(&mut self, bytes: usize) -> Result<(), StoreError> {
        self.files.require_in_place()?;
        self.try_room(bytes).map_err(|error| self.sort(error))
    }

    fn may_be_closed(&self) -> bool {
        false
    }

    async fn heartbeat(&mut self) -> Result<(), StoreError> {
        // The lock file is the sign of life.
        Ok(())
    }

    async fn guard(&mut self) -> Result<Vec<Unguarded>, StoreError> {
        self.restore_guards()?;
        Ok(std::mem::take(&mut self.unguarded))
    }

    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.conn.close().map_err(|(_, error)| StoreError::from_rusqlite(error))
    }
}
