//! Rules that name events, through the running proxy.

use std::fs;

use serde_json::Value;

use super::support::{Proxy, Reply, Setup, Upstream, exchange, wait_until};

const SECRET: &str = "hunter2-hunter2-Zx81";

const RULES: &str = r#"
events:
  - id: key.rotate
    match: { method: POST, path: "/keys/{id}/rotate" }
    action: api_key.rotate
    target: { type: api_key, id: "{path.id}", name: "{response.body:$.name}" }
    scope: { pool: "{request.body:$.pool}" }
    description: "API key {target.name} rotated with {request.body:$.password}"
    severity: warn
  - id: search
    match: { method: POST, path: /users/search }
    read: true
  - id: legacy.delete
    match: { method: GET, path: /delete }
    audit: true
    action: record.delete
    target: { type: record, id: "{query.id}" }
"#;

/// The event of a request, of which the proxy must say that there is one.
fn event(proxy: &Proxy, head: &str, body: &str) -> Value {
    let request = format!(
        "{head} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{}Connection: close\r\n\r\n{body}",
        if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) }
    );
    let answer = exchange(proxy.address, request.as_bytes());
    assert_eq!(answer.status, 200, "{head}");
    let id = answer.header("countersign-event").unwrap_or_default().to_owned();
    assert!(!id.is_empty(), "{head} is not on record");
    let mut event = None;
    wait_until("the event is in the index", || {
        event = proxy.events().into_iter().find(|event| event["id"] == id.as_str());
        event.is_some()
    });
    event.unwrap()
}

#[test]
fn rules_name_what_goes_through_and_are_reloaded() {
    let rules = tempfile::tempdir().unwrap();
    let file = rules.path().join("own.yaml");
    fs::write(&file, RULES).unwrap();
    let upstream = Upstream::start(|_| {
        Reply::response("200 OK", "application/json", r#"{"name": "ci deploy"}"#)
    });
    let more = format!("rules: {{dir: \"{}\"}}", rules.path().display());
    let proxy = Proxy::with(upstream.address, &Setup { more, ..Setup::default() });

    let body = format!(r#"{{"pool": "blue", "password": "{SECRET}"}}"#);
    let rotated = event(&proxy, "POST /keys/7/rotate", &body);
    assert_eq!(rotated["rule"], "key.rotate", "{rotated}");
    assert_eq!(rotated["action"], "api_key.rotate");
    assert_eq!(rotated["targets"][0]["id"], "7");
    assert_eq!(rotated["targets"][0]["name"], "ci deploy");
    assert_eq!(rotated["scope"]["pool"], "blue");
    assert_eq!(rotated["severity"], "warn");
    assert_eq!(rotated["request"]["route"], "/keys/{id}/rotate");
    // The password is no value of the record, so the rule's sentence is not used.
    assert_eq!(rotated["description"], "API key “ci deploy” rotated in pool blue");
    assert!(!rotated.to_string().contains(SECRET));

    // A rule never makes a mutation go unrecorded.
    let search = event(&proxy, "POST /users/search", r#"{"text": "a"}"#);
    assert_eq!((&search["rule"], &search["action"]), (&"search".into(), &"user.read".into()));

    let deleted = event(&proxy, "GET /delete?id=5", "");
    assert_eq!(deleted["action"], "record.delete", "{deleted}");
    assert_eq!(deleted["targets"][0]["id"], "5");
    let read =
        exchange(proxy.address, b"GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(read.header("countersign-event"), None);

    fs::write(&file, RULES.replace("api_key.rotate", "api_key.renew")).unwrap();
    proxy.signal("HUP");
    wait_until("the new rules are in force", || {
        event(&proxy, "POST /keys/7/rotate", "{}")["action"] == "api_key.renew"
    });
}
