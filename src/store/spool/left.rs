//! What an earlier process left in a spool, for who does not spool.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::{Opening, SPOOL_FILE, StoreError};
use super::file::File;
use crate::record::Stored;

/// How long it may wait where nobody should use it.
const LOOKING: Duration = Duration::from_secs(1);
/// Entries that are shown in one go.
const SHOWN: u32 = 512;

/// A maker of stores without a spool, for a directory in which one may have been left that holds
/// something: then nothing may be written.
pub fn unspooled(
    mut ledger: impl FnMut() -> Opening + Send + 'static,
    dir: PathBuf,
) -> impl FnMut() -> Opening + Send + 'static {
    move || match left_in(&dir) {
        Ok(0) => ledger(),
        Ok(entries) => {
            let error = StoreError::Waiting { dir: dir.clone(), entries };
            Box::pin(std::future::ready(Err(error)))
        }
        Err(error) => Box::pin(std::future::ready(Err(error))),
    }
}

/// How many entries wait in the spool of a directory.
fn left_in(dir: &Path) -> Result<u64, StoreError> {
    match dir.join(SPOOL_FILE).exists() {
        true => Ok(File::open(dir, LOOKING)?.content()?.entries),
        false => Ok(0),
    }
}

/// What waits in the spool of a directory after a number, in order, some of it; none where nothing does.
pub fn waiting(dir: &Path, after: u64) -> Result<Vec<Stored>, StoreError> {
    match dir.join(SPOOL_FILE).exists() {
        true => File::open(dir, LOOKING)?.read_after(after, SHOWN),
        false => Ok(Vec::new()),
    }
}
