//! The fault table, row by row.

use std::sync::{Arc, Mutex};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::cut::{Cut, Loses};
use super::{assert_unavailable, events_of, post, setup, wait_ready};
use crate::support::{Postgres, Proxy, Reply, Upstream, exchange, wait_until};

#[test]
fn a_server_that_crashes_refuses_mutations_until_it_is_back() {
    let mut server = Postgres::start();
    let upstream = Upstream::start(|_| Reply::ok());
    let url = server.url("proxy", &server.ledger());
    let proxy = Proxy::with(upstream.address, &setup(&url, ""));
    assert_eq!(exchange(proxy.address, &post("/before")).status, 200);
    server.crash();
    assert_unavailable(&exchange(proxy.address, &post("/down/1")));
    assert_unavailable(&exchange(proxy.address, &post("/down/2")));
    assert_eq!(upstream.seen().len(), 1, "nothing that is not on record is executed");
    let readiness: Value = serde_json::from_str(&proxy.read("/readyz").1).unwrap();
    assert_eq!(readiness["ready"], json!(false));
    let get = b"GET /users HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(exchange(proxy.address, get).status, 200, "what is not audited goes on");
    server.restart();
    wait_ready(&proxy);
    assert_eq!(exchange(proxy.address, &post("/after")).status, 200);
    for (path, outcome) in [("/before", "success"), ("/after", "success")] {
        let events = events_of(&proxy, path);
        assert_eq!(events.len(), 1, "{path}");
        assert_eq!(events[0]["outcome"], outcome, "{path}");
    }
    // Of the first it was not known at once that it had come to nothing.
    for path in ["/down/1", "/down/2"] {
        assert!(events_of(&proxy, path).iter().all(|event| event["reason"] == "not_sent"));
    }
}

#[test]
fn a_server_that_crashes_after_the_intent_has_the_real_outcome_later() {
    let server = Arc::new(Mutex::new(Postgres::start()));
    let database = server.lock().unwrap().ledger();
    let crashing = Arc::clone(&server);
    let upstream = Upstream::start(move |_| {
        crashing.lock().unwrap().crash();
        Reply::response("201 Created", "application/json", r#"{"id":"u_1"}"#)
    });
    let url = server.lock().unwrap().url("proxy", &database);
    let proxy = Proxy::with(upstream.address, &setup(&url, ""));
    let answer = exchange(proxy.address, &post("/users"));
    assert_eq!(answer.problem().as_deref(), Some("audit-incomplete"), "{answer:?}");
    assert!(!answer.text().contains("u_1"), "the response is withheld");
    server.lock().unwrap().restart();
    wait_ready(&proxy);
    wait_until("the outcome is on record", || {
        events_of(&proxy, "/users").first().is_some_and(|event| event["outcome"] == "success")
    });
    let events = events_of(&proxy, "/users");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["response"]["status"], 201);
    assert_eq!(upstream.seen().len(), 1);
}

#[test]
fn a_server_that_stands_still_refuses_mutations_in_time() {
    let server = Postgres::start();
    let upstream = Upstream::start(|_| Reply::ok());
    let url = server.url("proxy", &server.ledger());
    let proxy = Proxy::with(upstream.address, &setup(&url, ""));
    assert_eq!(exchange(proxy.address, &post("/before")).status, 200);
    server.signal(Signal::STOP);
    assert_unavailable(&exchange(proxy.address, &post("/still/1")));
    assert_unavailable(&exchange(proxy.address, &post("/still/2")));
    assert_eq!(upstream.seen().len(), 1);
    server.signal(Signal::CONT);
    wait_ready(&proxy);
    assert_eq!(exchange(proxy.address, &post("/after")).status, 200);
    assert_eq!(upstream.seen().len(), 2);
    wait_until("nothing is left open", || {
        proxy.events().iter().all(|event| event["outcome"] != "pending")
    });
    for path in ["/still/1", "/still/2"] {
        // The server may have woken up to the first one.
        assert!(events_of(&proxy, path).iter().all(|event| event["reason"] == "not_sent"));
    }
    assert_eq!(events_of(&proxy, "/after").len(), 1);
}

/// What is lost, of which half; what the client gets, how often the upstream is reached, and how the
/// event then ends.
type Row = (Loses, &'static str, &'static str, usize, Option<(&'static str, Option<&'static str>)>);

const INTENT: &str = "the intent";
const COMPLETION: &str = "the completion";
const NOT_SENT: Option<(&str, Option<&str>)> = Some(("failure", Some("not_sent")));
const DONE: Option<(&str, Option<&str>)> = Some(("success", None));

const BY_ITSELF: [Row; 4] = [
    (Loses::Request, INTENT, "audit-unavailable", 0, None),
    (Loses::Answer, INTENT, "audit-unavailable", 0, NOT_SENT),
    (Loses::Request, COMPLETION, "audit-incomplete", 1, DONE),
    (Loses::Answer, COMPLETION, "audit-incomplete", 1, DONE),
];

const IN_TRANSACTIONS: [Row; 6] = [
    (Loses::Request, INTENT, "audit-unavailable", 0, None),
    (Loses::Answer, INTENT, "audit-unavailable", 0, None),
    (Loses::CommitAnswer, INTENT, "audit-unavailable", 0, NOT_SENT),
    (Loses::Request, COMPLETION, "audit-incomplete", 1, DONE),
    (Loses::Answer, COMPLETION, "audit-incomplete", 1, DONE),
    (Loses::CommitAnswer, COMPLETION, "audit-incomplete", 1, DONE),
];

fn connections_are_cut(rows: &[Row], more: &str) {
    let server = Postgres::start();
    let cut = Cut::before(server.port);
    let upstream = Upstream::start(|seen| {
        let path = seen.line().split(' ').nth(1).unwrap().replace('/', "_");
        let body = format!(r#"{{"id":"answer{path}_"}}"#);
        Reply::response("201 Created", "application/json", &body)
    });
    let url = format!("postgres://proxy@127.0.0.1:{}/{}", cut.port, server.ledger());
    let proxy = Proxy::with(upstream.address, &setup(&url, more));
    for (n, (loses, mark, problem, reached, ends)) in rows.iter().enumerate() {
        let case = format!("{loses:?} of {mark}");
        let path = format!("/marked/{n}");
        let before = upstream.seen().len();
        let answer = format!("answer_marked_{n}_");
        cut.at(if *mark == INTENT { &path } else { &answer }, *loses);
        let answer = exchange(proxy.address, &post(&path));
        assert!(cut.is_done(), "{case}");
        assert_eq!(answer.problem().as_deref(), Some(*problem), "{case}: {answer:?}");
        assert_eq!(upstream.seen().len() - before, *reached, "{case}");
        wait_ready(&proxy);
        assert_eq!(exchange(proxy.address, &post("/fine")).status, 201, "{case}");
        wait_until("nothing is left open", || {
            proxy.events().iter().all(|event| event["outcome"] != "pending")
        });
        let events = events_of(&proxy, &path);
        let ended: Vec<_> = events
            .iter()
            .map(|event| (event["outcome"].as_str().unwrap(), event["reason"].as_str()))
            .collect();
        assert_eq!(ended, ends.as_slice(), "{case}");
    }
    assert_eq!(events_of(&proxy, "/fine").len(), rows.len());
}

#[test]
fn a_connection_that_is_cut_is_settled() {
    connections_are_cut(&BY_ITSELF, "");
}

#[test]
fn a_connection_that_is_cut_before_and_during_commit_is_settled() {
    connections_are_cut(&IN_TRANSACTIONS, ", prepared_statements: false");
}

#[test]
fn a_disk_that_is_full_is_told_and_recovered_from() {
    let Some(server) = Postgres::on_a_small_disk() else {
        assert!(std::env::var_os("CI").is_none(), "in CI, a small file system must be possible");
        println!("NOT TRIED: this system does not let us mount a small file system");
        return;
    };
    let database = server.ledger();
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::with(upstream.address, &setup(&server.url("proxy", &database), ""));
    assert_eq!(exchange(proxy.address, &post("/before")).status, 200);
    server.sql(
        &database,
        "CREATE TABLE ballast (n text); ALTER TABLE ballast ALTER n SET STORAGE EXTERNAL",
    );
    for size in [200_000, 8_000, 100] {
        let fill = format!(
            "DO $$ BEGIN LOOP INSERT INTO ballast SELECT repeat('x', {size}); COMMIT; END LOOP; END $$"
        );
        server.try_sql("postgres", &database, &fill).unwrap_err();
    }
    let mut refused = None;
    // What the ledger's own pages still have room for.
    for n in 0..200 {
        let answer = exchange(proxy.address, &post(&format!("/full/{n}")));
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("a full disk refuses");
    assert_eq!(refused.status, 503);
    // What is small may fit in between, and then it works again for that long.
    wait_until("readiness says that there is no room", || {
        exchange(proxy.address, &post("/full/again"));
        let readiness: Value = serde_json::from_str(&proxy.read("/readyz").1).unwrap();
        readiness["ready"] == json!(false) && readiness["reasons"].to_string().contains("disk_full")
    });
    server.sql(&database, "DROP TABLE ballast");
    wait_ready(&proxy);
    assert_eq!(exchange(proxy.address, &post("/after")).status, 200);
    assert_eq!(events_of(&proxy, "/after").len(), 1);
}
