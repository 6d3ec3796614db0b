//! The installation's key: made once, kept beside the ledger, readable by its owner alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::redact::FingerprintKey;

/// The key's file in the ledger's directory.
pub const KEY_FILE: &str = "fingerprint.key";

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
pub(super) fn load_or_create(dir: &Path) -> Result<FingerprintKey, KeyError> {
    let file = dir.join(KEY_FILE);
    let failed = |source| KeyError::Io { file: file.clone(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    match read_key(&file) {
        Err(KeyError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            let secret = random().map_err(failed)?;
            create(dir, &file, &secret).map_err(failed)?;
            Ok(FingerprintKey::new(&secret))
        }
        result => result,
    }
}

/// Writes the key so that either all of it is there after a crash, or nothing.
fn create(dir: &Path, file: &Path, secret: &[u8; 32]) -> io::Result<()> {
    let draft = dir.join(format!("{KEY_FILE}.new"));
    let mut out =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    out.write_all(secret)?;
    out.sync_all()?;
    fs::rename(&draft, file)?;
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
        assert_eq!(first.fingerprint("test", b"x"), again.fingerprint("test", b"x"));
    }

    #[test]
    fn a_file_of_another_length_is_not_overwritten() {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join(KEY_FILE), b"short").expect("a file");
        assert!(matches!(load_or_create(dir.path()), Err(KeyError::Length { .. })));
        assert_eq!(fs::read(dir.path().join(KEY_FILE)).expect("the file"), b"short");
    }
}
