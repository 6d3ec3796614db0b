//! The database's file: connections to it, what SQLite's errors mean, and getting rid of one that is
//! damaged.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::store::connect_read_only;

/// How long to wait for another process that updates the index.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait for those who still read what was forgotten.
const LOG_TIMEOUT: Duration = Duration::from_secs(1);
/// SQLite's memory for pages, in KiB when negative. What does not fit lies in the file, which the system
/// has in its own cache.
const WRITE_CACHE: i64 = -4_096;
const READ_CACHE: i64 = -4_096;
/// Pages in the log before they are moved into the database. The same pages change again and again, so
/// that a longer log saves writing, and syncing beside the ledger's.
const LOG_PAGES: i64 = 8_000;
/// Statements that are kept.
const STATEMENTS: usize = 48;

pub(super) fn to_write(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.pragma_update(None, "synchronous", "normal")?;
    conn.pragma_update(None, "cache_size", WRITE_CACHE)?;
    conn.pragma_update(None, "wal_autocheckpoint", LOG_PAGES)?;
    // What was purged shall be gone here too.
    conn.pragma_update(None, "secure_delete", "ON")?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(conn)
}

/// A database without a name: SQLite removes it when it is closed.
pub(super) fn temporary() -> rusqlite::Result<Connection> {
    let conn = Connection::open("")?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(conn)
}

/// To search it, and its version. Needs no right to write, neither to the file nor to its directory.
pub(super) fn to_read(path: &Path) -> rusqlite::Result<(Connection, i64)> {
    let (conn, version) = connect_read_only(path, BUSY_TIMEOUT)?;
    conn.pragma_update(None, "cache_size", READ_CACHE)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok((conn, version))
}

/// Moves what has changed from the log into the database, and empties the log, which holds pages as they were
/// before. Where others read for longer, it is done by who forgets something next, or closes it last.
pub(super) fn empty_log(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(LOG_TIMEOUT)?;
    let emptied = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    conn.busy_timeout(BUSY_TIMEOUT)?;
    emptied
}

pub(super) fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

pub(super) fn is_damaged(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

pub(super) fn is_interrupted(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted)
}

/// Removes the database and what belongs to it. What cannot be removed shows at the next opening.
pub(super) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        std::fs::remove_file(Path::new(&name)).ok();
    }
}
