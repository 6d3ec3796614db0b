//! The spool's file: entries in order, durable as the ledger's own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};

use super::super::files::{create_dir, create_file, is_out_of_room};
use super::super::rows::{all, read, seq_to_sql, sql_to_seq};
use super::super::sqlite::{require_durability, scope_json};
use super::super::{Cause, Orphan, SPOOL_FILE, StoreError};
use crate::record::{Entry, Stored, leaf_hash};

const VERSION: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE waiting (
    seq    INTEGER PRIMARY KEY,
    writer TEXT    NOT NULL,
    kind   TEXT    NOT NULL,
    id     TEXT    NOT NULL,
    intent INTEGER,
    scope  TEXT    NOT NULL,
    doc    TEXT    NOT NULL,
    leaf   BLOB    NOT NULL
) STRICT;
CREATE INDEX waiting_intent ON waiting (intent) WHERE intent IS NOT NULL;
CREATE TABLE probe (number INTEGER NOT NULL) STRICT;
INSERT INTO probe VALUES (0);
";

const INSERT: &str = "INSERT INTO waiting (writer, seq, kind, id, intent, scope, doc, leaf) \
                      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// What was inserted is there: a trigger of somebody else's can swallow or change it.
const IS_THERE: &str = "SELECT EXISTS (SELECT 1 FROM waiting WHERE seq = ?1 AND doc = ?2)";

/// What is in the spool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) entries: u64,
    /// Of documents.
    pub(super) bytes: u64,
    /// The last number.
    pub(super) last: Option<u64>,
}

/// A connection to the spool.
pub(super) struct File {
    conn: Connection,
    dir: PathBuf,
}

impl File {
    pub(super) fn open(dir: &Path, busy_timeout: Duration) -> Result<Self, StoreError> {
        let path = dir.join(SPOOL_FILE);
        create_dir(dir)?;
        create_file(&path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn =
            Connection::open_with_flags(&path, flags).map_err(StoreError::from_rusqlite)?;
        conn.busy_timeout(busy_timeout)
            .and_then(|()| conn.pragma_update(None, "journal_mode", "WAL"))
            .and_then(|()| conn.pragma_update(None, "synchronous", "FULL"))
            .map_err(StoreError::from_rusqlite)?;
        require_durability(&conn, &path)?;
        prepare(&mut conn, &path)?;
        Ok(Self { conn, dir: dir.to_owned() })
    }

    /// SQLite does not tell a full disk from a broken one.
    fn sort(&self, error: rusqlite::Error) -> StoreError {
        match StoreError::from_rusqlite(error) {
            StoreError::Failed(error) if is_out_of_room(&self.dir) => self.full(&error),
            StoreError::DiskFull(error) => self.full(&error),
            other => other,
        }
    }

    /// It is the spool's disk that is full, not the ledger's.
    fn full(&self, error: &Cause) -> StoreError {
        StoreError::DiskFull(format!("the spool in `{}`: {error}", self.dir.display()).into())
    }

    /// Whose entries wait, if it is not `writer`.
    pub(super) fn stranger(&self, writer: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT writer FROM waiting WHERE writer <> ?1 LIMIT 1";
        Ok(all(&self.conn, sql, [writer], |row| row.get(0))?.pop())
    }

    pub(super) fn content(&self) -> Result<Content, StoreError> {
        let sql = "SELECT count(*), coalesce(sum(octet_length(doc)), 0), max(seq) FROM waiting";
        let content = all(&self.conn, sql, [], |row| {
            let unsigned = |column| row.get(column).map(sql_to_seq);
            let last: Option<i64> = row.get(2)?;
            Ok(Content { entries: unsigned(0)?, bytes: unsigned(1)?, last: last.map(sql_to_seq) })
        })?;
        Ok(content.into_iter().next().unwrap_or_default())
    }

    /// Appends, durably, all or nothing.
    pub(super) fn append(
        &mut self,
        writer: &str,
        first: u64,
        batch: &[Entry],
    ) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(batch.len());
        for (seq, entry) in (first..).zip(batch) {
            rows.push((seq_to_sql(seq), entry, scope_json(entry)?));
        }
        let insert = || -> rusqlite::Result<Option<i64>> {
            let transaction =
                Transaction::new_unchecked(&self.conn, TransactionBehavior::Immediate)?;
            let mut insert = transaction.prepare_cached(INSERT)?;
            for (seq, entry, scope) in &rows {
                let (id, doc) = (entry.id.to_string(), entry.doc.get());
                let (intent, kind) = (entry.intent.map(seq_to_sql), entry.kind.as_str());
                insert.execute(params![
                    writer,
                    seq,
                    kind,
                    id,
                    intent,
                    scope,
                    doc,
                    leaf_hash(doc)
                ])?;
            }
            let mut is_there = transaction.prepare_cached(IS_THERE)?;
            for (seq, entry, _) in &rows {
                if !is_there.query_row(params![seq, entry.doc.get()], |row| row.get(0))? {
                    return Ok(Some(*seq));
                }
            }
            drop((insert, is_there));
            transaction.commit().map(|()| None)
        };
        match insert().map_err(|error| self.sort(error))? {
            None => Ok(()),
            Some(seq) => Err(StoreError::Swallowed { writer: writer.to_owned(), seq }),
        }
    }

    /// A durable write that changes nothing: whether there could be one.
    pub(super) fn probe(&self) -> Result<(), StoreError> {
        self.conn
            .execute("UPDATE probe SET number = number + 1", [])
            .map(drop)
            .map_err(|error| self.sort(error))
    }

    /// Entries after `after`, in order, at most `limit`, and fewer where their documents are large.
    pub(super) fn read_after(&self, after: u64, limit: u32) -> Result<Vec<Stored>, StoreError> {
        let sql = "SELECT writer, seq, kind, id, intent, scope, doc, leaf FROM waiting \
                   WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        read(&self.conn, sql, params![seq_to_sql(after), limit])
    }

    /// Intents after `after` that have no completion here.
    pub(super) fn orphans(&self, after: u64, limit: u32) -> Result<Vec<Orphan>, StoreError> {
        let sql = "SELECT seq, writer, id, scope FROM waiting AS i WHERE seq > ?1 \
                   AND kind = 'intent' \
                   AND NOT EXISTS (SELECT 1 FROM waiting WHERE intent = i.seq) \
                   ORDER BY seq LIMIT ?2";
        let rows: Vec<(i64, String, String, String)> =
            all(&self.conn, sql, params![seq_to_sql(after), limit], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?;
        rows.into_iter()
            .map(|(seq, writer, id, scope)| match id.parse() {
                Ok(id) => Ok(Orphan { seq: sql_to_seq(seq), id, scope }),
                Err(_) => Err(StoreError::Damaged { writer, seq, column: None }),
            })
            .collect()
    }

    /// Whether the completion of the intent `seq` waits here.
    pub(super) fn completes(&self, seq: u64) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM waiting WHERE intent = ?1)";
        Ok(all(&self.conn, sql, [seq_to_sql(seq)], |row| row.get(0))?.pop().unwrap_or(false))
    }

    /// Forgets what is in the ledger by now: all up to `seq`.
    /// Tells how many entries and bytes that were.
    pub(super) fn forget(&self, seq: u64) -> Result<(u64, u64), StoreError> {
        let sql = "DELETE FROM waiting WHERE seq <= ?1 RETURNING octet_length(doc)";
        let sizes: Vec<i64> = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut delete| delete.query_map([seq_to_sql(seq)], |row| row.get(0))?.collect())
            .map_err(|error| self.sort(error))?;
        Ok((sizes.len() as u64, sizes.into_iter().map(sql_to_seq).sum()))
    }
}

fn prepare(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found: i64 = conn
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(StoreError::from_rusqlite)?;
    if found > VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: VERSION });
    }
    if found == VERSION {
        return Ok(());
    }
    let mut made = || -> rusqlite::Result<()> {
        let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()
    };
    made().map_err(StoreError::from_rusqlite)
}
