//! Up to where entries were put into the spool, durably and outside of it: else nobody would miss the last
//! ones, or all of them, if they were taken out while no proxy runs.
//!
//! An entry is in the spool before its number stands here, and is acknowledged only after that.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::super::files::create_file;
use crate::store::StoreError;

/// The file in the directory of the spool. It is there only while something waits, or is missing.
const NOTE_FILE: &str = "spool.head";
/// The longest note that is read: a name of a writer is shorter.
const NOTE_BYTES: u64 = 4096;

/// The last number that was put into the spool, and whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) last: u64,
    pub(super) writer: String,
}

/// What stands there; none where nothing does.
pub(super) fn noted(dir: &Path) -> Result<Option<Noted>, StoreError> {
    let path = dir.join(NOTE_FILE);
    let mut text = String::new();
    let read = File::open(&path).and_then(|file| file.take(NOTE_BYTES).read_to_string(&mut text));
    match read {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path, error)),
    }
    // Made, and nothing written yet: so nothing was acknowledged.
    if text.is_empty() {
        return Ok(None);
    }
    let line = text.lines().next().and_then(|line| line.split_once(' '));
    let noted = line.and_then(|(last, writer)| {
        // The ledger numbers its entries by signed integers.
        let last = last.parse::<i64>().ok().and_then(|last| u64::try_from(last).ok())?;
        Some(Noted { last, writer: writer.to_owned() })
    });
    let other = || failed("understand", path, std::io::Error::other("it is not what was written"));
    noted.map(Some).ok_or_else(other)
}

/// Writes it, durably. Numbers have the same length, so that what stands there is replaced in one go.
pub(super) fn note(dir: &Path, writer: &str, last: u64) -> Result<(), StoreError> {
    let path = dir.join(NOTE_FILE);
    let is_new = !path.exists();
    create_file(&path)?;
    let write = || {
        let file = OpenOptions::new().write(true).open(&path)?;
        file.write_all_at(format!("{last:020} {writer}\n").as_bytes(), 0)?;
        file.sync_data()?;
        if is_new {
            File::open(dir)?.sync_all()?;
        }
        Ok(())
    };
    write().map_err(|error: std::io::Error| failed("write", path.clone(), error))
}

/// Nothing waits any more.
pub(super) fn forget(dir: &Path) {
    let path = dir.join(NOTE_FILE);
    if let Err(error) = fs::remove_file(&path)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::debug!(%error, "the number up to which was spooled cannot be removed yet");
    }
}

fn failed(operation: &'static str, path: PathBuf, source: std::io::Error) -> StoreError {
    StoreError::File { operation, path, source }
}
