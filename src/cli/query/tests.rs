//! The subcommand on a real directory.

use std::path::Path;
use std::time::Duration;

use clap::Parser;
use serde_json::{Value, json};

use super::open::{Patience, as_it_is};
use super::{QueryArgs, run};
use crate::cli::screen::is_hostile;
use crate::clock::{Clock, SystemClock};
use crate::follow::Heads;
use crate::index::{Index, Search};
use crate::record::{Entry, EntryKind, EventId, Scope};
use crate::redact::Redacted;
use crate::store::{LedgerSource, SqliteOptions, Store};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: QueryArgs,
}

fn query(dir: &Path, line: &[&str]) -> Result<String, String> {
    let data = dir.display().to_string();
    let all = ["query", "--data", &data].into_iter().chain(line.iter().copied());
    let args = Line::try_parse_from(all).map_err(|error| error.to_string())?.args;
    let mut out = Vec::new();
    run(&args, &mut out).map_err(|error| format!("{error:#}"))?;
    Ok(String::from_utf8(out).unwrap())
}

const HOSTILE: &str = "red \u{1b}[31m\r\nfake row\u{9b}2J \u{202e}evil\u{7f}";

/// A ledger with one finished and one pending event; the store stays open, as in a running proxy.
fn ledger(dir: &Path) -> (Box<dyn Store>, EventId) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = SqliteOptions::new(dir, "w", Duration::from_secs(1));
        let mut store = options.opener()().await.unwrap();
        let id = EventId::new(SystemClock.now());
        let entry = |kind, id, intent, doc: Value| Entry {
            kind,
            id,
            intent,
            scope: Scope::from([("pool".to_owned(), "blue".to_owned())]),
            doc: Redacted::system(doc.to_string()),
        };
        let intent = |name: &str, verified: bool| {
            json!({"time": "2026-07-01T12:00:00.000Z", "action": "api_key.create", "category": "api_key",
                   "description": HOSTILE, "actor": {"type": "user", "name": name, "verified": verified},
                   "targets": [{"type": "api_key", "id": "k1"}, {"type": "api_key", "id": "k2"}],
                   "request": {"path": "/x"}})
        };
        let other = EventId::new(SystemClock.now());
        let batch = [
            entry(EntryKind::Intent, id, None, intent("Ada", true)),
            entry(
                EntryKind::Completion,
                id,
                Some(1),
                json!({"outcome": "failure", "reason": "http_409"}),
            ),
            entry(EntryKind::Intent, other, None, intent("Bob ✔ ✓", false)),
        ];
        store.append("w", 1, &batch).await.unwrap();
        (store, id)
    })
}

#[test]
fn a_table_for_people_that_captured_text_cannot_disturb() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, _) = ledger(dir.path());
    let table = query(dir.path(), &[]).unwrap();
    for expected in [
        "TIME",
        "api_key.create",
        "Ada ✓",
        "Bob \\u{2714} \\u{2713}",
        "pending",
        "failure (http_409)",
        "api_key k1 +1",
    ] {
        assert!(table.contains(expected), "{expected}:\n{table}");
    }
    assert!(!table.chars().any(|c| c != '\n' && is_hostile(c)), "{table:?}");
    assert!(table.contains("\\u{1b}"), "{table}");
    assert!(query(dir.path(), &["--limit", "1"]).unwrap().contains("older events: --cursor "));
    assert_eq!(query(dir.path(), &["--outcome", "denied"]).unwrap(), "no events\n");
}

#[test]
fn json_for_programs() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, id) = ledger(dir.path());
    let lines = query(dir.path(), &["--format", "ndjson", "--scope", "pool=blue"]).unwrap();
    let events: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| event["description"] == HOSTILE), "unharmed");
    assert!(!lines.chars().any(|c| c != '\n' && is_hostile(c)), "{lines:?}");

    let page = query(dir.path(), &["--format", "json", "--limit", "1"]).unwrap();
    let page: Value = serde_json::from_str(&page).unwrap();
    let next = page["next_cursor"].as_str().unwrap();
    let rest = query(dir.path(), &["--format", "json", "--cursor", next]).unwrap();
    let rest: Value = serde_json::from_str(&rest).unwrap();
    assert_eq!(rest["next_cursor"], Value::Null);
    let both: Vec<&Value> =
        [&page, &rest].into_iter().map(|p| &p["events"][0]["actor"]["name"]).collect();
    assert_eq!(both.len(), 2);
    assert_ne!(both[0], both[1]);

    let one = query(dir.path(), &["--id", &id.to_string()]).unwrap();
    let one: Value = serde_json::from_str(&one).unwrap();
    assert_eq!(
        (&one["outcome"], &one["seq"], &one["intent"]),
        (&json!("failure"), &json!(2), &json!(1))
    );
}

#[test]
fn works_when_no_proxy_runs() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = ledger(dir.path());
    drop(store);
    assert_eq!(
        query(dir.path(), &["--format", "ndjson", "--actor", "ada"]).unwrap().lines().count(),
        1
    );
}

#[test]
fn errors_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("nowhere");
    let unknown = EventId::new(SystemClock.now()).to_string();
    assert!(query(&missing, &[]).unwrap_err().contains("--data"));
    assert!(!missing.exists());
    assert!(query(dir.path(), &[]).unwrap_err().contains("there is no ledger at"));
    let (_store, _) = ledger(dir.path());
    for (line, expected) in [
        (&["--since", "soon"][..], "30d"),
        (&["--outcome", "bad"][..], "one of success"),
        (&["--scope", "pool"][..], "NAME=VALUE"),
        (&["--id", &unknown][..], "no event"),
        (&["--id", "7"][..], "UUID"),
        (&["--format", "xml"][..], "ndjson"),
    ] {
        let error = query(dir.path(), line).unwrap_err();
        assert!(error.contains(expected), "{line:?}: {error}");
    }
}

#[test]
fn what_no_event_has_is_told_with_what_was_probably_meant() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, id) = ledger(dir.path());
    let whole = query(dir.path(), &["--id", &id.to_string()]).unwrap();
    let event: Value = serde_json::from_str(&whole).unwrap();
    let (action, category) =
        (event["action"].as_str().unwrap(), event["category"].as_str().unwrap());
    let capitals = action.to_uppercase();
    let (begun, _) = category.split_at(category.len() - 1);
    for (line, expected) in [
        (&["--action", &capitals][..], format!("action `{capitals}`; did you mean `{action}`?")),
        (&["--category", begun][..], format!("category `{begun}`; did you mean `{category}`?")),
        (&["--action", "zzz"][..], "no event has the action `zzz`\n".to_owned()),
        (&["--resource-type", "zzz"][..], "no event has the resource type `zzz`\n".to_owned()),
    ] {
        let text = query(dir.path(), line).unwrap();
        assert!(text.starts_with("no events\n") && text.contains(&expected), "{line:?}: {text}");
    }
    // There are such, though none of this person.
    for line in [&["--action", action, "--actor", "nobody"][..], &["--action", "zzz*"][..]] {
        assert_eq!(query(dir.path(), line).unwrap(), "no events\n", "{line:?}");
    }
    // Nor do other filters hide that an event is there.
    let outcome = if event["outcome"] == "denied" { "failure" } else { "denied" };
    let error = query(dir.path(), &["--id", &id.to_string(), "--outcome", outcome]).unwrap_err();
    assert!(error.contains("is in this ledger, but not what the other filters ask for"), "{error}");
}

#[test]
fn an_index_that_cannot_be_written_is_made_anew_or_told_to_lag() {
    let dir = tempfile::tempdir().unwrap();
    let (_store, _id) = ledger(dir.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut reader = LedgerSource::directory(dir.path()).reader().await.unwrap();
        let heads = Heads::now(&mut *reader).await.unwrap();
        let refused = anyhow::anyhow!("no right to write");
        let rows = [
            ("no index", false, 100, 2, "made for this query alone: no right to write"),
            ("no index, many entries", false, 0, 2, "made for this query alone"),
            ("an empty one", true, 100, 2, "made for this query alone"),
            (
                "an empty one, many entries",
                true,
                0,
                0,
                "the newest 3 entries of the ledger are not",
            ),
        ];
        for (what, exists, entries, shown, told) in rows {
            if exists {
                Index::open(dir.path()).await.unwrap().close().await.unwrap();
            }
            let patience = Patience { wait: Duration::ZERO, entries };
            let opened = as_it_is(dir.path(), &mut *reader, &heads, &refused, &patience).await;
            let (mut index, note) = opened.unwrap();
            let search = Search { limit: 10, ..Search::default() };
            assert_eq!(index.search(&search).await.unwrap().rows.len(), shown, "{what}");
            let note = note.unwrap();
            assert!(note.contains(told), "{what}: {note}");
        }
    });
}
