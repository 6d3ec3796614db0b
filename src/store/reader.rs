//! Reading the ledger, from any process, without ever writing to it.
//!
//! SQLite works on threads that may block, one piece of work after the other: a read whose caller has
//! gone away comes to its end, which is never far, and the next one waits for that.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, params};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::files::ledger_path;
use super::rows::{Portion, READ_BYTES, entries_where, read, seq_to_sql, size, sql_to_seq, stored};
use super::{LedgerReader, Purged, StoreError, Unguarded, connect_read_only, guard, schema};
use crate::record::{EventId, Stored};

/// How long a reader waits for a lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// SQLite's memory for pages, in KiB when negative: a reader goes on and does not come back.
const CACHE: i64 = -256;
/// Entries that are looked for together.
const TOGETHER: usize = 64;

/// The version of the schema from which on there is `purged`.
const PURGED_SINCE: i64 = 2;

/// A read-only connection to the ledger of a directory.
pub(super) struct SqliteReader {
    pub(super) core: Arc<Mutex<Core>>,
}

/// What the thread needs.
pub(super) struct Core {
    /// None when it is closed.
    conn: Option<Connection>,
    /// The schema's version: one that no proxy has brought up to date can be read as well.
    version: i64,
}

impl SqliteReader {
    /// Opens the ledger in `dir`, which must exist.
    pub(super) async fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = ledger_path(dir);
        let core = blocking(move || Core::open(path)).await?;
        Ok(Self { core: Arc::new(Mutex::new(core)) })
    }

    /// Reads. Whoever does not wait for the end does not stop it.
    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection, i64) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let core = Arc::clone(&self.core);
        blocking(move || {
            let core = core.lock().unwrap_or_else(PoisonError::into_inner);
            work(core.conn.as_ref().ok_or(StoreError::Closed)?, core.version)
        })
        .await
    }

    async fn one(
        &mut self,
        sql: &'static str,
        writer: &str,
        seq: u64,
    ) -> Result<Option<Stored>, StoreError> {
        let writer = writer.to_owned();
        self.run(move |conn, _| one(conn, sql, &writer, seq)).await
    }
}

impl Drop for SqliteReader {
    /// Even closing a file may block. A read that goes on closes it at its end.
    fn drop(&mut self) {
        let core = Arc::clone(&self.core);
        if Arc::strong_count(&core) == 2
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn_blocking(move || close(&core));
        }
    }
}

fn close(core: &Mutex<Core>) -> Result<(), StoreError> {
    let conn = core.lock().unwrap_or_else(PoisonError::into_inner).conn.take();
    let closed = conn.map_or(Ok(()), Connection::close);
    closed.map_err(|(_, error)| StoreError::from_rusqlite(error))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(StoreError::Failed(error.into())))
}

impl Core {
    fn open(path: PathBuf) -> Result<Self, StoreError> {
        match std::fs::metadata(&path) {
            Ok(found) if found.is_file() => {}
            Err(source) if source.kind() != ErrorKind::NotFound => {
                return Err(StoreError::File { operation: "open", path, source });
            }
            _ => return Err(StoreError::Missing { path }),
        }
        let (conn, version) =
            connect_read_only(&path, BUSY_TIMEOUT).map_err(StoreError::from_rusqlite)?;
        if schema::known(version, &path)? == 0 {
            return Err(StoreError::Missing { path });
        }
        conn.pragma_update(None, "cache_size", CACHE).map_err(StoreError::from_rusqlite)?;
        Ok(Self { conn: Some(conn), version })
    }
}

#[async_trait]
impl LedgerReader for SqliteReader {
    async fn writers(&mut self) -> Result<Vec<String>, StoreError> {
        self.run(|conn, _| writers(conn).map_err(StoreError::from_rusqlite)).await
    }

    async fn head(&mut self, writer: &str) -> Result<u64, StoreError> {
        let writer = writer.to_owned();
        self.run(move |conn, version| {
            head(conn, version, &writer).map_err(StoreError::from_rusqlite)
        })
        .await
    }

    async fn heads(&mut self) -> Result<Vec<(String, u64)>, StoreError> {
        self.run(|conn, version| {
            let heads = || -> rusqlite::Result<Vec<(String, u64)>> {
                let snapshot = conn.unchecked_transaction()?;
                let with_head = |writer: String| {
                    let head = head(&snapshot, version, &writer)?;
                    Ok((writer, head))
                };
                writers(&snapshot)?.into_iter().map(with_head).collect()
            };
            heads().map_err(StoreError::from_rusqlite)
        })
        .await
    }

    async fn read_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        let writer = writer.to_owned();
        self.run(move |conn, _| read_after(conn, &writer, after, limit)).await
    }

    async fn entry(&mut self, writer: &str, seq: u64) -> Result<Option<Stored>, StoreError> {
        self.one(SELECT_ENTRY, writer, seq).await
    }

    async fn entries(&mut self, writer: &str, seqs: &[u64]) -> Result<Vec<Stored>, StoreError> {
        let (writer, seqs) = (writer.to_owned(), seqs.to_vec());
        self.run(move |conn, _| entries(conn, &writer, &seqs)).await
    }

    async fn ended(
        &mut self,
        writer: &str,
        head: u64,
        range: Range<u64>,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        let writer = writer.to_owned();
        self.run(move |conn, _| ended(conn, &writer, head, range, limit)).await
    }

    async fn purged_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Purged>, StoreError> {
        let writer = writer.to_owned();
        self.run(move |conn, version| match version < PURGED_SINCE {
            true => Ok(Vec::new()),
            false => purged_after(conn, &writer, after, limit).map_err(StoreError::from_rusqlite),
        })
        .await
    }

    async fn said_to_be_purged(
        &mut self,
        writer: &str,
        range: RangeInclusive<u64>,
        limit: u32,
    ) -> Result<Vec<u64>, StoreError> {
        let writer = writer.to_owned();
        self.run(move |conn, version| {
            if version < PURGED_SINCE {
                return Ok(Vec::new());
            }
            let range = (seq_to_sql(*range.start()), seq_to_sql(*range.end()));
            said_to_be_purged(conn, &writer, range, limit).map_err(StoreError::from_rusqlite)
        })
        .await
    }

    async fn unguarded(&mut self) -> Result<Vec<Unguarded>, StoreError> {
        self.run(|conn, version| guard::unguarded(conn, version).map_err(StoreError::from_rusqlite))
            .await
    }

    async fn completion_of(
        &mut self,
        writer: &str,
        seq: u64,
    ) -> Result<Option<Stored>, StoreError> {
        self.one(SELECT_COMPLETION, writer, seq).await
    }

    async fn strays(&mut self) -> Result<Vec<(String, i64)>, StoreError> {
        self.run(|conn, _| strays(conn).map_err(StoreError::from_rusqlite)).await
    }

    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        let core = Arc::clone(&self.core);
        blocking(move || close(&core)).await
    }
}

pub(super) const SELECT_HEAD: &str = "SELECT max(coalesce((SELECT max(seq) FROM entries WHERE writer = ?1), 0), \
                coalesce((SELECT max(seq) FROM purged WHERE writer = ?1), 0))";
const SELECT_HEAD_OF_1: &str = "SELECT max(seq) FROM entries WHERE writer = ?1";

const SELECT_PURGED: &str = "SELECT seq, leaf, \"by\" FROM purged \
                             WHERE writer = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3";

const SELECT_SAID_TO_BE_PURGED: &str = "SELECT p.seq FROM purged p WHERE p.writer = ?1 \
     AND p.seq BETWEEN ?2 AND ?3 \
     AND EXISTS (SELECT 1 FROM entries e WHERE e.writer = ?1 AND e.seq = p.seq) ORDER BY p.seq LIMIT ?4";

const SELECT_ENTRIES: &str = entries_where!("writer = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3");
const SELECT_RANGE: &str = entries_where!("writer = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq");
const SELECT_ENTRY: &str = entries_where!("writer = ?1 AND seq = ?2");
const SELECT_COMPLETION: &str = entries_where!("writer = ?1 AND intent = ?2");
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

fn writers(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut writers = conn.prepare_cached("SELECT writer FROM writers ORDER BY writer")?;
    writers.query_map([], |row| row.get(0))?.collect()
}

fn strays(conn: &Connection) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut strays = conn.prepare_cached(SELECT_STRAYS)?;
    strays.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn head(conn: &Connection, version: i64, writer: &str) -> rusqlite::Result<u64> {
    let sql = if version < PURGED_SINCE { SELECT_HEAD_OF_1 } else { SELECT_HEAD };
    let head: Option<i64> = conn.prepare_cached(sql)?.query_row([writer], |row| row.get(0))?;
    Ok(head.map_or(0, sql_to_seq))
}

/// Entries after one, in order, at most `limit`, as many as can be read in one go.
pub(super) fn read_after(
    conn: &Connection,
    writer: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    read(conn, SELECT_ENTRIES, params![writer, seq_to_sql(after), limit])
}

fn one(conn: &Connection, sql: &str, writer: &str, seq: u64) -> Result<Option<Stored>, StoreError> {
    Ok(read(conn, sql, params![writer, seq_to_sql(seq)])?.into_iter().next())
}

fn entries(conn: &Connection, writer: &str, seqs: &[u64]) -> Result<Vec<Stored>, StoreError> {
    // One transaction, which takes SQLite's locks once.
    let snapshot = conn.unchecked_transaction().map_err(StoreError::from_rusqlite)?;
    let mut portion = Portion::new(2);
    let mut position = 0;
    for some in seqs.chunks(TOGETHER) {
        let mut near = near(&snapshot, writer, some)?;
        for seq in some {
            let entry = match near.remove(seq) {
                None => one(&snapshot, SELECT_ENTRY, writer, *seq)?,
                entry => entry,
            };
            if entry.is_some_and(|entry| !portion.take(position, entry)) {
                return Ok(portion.entries());
            }
            position += 1;
        }
    }
    Ok(portion.entries())
}

/// What lies closer by each other than by a look for each is read in one go; at most as much as may be. In
/// the order in which it lies there, so that the system reads ahead.
fn near(
    conn: &Connection,
    writer: &str,
    seqs: &[u64],
) -> Result<BTreeMap<u64, Stored>, StoreError> {
    let mut found = BTreeMap::new();
    let wanted: BTreeSet<u64> = seqs.iter().copied().collect();
    let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { return Ok(found) };
    if last - first >= 2 * wanted.len() as u64 {
        return Ok(found);
    }
    let range = params![writer, seq_to_sql(*first), seq_to_sql(*last)];
    let mut query = conn.prepare_cached(SELECT_RANGE).map_err(StoreError::from_rusqlite)?;
    let mut rows = query.query(range).map_err(StoreError::from_rusqlite)?;
    let mut bytes = 0;
    while bytes < READ_BYTES
        && let Some(row) = rows.next().map_err(StoreError::from_rusqlite)?
    {
        let seq = sql_to_seq(row.get(1).map_err(StoreError::from_rusqlite)?);
        if wanted.contains(&seq) {
            let entry = stored(row)?;
            bytes += size(&entry);
            found.insert(seq, entry);
        }
    }
    Ok(found)
}

fn ended(
    conn: &Connection,
    writer: &str,
    head: u64,
    range: Range<u64>,
    limit: u32,
) -> Result<Vec<EventId>, StoreError> {
    let (start, end) = (seq_to_sql(range.start), seq_to_sql(range.end));
    let parameters = params![writer, start, end, seq_to_sql(head), limit];
    let rows = || -> rusqlite::Result<Vec<(i64, String)>> {
        let mut ended = conn.prepare_cached(SELECT_ENDED)?;
        ended.query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    let id = |(seq, id): (i64, String)| {
        id.parse().map_err(|_| StoreError::Damaged {
            writer: writer.to_owned(),
            seq,
            column: Some("id"),
        })
    };
    rows().map_err(StoreError::from_rusqlite)?.into_iter().map(id).collect()
}

fn purged_after(
    conn: &Connection,
    writer: &str,
    after: u64,
    limit: u32,
) -> rusqlite::Result<Vec<Purged>> {
    let purged = |row: &rusqlite::Row<'_>| {
        let (seq, by) = (sql_to_seq(row.get(0)?), sql_to_seq(row.get(2)?));
        Ok(Purged { seq, leaf: row.get(1)?, by })
    };
    let mut query = conn.prepare_cached(SELECT_PURGED)?;
    query.query_map(params![writer, seq_to_sql(after), limit], purged)?.collect()
}

fn said_to_be_purged(
    conn: &Connection,
    writer: &str,
    (first, last): (i64, i64),
    limit: u32,
) -> rusqlite::Result<Vec<u64>> {
    let mut query = conn.prepare_cached(SELECT_SAID_TO_BE_PURGED)?;
    let seq = |row: &rusqlite::Row<'_>| row.get(0).map(sql_to_seq);
    query.query_map(params![writer, first, last, limit], seq)?.collect()
}
