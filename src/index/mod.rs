//! The search index: what can be filtered on, following the ledger: one row an event, and of an event
//! whose request does several things one row an act.
//!
//! Owns `index.db` beside the ledger and the queries on it. It is never evidence: it holds copies
//! of some fields, and events are shown from the ledger. It may be deleted at any time, and is
//! built again. Knows nothing of HTTP.
//!
//! Invariants:
//! - Rows and cursor move in one transaction; entries that arrive twice change nothing.
//! - Several processes may keep the same index up to date at once.
//! - Values reach SQL as parameters only, and full-text queries as quoted phrases only.
//! - An entry that cannot be understood becomes a row with what is known; it never stops the index.

mod arrivals;
mod count;
mod coverage;
mod files;
mod follower;
mod row;
mod search;
mod table;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::store::{INDEX_FILE, StoreError, connect_read_only, create_file};

pub use arrivals::Place;
pub use count::{Bar, Counted, Facet};
pub use coverage::{Named, Unnamed};
pub use row::{IndexedTarget, Row};
pub use search::{Condition, Cursor, Field, Page, Search, View};

/// The version of the index. Another one on disk is dropped and built again.
const VERSION: i64 = 5;
/// How long to wait for another process that updates the index.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
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
    Open(#[source] sqlx::Error),
    /// The index is of another version, and may not be replaced.
    #[error("the search index is of another version")]
    Version,
    /// The index cannot be updated.
    #[error("cannot update the search index")]
    Update(#[source] sqlx::Error),
    /// The index cannot be searched.
    #[error("cannot search the search index")]
    Search(#[source] sqlx::Error),
    /// The index was started over while it was updated.
    #[error("the search index was started over by another process")]
    Moved,
    /// The question was given up.
    #[error("searching took too long")]
    GivenUp,
    /// A row has no JSON form, or another than expected.
    #[error("a row of the search index cannot be understood")]
    Row(#[source] serde_json::Error),
}

impl IndexError {
    fn of_search(error: sqlx::Error) -> Self {
        if files::is_interrupted(&error) { Self::GivenUp } else { Self::Search(error) }
    }
}

/// A connection to the index.
pub struct Index {
    conn: SqliteConnection,
}

impl Index {
    /// Opens the index beside the ledger in `dir`, to update and to search it. One that is of
    /// another version, or damaged, is replaced by an empty one.
    pub async fn open(dir: &Path) -> Result<Self, IndexError> {
        let path = dir.join(INDEX_FILE);
        match Self::open_once(&path).await {
            Err(IndexError::Open(error)) if files::is_damaged(&error) => {
                tracing::warn!("the search index is damaged and is built again");
                files::remove(&path);
                Self::open_once(&path).await
            }
            result => result,
        }
    }

    async fn open_once(path: &Path) -> Result<Self, IndexError> {
        create_file(path).map_err(IndexError::Create)?;
        let mut conn = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(BUSY_TIMEOUT)
            .disable_statement_logging()
            .connect()
            .await
            .map_err(IndexError::Open)?;
        prepare(&mut conn).await.map_err(IndexError::Open)?;
        Ok(Self { conn })
    }

    /// Opens the index to search it, without any right to write.
    pub async fn open_read_only(dir: &Path) -> Result<Self, IndexError> {
        let (conn, version) =
            connect_read_only(&dir.join(INDEX_FILE)).await.map_err(IndexError::Open)?;
        if version == VERSION { Ok(Self { conn }) } else { Err(IndexError::Version) }
    }

    /// An empty index that lives as long as this value, in SQLite's memory and temporary files.
    pub async fn temporary() -> Result<Self, IndexError> {
        let options = SqliteConnectOptions::new().filename("").disable_statement_logging();
        let mut conn = options.connect().await.map_err(IndexError::Open)?;
        prepare(&mut conn).await.map_err(IndexError::Open)?;
        Ok(Self { conn })
    }

    /// From here on a question is given up when `stop` says so, and then fails. It is asked often, on
    /// the database's own thread.
    pub async fn give_up_when(
        &mut self,
        mut stop: impl FnMut() -> bool + Send + 'static,
    ) -> Result<(), IndexError> {
        let mut handle = self.conn.lock_handle().await.map_err(IndexError::Search)?;
        handle.set_progress_handler(STEPS, move || !stop());
        Ok(())
    }

    /// From here on shows what is there now, whatever comes.
    pub async fn freeze(&mut self) -> Result<(), IndexError> {
        sqlx::raw_sql("BEGIN; SELECT count(*) FROM cursors")
            .execute(&mut self.conn)
            .await
            .map(drop)
            .map_err(IndexError::Search)
    }

    /// Closes the connection.
    pub async fn close(self) -> Result<(), IndexError> {
        self.conn.close().await.map_err(IndexError::Update)
    }
}

/// Makes the tables, unless they are there in this version.
async fn prepare(conn: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    if version(conn).await? == VERSION {
        return Ok(());
    }
    let mut transaction = conn.begin_with("BEGIN IMMEDIATE").await?;
    // Another process may have been faster.
    if version(&mut transaction).await? != VERSION {
        sqlx::raw_sql(table::DROP).execute(&mut *transaction).await?;
        sqlx::raw_sql(table::SCHEMA).execute(&mut *transaction).await?;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PRAGMA user_version = {VERSION}")))
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}

async fn version(conn: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("PRAGMA user_version").fetch_one(conn).await
}
