//! The search index: what can be filtered on, following the ledger: one row an event, and of an event
//! whose request does several things one row an act.
//!
//! Owns `index.db` beside the ledger and the questions to it. It is never evidence: it holds copies
//! of some fields, and events are shown from the ledger. It may be deleted at any time, and is
//! built again. Knows nothing of HTTP.
//!
//! Rows stand in blocks, an hour each, or less. What a row can be found by are its terms; of every term
//! the index knows, block by block, which rows have it (`schema`, `bits`). A question becomes clauses
//! over terms (`plan`), which are intersected hour by hour, newest first, until the page is full (`scan`);
//! counts are sizes of intersections. So the work is by the number of hours and not of rows.
//!
//! Invariants:
//! - Rows and cursor move in one transaction; entries that arrive twice change nothing.
//! - Several processes may keep the same index up to date at once.
//! - Values reach SQL as parameters only.
//! - What it forgets is gone from its files as well.
//! - An entry that cannot be understood becomes a row with what is known; it never stops the index.

mod aged;
mod arrivals;
mod batch;
mod bits;
mod columns;
mod compare;
mod count;
mod coverage;
mod files;
mod follower;
mod matches;
mod metadata;
mod plan;
mod row;
mod scan;
mod schema;
mod search;
mod source;
mod terms;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use crate::store::{INDEX_FILE, StoreError, create_file};

pub use arrivals::Place;
pub use compare::{Compared, Disagreement, EventPlace, What};
pub use count::{Bar, Counted, Facet};
pub use coverage::{Named, Unnamed};
pub use row::{IndexedTarget, Row};
pub use search::{Condition, Cursor, Field, Like, Page, Search, View};

/// The version of the index. Another one on disk is dropped and built again.
const VERSION: i64 = 17;
/// Steps of SQLite's machine between two questions whether to go on: well below a millisecond.
const STEPS: i32 = 10_000;

/// What can go wrong with the index. No variant carries anything that was recorded.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The index's file cannot be created.
    #[error("cannot create the search index")]
    Create(#[source] StoreError),
    /// The index cannot be opened.
    #[error("cannot open the search index; it may be deleted, and is then built again")]
    Open(#[source] rusqlite::Error),
    /// Its file is damaged. Who keeps it builds it again.
    #[error(
        "the search index is damaged; it may be deleted while nothing uses it, and is then built again"
    )]
    Damaged(#[source] rusqlite::Error),
    /// The index is of another version, and may not be replaced.
    #[error("the search index is of another version")]
    Version,
    /// The index cannot be updated.
    #[error("cannot update the search index")]
    Update(#[source] rusqlite::Error),
    /// The index cannot be searched.
    #[error("cannot search the search index")]
    Search(#[source] rusqlite::Error),
    /// The index follows another ledger.
    #[error("the search index is that of another ledger")]
    Foreign,
    /// The index was started over while it was updated.
    #[error("the search index was started over by another process")]
    Moved,
    /// An hour has more events than the index can number.
    #[error("an hour has more events than the search index can hold")]
    Full,
    /// The work was lost with its thread.
    #[error("the search index stopped working on it")]
    Lost,
    /// The question was given up.
    #[error("searching took too long")]
    GivenUp,
    /// A row has no JSON form, or another than expected.
    #[error("a row of the search index cannot be understood")]
    Row(#[source] serde_json::Error),
}

impl IndexError {
    /// Where the file is damaged, whatever was done when that was found.
    fn or_damaged(self) -> Self {
        match self {
            Self::Open(error) | Self::Update(error) | Self::Search(error)
                if files::is_damaged(&error) =>
            {
                Self::Damaged(error)
            }
            other => other,
        }
    }

    fn of_search(error: rusqlite::Error) -> Self {
        if files::is_interrupted(&error) { Self::GivenUp } else { Self::Search(error) }
    }
}

/// Asked now and then whether to go on.
type Stop = Arc<Mutex<dyn FnMut() -> bool + Send>>;

/// Whoever finds the file damaged says it here, to the one who keeps it.
static DAMAGED: Notify = Notify::const_new();
/// How often it was begun anew: what was opened before does not count any more.
static FILES: AtomicU64 = AtomicU64::new(0);

/// A connection to the index. What it does is done on a thread that may block.
pub struct Index {
    core: Arc<Mutex<Core>>,
    file: u64,
}

/// What the thread needs.
struct Core {
    conn: Connection,
    known: batch::Known,
    stop: Option<Stop>,
}

impl Core {
    fn new(conn: Connection) -> Self {
        Self { conn, known: batch::Known::default(), stop: None }
    }

    /// What is there now, for as long as this is held, or as it was when the index was frozen.
    fn snapshot(&self) -> Result<Option<Transaction<'_>>, IndexError> {
        let own = self.conn.is_autocommit();
        own.then(|| self.conn.unchecked_transaction()).transpose().map_err(IndexError::of_search)
    }

    /// An error, if the question is to be given up.
    fn go_on(&self) -> Result<(), IndexError> {
        let stopped = self.stop.as_ref().is_some_and(|stop| {
            let mut stop = stop.lock().unwrap_or_else(PoisonError::into_inner);
            stop()
        });
        if stopped { Err(IndexError::GivenUp) } else { Ok(()) }
    }
}

impl Index {
    /// Opens the index beside the ledger in `dir`, to update and to search it. One that is of
    /// another version, or damaged, is replaced by an empty one.
    pub async fn open(dir: &Path) -> Result<Self, IndexError> {
        let path = dir.join(INDEX_FILE);
        blocking(move || match open_once(&path) {
            Err(IndexError::Open(error)) if files::is_damaged(&error) => {
                tracing::warn!("the search index is damaged and is built again");
                files::remove(&path);
                open_once(&path)
            }
            result => result,
        })
        .await
    }

    /// Opens the index to search it, without any right to write.
    pub async fn open_read_only(dir: &Path) -> Result<Self, IndexError> {
        let path: PathBuf = dir.join(INDEX_FILE);
        let file = FILES.load(Ordering::Relaxed);
        let opened = blocking(move || {
            let (conn, version) = files::to_read(&path).map_err(IndexError::Open)?;
            if version == VERSION { Ok(Self::of(conn)) } else { Err(IndexError::Version) }
        });
        opened.await.map_err(|error| noticed(error, file))
    }

    /// Waits until somebody in this process has found the file damaged.
    pub async fn found_damaged() {
        DAMAGED.notified().await;
    }

    /// Begins anew, with an empty file in place of a damaged one.
    pub async fn renew(&mut self, dir: &Path) -> Result<(), IndexError> {
        let path = dir.join(INDEX_FILE);
        let core = Arc::clone(&self.core);
        self.file = FILES.fetch_add(1, Ordering::Relaxed) + 1;
        blocking(move || {
            let mut core = core.lock().unwrap_or_else(PoisonError::into_inner);
            // Closed before its files go, since it takes some of them away by their names.
            let nothing = files::temporary().map_err(IndexError::Open)?;
            if let Err((_, error)) = std::mem::replace(&mut core.conn, nothing).close() {
                tracing::debug!(%error, "the damaged search index was not closed cleanly");
            }
            files::remove(&path);
            core.conn = open_conn(&path)?;
            core.known = batch::Known::default();
            Ok(())
        })
        .await
    }

    /// An empty index that lives as long as this value, in SQLite's memory and temporary files.
    pub async fn temporary() -> Result<Self, IndexError> {
        blocking(|| {
            let mut conn = files::temporary().map_err(IndexError::Open)?;
            prepare(&mut conn).map_err(IndexError::Open)?;
            Ok(Self::of(conn))
        })
        .await
    }

    fn of(conn: Connection) -> Self {
        let file = FILES.load(Ordering::Relaxed);
        Self { core: Arc::new(Mutex::new(Core::new(conn))), file }
    }

    /// From here on a question is given up when `stop` says so, and then fails. It is asked often, on
    /// the database's own thread.
    pub async fn give_up_when(
        &mut self,
        stop: impl FnMut() -> bool + Send + 'static,
    ) -> Result<(), IndexError> {
        let stop: Stop = Arc::new(Mutex::new(stop));
        self.run(move |core| {
            let asked = Arc::clone(&stop);
            core.stop = Some(stop);
            let handler = move || asked.lock().unwrap_or_else(PoisonError::into_inner)();
            core.conn.progress_handler(STEPS, Some(handler)).map_err(IndexError::Search)
        })
        .await
    }

    /// From here on shows what is there now, whatever comes.
    pub async fn freeze(&mut self) -> Result<(), IndexError> {
        self.run(|core| {
            let frozen = core.conn.execute_batch("BEGIN; SELECT count(*) FROM cursors");
            frozen.map_err(IndexError::Search)
        })
        .await
    }

    /// Closes the connection.
    pub async fn close(self) -> Result<(), IndexError> {
        let core = self.core;
        blocking(move || {
            let Some(core) = Arc::into_inner(core) else { return Ok(()) };
            let core = core.into_inner().unwrap_or_else(PoisonError::into_inner);
            core.conn.close().map_err(|(_, error)| IndexError::Update(error))
        })
        .await
    }

    /// Works on the database. Whoever does not wait for the end does not stop it.
    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Core) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, IndexError> {
        let (core, file) = (Arc::clone(&self.core), self.file);
        let done = blocking(move || work(&mut core.lock().unwrap_or_else(PoisonError::into_inner)));
        done.await.map_err(|error| noticed(error, file))
    }
}

/// Says it to whoever keeps the index, if the file that is there now is damaged.
fn noticed(error: IndexError, file: u64) -> IndexError {
    let error = error.or_damaged();
    if matches!(error, IndexError::Damaged(_)) && file == FILES.load(Ordering::Relaxed) {
        DAMAGED.notify_one();
    }
    error
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IndexError> + Send + 'static,
) -> Result<T, IndexError> {
    spawn_blocking(work).await.unwrap_or(Err(IndexError::Lost))
}

fn open_once(path: &Path) -> Result<Index, IndexError> {
    open_conn(path).map(Index::of)
}

fn open_conn(path: &Path) -> Result<Connection, IndexError> {
    create_file(path).map_err(IndexError::Create)?;
    let mut conn = files::to_write(path).map_err(IndexError::Open)?;
    prepare(&mut conn).map_err(IndexError::Open)?;
    Ok(conn)
}

/// Makes the tables, unless they are there in this version.
fn prepare(conn: &mut Connection) -> rusqlite::Result<()> {
    if files::version(conn)? == VERSION {
        return Ok(());
    }
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    if files::version(&transaction)? != VERSION {
        transaction.execute_batch(schema::DROP)?;
        transaction.execute_batch(schema::SCHEMA)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.commit()
}
