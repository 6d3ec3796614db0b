//! What is signed, when, and when not.

use std::sync::Arc;

use rusqlite::Connection;
use serde_json::json;

use super::{Ledger, WRITER, first_wrong};
use crate::record::Written;
use crate::seal::keep::look_back;
use crate::seal::{Checkpoint, Disagreement, Kept, LogState, SEAL_FILE, Sealed, Sealer};
use crate::store::LEDGER_FILE;

#[tokio::test]
async fn every_checkpoint_is_of_the_tree_at_its_size() {
    let mut ledger = Ledger::new();
    let mut sealer = ledger.sealer().await;
    let mut sizes = Vec::new();
    for events in [1, 2, 300, 1] {
        ledger.append(events).await;
        let sealed = ledger.seal_with(&mut sealer).await;
        assert_eq!(sealed.len(), 1);
        sizes.push(sealed[0].checkpoint.size);
        assert_eq!(sealed[0].checkpoint.origin, format!("audit.example.com/{WRITER}"));
        assert_eq!(sealed[0].checkpoint.signed_by([&ledger.key()]).len(), 1);
        assert!(ledger.seal_with(&mut sealer).await.is_empty(), "nothing new");
    }
    let report = ledger.verify(ledger.key(), &[]).await;
    assert!(report.is_sound() && report.is_proven(), "{}", first_wrong(&report));
    let [log] = report.logs.as_slice() else { panic!("{report:?}") };
    assert_eq!((log.entries, log.proven, log.checkpoints), (ledger.next - 1, ledger.next - 1, 4));
    assert_eq!(sizes.last(), Some(&log.proven));
}

#[tokio::test]
async fn a_sealer_goes_on_where_it_was_and_builds_lost_tiles_again() {
    let mut ledger = Ledger::new();
    ledger.append(400).await;
    assert_eq!(ledger.seal().await.len(), 1);
    assert!(ledger.seal().await.is_empty(), "it knows what it has sealed");
    let size = ledger.next - 1;
    Kept::open(ledger.path()).unwrap().forget_tiles(WRITER).unwrap();
    ledger.append(3).await;
    assert_eq!(ledger.seal().await[0].checkpoint.size, ledger.next - 1);
    assert_eq!(Kept::open(ledger.path()).unwrap().checkpoints().unwrap()[0].size, size);
    assert_eq!(ledger.wrong().await, "nothing");
    // Without the file there is nothing to hold the ledger against: it begins anew.
    std::fs::remove_file(ledger.path().join(SEAL_FILE)).unwrap();
    assert_eq!(ledger.seal().await[0].checkpoint.size, ledger.next - 1);
}

#[tokio::test]
async fn nothing_is_signed_that_disagrees_with_what_was_signed() {
    const FORGED: &str = "UPDATE entries SET doc = doc || ' ' WHERE seq = 2; ";
    let rows: &[(&str, Disagreement)] = &[
        ("DELETE FROM entries WHERE seq > 28", Disagreement::Truncated { head: 28, sealed: 0 }),
        (
            "UPDATE entries SET doc = replace(doc, 'success', 'failure')",
            Disagreement::Changed { seq: 0 },
        ),
        (
            "UPDATE entries SET leaf = zeroblob(32) WHERE seq = (SELECT max(seq) FROM entries)",
            Disagreement::Leaf { seq: 0 },
        ),
        (FORGED, Disagreement::Root { size: 0 }),
        ("DELETE FROM entries WHERE seq = 7", Disagreement::Gap { seq: 7 }),
    ];
    for (sql, expected) in rows {
        let mut ledger = Ledger::new();
        ledger.append(20).await;
        ledger.seal().await;
        let sealed = ledger.next - 1;
        if !matches!(expected, Disagreement::Truncated { .. }) {
            ledger.append(3).await;
        }
        let attack = ledger.attack();
        attack.execute_batch(sql).unwrap();
        if !matches!(expected, Disagreement::Leaf { .. }) {
            super::attacks::rehash(&attack);
        }
        if !matches!(expected, Disagreement::Changed { .. } | Disagreement::Truncated { .. }) {
            // The tiles are lost as well, so that all of the ledger is read again.
            Kept::open(ledger.path()).unwrap().forget_tiles(WRITER).unwrap();
        }
        let mut sealer = ledger.sealer().await;
        assert!(ledger.seal_with(&mut sealer).await.is_empty(), "{sql}");
        let state = sealer.states().await.unwrap()[WRITER].clone();
        let found = state.disagreement.unwrap();
        assert_eq!(found.code(), expected.code(), "{sql}: {found}");
        match found {
            Disagreement::Root { size } => assert_eq!(size, sealed),
            Disagreement::Changed { seq } => assert_eq!(seq, sealed),
            Disagreement::Leaf { seq } => assert_eq!(seq, ledger.next - 1),
            Disagreement::Truncated { .. }
            | Disagreement::Gap { .. }
            | Disagreement::Foreign { .. } => {}
        }
        assert!(ledger.seal_with(&mut sealer).await.is_empty(), "still nothing: {sql}");
    }
}

#[tokio::test]
async fn a_forged_checkpoint_beside_the_ledger_is_not_believed() {
    let mut ledger = Ledger::new();
    ledger.append(5).await;
    let sealed = ledger.seal().await;
    let forged = sealed[0].checkpoint.note.replacen("\n9\n", "\n8\n", 1);
    assert_ne!(forged, sealed[0].checkpoint.note, "{}", sealed[0].checkpoint.size);
    let forged = Checkpoint::parse(&forged).unwrap();
    assert!(forged.signed_by([&ledger.key()]).is_empty());
    Kept::open(ledger.path()).unwrap().keep(WRITER, 0, &forged).unwrap();
    assert!(ledger.wrong().await.starts_with("signature: "), "{}", ledger.wrong().await);
}

/// A ledger with something sealed, and a recorder that has written nothing since it began.
async fn begun() -> (Ledger, Sealer, Arc<Written>) {
    let mut ledger = Ledger::new();
    ledger.append(8).await;
    let mut sealer = ledger.sealer().await;
    assert_eq!(ledger.seal_with(&mut sealer).await.len(), 1);
    let written = attached(&ledger, &sealer).await;
    (ledger, sealer, written)
}

async fn attached(ledger: &Ledger, sealer: &Sealer) -> Arc<Written> {
    let written = Arc::new(Written::default());
    written.begin(WRITER, ledger.next - 1);
    sealer.attach(Arc::clone(&written), || u64::MAX).await.unwrap();
    written
}

/// The leaves of the entries behind one.
fn leaves_after(ledger: &Ledger, seq: u64) -> Vec<[u8; 32]> {
    let conn = Connection::open(ledger.path().join(LEDGER_FILE)).unwrap();
    let mut rows = conn.prepare("SELECT leaf FROM entries WHERE seq > ?1 ORDER BY seq").unwrap();
    rows.query_map([i64::try_from(seq).unwrap()], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

async fn state(sealer: &Sealer) -> LogState {
    sealer.states().await.unwrap()[WRITER].clone()
}

#[tokio::test]
async fn of_the_own_log_only_what_the_recorder_has_written_is_sealed() {
    let (mut ledger, mut sealer, written) = begun().await;
    let mut heard = 0;
    for events in [1, 3, 40] {
        let before = ledger.next - 1;
        ledger.append(events).await;
        assert!(ledger.seal_with(&mut sealer).await.is_empty(), "the recorder has not told of it");
        written.add(leaves_after(&ledger, before));
        heard += ledger.next - 1 - before;
        // Not sealed yet, and counted so at once.
        assert_eq!(state(&sealer).await.unsealed(), ledger.next - 1 - before);
        let sealed = ledger.seal_with(&mut sealer).await;
        assert_eq!(sealed[0].checkpoint.size, ledger.next - 1);
    }
    assert_eq!((written.base() + heard, state(&sealer).await.unsealed()), (ledger.next - 1, 0));
    // What is still on its way to the ledger, as out of a spool, is sealed when it is there.
    written.add([[9; 32]]);
    assert!(ledger.seal_with(&mut sealer).await.is_empty());
    assert_eq!((state(&sealer).await.unsealed(), state(&sealer).await.disagreement), (1, None));
    assert_eq!(ledger.wrong().await, "nothing");
}

#[tokio::test]
async fn what_somebody_else_has_written_in_the_own_log_is_never_sealed() {
    // Behind what the recorder has written, which it notices; and in the place of it.
    for is_noticed in [true, false] {
        let (mut ledger, mut sealer, written) = begun().await;
        let sealed = ledger.next - 1;
        ledger.append(1).await;
        let first = sealed + 1;
        match is_noticed {
            true => {
                assert!(ledger.seal_with(&mut sealer).await.is_empty(), "of unknown origin");
                written.disown(first..=ledger.next - 1, ledger.next - 1);
            }
            false => written.add(leaves_after(&ledger, sealed).iter().map(|_| [7; 32])),
        }
        assert!(ledger.seal_with(&mut sealer).await.is_empty());
        let found = Disagreement::Foreign { first, last: ledger.next - 1 };
        assert_eq!(state(&sealer).await.disagreement, Some(found), "noticed: {is_noticed}");
        assert_eq!(found.code(), "foreign");
        // The next start finds it in the log, and remembers.
        drop(sealer);
        let mut sealer = ledger.sealer().await;
        let written = attached(&ledger, &sealer).await;
        let before = ledger.next - 1;
        ledger.append(1).await;
        written.add(leaves_after(&ledger, before));
        assert!(ledger.seal_with(&mut sealer).await.is_empty());
        assert_eq!(state(&sealer).await.disagreement, Some(found));
        let wrong = ledger.wrong().await;
        assert!(wrong.starts_with(&format!("foreign: entries {first} to ")), "{wrong}");
        // Whoever has looked at it begins anew.
        drop(sealer);
        std::fs::remove_file(ledger.path().join(SEAL_FILE)).unwrap();
        assert_eq!(ledger.seal().await[0].checkpoint.size, ledger.next - 1);
    }
}

#[tokio::test]
async fn what_was_sealed_is_looked_at_again_while_nothing_is_written() {
    const REWRITTEN: &str =
        "UPDATE entries SET doc = replace(doc, '2026-11', '2026-12') WHERE seq = ";
    let rows: &[(&str, Option<Disagreement>)] = &[
        ("SELECT 1", None),
        ("5", Some(Disagreement::Changed { seq: 5 })),
        ("90", Some(Disagreement::Changed { seq: 90 })),
        ("DELETE FROM entries WHERE seq IN (61, 62)", Some(Disagreement::Gap { seq: 61 })),
        ("UPDATE entries SET kind = 'none' WHERE seq = 4", Some(Disagreement::Changed { seq: 4 })),
    ];
    for (sql, expected) in rows {
        let mut ledger = Ledger::new();
        ledger.append(100).await;
        let mut sealer = ledger.sealer().await;
        ledger.seal_with(&mut sealer).await;
        let attack = ledger.attack();
        match sql.parse::<u64>() {
            Ok(seq) => attack.execute_batch(&format!("{REWRITTEN}{seq}")).unwrap(),
            Err(_) => attack.execute_batch(sql).unwrap(),
        }
        super::attacks::rehash(&attack);
        let mut reader = ledger.source().reader().await.unwrap();
        for _ in 0..10 {
            look_back(&mut *reader, &mut sealer).await.unwrap();
        }
        assert_eq!(state(&sealer).await.disagreement, *expected, "{sql}");
        ledger.append(1).await;
        assert_eq!(ledger.seal_with(&mut sealer).await.is_empty(), *sql != "SELECT 1", "{sql}");
    }
}

#[tokio::test]
async fn a_lost_or_damaged_tile_does_not_accuse_the_ledger() {
    for sql in [
        "DELETE FROM tiles WHERE level = 0 AND number = 0",
        "UPDATE tiles SET hashes = zeroblob(length(hashes)) WHERE level = 0 AND number = 0",
    ] {
        let mut ledger = Ledger::new();
        ledger.append(400).await;
        let mut sealer = ledger.sealer().await;
        ledger.seal_with(&mut sealer).await;
        Connection::open(ledger.path().join(SEAL_FILE)).unwrap().execute_batch(sql).unwrap();
        let mut reader = ledger.source().reader().await.unwrap();
        for _ in 0..40 {
            look_back(&mut *reader, &mut sealer).await.unwrap();
        }
        assert_eq!(state(&sealer).await.disagreement, None, "{sql}");
    }
}

#[tokio::test]
async fn what_was_published_shows_that_files_were_put_back() {
    let mut ledger = Ledger::new();
    ledger.append(4).await;
    let mut published = String::new();
    let mut publish = |sealed: Vec<Sealed>| {
        for Sealed { checkpoint, .. } in sealed {
            published.push_str(&format!("{}\n", json!({"checkpoint": checkpoint.note})));
        }
        published.clone()
    };
    publish(ledger.seal().await);
    let older = ledger.fork();
    ledger.append(4).await;
    let text = publish(ledger.seal().await);
    let file = ledger.path().join("published.jsonl");
    std::fs::write(&file, format!("{text}{{\"torn")).unwrap();
    // Where nothing was put back, it goes on.
    let mut sealer = ledger.sealer().await;
    sealer.hold_against(&file).await.unwrap();
    ledger.append(4).await;
    assert_eq!(ledger.seal_with(&mut sealer).await.len(), 1);
    // Where it was, nothing is signed that was signed already, however long the log becomes.
    let mut older = older;
    let mut sealer = older.sealer().await;
    sealer.hold_against(&file).await.unwrap();
    assert_eq!(older.seal_with(&mut sealer).await, []);
    let state = sealer.states().await.unwrap()[WRITER].disagreement;
    assert_eq!(state.map(Disagreement::code), Some("truncated"));
    older.append(9).await;
    let mut sealer = older.sealer().await;
    sealer.hold_against(&file).await.unwrap();
    assert_eq!(older.seal_with(&mut sealer).await, []);
    let state = sealer.states().await.unwrap()[WRITER].disagreement;
    assert_eq!(state.map(Disagreement::code), Some("root"));
    // Without the file, or with that of others, nobody can know.
    for name in ["missing.jsonl", "other.jsonl"] {
        let other = Ledger::new();
        std::fs::write(other.path().join("other.jsonl"), &text).unwrap();
        let sealer = older.sealer().await;
        sealer.hold_against(&other.path().join("missing.jsonl")).await.unwrap();
        let stranger = other.sealer().await;
        stranger.hold_against(&other.path().join(name)).await.unwrap();
        assert!(stranger.states().await.unwrap().is_empty(), "{name}");
    }
}
