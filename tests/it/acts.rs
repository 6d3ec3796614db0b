//! One request that does several things, through the running proxy: one event in the ledger, an
//! event for each act where one looks for them.

use std::process::Command;

use serde_json::{Value, json};

use super::support::{Proxy, Reply, Upstream, exchange, rows};

const DOCUMENT: &str =
    r#"mutation ($id: ID!) { one: deleteUser(id: 1) { ok } two: deleteUser(id: $id) { ok } }"#;

fn post(proxy: &Proxy, body: &Value) -> String {
    let body = body.to_string();
    let request = format!(
        "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(proxy.address, request.as_bytes());
    assert_eq!(answer.status, 200);
    answer.header("countersign-event").unwrap().to_owned()
}

fn query(proxy: &Proxy, words: &[&str]) -> String {
    let mut query = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let output = query.arg("query").args(words).arg("--data").arg(proxy.data()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_act_is_an_event_of_its_own_to_those_who_look() {
    let upstream = Upstream::start(|_| {
        let answer = json!({
            "data": {"one": {"ok": true}, "two": null},
            "errors": [{"message": "x", "path": ["two"], "extensions": {"code": "NOT_FOUND"}}],
        });
        Reply::response("200 OK", "application/json", &answer.to_string())
    });
    let proxy = Proxy::start(upstream.address);
    let id = post(&proxy, &json!({"query": DOCUMENT, "variables": {"id": 2}}));

    // In the ledger it is one intent and one completion.
    let own = rows(&proxy.data()).into_iter().filter(|row| row.id == id).count();
    assert_eq!(own, 2);

    let whole: Value =
        serde_json::from_str(&query(&proxy, &["--id", &id, "--format", "json"])).unwrap();
    assert_eq!((&whole["outcome"], &whole["reason"]), (&json!("failure"), &json!("NOT_FOUND")));
    assert_eq!(whole["acts"].as_array().map(Vec::len), Some(2), "{whole}");
    assert_eq!(whole["targets"].as_array().map(Vec::len), Some(2));

    let acts = proxy.events();
    let told: Vec<(&Value, &Value)> =
        acts.iter().map(|act| (&act["targets"][0]["id"], &act["outcome"])).collect();
    let (success, failure) = (json!("success"), json!("failure"));
    assert_eq!(told, [(&json!("1"), &success), (&json!("2"), &failure)]);
    assert_eq!(acts[1]["act"], json!({"number": 2, "of": 2}));
    assert_eq!(acts[1]["description"], "User 2 could not be deleted (NOT_FOUND)");
    for act in &acts {
        assert_eq!((&act["id"], &act["action"]), (&json!(id), &json!("user.delete")));
        assert_eq!(act["request"]["path"], "/graphql");
    }

    let failed = query(&proxy, &["--outcome", "failure", "--format", "ndjson"]);
    assert_eq!(failed.lines().count(), 1);
    assert!(failed.contains("User 2 could not be deleted"), "{failed}");
    let table = query(&proxy, &["--action", "user.delete"]);
    assert!(table.contains("User 1 deleted") && table.contains("User 2 could not"), "{table}");
}
