//! What may be taken out of the ledger, and what may not.

use sqlx::Connection;

use super::{TIMEOUT, completion, intent, open, raw};
use crate::record::{Entry, EntryKind, Stored};
use crate::redact::Redacted;
use crate::store::{LEDGER_FILE, LedgerSource, Purged, SqliteOptions, Store};

/// An event of one entry.
fn event() -> Entry {
    Entry { kind: EntryKind::Completion, ..intent() }
}

/// One that tells of a purge.
pub(super) fn purge() -> Entry {
    let doc = Redacted::system(r#"{"action":"audit.purge","id":""}"#.to_owned());
    Entry { doc, ..event() }
}

fn purged(rows: &[Stored], seqs: &[u64], by: u64) -> Vec<Purged> {
    let leaf = |seq: u64| rows.iter().find(|row| row.seq == seq).unwrap().leaf.clone();
    seqs.iter().map(|seq| Purged { seq: *seq, leaf: leaf(*seq), by }).collect()
}

/// Two whole events, an open one, and the event about the purge, which is number 6.
async fn filled(store: &mut dyn Store) -> Vec<Stored> {
    let intents = [intent(), intent(), intent()];
    store.append("w", 1, &intents).await.unwrap();
    let ends = [completion(&intents[0], 1), completion(&intents[1], 2), purge()];
    store.append("w", 4, &ends).await.unwrap();
    store.read_after("w", 0, 100).await.unwrap()
}

#[tokio::test]
async fn only_an_event_about_a_purge_purges() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let rows = filled(store.as_mut()).await;
    let nested = Redacted::system(r#"{"a":{"action":"audit.purge"},"id":""}"#.to_owned());
    store.append("w", 7, &[event(), Entry { doc: nested, ..event() }]).await.unwrap();
    for by in [7, 8] {
        let error = store.purge("w", &purged(&rows, &[1, 4], by)).await.unwrap_err();
        assert_eq!(error.reason(), "rejected", "by {by}");
    }
    store.purge("w", &purged(&rows, &[1, 4], 6)).await.unwrap();
}

#[tokio::test]
async fn rows_of_purged_that_do_not_fit_open_no_way_and_cannot_be_changed() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let rows = filled(store.as_mut()).await;
    store.purge("w", &purged(&rows, &[1, 4], 6)).await.unwrap();
    let left = store.read_after("w", 0, 9).await.unwrap();
    let mut other = raw(dir.path()).await;
    for statement in [
        "INSERT INTO purged VALUES ('w', 5, randomblob(32), 6); DELETE FROM entries WHERE seq = 5",
        "INSERT OR REPLACE INTO purged SELECT writer, seq, randomblob(32), \"by\" FROM purged",
        "UPDATE purged SET leaf = randomblob(32)",
        "UPDATE purged SET \"by\" = 99",
        "DELETE FROM purged",
        "DELETE FROM entries",
        "DELETE FROM entries WHERE seq = 6",
        "INSERT INTO purged SELECT writer, seq, leaf, 6 FROM entries WHERE seq = 3; \
         DELETE FROM entries WHERE seq = 3",
        // A number that is taken, though its entry is gone.
        "INSERT INTO entries SELECT writer, 1, kind, id, intent, scope, doc, leaf FROM entries \
         WHERE seq = 3",
    ] {
        let error = sqlx::raw_sql(statement).execute(&mut other).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("append-only") || text.contains("purged"), "{statement}: {text}");
        assert_eq!(store.read_after("w", 0, 9).await.unwrap(), left, "{statement}");
    }
}

#[tokio::test]
async fn a_log_can_be_carried_over_with_what_was_purged_and_the_head_counts_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let gone = |seq| Purged { seq, leaf: vec![7; 32], by: 5 };
    store.purge("old", &[gone(1)]).await.unwrap();
    store.purge("old", &[gone(1)]).await.unwrap();
    let kept = intent();
    store.append("old", 2, std::slice::from_ref(&kept)).await.unwrap();
    assert!(store.purge("old", &[gone(2)]).await.is_err(), "another leaf than the entry's");
    store.append("old", 3, &[completion(&kept, 2)]).await.unwrap();
    store.purge("old", &[gone(4)]).await.unwrap();
    assert_eq!(store.head("old").await.unwrap(), 4);
    assert!(store.append("old", 4, &[event()]).await.is_err());
    store.append("old", 5, &[event()]).await.unwrap();
    let mut reader = LedgerSource::directory(dir.path()).reader().await.unwrap();
    assert_eq!(reader.head("old").await.unwrap(), 5);
}

#[tokio::test]
async fn purged_bytes_are_gone_from_the_files() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let rows = filled(store.as_mut()).await;
    let ids: Vec<String> = [1, 2].map(|seq: usize| rows[seq - 1].id.to_string()).into();
    let holds = |id: &str| {
        let bytes = std::fs::read(dir.path().join(LEDGER_FILE)).unwrap();
        bytes.windows(id.len()).any(|window| window == id.as_bytes())
    };
    store.purge("w", &purged(&rows, &[1, 4], 6)).await.unwrap();
    // Closing moves the log into the database.
    store.close().await.unwrap();
    assert_eq!((holds(&ids[0]), holds(&ids[1])), (false, true));
}

#[tokio::test]
async fn a_ledger_of_the_first_version_is_brought_up_to_date_and_can_be_read_before() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let rows = filled(store.as_mut()).await;
    store.close().await.unwrap();
    let mut other = raw(dir.path()).await;
    let back = "DROP TABLE purged; PRAGMA user_version = 1; DROP TRIGGER entries_no_delete; \
                DROP TRIGGER entries_in_order; \
                CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries \
                BEGIN SELECT RAISE(ABORT, 'old'); END; \
                CREATE TRIGGER entries_in_order BEFORE INSERT ON entries WHEN NEW.seq < 0 \
                BEGIN SELECT RAISE(ABORT, 'old'); END";
    sqlx::raw_sql(back).execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let mut reader = LedgerSource::directory(dir.path()).reader().await.unwrap();
    assert_eq!(reader.head("w").await.unwrap(), 6);
    assert_eq!(reader.purged_after("w", 0, 9).await.unwrap(), []);
    reader.close().await.unwrap();
    let mut store = SqliteOptions::new(dir.path(), "w", TIMEOUT).opener()().await.unwrap();
    store.purge("w", &purged(&rows, &[1, 4], 6)).await.unwrap();
    assert_eq!(store.head("w").await.unwrap(), 6);
}
