//! `countersign explain` says what the proxy records: the same exchange, through both.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::support::{Proxy, Reply, Setup, Upstream, exchange};

const SECRET: &str = "Sw0rdfish-Zx81-explained";

/// What one event and one explanation may differ in: ids, times, addresses.
fn comparable(mut event: Value) -> Value {
    let object = event.as_object_mut().unwrap();
    for name in [
        "id",
        "time",
        "completed_at",
        "duration_ms",
        "upstream_ms",
        "source",
        "writer",
        "seq",
        "intent",
    ] {
        object.remove(name);
    }
    event
}

/// Intent and completion as a reader sees them.
fn joined(account: &Value) -> Value {
    let mut event = account["intent"].clone();
    let receipts = event["redactions"].as_array().unwrap().clone();
    for (name, value) in account["completion"].as_object().unwrap() {
        event[name] = value.clone();
    }
    let more = account["completion"]["redactions"].as_array().cloned().unwrap_or_default();
    event["redactions"] = Value::Array([receipts, more].concat());
    event
}

#[test]
fn what_is_explained_is_what_is_recorded() {
    let upstream = Upstream::start(|_| {
        let body = format!("{{\"id\":\"key_1\",\"error\":\"not {SECRET}\"}}");
        Reply::response("409 Conflict", "application/json", &body)
    });
    let setup = Setup {
        routes: "- {name: keys, paths: [/admin], upstream: app, level: request}\n- {name: default, upstream: app}\n".to_owned(),
        ..Setup::default()
    };
    let proxy = Proxy::with(upstream.address, &setup);
    let rows = [
        (
            "application/json",
            format!("{{\"name\":\"ci\",\"password\":\"{SECRET}\"}}"),
            "/admin/api-keys?sig=x",
        ),
        (
            "application/x-www-form-urlencoded",
            format!("name=ci&password={SECRET}"),
            "/users/7/keys",
        ),
        ("text/plain", format!("https://u:{SECRET}@h/x"), "/users/%37"),
        ("application/json", format!("{{\"password\":\"{SECRET}"), "/broken"),
    ];
    for (content_type, body, path) in rows {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: h.example\r\nAuthorization: Bearer {SECRET}\r\n\
             Content-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        exchange(proxy.address, request.as_bytes());
        let recorded = proxy.events().pop().unwrap();
        let reply = "HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: ";
        let answer = format!("{{\"id\":\"key_1\",\"error\":\"not {SECRET}\"}}");
        let response = format!("{reply}{}\r\n\r\n{answer}", answer.len());
        let files = [("request", &request), ("response", &response)].map(|(name, text)| {
            let file = proxy.home.path().join(name);
            fs::write(&file, text).unwrap();
            file
        });
        let mut explain = Command::new(env!("CARGO_BIN_EXE_countersign"));
        explain.args(["explain", "--json", "--config"]).arg(proxy.config()).args(files);
        let output = explain.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && !text.contains(SECRET), "{text}");
        let account: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(comparable(joined(&account)), comparable(recorded), "{path}");
        let expected = if path.starts_with("/admin") { "keys" } else { "default" };
        assert_eq!(account["route"]["name"], json!(expected));
    }
}
