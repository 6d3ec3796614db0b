//! What a ledger is held against, when it is incomplete, damaged, or another one's.

use super::{Ledger, copy_files, first_wrong, published};
use crate::seal::SigningKey;
use crate::seal::verify::{Evidence, Origin};

#[tokio::test]
async fn a_ledger_without_entries_is_not_proven() {
    // One that was emptied, with all that stood beside it.
    let mut ledger = Ledger::new();
    ledger.append(5).await;
    ledger.seal().await;
    let key = ledger.key();
    ledger.attack().execute_batch("DELETE FROM entries; DELETE FROM writers").unwrap();
    std::fs::remove_file(ledger.path().join(crate::seal::SEAL_FILE)).unwrap();
    let report = ledger.verify(key, &[]).await;
    assert!(report.is_sound() && report.is_empty() && !report.is_proven());
}

#[tokio::test]
async fn lines_that_were_cut_off_say_nothing_against_the_ledger() {
    let mut ledger = Ledger::new();
    let mut lines = String::new();
    for _ in 0..3 {
        ledger.append(5).await;
        lines.push_str(&published(&ledger.seal().await));
    }
    let all: Vec<&str> = lines.lines().collect();
    let (begin, _) = all[1].split_at(all[1].len() / 2);
    let (_, end) = all[1].split_at(all[1].len() / 2);
    let rows = [
        (format!("{}\n{begin}\n{}\n", all[0], all[2]), 2),
        (format!("{}\n{}\n{begin}", all[0], all[2]), 3),
        (format!("{end}\n{}\n", all[2]), 1),
        (format!("{}\n{{}}\n[1]\n", all[2]), 2),
    ];
    for (text, line) in rows {
        let report = ledger.verify(ledger.key(), &[&text]).await;
        assert_eq!(first_wrong(&report), "nothing", "{text}");
        let mut evidence = Evidence::new(vec![ledger.key()]);
        evidence.add_file("file", &text);
        assert_eq!(evidence.empty_files().count(), 0);
        let evidence = evidence.judged();
        assert_eq!(evidence.damaged()[0], Origin::File { name: "file".to_owned(), line });
    }
    for text in ["", "\n", begin, "{}", "nonsense"] {
        let mut evidence = Evidence::new(vec![ledger.key()]);
        evidence.add_file("file", text);
        assert_eq!(evidence.empty_files().collect::<Vec<_>>(), ["file"], "{text}");
    }
}

#[tokio::test]
async fn a_file_of_another_ledger_is_known_as_that_and_a_damaged_signature_as_a_damaged_line() {
    let (mut one, mut other) = (Ledger::new(), Ledger::new());
    one.append(3).await;
    other.append(3).await;
    let own = published(&one.seal().await);
    let foreign = published(&other.seal().await);
    let judged = |text: &str| {
        let mut evidence = Evidence::new(vec![one.key()]);
        evidence.add_file("file", text);
        evidence.judged()
    };
    assert_eq!(judged(&own).foreign_files().count(), 0);
    assert_eq!(judged(&foreign).foreign_files().collect::<Vec<_>>(), ["file"]);
    assert_eq!(judged(&format!("{own}{foreign}")).foreign_files().count(), 0);
    // The last characters of the signature, before the end of the note.
    let end = own.rfind("=\\n\"").unwrap();
    let mut damaged = own.clone();
    let was = own.get(end - 5..end - 1).unwrap();
    damaged.replace_range(end - 5..end - 1, if was == "AAAA" { "BBBB" } else { "AAAA" });
    let evidence = judged(&damaged);
    assert_eq!((evidence.damaged().len(), evidence.faults().len()), (1, 0), "{damaged}");
}

#[tokio::test]
async fn a_key_of_another_ledger_is_known_as_that() {
    let mut ledger = Ledger::new();
    ledger.append(5).await;
    let lines = published(&ledger.seal().await);
    let stranger = SigningKey::generate("audit.example.com").unwrap();
    for (key, expected) in [(stranger.verifier().clone(), true), (ledger.key(), false)] {
        let mut evidence = Evidence::new(vec![key]);
        evidence.add_file("file", &lines);
        assert_eq!(evidence.judged().is_of_others(), expected);
    }
    let empty = Evidence::new(vec![ledger.key()]);
    assert!(!empty.judged().is_of_others());
}

#[tokio::test]
async fn checkpoints_that_were_kept_elsewhere_count_for_more_than_those_beside() {
    let mut ledger = Ledger::new();
    ledger.append(10).await;
    let mut lines = published(&ledger.seal().await);
    let proven = ledger.next - 1;
    let old = ledger.copy();
    let before = ledger.next;
    ledger.append(20).await;
    lines.push_str(&published(&ledger.seal().await));
    let sealed = ledger.next - 1;
    // All of the directory is put back, and goes on, and is sealed at other sizes.
    std::fs::remove_dir_all(ledger.path()).unwrap();
    std::fs::create_dir(ledger.path()).unwrap();
    copy_files(old.path(), ledger.path());
    ledger.next = before;
    for _ in 0..6 {
        ledger.append(5).await;
        ledger.seal().await;
    }
    assert_eq!(ledger.wrong().await, "nothing");
    let report = ledger.verify(ledger.key(), &[&lines]).await;
    let found = report.logs[0].found.clone().unwrap();
    assert_eq!((found.fault.code(), found.entries), ("root", proven + 1..=sealed));
    assert_eq!(report.logs[0].proven, proven);
}

#[tokio::test]
async fn a_forged_checkpoint_beside_the_ledger_does_not_accuse_the_ledger() {
    let mut ledger = Ledger::new();
    let mut lines = String::new();
    for _ in 0..2 {
        ledger.append(10).await;
        lines.push_str(&published(&ledger.seal().await));
    }
    // A checkpoint of another version of this log, signed with its key.
    let key = crate::seal::key_file::read(ledger.path()).unwrap().unwrap();
    let root = crate::seal::leaf("{}");
    let forged = crate::seal::Checkpoint::sign(&key.origin(super::WRITER), 30, root, &[&key]);
    let mut kept = crate::seal::Kept::open(ledger.path()).unwrap();
    kept.keep(super::WRITER, 0, &forged.unwrap()).unwrap();
    let report = ledger.verify(ledger.key(), &[&lines]).await;
    let found = report.logs[0].found.clone().unwrap();
    assert_eq!((found.fault.code(), *found.entries.start()), ("fork", 30));
    assert_eq!(report.logs[0].proven, ledger.next - 1);
}
