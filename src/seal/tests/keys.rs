//! Keys, their texts and files, and how one takes over from another.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};

use serde_json::json;

use super::{Ledger, entry, first_wrong, published};
use crate::clock::{Clock, SystemClock};
use crate::record::{EntryKind, EventId, Scope};
use crate::seal::key_file::{self, KeyFileError, NEXT_KEY_FILE, SIGNING_KEY_FILE};
use crate::seal::{
    Checkpoint, Kept, KeyChange, KeyError, SEAL_FILE, SealError, Sealer, SigningKey, VerifierKey,
    predecessors, signers, successors,
};

/// The example of C2SP signed-note, which Go's `note` package has as well.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_SECRET: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

#[test]
fn a_key_that_waits_belongs_to_whom_the_one_in_force_does() {
    let dir = tempfile::tempdir().unwrap();
    let key = key_file::load_or_create(dir.path(), None).unwrap();
    let mut owner = rustix::process::geteuid().as_raw();
    if owner == 0 {
        // As under systemd: root's command, somebody else's proxy.
        owner = 65_534;
        chown(dir.path().join(SIGNING_KEY_FILE), Some(owner), Some(owner)).unwrap();
    }
    key_file::write_next(dir.path(), &key).unwrap();
    let next = fs::metadata(dir.path().join(NEXT_KEY_FILE)).unwrap();
    assert_eq!((next.uid(), next.mode() & 0o777), (owner, 0o600));
}

#[test]
fn keys_have_the_texts_of_the_standard() {
    let key = SigningKey::parse(PETER_SECRET).unwrap();
    assert_eq!(key.verifier().to_string(), PETER);
    assert_eq!(*key.text(), PETER_SECRET);
    assert_eq!(PETER.parse::<VerifierKey>().unwrap(), *key.verifier());
    assert!(!format!("{key:?}").contains("AYEKFALV"), "{key:?}");
    let wrong = [
        ("", KeyError::Verifier),
        ("PeterNeumann", KeyError::Verifier),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Id),
        ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Name),
        ("PeterNeumann+c74f20a3+CRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", KeyError::Verifier),
        ("PeterNeumann+c74f20a3+ARpc", KeyError::Verifier),
    ];
    for (text, error) in wrong {
        assert_eq!(text.parse::<VerifierKey>(), Err(error), "{text}");
    }
    for text in [PETER, "", "PRIVATE+KEY+x+00000000+AQ==", "PRIVATE+KEY+PeterNeumann+c74f20a3"] {
        assert!(SigningKey::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_key_speaks_for_the_logs_of_its_installation_only() {
    let key = SigningKey::generate("audit.example.com").unwrap();
    let origins = [
        ("audit.example.com/w", true),
        ("audit.example.com", true),
        ("audit.example.com.evil.example/w", false),
        ("audit.example", false),
        ("other.example/audit.example.com/w", false),
    ];
    for (origin, covered) in origins {
        let checkpoint = Checkpoint::sign(origin, 1, crate::seal::leaf("{}"), &[&key]).unwrap();
        let signed_by = checkpoint.signed_by([key.verifier()]);
        assert_eq!(!signed_by.is_empty(), covered, "{origin}");
    }
}

#[tokio::test]
async fn a_lost_or_exchanged_key_begins_no_new_log() {
    let mut ledger = Ledger::new();
    ledger.append(5).await;
    ledger.seal().await;
    let path = ledger.path().join(SIGNING_KEY_FILE);
    let key = fs::read(&path).unwrap();
    let open = async || Sealer::open(ledger.path(), None).await.map(drop);
    fs::remove_file(&path).unwrap();
    let error = open().await.unwrap_err();
    assert!(matches!(error, SealError::OtherKey { is_missing: true, .. }), "{error}");
    assert!(!path.exists(), "none is made in its place");
    let stranger = SigningKey::generate("audit.example.com").unwrap();
    fs::write(&path, stranger.text().as_bytes()).unwrap();
    let error = open().await.unwrap_err();
    assert!(matches!(error, SealError::OtherKey { is_missing: false, .. }), "{error}");
    // It is put back, or it is said in so many words that all begins anew.
    fs::write(&path, key).unwrap();
    open().await.unwrap();
    fs::remove_file(&path).unwrap();
    fs::remove_file(ledger.path().join(SEAL_FILE)).unwrap();
    open().await.unwrap();
}

#[test]
fn a_key_is_made_once_private_and_never_overwritten() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let first = key_file::load_or_create(dir.path(), None).unwrap();
    let path = dir.path().join(SIGNING_KEY_FILE);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let again = key_file::load_or_create(dir.path(), Some(first.verifier().name())).unwrap();
    assert_eq!(again.verifier(), first.verifier());
    let other = key_file::load_or_create(dir.path(), Some("other.example")).unwrap_err();
    assert!(matches!(other, KeyFileError::OtherName { .. }), "{other}");
    fs::write(&path, "not a key").unwrap();
    let error = key_file::load_or_create(dir.path(), None).unwrap_err();
    assert!(matches!(error, KeyFileError::Content { .. }), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "not a key");
}

#[tokio::test]
async fn a_key_that_takes_over_is_trusted_by_who_trusts_the_first() {
    let mut ledger = Ledger::new();
    ledger.append(5).await;
    let mut sealer = ledger.sealer().await;
    ledger.seal_with(&mut sealer).await;
    let first = ledger.key();
    for _ in 0..2 {
        let next = SigningKey::generate(first.name()).unwrap();
        key_file::write_next(ledger.path(), &next).unwrap();
        let change = sealer.waiting_key().await.unwrap().unwrap();
        assert_eq!(change.new, *next.verifier());
        sealer.take_over(change, SystemClock.now()).await.unwrap();
        assert!(!ledger.path().join(NEXT_KEY_FILE).exists());
        assert_eq!(ledger.key(), *next.verifier());
        // Once by both, then by the new one alone.
        let sealed = ledger.seal_with(&mut sealer).await;
        assert_eq!(signers(&sealed[0].checkpoint.note).len(), 2);
        ledger.append(3).await;
        let sealed = ledger.seal_with(&mut sealer).await;
        assert_eq!(signers(&sealed[0].checkpoint.note).len(), 1);
        assert_eq!(sealed[0].checkpoint.signed_by([next.verifier()]).len(), 1);
    }
    let report = ledger.verify(first.clone(), &[]).await;
    assert_eq!(first_wrong(&report), "nothing");
    assert_eq!(report.logs[0].newest.as_ref().unwrap().key, ledger.key());
    // Who trusts the newest key alone needs no other for what it signed, which is all that was before.
    assert_eq!(first_wrong(&ledger.verify(ledger.key(), &[]).await), "nothing");
    let changes = Kept::open(ledger.path()).unwrap().key_changes().unwrap();
    let changes: Vec<_> = changes.iter().map(|note| KeyChange::parse(note).unwrap()).collect();
    assert_eq!(successors(std::slice::from_ref(&first), &changes).len(), 3);
    assert_eq!(predecessors(&[ledger.key()], &changes).len(), 2);
}

#[tokio::test]
async fn a_key_that_was_replaced_signs_nothing_any_more() {
    let mut ledger = Ledger::new();
    ledger.append(5).await;
    let mut sealer = ledger.sealer().await;
    let old = key_file::read(ledger.path()).unwrap().unwrap();
    key_file::write_next(ledger.path(), &SigningKey::generate(old.verifier().name()).unwrap())
        .unwrap();
    let change = sealer.waiting_key().await.unwrap().unwrap();
    sealer.take_over(change, SystemClock.now()).await.unwrap();
    ledger.seal_with(&mut sealer).await;
    // Whoever found the old key signs what they appended.
    ledger.append(1).await;
    let mut reader = ledger.source().reader().await.unwrap();
    let mut tree = crate::seal::Tree::default();
    for entry in reader.read_after(super::WRITER, 0, 100).await.unwrap() {
        tree.push(crate::seal::leaf(&entry.doc), drop);
    }
    let origin = old.origin(super::WRITER);
    let forged = Checkpoint::sign(&origin, tree.size(), tree.root(), &[&old]).unwrap();
    Kept::open(ledger.path()).unwrap().keep(super::WRITER, 0, &forged).unwrap();
    let wrong = first_wrong(&ledger.verify(ledger.key(), &[]).await);
    assert!(wrong.starts_with("signature: the checkpoint of size 11 in seal.db"), "{wrong}");
}

/// The files of a proxy are put back to what they were before its key was replaced.
#[tokio::test]
async fn a_key_that_was_put_back_signs_nothing_for_who_has_seen_the_next() {
    let mut ledger = Ledger::new();
    ledger.append(5).await;
    ledger.seal().await;
    let backup = ledger.copy();
    let old = ledger.key();
    let mut sealer = ledger.sealer().await;
    key_file::write_next(ledger.path(), &SigningKey::generate(old.name()).unwrap()).unwrap();
    let change = sealer.waiting_key().await.unwrap().unwrap();
    let mut file = json!({ "key_change": change.note }).to_string() + "\n";
    sealer.take_over(change, SystemClock.now()).await.unwrap();
    file += &published(&ledger.seal_with(&mut sealer).await);
    ledger.append(2).await;
    file += &published(&ledger.seal_with(&mut sealer).await);
    let new = ledger.key();
    drop(sealer);
    for name in [SIGNING_KEY_FILE, SEAL_FILE] {
        fs::copy(backup.path().join(name), ledger.path().join(name)).unwrap();
    }
    ledger.append(2).await;
    ledger.seal().await;
    for key in [old, new] {
        let wrong = first_wrong(&ledger.verify(key, &[&file]).await);
        assert!(wrong.starts_with("signature: the checkpoint of size "), "{wrong}");
    }
}

#[tokio::test]
async fn the_change_of_another_proxys_key_is_kept_from_the_log() {
    let mut ledger = Ledger::new();
    ledger.append(3).await;
    let (old, new) =
        (SigningKey::generate("other").unwrap(), SigningKey::generate("other").unwrap());
    let change = KeyChange::sign(&old, &new).unwrap();
    let id = EventId::new(SystemClock.now());
    for (action, note) in [
        ("audit.key_rotate", change.note.as_str()),
        ("audit.key_rotate", change.note.as_str()),
        ("audit.key_rotate", "no note"),
        ("user.update", change.note.as_str()),
    ] {
        let document = json!({
            "id": id, "time": "2026-11-21T20:00:00.000Z", "scope": {}, "outcome": "success",
            "action": action, "actor": {"type": "system", "verified": true},
            "metadata": {"key_change": note},
        });
        let id = EventId::new(SystemClock.now());
        ledger.add(&[entry(EntryKind::Completion, id, None, &Scope::new(), document)]).await;
    }
    ledger.seal().await;
    assert_eq!(Kept::open(ledger.path()).unwrap().key_changes().unwrap(), [change.note]);
}

#[test]
fn nobody_names_a_key_but_the_key_before() {
    let (old, new) = (SigningKey::generate("a").unwrap(), SigningKey::generate("a").unwrap());
    let change = KeyChange::sign(&old, &new).unwrap();
    assert_eq!(KeyChange::parse(&change.note), Some(change.clone()));
    // Without the signature of the old key, or of the new one.
    for gone in 0..2 {
        let signatures =
            change.note.lines().filter(|line| line.starts_with('—')).nth(gone).unwrap();
        let note = change.note.replace(&format!("{signatures}\n"), "");
        assert_eq!(KeyChange::parse(&note), None);
    }
    let other = SigningKey::generate("b").unwrap();
    assert_eq!(
        KeyChange::parse(&KeyChange::sign(&old, &other).unwrap().note),
        None,
        "another name"
    );
}
