//! `seal.db`: the tiles of the trees, the checkpoints that were signed, and changes of the key.
//!
//! Tiles can be built again from the ledger. Checkpoints cannot: they are what this process has
//! vouched for, and what the ledger is held against.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension, params};
use tlog_tiles::Hash;

use super::tree::{FullTile, Tree, hashes_of};
use super::{
    Checkpoint, KeyChange, SEAL_FILE, SealError, SigningKey, VerifierKey, key_file, predecessors,
};
use crate::store::{connect_read_only, create_file};

/// The version of the schema, kept in `PRAGMA user_version`.
const VERSION: i64 = 1;
/// How long to wait for another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Of the checkpoints of a log the newest so many are all kept.
const ALL_KEPT: u32 = 4096;
/// Of older ones the last in each span of so many milliseconds: an hour.
const SPAN_MS: i64 = 3_600_000;

/// Of a log, entries that the proxy whose log it is knows it did not write. Nothing of it is sealed any
/// more, also after a restart. Came later than the rest, which older versions do not mind.
const FOREIGN: &str = "
CREATE TABLE IF NOT EXISTS foreign_entries (
    writer TEXT    NOT NULL PRIMARY KEY,
    first  INTEGER NOT NULL CHECK (first > 0),
    last   INTEGER NOT NULL CHECK (last >= first)
) STRICT, WITHOUT ROWID;
";

const SCHEMA: &str = "
CREATE TABLE tiles (
    writer TEXT    NOT NULL,
    level  INTEGER NOT NULL CHECK (level BETWEEN 0 AND 7),
    number INTEGER NOT NULL CHECK (number >= 0),
    hashes BLOB    NOT NULL CHECK (length(hashes) % 32 = 0 AND length(hashes) BETWEEN 32 AND 8192),
    PRIMARY KEY (writer, level, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE trees (
    writer TEXT    NOT NULL PRIMARY KEY,
    size   INTEGER NOT NULL CHECK (size > 0)
) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoints (
    writer TEXT    NOT NULL,
    size   INTEGER NOT NULL CHECK (size > 0),
    at_ms  INTEGER NOT NULL,
    note   TEXT    NOT NULL,
    PRIMARY KEY (writer, size)
) STRICT, WITHOUT ROWID;
CREATE TABLE key_changes (
    n      INTEGER PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    note   TEXT    NOT NULL
) STRICT;
";

/// A checkpoint as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptCheckpoint {
    /// Whose log.
    pub writer: String,
    /// When it was signed, in milliseconds since 1970.
    pub at_ms: i64,
    /// How many leaves, as the row says; the note is what counts.
    pub size: u64,
    /// The signed note.
    pub note: String,
}

/// A connection to `seal.db`.
pub struct Kept {
    conn: Connection,
}

impl Kept {
    /// Opens it in the directory of the ledger, to write; makes it if it is missing.
    pub fn open(dir: &Path) -> Result<Self, SealError> {
        let path = dir.join(SEAL_FILE);
        create_file(&path).map_err(SealError::File)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn = Connection::open_with_flags(&path, flags)?;
        conn.busy_timeout(BUSY_TIMEOUT)?;
        conn.pragma_update(None, "journal_mode", "wal")?;
        conn.pragma_update(None, "synchronous", "normal")?;
        match version(&conn)? {
            0 => {
                let transaction = conn.transaction()?;
                transaction.execute_batch(SCHEMA)?;
                transaction.pragma_update(None, "user_version", VERSION)?;
                transaction.commit()?;
            }
            VERSION => {}
            _ => return Err(SealError::Version),
        }
        conn.execute_batch(FOREIGN)?;
        Ok(Self { conn })
    }

    /// Opens it to read. None if there is none.
    pub fn open_read_only(dir: &Path) -> Result<Option<Self>, SealError> {
        let path = dir.join(SEAL_FILE);
        if !path.exists() {
            return Ok(None);
        }
        match connect_read_only(&path, BUSY_TIMEOUT)? {
            (conn, VERSION) => Ok(Some(Self { conn })),
            _ => Err(SealError::Version),
        }
    }

    /// The size of a writer's tree.
    pub fn size(&self, writer: &str) -> Result<u64, SealError> {
        let sql = "SELECT size FROM trees WHERE writer = ?1";
        let size =
            self.conn.prepare_cached(sql)?.query_row([writer], |row| row.get(0)).optional()?;
        Ok(size.map_or(0, unsigned))
    }

    /// The hashes of one tile, as many as there are; none if there is no such tile.
    pub fn tile(&self, writer: &str, level: u8, number: u64) -> Result<Vec<Hash>, SealError> {
        let sql = "SELECT hashes FROM tiles WHERE writer = ?1 AND level = ?2 AND number = ?3";
        let hashes: Option<Vec<u8>> = self
            .conn
            .prepare_cached(sql)?
            .query_row(params![writer, level, signed(number)], |row| row.get(0))
            .optional()?;
        Ok(hashes.map(|bytes| hashes_of(&bytes)).unwrap_or_default())
    }

    /// The tree of a writer, to be grown; an empty one where tiles are missing.
    pub fn tree(&self, writer: &str) -> Result<Tree, SealError> {
        let size = self.size(writer)?;
        let mut failed = None;
        let tree = Tree::restore(size, |level, number| {
            self.tile(writer, level, number).unwrap_or_else(|error| {
                failed = Some(error);
                Vec::new()
            })
        });
        failed.map_or(Ok(tree.unwrap_or_default()), Err)
    }

    /// Writes what a tree has grown by: the tiles that became full, and its edge.
    pub fn grow(&mut self, writer: &str, full: &[FullTile], tree: &Tree) -> Result<(), SealError> {
        let transaction = self.conn.transaction()?;
        {
            let mut put = transaction.prepare_cached(
                "INSERT INTO tiles (writer, level, number, hashes) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT DO UPDATE SET hashes = excluded.hashes",
            )?;
            let full = full.iter().map(|tile| (tile.level, tile.number, tile.hashes.as_slice()));
            for (level, number, hashes) in full.chain(tree.incomplete()) {
                let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
                put.execute(params![writer, level, signed(number), bytes])?;
            }
            let sql = "INSERT INTO trees (writer, size) VALUES (?1, ?2) \
                       ON CONFLICT DO UPDATE SET size = excluded.size";
            transaction.prepare_cached(sql)?.execute(params![writer, signed(tree.size())])?;
        }
        Ok(transaction.commit()?)
    }

    /// Forgets a writer's tiles, which can be built again, and nothing that was signed.
    pub fn forget_tiles(&mut self, writer: &str) -> Result<(), SealError> {
        let transaction = self.conn.transaction()?;
        transaction.execute("DELETE FROM tiles WHERE writer = ?1", [writer])?;
        transaction.execute("DELETE FROM trees WHERE writer = ?1", [writer])?;
        Ok(transaction.commit()?)
    }

    /// Keeps a checkpoint, or the same one with more signatures; lets go of old ones.
    pub fn keep(
        &mut self,
        writer: &str,
        at_ms: i64,
        checkpoint: &Checkpoint,
    ) -> Result<(), SealError> {
        let transaction = self.conn.transaction()?;
        transaction
            .prepare_cached(
                "INSERT INTO checkpoints (writer, size, at_ms, note) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT DO UPDATE SET note = excluded.note",
            )?
            .execute(params![writer, signed(checkpoint.size), at_ms, checkpoint.note])?;
        // The one that is no longer among the newest stays only as the last of its span.
        transaction
            .prepare_cached(
                "DELETE FROM checkpoints WHERE writer = ?1 AND size = \
                 (SELECT size FROM checkpoints WHERE writer = ?1 ORDER BY size DESC LIMIT 1 OFFSET ?2) \
                 AND EXISTS (SELECT 1 FROM checkpoints AS later WHERE later.writer = ?1 \
                     AND later.size > checkpoints.size AND later.at_ms / ?3 = checkpoints.at_ms / ?3)",
            )?
            .execute(params![writer, ALL_KEPT, SPAN_MS])?;
        Ok(transaction.commit()?)
    }

    /// The newest checkpoint of a writer.
    pub fn newest(&self, writer: &str) -> Result<Option<KeptCheckpoint>, SealError> {
        let sql = "SELECT writer, at_ms, size, note FROM checkpoints WHERE writer = ?1 \
                   ORDER BY size DESC LIMIT 1";
        Ok(self.conn.prepare_cached(sql)?.query_row([writer], checkpoint).optional()?)
    }

    /// The checkpoint of exactly this size, or else the first that is larger.
    pub fn at_least(&self, writer: &str, size: u64) -> Result<Option<KeptCheckpoint>, SealError> {
        let sql = "SELECT writer, at_ms, size, note FROM checkpoints \
                   WHERE writer = ?1 AND size >= ?2 ORDER BY size LIMIT 1";
        let mut sql = self.conn.prepare_cached(sql)?;
        Ok(sql.query_row(params![writer, signed(size)], checkpoint).optional()?)
    }

    /// The newest checkpoint that is of no more than this size.
    pub fn at_most(&self, writer: &str, size: u64) -> Result<Option<KeptCheckpoint>, SealError> {
        let sql = "SELECT writer, at_ms, size, note FROM checkpoints \
                   WHERE writer = ?1 AND size <= ?2 ORDER BY size DESC LIMIT 1";
        let mut sql = self.conn.prepare_cached(sql)?;
        Ok(sql.query_row(params![writer, signed(size)], checkpoint).optional()?)
    }

    /// The newest checkpoint of every log.
    pub fn newest_of_all(&self) -> Result<Vec<KeptCheckpoint>, SealError> {
        let sql = "SELECT writer, at_ms, max(size), note FROM checkpoints GROUP BY writer";
        let mut sql = self.conn.prepare_cached(sql)?;
        sql.query_map([], checkpoint)?.map(|row| Ok(row?)).collect()
    }

    /// That the key in the directory may go on here: another one would be another log, and nobody may begin
    /// one without being noticed.
    pub fn require_key(&self, dir: &Path) -> Result<(), SealError> {
        let known = key_file::read(dir)?;
        if self.is_signed_by(known.as_ref().map(SigningKey::verifier))? {
            return Ok(());
        }
        let path = dir.join(key_file::SIGNING_KEY_FILE);
        Err(SealError::OtherKey { path, is_missing: known.is_none() })
    }

    /// Whether a key may go on where these checkpoints end: there are none, or it signed some of the
    /// newest, or took over from one that did.
    pub fn is_signed_by(&self, key: Option<&VerifierKey>) -> Result<bool, SealError> {
        let newest = self.newest_of_all()?;
        let changes = self.key_changes()?;
        let changes: Vec<KeyChange> =
            changes.iter().filter_map(|note| KeyChange::parse(note)).collect();
        let mut keys: Vec<VerifierKey> = key.into_iter().cloned().collect();
        keys.extend(predecessors(&keys, &changes));
        let is_its = |it: &KeptCheckpoint| {
            Checkpoint::parse(&it.note).is_ok_and(|note| !note.signed_by(&keys).is_empty())
        };
        Ok(newest.is_empty() || newest.iter().any(is_its))
    }

    /// All checkpoints, by writer and size.
    pub fn checkpoints(&self) -> Result<Vec<KeptCheckpoint>, SealError> {
        let sql = "SELECT writer, at_ms, size, note FROM checkpoints ORDER BY writer, size";
        self.conn.prepare(sql)?.query_map([], checkpoint)?.map(|row| Ok(row?)).collect()
    }

    /// Remembers that these entries of a log are not the proxy's own.
    pub fn keep_foreign(&mut self, writer: &str, first: u64, last: u64) -> Result<(), SealError> {
        let sql = "INSERT INTO foreign_entries (writer, first, last) VALUES (?1, ?2, ?3) \
                   ON CONFLICT DO NOTHING";
        self.conn.execute(sql, params![writer, signed(first), signed(last)])?;
        Ok(())
    }

    /// All such entries, by writer.
    pub fn foreign(&self) -> Result<Vec<(String, RangeInclusive<u64>)>, SealError> {
        let known = "SELECT count(*) FROM sqlite_schema WHERE name = 'foreign_entries'";
        if self.conn.query_row(known, [], |row| row.get::<_, i64>(0))? == 0 {
            return Ok(Vec::new());
        }
        let range = |row: &rusqlite::Row<'_>| {
            Ok((row.get(0)?, unsigned(row.get(1)?)..=unsigned(row.get(2)?)))
        };
        let sql = "SELECT writer, first, last FROM foreign_entries ORDER BY writer";
        self.conn.prepare(sql)?.query_map([], range)?.map(|row| Ok(row?)).collect()
    }

    /// Keeps a change of the key, or of that of another proxy, once.
    pub fn keep_key_change(&mut self, at_ms: i64, note: &str) -> Result<(), SealError> {
        let sql = "INSERT INTO key_changes (at_ms, note) \
                   SELECT ?1, ?2 WHERE NOT EXISTS (SELECT 1 FROM key_changes WHERE note = ?2)";
        self.conn.execute(sql, params![at_ms, note])?;
        Ok(())
    }

    /// All changes of the key, in their order.
    pub fn key_changes(&self) -> Result<Vec<String>, SealError> {
        let mut sql = self.conn.prepare("SELECT note FROM key_changes ORDER BY n")?;
        sql.query_map([], |row| row.get(0))?.map(|row| Ok(row?)).collect()
    }
}

fn checkpoint(row: &rusqlite::Row<'_>) -> rusqlite::Result<KeptCheckpoint> {
    let size = unsigned(row.get(2)?);
    Ok(KeptCheckpoint { writer: row.get(0)?, at_ms: row.get(1)?, size, note: row.get(3)? })
}

fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Sizes stay far below 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
