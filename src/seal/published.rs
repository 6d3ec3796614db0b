//! The file in which the proxy publishes its checkpoints, read back: it knows of a larger log than the one that
//! is there, where files were put back from an older copy.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use tlog_tiles::Hash;

use super::verify::Evidence;
use super::{Kept, SealError, VerifierKey};
use crate::store::StoreError;

/// So much of the end of a published file is looked at, in bytes: some thousand checkpoints.
const END_BYTES: u64 = 2 << 20;

/// The newest checkpoint of each writer that a published file has of this key, those before it and those that
/// took over from it. What others have signed there is of another ledger.
pub(super) fn published(
    file: &Path,
    key: &VerifierKey,
    kept: &Kept,
) -> Result<BTreeMap<String, (u64, Hash)>, SealError> {
    let text = end_of(file, END_BYTES).map_err(|source| {
        SealError::Published(StoreError::File { operation: "read", path: file.to_owned(), source })
    })?;
    let mut evidence = Evidence::new(vec![key.clone()]);
    for note in kept.key_changes()? {
        evidence.add_key_change(&note);
    }
    evidence.add_published(&file.display().to_string(), &text.unwrap_or_default());
    let evidence = evidence.judged();
    let newest = evidence.writers().filter_map(|writer| {
        let newest = evidence.of(writer).last()?;
        Some((writer.to_owned(), (newest.size, newest.root)))
    });
    Ok(newest.collect())
}

/// The end of a published file, at most so many bytes, from the beginning of a line; none where there is no
/// such file, or what is there is no file.
pub fn end_of(path: &Path, bytes: u64) -> io::Result<Option<String>> {
    // Before it is opened: a pipe that nobody writes to would be waited for.
    let length = match fs::metadata(path) {
        Ok(found) if found.is_file() => found.len(),
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut file = File::open(path)?;
    let skipped = length.saturating_sub(bytes);
    file.seek(SeekFrom::Start(skipped))?;
    let mut end = Vec::new();
    file.take(bytes).read_to_end(&mut end)?;
    let text = String::from_utf8_lossy(&end).into_owned();
    Ok(Some(match (skipped, text.split_once('\n')) {
        (0, _) => text,
        (_, Some((_, whole))) => whole.to_owned(),
        (_, None) => String::new(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_file_begins_with_a_line_and_what_is_no_file_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("published");
        assert_eq!(end_of(&file, 9).unwrap(), None);
        fs::write(&file, "one\ntwo\nthree\n").unwrap();
        for (bytes, expected) in [(99, "one\ntwo\nthree\n"), (12, "two\nthree\n"), (3, "")] {
            assert_eq!(end_of(&file, bytes).unwrap().as_deref(), Some(expected), "{bytes}");
        }
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(end_of(&pipe, 9).unwrap(), None);
    }
}
