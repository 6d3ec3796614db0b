//! The ledger's file, seen from outside: its rows, and a lock that another process holds.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

/// A row of the ledger.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Its number.
    pub(crate) seq: i64,
    /// `intent` or `completion`.
    pub(crate) kind: String,
    /// The event's id.
    pub(crate) id: String,
    /// The intent that it completes.
    pub(crate) intent: Option<i64>,
    /// The document.
    pub(crate) doc: Value,
}

impl Row {
    /// It is about countersign itself.
    pub(crate) fn is_system(&self) -> bool {
        self.doc["category"] == "audit"
    }
}

/// The rows in `data` after number `after`, read from the file itself; none while there is no file.
pub(crate) fn rows_after(data: &Path, after: i64) -> Vec<Row> {
    block_on(async {
        let Ok(mut conn) = options(&data.join("ledger.db")).read_only(true).connect().await else {
            return Vec::new();
        };
        type Fields = (i64, String, String, Option<i64>, String);
        let rows: Vec<Fields> = sqlx::query_as(
            "SELECT seq, kind, id, intent, doc FROM entries WHERE seq > ? ORDER BY seq",
        )
        .bind(after)
        .fetch_all(&mut conn)
        .await
        .unwrap();
        conn.close().await.unwrap();
        rows.into_iter()
            .map(|(seq, kind, id, intent, doc)| {
                let doc = serde_json::from_str(&doc).unwrap();
                Row { seq, kind, id, intent, doc }
            })
            .collect()
    })
}

/// The rows in `data`, without those about countersign itself.
pub(crate) fn rows(data: &Path) -> Vec<Row> {
    let mut rows = rows_after(data, 0);
    rows.retain(|row| !row.is_system());
    rows
}

/// The completions in `data`, without events about countersign itself.
pub(crate) fn completions(data: &Path) -> Vec<Row> {
    let mut rows = rows(data);
    rows.retain(|row| row.kind == "completion");
    rows
}

/// The write lock on a ledger, held by a process that is not the proxy's.
pub(crate) struct WriteLock {
    release: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl WriteLock {
    /// Takes the lock; waits for it as long as it must.
    pub(crate) fn take(data: &Path) -> Self {
        Self::of(data.join("ledger.db"))
    }

    /// Takes that on another database.
    pub(crate) fn of(file: PathBuf) -> Self {
        let (release, released) = sync_channel(1);
        let (taken, wait) = sync_channel(1);
        let thread = std::thread::spawn(move || {
            block_on(async {
                let mut conn = options(&file).connect().await.unwrap();
                sqlx::query("BEGIN IMMEDIATE").execute(&mut conn).await.unwrap();
                taken.send(()).unwrap();
                released.recv().ok();
                sqlx::query("ROLLBACK").execute(&mut conn).await.unwrap();
                conn.close().await.unwrap();
            });
        });
        wait.recv().unwrap();
        Self { release: Some(release), thread: Some(thread) }
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        drop(self.release.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

/// Reads a database and closes it, as tools for databases do.
pub(crate) fn look_at(file: &Path) {
    block_on(async {
        let mut conn = options(file).connect().await.unwrap();
        sqlx::query("SELECT count(*) FROM sqlite_master").fetch_one(&mut conn).await.unwrap();
        conn.close().await.unwrap();
    });
}

fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .busy_timeout(std::time::Duration::from_secs(20))
        .disable_statement_logging()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}
