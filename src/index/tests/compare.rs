//! The index held against the ledger: what agrees, and everything that may be wrong.

use rusqlite::Connection;
use serde_json::json;

use super::super::{Compared, Disagreement, What};
use super::{Ledger, completion_doc, id, intent_doc};
use crate::follow::FollowError;
use crate::index::Index;
use crate::store::{INDEX_FILE, LedgerSource};

/// A ledger with events of all kinds, and its index.
async fn ledger() -> Ledger {
    let mut ledger = Ledger::new().await;
    for number in 0..50 {
        let event = id();
        let intent = ledger.intent(event, intent_doc(number)).await;
        ledger.completion(event, intent, completion_doc("success")).await;
    }
    let act = |name: &str| json!({"action": name, "targets": [{"type": "user", "id": name}]});
    let batch = id();
    let doc =
        json!({"time": "2026-07-01T12:30:00Z", "acts": [act("user.create"), act("user.delete")]});
    let begun = ledger.intent(batch, doc).await;
    let last = id();
    ledger.intent(last, intent_doc(51)).await;
    ledger.completion(batch, begun, completion_doc("success")).await;
    ledger.index().await.close().await.unwrap();
    ledger
}

async fn compared(ledger: &Ledger) -> Result<Compared, FollowError> {
    let mut index = Index::open_read_only(ledger.path()).await.unwrap();
    let mut reader = LedgerSource::directory(ledger.path()).reader().await.unwrap();
    index.compare(&mut *reader, &mut |_| {}).await
}

fn change(ledger: &Ledger, sql: &str) {
    let conn = Connection::open(ledger.path().join(INDEX_FILE)).unwrap();
    conn.execute_batch(sql).unwrap();
    assert!(conn.changes() > 0, "{sql}");
}

#[tokio::test]
async fn what_the_ledger_says_agrees() {
    let mut ledger = ledger().await;
    let found = compared(&ledger).await.unwrap();
    assert_eq!(found, Compared { events: 52, ..Compared::default() });
    ledger.intent(id(), intent_doc(3)).await;
    let found = compared(&ledger).await.unwrap();
    assert_eq!((found.behind, found.count), (1, 0));
}

#[tokio::test]
async fn whatever_is_changed_is_told() {
    const ROW: &str = "(SELECT n FROM events WHERE seq = 9)";
    let key_of = |kind: u8, value: &str| {
        format!("((SELECT id FROM terms WHERE kind = {kind} AND value = '{value}') << 32)")
    };
    let cases = [
        (format!("DELETE FROM events WHERE n = {ROW}"), What::Missing),
        (format!("UPDATE events SET outcome = 'success2' WHERE n = {ROW}"), What::Field("outcome")),
        (format!("UPDATE events SET scope = '{{}}' WHERE n = {ROW}"), What::Field("scope")),
        (format!("UPDATE events SET completion = NULL WHERE n = {ROW}"), What::Field("completion")),
        (format!("UPDATE events SET time_ms = time_ms + 1 WHERE n = {ROW}"), What::Field("time")),
        (format!("DELETE FROM ids WHERE n = {ROW}"), What::Unfindable("id")),
        (
            "DELETE FROM terms WHERE kind = 1 AND value = 'api_key.create'".to_owned(),
            What::Unfindable("action"),
        ),
        (
            format!(
                "DELETE FROM postings WHERE key >= {key} AND key < {key} + (1 << 32)",
                key = key_of(9, "k4")
            ),
            What::Unfindable("target id"),
        ),
        (
            "UPDATE columns SET numbers = zeroblob(length(numbers))".to_owned(),
            What::Unfindable("time"),
        ),
        ("DELETE FROM pending".to_owned(), What::Unfindable("intent")),
        ("INSERT INTO ids VALUES (5, 7)".to_owned(), What::Surplus("ids")),
        ("INSERT INTO pending VALUES ('w', 1, 1)".to_owned(), What::Surplus("pending")),
        ("INSERT INTO postings VALUES (1, x'000100')".to_owned(), What::Surplus("postings")),
    ];
    for (sql, what) in cases {
        let ledger = ledger().await;
        change(&ledger, &sql);
        let found = compared(&ledger).await.unwrap();
        let first: Option<&Disagreement> = found.disagreements.first();
        assert_eq!(first.map(|first| first.what), Some(what), "{sql}");
        assert!(found.count >= 1, "{sql}");
        let is_of_one = matches!(what, What::Missing | What::Field(_));
        if is_of_one {
            let event = first.and_then(|first| first.event.clone()).unwrap();
            assert_eq!((event.writer.as_str(), event.seq, found.count), ("w", 9, 1), "{sql}");
        }
    }
}

#[tokio::test]
async fn events_that_are_not_in_the_ledger_are_told() {
    let ledger = ledger().await;
    let columns =
        "writer, seq, act, completion, id, time_ms, actor_verified, targets, scope, words, acts";
    change(
        &ledger,
        &format!(
            "INSERT INTO events (n, {columns}) SELECT n + 1000, {} FROM events WHERE seq = 9",
            columns.replace("id,", "'0190a0a0-0000-7000-8000-000000000000',")
        ),
    );
    let found = compared(&ledger).await.unwrap();
    assert_eq!(found.disagreements, [Disagreement { event: None, what: What::Surplus("events") }]);
}

#[tokio::test]
async fn the_index_of_another_ledger_is_refused() {
    let (one, other) = (ledger().await, ledger().await);
    std::fs::copy(other.path().join(INDEX_FILE), one.path().join(INDEX_FILE)).unwrap();
    assert!(compared(&one).await.is_err());
}
