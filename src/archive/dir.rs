//! Objects as files of a directory.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::place::OBJECT_BYTES_MAX;
use crate::store::{inherit_owner, parent};

/// Writes the file whole or not at all, and makes it durable. Until it is whole, it has a name that
/// begins with a dot.
pub(super) fn put(dir: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    if !dir.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent)?.sync_all()?;
        }
    }
    let part = dir.join(format!(".{name}.part"));
    let written = write(&part, bytes).and_then(|()| std::fs::rename(&part, dir.join(name)));
    if let Err(error) = written {
        // What is left of it would only take room.
        std::fs::remove_file(&part).ok();
        return Err(error);
    }
    File::open(dir)?.sync_all()
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    inherit_owner(&file, parent(path))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads a file that is not larger than an archive can be.
pub(super) fn get(dir: &Path, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(dir.join(name))?.take(OBJECT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > OBJECT_BYTES_MAX {
        true => Err(Error::new(ErrorKind::FileTooLarge, "it is larger than an archive can be")),
        false => Ok(bytes),
    }
}

/// The names of the files.
pub(super) fn list(dir: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}
