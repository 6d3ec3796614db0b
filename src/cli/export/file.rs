//! The file on its way: under another name until all of it is there.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::records::Records;
use super::{Last, Wanted};
use crate::store::parent;

/// Read of a file in one go.
const PIECE: usize = 256 * 1024;
/// The longest note.
const NOTE_MAX: u64 = 1024 * 1024;

/// A file that is not whole yet.
pub(super) struct Draft {
    output: PathBuf,
    part: PathBuf,
    note: PathBuf,
    file: File,
    bytes: u64,
    /// The export that it is part of, if it was interrupted.
    export: Option<String>,
}

/// What is needed to go on, beside the draft.
#[derive(Serialize, Deserialize)]
struct Note {
    version: u32,
    export: String,
    wanted: Wanted,
}

const VERSION: u32 = 1;

impl Draft {
    /// A new one, where there is neither the file nor a draft of it.
    pub(super) fn create(output: &Path) -> anyhow::Result<Self> {
        require_absent(output)?;
        let (part, note) = beside(output)?;
        let opened = private().create_new(true).open(&part);
        let file = match opened {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(
                "`{}` is there, of an export that was interrupted: go on with --resume, or begin \
                 anew with --force",
                part.display()
            ),
            opened => opened.with_context(|| format!("cannot create `{}`", part.display()))?,
        };
        Self::of(output, part, note, file, None)
    }

    /// A new one, whatever is there.
    pub(super) fn replace(output: &Path) -> anyhow::Result<Self> {
        let (part, note) = beside(output)?;
        for old in [&note, &part] {
            match fs::remove_file(old) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error)
                        .with_context(|| format!("cannot remove `{}`", old.display()));
                }
                _ => {}
            }
        }
        let file = private()
            .create_new(true)
            .open(&part)
            .with_context(|| format!("cannot create `{}`", part.display()))?;
        Self::of(output, part, note, file, None)
    }

    /// One that was interrupted, if it is of the same.
    pub(super) fn reopen(output: &Path, wanted: &Wanted) -> anyhow::Result<Self> {
        require_absent(output)?;
        let (part, note) = beside(output)?;
        let known = match read_note(&note) {
            Ok(known) => known,
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(
                "there is nothing to go on with: `{}` is not there; begin without --resume",
                note.display()
            ),
            Err(error) => {
                return Err(error).with_context(|| {
                    format!("`{}` cannot be used; begin anew with --force", note.display())
                });
            }
        };
        if known.wanted != *wanted {
            bail!(
                "the export to `{}` that was interrupted is another one: {}; give the same \
                 options, or begin anew with --force",
                output.display(),
                difference(&known.wanted, wanted)
            );
        }
        let file = private().open(&part).with_context(|| {
            format!("cannot open `{}`; begin anew with --force", part.display())
        })?;
        Self::of(output, part, note, file, Some(known.export))
    }

    fn of(
        output: &Path,
        part: PathBuf,
        note: PathBuf,
        file: File,
        export: Option<String>,
    ) -> anyhow::Result<Self> {
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                bail!("`{}` is being written by another process", part.display())
            }
            // Some file systems have no locks.
            Err(TryLockError::Error(error)) => tracing::debug!(%error, "the file is not locked"),
        }
        Ok(Self { output: output.to_owned(), part, note, file, bytes: 0, export })
    }

    /// Cuts off what is behind the last whole event, and says from where to go on. Without a whole
    /// event, the file is begun anew.
    pub(super) fn keep_whole(&mut self, records: &mut Records) -> anyhow::Result<Option<Last>> {
        let Some(export) = self.export.take() else { return Ok(None) };
        let unreadable = || format!("cannot read `{}`", self.part.display());
        let mut piece = vec![0; PIECE];
        loop {
            let read = self.file.read(&mut piece).with_context(unreadable)?;
            match piece.get(..read) {
                Some(read) if !read.is_empty() => records.take(read),
                _ => break,
            }
        }
        records.forget_rest();
        self.file.set_len(records.whole()).with_context(unreadable)?;
        self.file.seek(SeekFrom::Start(records.whole())).with_context(unreadable)?;
        self.bytes = records.whole();
        match records.last() {
            Some(event) => Ok(Some(Last { export, event, rows: records.rows() })),
            None if records.rows() == 0 => Ok(None),
            None => bail!(
                "the last event in `{}` is not understood; begin anew with --force",
                self.part.display()
            ),
        }
    }

    /// Notes what is needed to go on.
    pub(super) fn note(&self, wanted: &Wanted, export: &str) -> anyhow::Result<()> {
        let note = Note { version: VERSION, export: export.to_owned(), wanted: wanted.clone() };
        let failed = || format!("cannot write `{}`", self.note.display());
        let mut file =
            private().create(true).truncate(true).open(&self.note).with_context(failed)?;
        file.write_all(serde_json::to_string(&note)?.as_bytes())
            .and_then(|()| file.sync_all())
            .with_context(failed)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let written = self.file.write_all(bytes);
        written.with_context(|| format!("cannot write to `{}`", self.part.display()))?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// So long is it now.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When this returns, what was written survives a crash.
    pub(super) fn sync(&self) -> anyhow::Result<()> {
        self.file.sync_all().with_context(|| format!("cannot write `{}`", self.part.display()))
    }

    /// Gives it its name; a file that has come by that name in the meantime stays, unless it is to be
    /// replaced.
    pub(super) fn finish(self, force: bool) -> anyhow::Result<u64> {
        let failed = || format!("cannot give `{}` its name", self.part.display());
        if force {
            fs::rename(&self.part, &self.output).with_context(failed)?;
        } else {
            match fs::hard_link(&self.part, &self.output) {
                Ok(()) => fs::remove_file(&self.part).with_context(failed)?,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    require_absent(&self.output)?;
                }
                // Some file systems have no links.
                Err(_) => {
                    require_absent(&self.output)?;
                    fs::rename(&self.part, &self.output).with_context(failed)?;
                }
            }
        }
        fs::remove_file(&self.note).ok();
        // The name itself is durable with the directory.
        if let Ok(directory) = File::open(parent(&self.output)) {
            directory.sync_all().ok();
        }
        Ok(self.bytes)
    }

    /// Leaves what there is, and says what can be done with it.
    pub(super) fn leave(&self, rows: u64) -> String {
        if self.note.exists() {
            let rows = super::progress::thousands(rows);
            return format!("{rows} events are in `{}`: go on with --resume", self.part.display());
        }
        // Nothing of use was begun.
        fs::remove_file(&self.part).ok();
        "nothing was written".to_owned()
    }
}

fn require_absent(output: &Path) -> anyhow::Result<()> {
    if fs::symlink_metadata(output).is_ok() {
        bail!("`{}` is there already: choose another name, or --force", output.display());
    }
    Ok(())
}

/// The names beside it: `FILE.part` and `FILE.resume`.
fn beside(output: &Path) -> anyhow::Result<(PathBuf, PathBuf)> {
    let Some(name) = output.file_name() else { bail!("`{}` is no file", output.display()) };
    let with = |ending: &str| {
        let mut name: OsString = name.to_owned();
        name.push(ending);
        output.with_file_name(name)
    };
    Ok((with(".part"), with(".resume")))
}

/// For its owner alone: an export shows what the log does.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn read_note(path: &Path) -> io::Result<Note> {
    let mut text = String::new();
    File::open(path)?.take(NOTE_MAX).read_to_string(&mut text)?;
    let note: Note = serde_json::from_str(&text)?;
    match note.version {
        VERSION => Ok(note),
        _ => Err(io::Error::new(ErrorKind::InvalidData, "it is of another version")),
    }
}

fn difference(known: &Wanted, wanted: &Wanted) -> String {
    let bom = |wanted: &Wanted| if wanted.bom { "with --bom" } else { "without --bom" };
    let filters = |wanted: &Wanted| {
        let filters = wanted.filters.iter().map(|(name, value)| format!("{name}={value}"));
        let filters: Vec<String> = filters.collect();
        if filters.is_empty() { "no filter".to_owned() } else { filters.join(" ") }
    };
    let pairs = [
        (known.format.clone(), wanted.format.clone()),
        (known.from.clone(), wanted.from.clone()),
        (bom(known).to_owned(), bom(wanted).to_owned()),
        (filters(known), filters(wanted)),
    ];
    let differing = pairs.into_iter().filter(|(known, wanted)| known != wanted);
    let told = differing.map(|(known, wanted)| format!("{known}, not {wanted}"));
    super::super::screen::printable(&told.collect::<Vec<_>>().join("; "))
}
