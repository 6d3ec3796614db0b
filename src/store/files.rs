//! The directory of the ledger: names, modes, and the lock that makes one process its writer.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use super::StoreError;

/// The ledger's database.
pub const LEDGER_FILE: &str = "ledger.db";
/// The search index's database.
pub const INDEX_FILE: &str = "index.db";
/// The database of tokens.
pub const ACCESS_FILE: &str = "access.db";
/// What waits for a ledger that is elsewhere.
pub const SPOOL_FILE: &str = "spool.db";
/// The lock of the ledger's writer.
pub const LOCK_FILE: &str = "ledger.lock";
/// A scratch file that tells whether a failed write failed for want of room.
const PROBE_FILE: &str = "ledger.probe";
/// How far past the present size the probe reaches: more than one batch's smallest need.
const PROBE_BYTES: u64 = 64 * 1024;

/// Creates `dir` for its owner alone, unless it exists, and makes its name durable.
pub fn create_dir(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        return Ok(());
    }
    let file_error = |operation, path: &Path| {
        let path = path.to_owned();
        move |source| StoreError::File { operation, path, source }
    };
    let parent = parent(dir);
    if parent != dir {
        create_dir(parent)?;
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(file_error("create the directory", dir))?;
    File::open(parent)
        .and_then(|parent| parent.sync_all())
        .map_err(file_error("make durable", parent))
}

/// Creates the file for its owner alone, unless it exists. SQLite gives its `-wal` and `-shm` the
/// mode of the database.
///
/// What exists is not opened: with whatever handle of a file is closed, a process loses all locks that it
/// has on it (POSIX), those of SQLite's connections as well. The next process that closes the database would
/// take itself for the last one and remove the log from under them.
pub fn create_file(path: &Path) -> Result<(), StoreError> {
    match private().create_new(true).open(path) {
        Ok(file) => inherit_owner(&file, parent(path)).map_err(not_opened(path)),
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(not_opened(path)(error)),
        Err(_) => Ok(()),
    }
}

/// The directory that a file is in.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// What root makes belongs to whom something else does, such as the directory that it is in: a command by root
/// must not lock out the proxy, which runs as the owner of its files. Whoever is not root makes files of their
/// own.
pub fn inherit_owner(file: &File, like: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let (owner, made) = (std::fs::metadata(like)?, file.metadata()?);
    match (owner.uid(), owner.gid()) == (made.uid(), made.gid()) {
        true => Ok(()),
        false => fchown(file, Some(owner.uid()), Some(owner.gid())),
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

fn not_opened(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::File { operation: "open", path: path.to_owned(), source }
}

/// The exclusive right to write to the ledger in a directory, for as long as this value lives.
/// The operating system takes it back when the process dies.
#[derive(Debug)]
pub(super) struct DirLock(File);

impl DirLock {
    pub(super) fn acquire(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(LOCK_FILE);
        let mut file =
            private().create(true).truncate(false).open(&path).map_err(not_opened(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Held { holder: holder(&mut file), path });
            }
            Err(TryLockError::Error(source)) => {
                return Err(StoreError::File { operation: "lock", path, source });
            }
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()));
        match written {
            Ok(()) => Ok(Self(file)),
            Err(source) => Err(StoreError::File { operation: "write to", path, source }),
        }
    }

    /// Which lock this is, for as long as the system runs: a copy of the file is another one, and whoever
    /// had this one before has it no more.
    pub(super) fn place(&self) -> io::Result<String> {
        let metadata = self.0.metadata()?;
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        // Where the system does not tell its runs apart, its name must do.
        let run = if boot.is_empty() { &host } else { boot.trim() };
        Ok(format!("{run}/{}/{}", metadata.dev(), metadata.ino()))
    }
}

/// The files that a connection to the ledger writes. Whoever removes or replaces them does not stop
/// the connection: it goes on writing to files that have no name any more and end with it.
#[derive(Debug)]
pub(super) struct OpenFiles(Vec<(PathBuf, (u64, u64))>);

impl OpenFiles {
    /// Remembers which files stand under the ledger's names now.
    pub(super) fn of(dir: &Path) -> Result<Self, StoreError> {
        ["", "-wal"]
            .iter()
            .map(|suffix| {
                let path = dir.join(format!("{LEDGER_FILE}{suffix}"));
                identity(&path).map(|identity| (path, identity))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Fails unless there is a file of this name.
    pub(super) fn require(path: &Path) -> Result<(), StoreError> {
        identity(path).map(drop)
    }

    /// Fails unless the same files still do.
    pub(super) fn require_in_place(&self) -> Result<(), StoreError> {
        for (path, known) in &self.0 {
            if identity(path)? != *known {
                let source = io::Error::other("another file has taken its place");
                return Err(StoreError::File { operation: "keep", path: path.clone(), source });
            }
        }
        Ok(())
    }
}

/// Device and number of the file of this name.
fn identity(path: &Path) -> Result<(u64, u64), StoreError> {
    std::fs::metadata(path)
        .map(|metadata| (metadata.dev(), metadata.ino()))
        .map_err(|source| StoreError::File { operation: "find", path: path.to_owned(), source })
}

/// The process id in the lock file; only digits, whatever else the file may hold.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(20).read_to_string(&mut text);
    let pid = text.trim();
    if read.is_ok() && !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()) {
        pid.to_owned()
    } else {
        "(unknown)".to_owned()
    }
}

/// Whether a file in `dir` could not grow beyond the size that the write-ahead log has now. SQLite
/// reports a quota or a file-size limit as a plain write error, so this asks the system itself.
pub(super) fn is_out_of_room(dir: &Path) -> bool {
    let wal = dir.join(format!("{LEDGER_FILE}-wal"));
    let size = std::fs::metadata(&wal).map_or(0, |metadata| metadata.len());
    let path = dir.join(PROBE_FILE);
    let opened = private().create(true).truncate(false).open(&path);
    let outcome = opened.map(|file| grow(file, size));
    // A probe that stays behind does no harm: it is empty or sparse, and opened again.
    std::fs::remove_file(&path).ok();
    match outcome {
        Ok(Err(error)) => matches!(
            error.kind(),
            ErrorKind::FileTooLarge | ErrorKind::StorageFull | ErrorKind::QuotaExceeded
        ),
        Ok(Ok(())) => false,
        Err(error) => error.kind() == ErrorKind::StorageFull,
    }
}

fn grow(mut file: File, size: u64) -> io::Result<()> {
    file.set_len(size + PROBE_BYTES)?;
    file.seek(SeekFrom::Start(size))?;
    file.write_all(&[0; PROBE_BYTES as usize])?;
    file.sync_data()
}

/// Which other processes hold locks on the database, by the system's own list (`proc_locks(5)`).
pub(super) fn lock_holders(dir: &Path) -> String {
    let inodes: Vec<String> = ["", "-wal", "-shm"]
        .iter()
        .filter_map(|suffix| std::fs::metadata(dir.join(format!("{LEDGER_FILE}{suffix}"))).ok())
        .map(|metadata| format!(":{}", metadata.ino()))
        .collect();
    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let own = std::process::id().to_string();
    let holders: BTreeSet<&str> = locks
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace().skip_while(|field| !is_access(field)).skip(1);
            let (process, file) = (fields.next()?, fields.next()?);
            let here = inodes.iter().any(|inode| file.ends_with(inode.as_str()));
            (here && process != own).then_some(process)
        })
        .collect();
    match holders.len() {
        0 => "another process".to_owned(),
        1 => format!("process {}", holders.into_iter().collect::<String>()),
        _ => format!("processes {}", holders.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

/// The column of the list before the process.
fn is_access(field: &str) -> bool {
    matches!(field, "READ" | "WRITE")
}

/// The paths of a directory's databases.
pub(super) fn ledger_path(dir: &Path) -> PathBuf {
    dir.join(LEDGER_FILE)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::create_file;

    /// Whether this process has a lock on the file, by the system's own list.
    fn is_locked(path: &std::path::Path) -> bool {
        let inode = format!(":{} ", std::fs::metadata(path).unwrap().ino());
        let pid = format!(" {} ", std::process::id());
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains(&inode) && line.contains(&pid))
    }

    #[test]
    fn what_is_open_keeps_its_locks() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("some.db");
        create_file(&path).unwrap();
        let conn = rusqlite::Connection::open(&path).unwrap();
        conn.pragma_update(None, "journal_mode", "wal").unwrap();
        conn.execute_batch("CREATE TABLE t (n); SELECT * FROM t").unwrap();
        assert!(is_locked(&path));
        create_file(&path).unwrap();
        assert!(is_locked(&path), "whoever closes the database now removes its log");
        assert!(create_file(&dir.path().join("none/some.db")).is_err());
    }
}
