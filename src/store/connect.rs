//! Opening SQLite's files to read them, also where nothing may be written.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// Opens a database to read it, and reads its version. Needs no right to write, neither to the file nor
/// to its directory. `busy_timeout` is how long to wait for a lock: writers never block readers; only the
/// first connection after a crash, which repairs the log, does.
pub fn connect_read_only(
    path: &Path,
    busy_timeout: Duration,
) -> rusqlite::Result<(Connection, i64)> {
    match connect(path, "", busy_timeout) {
        // SQLite wants to put its files beside a database that nobody has open. Where nothing is left
        // in a log, the database alone is all there is.
        Err(error) if cannot_open(&error) && !has_log(path) => {
            connect(path, "?immutable=1", busy_timeout).map_err(|_| error)
        }
        result => result,
    }
}

fn connect(
    path: &Path,
    parameters: &str,
    busy_timeout: Duration,
) -> rusqlite::Result<(Connection, i64)> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let conn = Connection::open_with_flags(uri(path) + parameters, flags)?;
    conn.busy_timeout(busy_timeout)?;
    let version = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
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

fn cannot_open(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen))
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(Path::new(&log)).is_ok_and(|log| log.len() > 0)
}
