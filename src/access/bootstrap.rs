//! The first token: made where there has never been one, and left in a file for its owner.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Access, AccessError, Grant, NewToken, Token};
use crate::clock::Timestamp;

/// The file in the ledger's directory that holds the first token.
pub const BOOTSTRAP_FILE: &str = "bootstrap.token";

/// What it is called.
pub const BOOTSTRAP_NAME: &str = "bootstrap";

/// Makes the first token, an owner's, unless there is or was one. The file is durable before the
/// token holds; a crash in between leaves a file that is replaced at the next start.
pub fn bootstrap(
    access: &mut Access,
    dir: &Path,
    now: Timestamp,
) -> Result<Option<PathBuf>, AccessError> {
    if access.has_any()? {
        return Ok(None);
    }
    let file = dir.join(BOOTSTRAP_FILE);
    let token = Token::random().map_err(AccessError::Random)?;
    write(dir, &file, &token)
        .map_err(|source| AccessError::Bootstrap { file: file.clone(), source })?;
    let new = NewToken { name: BOOTSTRAP_NAME.to_owned(), grant: Grant::owner(), expires: None };
    access.keep(&token, &new, now)?;
    Ok(Some(file))
}

fn write(dir: &Path, file: &Path, token: &Token) -> io::Result<()> {
    let draft = dir.join(format!("{BOOTSTRAP_FILE}.new"));
    // What stood there may have another mode, which opening would not change.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    writeln!(out, "{}", token.reveal())?;
    out.sync_all()?;
    fs::rename(&draft, file)?;
    fs::File::open(dir)?.sync_all()
}
