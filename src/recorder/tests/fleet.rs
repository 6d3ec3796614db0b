//! Several writers in one ledger, as a shared database has them.

use rusqlite::{Connection, params};

use super::*;
use crate::record::leaf_hash;
use crate::recorder::sweep::SWEEP_BATCH;
use crate::store::LEDGER_FILE;

/// What another process writes.
fn elsewhere(dir: &Path) -> Connection {
    let conn = Connection::open(dir.join(LEDGER_FILE)).unwrap();
    conn.busy_timeout(Duration::from_secs(2)).unwrap();
    conn
}

fn insert(conn: &Connection, writer: &str, seq: i64, entry: &Entry) {
    let doc = entry.doc.get();
    conn.execute(
        "INSERT INTO entries (writer, seq, kind, id, intent, scope, doc, leaf) \
         VALUES (?1, ?2, ?3, ?4, ?5, '{}', ?6, ?7)",
        params![
            writer,
            seq,
            entry.kind.as_str(),
            entry.id.to_string(),
            entry.intent.map(|intent| i64::try_from(intent).unwrap()),
            doc,
            leaf_hash(doc)
        ],
    )
    .unwrap();
}

#[tokio::test]
async fn intents_of_a_writer_that_is_gone_are_closed_once_while_this_one_works() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, thread) = start_in(dir.path()).unwrap();
    let conn = elsewhere(dir.path());
    let open = i64::from(SWEEP_BATCH) + 44;
    for seq in 1..=open {
        insert(&conn, "gone", seq, &Entry { kind: EntryKind::Intent, ..entry() });
    }
    conn.execute("INSERT INTO writers (writer, closed) VALUES ('gone', 0)", []).unwrap();
    let closed = || {
        let sql = "SELECT closed FROM writers WHERE writer = 'gone'";
        conn.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    until("all are closed, and that is remembered", || closed() == 2 * open).await;
    let own = entry();
    let id = own.id;
    recorder.intent(own).await.unwrap().complete(entry_of(id)).await.unwrap();
    stop(recorder, thread).await;
    let rows = rows_of("gone", dir.path()).await;
    let reasons: Vec<_> = rows
        .iter()
        .filter(|row| row.kind == EntryKind::Completion)
        .map(|row| closing_reason(&row.doc).unwrap())
        .collect();
    assert_eq!(reasons, vec!["proxy_lost"; usize::try_from(open).unwrap()]);
    assert_eq!(rows_in(dir.path()).await.len(), 2);
}

#[tokio::test]
async fn what_another_one_has_closed_is_not_closed_again_and_work_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, thread) = start_in(dir.path()).unwrap();
    let (swept, lives) = (entry(), entry());
    let (swept_id, lives_id) = (swept.id, lives.id);
    let swept = recorder.intent(swept).await.unwrap();
    let lives = recorder.intent(lives).await.unwrap();
    // As a proxy does that takes this one for gone.
    let closing = Entry { intent: Some(1), kind: EntryKind::Completion, ..entry_of(swept_id) };
    insert(&elsewhere(dir.path()), "w", 3, &closing);
    assert!(swept.complete(entry_of(swept_id)).await.is_err(), "its outcome is not on record");
    until("it works again", || recorder.status().ok).await;
    assert_eq!(lives.complete(entry_of(lives_id)).await, Ok(4));
    until("nothing is open", || recorder.status().open_intents == 0).await;
    assert_eq!(recorder.event(entry()).await, Ok(5));
    stop(recorder, thread).await;
    let rows = rows_in(dir.path()).await;
    assert_eq!(rows.iter().filter(|row| row.intent == Some(1)).count(), 1);
    let conn = elsewhere(dir.path());
    let marked = conn.query_row("SELECT closed FROM writers", [], |row| row.get::<_, i64>(0));
    assert_eq!(marked.unwrap(), 5);
}

/// A completion as another proxy writes it that takes the writer for gone, or as somebody wishes it.
fn closing_of(id: EventId, outcome: &str, reason: &str) -> Entry {
    let doc = format!(r#"{{"id":"{id}","outcome":"{outcome}","reason":"{reason}"}}"#);
    Entry {
        kind: EntryKind::Completion,
        intent: Some(1),
        doc: Redacted::system(doc),
        ..entry_of(id)
    }
}

#[tokio::test]
async fn closings_by_another_proxy_are_vouched_for_and_nothing_else_that_was_found() {
    let rows = [
        ("unknown", "proxy_lost", true),
        ("success", "proxy_lost", false),
        ("unknown", "exchange_lost", false),
    ];
    for (outcome, reason, is_vouched_for) in rows {
        let disk = FakeDisk::default();
        let (recorder, thread) = start(&disk).unwrap();
        let open = entry();
        let id = open.id;
        let open = recorder.intent(open).await.unwrap();
        disk.write_elsewhere(&closing_of(id, outcome, reason));
        // Noticed on the timer.
        until("its log goes on", || recorder.status().head == 2).await;
        drop(open);
        assert_eq!(recorder.event(entry()).await, Ok(3));
        let is_own = recorder.written().foreign().is_none();
        assert_eq!(is_own, is_vouched_for, "{outcome} {reason}");
        if is_vouched_for {
            assert!(vouches_for(&recorder.written(), &disk.rows()));
        } else {
            assert_eq!(recorder.written().foreign(), Some(2..=2));
        }
        stop(recorder, thread).await;
    }
}

#[tokio::test]
async fn rows_that_no_proxy_can_have_written_in_a_file_are_not_vouched_for() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, thread) = start_in(dir.path()).unwrap();
    let open = entry();
    let id = open.id;
    let open = recorder.intent(open).await.unwrap();
    insert(&elsewhere(dir.path()), "w", 2, &closing_of(id, "unknown", "proxy_lost"));
    until("it is noticed", || recorder.written().foreign() == Some(2..=2)).await;
    drop(open);
    assert_eq!(recorder.event(entry()).await, Ok(3), "it goes on");
    stop(recorder, thread).await;
}
