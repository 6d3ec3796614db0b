//! The subcommand on a real ledger.

use std::fs;
use std::path::Path;
use std::time::Duration;

use clap::Parser;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::search::Looked;
use super::{Args, Sought, besides, look_for, purged};
use crate::clock::{Clock, SystemClock};
use crate::record::{Entry, EntryKind, EventId, Scope};
use crate::redact::{FingerprintKey, Redacted, SECRET_DOMAIN};
use crate::server::KEY_FILE;
use crate::store::{SqliteOptions, Store};

const SECRET: &str = "swordfish-7";

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn look(dir: &Path, line: &[&str], value: &str) -> Result<(bool, String), String> {
    let data = dir.display().to_string();
    let all = ["fingerprint", "--data", &data].into_iter().chain(line.iter().copied());
    let args = Line::try_parse_from(all).unwrap().args;
    let mut out = Vec::new();
    let value = || Ok(Zeroizing::new(value.as_bytes().to_vec()));
    let found = look_for(&args, value, &mut out).map_err(|error| format!("{error:#}"))?;
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains(SECRET), "{text}");
    Ok((found, text))
}

fn key(dir: &Path) -> FingerprintKey {
    fs::write(dir.join(KEY_FILE), [7; 32]).unwrap();
    FingerprintKey::new(&[7; 32])
}

/// A ledger with these documents as intents, each completed by the next where `Some` says so.
fn ledger(dir: &Path, documents: &[(Value, Option<Value>)]) -> Box<dyn Store> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut store =
            SqliteOptions::new(dir, "w", Duration::from_secs(5)).opener()().await.unwrap();
        let mut seq = 1;
        for (first, second) in documents {
            let id = EventId::new(SystemClock.now());
            let entry = |kind, intent, doc: &Value| {
                let doc = Redacted::system(doc.to_string());
                Entry { kind, id, intent, scope: Scope::new(), doc }
            };
            let mut batch = vec![entry(EntryKind::Intent, None, first)];
            if let Some(second) = second {
                batch.push(entry(EntryKind::Completion, Some(seq), second));
            }
            store.append("w", seq, &batch).await.unwrap();
            seq += batch.len() as u64;
        }
        store
    })
}

fn intent(name: &str, more: Value) -> Value {
    let mut event = json!({
        "id": name, "time": "2026-07-01T12:00:00.000Z", "action": "api_key.create",
        "actor": {"type": "user", "name": "Ada"},
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

#[test]
fn events_are_found_in_either_half_and_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let print = key(dir.path()).fingerprint(SECRET_DOMAIN, SECRET.as_bytes());
    let marker = json!({"redacted": "credential.key", "fingerprint": print});
    let header = json!({"request": {"headers": {"authorization": format!("Bearer {print}")}}});
    let deep = json!({"outcome": "success", "response": {"body": {"a b": [{"key": marker}, {"key": marker}]}}});
    let text = json!({"actor": {"type": "api", "credential": print}, "request": {"path": format!("/x/{print}")}});
    let _store = ledger(
        dir.path(),
        &[
            (intent("both", header), Some(deep.clone())),
            (intent("none", json!({})), Some(json!({"outcome": "failure"}))),
            (intent("second", json!({})), Some(deep)),
            (intent("pending", text), None),
        ],
    );
    let (found, lines) = look(dir.path(), &["--format", "ndjson"], SECRET).unwrap();
    assert!(found);
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let places: Vec<_> =
        rows.iter().map(|row| (row["id"].clone(), row["locations"].clone())).collect();
    let body = "response.body.$['a b'][*].key";
    assert_eq!(
        places,
        [
            (json!("both"), json!(["request.header.authorization", body])),
            (json!("second"), json!([body])),
            (json!("pending"), json!(["actor.credential", "request.path"])),
        ]
    );
    assert_eq!((&rows[0]["outcome"], &rows[2]["outcome"]), (&json!("success"), &json!("pending")));

    let (_, table) = look(dir.path(), &["--limit", "2"], &format!("Bearer {SECRET}")).unwrap();
    for expected in
        ["api_key.create", "Ada", "pending", body, "found in 3 events, the newest 2 shown"]
    {
        assert!(table.contains(expected), "{expected}: {table}");
    }
    assert!(!table.contains("both") && table.find("pending") < table.find("second"), "{table}");
    let (_, newest) = look(dir.path(), &["--format", "ndjson", "--limit", "1"], SECRET).unwrap();
    assert!(newest.lines().count() == 1 && newest.contains("pending"), "{newest}");
    let (found, text) = look(dir.path(), &[], "another-value").unwrap();
    assert!(!found && text.starts_with("not found: no event of 7 entries holds hmac:"), "{text}");
}

#[test]
fn what_a_rule_took_without_a_fingerprint_may_be_the_value() {
    let receipts = json!([{"rule": "x", "location": "request.body.$.a", "count": 1}]);
    let entry = |value: Value| {
        let more = json!({"redactions": receipts.clone(), "request": {"body": {"a": value}}});
        (intent("a", more), None)
    };
    let print = "hmac:0123456789abcdef";
    let printed = json!({"redacted": "credential.key", "fingerprint": print});
    for (value, names) in [
        (json!({"redacted": "acme.drop"}), Some("(`acme.drop`)")),
        (json!({"redacted": "acme.sum", "chars": 12}), Some("(`acme.sum`)")),
        (json!({"redacted": "acme.ends", "ends": "ab…yz"}), Some("(`acme.ends`)")),
        (json!([printed.clone(), {"redacted": "acme.drop"}]), Some("(`acme.drop`)")),
        (json!("user ada, password ***"), Some("shortened (`x`), which")),
        (printed.clone(), None),
        (json!(format!("Bearer {print}")), None),
        (json!(r#"{"a":{"redacted":"acme.drop"}}"#), Some("(`acme.drop`)")),
        (json!(printed.to_string()), None),
    ] {
        let dir = tempfile::tempdir().unwrap();
        key(dir.path());
        let own = FingerprintKey::new(&[7; 32]).fingerprint(SECRET_DOMAIN, SECRET.as_bytes());
        let _store =
            ledger(dir.path(), &[entry(value.clone()), (intent("b", json!({"x": own})), None)]);
        assert!(look(dir.path(), &[], SECRET).unwrap().0, "what is found is found");
        for format in ["table", "ndjson"] {
            let answer = look(dir.path(), &["--format", format], "another-value");
            match (names, answer) {
                (Some(names), Err(error)) => assert!(
                    error.contains("of 1 of 2 entries") && error.contains(names),
                    "{value}: {error}"
                ),
                (None, Ok((found, _))) => assert!(!found, "{value}"),
                (_, other) => panic!("{value}: {other:?}"),
            }
        }
    }
    // Without receipts nothing was taken out: a client may write what it likes.
    let dir = tempfile::tempdir().unwrap();
    key(dir.path());
    let own = json!({"redactions": [], "request": {"body": {"a": "***", "redacted": "x"}}});
    let _store = ledger(dir.path(), &[(intent("a", own), None)]);
    assert!(!look(dir.path(), &[], "another-value").unwrap().0);
}

#[test]
fn what_cannot_be_told_is_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let _store = ledger(dir.path(), &[(intent("a", json!({})), None)]);
    let error = |line: &[&str], value: &str| look(dir.path(), line, value).unwrap_err();
    assert!(error(&[], SECRET).contains("name the ledger's directory with --data"), "no key");
    fs::write(dir.path().join(KEY_FILE), b"short").unwrap();
    assert!(error(&[], SECRET).contains("exactly 32 bytes"));
    key(dir.path());
    assert!(error(&[], "1234").contains("never fingerprinted"));
    assert!(error(&[], "12345678").contains("never fingerprinted"));
    assert!(error(&[], "").contains("no value"));
    let apart = tempfile::tempdir().unwrap();
    fs::rename(dir.path().join(KEY_FILE), apart.path().join("k")).unwrap();
    let file = apart.path().join("k").display().to_string();
    assert!(!look(dir.path(), &["--key", &file], SECRET).unwrap().0);
    assert!(look(&apart.path().join("no"), &[], SECRET).unwrap_err().contains("--data"));
    key(apart.path());
    assert!(look(apart.path(), &[], SECRET).unwrap_err().contains("ledger"));
}

#[test]
fn a_value_that_stands_in_clear_is_found_and_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let print = key(dir.path()).fingerprint(SECRET_DOMAIN, SECRET.as_bytes());
    let answer = json!({"outcome": "success", "response": {"body": {"id": 1, "sha1": SECRET}}});
    let odd = json!({
        "actor": {"type": "user", "name": SECRET},
        "request": {"body": {"q": format!("{{\"a\": \"{SECRET}\"}}"), SECRET: 1}},
    });
    let printed = json!({"request": {"headers": {"authorization": print}}});
    let _store = ledger(
        dir.path(),
        &[
            (intent("made", json!({})), Some(answer)),
            (intent("odd", odd), None),
            (intent("printed", printed), None),
        ],
    );
    let (found, lines) = look(dir.path(), &["--format", "ndjson"], SECRET).unwrap();
    assert!(found);
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let clear: Vec<_> = rows.iter().map(|row| (row["id"].clone(), row["clear"].clone())).collect();
    let at = json!(["actor.name", "request.body.$.q", "request.body.$['***']"]);
    assert_eq!(
        clear,
        [
            (json!("made"), json!(["response.body.$.sha1"])),
            (json!("odd"), at),
            (json!("printed"), json!([]))
        ]
    );
    let (_, table) = look(dir.path(), &[], SECRET).unwrap();
    for expected in [
        "response.body.$.sha1 (in clear)",
        "found in 3 events",
        "In 2 events the value itself is on record",
        "- {id: own.sha1, keys: [sha1], do: fingerprint}",
    ] {
        assert!(table.contains(expected), "{expected}: {table}");
    }
}

#[test]
fn short_values_are_looked_for_as_text_alone() {
    let dir = tempfile::tempdir().unwrap();
    key(dir.path());
    let body = json!({"request": {"body": {"door": 4711, "text": "x hunter2", "id": "a47115"}}});
    let _store = ledger(dir.path(), &[(intent("a", body), None)]);
    for (value, at) in [("4711", "request.body.$.door"), ("hunter2", "request.body.$.text")] {
        let (found, lines) = look(dir.path(), &["--format", "ndjson"], value).unwrap();
        let row: Value = serde_json::from_str(&lines).unwrap();
        assert!(found && row["clear"] == json!([at]) && row["locations"] == json!([at]), "{row}");
        let (_, table) = look(dir.path(), &[], value).unwrap();
        assert!(table.contains("found in 1 event\n"), "{table}");
    }
    let error = |value: &str| look(dir.path(), &[], value).unwrap_err();
    assert!(error("7115").contains("it does not stand there in clear"), "{}", error("7115"));
    assert!(error("2026").contains("never fingerprinted"), "the time of an event is its own");
    assert!(error("471").contains("less than 4 characters are not looked for"), "{}", error("471"));
}

#[test]
fn entries_that_are_gone_are_named_whatever_else_leaves_it_open() {
    let rules = ["credential.password".to_owned()].into();
    let archive = Some("/srv/archive".to_owned());
    let looked = Looked { entries: 9, untold: 4, rules, purged: 92, archive, ..Looked::default() };
    let sought = Sought { key: String::new(), prints: Vec::new(), clear: None };
    for told in [besides(&looked, &sought), purged(&looked, &sought)] {
        assert!(told.contains("92 entries were purged"), "{told}");
        assert!(told.contains("archive query --from /srv/archive --text"), "{told}");
    }
    assert_eq!(besides(&Looked { purged: 0, ..looked }, &sought), "");
}
