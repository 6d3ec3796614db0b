//! Exports: all of it, on record, and cut off where it is not whole.

use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use super::Served;
use crate::access::{Grant, Role};
use crate::index::{Condition, Field, Index, Search};
use crate::store::LedgerSource;

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
async fn an_interrupted_export_goes_on_as_of_the_same_moment() {
    let served = Served::new().await;
    let act = |action: &str| json!({"action": action, "category": "api_key"});
    let acts = [act("a.do"), act("b.do")];
    for n in 0..6 {
        let more = if n == 3 { json!({"acts": acts}) } else { json!({}) };
        served.event(&format!("2026-07-09T10:00:0{n}Z"), more).await;
    }
    served.indexed().await;
    for format in ["ndjson", "csv", "json", "ocsf"] {
        let path = format!("/v1/admin/audit/export?format={format}&category=api_key&since=24h");
        let whole = served.ask(&path).await;
        let export = whole.field("countersign-export").unwrap().to_owned();
        // What comes later is not part of it, whatever its time; what spans of time mean stays.
        served.event("2026-07-09T10:00:01.500Z", json!({"action": "late.do"})).await;
        served.event("2026-07-09T11:00:01.500Z", json!({"action": "late.do"})).await;
        served.clock.advance(chrono::Duration::hours(1));
        served.indexed().await;
        let lines = whole.body.split_inclusive('\n').collect::<Vec<_>>();
        let mut parts = 0;
        for (last, line) in lines.iter().enumerate() {
            let Some(place) = place(format, line) else { continue };
            let rest = served.ask(&format!("{path}&resume={export},{place}")).await;
            assert_eq!(rest.status, 200, "{rest:?}");
            parts += 1;
            let known = match format {
                "json" => lines[..=last].concat().trim_end_matches([',', '\n']).to_owned(),
                _ => lines[..=last].concat(),
            };
            assert_eq!(format!("{known}{}", rest.body), whole.body, "{format} {last}");
        }
        // Each of them is on record, and says of which it is a part.
        let recorded = served.recorded("audit.export").await;
        let of_it = recorded.iter().filter(|event| event["metadata"]["continues"] == export);
        assert!(parts >= 7 && of_it.count() == parts, "{format}");
    }
}

/// The place of the event in a line.
fn place(format: &str, line: &str) -> Option<String> {
    let time = |time: &str| chrono::DateTime::parse_from_rfc3339(time).unwrap().timestamp_millis();
    if format == "csv" {
        let cells: Vec<&str> = line.split('"').skip(1).step_by(2).take(3).collect();
        let [id, act, at] = cells[..] else { return None };
        let act = if act.is_empty() { String::new() } else { format!(".{act}") };
        return (id != "id").then(|| format!("{}.{id}{act}", time(at)));
    }
    let event: Value = serde_json::from_str(line.trim_end_matches([',', '\n'])).ok()?;
    if format == "ocsf" {
        return Some(format!("{}.{}", event["time"], event["metadata"]["uid"].as_str()?));
    }
    let act = event["act"]["number"].as_u64().map(|act| format!(".{act}")).unwrap_or_default();
    let at = time(event["time"].as_str()?);
    Some(format!("{at}.{}{act}", event["id"].as_str()?))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_can_be_gone_on_with_before_the_index_knows_of_it() {
    let served = Served::patient().await;
    let id = served.event("2026-07-09T10:00:00Z", json!({})).await;
    for format in ["ndjson", "csv", "json", "ocsf"] {
        served.indexed().await;
        let path = format!("/v1/admin/audit/export?format={format}");
        let whole = served.ask(&path).await;
        let export = whole.field("countersign-export").unwrap();
        let again = format!("{path}&resume={export},1783591200000.{id}");
        let (answer, ()) = tokio::join!(served.ask(&again), served.indexed());
        assert_eq!(answer.status, 200, "{format}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_says_what_the_list_warns_of() {
    let served = Served::patient().await;
    for query in ["since=2040-01-01", "scope.Pool=blue", "q=%27", "scope.%0aP=x", "outcome=pending"]
    {
        // The export before is an event as well.
        served.indexed().await;
        let list = served.ask(&format!("/v1/admin/audit?{query}")).await.json();
        let export = served.ask(&format!("/v1/admin/audit/export?format=csv&{query}")).await;
        let warned: Vec<&str> = export
            .head
            .lines()
            .filter_map(|line| line.strip_prefix("countersign-warning: "))
            .collect();
        let warnings = list["warnings"].as_array().unwrap().iter();
        let warnings: Vec<String> = warnings
            .map(|text| text.as_str().unwrap().replace(char::is_control, " ").to_lowercase())
            .collect();
        assert_eq!(warned, warnings, "{query}");
        assert_eq!(warnings.is_empty(), query == "outcome=pending", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_export_goes_on_with_what_is_not_the_same() {
    let served = Served::new().await;
    let id = served.event("2026-07-09T10:00:00Z", json!({"scope": {"pool": "blue"}})).await;
    served.indexed().await;
    let admin = served.scoped("blue", Role::Admin, "blue");
    let other = served.scoped("other", Role::Admin, "blue");
    let path = "/v1/admin/audit/export?format=ndjson&q=made";
    let begun = served.ask_as(&admin, path).await;
    let export = begun.field("countersign-export").unwrap().to_owned();
    served.indexed().await;
    let after = format!("1783591200001.{id}");
    let again = format!("{path}&resume={export},{after}");
    assert_eq!(served.ask_as(&admin, &again).await.status, 200);
    let absent = "0197c5a0-7b1e-7cc3-98c4-dc0c0c07398f";
    let rows = [
        (&other, again.clone(), 404),
        (&served.owner, again.clone(), 404),
        (&admin, again.replace("made", "mad"), 404),
        (&admin, again.replace("ndjson", "csv"), 404),
        (&admin, format!("{again}&scope.pool=blue"), 404),
        // Some event that is no export, or none.
        (&admin, again.replace(&export, &id), 404),
        (&admin, again.replace(&export, absent), 404),
        (&admin, again.replace(&export, "x"), 400),
        (&admin, again.replace(&after, "x"), 400),
        (&admin, again.replace(&after, ""), 400),
        (&admin, format!("{path}&resume={export}"), 400),
    ];
    let mut bodies = Vec::new();
    for (token, path, status) in rows {
        let answer = served.ask_as(token, &path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert_eq!(answer.json()["parameter"], json!("resume"), "{path}: {answer:?}");
        bodies.extend((status == 404).then_some(answer.body));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pending_and_has_ended_cannot_be_shown_as_it_was() {
    let served = Served::new().await;
    let before = served.pending("2026-07-09T09:00:00Z", json!({})).await;
    let done = served.event("2026-07-09T10:00:00Z", json!({})).await;
    let behind = served.pending("2026-07-09T11:00:00Z", json!({})).await;
    served.indexed().await;
    let path = "/v1/admin/audit/export?format=ndjson";
    let whole = served.ask(path).await;
    let export = whole.field("countersign-export").unwrap().to_owned();
    assert_eq!(whole.body.matches("\"outcome\":\"pending\"").count(), 2, "{}", whole.body);
    // What was shown already may end; what is still to be shown may not.
    let place = format!("1783591200000.{done}");
    let again = format!("{path}&resume={export},{place}");
    drop(behind);
    served.settled("unknown").await;
    assert_eq!(served.ask(&again).await.status, 200);
    drop(before);
    served.settled("unknown").await;
    let answer = served.ask(&again).await;
    assert_eq!(
        (answer.status, &answer.json()["type"]),
        (409, &json!("urn:countersign:problem:moved"))
    );
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
            Some(event) if event["outcome"] != "pending" => break event,
            _ => tokio::task::yield_now().await,
        }
    };
    assert_eq!(event["reason"], json!("client_aborted"), "{event}");
    let rows = event["metadata"]["rows"].as_u64().unwrap();
    assert!(rows < 60, "{event}");
    let told = event["description"].as_str().unwrap();
    assert!(
        told.starts_with(&format!(
            "export of the audit log as ndjson broke off after {rows} event"
        ))
    );
}

/// Exports that their clients do not read: the first byte of each has arrived.
async fn stalled(served: &Served, count: usize) -> Vec<tokio::net::TcpStream> {
    let body = json!({"description": "x".repeat(200_000)});
    for n in 0..60 {
        served.event(&format!("2026-07-09T10:00:{n:02}Z"), body.clone()).await;
    }
    served.indexed().await;
    let field = format!("Authorization: Bearer {}\r\n", served.owner);
    let mut streams = Vec::new();
    for _ in 0..count {
        let path = "/v1/admin/audit/export?format=ndjson";
        let mut stream = served.begin("GET", path, &field).await;
        stream.read_exact(&mut [0]).await.unwrap();
        streams.push(stream);
    }
    streams
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_all_exports_for_themselves() {
    let served = Served::new().await;
    let streams = stalled(&served, 2).await;
    let path = "/v1/admin/audit/export?format=ndjson&action=none";
    let answer = served.ask(path).await;
    assert_eq!(
        (answer.status, &answer.json()["type"]),
        (503, &json!("urn:countersign:problem:busy"))
    );
    let other = served.token("other", Grant::owner());
    assert_eq!(served.ask_as(&other, path).await.status, 200);
    drop(streams);
    while served.ask(path).await.status == 503 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stops_does_not_wait_for_exports() {
    let served = Served::new().await;
    let mut streams = stalled(&served, 1).await;
    served.stop.send_replace(true);
    let event = loop {
        served.indexed().await;
        let search = Search {
            conditions: vec![Condition::AnyOf(Field::Action, vec!["audit.export".into()])],
            limit: 1,
            ..Search::default()
        };
        let mut index = Index::open_read_only(served.path()).await.unwrap();
        match index.search(&search).await.unwrap().rows.pop() {
            Some(row) if row.outcome.is_some() => break row,
            _ => tokio::task::yield_now().await,
        }
    };
    assert_eq!(
        (event.outcome.as_deref(), event.reason.as_deref()),
        (Some("failure"), Some("stopping"))
    );
    let mut bytes = Vec::new();
    streams[0].read_to_end(&mut bytes).await.ok();
    assert!(!bytes.ends_with(b"0\r\n\r\n"), "no end of the body");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_often_does_not_fill_the_ledger() {
    let served = Served::new().await;
    let eve = served.scoped("eve", Role::Viewer, "blue");
    let bob = served.scoped("bob", Role::Viewer, "blue");
    let ask = async |token: &str, n: usize| {
        let path = ["export?format=csv", "coverage"][n % 2];
        served.ask_as(token, &format!("/v1/admin/audit/{path}")).await.status
    };
    for n in 0..30 {
        assert_eq!(ask(&eve, n).await, 403, "{n}");
    }
    // Nobody else is silenced by it, from whatever address.
    for n in 0..2 {
        assert_eq!(ask(&bob, n).await, 403, "{n}");
    }
    let recorded = served.recorded("audit.export&action=audit.view").await;
    let by = |name: &str| recorded.iter().filter(|event| event["actor"]["name"] == name).count();
    assert_eq!((by("eve"), by("bob"), recorded.len()), (20, 2, 22));
    assert!(recorded.iter().all(|event| event["outcome"] == "denied"), "{recorded:?}");
    // What they may do, they still may.
    assert_eq!(served.ask_as(&eve, "/v1/admin/audit").await.status, 200);
    // How many are not on record by themselves is, at the latest when the process stops.
    served.stop.send_replace(true);
    let told = loop {
        let mut reader = LedgerSource::directory(served.path()).reader().await.unwrap();
        let entries = reader.read_after("w", 0, 500).await.unwrap();
        let mut told = entries.iter().filter(|entry| entry.doc.contains("left_out"));
        match told.next() {
            Some(entry) => break serde_json::from_str::<Value>(&entry.doc).unwrap(),
            None => tokio::task::yield_now().await,
        }
    };
    assert_eq!(told["metadata"]["left_out"], json!({"coverage": 5, "export": 5}));
    assert_eq!(
        (&told["action"], &told["actor"]["name"], &told["outcome"]),
        (&json!("audit.view"), &json!("eve"), &json!("denied"))
    );
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
