//! Texts as an attacker may have made them.

use proptest::prelude::*;

use super::WRITER;
use crate::seal::verify::Evidence;
use crate::seal::{Checkpoint, KeyChange, SigningKey, VerifierKey, leaf, signers};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_a_checkpoint_or_none(text in any::<String>()) {
        let mut evidence = Evidence::default();
        evidence.add_file("file", &text);
        evidence.add_file("file", &format!("{{{text}"));
        prop_assert!(evidence.judged().of(WRITER).is_empty());
        prop_assert!(Checkpoint::parse(&text).is_err());
        prop_assert!(KeyChange::parse(&text).is_none());
        prop_assert!(text.parse::<VerifierKey>().is_err());
        prop_assert!(SigningKey::parse(&text).is_err());
        signers(&text);
    }

    /// Whatever is changed in a signed note, it is not signed any more.
    #[test]
    fn a_note_that_is_changed_anywhere_is_not_believed(at in 0_usize..200, with in any::<char>()) {
        let key = SigningKey::generate("audit.example.com").unwrap();
        let origin = key.origin(WRITER);
        let signed = Checkpoint::sign(&origin, 12, leaf("{}"), &[&key]).unwrap();
        let mut changed: Vec<char> = signed.note.chars().collect();
        prop_assume!(at < changed.len() && changed[at] != with);
        changed[at] = with;
        let changed: String = changed.into_iter().collect();
        if let Ok(checkpoint) = Checkpoint::parse(&changed) {
            prop_assert!(checkpoint.signed_by([key.verifier()]).is_empty(), "{}", changed);
        }
    }
}

#[test]
fn a_note_of_any_length_is_refused_in_time() {
    let note = format!("{}\n1\n\n— a AAAA\n", "x".repeat(1 << 20));
    assert!(Checkpoint::parse(&note).is_err());
    let mut evidence = Evidence::default();
    evidence.add_file("file", &format!("{{\"checkpoint\":\"{}\"}}\n{{}}\n", "x".repeat(1 << 20)));
    let evidence = evidence.judged();
    assert_eq!((evidence.damaged().len(), evidence.faults().len()), (2, 0));
}
