//! What is signed, when, and when not.

use super::{Ledger, WRITER, first_wrong};
use crate::seal::{Checkpoint, Disagreement, Kept, SEAL_FILE};

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
            Disagreement::Truncated { .. } | Disagreement::Gap { .. } => {}
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
