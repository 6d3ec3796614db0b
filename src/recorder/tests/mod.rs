//! The recorder on a real ledger and on one that fails.

mod fake;
mod fleet;
mod faults;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{Connection, SqliteConnection};

use self::fake::{FakeDisk, Fault};
use super::system::WITHHELD;
use super::{AppendError, JoinError, Recorder, RecorderThread, Settings, StartError};
use crate::clock::{Clock, SystemClock};
use crate::record::{Entry, EntryKind, EventId, Run, RunDigest, Scope, Stored, Written};
use crate::redact::Redacted;
use crate::store::{LedgerSource, Opening, SqliteOptions, StoreError};
use crate::telemetry::Metrics;

const SETTINGS: Settings = Settings {
    timeout: Duration::from_secs(2),
    queue: 256,
    batch: 64,
    sweep_interval: Duration::from_millis(50),
};

fn start_with(
    open: impl FnMut() -> Opening + Send + 'static,
    settings: Settings,
) -> Result<(Recorder, RecorderThread), StartError> {
    Recorder::start(open, settings, Arc::new(SystemClock), Arc::new(Metrics::default()))
}

fn start(disk: &FakeDisk) -> Result<(Recorder, RecorderThread), StartError> {
    start_with(disk.opener(), SETTINGS)
}

fn start_in(dir: &Path) -> Result<(Recorder, RecorderThread), StartError> {
    start_with(SqliteOptions::new(dir, "w", SETTINGS.timeout).opener(), SETTINGS)
}

fn entry() -> Entry {
    entry_of(EventId::new(SystemClock.now()))
}

/// A document that no other entry has.
fn entry_of(id: EventId) -> Entry {
    let doc = format!(r#"{{"id":"{id}","unique":"{}"}}"#, EventId::new(SystemClock.now()));
    let scope = Scope::from([("pool".to_owned(), "blue".to_owned())]);
    Entry { kind: EntryKind::Intent, id, intent: None, scope, doc: Redacted::system(doc) }
}

/// The reason in a completion that the recorder made; `None` for those of these tests.
fn closing_reason(doc: &str) -> Option<String> {
    let doc: serde_json::Value = serde_json::from_str(doc).unwrap();
    doc.get("reason").map(|reason| reason.as_str().unwrap().to_owned())
}

/// A document without the note that it was recorded late, and whether it has that.
fn without_note(doc: &str) -> (String, bool) {
    let mut document: serde_json::Value = serde_json::from_str(doc).unwrap();
    let note = document.as_object_mut().unwrap().remove("notes");
    let is_noted = note.is_some_and(|note| note == serde_json::json!([WITHHELD]));
    (document.to_string(), is_noted)
}

async fn stop(recorder: Recorder, thread: RecorderThread) {
    drop(recorder);
    let ended = tokio::task::spawn_blocking(|| thread.join(Duration::from_secs(5)));
    ended.await.unwrap().unwrap();
}

/// Whether a recorder that began with an empty log vouches for just these entries.
fn vouches_for(written: &Written, rows: &[Stored]) -> bool {
    let mut digest = RunDigest::default();
    rows.iter().for_each(|row| digest.push(row.leaf.as_slice().try_into().unwrap()));
    let run = Run { last: rows.len() as u64, digest: digest.end() };
    let runs = if rows.is_empty() { Vec::new() } else { vec![run] };
    written.foreign().is_none() && written.take(u64::MAX) == runs
}

async fn rows_in(dir: &Path) -> Vec<Stored> {
    rows_of("w", dir).await
}

async fn rows_of(writer: &str, dir: &Path) -> Vec<Stored> {
    let mut reader = LedgerSource::directory(dir).reader().await.unwrap();
    let rows = reader.read_after(writer, 0, 10_000).await.unwrap();
    reader.close().await.unwrap();
    rows
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(5), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Another process that holds the ledger's lock.
async fn lock(dir: &Path) -> SqliteConnection {
    let url = format!("sqlite://{}", dir.join("ledger.db").display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    other
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_exchanges_are_dense_and_paired() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, thread) = start_in(dir.path()).unwrap();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let recorder = recorder.clone();
            tokio::spawn(async move {
                for _ in 0..10 {
                    let first = entry();
                    let id = first.id;
                    let open = recorder.intent(first).await.unwrap();
                    let intent = open.seq();
                    let seq = open.complete(entry_of(id)).await.unwrap();
                    assert!(seq > intent && *recorder.head_watch().borrow() >= seq);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let status = recorder.status();
    assert!(status.ok, "{status:?}");
    assert_eq!((status.head, status.open_intents, status.queue_depth), (1000, 0, 0));
    stop(recorder, thread).await;
    let rows = rows_in(dir.path()).await;
    assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), (1..=1000).collect::<Vec<_>>());
    for row in rows.iter().filter(|row| row.kind == EntryKind::Intent) {
        assert_eq!(rows.iter().filter(|r| r.intent == Some(row.seq) && r.id == row.id).count(), 1);
        assert_eq!(row.scope, r#"{"pool":"blue"}"#);
        assert_eq!(row.leaf, crate::record::leaf_hash(&row.doc));
    }
}

#[tokio::test]
async fn a_locked_ledger_refuses_within_the_deadline_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, thread) = start_in(dir.path()).unwrap();
    let first = entry();
    let id = first.id;
    let open = recorder.intent(first).await.unwrap();
    let other = lock(dir.path()).await;

    let started = Instant::now();
    let refused = recorder.intent(entry()).await.err();
    assert_eq!(refused, Some(AppendError::Unavailable { reason: "busy" }));
    assert!(started.elapsed() < SETTINGS.timeout, "{:?}", started.elapsed());
    let status = recorder.status();
    assert_eq!((status.ok, status.reason), (false, Some("busy")));

    let started = Instant::now();
    let refused = recorder.intent(entry()).await.err();
    assert_eq!(refused, Some(AppendError::Unavailable { reason: "busy" }));
    assert!(started.elapsed() < Duration::from_millis(100), "at once while it recovers");

    let completion = entry_of(id);
    let doc = completion.doc.get().clone();
    assert!(open.complete(completion).await.is_err());
    other.close().await.unwrap();
    until("it recovers", || recorder.status().ok && recorder.status().open_intents == 0).await;
    recorder.event(entry()).await.unwrap();
    stop(recorder, thread).await;

    let rows = rows_in(dir.path()).await;
    assert_eq!(rows.len(), 3, "the intent, its owed completion, the event: {rows:#?}");
    assert_eq!((rows[1].intent, without_note(&rows[1].doc)), (Some(1), (doc, true)));
}

#[tokio::test]
async fn a_store_that_hangs_does_not_hang_callers() {
    let disk = FakeDisk::default();
    let settings = Settings { timeout: Duration::from_millis(40), ..SETTINGS };
    let (recorder, thread) = start_with(disk.opener(), settings).unwrap();
    disk.set_every_append(Some(Fault::Slow));
    let started = Instant::now();
    assert_eq!(recorder.intent(entry()).await.err(), Some(AppendError::Timeout));
    assert!(started.elapsed() < fake::SLOW, "{:?}", started.elapsed());
    until("it is marked", || recorder.status().reason == Some("timeout")).await;
    let started = Instant::now();
    let refused = recorder.intent(entry()).await.err();
    assert_eq!(refused, Some(AppendError::Unavailable { reason: "timeout" }));
    assert!(started.elapsed() < Duration::from_millis(30), "at once: {:?}", started.elapsed());
    disk.set_every_append(None);
    until("it recovers", || recorder.status().ok && disk.rows().len() == 2).await;
    stop(recorder, thread).await;
    let rows = disk.rows();
    assert_eq!(rows[1].intent, Some(1));
    assert_eq!(closing_reason(&rows[1].doc).unwrap(), "not_sent");
}

#[tokio::test]
async fn an_intent_whose_caller_left_is_closed_as_not_sent() {
    let disk = FakeDisk::default();
    let (recorder, thread) = start(&disk).unwrap();
    disk.set_every_append(Some(Fault::Slow));
    let task = tokio::spawn({
        let recorder = recorder.clone();
        async move { recorder.intent(entry()).await.map(|open| open.seq()) }
    });
    tokio::time::sleep(fake::SLOW / 3).await;
    task.abort();
    disk.set_every_append(None);
    until("it is closed", || disk.rows().len() == 2).await;
    stop(recorder, thread).await;
    let rows = disk.rows();
    assert_eq!(rows[1].intent, Some(rows[0].seq));
    assert_eq!(closing_reason(&rows[1].doc).unwrap(), "not_sent");
    assert!(rows[1].doc.contains(r#""outcome":"failure""#), "{}", rows[1].doc);
}

#[tokio::test]
async fn an_abandoned_entry_in_the_queue_is_never_appended() {
    let disk = FakeDisk::default();
    let (recorder, thread) = start(&disk).unwrap();
    disk.set_every_append(Some(Fault::Slow));
    let slow = tokio::spawn({
        let recorder = recorder.clone();
        async move { recorder.event(entry()).await }
    });
    tokio::time::sleep(fake::SLOW / 4).await;
    let left = tokio::spawn({
        let recorder = recorder.clone();
        async move { recorder.event(entry()).await }
    });
    tokio::time::sleep(fake::SLOW / 4).await;
    left.abort();
    slow.await.unwrap().unwrap();
    stop(recorder, thread).await;
    assert_eq!(disk.rows().len(), 1);
}

#[tokio::test]
async fn a_dropped_exchange_is_closed_as_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, thread) = start_in(dir.path()).unwrap();
    drop(recorder.intent(entry()).await.unwrap());
    until("it is closed", || recorder.status().head == 2).await;
    assert_eq!(recorder.status().open_intents, 0);
    // Dropped as the very last handle.
    let open = recorder.intent(entry()).await.unwrap();
    drop(recorder);
    drop(open);
    tokio::task::spawn_blocking(|| thread.join(Duration::from_secs(5))).await.unwrap().unwrap();
    let rows = rows_in(dir.path()).await;
    let reasons: Vec<_> = rows.iter().filter_map(|row| closing_reason(&row.doc)).collect();
    assert_eq!(reasons, ["exchange_lost", "exchange_lost"]);
    assert!(rows[1].doc.contains(r#""outcome":"unknown""#), "{}", rows[1].doc);
    assert_eq!(rows[1].scope, rows[0].scope);
}

/// As somebody leaves it who wants events to stay without an end.
fn all_is_said_to_be_closed(dir: &Path) {
    let conn = rusqlite::Connection::open(dir.join("ledger.db")).unwrap();
    let said = "INSERT INTO writers (writer, closed) SELECT DISTINCT writer, 1000000 FROM entries \
                WHERE true ON CONFLICT (writer) DO UPDATE SET closed = excluded.closed";
    assert_eq!(conn.execute(said, []).unwrap(), 1);
}

#[tokio::test]
async fn a_restart_closes_what_was_left_open_exactly_once() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, thread) = start_in(dir.path()).unwrap();
    for _ in 0..300 {
        // As a killed process leaves it: nobody runs the guard.
        std::mem::forget(recorder.intent(entry()).await.unwrap());
    }
    let first = entry();
    let id = first.id;
    recorder.intent(first).await.unwrap().complete(entry_of(id)).await.unwrap();
    // The forgotten guards keep the thread; its lock must go for the restart, so restart on a copy.
    let copy = tempfile::tempdir().unwrap();
    for file in ["ledger.db", "ledger.db-wal"] {
        std::fs::copy(dir.path().join(file), copy.path().join(file)).unwrap();
    }
    all_is_said_to_be_closed(copy.path());
    for _ in 0..3 {
        let (recorder, thread) = start_in(copy.path()).unwrap();
        assert_eq!(recorder.status().head, 602);
        stop(recorder, thread).await;
    }
    let rows = rows_in(copy.path()).await;
    let closed: Vec<_> = rows
        .iter()
        .filter(|r| closing_reason(&r.doc).as_deref() == Some("proxy_restarted"))
        .collect();
    assert_eq!(closed.len(), 300);
    drop(recorder);
    assert_eq!(thread.join(Duration::from_millis(10)), Err(JoinError::StillBusy));
}

#[tokio::test]
async fn orphans_of_a_renamed_writer_are_closed_in_its_own_log() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _thread) = start_in(dir.path()).unwrap();
    std::mem::forget(recorder.intent(entry()).await.unwrap());
    let copy = tempfile::tempdir().unwrap();
    for file in ["ledger.db", "ledger.db-wal"] {
        std::fs::copy(dir.path().join(file), copy.path().join(file)).unwrap();
    }
    all_is_said_to_be_closed(copy.path());
    let options = SqliteOptions::new(copy.path(), "other", SETTINGS.timeout);
    let (recorder, thread) = start_with(options.opener(), SETTINGS).unwrap();
    assert_eq!(recorder.event(entry()).await, Ok(1), "a log of its own");
    stop(recorder, thread).await;
    let rows = rows_in(copy.path()).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(closing_reason(&rows[1].doc).unwrap(), "proxy_lost");
}

#[tokio::test]
async fn a_full_queue_refuses_new_work_at_once_and_still_takes_completions() {
    let disk = FakeDisk::default();
    let settings = Settings { queue: 2, batch: 1, ..SETTINGS };
    let (recorder, thread) = start_with(disk.opener(), settings).unwrap();
    let first = entry();
    let id = first.id;
    let open = recorder.intent(first).await.unwrap();
    disk.set_every_append(Some(Fault::Slow));
    let event = || {
        let recorder = recorder.clone();
        tokio::spawn(async move { recorder.event(entry()).await })
    };
    let appending = event();
    tokio::time::sleep(fake::SLOW / 4).await;
    let waiting = [appending, event(), event()];
    until("the queue is full", || recorder.status().queue_depth >= 2).await;
    let started = Instant::now();
    assert_eq!(recorder.intent(entry()).await.err(), Some(AppendError::QueueFull));
    assert!(started.elapsed() < Duration::from_millis(30), "{:?}", started.elapsed());
    disk.set_every_append(None);
    open.complete(entry_of(id)).await.unwrap();
    for task in waiting {
        task.await.unwrap().unwrap();
    }
    stop(recorder, thread).await;
}

#[tokio::test]
async fn a_completion_that_finds_no_room_is_owed() {
    let disk = FakeDisk::default();
    let settings = Settings { queue: 1, batch: 1, ..SETTINGS };
    let (recorder, thread) = start_with(disk.opener(), settings).unwrap();
    let mut open = Vec::new();
    for _ in 0..3 {
        let first = entry();
        let id = first.id;
        open.push((id, recorder.intent(first).await.unwrap()));
    }
    disk.set_every_append(Some(Fault::Slow));
    let appending = tokio::spawn({
        let recorder = recorder.clone();
        async move { recorder.event(entry()).await }
    });
    tokio::time::sleep(fake::SLOW / 4).await;
    let tasks: Vec<_> = open
        .into_iter()
        .map(|(id, intent)| tokio::spawn(async move { intent.complete(entry_of(id)).await }))
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    assert_eq!(answers.iter().filter(|a| **a == Err(AppendError::QueueFull)).count(), 1);
    appending.await.unwrap().unwrap();
    until("all are closed", || recorder.status().open_intents == 0).await;
    stop(recorder, thread).await;
    assert!(disk.rows().iter().all(|row| closing_reason(&row.doc).is_none()), "the real ones");
    assert_eq!(disk.rows().len(), 7);
}

#[tokio::test]
async fn more_completions_than_can_be_kept_become_unknown() {
    let disk = FakeDisk::default();
    let settings = Settings { queue: 3, ..SETTINGS };
    let (recorder, thread) = start_with(disk.opener(), settings).unwrap();
    let mut open = Vec::new();
    for _ in 0..5 {
        let first = entry();
        let id = first.id;
        open.push((id, recorder.intent(first).await.unwrap()));
    }
    disk.set_every_append(Some(Fault::DiskFull));
    for (id, intent) in open {
        assert!(intent.complete(entry_of(id)).await.is_err());
    }
    until("it knows", || recorder.status().disk_full).await;
    disk.set_every_append(None);
    until("all are closed", || recorder.status().open_intents == 0).await;
    stop(recorder, thread).await;
    let reasons: Vec<_> = disk.rows().iter().filter_map(|row| closing_reason(&row.doc)).collect();
    assert_eq!(reasons, ["completion_lost", "completion_lost"]);
    assert_eq!(disk.rows().len(), 10);
}

#[tokio::test]
async fn an_outcome_that_is_recorded_though_its_caller_was_told_no_is_told_apart() {
    for fault in [Fault::Slow, Fault::LostButWritten, Fault::SlowLostButWritten] {
        let disk = FakeDisk::default();
        let settings = Settings {
            timeout: Duration::from_millis(60),
            sweep_interval: Duration::from_secs(60),
            ..SETTINGS
        };
        let (recorder, thread) = start_with(disk.opener(), settings).unwrap();
        let first = entry();
        let id = first.id;
        let open = recorder.intent(first).await.unwrap();
        let next = disk.0.lock().unwrap().operations + 1;
        let disk = disk.also_failing_at(next, fault);
        let second = entry_of(id);
        let doc = second.doc.get().clone();
        assert!(open.complete(second).await.is_err(), "{fault:?}");
        until("it is said", || disk.rows().len() == 3).await;
        stop(recorder, thread).await;
        let rows = disk.rows();
        assert_eq!((&rows[1].doc, rows.len()), (&doc, 3), "{fault:?}");
        let said: serde_json::Value = serde_json::from_str(&rows[2].doc).unwrap();
        assert_eq!(said["action"], "audit.response_withhold");
        assert_eq!(said["metadata"]["event"], id.to_string());
        assert_eq!((&rows[2].scope, rows[2].intent), (&rows[1].scope, None));
        assert_eq!(said["scope"].to_string(), rows[2].scope);
    }
}

#[tokio::test]
async fn one_unacceptable_entry_does_not_harm_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, thread) = start_in(dir.path()).unwrap();
    let open = recorder.intent(entry()).await.unwrap();
    // A completion of another event: the ledger's trigger refuses it.
    let (wrong, right) = tokio::join!(open.complete(entry()), recorder.event(entry()));
    assert_eq!(wrong, Err(AppendError::Unavailable { reason: "rejected" }));
    until("the intent is closed", || recorder.status().open_intents == 0).await;
    if right.is_err() {
        recorder.event(entry()).await.unwrap();
    }
    stop(recorder, thread).await;
    let rows = rows_in(dir.path()).await;
    let reasons: Vec<_> = rows.iter().filter_map(|row| closing_reason(&row.doc)).collect();
    assert_eq!((rows.len(), reasons), (3, vec!["completion_lost".to_owned()]));
}

#[test]
fn a_store_that_cannot_be_opened_is_said_so() {
    let disk = FakeDisk::failing_at(1, Fault::DiskFull);
    let error = start(&disk).err().unwrap();
    assert!(matches!(error, StartError::Store(StoreError::DiskFull(_))), "{error:?}");
}

/// Runs the test of this name again in a process that may not write files beyond 512 KiB.
fn run_with_a_file_size_limit(name: &str, dir: &Path) -> std::process::Output {
    std::process::Command::new("sh")
        .args(["-c", r#"trap '' XFSZ; ulimit -f 1024; exec "$0" "$1" --exact --nocapture"#])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env("FILE_SIZE_LIMITED_DIR", dir)
        .output()
        .unwrap()
}

#[tokio::test]
async fn a_file_size_limit_is_a_full_disk_and_loses_nothing_acknowledged() {
    const NAME: &str =
        "recorder::tests::a_file_size_limit_is_a_full_disk_and_loses_nothing_acknowledged";
    let large = || {
        let mut event = entry();
        let doc = format!(r#"{{"id":"{}","x":"{}"}}"#, event.id, "x".repeat(20_000));
        event.doc = Redacted::system(doc);
        event
    };
    if let Some(dir) = std::env::var_os("FILE_SIZE_LIMITED_DIR") {
        let (recorder, thread) = start_in(Path::new(&dir)).unwrap();
        let first = entry();
        let id = first.id;
        let open = recorder.intent(first).await.unwrap();
        let mut acknowledged = 1;
        let error = loop {
            match recorder.event(large()).await {
                Ok(_) => acknowledged += 1,
                Err(error) => break error,
            }
            assert!(acknowledged < 1000, "there is no limit");
        };
        // What is small may still fit, so the status may be another one by now.
        assert_eq!(error, AppendError::Unavailable { reason: "disk_full" });
        // With a completion too large for what is left, the real one is owed to the end.
        let mut completion = large();
        completion.id = id;
        assert!(open.complete(completion).await.is_err());
        println!("acknowledged={acknowledged}");
        stop(recorder, thread).await;
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let output = run_with_a_file_size_limit(NAME, dir.path());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let acknowledged: usize = text
        .lines()
        .find_map(|line| line.split_once("acknowledged="))
        .and_then(|(_, count)| count.trim().parse().ok())
        .unwrap();
    let (recorder, thread) = start_in(dir.path()).unwrap();
    stop(recorder, thread).await;
    let rows = rows_in(dir.path()).await;
    assert!(acknowledged > 2 && rows.len() > acknowledged, "{acknowledged}, {}", rows.len());
    assert_eq!(rows.iter().filter(|row| row.intent == Some(1)).count(), 1);
}

#[test]
fn a_store_that_hangs_while_it_opens_does_not_hang_the_start() {
    let settings = Settings { timeout: Duration::from_millis(50), ..SETTINGS };
    let started = start_with(|| Box::pin(std::future::pending()), settings);
    assert!(matches!(started, Err(StartError::Hangs { .. })));
}
