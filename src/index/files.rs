//! Getting rid of an index that is damaged.

use std::path::Path;

/// SQLITE_CORRUPT and SQLITE_NOTADB, with their extended codes.
pub(super) fn is_damaged(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| matches!(code & 0xff, 11 | 26))
}

/// Removes the database and what belongs to it. What cannot be removed shows at the next opening.
pub(super) fn remove(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        std::fs::remove_file(Path::new(&name)).ok();
    }
}
