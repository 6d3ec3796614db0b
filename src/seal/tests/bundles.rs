//! Bundles, whole, filtered, and tampered with.

use proptest::prelude::*;

use super::proofs::all;
use super::{Ledger, WRITER};
use crate::record::Stored;
use crate::seal::{
    BUNDLE, BundleCheck, BundleFault, BundleShown, Bundler, SigningKey, VerifierKey,
};

/// A bundle of the events with these numbers, newest first, as exports have them.
fn bundle(
    ledger: &Ledger,
    entries: &[Stored],
    complete: bool,
    keep: impl Fn(usize) -> bool,
) -> String {
    let mut bundler = Bundler::open(ledger.path()).unwrap();
    let mut out = Vec::new();
    bundler.begin(complete, &mut out).unwrap();
    let mut events: Vec<Vec<Stored>> = Vec::new();
    for entry in entries {
        match events.iter_mut().find(|event| event[0].id == entry.id) {
            Some(event) => event.push(entry.clone()),
            None => events.push(vec![entry.clone()]),
        }
    }
    for (_, event) in events.iter().enumerate().filter(|(number, _)| keep(*number)).rev() {
        bundler.event(event, &mut out).unwrap();
    }
    bundler.end(&mut out);
    String::from_utf8(out).unwrap()
}

fn check(bundle: &str, keys: &[VerifierKey]) -> Result<BundleShown, BundleFault> {
    let mut check = BundleCheck::new(keys);
    bundle.lines().try_for_each(|line| check.line(line))?;
    check.end()
}

async fn sealed() -> (Ledger, Vec<Stored>) {
    let mut ledger = Ledger::new();
    ledger.append(30).await;
    ledger.seal().await;
    let entries = all(&ledger).await;
    (ledger, entries)
}

#[tokio::test]
async fn whole_and_filtered_bundles_are_proven() {
    let (mut ledger, entries) = sealed().await;
    let keys = [ledger.key()];
    let shown = check(&bundle(&ledger, &entries, true, |_| true), &keys).unwrap();
    assert_eq!((shown.events, shown.proven, shown.unproven), (30, entries.len() as u64, 0));
    assert!(shown.complete);
    assert_eq!(shown.logs.len(), 1);
    let shown = check(&bundle(&ledger, &entries, false, |number| number % 3 == 0), &keys).unwrap();
    assert_eq!((shown.events, shown.complete), (10, false));
    // What came since the checkpoint is there, and not proven.
    ledger.append(2).await;
    let entries = all(&ledger).await;
    let shown = check(&bundle(&ledger, &entries, true, |_| true), &keys).unwrap();
    assert_eq!((shown.events, shown.unproven), (32, 4));
}

#[tokio::test]
async fn nothing_can_be_taken_out_put_in_or_changed() {
    let (ledger, entries) = sealed().await;
    let keys = [ledger.key()];
    let whole = bundle(&ledger, &entries, true, |_| true);
    let lines: Vec<&str> = whole.lines().collect();
    let without = |gone: usize| {
        let left = lines.iter().enumerate().filter(|(number, _)| *number != gone);
        left.map(|(_, line)| format!("{line}\n")).collect::<String>()
    };
    assert_eq!(check(&without(0), &keys), Err(BundleFault::Form(1)));
    assert_eq!(check(&without(5), &keys), Err(BundleFault::Cut));
    assert_eq!(check(&without(lines.len() - 1), &keys), Err(BundleFault::Cut));
    assert_eq!(check(&format!("{whole}{}", lines[3]), &keys), Err(BundleFault::Cut));
    // An end that was made to fit does not make it complete.
    let lie = bundle(&ledger, &entries, true, |number| number != 7);
    assert!(matches!(check(&lie, &keys), Err(BundleFault::Incomplete { .. })));
    let lie = bundle(&ledger, &entries, true, |number| number != 29);
    assert!(matches!(check(&lie, &keys), Err(BundleFault::Incomplete { .. })));
    let changed = [
        ("api_key.create", "api_key.delete"),
        ("\"seq\":9,", "\"seq\":8,"),
        ("\"writer\":\"countersign\"", "\"writer\":\"other\""),
    ];
    for (from, to) in changed {
        let changed = whole.replacen(from, to, 1);
        assert_ne!(changed, whole);
        assert!(matches!(check(&changed, &keys), Err(BundleFault::NotIncluded { .. })), "{from}");
    }
    let (head, rest) = whole.split_once('\n').unwrap();
    let moved = format!("{head}\n{}", rest.replacen("\"event\":\"", "\"event\":\"x", 1));
    assert_eq!(check(&moved, &keys), Err(BundleFault::OtherEvent(2)));
    let stranger = SigningKey::generate(keys[0].name()).unwrap();
    let fault = check(&whole, &[stranger.verifier().clone()]).unwrap_err();
    assert_eq!(fault, BundleFault::Signature(WRITER.to_owned()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_line_is_one_of_a_bundle_or_none(text in any::<String>()) {
        let mut check = BundleCheck::new(&[]);
        prop_assert!(check.line(&text).is_err());
        let head = format!(
            "{{\"bundle\":\"{BUNDLE}\",\"complete\":true,\"checkpoints\":{{}},\"key_changes\":[]}}"
        );
        let mut check = BundleCheck::new(&[]);
        check.line(&head).unwrap();
        prop_assert!(check.line(&text).is_err());
    }
}
