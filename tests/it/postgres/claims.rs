//! One process at a time is the writer of a name; what it leaves open is closed once.

use std::path::Path;
use std::time::Duration;

use countersign::store::{LedgerSource, PostgresOptions, Store, StoreError};

use super::{events_of, post, setup};
use crate::conformance::{completion, intent, postgres_options};
use crate::support::{Postgres, Proxy, Reply, Upstream, exchange, wait_until};

async fn open(options: &PostgresOptions) -> Result<Box<dyn Store>, StoreError> {
    options.clone().opener()().await
}

#[tokio::test]
async fn a_name_that_another_process_has_is_refused_until_that_one_is_gone() {
    let server = Postgres::start();
    let database = server.ledger();
    let target = server.target("proxy", &database);
    let home = tempfile::tempdir().unwrap();
    let here = postgres_options(&target, &home.path().join("here"), "w");
    let there = postgres_options(&target, &home.path().join("there"), "w");
    let mut opener = here.clone().opener();
    let mut store = opener().await.unwrap();
    store.append("w", 1, &[intent()]).await.unwrap();
    let error = open(&there).await.err().unwrap();
    assert_eq!(error.reason(), "claimed");
    let text = error.to_string();
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    assert!(text.contains("30 s"), "{text}");
    // Not heard of for long enough: taken over, and whoever had it writes nothing any more.
    server.sql(&database, "UPDATE countersign.writers SET heartbeat = now() - interval '31 s'");
    let mut other = open(&there).await.unwrap();
    assert_eq!(other.head("w").await.unwrap(), 1);
    for error in [
        store.append("w", 2, &[intent()]).await.unwrap_err(),
        store.heartbeat().await.unwrap_err(),
        store.mark_closed("w", 1).await.unwrap_err(),
    ] {
        assert_eq!((error.reason(), error.effect_is_known()), ("superseded", true), "{error}");
    }
    assert_eq!(opener().await.err().unwrap().reason(), "claimed", "it does not take it back");
    other.append("w", 2, &[intent()]).await.unwrap();
    // Gives the name back when it ends without trouble.
    other.close().await.unwrap();
    opener().await.unwrap().append("w", 3, &[intent()]).await.unwrap();
}

#[tokio::test]
async fn a_process_goes_on_where_the_one_before_it_was_killed_and_a_copy_of_its_files_does_not() {
    let server = Postgres::start();
    let database = server.ledger();
    let target = server.target("proxy", &database);
    let home = tempfile::tempdir().unwrap();
    let here = home.path().join("here");
    let mut options = postgres_options(&target, &here, "w");
    options.silence = Duration::from_secs(3600);
    let copies = ["of one that lives", "of one that was killed"].map(|name| home.path().join(name));
    let copy = |to: &Path| {
        let copied = std::process::Command::new("cp").arg("-a").args([&here, to]).status();
        assert!(copied.unwrap().success());
    };
    let mut store = open(&options).await.unwrap();
    copy(&copies[0]);
    let error = open(&postgres_options(&target, &copies[0], "w")).await.err().unwrap();
    assert_eq!(error.reason(), "claimed", "{error}");
    store.append("w", 1, &[intent()]).await.expect("the one that lives goes on");
    // As a kill does: no farewell, and the lock of the directory is free.
    drop(store);
    copy(&copies[1]);
    let error = open(&postgres_options(&target, &copies[1], "w")).await.err().unwrap();
    assert_eq!(error.reason(), "claimed", "{error}");
    let mut store = open(&options).await.expect("the same directory, at once");
    store.append("w", 2, &[intent()]).await.unwrap();
    let error = open(&postgres_options(&target, &copies[1], "w")).await.err().unwrap();
    assert_eq!(error.reason(), "claimed", "{error}");
    drop(store);
    // Moved to another machine, or the machine was started anew: the spool's silence is not waited for.
    std::fs::remove_file(copies[0].join("instance")).unwrap();
    server.sql(&database, "UPDATE countersign.writers SET heartbeat = now() - interval '31 s'");
    let moved = home.path().join("moved");
    copy(&moved);
    let stranger = open(&postgres_options(&target, &copies[0], "w")).await.err().unwrap();
    assert_eq!(stranger.reason(), "claimed", "{stranger}");
    open(&postgres_options(&target, &moved, "w")).await.unwrap();
}

#[tokio::test]
async fn what_a_writer_left_open_is_closed_by_one_that_lives() {
    let server = Postgres::start();
    let database = server.ledger();
    let target = server.target("proxy", &database);
    let home = tempfile::tempdir().unwrap();
    let gone = postgres_options(&target, &home.path().join("gone"), "gone");
    let mut gone = open(&gone).await.unwrap();
    let open_intent = intent();
    gone.append("gone", 1, std::slice::from_ref(&open_intent)).await.unwrap();
    let mut first = open(&postgres_options(&target, &home.path().join("a"), "a")).await.unwrap();
    let mut second = open(&postgres_options(&target, &home.path().join("b"), "b")).await.unwrap();
    assert_eq!(first.writers().await.unwrap(), ["a"], "it lives");
    let closing = [completion(&open_intent, 1)];
    let error = first.append("gone", 2, &closing).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    server.sql(
        &database,
        "UPDATE countersign.writers SET heartbeat = now() - interval '31 s' WHERE writer = 'gone'",
    );
    for store in [&mut first, &mut second] {
        assert_eq!(store.writers().await.unwrap().len(), 2);
        assert_eq!(store.orphans("gone", 0, 9).await.unwrap().len(), 1);
    }
    first.append("gone", 2, &closing).await.unwrap();
    let error = second.append("gone", 2, &closing).await.unwrap_err();
    assert!(error.is_conflict(), "exactly once: {error}");
    first.mark_closed("gone", 2).await.ok();
    second.mark_closed("gone", 2).await.unwrap();
    second.mark_closed("gone", 9).await.expect("no further than its log");
    assert_eq!(first.closed_up_to("gone").await.unwrap(), 2, "there is nothing left to close");
    let error = gone.append("gone", 2, &closing).await.unwrap_err();
    assert!(error.is_conflict(), "it must claim again: {error}");
}

#[test]
fn a_proxy_that_is_killed_is_followed_by_itself_and_another_by_its_name_is_refused() {
    let server = Postgres::start();
    let upstream = Upstream::start(|seen| {
        if seen.line().contains("/hang") {
            std::thread::sleep(Duration::from_secs(60));
        }
        Reply::ok()
    });
    let url = server.url("proxy", &server.ledger());
    let mut proxy = Proxy::with(upstream.address, &setup(&url, ""));
    assert_eq!(exchange(proxy.address, &post("/before")).status, 200);
    let address = proxy.address;
    let hanging = std::thread::spawn(move || exchange(address, &post("/hang")));
    wait_until("it is executed", || upstream.seen().len() == 2);
    proxy.kill();
    assert_eq!(hanging.join().unwrap().status, 0);
    proxy.restart();
    let events = events_of(&proxy, "/hang");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["outcome"], "unknown");
    assert_eq!(events[0]["reason"], "proxy_restarted");
    assert_eq!(events_of(&proxy, "/before").len(), 1);
    let home = tempfile::tempdir().unwrap();
    let other = std::process::Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["run", "--config"])
        .arg(proxy.config())
        .current_dir(home.path())
        .output()
        .unwrap();
    assert_eq!(other.status.code(), Some(3));
}

#[tokio::test]
async fn readers_know_that_more_may_come_while_a_proxy_with_a_spool_is_not_heard_of() {
    let server = Postgres::start();
    let database = server.ledger();
    let target = server.target("proxy", &database);
    let home = tempfile::tempdir().unwrap();
    let mut options = postgres_options(&target, &home.path().join("w"), "w");
    let source = LedgerSource::Postgres(Box::new(server.target("proxy", &database)));
    let mut reader = source.reader().await.unwrap();
    for (silence, ages) in [
        // Without a spool nothing comes later.
        (Duration::ZERO, [(0, false), (40, false), (7200, false)]),
        (Duration::from_secs(3600), [(0, false), (40, true), (7200, false)]),
    ] {
        options.silence = silence;
        let store = open(&options).await.unwrap();
        for (age, awaits) in ages {
            let sql =
                format!("UPDATE countersign.writers SET heartbeat = now() - interval '{age} s'");
            server.sql(&database, &sql);
            let fleet = reader.fleet().await.unwrap();
            let silent: &[&str] = if awaits { &[&options.writer] } else { &[] };
            assert_eq!(fleet.silent, silent, "{silence:?} {age}");
        }
        store.close().await.unwrap();
        assert!(reader.fleet().await.unwrap().silent.is_empty());
    }
}

#[test]
fn readers_are_told_of_a_clock_that_is_off() {
    let server = Postgres::start();
    let database = server.ledger();
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::with(upstream.address, &setup(&server.url("proxy", &database), ""));
    let token = std::fs::read_to_string(proxy.data().join("bootstrap.token")).unwrap();
    let ask = format!(
        "GET /v1/admin/audit HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        token.trim()
    );
    let warned = || exchange(proxy.reading, ask.as_bytes()).text();
    assert!(!warned().contains("clock"), "{}", warned());
    // Another proxy, which says that it is later there.
    let other = |age: u32| {
        server.sql(
            &database,
            &format!(
                "INSERT INTO countersign.writers (writer, epoch, instance, place, holder, heartbeat, \
                 silence_ms, skew_ms) VALUES ('late', 1, 'i', 'p', 'h', now() - interval '{age} s', 0, \
                 -4200) ON CONFLICT (writer) DO UPDATE SET heartbeat = excluded.heartbeat"
            ),
        );
    };
    other(10);
    assert!(warned().contains("the clock of a proxy is 4.2 s from"), "{}", warned());
    other(3600);
    assert!(!warned().contains("clock"), "{}", warned());
}
