//! Reading through SQLite: what it costs, what hangs, and what is damaged.

use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use sqlx::Connection;
use tokio::time::timeout;

use super::{TIMEOUT, completion, intent, open, raw};
use crate::record::{Entry, Stored};
use crate::redact::Redacted;
use crate::store::reader::SqliteReader;
use crate::store::rows::READ_BYTES;
use crate::store::{LedgerReader, LedgerSource, SqliteOptions, StoreError};

fn seqs(entries: &[Stored]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq).collect()
}

fn large(bytes: usize) -> Entry {
    let doc = format!(r#"{{"x":"{}"}}"#, "y".repeat(bytes - 8));
    Entry { doc: Redacted::system(doc), ..intent() }
}

#[tokio::test]
async fn documents_are_read_in_portions_that_have_a_limit() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let all = READ_BYTES as usize;
    let sizes = [all / 2, all / 2, 8, all + 1, all + 1, all / 2, all / 2 + 1, 8];
    let batch: Vec<Entry> = sizes.into_iter().map(large).collect();
    store.append("w", 1, &batch).await.unwrap();
    let mut reader = LedgerSource::directory(dir.path()).reader().await.unwrap();
    let cases: [(u64, &[u64]); 6] =
        [(0, &[1, 2]), (2, &[3]), (3, &[4]), (5, &[6]), (6, &[7, 8]), (8, &[])];
    for (after, expected) in cases {
        assert_eq!(seqs(&reader.read_after("w", after, 9).await.unwrap()), expected);
        assert_eq!(seqs(&store.read_after("w", after, 9).await.unwrap()), expected);
    }
    assert_eq!(seqs(&reader.read_after("w", 0, 1).await.unwrap()), [1]);
    // At least two, an event's halves; what is not there counts for nothing but its place.
    let cases: [(&[u64], &[u64]); 6] = [
        (&[1, 2, 3], &[1, 2]),
        (&[4, 5, 8], &[4, 5]),
        (&[3, 8, 1, 6], &[3, 8, 1]),
        (&[70, 71, 4, 8], &[]),
        (&[70, 1, 2, 8], &[1, 2]),
        (&[], &[]),
    ];
    for (wanted, expected) in cases {
        assert_eq!(seqs(&reader.entries("w", wanted).await.unwrap()), expected, "{wanted:?}");
    }
}

#[tokio::test]
async fn a_damaged_row_is_named_wherever_it_is_damaged() {
    for change in [
        "kind = 'neither'",
        "id = upper(id)",
        "id = 7",
        "id = CAST(x'ff' AS TEXT)",
        "intent = 'x'",
        "scope = x'7b7d'",
        "doc = x'7b7d'",
        "doc = CAST(x'7bff7d' AS TEXT)",
        "doc = NULL",
        "leaf = 'none'",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path()).await.unwrap();
        store.append("w", 1, &[intent(), intent(), intent()]).await.unwrap();
        store.close().await.unwrap();
        let mut other = raw(dir.path()).await;
        // Without types and checks.
        let sql = format!(
            "ALTER TABLE entries RENAME TO was; CREATE TABLE entries AS SELECT * FROM was; \
             UPDATE entries SET {change} WHERE seq = 2"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut other).await.unwrap();
        other.close().await.unwrap();
        let mut reader = LedgerSource::directory(dir.path()).reader().await.unwrap();
        let is_named =
            |error| matches!(error, StoreError::Damaged { writer, seq: 2, .. } if writer == "w");
        assert!(is_named(reader.read_after("w", 0, 9).await.unwrap_err()), "{change}");
        assert!(is_named(reader.entries("w", &[3, 2, 1]).await.unwrap_err()), "{change}");
        assert!(is_named(reader.entry("w", 2).await.unwrap_err()), "{change}");
        assert_eq!(seqs(&reader.read_after("w", 0, 1).await.unwrap()), [1], "{change}");
        assert_eq!(seqs(&reader.entries("w", &[3, 1]).await.unwrap()), [3, 1], "{change}");
    }
}

#[tokio::test]
async fn a_lock_that_another_holds_blocks_no_task() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    store.append("w", 1, &[intent()]).await.unwrap();
    store.close().await.unwrap();
    let mut other = raw(dir.path()).await;
    let lock = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE";
    sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
    let source = LedgerSource::directory(dir.path());
    // The time is up long before SQLite's own, on the only thread there is.
    assert!(timeout(Duration::from_millis(10), source.reader()).await.is_err());
    other.close().await.unwrap();
    assert_eq!(source.reader().await.unwrap().head("w").await.unwrap(), 1);
}

#[tokio::test]
async fn a_read_that_is_given_up_leaves_the_reader_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let first = intent();
    store.append("w", 1, &[first.clone(), completion(&first, 1)]).await.unwrap();
    let mut reader = SqliteReader::open(dir.path()).await.unwrap();
    let (core, hangs) = (Arc::clone(&reader.core), Arc::new(Barrier::new(2)));
    let (end, ended) = sync_channel::<()>(1);
    let disk = std::thread::spawn({
        let hangs = Arc::clone(&hangs);
        move || {
            let core = core.lock().unwrap();
            hangs.wait();
            ended.recv().unwrap();
            drop(core);
        }
    });
    hangs.wait();
    for _ in 0..3 {
        let read = reader.read_after("w", 0, 9);
        assert!(timeout(Duration::from_millis(5), read).await.is_err());
        assert!(timeout(Duration::from_millis(5), reader.heads()).await.is_err());
    }
    end.send(()).unwrap();
    disk.join().unwrap();
    assert_eq!(seqs(&reader.read_after("w", 0, 9).await.unwrap()), [1, 2]);
    assert_eq!(reader.heads().await.unwrap(), [("w".to_owned(), 2)]);
    // What was given up holds nothing open: the store is the last to close, and moves the log.
    Box::new(reader).close().await.unwrap();
    store.close().await.unwrap();
    assert!(!dir.path().join("ledger.db-wal").exists());
}

#[tokio::test]
async fn a_reader_that_is_dropped_closes_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteOptions::new(dir.path(), "w", TIMEOUT).opener()().await.unwrap();
    let mut reader = SqliteReader::open(dir.path()).await.unwrap();
    assert_eq!(reader.head("w").await.unwrap(), 0);
    let core = Arc::downgrade(&reader.core);
    drop(reader);
    while core.strong_count() > 0 {
        tokio::task::yield_now().await;
    }
    store.close().await.unwrap();
    assert!(!dir.path().join("ledger.db-wal").exists());
}
