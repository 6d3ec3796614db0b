//! The index: projection, rebuilding, filters.

mod arrivals;
mod compare;
mod coverage;
mod metadata;
mod naive;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Condition, Facet, Field, Index, Like, Row, Search, View};
use crate::clock::{Clock, SystemClock};
use crate::follow::{Follower, Heads, catch_up};
use crate::index::IndexError;
use crate::record::{Entry, EntryKind, EventId, Scope};
use crate::redact::Redacted;
use crate::store::{INDEX_FILE, LedgerSource, SqliteOptions, Store};

struct Ledger {
    dir: tempfile::TempDir,
    store: Box<dyn Store>,
}

impl Ledger {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(dir.path(), "w", Duration::from_secs(5));
        let store = options.opener()().await.unwrap();
        Self { dir, store }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    async fn append(
        &mut self,
        id: EventId,
        intent: Option<u64>,
        kind: EntryKind,
        doc: Value,
    ) -> u64 {
        let scope: Scope =
            serde_json::from_value(doc.get("scope").cloned().unwrap_or(json!({}))).unwrap();
        let doc = Redacted::system(doc.to_string());
        let seq = self.store.head("w").await.unwrap() + 1;
        self.store.append("w", seq, &[Entry { kind, id, intent, scope, doc }]).await.unwrap();
        seq
    }

    async fn intent(&mut self, id: EventId, doc: Value) -> u64 {
        self.append(id, None, EntryKind::Intent, doc).await
    }

    async fn completion(&mut self, id: EventId, intent: u64, doc: Value) -> u64 {
        self.append(id, Some(intent), EntryKind::Completion, doc).await
    }

    async fn index(&self) -> Index {
        let mut index = Index::open(self.path()).await.unwrap();
        let mut reader = LedgerSource::directory(self.path()).reader().await.unwrap();
        let heads = Heads::now(&mut *reader).await.unwrap();
        catch_up(&mut *reader, &mut index, &heads).await.unwrap();
        index
    }
}

fn id() -> EventId {
    EventId::new(SystemClock.now())
}

fn intent_doc(n: u32) -> Value {
    json!({
        "time": format!("2026-07-01T12:00:{n:02}.000Z"),
        "action": if n.is_multiple_of(2) { "api_key.create" } else { "budget.update" },
        "category": if n.is_multiple_of(2) { "api_key" } else { "billing" },
        "description": format!("Thing {n} done"),
        "actor": {"type": "user", "id": format!("u{n}"), "name": "Ada Löve", "email": "ada@example.com"},
        "targets": [{"type": "api_key", "id": format!("k{n}")}, {"type": "pool", "name": "Blue_Pool 100%"}],
        "scope": {"pool": if n < 2 { "blue" } else { "red" }},
        "request": {"method": "POST", "path": "/admin/api-keys", "headers": {}, "body": {"deep": [1, 2]}},
        "request_id": format!("req-{n}"),
    })
}

fn completion_doc(outcome: &str) -> Value {
    json!({"outcome": outcome, "severity": "info", "duration_ms": 12, "response": {"status": 201}})
}

async fn sample() -> Ledger {
    let mut ledger = Ledger::new().await;
    for (n, outcome) in [(0, "success"), (1, "failure"), (2, "denied"), (3, "unknown")] {
        let id = id();
        let seq = ledger.intent(id, intent_doc(n)).await;
        ledger.completion(id, seq, completion_doc(outcome)).await;
    }
    ledger.intent(id(), intent_doc(4)).await;
    ledger
}

#[tokio::test]
async fn what_came_from_another_ledger_is_not_shown_as_this_ones() {
    let (one, mut other) = (sample().await, Ledger::new().await);
    let mut index = one.index().await;
    let mut reader = LedgerSource::directory(one.path()).reader().await.unwrap();
    assert!(index.is_of(&mut *reader).await.unwrap());
    // It is longer, so that nothing would seem to be missing.
    for n in 10..30 {
        let id = id();
        let seq = other.intent(id, intent_doc(n)).await;
        other.completion(id, seq, completion_doc("success")).await;
    }
    let mut reader = LedgerSource::directory(other.path()).reader().await.unwrap();
    assert!(!index.is_of(&mut *reader).await.unwrap());
    let heads = Heads::now(&mut *reader).await.unwrap();
    catch_up(&mut *reader, &mut index, &heads).await.unwrap();
    let actors = found(&mut index, Vec::new()).await;
    assert_eq!((actors.len(), actors.contains(&"u1".to_owned())), (20, false));
}

async fn found(index: &mut Index, conditions: Vec<Condition>) -> Vec<String> {
    let search = Search { conditions, limit: 100, ..Search::default() };
    let page = index.search(&search).await.unwrap();
    assert_eq!(page.next, None);
    page.rows.into_iter().map(|row| row.actor_id.unwrap_or_default()).collect()
}

fn any(field: Field, values: &[&str]) -> Vec<Condition> {
    vec![Condition::AnyOf(field, values.iter().map(ToString::to_string).collect())]
}

#[tokio::test]
async fn every_condition() {
    let ledger = sample().await;
    let mut index = ledger.index().await;
    let text = |text: &str| vec![Condition::Text(text.to_owned())];
    let target = |text: &str| vec![Condition::Target(Like::Part(text.to_owned()))];
    let actor = |text: &str| vec![Condition::Actor(Like::Part(text.to_owned()))];
    let outcome = |value: Option<&str>| vec![Condition::Outcome(vec![value.map(str::to_owned)])];
    let scope =
        |name: &str, value: &str| vec![Condition::Scope(name.to_owned(), vec![value.to_owned()])];
    let time = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
    let all = ["u4", "u3", "u2", "u1", "u0"];
    let cases: Vec<(Vec<Condition>, &[&str])> = vec![
        (vec![], &all),
        (any(Field::Action, &["budget.update"]), &["u3", "u1"]),
        (any(Field::Action, &["budget.update", "api_key.create"]), &all),
        (any(Field::Action, &["budget"]), &[]),
        (any(Field::Category, &["api_key"]), &["u4", "u2", "u0"]),
        (any(Field::ActorType, &["user"]), &all),
        (any(Field::Severity, &["info"]), &["u3", "u2", "u1", "u0"]),
        (outcome(Some("denied")), &["u2"]),
        (outcome(None), &["u4"]),
        (vec![Condition::Outcome(vec![Some("success".into()), None])], &["u4", "u0"]),
        (vec![Condition::ResourceType(vec!["pool".into()])], &all),
        (vec![Condition::ResourceType(vec!["user".into()])], &[]),
        (target("k3"), &["u3"]),
        (target("K3"), &["u3"]),
        (vec![Condition::Target(Like::Whole("K3".into()))], &[]),
        (target("blue_pool"), &all),
        (target("100%"), &all),
        (target("blue%100"), &[]),
        (target("blueXpool"), &[]),
        (actor("u2"), &["u2"]),
        (actor("ADA@"), &all),
        (actor("' OR 1=1 --"), &[]),
        (scope("pool", "blue"), &["u1", "u0"]),
        (scope("tenant", "blue"), &[]),
        (vec![Condition::Since(time("2026-07-01T12:00:03Z"))], &["u4", "u3"]),
        (vec![Condition::Until(time("2026-07-01T12:00:01Z"))], &["u0"]),
        (text("thing"), &all),
        (text("thi don"), &all),
        (text("req-3"), &["u3"]),
        (text("api_key.create"), &["u4", "u2", "u0"]),
        (text("LÖVE"), &all),
        (text("absent"), &[]),
        (text("!!!"), &[]),
    ];
    for (conditions, expected) in cases {
        let name = format!("{conditions:?}");
        assert_eq!(found(&mut index, conditions).await, expected, "{name}");
    }
}

#[tokio::test]
async fn names_are_found_in_any_case_with_accents_and_without() {
    let mut ledger = Ledger::new().await;
    for (n, actor, target) in [
        (0, "J\u{fc}rgen", "\u{c4}rger"),
        (1, "JU\u{308}RGEN", "e\u{301}cole"),
        (2, "Jurgen", "ecole"),
    ] {
        let mut doc = intent_doc(n);
        doc["actor"]["name"] = json!(actor);
        doc["targets"] = json!([{"type": "thing", "id": format!("t{n}"), "name": target}]);
        ledger.intent(id(), doc).await;
    }
    let mut index = ledger.index().await;
    for (is_actor, text, expected) in [
        (true, "j\u{fc}rgen", &["u2", "u1", "u0"] as &[&str]),
        (true, "J\u{dc}RGEN", &["u2", "u1", "u0"]),
        (true, "ju\u{308}rg", &["u2", "u1", "u0"]),
        (true, "jurgen", &["u2", "u1", "u0"]),
        (true, "\u{fc}r", &["u2", "u1", "u0"]),
        (true, "urgens", &[]),
        (false, "\u{e4}rger", &["u0"]),
        (false, "A\u{308}RGER", &["u0"]),
        (false, "\u{c9}COLE", &["u2", "u1"]),
        (false, "ECOLE", &["u2", "u1"]),
    ] {
        let like = Like::Part(text.to_owned());
        let condition = if is_actor { Condition::Actor(like) } else { Condition::Target(like) };
        assert_eq!(found(&mut index, vec![condition]).await, expected, "{text}");
    }
    let whole = |name: &str| vec![Condition::Actor(Like::Whole(name.to_owned()))];
    assert_eq!(found(&mut index, whole("J\u{fc}rgen")).await, ["u0"]);
    assert_eq!(found(&mut index, whole("j\u{fc}rgen")).await, [""; 0]);
}

#[tokio::test]
async fn words_are_found_without_their_accents_and_within_texts_without_blanks() {
    let mut ledger = Ledger::new().await;
    let names = [
        "J\u{fc}rgen M\u{fc}ller",
        "Ju\u{308}rgen Muller",
        "東京都庁",
        "京都タワー2号",
        "미국 서울",
        "กรุงเทพ",
    ];
    for (n, name) in (0..).zip(names) {
        let mut doc = intent_doc(n);
        doc["targets"] = json!([{"type": "thing", "id": format!("t{n}"), "name": name}]);
        ledger.intent(id(), doc).await;
    }
    let mut index = ledger.index().await;
    for (text, expected) in [
        ("muller", &["u1", "u0"] as &[&str]),
        ("M\u{dc}LL", &["u1", "u0"]),
        ("mu\u{308}ller jurgen", &["u1", "u0"]),
        ("ller", &[]),
        ("東京", &["u2"]),
        ("京都", &["u3", "u2"]),
        ("都", &["u3", "u2"]),
        ("庁", &["u2"]),
        ("都京", &[]),
        ("東都", &[]),
        ("京都タワー", &["u3"]),
        ("タワー2号", &["u3"]),
        ("2号", &["u3"]),
        ("서울", &["u4"]),
        ("서", &["u4"]),
        ("울", &[]),
        ("เทพ", &["u5"]),
    ] {
        let text = Condition::Text(text.to_owned());
        assert_eq!(found(&mut index, vec![text.clone()]).await, expected, "{text:?}");
    }
}

#[tokio::test]
async fn who_is_known_by_a_credential_alone_is_told_apart_by_it() {
    let mut ledger = Ledger::new().await;
    for (n, actor) in [
        (0, json!({"type": "api", "credential": "hmac:00000000000000aa"})),
        (1, json!({"type": "api", "credential": "hmac:00000000000000bb"})),
        (2, json!({"type": "api", "credential": "hmac:00000000000000bb"})),
        (3, json!({"type": "user", "id": "u3", "credential": "hmac:00000000000000cc"})),
    ] {
        let mut doc = intent_doc(n);
        doc["actor"] = actor;
        ledger.intent(id(), doc).await;
    }
    let mut index = ledger.index().await;
    let search = |conditions| Search { conditions, limit: 9, ..Search::default() };
    for (text, expected) in [("hmac:00000000000000bb", 2), ("00000AA", 1), ("u3", 1), ("cc", 0)] {
        let like = Condition::Actor(Like::Part(text.to_owned()));
        let page = index.search(&search(vec![like])).await.unwrap();
        assert_eq!(page.rows.len(), expected, "{text}");
    }
    let words = Condition::Text("hmac:00000000000000cc".to_owned());
    let page = index.search(&search(vec![words])).await.unwrap();
    assert_eq!(page.rows[0].actor_credential.as_deref(), Some("hmac:00000000000000cc"));
    let actors = index.facet(Facet::Actor, &View::Everything, &[], 9).await.unwrap();
    let mut actors: Vec<_> = actors.into_iter().map(|it| (it.value.unwrap(), it.count)).collect();
    actors.sort();
    let expected = [("hmac:00000000000000aa", 1), ("hmac:00000000000000bb", 2), ("u3", 1)];
    assert_eq!(actors, expected.map(|(value, count)| (value.to_owned(), count)));
}

#[tokio::test]
async fn ids_are_found_by_their_beginning() {
    let mut ledger = Ledger::new().await;
    let (first, second) =
        ("01a202c6-4ec0-75ca-8d5a-0c1f9b3e7a11", "01a202c6-4ec1-7000-8000-000000000000");
    let request = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
    let target = "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d";
    for (n, id) in [(0, first), (1, second)] {
        let mut doc = intent_doc(n);
        if n == 0 {
            doc["request_id"] = json!(request);
            doc["targets"] = json!([{"type": "user", "id": target, "name": "x"}]);
        }
        ledger.intent(id.parse().unwrap(), doc).await;
    }
    let mut doc = intent_doc(2);
    doc["description"] = json!("Lot 4ec0-01a202c6 of face b00c and 20260709");
    ledger.intent(id(), doc).await;
    let mut index = ledger.index().await;
    for (text, expected) in [
        (first, &["u0"][..]),
        ("01a202c6-4ec0-75ca-8d5a-0c1f9b3e7a1", &["u0"]),
        ("01a202c6-4ec0-75ca", &["u0"]),
        ("01A202C6-4EC0-7", &["u0"]),
        ("01a202c6-4ec", &["u2", "u1", "u0"]),
        ("01a202c6-", &["u2", "u1", "u0"]),
        ("01a202c6", &["u2", "u1", "u0"]),
        ("01a202c6 done", &["u1", "u0"]),
        ("01a202c6-4ec0-75cb", &[]),
        ("01a202c6-4ec0-75ca-8d5a-0c1f9b3e7a12", &[]),
        ("f47ac10b", &["u0"]),
        ("f47ac10b-58cc-4372-a5", &["u0"]),
        ("f47ac10b-58cd", &[]),
        ("9b1deb4d", &["u0"]),
        ("/9b1deb4d-3b7d-4b", &["u0"]),
        // Words that look like parts of one are words all the same.
        ("4ec0-01a202c6", &["u2"]),
        ("face-b00c", &["u2"]),
        ("20260709", &["u2"]),
        ("f47", &[]),
        ("f47ac10", &[]),
    ] {
        let conditions = vec![Condition::Text(text.to_owned())];
        assert_eq!(found(&mut index, conditions).await, expected, "{text}");
    }
}

#[tokio::test]
async fn full_text_syntax_is_only_text() {
    let ledger = sample().await;
    let mut index = ledger.index().await;
    for hostile in [
        "\"",
        "\"\"",
        "a\"b",
        "*",
        "thing OR absent",
        "thing AND NOT done",
        "NEAR(thing done)",
        "text:thing",
        "^thing absent",
        "{text} : x",
        "-thing",
        "(",
        ")",
        "thing)",
        "'; DROP TABLE events; --",
        "\0",
        "th\0ing",
        "\\",
        "+",
        "a + b",
        "\u{202e}",
        "🦀",
        "%",
        "NOT",
        "AND AND AND",
    ] {
        let search = Search {
            conditions: vec![Condition::Text(hostile.to_owned())],
            limit: 100,
            ..Search::default()
        };
        let page = index.search(&search).await;
        assert!(page.is_ok(), "{hostile:?}: {page:?}");
    }
    assert_eq!(found(&mut index, vec![Condition::Text("thing OR absent".into())]).await.len(), 0);
    assert_eq!(found(&mut index, vec![]).await.len(), 5);
}

#[tokio::test]
async fn a_completion_in_a_later_batch_changes_the_row() {
    let mut ledger = Ledger::new().await;
    let id = id();
    let seq = ledger.intent(id, intent_doc(0)).await;
    let mut index = ledger.index().await;
    let pending = index.search(&Search { limit: 1, ..Search::default() }).await.unwrap();
    assert_eq!((pending.rows[0].outcome.as_deref(), pending.rows[0].completion), (None, None));
    let mut doc = completion_doc("success");
    doc["description"] = json!("Key “ci” created");
    doc["targets"] = json!([{"type": "api_key", "id": "k77", "name": "ci"}]);
    doc["reason"] = json!("quite so");
    let completion = ledger.completion(id, seq, doc).await;
    let mut index = ledger.index().await;
    let rows = index.search(&Search { limit: 9, ..Search::default() }).await.unwrap().rows;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.seq, row.completion, row.status), (seq, Some(completion), Some(201)));
    assert_eq!(row.outcome.as_deref(), Some("success"));
    assert_eq!(row.action.as_deref(), Some("api_key.create"), "the intent's still holds");
    for (conditions, hits) in [
        (vec![Condition::Text("ci created".into())], 1),
        (vec![Condition::Text("Thing".into())], 0),
        (vec![Condition::Target(Like::Part("k77".into()))], 1),
        (vec![Condition::Target(Like::Part("k0".into()))], 0),
    ] {
        assert_eq!(found(&mut index, conditions.clone()).await.len(), hits, "{conditions:?}");
    }
}

/// What the index holds.
async fn all(index: &mut Index) -> Vec<Row> {
    index.search(&Search { limit: 1000, ..Search::default() }).await.unwrap().rows
}

#[tokio::test]
async fn deleting_replaying_and_damaging_change_nothing() {
    let ledger = sample().await;
    let mut index = ledger.index().await;
    let expected = all(&mut index).await;
    assert_eq!(expected.len(), 5);

    let mut reader = LedgerSource::directory(ledger.path()).reader().await.unwrap();
    let entries = reader.read_after("w", 0, 100).await.unwrap();
    index.apply(entries.clone()).await.unwrap();
    index.apply(entries[3..].to_vec()).await.unwrap();
    assert_eq!(all(&mut index).await, expected, "again");
    index.start_over().await.unwrap();
    assert!(index.apply(entries[3..].to_vec()).await.is_err(), "a gap");
    assert_eq!(index.cursor("w").await.unwrap(), 0);
    for chunk in entries.chunks(1) {
        index.apply(chunk.to_vec()).await.unwrap();
    }
    assert_eq!(all(&mut index).await, expected, "one by one");
    index.close().await.unwrap();

    let path = ledger.path().join(INDEX_FILE);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(all(&mut ledger.index().await).await, expected, "deleted");
    std::fs::write(
        &path,
        b"this is no database, but long enough to be looked at as one ".repeat(99),
    )
    .unwrap();
    assert_eq!(all(&mut ledger.index().await).await, expected, "damaged");
    // Behind a sound head: found by whoever comes by those pages, and told to who keeps the index.
    let mut bytes = std::fs::read(&path).unwrap();
    for page in bytes.chunks_mut(4096).skip(2) {
        page[16..].fill(0x5a);
    }
    std::fs::write(&path, bytes).unwrap();
    let mut kept = Index::open(ledger.path()).await.unwrap();
    let mut reader = Index::open_read_only(ledger.path()).await.unwrap();
    let error = reader.search(&Search { limit: 100, ..Search::default() }).await.unwrap_err();
    assert!(matches!(error, IndexError::Damaged(_)), "{error:?}");
    assert!(error.to_string().contains("may be deleted"), "{error}");
    tokio::time::timeout(Duration::from_secs(5), Index::found_damaged()).await.unwrap();
    kept.renew(ledger.path()).await.unwrap();
    // Who has the old file open finds it damaged once more, and that is no news.
    assert!(reader.search(&Search { limit: 100, ..Search::default() }).await.is_err());
    let news = tokio::time::timeout(Duration::from_millis(20), Index::found_damaged()).await;
    assert!(news.is_err());
    assert_eq!(all(&mut ledger.index().await).await, expected, "begun anew");
}

#[tokio::test]
async fn two_processes_may_keep_it_up_to_date() {
    let ledger = sample().await;
    let mut reader = LedgerSource::directory(ledger.path()).reader().await.unwrap();
    let entries = reader.read_after("w", 0, 100).await.unwrap();
    let mut one = Index::open(ledger.path()).await.unwrap();
    let mut two = Index::open(ledger.path()).await.unwrap();
    one.apply(entries[..4].to_vec()).await.unwrap();
    two.apply(entries[..6].to_vec()).await.unwrap();
    one.apply(entries[4..].to_vec()).await.unwrap();
    two.apply(entries[6..].to_vec()).await.unwrap();
    assert_eq!(all(&mut two).await.len(), 5);
    let mut read_only = Index::open_read_only(ledger.path()).await.unwrap();
    assert_eq!(all(&mut read_only).await.len(), 5);
    assert!(read_only.start_over().await.is_err());
}

#[tokio::test]
async fn odd_documents_do_not_stop_it() {
    let mut ledger = Ledger::new().await;
    for doc in [
        json!({}),
        json!({"action": 7, "targets": "none"}),
        json!({"time": "yesterday", "scope": {}, "description": "nul \u{0} inside"}),
        json!({"actor": null, "response": {"status": 99999}}),
    ] {
        ledger.append(id(), None, EntryKind::Completion, doc).await;
    }
    let mut index = ledger.index().await;
    let rows = all(&mut index).await;
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row.time_ms > 1_700_000_000_000), "from the id: {rows:?}");
    assert_eq!(found(&mut index, vec![Condition::Text("inside".into())]).await.len(), 1);
}

#[tokio::test]
async fn pages_do_not_move_while_events_arrive() {
    let mut ledger = sample().await;
    let mut index = ledger.index().await;
    let mut search = Search { limit: 2, ..Search::default() };
    let mut seen = Vec::new();
    loop {
        let page = index.search(&search).await.unwrap();
        seen.extend(page.rows.iter().map(|row| row.actor_id.clone().unwrap()));
        let Some(next) = page.next else { break };
        search.after = Some(next.to_string().parse().unwrap());
        ledger.intent(id(), intent_doc(30)).await;
        index = ledger.index().await;
    }
    assert_eq!(seen, ["u4", "u3", "u2", "u1", "u0"]);
    let skipped = Search { limit: 2, offset: 5, ..Search::default() };
    assert_eq!(index.search(&skipped).await.unwrap().rows.len(), 2);
    for wrong in ["", "x", "12", "12.", "1.2", "12.' OR 1"] {
        assert!(wrong.parse::<super::Cursor>().is_err(), "{wrong}");
    }
}

fn acts(ends: &[Option<&str>]) -> Value {
    let act = |(n, outcome): (usize, &Option<&str>)| {
        let mut act = json!({
            "action": format!("user.verb_{n}"), "category": "member", "description": format!("act {n}"),
            "targets": [{"type": "user", "id": format!("u{n}")}],
        });
        if let Some(outcome) = outcome {
            act["outcome"] = json!(outcome);
            act["severity"] = json!(if *outcome == "success" { "info" } else { "fail" });
        }
        act
    };
    ends.iter().enumerate().map(act).collect()
}

/// The acts that are found: number, action, outcome.
async fn told(index: &mut Index, conditions: Vec<Condition>) -> Vec<String> {
    let search = Search { conditions, limit: 100, ..Search::default() };
    let rows = index.search(&search).await.unwrap().rows;
    let shown = |row: Row| {
        let text = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        format!("{} {} {}", row.act, text(row.action), text(row.outcome))
    };
    rows.into_iter().rev().map(shown).collect()
}

#[tokio::test]
async fn every_act_is_found_by_itself() {
    let mut ledger = Ledger::new().await;
    let event = id();
    let mut doc = intent_doc(1);
    doc["acts"] = acts(&[None, None, None]);
    let seq = ledger.intent(event, doc).await;
    let mut index = ledger.index().await;
    let pending = ["1 user.verb_0 -", "2 user.verb_1 -", "3 user.verb_2 -"];
    assert_eq!(told(&mut index, Vec::new()).await, pending);

    let mut doc = completion_doc("failure");
    doc["acts"] = acts(&[Some("success"), Some("failure"), Some("success")]);
    doc["reason"] = json!("of the whole");
    ledger.completion(event, seq, doc).await;
    let mut index = ledger.index().await;
    let all = ["1 user.verb_0 success", "2 user.verb_1 failure", "3 user.verb_2 success"];
    assert_eq!(told(&mut index, Vec::new()).await, all);
    let failed = vec![Condition::Outcome(vec![Some("failure".to_owned())])];
    assert_eq!(told(&mut index, failed).await, [all[1]]);
    let second = any(Field::Action, &["user.verb_1"]);
    assert_eq!(told(&mut index, second).await, [all[1]]);
    assert_eq!(
        told(&mut index, vec![Condition::Target(Like::Part("u2".to_owned()))]).await,
        [all[2]]
    );
    assert_eq!(told(&mut index, vec![Condition::Text("user.verb_0".to_owned())]).await, [all[0]]);
    let whole = told(&mut index, vec![Condition::Id(event.to_string())]).await;
    assert_eq!(whole, all);

    // Pages end between acts, too.
    let mut search = Search { limit: 2, ..Search::default() };
    let first = index.search(&search).await.unwrap();
    search.after = Some(first.next.unwrap().to_string().parse().unwrap());
    let rest = index.search(&search).await.unwrap();
    assert_eq!(first.rows.len(), 2);
    assert_eq!((rest.rows.len(), rest.rows[0].act, rest.next), (1, 1, None));

    let mut reader = LedgerSource::directory(ledger.path()).reader().await.unwrap();
    let event = crate::query::event(&mut *reader, &first.rows[1]).await.unwrap();
    assert_eq!(event["act"], json!({"number": 2, "of": 3}));
    assert_eq!((&event["action"], &event["outcome"]), (&json!("user.verb_1"), &json!("failure")));
    assert_eq!((event.get("acts"), event.get("reason")), (None, None));
    assert_eq!(event["actor"]["id"], "u1");
    let whole = crate::query::whole(&mut *reader, &first.rows[1]).await.unwrap();
    assert_eq!(whole["acts"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn acts_appear_with_the_response_and_are_lost_with_the_proxy() {
    let mut ledger = Ledger::new().await;
    // A bulk request, of which the response tells item by item.
    let (bulk, lost) = (id(), id());
    let seq = ledger.intent(bulk, intent_doc(1)).await;
    let mut doc = intent_doc(2);
    doc["acts"] = acts(&[None, None]);
    let open = ledger.intent(lost, doc).await;
    let mut index = ledger.index().await;
    assert_eq!(told(&mut index, Vec::new()).await.len(), 3);
    let mut doc = completion_doc("failure");
    doc["acts"] = acts(&[Some("success"), Some("failure")]);
    ledger.completion(bulk, seq, doc).await;
    // The sweep knows nothing of acts.
    ledger.completion(lost, open, completion_doc("unknown")).await;
    let mut index = ledger.index().await;
    let all = [
        "1 user.verb_0 success",
        "2 user.verb_1 failure",
        "1 user.verb_0 unknown",
        "2 user.verb_1 unknown",
    ];
    assert_eq!(told(&mut index, Vec::new()).await, all);
    let mut rebuilt = Index::temporary().await.unwrap();
    let mut reader = LedgerSource::directory(ledger.path()).reader().await.unwrap();
    let heads = Heads::now(&mut *reader).await.unwrap();
    catch_up(&mut *reader, &mut rebuilt, &heads).await.unwrap();
    assert_eq!(told(&mut rebuilt, Vec::new()).await, all);
}
