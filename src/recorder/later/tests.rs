use std::path::Path;
use std::sync::Arc;

use sqlx::{Connection, SqliteConnection};

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::record::{EntryKind, Scope};
use crate::recorder::{RecorderThread, Settings};
use crate::redact::Redacted;
use crate::store::SqliteOptions;
use crate::telemetry::Metrics;

fn start(dir: &Path) -> (Recorder, RecorderThread, Later) {
    let timeout = Duration::from_secs(2);
    let sweep_interval = Duration::from_millis(20);
    let settings = Settings { timeout, queue: 64, batch: 16, sweep_interval };
    let opener = SqliteOptions::new(dir, "w", timeout).opener();
    let metrics = Arc::new(Metrics::default());
    let (recorder, thread) =
        Recorder::start(opener, settings, Arc::new(SystemClock), metrics).unwrap();
    let later = Later::new(recorder.clone(), LedgerSource::directory(dir), "w");
    (recorder, thread, later)
}

fn entry() -> Entry {
    let id = EventId::new(SystemClock.now());
    let doc = Redacted::system(format!(r#"{{"id":"{id}"}}"#));
    Entry { kind: EntryKind::Completion, id, intent: None, scope: Scope::new(), doc }
}

async fn ids(dir: &Path) -> Vec<EventId> {
    let mut reader = LedgerSource::directory(dir).reader().await.unwrap();
    let rows = reader.read_after("w", 0, 100).await.unwrap();
    rows.iter().map(|row| row.id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_ledger_cannot_take_it_gets_once_it_works() {
    let dir = tempfile::tempdir().unwrap();
    let (_recorder, _thread, later) = start(dir.path());
    let [first, second, third, fourth] = [entry(), entry(), entry(), entry()];
    let expected = [first.id, fourth.id, second.id, third.id];
    assert!(later.record(first).await);
    let url = format!("sqlite://{}", dir.path().join("ledger.db").display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    assert!(!later.record(second).await);
    assert!(!later.record(third).await);
    later.settle().await;
    assert_eq!(later.waiting().len(), 2);
    assert_eq!(ids(dir.path()).await, [expected[0]]);
    other.close().await.unwrap();
    while !later.recorder.status().ok {
        tokio::task::yield_now().await;
    }
    assert!(later.record(fourth).await);
    later.settle().await;
    later.settle().await;
    assert_eq!(ids(dir.path()).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_got_there_although_it_seemed_not_to_is_not_recorded_again() {
    let dir = tempfile::tempdir().unwrap();
    let (recorder, _thread, later) = start(dir.path());
    let (there, not) = (entry(), entry());
    recorder.event(there.clone()).await.unwrap();
    for entry in [&there, &not, &there, &not] {
        later.waiting().push_back(Waiting { entry: entry.clone(), head: 0 });
    }
    later.settle().await;
    assert_eq!(ids(dir.path()).await, [there.id, not.id]);
    assert!(later.waiting().is_empty());
}
