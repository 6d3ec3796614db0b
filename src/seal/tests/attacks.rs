//! One test for each attack by somebody who can write whatever they like to the database.

use rusqlite::{Connection, params};

use super::{Ledger, WRITER, copy_files, first_wrong, published};
use crate::record::leaf_hash;
use crate::seal::key_file::{self, SIGNING_KEY_FILE};
use crate::seal::{Kept, SEAL_FILE, SigningKey};

/// Events before and after the last checkpoint.
const EVENTS: usize = 40;

/// A ledger with three checkpoints.
async fn sealed() -> Ledger {
    let mut ledger = Ledger::new();
    for _ in 0..3 {
        ledger.append(EVENTS).await;
        assert_eq!(ledger.seal().await.len(), 1);
    }
    assert_eq!(ledger.wrong().await, "nothing");
    ledger
}

/// Writes the right hash beside every document.
pub(super) fn rehash(conn: &Connection) {
    let mut rows = conn.prepare("SELECT rowid, doc FROM entries").unwrap();
    let rows: Vec<(i64, String)> = rows
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (rowid, doc) in rows {
        let leaf = leaf_hash(&doc);
        conn.execute("UPDATE entries SET leaf = ?2 WHERE rowid = ?1", params![rowid, leaf])
            .unwrap();
    }
}

#[tokio::test]
async fn a_row_where_no_count_looks_is_found() {
    let ledger = sealed().await;
    for (writer, seq, number) in [("'nobody'", "1", 1), ("writer", "-3", -3), ("writer", "0", 0)] {
        let ledger = ledger.fork();
        let sql = format!(
            "INSERT INTO entries (writer, seq, kind, id, intent, scope, doc, leaf) \
             SELECT {writer}, {seq}, kind, id, intent, scope, doc, leaf FROM entries WHERE seq = 1"
        );
        ledger.attack().execute_batch(&sql).unwrap();
        let wrong = ledger.wrong().await;
        assert!(wrong.starts_with(&format!("stray: a row with the number {number} ")), "{wrong}");
    }
}

#[tokio::test]
async fn a_changed_column_is_found_in_every_kind_of_row() {
    let changes = [
        ("writer", "'somebody else'", "missing"),
        ("seq", "1000", "missing"),
        ("kind", "iif(kind = 'intent', 'completion', 'intent')", "column"),
        ("kind", "'neither'", "column_kind"),
        ("id", "'01234567-0123-7123-8123-0123456789ab'", "column_id"),
        ("id", "upper(id)", "column_id"),
        ("id", "''", "column_id"),
        ("intent", "iif(intent IS NULL, 3, NULL)", "column_intent"),
        ("scope", "'{\"pool\":\"mine\"}'", "column_scope"),
        ("scope", "scope || ' '", "column_scope"),
        ("doc", "doc || ' '", "leaf"),
        ("doc", "replace(doc, '2026', '2025')", "leaf"),
        ("leaf", "zeroblob(32)", "leaf"),
        ("leaf", "x''", "leaf"),
    ];
    let ledger = sealed().await;
    let kinds = [("intent", true), ("completion", false), ("completion", true)];
    for (wanted, is_first) in kinds {
        let is_wanted = |seq: &u64| kind(&ledger, *seq) == (wanted.to_owned(), is_first);
        let seq = (30..).find(is_wanted).unwrap();
        for (column, value, expected) in changes {
            let ledger = ledger.fork();
            let sql = format!("UPDATE entries SET {column} = {value} WHERE seq = {seq}");
            ledger.attack().execute_batch(&sql).unwrap();
            let wrong = ledger.wrong().await;
            assert!(wrong.starts_with(expected), "{sql}: {wrong}");
            assert!(wrong.contains(&format!("entry {seq}")), "{sql}: {wrong}");
        }
    }
}

fn kind(ledger: &Ledger, seq: u64) -> (String, bool) {
    let sql = format!("SELECT kind, intent IS NULL FROM entries WHERE seq = {seq}");
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    ledger.attack().query_row(&sql, [], row).unwrap()
}

/// The first entry from this one on that is of the kind.
fn first(ledger: &Ledger, from: u64, wanted: &str) -> u64 {
    (from..).find(|seq| kind(ledger, *seq).0 == wanted).unwrap()
}

#[tokio::test]
async fn a_document_that_is_changed_with_its_hash_is_found_and_named() {
    let ledger = sealed().await;
    let texts = [
        ("replace(doc, 'api_key.create', 'api_key.delete')", "intent"),
        ("replace(doc, 'success', 'failure')", "completion"),
    ];
    for (text, kind) in texts {
        let seq = first(&ledger, 80, kind);
        let ledger = ledger.fork();
        let attack = ledger.attack();
        let sql = format!("UPDATE entries SET doc = {text} WHERE seq = {seq}");
        assert_eq!(attack.execute(&sql, []).unwrap(), 1);
        rehash(&attack);
        let wrong = ledger.wrong().await;
        assert!(wrong.starts_with(&format!("replaced: entry {seq} is another one")), "{wrong}");
        // Without tiles that can be believed, it is known between which checkpoints.
        let kept = Connection::open(ledger.path().join(SEAL_FILE)).unwrap();
        kept.execute_batch("UPDATE tiles SET hashes = zeroblob(length(hashes))").unwrap();
        let wrong = ledger.wrong().await;
        let size = Kept::open(ledger.path()).unwrap().checkpoints().unwrap();
        let (from, to) = (size[0].size + 1, size[1].size);
        assert!(wrong.starts_with(&format!("root: one of the entries {from} to {to}")), "{wrong}");
    }
}

#[tokio::test]
async fn a_deleted_row_is_missed() {
    let ledger = sealed().await;
    ledger.attack().execute_batch("DELETE FROM entries WHERE seq = 17").unwrap();
    assert!(ledger.wrong().await.starts_with("missing: entry 17 is missing"));
    ledger.attack().execute_batch("DELETE FROM entries WHERE seq BETWEEN 15 AND 20").unwrap();
    assert!(ledger.wrong().await.starts_with("missing: entries 15 to 20 are missing"));
}

#[tokio::test]
async fn a_deleted_event_is_missed_though_all_the_others_move_up() {
    let ledger = sealed().await;
    // A whole event has no other half that would point to it.
    let whole = (40..).find(|seq| kind(&ledger, *seq) == ("completion".to_owned(), true)).unwrap();
    let attack = ledger.attack();
    attack
        .execute_batch(&format!(
            "DELETE FROM entries WHERE seq = {whole};
             UPDATE entries SET intent = intent - 1 WHERE intent > {whole};
             UPDATE entries SET seq = -seq WHERE seq > {whole};
             UPDATE entries SET seq = -seq - 1 WHERE seq < 0;"
        ))
        .unwrap();
    let wrong = ledger.wrong().await;
    assert!(wrong.starts_with(&format!("replaced: entry {whole} is another one")), "{wrong}");
}

#[tokio::test]
async fn the_newest_rows_are_missed() {
    let ledger = sealed().await;
    let size = ledger.next - 1;
    for gone in [1, 5, 60] {
        let sql = format!("DELETE FROM entries WHERE seq > {}", size - gone);
        ledger.attack().execute_batch(&sql).unwrap();
        let wrong = ledger.wrong().await;
        assert!(wrong.starts_with("truncated: "), "{wrong}");
        assert!(wrong.contains(&format!("there were {size}")), "{wrong}");
    }
    // All of them, and the writer with them.
    ledger.attack().execute_batch("DELETE FROM entries; DELETE FROM writers").unwrap();
    let wrong = ledger.wrong().await;
    assert!(wrong.starts_with(&format!("truncated: entries 1 to {size} are missing")), "{wrong}");
}

#[tokio::test]
async fn an_unfinished_intent_is_missed() {
    let mut ledger = sealed().await;
    let id = crate::record::EventId::new(crate::clock::Clock::now(&crate::clock::SystemClock));
    let scope = crate::record::Scope::new();
    let (document, _) = super::halves(id, &scope);
    let intent = super::entry(crate::record::EntryKind::Intent, id, None, &scope, document);
    ledger.add(&[intent]).await;
    let seq = ledger.next - 1;
    ledger.seal().await;
    assert_eq!(ledger.verify(ledger.key(), &[]).await.logs[0].open, 1);
    ledger.attack().execute_batch(&format!("DELETE FROM entries WHERE seq = {seq}")).unwrap();
    let wrong = ledger.wrong().await;
    assert!(wrong.starts_with(&format!("truncated: entry {seq} is missing")), "{wrong}");
}

#[tokio::test]
async fn rows_that_changed_places_are_found() {
    let ledger = sealed().await;
    // Two first halves whose second halves come later, with all that refers to them.
    let one = first(&ledger, 60, "intent");
    let other = first(&ledger, one + 1, "intent");
    ledger
        .attack()
        .execute_batch(&format!(
            "UPDATE entries SET seq = -1 WHERE seq = {one};
             UPDATE entries SET seq = {one} WHERE seq = {other};
             UPDATE entries SET seq = {other} WHERE seq = -1;
             UPDATE entries SET intent = {one} + {other} - intent WHERE intent IN ({one}, {other});"
        ))
        .unwrap();
    let wrong = ledger.wrong().await;
    assert!(wrong.starts_with(&format!("replaced: entry {one} is another one")), "{wrong}");
}

#[tokio::test]
async fn an_inserted_row_is_found() {
    let ledger = sealed().await;
    let whole = (40..).find(|seq| kind(&ledger, *seq) == ("completion".to_owned(), true)).unwrap();
    ledger
        .attack()
        .execute_batch(&format!(
            "UPDATE entries SET intent = intent + 1 WHERE intent >= {whole};
             UPDATE entries SET seq = -seq WHERE seq >= {whole};
             UPDATE entries SET seq = -seq + 1 WHERE seq < 0;
             INSERT INTO entries (writer, seq, kind, id, intent, scope, doc, leaf)
             SELECT writer, {whole}, kind, replace(id, substr(id, 30), 'abcdefa'), intent, scope,
                    replace(doc, id, replace(id, substr(id, 30), 'abcdefa')), leaf
             FROM entries WHERE seq = {whole} + 1;"
        ))
        .unwrap();
    rehash(&ledger.attack());
    let wrong = ledger.wrong().await;
    assert!(wrong.starts_with(&format!("replaced: entry {whole} is another one")), "{wrong}");
}

#[tokio::test]
async fn yesterdays_copy_of_everything_is_found_by_who_has_a_published_checkpoint() {
    let mut ledger = sealed().await;
    let yesterday = ledger.copy();
    let before = ledger.next - 1;
    ledger.append(EVENTS).await;
    let published = published(&ledger.seal().await);
    let now = ledger.next - 1;
    std::fs::remove_dir_all(ledger.path()).unwrap();
    std::fs::create_dir(ledger.path()).unwrap();
    copy_files(yesterday.path(), ledger.path());
    // In itself it is whole: that is why checkpoints have to be elsewhere.
    assert_eq!(ledger.wrong().await, "nothing");
    let wrong = first_wrong(&ledger.verify(ledger.key(), &[&published]).await);
    let expected = format!("truncated: entries {} to {now} are missing", before + 1);
    assert!(wrong.starts_with(&expected), "{wrong}");
    // And if the log then grows past that size, it is another log.
    ledger.next = before + 1;
    ledger.append(2 * EVENTS).await;
    ledger.seal().await;
    let wrong = first_wrong(&ledger.verify(ledger.key(), &[&published]).await);
    assert!(wrong.starts_with("root: one of the entries"), "{wrong}");
}

#[tokio::test]
async fn a_replaced_key_is_found_by_who_has_the_old_one_or_a_published_checkpoint() {
    let ledger = sealed().await;
    let (trusted, sealed) =
        (ledger.key(), Kept::open(ledger.path()).unwrap().newest(WRITER).unwrap());
    let note = sealed.unwrap().note;
    for name in ["audit.example.com", "another.example.com"] {
        let ledger = ledger.fork();
        // Everything is rewritten, and signed again with a key of the attacker's.
        let attack = ledger.attack();
        attack
            .execute_batch("UPDATE entries SET doc = replace(doc, 'success', 'failure')")
            .unwrap();
        rehash(&attack);
        std::fs::remove_file(ledger.path().join(SIGNING_KEY_FILE)).unwrap();
        std::fs::remove_file(ledger.path().join(SEAL_FILE)).unwrap();
        let key = SigningKey::generate(name).unwrap();
        std::fs::write(ledger.path().join(SIGNING_KEY_FILE), key.text().as_bytes()).unwrap();
        let sealer = crate::seal::Sealer::open(ledger.path(), None).await;
        assert_eq!(ledger.seal_with(&mut sealer.unwrap()).await.len(), 1);
        let own = key_file::read(ledger.path()).unwrap().unwrap().verifier().clone();
        // In itself it is whole: that is why the key has to be known from elsewhere.
        assert_eq!(first_wrong(&ledger.verify(own.clone(), &[]).await), "nothing");
        let wrong = first_wrong(&ledger.verify(trusted.clone(), &[]).await);
        assert!(wrong.starts_with("signature: the checkpoint of size"), "{wrong}");
        let wrong = first_wrong(&ledger.verify(own, &[&note]).await);
        assert!(
            wrong.starts_with(
                "signature: the checkpoint of size 210 in `published.jsonl`, line 1 was"
            ),
            "{wrong}"
        );
        let wrong = first_wrong(&ledger.verify(trusted.clone(), &[&note]).await);
        assert!(wrong.starts_with("root: ") || wrong.starts_with("replaced: "), "{wrong}");
    }
}

#[tokio::test]
async fn a_fault_long_before_the_end_is_told_at_once() {
    let mut ledger = Ledger::new();
    ledger.append(5_000).await;
    ledger.seal().await;
    let sql = "UPDATE entries SET doc = replace(doc, '20:00', '20:01') WHERE seq = 9";
    ledger.attack().execute_batch(sql).unwrap();
    let wrong = ledger.wrong().await;
    assert!(wrong.contains("entry 9:"), "{wrong}");
}

#[tokio::test]
async fn an_event_that_begins_twice_is_named_though_it_was_sealed() {
    let ledger = sealed().await;
    let of_kind = |wanted: &str, is_first: bool| {
        (20..).find(|seq| kind(&ledger, *seq) == (wanted.to_owned(), is_first)).unwrap()
    };
    let (intent, second) = (of_kind("intent", true), of_kind("completion", false));
    let (whole, last) = (of_kind("completion", true), ledger.next - 1);
    // Copies of a first half, of a whole event, and a second half once more.
    let rows = [
        (intent, "NULL".to_owned(), "twice", format!("the same event as entry {intent}")),
        (whole, "NULL".to_owned(), "twice", format!("the same event as entry {whole}")),
        (second, "intent".to_owned(), "no_intent", "was completed before".to_owned()),
    ];
    for (seq, of, code, named) in rows {
        let ledger = ledger.fork();
        let sql = format!(
            "INSERT INTO entries (writer, seq, kind, id, intent, scope, doc, leaf) \
             SELECT writer, {last} + 1, kind, id, {of}, scope, doc, leaf FROM entries WHERE seq = {seq}"
        );
        ledger.attack().execute_batch(&sql).unwrap();
        // As by a proxy that found it when it started.
        assert_eq!(ledger.seal().await.len(), 1);
        let wrong = ledger.wrong().await;
        assert!(wrong.starts_with(&format!("{code}: entry {} ", last + 1)), "{wrong}");
        assert!(wrong.contains(&named), "{wrong}");
    }
}

#[tokio::test]
async fn a_row_far_behind_the_end_is_not_taken_for_the_loss_of_others() {
    let mut ledger = sealed().await;
    let sealed = ledger.next - 1;
    ledger.append(1).await;
    let insert = format!(
        "INSERT INTO entries (writer, seq, kind, id, intent, scope, doc, leaf) \
         SELECT writer, 900, kind, id, intent, scope, doc, leaf FROM entries WHERE seq = {sealed}"
    );
    let attacked = ledger.fork();
    attacked.attack().execute_batch(&insert).unwrap();
    let wrong = attacked.wrong().await;
    assert!(wrong.starts_with(&format!("apart: entries {} to 899 ", ledger.next)), "{wrong}");
    assert!(wrong.contains("the number 900: that one was inserted, or"), "{wrong}");
    // Where some of them were sealed, rows were deleted.
    let cut = format!("DELETE FROM entries WHERE seq BETWEEN {sealed} AND 899");
    attacked.attack().execute_batch(&cut).unwrap();
    let wrong = attacked.wrong().await;
    assert!(wrong.starts_with(&format!("missing: entries {sealed} to 899 are missing")), "{wrong}");
}

#[tokio::test]
async fn a_writer_that_the_table_of_writers_lost_accuses_no_entry() {
    let ledger = sealed().await;
    ledger.attack().execute_batch("DELETE FROM writers").unwrap();
    let wrong = ledger.wrong().await;
    assert!(wrong.starts_with("count: the table `writers` counts 0 entries"), "{wrong}");
    assert!(wrong.ends_with("that table was changed"), "{wrong}");
}
