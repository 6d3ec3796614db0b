//! The installation's key: made once, kept beside the ledger, readable by its owner alone.
//!
//! A key that is not the one before is no secret: beside it is kept by what it is known, the log says with
//! which one it was written, and a replacement is told.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::redact::FingerprintKey;

/// The key's file in the ledger's directory.
pub const KEY_FILE: &str = "fingerprint.key";

/// By what the key is known, of the last start.
const KNOWN_FILE: &str = "fingerprint.id";

/// A key's name, from which nobody learns it.
pub fn key_id(key: &FingerprintKey) -> String {
    key.fingerprint("countersign fingerprint key", b"id")
}

/// The key of an installation, and what is known of the one before.
pub(super) struct Kept {
    pub(super) key: FingerprintKey,
    dir: PathBuf,
    /// There was none.
    is_new: bool,
    /// The name of the key that was there at the last start.
    before: Option<String>,
}

impl Kept {
    /// What is to be told if the ledger was written with another key; `has_entries` says whether it was
    /// written at all.
    pub(super) fn replaced(&self, has_entries: bool) -> Option<Value> {
        let now = key_id(&self.key);
        let is_other = match &self.before {
            Some(before) => *before != now,
            None => self.is_new,
        };
        (is_other && has_entries).then(|| {
            tracing::warn!(
                before = self.before.as_deref().unwrap_or("unknown"),
                now,
                file = %self.dir.join(KEY_FILE).display(),
                "the ledger was written with another fingerprint key: fingerprints of the same secret are \
                 others from now on; if that is not meant, restore the key and start again"
            );
            json!({"fingerprint_key_before": self.before, "fingerprint_key": now})
        })
    }

    /// Remembers which key it is. That it cannot be remembered keeps nobody from being served.
    pub(super) fn remember(&self) {
        let now = key_id(&self.key);
        if self.before.as_ref() != Some(&now)
            && let Err(error) = create(&self.dir, KNOWN_FILE, now.as_bytes())
        {
            tracing::warn!(%error, "it cannot be remembered which fingerprint key is in use");
        }
    }
}

/// A key that cannot be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file system refused.
    #[error(
        "the installation's key `{file}` cannot be read or made; `ledger.dir` (or `--data`) must name a directory that this user may write to"
    )]
    Io {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is not a key.
    #[error(
        "`{file}` must hold exactly 32 bytes; restore it from a backup, or move it away to begin with a new key (old fingerprints then no longer match new ones)"
    )]
    Length {
        /// The file.
        file: PathBuf,
    },
}

/// Reads a key that is there; nothing is made.
pub fn read_key(file: &Path) -> Result<FingerprintKey, KeyError> {
    let failed = |source| KeyError::Io { file: file.to_owned(), source };
    let mut bytes = Vec::new();
    let opened = fs::File::open(file).map_err(failed)?;
    // One more than a key has, so that a longer file is known for one.
    opened.take(33).read_to_end(&mut bytes).map_err(failed)?;
    let secret: [u8; 32] =
        bytes.try_into().map_err(|_| KeyError::Length { file: file.to_owned() })?;
    Ok(FingerprintKey::new(&secret))
}

/// A key that nobody keeps.
pub fn passing_key() -> io::Result<FingerprintKey> {
    random().map(|secret| FingerprintKey::new(&secret))
}

/// Reads the key of the installation in `dir`, or makes one.
pub(super) fn load_or_create(dir: &Path) -> Result<Kept, KeyError> {
    let file = dir.join(KEY_FILE);
    let failed = |source| KeyError::Io { file: file.clone(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let (key, is_new) = match read_key(&file) {
        Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            let secret = random().map_err(failed)?;
            create(dir, KEY_FILE, &secret).map_err(failed)?;
            (FingerprintKey::new(&secret), true)
        }
        result => (result?, false),
    };
    let before = fs::read_to_string(dir.join(KNOWN_FILE)).ok();
    Ok(Kept { key, dir: dir.to_owned(), is_new, before })
}

/// Writes a file so that either all of it is there after a crash, or nothing.
fn create(dir: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let draft = dir.join(format!("{name}.new"));
    let mut out =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    out.write_all(content)?;
    out.sync_all()?;
    fs::rename(&draft, dir.join(name))?;
    fs::File::open(dir)?.sync_all()
}

fn random() -> io::Result<[u8; 32]> {
    let mut secret = [0; 32];
    fs::File::open("/dev/urandom")?.read_exact(&mut secret)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = load_or_create(dir.path()).expect("a key");
        let again = load_or_create(dir.path()).expect("the key");
        assert_eq!(key_id(&first.key), key_id(&again.key));
    }

    #[test]
    fn a_key_that_is_another_is_told_if_there_is_a_ledger() {
        let dir = tempfile::tempdir().expect("a directory");
        let first = load_or_create(dir.path()).expect("a key");
        assert_eq!(first.replaced(false), None, "there was nothing before");
        assert!(first.replaced(true).is_some(), "a ledger whose key is gone");
        first.remember();
        assert_eq!(load_or_create(dir.path()).expect("the key").replaced(true), None);
        fs::write(dir.path().join(KEY_FILE), [7; 32]).expect("another key");
        let other = load_or_create(dir.path()).expect("the other key");
        let told = other.replaced(true).expect("it is told");
        assert_eq!(told["fingerprint_key_before"], key_id(&first.key));
        assert_eq!(told["fingerprint_key"], key_id(&other.key));
        other.remember();
        assert_eq!(load_or_create(dir.path()).expect("the key").replaced(true), None);
    }

    #[test]
    fn a_file_of_another_length_is_not_overwritten() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join(KEY_FILE), b"short").expect("a file");
        assert!(matches!(load_or_create(dir.path()), Err(KeyError::Length { .. })));
        assert_eq!(fs::read(dir.path().join(KEY_FILE)).expect("the file"), b"short");
    }
}
