//! What SQLite's errors mean, and getting rid of an index that is damaged.

use std::path::Path;

/// SQLITE_CORRUPT and SQLITE_NOTADB, with their extended codes.
pub(super) fn is_damaged(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(11 | 26))
}

/// SQLITE_INTERRUPT.
pub(super) fn is_interrupted(error: &sqlx::Error) -> bool {
    primary_code(error) == Some(9)
}

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code)?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

/// Removes the database and what belongs to it. What cannot be removed shows at the next opening.
pub(super) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        std::fs::remove_file(Path::new(&name)).ok();
    }
}
