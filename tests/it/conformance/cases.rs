//! The cases.

use super::*;

/// Runs every case, each on a ledger of its own.
pub(crate) async fn all(ledger: &dyn Fn() -> Ledger) {
    batches_of_every_size_are_dense_and_read_back(&ledger()).await;
    impossible_rows_are_refused_and_leave_nothing(&ledger()).await;
    orphans_are_intents_without_completion(&ledger()).await;
    a_reader_reads_beside_the_writer(&ledger()).await;
    what_is_hashed_comes_back_byte_for_byte(&ledger()).await;
    large_documents_are_read_in_portions(&ledger()).await;
    a_second_writer_of_the_same_name_is_refused(&ledger()).await;
    a_store_is_opened_again_where_it_was_left(&ledger()).await;
    what_is_purged_is_gone_and_its_number_and_leaf_stay(&ledger()).await;
    nothing_else_can_be_taken_out(&ledger()).await;
    a_log_can_be_carried_over_with_what_was_purged(&ledger()).await;
}

async fn batches_of_every_size_are_dense_and_read_back(ledger: &Ledger) {
    let mut store = ledger.store("w").await;
    assert_eq!(store.writer(), "w");
    let mut next = 1;
    for size in [1, 2, 3, 4, 5, 7, 8, 9, 31, 64, 65, 1000] {
        let batch: Vec<_> = (0..size).map(|_| intent()).collect();
        store.append("w", next, &batch).await.unwrap();
        let rows = store.read_after("w", next - 1, 5000).await.unwrap();
        assert_eq!(rows.len(), size);
        for ((row, entry), seq) in rows.iter().zip(&batch).zip(next..) {
            assert_eq!((row.seq, row.id, row.kind), (seq, entry.id, entry.kind));
            assert_eq!((row.doc.as_str(), row.scope.as_str()), (entry.doc.get().as_str(), "{}"));
        }
        next += size as u64;
        assert_eq!(store.head("w").await.unwrap(), next - 1);
    }
    assert_eq!(store.head("somebody else").await.unwrap(), 0);
    assert_eq!(store.writers().await.unwrap(), ["w"]);
    store.heartbeat().await.unwrap();
    store.close().await.unwrap();
}

async fn impossible_rows_are_refused_and_leave_nothing(ledger: &Ledger) {
    let mut store = ledger.store("w").await;
    let (a, b) = (intent(), intent());
    store.append("w", 1, &[a.clone(), b.clone(), completion(&a, 1)]).await.unwrap();
    let bad_doc = with_doc("not an object");
    let intent_of_intent = Entry { intent: Some(1), ..intent() };
    let cases: [(&str, u64, Vec<Entry>); 9] = [
        ("a gap", 5, vec![intent()]),
        ("a number that is taken", 3, vec![intent()]),
        ("number 0", 0, vec![intent()]),
        ("a second completion", 4, vec![completion(&a, 1)]),
        ("a completion of another event", 4, vec![completion(&intent(), 2)]),
        ("a completion of nothing", 4, vec![completion(&a, 99)]),
        ("a completion of a completion", 4, vec![completion(&a, 3)]),
        ("an intent with an intent", 4, vec![intent_of_intent]),
        ("good ones before a bad one", 4, vec![intent(), completion(&b, 2), bad_doc]),
    ];
    for (case, first, batch) in cases {
        let error = store.append("w", first, &batch).await.unwrap_err();
        assert_eq!(error.reason(), "rejected", "{case}: {error:?}");
        assert_eq!(store.head("w").await.unwrap(), 3, "{case}");
        assert_eq!(store.read_after("w", 0, 100).await.unwrap().len(), 3, "{case}");
    }
    store.append("w", 4, &[completion(&b, 2)]).await.unwrap();
    store.close().await.unwrap();
}

async fn orphans_are_intents_without_completion(ledger: &Ledger) {
    let mut store = ledger.store("w").await;
    let intents: Vec<_> = (0..5).map(|_| intent()).collect();
    store.append("w", 1, &intents).await.unwrap();
    store.append("w", 6, &[completion(&intents[1], 2), completion(&intents[3], 4)]).await.unwrap();
    for (after, limit, expected) in
        [(0, 9, vec![1, 3, 5]), (1, 9, vec![3, 5]), (0, 2, vec![1, 3]), (5, 9, vec![])]
    {
        let orphans = store.orphans("w", after, limit).await.unwrap();
        assert_eq!(orphans.iter().map(|o| o.seq).collect::<Vec<_>>(), expected);
        assert!(orphans.iter().all(|o| o.id == intents[o.seq as usize - 1].id));
    }
    store.mark_closed("w", 3).await.unwrap();
    store.mark_closed("w", 2).await.unwrap();
    assert_eq!(store.closed_up_to("w").await.unwrap(), 3, "never backwards");
    store.close().await.unwrap();
}

async fn a_reader_reads_beside_the_writer(ledger: &Ledger) {
    let mut store = ledger.store("w").await;
    let first = intent();
    store.append("w", 1, std::slice::from_ref(&first)).await.unwrap();
    let mut reader = ledger.reader().await;
    store.append("w", 2, &[completion(&first, 1), intent()]).await.unwrap();
    assert_eq!(reader.head("w").await.unwrap(), 3);
    assert_eq!(reader.head("x").await.unwrap(), 0);
    assert_eq!(reader.writers().await.unwrap(), ["w"]);
    assert_eq!(reader.heads().await.unwrap(), [("w".to_owned(), 3)]);
    assert_eq!(reader.entry("w", 1).await.unwrap().unwrap().kind, EntryKind::Intent);
    assert_eq!(reader.entry("w", 4).await.unwrap(), None);
    assert_eq!(reader.completion_of("w", 1).await.unwrap().unwrap().seq, 2);
    assert_eq!(reader.completion_of("w", 3).await.unwrap(), None);
    assert_eq!(reader.ended("w", 1, 1..2, 9).await.unwrap(), [first.id]);
    assert_eq!(reader.ended("w", 0, 1..2, 9).await.unwrap(), []);
    assert_eq!(reader.ended("w", 1, 2..3, 9).await.unwrap(), []);
    let mut some: Vec<_> =
        reader.entries("w", &[3, 1, 9]).await.unwrap().iter().map(|row| row.seq).collect();
    some.sort_unstable();
    assert_eq!(some, [1, 3]);
    // Also when no writer runs.
    reader.close().await.unwrap();
    store.close().await.unwrap();
    let mut reader = ledger.reader().await;
    assert_eq!(reader.read_after("w", 0, 10).await.unwrap().len(), 3);
    assert_eq!(reader.read_after("w", 1, 1).await.unwrap()[0].seq, 2);
    assert_eq!(reader.read_after("w", 3, 1).await.unwrap(), []);
    reader.close().await.unwrap();
}

async fn what_is_hashed_comes_back_byte_for_byte(ledger: &Ledger) {
    let mut store = ledger.store("w").await;
    let scope = [("pool", "blue"), ("grün", "\u{1f980} \\ \" '"), ("nul", "\0")];
    let scope: Scope = scope.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let docs = [r#"{"a":"\u0000 \\ é \ud83e\udd80","b":1e21}"#, r#"{"a" : 1, "a": 2}"#, "{}"];
    let batch: Vec<Entry> =
        docs.iter().map(|doc| Entry { scope: scope.clone(), ..with_doc(doc) }).collect();
    store.append("w", 1, &batch).await.unwrap();
    let rows = store.read_after("w", 0, 9).await.unwrap();
    store.close().await.unwrap();
    for (row, doc) in rows.iter().zip(docs) {
        assert_eq!(row.doc, doc);
        assert_eq!(row.leaf, countersign::record::leaf_hash(doc).to_vec());
        assert_eq!(
            serde_json::from_str::<Scope>(&row.scope).unwrap(),
            scope,
            "names and values of scopes are kept"
        );
    }
    assert_eq!(rows.len(), 3);
}

async fn large_documents_are_read_in_portions(ledger: &Ledger) {
    let mut store = ledger.store("w").await;
    let doc = format!(r#"{{"a":"{}"}}"#, "x".repeat(700 * 1024));
    let batch: Vec<Entry> = (0..3).map(|_| with_doc(&doc)).collect();
    store.append("w", 1, &batch).await.unwrap();
    assert_eq!(store.read_after("w", 0, 9).await.unwrap().len(), 1);
    store.close().await.unwrap();
    let mut reader = ledger.reader().await;
    assert_eq!(reader.read_after("w", 1, 9).await.unwrap().len(), 1);
    assert_eq!(reader.entries("w", &[1, 2, 3]).await.unwrap().len(), 2);
    reader.close().await.unwrap();
}

async fn a_second_writer_of_the_same_name_is_refused(ledger: &Ledger) {
    let first = ledger.store("w").await;
    let error = ledger.opener("w")().await.err().unwrap();
    assert_eq!(error.reason(), "held", "{error}");
    let text = error.to_string();
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    first.close().await.unwrap();
    ledger.store("w").await.close().await.unwrap();
}

async fn a_store_is_opened_again_where_it_was_left(ledger: &Ledger) {
    let mut opener = ledger.opener("w");
    let mut store = opener().await.unwrap();
    store.append("w", 1, &[intent()]).await.unwrap();
    // Twice, without having closed the one before.
    let mut second = opener().await.unwrap();
    assert_eq!(second.head("w").await.unwrap(), 1);
    second.append("w", 2, &[intent()]).await.unwrap();
    assert!(store.append("w", 2, &[intent()]).await.unwrap_err().is_conflict());
    store.close().await.ok();
    second.append("w", 3, &[intent()]).await.unwrap();
    second.close().await.unwrap();
}

/// An event of one entry.
fn event() -> Entry {
    Entry { kind: EntryKind::Completion, ..intent() }
}

/// One that tells of a purge of these entries.
fn purge(ranges: &str) -> Entry {
    let doc = format!(
        r#"{{"action":"audit.purge","actor":{{"type":"system"}},"metadata":{{"purge":{{"ranges":"{ranges}"}}}}}}"#
    );
    Entry { doc: Redacted::system(doc), ..event() }
}

fn purged(rows: &[Stored], seqs: &[u64], by: u64) -> Vec<Purged> {
    let leaf = |seq: u64| rows.iter().find(|row| row.seq == seq).unwrap().leaf.clone();
    seqs.iter().map(|seq| Purged { seq: *seq, leaf: leaf(*seq), by }).collect()
}

/// Two whole events, an open one, and the event about the purge, which is number 6.
async fn filled(store: &mut dyn Store) -> Vec<Stored> {
    let intents = [intent(), intent(), intent()];
    store.append("w", 1, &intents).await.unwrap();
    let ends = [completion(&intents[0], 1), completion(&intents[1], 2), purge("1-5")];
    store.append("w", 4, &ends).await.unwrap();
    store.read_after("w", 0, 100).await.unwrap()
}

async fn what_is_purged_is_gone_and_its_number_and_leaf_stay(ledger: &Ledger) {
    let mut store = ledger.store("w").await;
    let rows = filled(store.as_mut()).await;
    let out = purged(&rows, &[1, 4], 6);
    for _ in 0..2 {
        store.purge("w", &out).await.unwrap();
    }
    let left: Vec<u64> =
        store.read_after("w", 0, 9).await.unwrap().iter().map(|row| row.seq).collect();
    assert_eq!(left, [2, 3, 5, 6]);
    let mut reader = ledger.reader().await;
    assert_eq!(reader.purged_after("w", 0, 9).await.unwrap(), out);
    assert_eq!(reader.purged_after("w", 1, 9).await.unwrap(), out[1..]);
    assert_eq!(reader.purged_after("w", 0, 1).await.unwrap(), out[..1]);
    reader.close().await.unwrap();
    let orphans = store.orphans("w", 0, 9).await.unwrap();
    assert_eq!(orphans.iter().map(|orphan| orphan.seq).collect::<Vec<_>>(), [3]);
    store.append("w", 7, &[intent()]).await.unwrap();
    store.close().await.unwrap();
}

async fn nothing_else_can_be_taken_out(ledger: &Ledger) {
    let mut store = ledger.store("w").await;
    let rows = filled(store.as_mut()).await;
    let wrong_leaf = Purged { leaf: vec![7; 32], ..purged(&rows, &[1], 6).remove(0) };
    let mut with_a_bad_one = purged(&rows, &[1, 4], 6);
    with_a_bad_one.push(Purged { seq: 2, ..wrong_leaf.clone() });
    let ahead = |seq, by| Purged { seq, leaf: vec![7; 32], by };
    for (case, out) in [
        ("another leaf", vec![wrong_leaf]),
        ("by an event that is not there", purged(&rows, &[1, 4], 7)),
        ("by an intent", purged(&rows, &[1], 3)),
        ("by a completion of another event", purged(&rows, &[1], 4)),
        ("by an earlier one", purged(&rows, &[5], 4)),
        ("by itself", purged(&rows, &[6], 6)),
        ("an open intent", purged(&rows, &[3], 6)),
        ("good ones and a bad one", with_a_bad_one),
        ("a number far ahead", vec![ahead(9, 10)]),
        ("with a gap", vec![ahead(7, 10), ahead(9, 10)]),
    ] {
        let error = store.purge("w", &out).await.unwrap_err();
        assert_eq!(error.reason(), "rejected", "{case}: {error:?}");
        assert_eq!(store.read_after("w", 0, 9).await.unwrap(), rows, "{case}");
        assert_eq!(store.head("w").await.unwrap(), 6, "{case}");
    }
    store.close().await.unwrap();
}

async fn a_log_can_be_carried_over_with_what_was_purged(ledger: &Ledger) {
    let mut store = ledger.store("w").await;
    let gone = |seq| Purged { seq, leaf: vec![7; 32], by: 9 };
    store.purge("old", &[gone(1)]).await.unwrap();
    store.purge("old", &[gone(1)]).await.unwrap();
    let kept = intent();
    store.append("old", 2, std::slice::from_ref(&kept)).await.unwrap();
    assert!(store.purge("old", &[gone(2)]).await.is_err(), "another leaf than the entry's");
    store.append("old", 3, &[completion(&kept, 2)]).await.unwrap();
    store.purge("old", &[gone(4), gone(5)]).await.unwrap();
    assert_eq!(store.head("old").await.unwrap(), 5);
    assert!(store.append("old", 5, &[event()]).await.is_err());
    store.append("old", 6, &[event()]).await.unwrap();
    store.mark_closed("old", 6).await.unwrap();
    assert_eq!(store.writers().await.unwrap(), ["old", "w"]);
    store.close().await.unwrap();
    let mut reader = ledger.reader().await;
    assert_eq!(reader.heads().await.unwrap(), [("old".to_owned(), 6), ("w".to_owned(), 0)]);
    reader.close().await.unwrap();
}
