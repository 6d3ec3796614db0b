//! What the events of the running proxy say to have changed, and that they say it without secrets.

use std::fs;

use serde_json::{Value, json};

use super::support::{Proxy, Reply, Setup, Upstream, exchange};

const RULES: &str = r#"
record_only:
  - id: own.people
    under: ["/people/**"]
    keys: [id, status]
"#;

const ROUTES: &str = "- {name: quiet, paths: [/quiet], level: metadata, upstream: app}\n\
                      - {name: default, upstream: app}\n";

/// A secret that no file may hold, and the one after it.
const SECRETS: [&str; 2] = ["correct-horse-battery-1", "correct-horse-battery-2"];

fn send(method: &str, path: &str, content_type: &str, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The event of one request to an upstream that gives this status.
fn event(proxy: &Proxy, request: &[u8]) -> Value {
    let answer = exchange(proxy.address, request);
    let id = answer.header("countersign-event").unwrap().to_owned();
    proxy.events().into_iter().find(|event| event["id"] == id.as_str()).unwrap()
}

#[test]
fn changes_are_on_record_and_never_a_secret() {
    let rules = tempfile::tempdir().unwrap();
    fs::write(rules.path().join("own.yaml"), RULES).unwrap();
    let upstream = Upstream::start(|seen| match seen.line() {
        line if line.contains("/refused") => {
            Reply::response("409 Conflict", "application/json", r#"{"error":"taken"}"#)
        }
        _ => Reply::response("200 OK", "application/json", r#"{"id":"7","role":"VIEWER"}"#),
    });
    let more = format!("rules: {{dir: \"{}\"}}", rules.path().display());
    let setup = Setup { routes: ROUTES.to_owned(), more, ..Setup::default() };
    let proxy = Proxy::with(upstream.address, &setup);
    let json_type = "application/json";
    let patch = |path: &str, body: Value| event(&proxy, &send("PATCH", path, json_type, &body));

    let set = patch("/users/7", json!({"role": "viewer", "old": null}));
    assert_eq!(set["changes_source"], "request");
    assert_eq!(
        set["changes"],
        json!([
            {"op": "remove", "path": "/old"},
            {"op": "replace", "path": "/role", "after": "VIEWER"},
        ])
    );

    let failed = patch("/users/refused", json!({"role": "viewer"}));
    assert_eq!((&failed["changes_source"], &failed["changes"]), (&json!("none"), &Value::Null));
    assert_eq!(failed["changes_notes"], json!(["not_done"]));

    let quiet = patch("/quiet/users/7", json!({"role": "viewer"}));
    assert_eq!((&quiet["changes_source"], &quiet["changes"]), (&json!("none"), &Value::Null));
    assert_eq!(quiet["changes_notes"], json!(["body_not_recorded"]));
    assert!(!quiet.to_string().to_lowercase().contains("viewer"));

    let listed = patch("/people/7", json!({"status": "on", "diagnosis": "plague of frogs"}));
    let shown = listed["changes"].to_string();
    assert!(shown.contains(r#""after":"on""#) && !listed.to_string().contains("plague"), "{shown}");

    let tested = json!([
        {"op": "test", "path": "/license_key", "value": SECRETS[0]},
        {"op": "replace", "path": "/license_key", "value": SECRETS[1]},
        {"op": "replace", "path": "/note", "value": format!("was {}", SECRETS[0])},
    ]);
    let kind = "application/json-patch+json";
    let secret = event(&proxy, &send("PATCH", "/apps/7", kind, &tested));
    let change = &secret["changes"][0];
    assert_eq!((&change["op"], &change["path"]), (&json!("replace"), &json!("/license_key")));
    let print = |side: &str| change[side]["fingerprint"].as_str().map(ToOwned::to_owned);
    let (before, after) = (print("before"), print("after"));
    assert!(before.is_some() && after.is_some() && before != after, "{change}");

    for event in proxy.all_events() {
        assert!(!event.to_string().contains("correct-horse"), "{event}");
    }
    for entry in fs::read_dir(proxy.data()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for text in ["correct-horse-battery", "plague of frogs"] {
            assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
        }
    }
}

#[test]
fn forms_and_files_are_fields() {
    let upstream = Upstream::start(|_| {
        Reply::response("201 Created", "application/json", r#"{"id":"doc_7","title":"Plan"}"#)
    });
    let proxy = Proxy::start(upstream.address);
    let post = |content_type: &str, body: &str| {
        let head = format!(
            "POST /documents HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        event(&proxy, head.as_bytes())
    };

    let form = post(
        "application/x-www-form-urlencoded",
        "csrfmiddlewaretoken=q1w2e3r4t5z6u7i8o9p0&title=plan&tag=a&tag=b&password=correct-horse-1",
    );
    assert_eq!(
        form["changes"],
        json!([
            {"op": "add", "path": "/password", "after": {"redacted": "credential.password"}},
            {"op": "add", "path": "/tag", "after": ["a", "b"]},
            {"op": "add", "path": "/title", "after": "Plan"},
        ])
    );

    let parts = "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nplan\r\n\
                 --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n0123\r\n--b--\r\n";
    let files = post("multipart/form-data; boundary=b", parts);
    let changes = files["changes"].as_array().unwrap();
    assert_eq!(changes[0]["path"], "/file");
    assert_eq!(changes[0]["after"]["filename"], "a.bin");
    assert_eq!(changes[0]["after"]["size"], 4);
    assert_eq!(changes[1], json!({"op": "add", "path": "/title", "after": "Plan"}));

    let deleted = b"DELETE /documents/doc_7 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let deleted = event(&proxy, deleted);
    assert_eq!(deleted["changes_notes"], json!(["deletion"]));
}
