//! The fault table of the guarantee, row by row, with the real binary: what the client gets, what
//! the upstream sees, and what is on record afterwards.

use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::support::{
    Answer, Proxy, Reply, Setup, Upstream, WriteLock, completions, exchange, exchange_on,
    free_address, read_answer, rows, wait_until,
};

fn send(method: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "{method} {path} HTTP/1.1\r\nHost: admin.example\r\n{headers}Content-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn post(path: &str) -> Vec<u8> {
    send("POST", path, "Content-Type: application/json\r\n", br#"{"name":"x"}"#)
}

fn ready(proxy: &Proxy) -> (u16, Value) {
    let (status, text) = proxy.read("/readyz");
    (status, serde_json::from_str(&text).unwrap_or_default())
}

fn wait_ready(proxy: &Proxy) {
    wait_until("the proxy is ready again", || ready(proxy).0 == 200);
}

/// The only event there is.
fn only_event(proxy: &Proxy) -> Value {
    let mut events = proxy.events();
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn quick() -> Setup {
    Setup { ledger: "  timeout: 1s".to_owned(), ..Setup::default() }
}

fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.problem().as_deref(), Some("audit-unavailable"));
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.header("countersign-event"), None);
}

#[test]
fn a_store_that_hangs_refuses_mutations_and_passes_reads_until_it_is_back() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::with(upstream.address, &quick());
    let lock = WriteLock::take(&proxy.data());
    assert_unavailable(&exchange(proxy.address, &post("/users/1")));
    assert_unavailable(&exchange(proxy.address, &post("/users/2")));
    assert_eq!(upstream.connections(), 0);
    let (status, readiness) = ready(&proxy);
    assert_eq!((status, &readiness["ready"]), (503, &json!(false)));
    assert_ne!(readiness["reasons"], json!([]));
    let metrics = proxy.read("/metrics").1;
    assert!(metrics.lines().any(|l| l.contains("store_errors_total{")), "{metrics}");
    let read = exchange(proxy.address, b"GET /users HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(read.status, 200);
    drop(lock);
    wait_ready(&proxy);
    assert_eq!(exchange(proxy.address, &post("/users/3")).status, 200);
    assert_eq!(only_event(&proxy)["request"]["path"], "/users/3");
    assert_eq!(upstream.seen().iter().filter(|seen| seen.line().starts_with("POST")).count(), 1);
}

#[test]
fn a_store_that_fails_after_the_intent_withholds_the_response_and_records_it_later() {
    let data = Arc::new(OnceLock::<PathBuf>::new());
    let lock = Arc::new(Mutex::new(None));
    let (place, holder) = (Arc::clone(&data), Arc::clone(&lock));
    let upstream = Upstream::start(move |_| {
        *holder.lock().unwrap() = Some(WriteLock::take(place.get().unwrap()));
        Reply::response("201 Created", "application/json", r#"{"id":"u_1"}"#)
    });
    let proxy = Proxy::with(upstream.address, &quick());
    data.set(proxy.data()).unwrap();
    let answer = exchange(proxy.address, &post("/users"));
    assert_eq!(answer.status, 503);
    assert_eq!(answer.problem().as_deref(), Some("audit-incomplete"));
    assert!(!answer.text().contains("u_1"), "the response is withheld");
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    let id = problem["event"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("countersign-event"), Some(id.as_str()));
    assert_eq!(upstream.seen().len(), 1);
    assert_eq!(upstream.seen()[0].header("countersign-request"), Some(id.as_str()));
    let kinds: Vec<String> = rows(&proxy.data()).into_iter().map(|row| row.kind).collect();
    assert_eq!(kinds, ["intent"]);
    assert_unavailable(&exchange(proxy.address, &post("/users")));
    lock.lock().unwrap().take();
    wait_ready(&proxy);
    wait_until("the completion is on record", || completions(&proxy.data()).len() == 1);
    let event = only_event(&proxy);
    assert_eq!(event["id"], id.as_str());
    assert_eq!((&event["outcome"], &event["response"]["status"]), (&json!("success"), &json!(201)));
    assert_eq!(upstream.seen().len(), 1);
}
