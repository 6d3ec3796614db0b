//! The search index when what keeps it is killed.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign::clock::{Clock, SystemClock};
use countersign::follow::{Heads, catch_up};
use countersign::index::{Bar, Counted, Facet, Index, Page, Search, View};
use countersign::record::{Entry, EntryKind, EventId, Scope};
use countersign::redact::Redacted;
use countersign::store::{LedgerSource, SqliteOptions};
use serde_json::{Value, json};

use super::support::wait_until;

/// Intents, and completions of them a few entries later.
fn entries(count: u64) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let entry = |kind, id, intent, doc: Value| {
        let scope = Scope::from([("pool".to_owned(), "blue".to_owned())]);
        Entry { kind, id, intent, scope, doc: Redacted::system(doc.to_string()) }
    };
    let mut open = Vec::new();
    for number in 0..count {
        let id = EventId::new(SystemClock.now());
        open.push((id, entries.len() as u64 + 1));
        entries.push(entry(
            EntryKind::Intent,
            id,
            None,
            json!({
                "time": format!("2026-07-01T{:02}:12:00.000Z", number % 7),
                "action": format!("thing.verb{}", number % 5), "category": "thing",
                "description": format!("Thing {number} done"), "scope": {"pool": "blue"},
                "actor": {"type": "user", "id": format!("u{}", number % 11)},
                "targets": [{"type": "thing", "id": format!("t{number}"), "name": "one"}],
            }),
        ));
        if number % 4 == 3 {
            for (id, intent) in open.drain(1..) {
                let doc = json!({"outcome": "success", "severity": "info"});
                entries.push(entry(EntryKind::Completion, id, Some(intent), doc));
            }
        }
    }
    entries
}

async fn caught_up(dir: &Path, mut index: Index) -> Index {
    let mut reader = LedgerSource::directory(dir).reader().await.unwrap();
    let heads = Heads::now(&mut *reader).await.unwrap();
    catch_up(&mut *reader, &mut index, &heads).await.unwrap();
    index
}

async fn told(index: &mut Index) -> (Page, Vec<Counted>, Vec<Bar>) {
    let view = View::default();
    let page = index.search(&Search { limit: 10_000, ..Search::default() }).await.unwrap();
    let actors = index.facet(Facet::Actor, &view, &[], 100).await.unwrap();
    let bars = index.histogram(&view, &[], 0, 3_600_000).await.unwrap();
    (page, actors, bars)
}

/// A process that follows the ledger until it is killed, or done.
fn following(dir: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["query", "--data", dir.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// How far the index has come.
fn cursor(dir: &Path) -> i64 {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let conn = rusqlite::Connection::open_with_flags(dir.join("index.db"), flags);
    let cursor = conn.and_then(|conn| {
        conn.busy_timeout(Duration::from_secs(1))?;
        conn.query_row("SELECT coalesce(max(seq), 0) FROM cursors", [], |row| row.get(0))
    });
    cursor.unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_follows_the_index_says_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let entries = entries(6_000);
    let timeout = Duration::from_secs(5);
    let mut store = SqliteOptions::new(dir.path(), "w", timeout).opener()().await.unwrap();
    store.append("w", 1, &entries).await.unwrap();
    store.close().await.unwrap();

    let mut kills = 0;
    loop {
        let before = cursor(dir.path());
        let mut child = following(dir.path());
        let mut ended = false;
        wait_until("the index moves", || {
            ended = child.try_wait().unwrap().is_some();
            ended || cursor(dir.path()) > before
        });
        child.kill().unwrap();
        child.wait().unwrap();
        if ended || kills == 6 {
            break;
        }
        kills += 1;
    }
    assert!(kills > 0, "it was done before it could be killed");

    let mut kept = caught_up(dir.path(), Index::open(dir.path()).await.unwrap()).await;
    let mut fresh = caught_up(dir.path(), Index::temporary().await.unwrap()).await;
    let (kept, fresh) = (told(&mut kept).await, told(&mut fresh).await);
    assert_eq!(fresh.0.rows.len(), 6_000);
    assert!(kept == fresh, "an index that was killed differs from one that was not");
}
