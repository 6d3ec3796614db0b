//! Proofs, as we check them and as others do.

use proptest::prelude::*;
use tlog_tiles::Hash;

use super::tree::leaves;
use super::{Ledger, WRITER};
use crate::record::Stored;
use crate::seal::{
    Checkpoint, ConsistencyProof, EntryProof, EventProof, Kept, ProofFault, SigningKey, Tree,
    VerifierKey, is_consistent, is_included, leaf, parse_tlog_proof, tlog_proof,
};

pub(super) async fn all(ledger: &Ledger) -> Vec<Stored> {
    let mut reader = ledger.source().reader().await.unwrap();
    let mut all: Vec<Stored> = Vec::new();
    loop {
        let after = all.last().map_or(0, |last| last.seq);
        let more = reader.read_after(WRITER, after, 1000).await.unwrap();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// The halves of the event of an entry.
fn event(all: &[Stored], seq: usize) -> Vec<Stored> {
    let id = all[seq - 1].id;
    all.iter().filter(|entry| entry.id == id).cloned().collect()
}

#[tokio::test]
async fn every_event_is_proved_in_the_newest_checkpoint() {
    let mut ledger = Ledger::new();
    ledger.append(170).await;
    ledger.seal().await;
    let (all, kept) = (all(&ledger).await, Kept::open(ledger.path()).unwrap());
    let key = ledger.key();
    for seq in (1..=all.len()).step_by(7) {
        let entries = event(&all, seq);
        let proof = EventProof::of(&kept, &entries).unwrap();
        let shown = proof.verify(std::slice::from_ref(&key)).unwrap();
        assert_eq!(shown.len(), entries.len());
        assert_eq!(shown[0].size, all.len() as u64);
        let again: EventProof =
            serde_json::from_str(&serde_json::to_string(&proof).unwrap()).unwrap();
        assert_eq!(again, proof);
    }
}

#[tokio::test]
async fn a_proof_holds_for_nothing_else() {
    let mut ledger = Ledger::new();
    ledger.append(30).await;
    ledger.seal().await;
    let (all, kept) = (all(&ledger).await, Kept::open(ledger.path()).unwrap());
    let keys = [ledger.key()];
    let whole = EventProof::of(&kept, &event(&all, 20)).unwrap();
    let other = EventProof::of(&kept, &event(&all, 40)).unwrap();
    assert_ne!(whole.event, other.event);
    type Change = fn(&mut EventProof, &EventProof);
    let rows: &[(Change, &str)] = &[
        (|it, _| it.entries[0].document.push(' '), "is not in the tree"),
        (
            |it, _| it.entries[0].document = it.entries[0].document.replace("POST", "GET"),
            "is not in",
        ),
        (|it, _| it.entries[0].seq += 1, "is not in the tree"),
        (|it, _| it.entries[0].writer = "other".to_owned(), "another log"),
        (|it, _| it.event = "x".to_owned(), "not those of the event"),
        (|it, _| it.entries.clear(), "not those of the event"),
        (|it, other| it.entries[0] = other.entries[0].clone(), "not those of the event"),
        (|it, other| it.entries[0].proof = other.entries[0].proof.clone(), "is not in the tree"),
        (|it, _| it.entries[0].proof.clear(), "cannot be understood"),
        (
            |it, _| it.entries[0].proof = it.entries[0].proof.replace("\n53\n", "\n54\n"),
            "signed by no key",
        ),
    ];
    for (change, expected) in rows {
        let mut changed = whole.clone();
        change(&mut changed, &other);
        assert_ne!(changed, whole, "{expected}: {}", whole.entries[0].proof);
        let error = changed.verify(&keys).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}, not {expected}");
    }
    let stranger = SigningKey::generate(keys[0].name()).unwrap();
    let error = whole.verify(&[stranger.verifier().clone()]).unwrap_err();
    assert!(matches!(error, ProofFault::Signature { .. }), "{error}");
    // What was changed in the ledger is not proved.
    let mut forged = event(&all, 20);
    forged[0].doc = forged[0].doc.replace("POST", "GET");
    assert!(EventProof::of(&kept, &forged).is_err());
}

#[tokio::test]
async fn checkpoints_are_proved_to_be_of_one_log() {
    let mut ledger = Ledger::new();
    let mut notes = Vec::new();
    for events in [1, 200, 150, 3] {
        ledger.append(events).await;
        notes.push(ledger.seal().await[0].checkpoint.note.clone());
    }
    let (kept, keys) = (Kept::open(ledger.path()).unwrap(), [ledger.key()]);
    for (from, old) in notes.iter().enumerate() {
        for (to, new) in notes.iter().enumerate() {
            let proof = ConsistencyProof::of(&kept, WRITER, old, new);
            if from > to {
                assert!(proof.is_err());
                continue;
            }
            let proof = proof.unwrap();
            proof.verify(&keys).unwrap();
            let mut swapped = proof.clone();
            std::mem::swap(&mut swapped.old, &mut swapped.new);
            assert_eq!(swapped.verify(&keys).is_ok(), from == to);
            for gone in 0..proof.proof.len() {
                let mut shorter = proof.clone();
                shorter.proof.remove(gone);
                assert_eq!(shorter.verify(&keys), Err(ProofFault::Inconsistent));
            }
        }
    }
}

#[test]
fn a_proof_has_the_form_of_the_standard() {
    let key = SigningKey::generate("audit.example.com").unwrap();
    let checkpoint = Checkpoint::sign("audit.example.com/w", 2, leaf("x"), &[&key]).unwrap();
    let text = tlog_proof(1, &[leaf("y")], &checkpoint.note);
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nindex 1\n"), "{text}");
    assert_eq!(parse_tlog_proof(&text).unwrap(), (1, vec![leaf("y")], checkpoint));
    let extra = text.replace("index", "extra AAAA\nindex");
    assert!(parse_tlog_proof(&extra).is_some());
    let wrong = [("index 1", "index 01"), ("index 1", "index -1"), ("@v1", "@v2"), ("\n\n", "\n")];
    for (from, to) in wrong {
        assert!(parse_tlog_proof(&text.replacen(from, to, 1)).is_none(), "{from} → {to}");
    }
}

/// A log of this size in `seal.db`, and its leaves.
fn sealed(size: usize) -> (tempfile::TempDir, Kept, Vec<Hash>) {
    let dir = tempfile::tempdir().unwrap();
    let mut kept = Kept::open(dir.path()).unwrap();
    let leaves = leaves(size);
    let (mut tree, mut full) = (Tree::default(), Vec::new());
    leaves.iter().for_each(|leaf| tree.push(*leaf, |tile| full.push(tile)));
    kept.grow(WRITER, &full, &tree).unwrap();
    (dir, kept, leaves)
}

fn checkpoint(leaves: &[Hash]) -> Checkpoint {
    let root = Hash(super::tree::naive(leaves));
    Checkpoint { origin: String::new(), size: leaves.len() as u64, root, note: String::new() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// From tiles alone, of any size at any earlier size.
    #[test]
    fn what_tiles_prove_is_what_the_definition_says(
        size in 1_usize..900, at in any::<prop::sample::Index>(), of in any::<prop::sample::Index>(),
    ) {
        let (_dir, kept, leaves) = sealed(size);
        let size = of.index(size) + 1;
        let seq = at.index(size) + 1;
        let newer = checkpoint(&leaves[..size]);
        let proof = kept.inclusion(WRITER, seq as u64, size as u64).unwrap();
        prop_assert!(is_included(&proof, &newer, seq as u64, leaves[seq - 1]));
        prop_assert!(!is_included(&proof, &newer, seq as u64, leaf("other")));
        prop_assert!(!is_included(&proof, &newer, seq as u64 + 1, leaves[seq - 1]) || size == 1);
        let proof = kept.consistency(WRITER, seq as u64, size as u64).unwrap();
        let mut older = checkpoint(&leaves[..seq]);
        prop_assert!(is_consistent(&proof, &older, &newer));
        older.root = leaf("other");
        prop_assert!(!is_consistent(&proof, &older, &newer));
    }

    #[test]
    fn hostile_proofs_prove_nothing(
        text in any::<String>(), hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        seq in any::<u64>(), size in any::<u64>(), old in any::<u64>(),
    ) {
        prop_assert!(parse_tlog_proof(&text).is_none());
        let hashes: Vec<Hash> = hashes.into_iter().map(Hash).collect();
        let at = |size| Checkpoint { size, ..checkpoint(&leaves(1)) };
        prop_assert!(!is_included(&hashes, &at(size), seq, leaf("x")));
        prop_assert!(!is_consistent(&hashes, &at(old), &at(size)) || old == size);
        let keys: [VerifierKey; 0] = [];
        let entry = EntryProof { writer: text.clone(), seq, document: text.clone(), proof: text.clone() };
        prop_assert!(entry.verify(&keys).is_err());
        let event = EventProof { event: text.clone(), entries: vec![entry], key_changes: vec![text] };
        prop_assert!(event.verify(&keys).is_err());
    }
}

#[test]
fn what_is_beyond_the_log_is_not_proved() {
    let (_dir, kept, _) = sealed(10);
    let rows = [(0, 5), (6, 5), (1, 11), (u64::MAX, u64::MAX), (1, u64::MAX), (0, 0)];
    for (seq, size) in rows {
        assert!(kept.inclusion(WRITER, seq, size).is_err(), "{seq} in {size}");
        assert!(kept.consistency(WRITER, seq, size).is_err(), "{seq} in {size}");
    }
    assert!(kept.inclusion("nobody", 1, 1).is_err());
}
