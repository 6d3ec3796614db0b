//! The spool: an outage of the database is bridged by a file of the proxy's own machine.

use serde_json::Value;

use super::{assert_unavailable, events_of, post};
use crate::support::{Postgres, Proxy, Reply, Setup, Upstream, exchange, wait_until};

fn setup(url: &str, spool: &str) -> Setup {
    Setup {
        ledger: format!(
            "  timeout: 2s\n  writer: one\n  sweep_interval: 100ms\n  postgres: {{url: \"{url}\"}}\n\
             \x20 spool: {spool}"
        ),
        ..Setup::default()
    }
}

fn readiness(proxy: &Proxy) -> Value {
    serde_json::from_str(&proxy.read("/readyz").1).unwrap()
}

/// A request of which a spool of 1 MiB takes few.
fn large() -> String {
    let body = format!(r#"{{"name":"{}"}}"#, "lorem ipsum ".repeat(4000));
    format!(
        "POST /large HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn an_outage_of_the_database_is_bridged_and_what_waited_comes_once() {
    let mut server = Postgres::start();
    let upstream = Upstream::start(|_| Reply::ok());
    let database = server.ledger();
    let url = server.url("proxy", &database);
    let mut proxy = Proxy::with(upstream.address, &setup(&url, "{}"));
    assert_eq!(exchange(proxy.address, &post("/before")).status, 200);
    server.crash();
    for n in 0..5 {
        assert_eq!(exchange(proxy.address, &post(&format!("/away/{n}"))).status, 200, "{n}");
    }
    let waiting = readiness(&proxy);
    assert_eq!((&waiting["ready"], &waiting["spool"]["state"]), (&true.into(), &"spooling".into()));
    assert!(waiting["spool"]["entries"].as_u64().unwrap() >= 10, "{waiting}");
    let metrics = proxy.read("/metrics").1;
    assert!(metrics.lines().any(|line| line == "countersign_spool_entries 10"), "{metrics}");
    // What waits is on this machine's disk, and outlives the process.
    proxy.kill();
    server.restart();
    proxy.restart();
    wait_until("all of it is in the database", || readiness(&proxy)["spool"].is_null());
    assert_eq!(exchange(proxy.address, &post("/after")).status, 200);
    for path in ["/before", "/away/0", "/away/1", "/away/2", "/away/3", "/away/4", "/after"] {
        let events = events_of(&proxy, path);
        assert_eq!(events.len(), 1, "{path}");
        assert_eq!(events[0]["outcome"], "success", "{path}");
    }
    assert_eq!(upstream.seen().len(), 7);
    let sql = "SELECT count(*) = max(seq) FROM countersign.entries WHERE writer = 'one'";
    assert_eq!(server.sql(&database, sql).trim(), "t");
}

#[test]
fn a_spool_in_conflict_is_not_ready_and_can_be_put_aside() {
    let server = Postgres::start();
    let upstream = Upstream::start(|_| Reply::ok());
    let database = server.ledger();
    let url = server.url("proxy", &database);
    let mut proxy = Proxy::with(upstream.address, &setup(&url, "{}"));
    assert_eq!(exchange(proxy.address, &post("/before")).status, 200);
    let functions = "EXECUTE ON ALL FUNCTIONS IN SCHEMA countersign";
    server.sql(&database, &format!("REVOKE {functions} FROM countersign_writer"));
    assert_eq!(exchange(proxy.address, &post("/away")).status, 200);
    // Somebody else in its place.
    server.sql(
        &database,
        "SELECT countersign.append('one', w.epoch, w.head, ARRAY['intent'], ARRAY[e.id], \
             ARRAY[NULL]::bigint[], ARRAY[e.scope], ARRAY[e.doc], ARRAY[e.leaf]) \
         FROM countersign.writers w, countersign.entries e \
         WHERE w.writer = 'one' AND e.writer = 'one' AND e.kind = 'intent' ORDER BY e.seq LIMIT 1",
    );
    server.sql(&database, &format!("GRANT {functions} TO countersign_writer"));
    let said = || proxy.read("/readyz");
    wait_until("it is not ready", || said().0 == 503 && said().1.contains("conflict"));
    let reasons = &readiness(&proxy)["reasons"];
    assert!(reasons.as_array().unwrap().contains(&"superseded".into()), "{reasons}");
    assert_unavailable(&exchange(proxy.address, &post("/new")));
    let data = proxy.data();
    let printed = std::process::Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["spool", "--data"])
        .arg(&data)
        .output()
        .unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let waits: Vec<Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(waits.len(), 2, "{printed}");
    assert_eq!((&waits[0]["kind"], &waits[1]["kind"]), (&"intent".into(), &"completion".into()));
    assert_eq!(waits[0]["doc"]["request"]["path"], "/away", "{printed}");
    assert_eq!(waits[1]["intent"], waits[0]["seq"]);
    // As the documents say: put aside, and go on.
    proxy.kill();
    for name in ["spool.db", "spool.db-wal", "spool.db-shm", "spool.head"] {
        std::fs::rename(data.join(name), data.with_extension(name)).ok();
    }
    proxy.restart();
    assert_eq!(exchange(proxy.address, &post("/after")).status, 200);
    assert_eq!(readiness(&proxy)["ready"], true);
    assert_eq!(events_of(&proxy, "/after").len(), 1);
}

#[test]
fn a_spool_with_a_gap_is_named_and_nothing_new_is_begun() {
    let mut server = Postgres::start();
    let upstream = Upstream::start(|_| Reply::ok());
    let database = server.ledger();
    let mut proxy = Proxy::with(upstream.address, &setup(&server.url("proxy", &database), "{}"));
    assert_eq!(exchange(proxy.address, &post("/before")).status, 200);
    server.crash();
    for n in 0..4 {
        assert_eq!(exchange(proxy.address, &post(&format!("/away/{n}"))).status, 200, "{n}");
    }
    proxy.kill();
    let conn = rusqlite::Connection::open(proxy.data().join("spool.db")).unwrap();
    let deleted =
        "DELETE FROM waiting WHERE seq IN (SELECT seq FROM waiting ORDER BY seq LIMIT 2 OFFSET 2)";
    assert_eq!(conn.execute(deleted, []).unwrap(), 2);
    conn.close().unwrap();
    server.restart();
    proxy.restart();
    wait_until("it is told", || {
        let (status, text) = proxy.read("/readyz");
        status == 503 && text.contains("spool_damaged")
    });
    let said = readiness(&proxy);
    assert_eq!(said["spool"]["state"], "damaged", "{said}");
    assert_unavailable(&exchange(proxy.address, &post("/new")));
    assert_eq!(upstream.seen().len(), 5);
}

#[test]
fn a_name_that_the_spool_refuses_is_not_claimed_and_the_old_one_starts_at_once() {
    let mut server = Postgres::start();
    let upstream = Upstream::start(|_| Reply::ok());
    let database = server.ledger();
    let mut proxy = Proxy::with(upstream.address, &setup(&server.url("proxy", &database), "{}"));
    server.crash();
    assert_eq!(exchange(proxy.address, &post("/away")).status, 200);
    proxy.kill();
    server.restart();
    let config = std::fs::read_to_string(proxy.config()).unwrap();
    let renamed = proxy.config().with_file_name("renamed.yaml");
    std::fs::write(&renamed, config.replace("writer: one", "writer: b81c")).unwrap();
    for _ in 0..4 {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["run", "--config"])
            .arg(&renamed)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("entries of the writer `one`"));
    }
    let names = "SELECT string_agg(writer, ',') FROM countersign.writers";
    assert_eq!(server.sql(&database, names), "one");
    proxy.restart();
    wait_until("all is in the database", || events_of(&proxy, "/away").len() == 1);
}

#[test]
fn a_full_spool_refuses_what_is_new() {
    let mut server = Postgres::start();
    let upstream = Upstream::start(|_| Reply::ok());
    let url = server.url("proxy", &server.ledger());
    let proxy = Proxy::with(upstream.address, &setup(&url, "{max_size: 1MiB}"));
    server.crash();
    let large = large();
    let mut taken = 0;
    let refused = loop {
        let answer = exchange(proxy.address, large.as_bytes());
        if answer.status != 200 {
            break answer;
        }
        taken += 1;
        assert!(taken < 100, "the limit does not hold");
    };
    assert_unavailable(&refused);
    assert!(taken > 5, "{taken}");
    assert_eq!(upstream.seen().len(), taken, "nothing that is not on record is executed");
    assert_eq!(readiness(&proxy)["reasons"], serde_json::json!(["spool_full"]));
    server.restart();
    wait_until("it works again", || exchange(proxy.address, &post("/after")).status == 200);
    wait_until("all is in the database", || events_of(&proxy, "/large").len() == taken);
}

#[test]
fn a_full_spool_drains_from_the_start_on_and_the_start_is_on_record() {
    let mut server = Postgres::start();
    let upstream = Upstream::start(|_| Reply::ok());
    let database = server.ledger();
    let url = server.url("proxy", &database);
    let setup = setup(&url, "{max_size: 1MiB}");
    let ledger = setup.ledger.replace("sweep_interval: 100ms", "sweep_interval: 10s");
    let mut proxy = Proxy::with(upstream.address, &Setup { ledger, ..setup });
    server.crash();
    let large = large();
    wait_until("the spool is full", || exchange(proxy.address, large.as_bytes()).status == 503);
    let full = readiness(&proxy);
    assert_eq!((&full["ready"], &full["spool"]["state"]), (&false.into(), &"spooling".into()));
    assert!(full["reasons"].to_string().contains("spool_full"), "{full}");
    proxy.kill();
    server.restart();
    proxy.restart();
    wait_until("all of it is in the database", || readiness(&proxy)["spool"].is_null());
    assert_eq!(exchange(proxy.address, &post("/after")).status, 200);
    let started = "SELECT count(*) FROM countersign.entries WHERE doc LIKE '%\"audit.start\"%'";
    wait_until("both starts are on record", || server.sql(&database, started) == "2");
    assert_eq!(events_of(&proxy, "/after").len(), 1);
}
