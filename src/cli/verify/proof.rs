//! Proofs that somebody was given, without the ledger.

use std::path::Path;
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::cli::screen::printable;
use crate::seal::{ConsistencyProof, EventProof, Halves, ProofFault, Shown, VerifierKey};

/// Either kind; which one is told by its members.
#[derive(Deserialize)]
#[serde(untagged)]
enum Proof {
    Event(EventProof),
    Consistency(ConsistencyProof),
}

/// What a proof shows, in words, and as an exit code.
pub(super) fn verify(
    path: &Path,
    text: &str,
    keys: &[VerifierKey],
    json: bool,
) -> (String, ExitCode) {
    let shown = match serde_json::from_str::<Proof>(text) {
        Ok(Proof::Event(proof)) => proof.verify(keys).map(|shown| of_event(&proof, &shown)),
        Ok(Proof::Consistency(proof)) => proof.verify(keys).map(|shown| of_growth(&shown)),
        Err(_) if is_export(text) => {
            let text = format!(
                "`{}` is an export without proofs, of which nothing can be told: `countersign export --format \
                 bundle` makes one with them",
                path.display()
            );
            return written("unknown", &text, ExitCode::from(3), json);
        }
        Err(_) => Err(ProofFault::Form("the file")),
    };
    let (verdict, text, code) = match shown {
        Ok(text) => ("proven", text, ExitCode::SUCCESS),
        Err(fault @ ProofFault::Signature { .. }) => {
            let text = format!("`{}` cannot be checked: {fault}", path.display());
            ("unknown", text, ExitCode::from(3))
        }
        Err(fault) => {
            let text = format!("`{}` proves nothing: {fault}", path.display());
            ("wrong", text, ExitCode::from(1))
        }
    };
    written(verdict, &text, code, json)
}

fn written(verdict: &str, text: &str, code: ExitCode, json: bool) -> (String, ExitCode) {
    match json {
        true => (json!({"verdict": verdict, "text": text}).to_string(), code),
        false => (printable_lines(text), code),
    }
}

/// Whether the text begins as one of the formats does in which events are exported.
fn is_export(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.trim_start_matches(['[', '\n']).lines();
    let first = lines.next().unwrap_or_default().trim_end_matches(',');
    let event = serde_json::from_str::<Value>(first).unwrap_or_default();
    text.starts_with("\"id\",\"act\",")
        || ["action", "class_uid"].iter().any(|name| event.get(name).is_some())
}

fn printable_lines(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

fn of_event(proof: &EventProof, shown: &[Shown]) -> String {
    let event = &proof.event;
    let mut text = match Halves::of(proof.entries.iter().map(|entry| entry.document.as_str())) {
        Halves::Both => format!("The event {event} is in the log, as it stands in the proof."),
        Halves::Intent => format!(
            "The event {event} is in the log, but its intent alone is in the proof: how it ended is not \
             shown."
        ),
        Halves::Completion => format!(
            "The event {event} is in the log, but its completion alone is in the proof: what was asked is \
             not shown."
        ),
    };
    for Shown { origin, seq, size, key } in shown {
        text.push_str(&format!(
            "\n  entry {seq} of {origin}, proven by its checkpoint of size {size}, signed with {key}"
        ));
    }
    text
}

fn of_growth(Shown { origin, seq, size, key }: &Shown) -> String {
    format!(
        "The log {origin} of size {size} begins with that of size {seq}: it has only grown.\n  signed \
         with {key}"
    )
}
