//! The signing key's file: made once, beside the ledger, readable by its owner alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::key::{KeyError, SigningKey};
use crate::store::inherit_owner;

/// The signing key's file in the directory of the ledger.
pub const SIGNING_KEY_FILE: &str = "signing.key";
/// The key that takes over, as `countersign keys rotate` leaves it.
pub const NEXT_KEY_FILE: &str = "signing.key.next";
/// The longest key that is read, in bytes.
const KEY_BYTES: u64 = 4096;

/// A signing key that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file system refused.
    #[error("the signing key `{}` cannot be {did}", path.display())]
    Io {
        /// What was to be done.
        did: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "`{}` cannot be used as the signing key; restore it from a backup, or move it away to begin \
         with a new key (whoever trusts the old one has to be told)", path.display()
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: KeyError,
    },
    /// The installation is called otherwise.
    #[error(
        "the signing key `{}` is of `{found}`, and the configuration's `seal.name` is `{wanted}`: \
         set it to `{found}`; another name would be another log", path.display()
    )]
    OtherName {
        /// The file.
        path: PathBuf,
        /// Its name.
        found: String,
        /// The configuration's.
        wanted: String,
    },
    /// No key could be made.
    #[error("no signing key can be made")]
    New(#[source] KeyError),
}

/// Reads the signing key of a directory. None if there is none.
pub fn read(dir: &Path) -> Result<Option<SigningKey>, KeyFileError> {
    read_file(&dir.join(SIGNING_KEY_FILE))
}

/// Reads the key that is to take over. None if there is none.
pub fn read_next(dir: &Path) -> Result<Option<SigningKey>, KeyFileError> {
    read_file(&dir.join(NEXT_KEY_FILE))
}

fn read_file(path: &Path) -> Result<Option<SigningKey>, KeyFileError> {
    let failed = |source| KeyFileError::Io { did: "read", path: path.to_owned(), source };
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut text = Zeroizing::new(String::new());
    file.take(KEY_BYTES).read_to_string(&mut text).map_err(failed)?;
    let key = SigningKey::parse(&text);
    key.map(Some).map_err(|source| KeyFileError::Content { path: path.to_owned(), source })
}

/// Reads the signing key of a directory, or makes one. `name` is what the installation is to be
/// called; without it a new one gets a random name.
pub fn load_or_create(dir: &Path, name: Option<&str>) -> Result<SigningKey, KeyFileError> {
    let path = dir.join(SIGNING_KEY_FILE);
    if let Some(key) = read(dir)? {
        let found = key.verifier().name();
        return match name {
            Some(wanted) if wanted != found => {
                let (found, wanted) = (found.to_owned(), wanted.to_owned());
                Err(KeyFileError::OtherName { path, found, wanted })
            }
            _ => Ok(key),
        };
    }
    let name = match name {
        Some(name) => name.to_owned(),
        None => SigningKey::random_name().map_err(KeyFileError::New)?,
    };
    let key = SigningKey::generate(&name).map_err(KeyFileError::New)?;
    write(dir, &path, &key)?;
    Ok(key)
}

/// Leaves a key that is to take over.
pub fn write_next(dir: &Path, key: &SigningKey) -> Result<(), KeyFileError> {
    write(dir, &dir.join(NEXT_KEY_FILE), key)
}

/// Puts the next key in the place of the one in force.
pub fn take_over(dir: &Path) -> Result<(), KeyFileError> {
    let path = dir.join(NEXT_KEY_FILE);
    fs::rename(&path, dir.join(SIGNING_KEY_FILE))
        .and_then(|()| fs::File::open(dir)?.sync_all())
        .map_err(|source| KeyFileError::Io { did: "put in its place", path, source })
}

/// Writes the key so that either all of it is there after a crash, or nothing.
fn write(dir: &Path, path: &Path, key: &SigningKey) -> Result<(), KeyFileError> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let written = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut out = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        // Root rotates for a proxy that runs as somebody else.
        let in_force = dir.join(SIGNING_KEY_FILE);
        inherit_owner(&out, if in_force.exists() { &in_force } else { dir })?;
        writeln!(out, "{}", key.text().as_str())?;
        out.sync_all()?;
        fs::rename(&draft, path)?;
        fs::File::open(dir)?.sync_all()
    };
    written().map_err(|source| KeyFileError::Io { did: "written", path: path.to_owned(), source })
}
