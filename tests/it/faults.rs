//! The fault table of the guarantee, row by row, with the real binary: what the client gets, what
//! the upstream sees, and what is on record afterwards.

mod bodies;

use std::io::Write;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::{Value, json};

use super::support::{
    Answer, Proxy, Reply, Setup, Upstream, WriteLock, completions, exchange, free_address,
    read_answer, rows, wait_until,
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
    let read =
        exchange(proxy.address, b"GET /users HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
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
    assert!(event["notes"].to_string().contains("the response was withheld"), "{event}");
    let said = proxy.all_events();
    assert!(!said.iter().any(|event| event["action"] == "audit.response_withhold"), "said once");
    assert_eq!(upstream.seen().len(), 1);
}

/// Lets the process's files grow to `bytes` and no further, as a full disk would.
fn limit_files(proxy: &Proxy, bytes: &str) {
    let pid = proxy.pid().to_string();
    let limit = format!("--fsize={bytes}:");
    assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap().success());
}

#[test]
fn a_full_disk_refuses_mutations_says_so_and_is_recovered_from() {
    let upstream = Upstream::start(|_| Reply::ok());
    let prelude = "trap '' XFSZ; ulimit -S -f 1024".to_owned();
    let proxy = Proxy::with(upstream.address, &Setup { prelude, ..quick() });
    let body = serde_json::to_vec(&json!({"text": "lorem ipsum ".repeat(4000)})).unwrap();
    let big = send("POST", "/notes", "Content-Type: application/json\r\n", &body);
    let mut executed = 0;
    // Where something large has no room, something small may still have some.
    for n in 0.. {
        assert!(n < 1000, "the disk never filled up");
        let small = post("/notes");
        let answer = exchange(proxy.address, if n % 2 == 0 { &big } else { &small });
        let is_executed =
            answer.status == 200 || answer.problem().as_deref() == Some("audit-incomplete");
        assert!(is_executed || answer.problem().as_deref() == Some("audit-unavailable"));
        executed += usize::from(is_executed);
        assert_eq!(upstream.seen().len(), executed);
        if ready(&proxy).1["reasons"] == json!(["disk_full"]) {
            break;
        }
    }
    assert!(executed > 0);
    assert_eq!(ready(&proxy).0, 503);
    let answer = exchange(proxy.address, &post("/notes"));
    assert_unavailable(&answer);
    assert!(answer.text().contains("disk_full"), "{}", answer.text());
    assert_eq!(upstream.seen().len(), executed);
    // What is tried meanwhile is as large as what was refused.
    let told = proxy.log().matches("the ledger works again").count();
    for _ in 0..25 {
        assert_eq!(ready(&proxy).1["reasons"], json!(["disk_full"]));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(proxy.log().matches("the ledger works again").count(), told, "{}", proxy.log());
    limit_files(&proxy, "unlimited");
    wait_ready(&proxy);
    let answer = exchange(proxy.address, &post("/notes"));
    assert_eq!(answer.status, 200);
    let events = proxy.events();
    assert_eq!(events.len(), executed + 1);
    assert!(events.iter().all(|event| event["outcome"] == "success"), "{events:?}");
}

#[test]
fn a_full_queue_refuses_at_once() {
    let upstream = Upstream::start(|_| Reply::ok());
    let ledger = "  timeout: 3s\n  queue: 1\n  batch: 1".to_owned();
    let proxy = Proxy::with(upstream.address, &Setup { ledger, ..Setup::default() });
    let lock = WriteLock::take(&proxy.data());
    // One is being appended, one waits: of four, at least two find the queue full.
    let address = proxy.address;
    let clients: Vec<_> =
        (0..4).map(|_| std::thread::spawn(move || exchange(address, &post("/users")))).collect();
    wait_until("readiness knows of the queue", || {
        ready(&proxy).1["reasons"] == json!(["queue_full"])
    });
    let answers: Vec<Answer> = clients.into_iter().map(|c| c.join().unwrap()).collect();
    answers.iter().for_each(assert_unavailable);
    let full = answers.iter().filter(|answer| answer.text().contains("queue_full")).count();
    assert!(full >= 2, "{answers:?}");
    assert_eq!(upstream.connections(), 0);
    drop(lock);
    wait_ready(&proxy);
    assert_eq!(exchange(proxy.address, &post("/users")).status, 200);
    assert_eq!(proxy.events().len(), 1);
}

#[test]
fn a_second_writer_is_refused_with_a_clear_error() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let config = proxy.home.path().join("second.yaml");
    let text = std::fs::read_to_string(proxy.config())
        .unwrap()
        .replace(&proxy.address.to_string(), &free_address().to_string())
        .replace(&proxy.reading.to_string(), &free_address().to_string());
    std::fs::write(&config, text).unwrap();
    let mut second = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let output = second.args(["run", "--config"]).arg(&config).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains(&proxy.pid().to_string()), "{error}");
    assert!(error.contains("ledger.lock"), "{error}");
    assert_eq!(exchange(proxy.address, &post("/users")).status, 200);
}

#[test]
fn a_ledger_that_is_locked_at_the_start_is_told_with_who_holds_it() {
    let upstream = Upstream::start(|_| Reply::ok());
    let mut proxy = Proxy::with(upstream.address, &quick());
    proxy.kill();
    let lock = WriteLock::take(&proxy.data());
    proxy.respawn();
    assert_eq!(proxy.wait(), Some(3));
    let log = proxy.log();
    assert!(log.contains(&format!("is locked by process {}", std::process::id())), "{log}");
    assert!(log.contains("ledger.db"), "{log}");
    drop(lock);
    proxy.restart();
    assert_eq!(exchange(proxy.address, &post("/users")).status, 200);
}

#[test]
fn an_upstream_that_fails_is_on_record_as_what_it_did() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it".to_vec();
    let many = |count: usize| {
        let fields: String = (2..=count).map(|n| format!("X-Field-{n}: a\r\n")).collect();
        Reply::Bytes(
            format!("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n{fields}\r\n").into_bytes(),
        )
    };
    let silent = Reply::Later(Duration::from_secs(30), Vec::new());
    let rows = [
        ("dies before it answers", Reply::Close, 502, "upstream_lost"),
        ("dies in its answer", Reply::BytesThenClose(half), 502, "upstream_lost"),
        (
            "talks nonsense",
            Reply::BytesThenClose(b"nonsense\r\n\r\n".to_vec()),
            502,
            "upstream_invalid",
        ),
        ("answers with many fields", many(256), 201, ""),
        ("answers with too many fields", many(257), 502, "upstream_invalid"),
        ("does not answer in time", silent, 504, "upstream_timeout"),
    ];
    for (what, reply, status, reason) in rows {
        let upstream = Upstream::start(move |_| reply.clone());
        let timeout = if status == 504 { "300ms" } else { "30s" };
        let more = format!("timeouts: {{upstream_read: {timeout}}}");
        let proxy = Proxy::with(upstream.address, &Setup { more, ..Setup::default() });
        let answer = exchange(proxy.address, &post("/users"));
        assert_eq!(answer.status, status, "{what}");
        assert!(!answer.text().contains("half"), "{what}");
        assert_eq!(upstream.seen().len(), 1, "{what}");
        let event = only_event(&proxy);
        assert_eq!(event["id"].as_str(), answer.header("countersign-event"), "{what}");
        let outcome = if reason.is_empty() { "success" } else { "unknown" };
        assert_eq!(event["outcome"], outcome, "{what}");
        assert_eq!(event["reason"].as_str().unwrap_or_default(), reason, "{what}");
    }
}

#[test]
fn an_upstream_that_refuses_was_not_sent_anything() {
    let proxy = Proxy::start(free_address());
    let answer = exchange(proxy.address, &post("/users"));
    assert_eq!((answer.status, answer.problem().as_deref()), (502, Some("bad-gateway")));
    let event = only_event(&proxy);
    assert_eq!(event["id"].as_str(), answer.header("countersign-event"));
    assert_eq!((&event["outcome"], &event["reason"]), (&json!("failure"), &json!("not_sent")));
}

#[test]
fn a_502_says_whether_the_application_had_the_request() {
    let upstream = Upstream::start(|_| Reply::Close);
    let routes = "- {name: by, paths: [/by], upstream: app, kind: bypass}\n\
                  - {name: gw, paths: [/gw], upstream: app, kind: gateway}\n\
                  - {name: default, upstream: app}";
    let setup = Setup { routes: routes.to_owned(), ..Setup::default() };
    let (had, never) = ("lost after it had the request", "the request was not executed");
    for (address, says) in [(upstream.address, had), (free_address(), never)] {
        let proxy = Proxy::with(address, &setup);
        for path in ["/by/x", "/gw/x", "/x"] {
            for method in ["POST", "GET"] {
                let request = format!(
                    "{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                let answer = exchange(proxy.address, request.as_bytes());
                assert_eq!(answer.status, 502, "{method} {path}");
                assert!(answer.text().contains(says), "{method} {path}: {}", answer.text());
            }
        }
    }
}

#[test]
fn a_client_that_leaves_within_the_captured_body_leaves_nothing() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let partial = [
        "POST /users/gone HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{\"name\":",
        "POST /users/gone HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{\"name\":",
        "POST /users/gone HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
    ];
    for bytes in partial {
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        // The proxy has seen the end when it closes its side.
        assert_eq!(read_answer(&mut stream).status, 0, "{bytes}");
    }
    assert_eq!(upstream.connections(), 0);
    assert!(rows(&proxy.data()).is_empty());
    assert_eq!(exchange(proxy.address, &post("/users")).status, 200);
    assert_eq!(only_event(&proxy)["request"]["path"], "/users");
}

fn small_capture() -> Setup {
    let routes = "  - {name: default, upstream: app, capture: {request: 1KiB, response: 1KiB}}";
    Setup { routes: routes.to_owned(), ..Setup::default() }
}

#[test]
fn a_client_that_leaves_beyond_the_captured_body_aborts_the_request() {
    let heads = ["Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n186A0\r\n"];
    for head in heads {
        let upstream = Upstream::start(|_| Reply::ok());
        let proxy = Proxy::with(upstream.address, &small_capture());
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        let bytes = format!("POST /users HTTP/1.1\r\nHost: a\r\n{head}{}", "x".repeat(50_000));
        stream.write_all(bytes.as_bytes()).unwrap();
        wait_until("the intent is on record", || rows(&proxy.data()).len() == 1);
        drop(stream);
        wait_until("the completion is on record", || completions(&proxy.data()).len() == 1);
        let event = only_event(&proxy);
        assert_eq!(event["outcome"], "failure", "{event}");
        assert_eq!(event["reason"], "client_aborted");
        assert_eq!(event["request"]["truncated"], true);
        let request = &event["request"];
        assert_eq!(
            (&request["size"], &request["sha256"]),
            (&json!(50_000), &Value::Null),
            "{event}"
        );
        assert!(request["notes"].to_string().contains("cut_short"), "{event}");
        assert!(upstream.seen().is_empty(), "the upstream never had the whole of it");
    }
}

#[test]
fn a_client_that_leaves_while_it_waits_changes_nothing_but_a_remark() {
    let (answer_now, wait) = sync_channel::<()>(1);
    let wait = Mutex::new(wait);
    let upstream = Upstream::start(move |_| {
        wait.lock().unwrap().recv().ok();
        Reply::response("201 Created", "application/json", r#"{"id":"u_1"}"#)
    });
    let proxy = Proxy::start(upstream.address);
    let mut stream = TcpStream::connect(proxy.address).unwrap();
    stream.write_all(&post("/users")).unwrap();
    wait_until("the upstream has the request", || upstream.seen().len() == 1);
    drop(stream);
    // The proxy's side of the connection must hear of it before the upstream answers; nothing
    // outside shows when it has.
    std::thread::sleep(Duration::from_millis(500));
    answer_now.send(()).unwrap();
    wait_until("the completion is on record", || completions(&proxy.data()).len() == 1);
    let event = only_event(&proxy);
    assert_eq!((&event["outcome"], &event["client_gone"]), (&json!("success"), &json!(true)));
    assert_eq!(event["response"]["status"], 201);
    assert_eq!(event["response"]["body"]["id"], "u_1");
    assert_eq!(upstream.seen().len(), 1);
}

#[test]
fn a_kept_connection_that_the_upstream_closed_never_executes_twice() {
    // Every answer is followed by a close that was not announced.
    let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec();
    let upstream = Upstream::start(move |_| Reply::BytesThenClose(ok.clone()));
    let proxy = Proxy::start(upstream.address);
    let mut answers = Vec::new();
    for n in 0..40 {
        let method = ["POST", "PUT", "DELETE", "PATCH"][n % 4];
        let answer = exchange(proxy.address, &send(method, &format!("/users/{n}"), "", b"x"));
        answers.push((format!("{method} /users/{n} HTTP/1.1"), answer));
    }
    let events = proxy.events();
    assert_eq!(events.len(), answers.len());
    let seen = upstream.seen();
    for ((line, answer), event) in answers.iter().zip(&events) {
        let executed = seen.iter().filter(|seen| seen.line() == line).count();
        assert_eq!(event["id"].as_str(), answer.header("countersign-event"), "{line}");
        match answer.status {
            200 => assert_eq!((executed, &event["outcome"]), (1, &json!("success")), "{line}"),
            502 => {
                assert!(executed <= 1, "{line}");
                assert_ne!(event["outcome"], "success", "{line}");
            }
            other => panic!("{line}: {other}"),
        }
    }
}

#[test]
fn a_kept_connection_that_closes_on_its_second_request_is_not_tried_again() {
    let first = AtomicBool::new(true);
    let upstream = Upstream::start(move |_| {
        if first.swap(false, Ordering::SeqCst) { Reply::ok() } else { Reply::Close }
    });
    let proxy = Proxy::start(upstream.address);
    assert_eq!(exchange(proxy.address, &post("/users/1")).status, 200);
    let answer = exchange(proxy.address, &send("PUT", "/users/2", "", b"x"));
    assert_eq!(answer.status, 502);
    assert_eq!((upstream.seen().len(), upstream.connections()), (2, 1));
    let events = proxy.events();
    assert_eq!(
        (&events[1]["outcome"], &events[1]["reason"]),
        (&json!("unknown"), &json!("upstream_lost"))
    );
}
