//! The file in which the proxy publishes its checkpoints, read back: it knows of a larger log than the one that
//! is there, where files were put back from an older copy.

use std::collections::BTreeMap;
use std::fs::File;
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
    let mut file = match File::open(path) {
        Ok(file) if file.metadata()?.is_file() => file,
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let skipped = file.metadata()?.len().saturating_sub(bytes);
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
