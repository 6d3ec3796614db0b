//! The happy path of the audited exchange, and what the client and the upstream see of it.

use super::support::{Proxy, Reply, Upstream, exchange};

fn post(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: admin.example\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[test]
fn a_mutation_is_on_record_with_both_halves_and_without_its_secret() {
    let upstream = Upstream::start(|_| {
        Reply::response("201 Created", "application/json", r#"{"id":"key_7f3","name":"ci deploy"}"#)
    });
    let proxy = Proxy::start(upstream.address);
    let body = r#"{"name":"ci deploy","password":"correct-horse-battery"}"#;
    let answer = exchange(proxy.address, &post("/admin/api-keys?dry=no", body));
    assert_eq!(answer.status, 201);
    assert_eq!(answer.text(), r#"{"id":"key_7f3","name":"ci deploy"}"#);
    let seen = upstream.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].line(), "POST /admin/api-keys?dry=no HTTP/1.1");
    assert_eq!(seen[0].body, body.as_bytes());
    assert_eq!(seen[0].header("host"), Some("admin.example"));
    let events = proxy.events();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event["id"].as_str(), answer.header("countersign-event"));
    assert_eq!(event["id"].as_str(), seen[0].header("countersign-request"));
    assert_eq!(event["action"], "api_key.create");
    assert_eq!(event["outcome"], "success");
    assert_eq!(event["targets"][0]["id"], "key_7f3");
    assert_eq!(event["request"]["body"]["name"], "ci deploy");
    assert!(!event.to_string().contains("correct-horse"));
}

#[test]
fn reads_are_passed_on_and_not_recorded() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let answer = exchange(
        proxy.address,
        b"GET /admin/users HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert_eq!((answer.status, answer.header("countersign-event")), (200, None));
    assert!(proxy.events().is_empty());
}
