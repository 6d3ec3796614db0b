//! Archives: what retention takes out of the ledger, kept elsewhere.
//!
//! Owns their format, where they are put, and reading them back. An archive is one object, NDJSON in
//! zstd: a header, and then an entry a line, with the document exactly as it was hashed; and beside it a
//! manifest, which is written last and says what must be there. Knows nothing of policies.
//!
//! Invariants:
//! - What is written is what the ledger held: redacted documents, nothing else.
//! - An archive counts only when it was read back: its bytes, its numbers, and the hash of every entry.
//! - An object has a bounded size, and nothing that is read back is believed to keep to it.

mod dir;
mod format;
mod object;
mod place;
mod reader;
mod s3;

#[cfg(test)]
mod tests;

pub use format::{ENTRIES_MAX, FORMAT, Header, Manifest, TEXT_BYTES_MAX};
pub use object::{Contents, Made};
pub use place::{Place, PlaceError};
pub use reader::ArchiveReader;

use std::time::Duration;

use crate::record::Archived;

/// What can go wrong with an archive. No variant carries anything that was recorded.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The place does not take, or does not give back, an object.
    #[error("cannot {operation} `{name}` at `{location}`")]
    Place {
        /// What was tried.
        operation: &'static str,
        /// Which object.
        name: String,
        /// Where.
        location: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The place does not say what archives there are.
    #[error(
        "cannot list the archives at `{location}`, which should be what `retention.archive` says"
    )]
    List {
        /// Where.
        location: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The place took too long.
    #[error("`{location}` did not answer within {} s", limit.as_secs())]
    Hangs {
        /// Where.
        location: String,
        /// How long was waited.
        limit: Duration,
    },
    /// An entry cannot be archived: its document is not what its leaf says, or no JSON.
    #[error("entry {seq} of writer `{writer}` is damaged: `countersign verify` says more")]
    Entry {
        /// Whose log.
        writer: String,
        /// Which entry.
        seq: u64,
    },
    /// The archive is not what it should be.
    #[error("the archive `{name}` is damaged: {problem}")]
    Damaged {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// It has no canonical form.
    #[error("the archive cannot be written down")]
    Json(#[from] serde_json::Error),
    /// Compressing failed.
    #[error("the archive cannot be compressed")]
    Compress(#[source] std::io::Error),
}

impl ArchiveError {
    /// A code from a closed set, for metrics and readiness.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Place { .. } | Self::List { .. } => "archive",
            Self::Hangs { .. } => "archive_timeout",
            Self::Entry { .. } => "damaged_entry",
            Self::Damaged { .. } => "archive_damaged",
            Self::Json(_) | Self::Compress(_) => "archive_format",
        }
    }

    fn damaged(name: &str, problem: impl Into<String>) -> Self {
        Self::Damaged { name: name.to_owned(), problem: problem.into() }
    }
}

/// What is wrong with an archive alone.
const ALONE: &str = "its manifest is not there: that was removed, or the run that made both was cut off; if \
                     no purge names it (`archive verify --data`), it is a copy of what is in the ledger";

/// Puts an archive to its place and reads it back; then its manifest. When this returns, both are
/// durable there and hold what they should.
pub async fn keep(place: &Place, made: Made) -> Result<Archived, ArchiveError> {
    let (name, manifest) = (made.manifest.object.clone(), made.manifest);
    place.put(&name, made.bytes).await?;
    check(place, &manifest).await?;
    let mut text = serde_json::to_vec_pretty(&manifest)?;
    text.push(b'\n');
    place.put(&Manifest::name_for(&name), text).await?;
    let Manifest { sha256, bytes, .. } = manifest;
    Ok(Archived { location: place.to_string(), object: name, sha256, bytes })
}

/// Reads an archive and checks all of it against its manifest.
pub async fn check(place: &Place, manifest: &Manifest) -> Result<Contents, ArchiveError> {
    let bytes = place.get(&manifest.object).await?;
    object::read(&bytes, manifest)
}

/// The manifests at a place, in the order of their names, oldest purge first; and why some are none.
pub async fn manifests(place: &Place) -> Result<(Vec<Manifest>, Vec<ArchiveError>), ArchiveError> {
    let (mut manifests, mut damaged) = (Vec::new(), Vec::new());
    let names = place.list().await?;
    for name in &names {
        if Manifest::is_of(name) {
            if names.binary_search(&Manifest::name_for(name)).is_err() {
                damaged.push(ArchiveError::damaged(name, ALONE));
            }
            continue;
        }
        match manifest(place, name).await {
            Ok(manifest) => manifests.push(manifest),
            Err(error) => damaged.push(error),
        }
    }
    Ok((manifests, damaged))
}

/// The manifest of this name.
async fn manifest(place: &Place, name: &str) -> Result<Manifest, ArchiveError> {
    let text = place.get(name).await?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| ArchiveError::damaged(name, format!("no manifest: {error}")))?;
    if Manifest::name_for(&manifest.object) != name || !Manifest::is_name(name) {
        return Err(ArchiveError::damaged(name, "it is the manifest of another archive"));
    }
    Ok(manifest)
}

/// Whether an archive that an event names is still there as it was.
pub async fn is_there(place: &Place, archived: &Archived) -> Result<Contents, ArchiveError> {
    let manifest = manifest(place, &Manifest::name_for(&archived.object)).await?;
    if manifest.sha256 != archived.sha256 {
        return Err(ArchiveError::damaged(&archived.object, "its SHA-256 is another one"));
    }
    check(place, &manifest).await
}
