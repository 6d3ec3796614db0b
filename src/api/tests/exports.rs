//! Exports: all of it, on record, and cut off where it is not whole.

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::Served;
use crate::access::Role;

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_all_that_was_asked_for_and_on_record() {
    let served = Served::new().await;
    for n in 0..450 {
        let action = if n % 2 == 0 { "even.do" } else { "odd.do" };
        let time = format!("2026-07-09T10:{:02}:{:02}Z", n / 60, n % 60);
        served.event(&time, json!({"action": action, "description": "=HYPERLINK(\"x\")"})).await;
    }
    served.indexed().await;
    let path = "/v1/admin/audit/export?action=even.do&q=hyperlink";
    let lines = served.ask(&format!("{path}&format=ndjson")).await;
    assert!(lines.head.contains("application/x-ndjson"), "{}", lines.head);
    let events: Vec<Value> =
        lines.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 225);
    assert!(events.iter().all(|event| event["request"]["body"] == json!({"deep": 1})));
    let csv = served.ask(&format!("{path}&format=csv&bom=true")).await;
    assert!(csv.head.contains("content-disposition: attachment"), "{}", csv.head);
    assert!(csv.body.starts_with("\u{feff}\"id\","));
    assert_eq!(csv.body.lines().count(), 226);
    assert_eq!(csv.body.matches(",\"'=HYPERLINK(\"\"x\"\")\",").count(), 225);

    let recorded = served.recorded("audit.export").await;
    let found: Vec<_> = recorded
        .iter()
        .map(|event| {
            let metadata = &event["metadata"];
            (metadata["format"].as_str().unwrap(), metadata["rows"].as_u64().unwrap())
        })
        .collect();
    assert!(found.contains(&("csv", 225)) && found.contains(&("ndjson", 225)), "{found:?}");
    let event = &recorded[0];
    assert_eq!(event["outcome"], json!("success"));
    assert_eq!(event["actor"]["name"], json!("owner"));
    assert_eq!(event["source"]["ip"], json!("127.0.0.1"));
    let filters = json!([["action", "even.do"], ["q", "hyperlink"]]);
    assert_eq!(event["metadata"]["filters"], filters);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_export_is_on_record_and_no_secret_with_it() {
    let served = Served::new().await;
    let viewer = served.scoped("eve", Role::Viewer, "blue");
    let path = "/v1/admin/audit/export?format=csv&q=hunter2&scope.pool=red";
    let answer = served.ask_as(&viewer, path).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    let event = served.recorded("audit.export").await.remove(0);
    assert_eq!((&event["outcome"], &event["severity"]), (&json!("denied"), &json!("warn")));
    assert_eq!(event["actor"]["name"], json!("eve"));
    let filters = json!([["q", "[gone]"], ["scope.pool", "red"]]);
    assert_eq!(event["metadata"]["filters"], filters);
    assert_eq!(event["metadata"]["scopes"], json!({"pool": ["blue"]}));
    let ledger = std::fs::read(served.file("ledger.db-wal")).unwrap();
    assert!(!ledger.windows(7).any(|part| part == b"hunter2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_the_export() {
    let served = Served::new().await;
    let body = json!({"description": "x".repeat(200_000)});
    for n in 0..60 {
        served.event(&format!("2026-07-09T10:00:{n:02}Z"), body.clone()).await;
    }
    served.indexed().await;
    let field = format!("Authorization: Bearer {}\r\n", served.owner);
    let path = "/v1/admin/audit/export?format=ndjson";
    let mut stream = served.begin("GET", path, &field).await;
    let mut byte = [0];
    stream.read_exact(&mut byte).await.unwrap();
    drop(stream);
    let event = loop {
        match served.recorded("audit.export").await.pop() {
            Some(event) if event["outcome"] != Value::Null => break event,
            _ => tokio::task::yield_now().await,
        }
    };
    assert_eq!(event["reason"], json!("client_aborted"), "{event}");
    assert!(event["metadata"]["rows"].as_u64().unwrap() < 60, "{event}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_cut_off_and_not_taken_for_the_whole() {
    let served = Served::new().await;
    served.event("2026-07-09T10:00:00Z", json!({})).await;
    served.indexed().await;
    // The index knows an event that the ledger does not have.
    let raw = rusqlite::Connection::open(served.file("index.db")).unwrap();
    raw.execute("UPDATE events SET seq = 1000", []).unwrap();
    let field = format!("Authorization: Bearer {}\r\n", served.owner);
    let path = "/v1/admin/audit/export?format=csv";
    let mut stream = served.begin("GET", path, &field).await;
    let mut bytes = Vec::new();
    // Either end shows: an error, or a body that lacks its last chunk.
    stream.read_to_end(&mut bytes).await.ok();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    assert!(!text.ends_with("0\r\n\r\n"), "{text}");
    let event = served.recorded("audit.export").await.remove(0);
    assert_eq!((&event["outcome"], &event["reason"]), (&json!("failure"), &json!("unreadable")));
}
