//! Bundles, whole, filtered, and tampered with.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::proofs::all;
use super::{Ledger, WRITER, published};
use crate::record::{EntryKind, Stored};
use crate::seal::verify::Evidence;
use crate::seal::{
    BUNDLE, BundleCheck, BundleFault, BundleShown, Bundler, SigningKey, VerifierKey,
};
use crate::store::Purged;

/// A bundle of the events with these numbers, newest first, as exports have them.
fn bundle(
    ledger: &Ledger,
    entries: &[Stored],
    complete: bool,
    keep: impl Fn(usize) -> bool,
) -> String {
    bundle_with(ledger, entries, &[], complete, keep)
}

fn bundle_with(
    ledger: &Ledger,
    entries: &[Stored],
    purged: &[Purged],
    complete: bool,
    keep: impl Fn(usize) -> bool,
) -> String {
    let head = entries.iter().map(|entry| entry.seq).max().unwrap_or(0);
    let heads = BTreeMap::from([(WRITER.to_owned(), head)]);
    let mut bundler = Bundler::open(ledger.path(), &heads).unwrap();
    let mut out = Vec::new();
    bundler.begin(complete, &mut out).unwrap();
    let mut events: Vec<Vec<Stored>> = Vec::new();
    for entry in entries {
        match events.iter_mut().find(|event| event[0].id == entry.id) {
            Some(event) => event.push(entry.clone()),
            None => events.push(vec![entry.clone()]),
        }
    }
    for (_, event) in events.iter().enumerate().filter(|(number, _)| keep(*number)).rev() {
        bundler.event(event, &mut out).unwrap();
    }
    bundler.purged(WRITER, purged, &mut out);
    bundler.end(&mut out);
    String::from_utf8(out).unwrap()
}

fn check(bundle: &str, keys: &[VerifierKey]) -> Result<BundleShown, BundleFault> {
    check_with(bundle, keys, "")
}

/// With a file of checkpoints that were kept elsewhere.
fn check_with(bundle: &str, keys: &[VerifierKey], kept: &str) -> Result<BundleShown, BundleFault> {
    let mut evidence = Evidence::new(keys.to_vec());
    evidence.add_file("kept", kept);
    let mut check = BundleCheck::new(evidence);
    bundle.lines().try_for_each(|line| check.line(line))?;
    check.end()
}

async fn sealed() -> (Ledger, Vec<Stored>) {
    let mut ledger = Ledger::new();
    ledger.append(30).await;
    ledger.seal().await;
    let entries = all(&ledger).await;
    (ledger, entries)
}

#[tokio::test]
async fn whole_and_filtered_bundles_are_proven() {
    let (mut ledger, entries) = sealed().await;
    let keys = [ledger.key()];
    let shown = check(&bundle(&ledger, &entries, true, |_| true), &keys).unwrap();
    assert_eq!((shown.events, shown.proven, shown.unproven), (30, entries.len() as u64, 0));
    assert!(shown.complete);
    assert_eq!(shown.logs.len(), 1);
    let shown = check(&bundle(&ledger, &entries, false, |number| number % 3 == 0), &keys).unwrap();
    assert_eq!((shown.events, shown.complete), (10, false));
    // What came since the checkpoint is there, and not proven.
    ledger.append(2).await;
    let entries = all(&ledger).await;
    let shown = check(&bundle(&ledger, &entries, true, |_| true), &keys).unwrap();
    assert_eq!((shown.events, shown.unproven), (32, 4));
}

#[tokio::test]
async fn nothing_can_be_taken_out_put_in_or_changed() {
    let (ledger, entries) = sealed().await;
    let keys = [ledger.key()];
    let whole = bundle(&ledger, &entries, true, |_| true);
    let lines: Vec<&str> = whole.lines().collect();
    let without = |gone: usize| {
        let left = lines.iter().enumerate().filter(|(number, _)| *number != gone);
        left.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    assert_eq!(check(&without(0), &keys), Err(BundleFault::Form(1)));
    assert_eq!(check(&without(5), &keys), Err(BundleFault::Cut));
    assert_eq!(check(&without(lines.len() - 1), &keys), Err(BundleFault::Cut));
    assert_eq!(check(&format!("{whole}{}", lines[3]), &keys), Err(BundleFault::Cut));
    // An end that was made to fit does not make it complete.
    let lie = bundle(&ledger, &entries, true, |number| number != 7);
    assert!(matches!(check(&lie, &keys), Err(BundleFault::Incomplete { .. })));
    let lie = bundle(&ledger, &entries, true, |number| number != 29);
    assert!(matches!(check(&lie, &keys), Err(BundleFault::Incomplete { .. })));
    let changed = [
        ("api_key.create", "api_key.delete"),
        ("\"seq\":9,", "\"seq\":8,"),
        ("\"writer\":\"countersign\"", "\"writer\":\"other\""),
    ];
    for (from, to) in changed {
        let changed = whole.replacen(from, to, 1);
        assert_ne!(changed, whole);
        assert!(matches!(check(&changed, &keys), Err(BundleFault::NotIncluded { .. })), "{from}");
    }
    let (head, rest) = whole.split_once('\n').unwrap();
    let moved = format!("{head}\n{}", rest.replacen("\"event\":\"", "\"event\":\"x", 1));
    assert_eq!(check(&moved, &keys), Err(BundleFault::OtherEvent(2)));
    let stranger = SigningKey::generate(keys[0].name()).unwrap();
    let fault = check(&whole, &[stranger.verifier().clone()]).unwrap_err();
    assert!(matches!(fault, BundleFault::Signature { .. }), "{fault}");
}

#[tokio::test]
async fn a_bundle_of_a_log_that_grows_has_a_checkpoint_that_is_not_newer() {
    let (mut ledger, entries) = sealed().await;
    ledger.append(6).await;
    ledger.seal().await;
    // What was exported are the first entries alone.
    let keys = [ledger.key()];
    let shown = check(&bundle(&ledger, &entries, true, |_| true), &keys).unwrap();
    assert_eq!((shown.proven, shown.unproven), (entries.len() as u64, 0));
    assert!(shown.is_proven() && shown.complete);
}

#[tokio::test]
async fn a_bundle_of_nothing_proves_nothing() {
    let (ledger, entries) = sealed().await;
    let head = json!({"bundle": BUNDLE, "complete": true, "checkpoints": {}, "key_changes": []});
    let end = json!({"end": true, "events": 0, "entries": 0});
    let empty = format!("{head}\n{end}\n");
    let shown = check(&empty, &[ledger.key()]).unwrap();
    assert!(!shown.is_proven());
    // A part of which nothing matched.
    let shown = check(&bundle(&ledger, &entries, false, |_| false), &[ledger.key()]).unwrap();
    assert!(!shown.is_proven());
}

#[tokio::test]
async fn checkpoints_that_were_kept_show_what_a_bundle_leaves_out() {
    let mut ledger = Ledger::new();
    ledger.append(10).await;
    let first = published(&ledger.seal().await);
    ledger.append(10).await;
    let second = published(&ledger.seal().await);
    let entries = all(&ledger).await;
    let keys = [ledger.key()];
    let whole = bundle(&ledger, &entries, true, |_| true);
    let head: Value = serde_json::from_str(whole.lines().next().unwrap()).unwrap();
    let size = entries.len() as u64;
    for kept in [&first, &second, &format!("{first}{second}")] {
        let shown = check_with(&whole, &keys, kept).unwrap();
        assert!(shown.is_proven() && shown.logs[0].compared.is_some());
    }
    // A log that is not in it, though the rest is as it was.
    let mut none = head.clone();
    none["checkpoints"] = json!({});
    let none = format!("{none}\n{}\n", json!({"end": true, "events": 0, "entries": 0}));
    let shown = check_with(&none, &keys, &first).unwrap();
    assert!(!shown.is_proven() && shown.logs[0].is_absent, "{shown:?}");
    // The same entries without the checkpoint are proven by one that was kept.
    let bare: String = whole
        .lines()
        .map(|line| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            if line.get("checkpoints").is_some() {
                line["checkpoints"] = json!({});
            }
            for entry in line["entries"].as_array_mut().into_iter().flatten() {
                entry["path"] = Value::Null;
            }
            format!("{line}\n")
        })
        .collect();
    assert_eq!(check(&bare, &keys).unwrap().proven, 0);
    let shown = check_with(&bare, &keys, &second).unwrap();
    assert_eq!((shown.proven, shown.unproven), (size, 0));
    // An older bundle ends before the newest that was kept.
    let older = entries.iter().filter(|entry| entry.seq <= 16).cloned().collect::<Vec<_>>();
    let shown = check_with(&bundle(&ledger, &older, true, |_| true), &keys, &second).unwrap();
    assert!(!shown.is_proven());
    // Another version of the log.
    let mut other = ledger.fork();
    let attack = other.attack();
    attack.execute_batch("UPDATE entries SET doc = replace(doc, 'success', 'failure')").unwrap();
    super::attacks::rehash(&attack);
    std::fs::remove_file(other.path().join(crate::seal::SEAL_FILE)).unwrap();
    other.append(1).await;
    other.seal().await;
    let entries = all(&other).await;
    let forged = bundle(&other, &entries, true, |_| true);
    assert!(check(&forged, &keys).unwrap().is_proven());
    let wrong = check_with(&forged, &keys, &second).unwrap_err();
    assert!(matches!(wrong, BundleFault::OtherRoot { .. }), "{wrong}");
}

#[tokio::test]
async fn a_bundle_of_a_purged_log_is_complete_by_the_hashes_that_stayed() {
    let (ledger, event, by) = super::purges::purged().await;
    let keys = [ledger.key()];
    let entries = all(&ledger).await;
    let mut reader = ledger.source().reader().await.unwrap();
    let gone = reader.purged_after(WRITER, 0, 100).await.unwrap();
    reader.close().await.unwrap();
    let whole = bundle_with(&ledger, &entries, &gone, true, |_| true);
    let shown = check(&whole, &keys).unwrap();
    assert!(shown.is_proven() && shown.complete, "{shown:?}");
    assert_eq!((shown.proven, shown.purged), (entries.len() as u64, 2));
    // No number is too large to be looked at.
    let (head, _) = whole.split_once('\n').unwrap();
    let far = json!({"purged": WRITER, "first": u64::MAX, "by": 1, "leaves": ["AA", "AA"]});
    assert_eq!(check(&format!("{head}\n{far}\n"), &keys), Err(BundleFault::Form(2)));
    // Not without them, nor with others, and nothing else may be passed off as purged.
    let without = bundle(&ledger, &entries, true, |_| true);
    let missing = BundleFault::Incomplete { writer: WRITER.to_owned(), seq: event[0] };
    assert_eq!(check(&without, &keys), Err(missing));
    let mut other = gone.clone();
    other[0].leaf = vec![0; 32];
    let forged = bundle_with(&ledger, &entries, &other, true, |_| true);
    assert!(matches!(check(&forged, &keys), Err(BundleFault::OtherRoot { .. })));
    let hidden = entries.iter().find(|entry| entry.seq > by).unwrap();
    let left: Vec<Stored> = entries.iter().filter(|it| it.id != hidden.id).cloned().collect();
    let both = entries.iter().filter(|it| it.id == hidden.id);
    let mut other = gone.clone();
    other.extend(both.map(|it| Purged { seq: it.seq, leaf: it.leaf.clone(), by }));
    let forged = bundle_with(&ledger, &left, &other, true, |_| true);
    let found = BundleFault::NotPurged { writer: WRITER.to_owned(), seq: hidden.seq };
    assert_eq!(check(&forged, &keys), Err(found));
}

#[tokio::test]
async fn a_bundle_says_which_half_of_an_event_is_there() {
    let (ledger, entries) = sealed().await;
    let keys = [ledger.key()];
    let first: Vec<Stored> = entries.iter().filter(|it| it.seq == 1).cloned().collect();
    let shown = check(&bundle(&ledger, &entries, false, |_| true), &keys).unwrap();
    assert_eq!((shown.begun, shown.ended), (0, 0));
    let mut bundler =
        Bundler::open(ledger.path(), &BTreeMap::from([(WRITER.to_owned(), 1 << 40)])).unwrap();
    let mut out = Vec::new();
    bundler.begin(false, &mut out).unwrap();
    bundler.event(&first, &mut out).unwrap();
    let last = entries.iter().find(|it| it.intent.is_some_and(|intent| intent > 1)).unwrap();
    bundler.event(std::slice::from_ref(last), &mut out).unwrap();
    bundler.end(&mut out);
    let shown = check(&String::from_utf8(out).unwrap(), &keys).unwrap();
    assert_eq!((shown.begun, shown.ended), (1, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_line_is_one_of_a_bundle_or_none(text in any::<String>()) {
        let mut check = BundleCheck::new(Evidence::default());
        prop_assert!(check.line(&text).is_err());
        let head = format!(
            "{{\"bundle\":\"{BUNDLE}\",\"complete\":true,\"checkpoints\":{{}},\"key_changes\":[]}}"
        );
        let mut check = BundleCheck::new(Evidence::default());
        check.line(&head).unwrap();
        prop_assert!(check.line(&text).is_err());
    }
}

#[tokio::test]
async fn an_event_that_is_in_a_log_twice_is_named() {
    let mut ledger = Ledger::new();
    ledger.append(12).await;
    ledger.seal().await;
    let entries = all(&ledger).await;
    let is_whole = |it: &&Stored| it.kind == EntryKind::Completion && it.intent.is_none();
    let whole = entries.iter().find(is_whole).unwrap().clone();
    // Sealed by a proxy that found it in the log when it started.
    let sql = "INSERT INTO entries (writer, seq, kind, id, intent, scope, doc, leaf) SELECT writer, \
               (SELECT max(seq) + 1 FROM entries), kind, id, intent, scope, doc, leaf FROM entries ";
    ledger.attack().execute_batch(&format!("{sql} WHERE seq = {}", whole.seq)).unwrap();
    ledger.seal().await;
    let keys = [ledger.key()];
    let twice = Err(BundleFault::Twice(whole.id.to_string()));
    // In one line, or in two.
    for complete in [true, false] {
        let bundle = bundle(&ledger, &all(&ledger).await, complete, |_| true);
        assert_eq!(check(&bundle, &keys), twice);
    }
    let bundle = bundle(&ledger, &all(&ledger).await, true, |_| true);
    let mut lines = Vec::new();
    for line in bundle.lines() {
        let mut value: Value = serde_json::from_str(line).unwrap();
        if value["event"] == whole.id.to_string() {
            let second = value["entries"].as_array_mut().unwrap().pop().unwrap();
            lines.push(json!({"event": value["event"], "entries": [second]}));
        }
        if value["end"] == true {
            value["events"] = json!(value["events"].as_u64().unwrap() + 1);
        }
        lines.push(value);
    }
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(check(&lines, &keys), twice);
}
