//! When states are read, as whom, and that nobody waits for them longer than is said.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::json;

use super::{Answers, Application, event, json as answer, lines, proxy, request};
use crate::support::{
    Http2Reply, Http2Upstream, Proxy, Reply, Setup, Upstream, WriteLock, exchange, http2_exchange,
    rows, wait_until,
};

const ROUTES: &str = "- {name: default, upstream: app, snapshots: convention}\n";
const PATIENCE: &str = "timeouts: {snapshot: 30s}";

#[test]
fn the_intent_is_durable_before_anything_is_read_and_one_connection_is_enough() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let ledger = data.clone();
    let known: Arc<Mutex<Vec<String>>> = Arc::default();
    let found = Arc::clone(&known);
    let upstream = Upstream::start(move |seen| {
        let id = seen.header("countersign-request").unwrap_or_default().to_owned();
        let kinds = rows(&ledger).into_iter().filter(|row| row.id == id).map(|row| row.kind);
        let kinds: Vec<String> = kinds.collect();
        let moment = seen.header("countersign-snapshot").unwrap_or("request").to_owned();
        found.lock().unwrap().push(format!("{moment}: {}", kinds.join(" ")));
        answer("200 OK", r#"{"id":"7"}"#)
    });
    let setup = Setup {
        routes: ROUTES.to_owned(),
        more: PATIENCE.to_owned(),
        data: Some(data),
        ..Setup::default()
    };
    let proxy = Proxy::with(upstream.address, &setup);
    let (status, event) = event(&proxy, &request("PATCH /keys/7", "", r#"{"a":1}"#));
    assert_eq!((status, &event["outcome"]), (200, &json!("success")));
    assert_eq!(*known.lock().unwrap(), ["before: intent", "request: intent", "after: intent"]);
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn states_are_read_as_the_caller_and_reads_are_left_alone() {
    let application = Application::start();
    let state = answer("200 OK", r#"{"id":"7"}"#);
    let done = answer("200 OK", r#"{"id":"7","done":true}"#);
    let answers = Answers { before: state.clone(), done, after: state };
    application.at("/keys/7", answers);
    let (proxy, _rules) = proxy(&application, "", ROUTES, PATIENCE);
    let fields = "Authorization: Bearer abcdefghijkl\r\nCookie: sid=1; b=2\r\nX-Tenant: blue\r\n\
                  Accept: text/html\r\nAccept-Encoding: br\r\nIf-Match: \"3\"\r\n\
                  Idempotency-Key: k\r\nContent-Language: en\r\nCountersign-Snapshot: before\r\n\
                  Countersign-Request: mine\r\n";
    let (status, event) = event(&proxy, &request("PATCH /keys/7", fields, r#"{"a":1}"#));
    assert_eq!(status, 200);
    assert_eq!(application.arrived("/keys/7"), ["before", "PATCH", "after"]);
    let seen = application.upstream.seen();
    for (read, moment) in [(&seen[0], "before"), (&seen[2], "after")] {
        assert_eq!(read.line(), "GET /keys/7 HTTP/1.1");
        assert!(read.body.is_empty());
        for (name, value) in [
            ("host", Some("a")),
            ("authorization", Some("Bearer abcdefghijkl")),
            ("cookie", Some("sid=1; b=2")),
            ("x-tenant", Some("blue")),
            ("x-forwarded-for", Some("127.0.0.1")),
            ("accept", Some("application/json, */*;q=0.1")),
            ("countersign-snapshot", Some(moment)),
            ("countersign-request", event["id"].as_str()),
            ("accept-encoding", None),
            ("if-match", None),
            ("idempotency-key", None),
            ("content-language", None),
            ("content-type", None),
            ("content-length", None),
        ] {
            assert_eq!(read.header(name), value, "{moment}: {name}");
        }
    }
    // What the request itself carries is what it carried, and it is no reading of a state.
    assert_eq!(seen[1].header("if-match"), Some("\"3\""));
    assert_eq!(seen[1].header("countersign-snapshot"), None);
    assert_eq!(proxy.events().len(), 1, "readings are not events");

    for line in ["GET /keys/7", "HEAD /keys/7", "OPTIONS /keys/7"] {
        exchange(proxy.address, &request(line, "", ""));
    }
    assert_eq!(application.upstream.seen().len(), 6, "reads are not observed");
    let metrics = proxy.read("/metrics").1;
    for moment in ["before", "after"] {
        let line = format!("countersign_snapshots_total{{moment=\"{moment}\",result=\"taken\"}} 1");
        assert!(metrics.contains(&line), "{metrics}");
    }
    assert!(metrics.contains("countersign_snapshot_seconds_count 2"), "{metrics}");
}

/// An application that waits to be told before it answers the reading of a state before.
fn held_back() -> (Upstream, Receiver<()>, SyncSender<()>) {
    let (arrived, arrival) = sync_channel(8);
    let (release, released) = sync_channel::<()>(8);
    let released = Mutex::new(released);
    let upstream = Upstream::start(move |seen| {
        if seen.header("countersign-snapshot") == Some("before") {
            arrived.send(()).unwrap();
            released.lock().unwrap().recv().ok();
        }
        answer("200 OK", r#"{"id":"7"}"#)
    });
    (upstream, arrival, release)
}

fn with(upstream: &Upstream, more: &str) -> Proxy {
    let setup = Setup { routes: ROUTES.to_owned(), more: more.to_owned(), ..Setup::default() };
    Proxy::with(upstream.address, &setup)
}

#[test]
fn a_client_that_leaves_while_a_state_is_read_changes_nothing() {
    let (upstream, arrival, release) = held_back();
    let proxy = with(&upstream, PATIENCE);
    let mut client = TcpStream::connect(proxy.address).unwrap();
    client.write_all(&request("DELETE /keys/7", "", "")).unwrap();
    arrival.recv().unwrap();
    drop(client);
    release.send(()).unwrap();
    wait_until("the request is on record", || {
        proxy.events().iter().any(|event| event["outcome"] == "success")
    });
    let lines: Vec<String> = upstream.seen().iter().map(|seen| seen.line().to_owned()).collect();
    let deleted = lines.iter().filter(|line| line.starts_with("DELETE")).count();
    assert_eq!(deleted, 1, "{lines:?}");
}

#[test]
fn more_states_than_may_be_read_at_one_time_are_not() {
    let (upstream, arrival, release) = held_back();
    let proxy = with(&upstream, &format!("{PATIENCE}\nlimits: {{snapshots: 1}}"));
    let mut first = TcpStream::connect(proxy.address).unwrap();
    first.write_all(&request("PATCH /keys/7", "", r#"{"a":1}"#)).unwrap();
    arrival.recv().unwrap();
    let (status, second) = event(&proxy, &request("PATCH /keys/8", "", r#"{"a":1}"#));
    assert_eq!((status, &second["changes_source"]), (200, &json!("request")));
    assert_eq!(second["changes_notes"], json!(["before_unavailable", "snapshot_busy"]));
    release.send(()).unwrap();
    wait_until("the first is on record", || {
        proxy.events().iter().any(|event| event["changes_source"] == "observed")
    });
}

#[test]
fn an_application_that_does_not_answer_is_not_waited_for_every_time() {
    let is_silent = Arc::new(AtomicBool::new(true));
    let silent = Arc::clone(&is_silent);
    let upstream = Upstream::start(move |seen| {
        let is_silent = silent.load(Ordering::SeqCst) && seen.line().contains("/keys/");
        match seen.header("countersign-snapshot") {
            Some(_) if is_silent => Reply::Later(Duration::from_secs(3600), Vec::new()),
            _ => answer("200 OK", r#"{"id":"7"}"#),
        }
    });
    let proxy = with(&upstream, "timeouts: {snapshot: 20ms}");
    let notes = |path: &str| {
        let (status, event) = event(&proxy, &request(&format!("PATCH {path}"), "", r#"{"a":1}"#));
        assert_eq!(status, 200);
        event["changes_notes"].clone()
    };
    for id in 0..5 {
        let late = json!(["before_unavailable", "snapshot_timeout"]);
        assert_eq!(notes(&format!("/keys/{id}")), late);
    }
    is_silent.store(false, Ordering::SeqCst);
    let asked = upstream.seen().len();
    assert_eq!(notes("/keys/9"), json!(["before_unavailable", "snapshot_paused"]));
    assert_eq!(upstream.seen().len(), asked + 1, "the request alone");
    assert!(!notes("/users/9").to_string().contains("snapshot_paused"), "another route");
}

#[test]
fn a_secret_that_changed_shows_as_changed_and_stands_nowhere() {
    const OLD: &str = "correct-horse-battery-old-81";
    const NEW: &str = "correct-horse-battery-new-82";
    let application = Application::start();
    let state = |key: &str, other: &str| {
        let note = format!("was {other}");
        answer(
            "200 OK",
            &json!({"id": "7", "license_key": key, "note": note, "password": key}).to_string(),
        )
    };
    let answers = Answers {
        before: state(OLD, NEW),
        done: answer("200 OK", &json!({"text": format!("{OLD} is now {NEW}")}).to_string()),
        after: state(NEW, OLD),
    };
    application.at("/apps/7", answers);
    let (proxy, _rules) = proxy(&application, "", ROUTES, PATIENCE);
    let (_, event) = event(&proxy, &request("PATCH /apps/7", "", r#"{"renew":true}"#));
    assert_eq!(event["changes_source"], "observed", "{event}");
    let changes = event["changes"].as_array().unwrap();
    let change = changes.iter().find(|change| change["path"] == "/license_key").unwrap();
    let print = |side: &str| change[side]["fingerprint"].as_str().map(ToOwned::to_owned);
    assert!(print("before").is_some() && print("after").is_some(), "{change}");
    assert_ne!(print("before"), print("after"));
    // What a rule drops tells nothing but that it is another now.
    let change = changes.iter().find(|change| change["path"] == "/password").unwrap();
    let rule = change["before"]["redacted"].as_str().unwrap();
    let told = json!({"path": "/password", "op": "replace",
        "before": {"redacted": rule}, "after": {"redacted": rule}});
    assert_eq!(change, &told);
    assert!(event["changes_hidden"].as_array().unwrap().contains(&json!("/renew")), "{event}");
    for file in fs::read_dir(proxy.data()).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let text = b"correct-horse-battery";
        assert!(!bytes.windows(text.len()).any(|window| window == text), "a secret is on disk");
    }
    assert!(!proxy.log().contains("correct-horse"));
}

#[test]
fn rules_below_the_path_of_a_state_hold_for_it() {
    let rules = r#"
record_only:
  - id: own.people
    under: ["/people/**"]
    keys: [id, status]
events:
  - id: person.check
    match: { method: POST, path: "/checks/{id}" }
    snapshot: { get: "/people/{path.id}" }
"#;
    let application = Application::start();
    let person = |status: &str, ill: &str| {
        answer("200 OK", &json!({"id": 7, "status": status, "diagnosis": ill}).to_string())
    };
    let answers = Answers {
        before: person("new", "plague of frogs"),
        done: Reply::ok(),
        after: person("seen", "plague of newts"),
    };
    application.at("/people/7", answers.clone());
    application.at("/checks/7", answers);
    let (proxy, _rules) =
        proxy(&application, rules, "- {name: default, upstream: app}\n", PATIENCE);
    let (_, event) = event(&proxy, &request("POST /checks/7", "", r#"{"go":1}"#));
    assert_eq!(event["changes_source"], "observed", "{event}");
    assert!(lines(&event).contains(&"replace /status \"new\" -> \"seen\"".to_owned()), "{event}");
    assert!(!event.to_string().contains("plague"), "{event}");
}

#[test]
fn a_state_tells_the_name_of_what_is_deleted_and_bodies_that_could_not_be_read_are_counted() {
    let application = Application::start();
    let state = answer("200 OK", r#"{"id":"7","name":"ci deploy"}"#);
    let done = Reply::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec());
    let gone = answer("404 Not Found", "{}");
    application
        .at("/api-keys/7", Answers { before: state, done: done.clone(), after: gone.clone() });
    let page = Reply::response("200 OK", "text/html", "<p>7</p>");
    application.at("/api-keys/8", Answers { before: page, done, after: gone });
    let (proxy, _rules) = proxy(&application, "", ROUTES, PATIENCE);
    let (_, deleted) = event(&proxy, &request("DELETE /api-keys/7", "", ""));
    assert_eq!(deleted["targets"][0]["name"], "ci deploy", "{deleted}");
    assert_eq!(deleted["description"], "API key “ci deploy” deleted");
    let (_, other) = event(&proxy, &request("DELETE /api-keys/8", "", ""));
    assert_eq!(other["changes_source"], "none", "{other}");
    let metrics = proxy.read("/metrics").1;
    let line = "countersign_unread_bodies_total{half=\"before\",reason=\"snapshot_unreadable\"} 1";
    assert!(metrics.contains(line), "{metrics}");
}

#[test]
fn states_are_read_over_http2_on_both_sides() {
    let upstream = Http2Upstream::start(100, |seen| {
        let body = match seen.headers.get("countersign-snapshot").map(|moment| moment.as_bytes()) {
            Some(b"before") => r#"{"limit":1}"#,
            Some(_) => r#"{"limit":2}"#,
            None => "{}",
        };
        let body = body.as_bytes().to_vec();
        Http2Reply { status: 200, body, ..Http2Reply::default() }
    });
    let setup = Setup {
        upstream: "http: 2".to_owned(),
        routes: ROUTES.to_owned(),
        more: PATIENCE.to_owned(),
        ..Setup::default()
    };
    let proxy = Proxy::with(upstream.address, &setup);
    let request = http::Request::patch(format!("http://{}/keys/7", proxy.address))
        .header("content-type", "application/json")
        .body(br#"{"limit":2}"#.to_vec());
    assert_eq!(http2_exchange(proxy.address, request.unwrap()).status, 200);
    wait_until("the request is on record", || proxy.events().len() == 1);
    let event = proxy.events().remove(0);
    assert_eq!(lines(&event), ["replace /limit 1 -> 2"], "{event}");
}

#[test]
fn nothing_is_read_for_a_request_whose_intent_cannot_be_written() {
    let upstream = Upstream::start(|_| answer("200 OK", r#"{"id":"7"}"#));
    let setup =
        Setup { routes: ROUTES.to_owned(), ledger: "  timeout: 1s".to_owned(), ..Setup::default() };
    let proxy = Proxy::with(upstream.address, &setup);
    let lock = WriteLock::take(&proxy.data());
    let refused = exchange(proxy.address, &request("PATCH /keys/7", "", r#"{"a":1}"#));
    assert_eq!((refused.status, refused.problem().as_deref()), (503, Some("audit-unavailable")));
    assert_eq!(upstream.connections(), 0);
    drop(lock);
}

#[test]
fn a_completion_that_cannot_be_written_withholds_the_response_with_states_as_without() {
    let data = Arc::new(OnceLock::<PathBuf>::new());
    let lock = Arc::new(Mutex::new(None));
    let (place, holder) = (Arc::clone(&data), Arc::clone(&lock));
    let upstream = Upstream::start(move |seen| {
        if seen.header("countersign-snapshot") == Some("after") {
            *holder.lock().unwrap() = Some(WriteLock::take(place.get().unwrap()));
        }
        answer("200 OK", r#"{"id":"7"}"#)
    });
    let setup = Setup {
        routes: ROUTES.to_owned(),
        more: PATIENCE.to_owned(),
        ledger: "  timeout: 1s".to_owned(),
        ..Setup::default()
    };
    let proxy = Proxy::with(upstream.address, &setup);
    data.set(proxy.data()).unwrap();
    let withheld = exchange(proxy.address, &request("PATCH /keys/7", "", r#"{"a":1}"#));
    assert_eq!((withheld.status, withheld.problem().as_deref()), (503, Some("audit-incomplete")));
    drop(lock.lock().unwrap().take());
    wait_until("the completion is there", || {
        proxy.events().iter().any(|event| event["changes_source"] == "observed")
    });
    assert_eq!(upstream.seen().len(), 3);
}
