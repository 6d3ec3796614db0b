//! `kill -9` of the real binary at every step of an exchange, and stopping in order.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::support::{
    Proxy, Reply, Row, Setup, Upstream, WriteLock, completions, exchange, exchange_on, rows,
    rows_after, wait_until,
};

const POST: &[u8] =
    b"POST /users HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";

fn patient() -> Setup {
    Setup { ledger: "  timeout: 60s".to_owned(), ..Setup::default() }
}

/// Restarts twice: what was closed once stays closed once.
fn only_completion_after_restarts(proxy: &mut Proxy) -> Row {
    for _ in 0..2 {
        proxy.restart();
        assert_eq!(completions(&proxy.data()).len(), 1);
        proxy.kill();
    }
    let found = rows(&proxy.data());
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!((found[0].kind.as_str(), found[1].intent), ("intent", Some(found[0].seq)));
    assert_eq!(found[0].id, found[1].id);
    found[1].clone()
}

fn assert_closed_as_unknown(completion: &Row) {
    let doc = &completion.doc;
    assert_eq!((&doc["outcome"], &doc["reason"]), (&json!("unknown"), &json!("proxy_restarted")));
}

#[test]
fn killed_before_the_intent_nothing_has_happened() {
    let upstream = Upstream::start(|_| Reply::ok());
    let mut proxy = Proxy::with(upstream.address, &patient());
    let lock = WriteLock::take(&proxy.data());
    let mut clients = Vec::new();
    // One that waits in the queue shows that another is being appended.
    wait_until("a request waits for its intent", || {
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        stream.write_all(POST).unwrap();
        clients.push(stream);
        let status: serde_json::Value = serde_json::from_str(&proxy.read("/readyz").1).unwrap();
        status["queue_depth"].as_u64() > Some(0)
    });
    proxy.kill();
    drop(lock);
    for mut client in clients {
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).ok();
        assert!(answer.is_empty());
    }
    proxy.restart();
    assert!(rows(&proxy.data()).is_empty());
    assert_eq!(upstream.connections(), 0);
    assert_eq!(exchange(proxy.address, POST).status, 200);
    assert_eq!(proxy.events().len(), 1);
}

#[test]
fn killed_while_the_upstream_has_not_read_the_request_it_is_unknown() {
    // The kernel accepts for a listener that never looks.
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut proxy = Proxy::start(upstream.local_addr().unwrap());
    let address = proxy.address;
    let client = thread::spawn(move || exchange(address, POST));
    wait_until("the intent is on record", || rows(&proxy.data()).len() == 1);
    proxy.kill();
    assert_eq!(client.join().unwrap().status, 0);
    assert_closed_as_unknown(&only_completion_after_restarts(&mut proxy));
}

#[test]
fn killed_while_the_upstream_works_it_is_unknown() {
    let upstream = Upstream::start(|_| Reply::Later(Duration::from_secs(60), Vec::new()));
    let mut proxy = Proxy::start(upstream.address);
    let address = proxy.address;
    let client = thread::spawn(move || exchange(address, POST));
    wait_until("the upstream has the request", || upstream.seen().len() == 1);
    let found = rows(&proxy.data());
    assert_eq!(found.len(), 1, "the intent is durable before the upstream sees the request");
    proxy.kill();
    assert_eq!(client.join().unwrap().status, 0);
    assert_closed_as_unknown(&only_completion_after_restarts(&mut proxy));
    assert_eq!(upstream.seen().len(), 1);
    assert_eq!(upstream.seen()[0].header("countersign-request"), Some(found[0].id.as_str()));
}

#[test]
fn killed_between_the_answer_and_its_completion_it_is_unknown() {
    let data = Arc::new(OnceLock::new());
    let lock = Arc::new(Mutex::new(None));
    let (place, holder) = (Arc::clone(&data), Arc::clone(&lock));
    let upstream = Upstream::start(move |_| {
        let place: &std::path::PathBuf = place.get().unwrap();
        *holder.lock().unwrap() = Some(WriteLock::take(place));
        Reply::ok()
    });
    let mut proxy = Proxy::with(upstream.address, &patient());
    data.set(proxy.data()).unwrap();
    let address = proxy.address;
    let client = thread::spawn(move || exchange(address, POST));
    // The answer is on its way, or waits for its completion; either way it cannot be released.
    wait_until("the upstream has answered", || lock.lock().unwrap().is_some());
    proxy.kill();
    lock.lock().unwrap().take();
    assert_eq!(client.join().unwrap().status, 0);
    assert_closed_as_unknown(&only_completion_after_restarts(&mut proxy));
    assert_eq!(upstream.seen().len(), 1);
}

#[test]
fn killed_while_the_response_is_released_the_real_completion_stays() {
    let size = 24 << 20;
    let upstream =
        Upstream::start(move |_| Reply::response("201 Created", "text/plain", &"x".repeat(size)));
    let setup = Setup {
        routes: "  - {name: default, upstream: app, capture: {response: 32MiB}}".to_owned(),
        more: "limits: {captured_bytes: 128MiB}".to_owned(),
        ..patient()
    };
    let mut proxy = Proxy::with(upstream.address, &setup);
    let mut stream = TcpStream::connect(proxy.address).unwrap();
    stream.write_all(POST).unwrap();
    wait_until("the completion is on record", || completions(&proxy.data()).len() == 1);
    // The client has not read a byte: more than its buffers hold is still with the proxy.
    proxy.kill();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).ok();
    assert!(received.len() < size, "the release was not finished");
    let completion = only_completion_after_restarts(&mut proxy);
    assert_eq!(completion.doc["outcome"], "success");
    assert_eq!(completion.doc["response"]["status"], 201);
    assert_eq!(completion.doc["response"]["release"], "held");
    assert_eq!(upstream.seen().len(), 1);
}

#[test]
fn told_to_stop_it_finishes_what_is_in_flight() {
    let (answer_now, wait) = sync_channel::<()>(1);
    let wait = Mutex::new(wait);
    let upstream = Upstream::start(move |_| {
        wait.lock().unwrap().recv().ok();
        Reply::ok()
    });
    let mut proxy = Proxy::start(upstream.address);
    let address = proxy.address;
    let client = thread::spawn(move || exchange(address, POST));
    wait_until("the upstream has the request", || upstream.seen().len() == 1);
    proxy.signal("TERM");
    wait_until("new connections are refused", || TcpStream::connect(address).is_err());
    let (status, readiness) = proxy.read("/readyz");
    assert!(status == 503 && readiness.contains(r#""stopping""#), "{readiness}");
    assert_eq!(proxy.read("/livez").0, 200);
    answer_now.send(()).unwrap();
    let answer = client.join().unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(proxy.wait(), Some(0));
    let completions = completions(&proxy.data());
    assert_eq!(completions.len(), 1);
    assert_eq!(answer.header("countersign-event"), Some(completions[0].id.as_str()));
    assert_eq!(completions[0].doc["outcome"], "success");
    let last = rows_after(&proxy.data(), 0).pop().unwrap();
    assert_eq!(last.doc["action"], "audit.stop", "{last:?}");
    assert!(proxy.log().contains("INFO stopped"), "{}", proxy.log());
}

#[test]
fn interrupted_while_idle_it_ends_at_once_and_well() {
    let upstream = Upstream::start(|_| Reply::ok());
    let mut proxy = Proxy::start(upstream.address);
    // A client that keeps its connection must not hold up the end.
    let mut stream = TcpStream::connect(proxy.address).unwrap();
    let keep = b"POST /users HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(exchange_on(&mut stream, keep).status, 200);
    proxy.signal("INT");
    assert_eq!(proxy.wait(), Some(0));
    assert!(proxy.log().contains("INFO stopped"), "the recorder has ended: {}", proxy.log());
    stream.shutdown(Shutdown::Both).ok();
    assert_eq!(completions(&proxy.data()).len(), 1);
}
