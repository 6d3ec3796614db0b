//! Entries that retention took, and entries that somebody wants to pass off as such.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Ledger, WRITER, entry, first_wrong};
use crate::clock::{Clock, SystemClock};
use crate::record::{EntryKind, EventId, Purge, Ranges, Scope, leaf_hash};
use crate::seal::key_file::{self, SIGNING_KEY_FILE};
use crate::seal::{Disagreement, Kept, Orders, SigningKey};
use crate::store::{Purged, SqliteOptions};

impl Ledger {
    /// Purges these entries, as retention does: first the event, then the entries.
    async fn purge(&mut self, seqs: &[u64]) -> u64 {
        let mut purge = purge_of(seqs);
        purge.order = Orders::new(self.path()).sign(WRITER, &purge).unwrap();
        self.purge_by(&purge, seqs).await
    }

    async fn purge_by(&mut self, purge: &Purge, seqs: &[u64]) -> u64 {
        let (id, scope) = (EventId::new(SystemClock.now()), Scope::new());
        let document = json!({
            "id": id, "time": "2026-11-21T20:00:00.000Z", "scope": {}, "outcome": "success",
            "action": "audit.purge", "actor": {"type": "system", "verified": true},
            "metadata": {"purge": purge},
        });
        let by = self.next;
        self.add(&[entry(EntryKind::Completion, id, None, &scope, document)]).await;
        let mut reader = self.source().reader().await.unwrap();
        let mut gone = Vec::new();
        for seq in seqs {
            let found = reader.entry(WRITER, *seq).await.unwrap().unwrap();
            gone.push(Purged { seq: *seq, leaf: leaf_hash(&found.doc).to_vec(), by });
        }
        reader.close().await.unwrap();
        let options = SqliteOptions::new(self.path(), WRITER, Duration::from_secs(5));
        let mut store = options.opener()().await.unwrap();
        store.purge(WRITER, &gone).await.unwrap();
        store.close().await.unwrap();
        by
    }

    /// Both halves of the first event.
    async fn event(&self) -> Vec<u64> {
        let mut reader = self.source().reader().await.unwrap();
        let entries = reader.read_after(WRITER, 0, 100).await.unwrap();
        let id = entries[0].id;
        entries.iter().filter(|entry| entry.id == id).map(|entry| entry.seq).collect()
    }
}

/// What an event about a purge of these entries says, without an order.
fn purge_of(seqs: &[u64]) -> Purge {
    let mut ranges = Ranges::default();
    seqs.iter().for_each(|seq| ranges.push(*seq));
    Purge {
        ranges,
        entries: seqs.len() as u64,
        events: 1,
        categories: [("api_key".to_owned(), 1)].into(),
        from: "2026-08-01T00:00:00.000Z".to_owned(),
        to: "2026-08-02T00:00:00.000Z".to_owned(),
        policy: Value::Null,
        archive: None,
        order: None,
    }
}

/// A ledger of which an event is purged, before and after checkpoints.
pub(super) async fn purged() -> (Ledger, Vec<u64>, u64) {
    let mut ledger = Ledger::new();
    ledger.append(20).await;
    ledger.seal().await;
    let event = ledger.event().await;
    assert_eq!(event.len(), 2);
    let by = ledger.purge(&event).await;
    ledger.append(5).await;
    ledger.seal().await;
    (ledger, event, by)
}

#[tokio::test]
async fn what_was_purged_by_policy_is_told_and_proven_by_its_leaf() {
    let (ledger, event, by) = purged().await;
    let report = ledger.verify(ledger.key(), &[]).await;
    assert_eq!(first_wrong(&report), "nothing");
    let log = &report.logs[0];
    assert_eq!(
        (log.entries, log.proven, log.purged.entries),
        (ledger.next - 1, ledger.next - 1, 2)
    );
    assert_eq!(log.purged.to.as_deref(), Some("2026-08-02T00:00:00.000Z"));
    // When that was stands in the id of the event about it.
    let by = ledger.source().reader().await.unwrap().entry(WRITER, by).await.unwrap().unwrap();
    let at = by.id.time_ms().unwrap();
    assert_eq!(log.purged.at, Some((at, at)));
    // The tree can be built again.
    Kept::open(ledger.path()).unwrap().forget_tiles(WRITER).unwrap();
    let mut sealer = ledger.sealer().await;
    ledger.seal_with(&mut sealer).await;
    let state = sealer.states().await.unwrap()[WRITER].clone();
    assert_eq!((state.entries, state.disagreement), (ledger.next - 1, None));
    assert!(Kept::open(ledger.path()).unwrap().leaf(WRITER, event[0]).unwrap().is_some());
}

#[tokio::test]
async fn what_was_deleted_is_not_passed_off_as_purged() {
    let (ledger, event, by) = purged().await;
    let other = event[1] + 1;
    let rows = [
        // Without its leaf.
        (format!("DELETE FROM entries WHERE seq = {other}"), "missing", other),
        // With it, as gone by a purge that does not name it.
        (
            format!(
                "INSERT INTO purged SELECT writer, seq, leaf, {by} FROM entries WHERE seq = {other};
                 DELETE FROM entries WHERE seq = {other}"
            ),
            "not_purged",
            other,
        ),
        // By an event that is no purge, and by none.
        (
            format!("UPDATE purged SET \"by\" = {} WHERE seq = {}", by + 1, event[0]),
            "not_purged",
            event[0],
        ),
        (
            format!("UPDATE purged SET \"by\" = 9999 WHERE seq = {}", event[0]),
            "not_purged",
            event[0],
        ),
        // What was purged is not what it was.
        (
            format!("UPDATE purged SET leaf = zeroblob(32) WHERE seq = {}", event[0]),
            "replaced",
            event[0],
        ),
        (format!("DELETE FROM purged WHERE seq = {}", event[0]), "missing", event[0]),
    ];
    for (sql, code, seq) in rows {
        let ledger = ledger.fork();
        ledger.attack().execute_batch(&sql).unwrap();
        let wrong = ledger.wrong().await;
        assert!(
            wrong.starts_with(code) && wrong.contains(&format!("entry {seq} ")),
            "{sql}: {wrong}"
        );
    }
}

#[tokio::test]
async fn a_leaf_that_was_changed_signs_nothing() {
    let (ledger, event, _) = purged().await;
    let sql = format!("UPDATE purged SET leaf = zeroblob(32) WHERE seq = {}", event[0]);
    ledger.attack().execute_batch(&sql).unwrap();
    Kept::open(ledger.path()).unwrap().forget_tiles(WRITER).unwrap();
    let mut sealer = ledger.sealer().await;
    assert!(ledger.seal_with(&mut sealer).await.is_empty());
    let found = sealer.states().await.unwrap()[WRITER].disagreement;
    assert!(matches!(found, Some(Disagreement::Root { .. })), "{found:?}");
}

#[tokio::test]
async fn a_purge_that_no_trusted_key_has_ordered_is_a_deletion() {
    let elsewhere = tempfile::tempdir().unwrap();
    let other = SigningKey::generate("audit.example.com").unwrap();
    std::fs::write(elsewhere.path().join(SIGNING_KEY_FILE), other.text().as_bytes()).unwrap();
    for forgery in ["none", "by another key", "of other entries", "of another log", "told anew"] {
        let mut ledger = Ledger::new();
        ledger.append(20).await;
        ledger.seal().await;
        let event = ledger.event().await;
        let mut purge = purge_of(&event);
        let own = Orders::new(ledger.path());
        purge.order = match forgery {
            "none" => None,
            "by another key" => Orders::new(elsewhere.path()).sign(WRITER, &purge).unwrap(),
            "of other entries" => own.sign(WRITER, &purge_of(&[7, 8])).unwrap(),
            "of another log" => own.sign("other", &purge).unwrap(),
            _ => own.sign(WRITER, &purge).unwrap(),
        };
        if forgery == "told anew" {
            purge.to = "2024-08-02T00:00:00.000Z".to_owned();
        }
        let by = ledger.purge_by(&purge, &event).await;
        for _ in 0..2 {
            let report = ledger.verify(ledger.key(), &[]).await;
            let found = report.logs[0].found.as_ref().unwrap();
            assert_eq!(found.may_be_of_others(), forgery == "by another key", "{forgery}");
            let wrong = ledger.wrong().await;
            let expected = format!("not_ordered: entry {} is missing", event[0]);
            assert!(wrong.starts_with(&expected), "{forgery}: {wrong}");
            assert!(wrong.contains(&format!("entry {by}, which no trusted key")), "{wrong}");
            // Nor does it help that a proxy signs what it finds.
            ledger.seal().await;
        }
    }
}

#[tokio::test]
async fn a_key_that_was_replaced_orders_no_purge_any_more() {
    for is_old in [false, true] {
        let mut ledger = Ledger::new();
        ledger.append(20).await;
        let mut sealer = ledger.sealer().await;
        ledger.seal_with(&mut sealer).await;
        let elsewhere = tempfile::tempdir().unwrap();
        let old = ledger.path().join(SIGNING_KEY_FILE);
        std::fs::copy(&old, elsewhere.path().join(SIGNING_KEY_FILE)).unwrap();
        // Ordered in time, though only sealed once the next key is in force.
        let event = ledger.event().await;
        ledger.purge(&event).await;
        let first = ledger.key();
        key_file::write_next(ledger.path(), &SigningKey::generate(first.name()).unwrap()).unwrap();
        let change = sealer.waiting_key().await.unwrap().unwrap();
        sealer.take_over(change, SystemClock.now()).await.unwrap();
        ledger.seal_with(&mut sealer).await;
        ledger.append(5).await;
        ledger.seal_with(&mut sealer).await;
        for key in [first, ledger.key()] {
            assert_eq!(first_wrong(&ledger.verify(key, &[]).await), "nothing");
        }
        let later = ledger.event().await;
        assert_ne!(later, event);
        let mut purge = purge_of(&later);
        let from = if is_old { elsewhere.path() } else { ledger.path() };
        purge.order = Orders::new(from).sign(WRITER, &purge).unwrap();
        ledger.purge_by(&purge, &later).await;
        ledger.seal_with(&mut sealer).await;
        let wrong = ledger.wrong().await;
        match is_old {
            true => assert!(wrong.starts_with("not_ordered: "), "{wrong}"),
            false => assert_eq!(wrong, "nothing"),
        }
    }
}

#[tokio::test]
async fn a_row_that_says_of_what_is_there_that_it_is_purged_is_named_and_so_are_triggers_that_are_gone()
 {
    let mut ledger = Ledger::new();
    ledger.append(4).await;
    ledger.seal().await;
    let report = ledger.verify(ledger.key(), &[]).await;
    assert_eq!((report.unguarded.len(), report.logs[0].marked.len()), (0, 0));
    let conn = ledger.attack();
    conn.execute_batch("INSERT INTO purged SELECT writer, seq, leaf, 7 FROM entries WHERE seq = 2")
        .unwrap();
    let report = ledger.verify(ledger.key(), &[]).await;
    assert_eq!(report.logs[0].marked, [2]);
    assert_eq!(report.unguarded.len(), 7, "{:?}", report.unguarded);
    assert!(report.is_sound(), "the entries are what was sealed");
}
