//! The database's file: connections to it, what SQLite's errors mean, and getting rid of one that is
//! damaged.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// How long to wait for another process that updates the index.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// SQLite's memory for pages, in KiB when negative. The sets of a few thousand events lie on twice as many
/// pages; a small index never fills it.
const WRITE_CACHE: i64 = -49_152;
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
    match read_only(path, "") {
        // SQLite wants to put its files beside a database that nobody has open. Where nothing is left
        // in a log, the database alone is all there is.
        Err(error) if cannot_open(&error) && !has_log(path) => {
            read_only(path, "?immutable=1").map_err(|_| error)
        }
        result => result,
    }
}

fn read_only(path: &Path, parameters: &str) -> rusqlite::Result<(Connection, i64)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let conn = Connection::open_with_flags(uri(path) + parameters, flags)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.pragma_update(None, "cache_size", READ_CACHE)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS);
    let version = version(&conn)?;
    Ok((conn, version))
}

/// The path as a URI, in which nothing of it has a meaning.
fn uri(path: &Path) -> String {
    let mut uri = String::from(if path.is_absolute() { "file://" } else { "file:" });
    for byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_') {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

pub(super) fn version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn cannot_open(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen))
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(Path::new(&log)).is_ok_and(|log| log.len() > 0)
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
