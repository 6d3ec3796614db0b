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

use super::support::{Proxy, Reply, Upstream, WriteLock, exchange, look_at, wait_until};

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

/// The answer to a question about the log, to whoever has this token.
fn ask(proxy: &Proxy, token: &str) -> (u16, Value) {
    let request = format!(
        "GET /v1/admin/audit?action=user.* HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Connection: close\r\n\r\n",
        proxy.reading,
        token.trim()
    );
    let answer = exchange(proxy.reading, request.as_bytes());
    (answer.status, serde_json::from_str(&answer.text()).unwrap_or_default())
}

fn tokens(proxy: &Proxy, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .arg("tokens")
        .args(args)
        .arg("--data")
        .arg(proxy.data())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn who_reads_the_databases_of_a_running_proxy_takes_nothing_from_it() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let owner = std::fs::read_to_string(proxy.data().join("bootstrap.token")).unwrap();
    let post = b"POST /users HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let one = tokens(&proxy, &["create", "--name", "one", "--role", "owner"]);
    for _ in 0..3 {
        assert_eq!(ask(&proxy, &one).0, 200);
        for file in ["access.db", "index.db", "ledger.db", "seal.db"] {
            look_at(&proxy.data().join(file));
            let log = proxy.data().join(format!("{file}-wal"));
            assert!(log.exists(), "the log of `{file}` was removed from under the proxy");
        }
        assert_eq!(exchange(proxy.address, post).status, 200);
    }
    wait_until("all is found", || {
        ask(&proxy, &owner).1["events"].as_array().is_some_and(|it| it.len() == 3)
    });
    tokens(&proxy, &["revoke", "one"]);
    assert_eq!(ask(&proxy, &one).0, 401);
    let two = tokens(&proxy, &["create", "--name", "two", "--role", "owner"]);
    assert_eq!(ask(&proxy, &two).0, 200);
}

#[test]
fn readers_are_told_when_the_newest_events_may_be_missing() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let owner = std::fs::read_to_string(proxy.data().join("bootstrap.token")).unwrap();
    let post = b"POST /users HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert_eq!(exchange(proxy.address, post).status, 200);
    wait_until("it is found", || {
        ask(&proxy, &owner).1
            == json!({"events": ask(&proxy, &owner).1["events"], "next_cursor": null, "warnings": []})
    });
    let lock = WriteLock::of(proxy.data().join("index.db"));
    assert_eq!(exchange(proxy.address, post).status, 200);
    let (status, list) = ask(&proxy, &owner);
    assert_eq!((status, list["events"].as_array().unwrap().len()), (200, 1));
    assert!(
        list["warnings"][0].as_str().unwrap().contains("newest events may be missing"),
        "{list}"
    );
    wait_until("it is counted", || {
        let text = proxy.read("/metrics").1;
        !text.contains("countersign_index_lag 0\n")
    });
    drop(lock);
    wait_until("both are found", || {
        let (_, list) = ask(&proxy, &owner);
        list["events"].as_array().unwrap().len() == 2 && list["warnings"] == json!([])
    });
}
