//! The ledger on SQLite.

mod copy;
mod guard;
mod purge;
mod reader;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use sqlx::{Connection, SqliteConnection};

use super::{LEDGER_FILE, LOCK_FILE, LedgerSource, SqliteOptions, Store, StoreError};
use crate::clock::{Clock, SystemClock};
use crate::record::{Entry, EntryKind, EventId, Scope};
use crate::redact::Redacted;

const TIMEOUT: Duration = Duration::from_millis(100);

fn intent() -> Entry {
    let id = EventId::new(SystemClock.now());
    let doc = Redacted::system(format!(r#"{{"id":"{id}"}}"#));
    Entry { kind: EntryKind::Intent, id, intent: None, scope: Scope::new(), doc }
}

fn completion(of: &Entry, seq: u64) -> Entry {
    Entry { kind: EntryKind::Completion, intent: Some(seq), ..of.clone() }
}

async fn open(dir: &Path) -> Result<Box<dyn Store>, StoreError> {
    SqliteOptions::new(dir, "w", TIMEOUT).opener()().await
}

async fn raw(dir: &Path) -> SqliteConnection {
    let url = format!("sqlite://{}", dir.join(LEDGER_FILE).display());
    SqliteConnection::connect(&url).await.unwrap()
}

#[tokio::test]
async fn batches_of_every_size_are_dense_and_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let mut next = 1;
    for size in [1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 65, 1000] {
        let batch: Vec<_> = (0..size).map(|_| intent()).collect();
        store.append("w", next, &batch).await.unwrap();
        let rows = store.read_after("w", next - 1, 5000).await.unwrap();
        assert_eq!(rows.len(), size);
        for ((row, entry), seq) in rows.iter().zip(&batch).zip(next..) {
            assert_eq!((row.seq, row.id, row.kind), (seq, entry.id, entry.kind));
            assert_eq!((row.doc.as_str(), row.scope.as_str()), (entry.doc.get().as_str(), "{}"));
        }
        next += size as u64;
        assert_eq!(store.head("w").await.unwrap(), next - 1);
    }
    assert_eq!(store.head("somebody else").await.unwrap(), 0);
}

/// As `.cargo/config.toml` asks for: otherwise all connections of the process share one cache and a lock.
#[tokio::test]
async fn every_connection_has_a_cache_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).await.unwrap();
    let options: Vec<String> = sqlx::query_scalar("PRAGMA compile_options")
        .fetch_all(&mut raw(dir.path()).await)
        .await
        .unwrap();
    assert!(options.iter().any(|option| option.starts_with("COMPILER=")), "{options:?}");
    assert!(!options.contains(&"ENABLE_MEMORY_MANAGEMENT".to_owned()), "{options:?}");
    assert!(options.contains(&"DEFAULT_MEMSTATUS=0".to_owned()), "{options:?}");
}

#[tokio::test]
async fn nothing_can_be_changed_or_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let first = intent();
    store.append("w", 1, &[first.clone(), completion(&first, 1)]).await.unwrap();
    let before = store.read_after("w", 0, 9).await.unwrap();
    let mut other = raw(dir.path()).await;
    for statement in [
        "UPDATE entries SET doc = '{}'",
        "UPDATE entries SET seq = 7",
        "DELETE FROM entries",
        "INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE seq = 1",
        "INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE seq = 2",
        "INSERT OR REPLACE INTO entries (rowid, writer, seq, kind, id, scope, doc, leaf) \
         SELECT rowid, writer, 3, kind, id, scope, doc, leaf FROM entries WHERE seq = 1",
        "INSERT OR REPLACE INTO entries \
         SELECT writer, 3, kind, id, intent, scope, doc, leaf FROM entries WHERE seq = 2",
    ] {
        let error = sqlx::raw_sql(statement).execute(&mut other).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{statement}: {error}");
    }
    assert_eq!(store.read_after("w", 0, 9).await.unwrap(), before);
}

#[tokio::test]
async fn a_second_writer_is_refused_by_name_of_file_and_process() {
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path()).await.unwrap();
    let error = open(dir.path()).await.err().unwrap();
    let text = error.to_string();
    assert!(text.contains(LOCK_FILE), "{text}");
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    first.close().await.unwrap();
    open(dir.path()).await.unwrap();
}

#[tokio::test]
async fn a_lock_that_another_holds_fails_for_certain_and_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let mut other = raw(dir.path()).await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let started = std::time::Instant::now();
    let error = store.append("w", 1, &[intent()]).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy(_)), "{error:?}");
    assert!(error.effect_is_known() && started.elapsed() < 20 * TIMEOUT, "{:?}", started.elapsed());
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(store.head("w").await.unwrap(), 0);
    store.append("w", 1, &[intent()]).await.unwrap();
}

#[tokio::test]
async fn orphans_are_intents_without_completion() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let intents: Vec<_> = (0..5).map(|_| intent()).collect();
    store.append("w", 1, &intents).await.unwrap();
    store.append("w", 6, &[completion(&intents[1], 2), completion(&intents[3], 4)]).await.unwrap();
    for (after, limit, expected) in
        [(0, 9, vec![1, 3, 5]), (1, 9, vec![3, 5]), (0, 2, vec![1, 3]), (5, 9, vec![])]
    {
        let orphans = store.orphans("w", after, limit).await.unwrap();
        assert_eq!(orphans.iter().map(|o| o.seq).collect::<Vec<_>>(), expected);
    }
    store.mark_closed("w", 3).await.unwrap();
    store.mark_closed("w", 2).await.unwrap();
    assert_eq!(store.closed_up_to("w").await.unwrap(), 3, "never backwards");
}

#[tokio::test]
async fn room_is_tried_for_by_writing_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    store.append("w", 1, &[intent()]).await.unwrap();
    let log = || std::fs::metadata(dir.path().join("ledger.db-wal")).unwrap().len();
    let before = log();
    store.has_room(200_000).await.unwrap();
    assert!(log() >= before + 200_000, "{before} to {}", log());
    assert_eq!(store.writers().await.unwrap(), ["w"]);
    assert!(store.guard().await.unwrap().is_empty());
    // What was tried for is there for the next entries.
    store.close().await.unwrap();
    let pages = std::fs::metadata(dir.path().join("ledger.db")).unwrap().len();
    let mut store = open(dir.path()).await.unwrap();
    for seq in 2..20 {
        store.append("w", seq, &[intent()]).await.unwrap();
    }
    store.close().await.unwrap();
    assert_eq!(std::fs::metadata(dir.path().join("ledger.db")).unwrap().len(), pages);
}

#[tokio::test]
async fn a_later_schema_is_refused_and_files_are_private() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("data");
    let mut store = open(&dir).await.unwrap();
    store.append("w", 1, &[intent()]).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.lock"] {
        assert_eq!(mode(&dir.join(name)), 0o600, "{name}");
    }
    store.close().await.unwrap();
    let mut other = raw(&dir).await;
    sqlx::raw_sql("PRAGMA user_version = 99").execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    for error in [
        open(&dir).await.err().unwrap(),
        LedgerSource::directory(&dir).reader().await.err().unwrap(),
    ] {
        assert_eq!(error.reason(), "newer_schema");
        assert!(error.to_string().contains("schema version 99"), "{error}");
    }
}

#[tokio::test]
async fn a_reader_reads_beside_the_writer_and_cannot_write() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        LedgerSource::directory(dir.path()).reader().await.err().unwrap().reason(),
        "missing"
    );
    let mut store = open(dir.path()).await.unwrap();
    let first = intent();
    store.append("w", 1, std::slice::from_ref(&first)).await.unwrap();
    let mut reader = LedgerSource::directory(dir.path()).reader().await.unwrap();
    store.append("w", 2, &[completion(&first, 1)]).await.unwrap();
    assert_eq!(reader.head("w").await.unwrap(), 2);
    assert_eq!(reader.writers().await.unwrap(), ["w"]);
    assert_eq!(reader.entry("w", 1).await.unwrap().unwrap().kind, EntryKind::Intent);
    assert_eq!(reader.completion_of("w", 1).await.unwrap().unwrap().seq, 2);
    assert_eq!(reader.entry("w", 3).await.unwrap(), None);
    // Also when no writer runs, and the log was moved into the database.
    reader.close().await.unwrap();
    store.close().await.unwrap();
    let mut reader = LedgerSource::directory(dir.path()).reader().await.unwrap();
    assert_eq!(reader.read_after("w", 0, 10).await.unwrap().len(), 2);
}

#[test]
fn errors_are_sorted_by_what_is_known_of_their_effect() {
    // What follows from it is in the recorder's fault tests.
    let cases = [
        (5, "busy"),
        (13, "disk_full"),
        (2579, "rejected"),
        (266, "failed"),
        (11, "failed"),
        (10, "uncertain"),
        (1034, "uncertain"),
        (9, "uncertain"),
    ];
    for (code, reason) in cases {
        let error = rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None);
        assert_eq!(StoreError::from_rusqlite(error).reason(), reason, "{code}");
    }
    let error = rusqlite::Error::QueryReturnedNoRows;
    assert_eq!(StoreError::from_rusqlite(error).reason(), "failed");
}

#[tokio::test]
async fn nothing_is_written_to_files_that_have_lost_their_names() {
    for (case, gone) in [
        ("the directory", &["ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.lock"][..]),
        ("the database", &["ledger.db"][..]),
        ("the log", &["ledger.db-wal"][..]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut opener = SqliteOptions::new(dir.path(), "w", TIMEOUT).opener();
        let mut store = opener().await.unwrap();
        let first = intent();
        store.append("w", 1, std::slice::from_ref(&first)).await.unwrap();
        for name in gone {
            std::fs::remove_file(dir.path().join(name)).unwrap();
        }
        let error = store.append("w", 2, &[completion(&first, 1)]).await.unwrap_err();
        assert_eq!((error.reason(), error.effect_is_known()), ("file", true), "{case}: {error}");
        assert_eq!(store.mark_closed("w", 1).await.unwrap_err().reason(), "file", "{case}");
        store.close().await.unwrap();
        // A log can be made again from what the connection knew; a ledger is not begun anew.
        match opener().await {
            Ok(mut store) => {
                assert_eq!(case, "the log");
                assert_eq!(store.head("w").await.unwrap(), 1, "{case}");
                store.append("w", 2, &[completion(&first, 1)]).await.unwrap();
            }
            Err(error) => {
                assert_ne!(case, "the log");
                assert_eq!(error.reason(), "file", "{case}");
                assert!(!dir.path().join(LEDGER_FILE).exists(), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_written_beside_a_file_that_took_the_ledgers_place() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let path = dir.path().join(LEDGER_FILE);
    std::fs::rename(&path, dir.path().join("away.db")).unwrap();
    std::fs::write(&path, b"").unwrap();
    let error = store.append("w", 1, &[intent()]).await.unwrap_err();
    assert_eq!(error.reason(), "file", "{error}");
}
