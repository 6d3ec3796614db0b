//! Bundles that somebody was given, without the ledger.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;

use crate::cli::export::{Progress, thousands};
use crate::cli::screen::printable;
use crate::seal::verify::Evidence;
use crate::seal::{BUNDLE, BundleCheck, BundleFault, BundleLog, BundleShown};

/// The longest line that is read, in bytes.
const LINE_BYTES: u64 = 256 << 20;

/// Whether the file says to be one.
pub(super) fn is_one(path: &Path) -> anyhow::Result<bool> {
    let mut begin = Vec::new();
    let file = open(path)?;
    file.take(256).read_to_end(&mut begin).with_context(|| unreadable(path))?;
    let begin = String::from_utf8_lossy(&begin);
    Ok(begin.starts_with(&format!("{{\"bundle\":\"{BUNDLE}\"")))
}

/// What a bundle shows, in words, and as an exit code.
pub(super) fn verify(
    path: &Path,
    evidence: Evidence,
    json: bool,
) -> anyhow::Result<(String, ExitCode)> {
    let mut lines = BufReader::new(open(path)?);
    let mut progress = Progress::new("lines", 0);
    let mut check = BundleCheck::new(evidence);
    let (mut line, mut count) = (Vec::new(), 0);
    let mut checked = Ok(());
    while checked.is_ok() {
        line.clear();
        let read = lines.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line);
        if read.with_context(|| unreadable(path))? == 0 {
            break;
        }
        count += 1;
        checked = match std::str::from_utf8(&line) {
            Ok(line) => check.line(line.strip_suffix('\n').unwrap_or(line)),
            Err(_) => Err(BundleFault::Form(count)),
        };
        progress.at(count, None);
    }
    progress.end();
    Ok(told(path, checked.and_then(|()| check.end()), json))
}

fn told(path: &Path, shown: Result<BundleShown, BundleFault>, json: bool) -> (String, ExitCode) {
    let path = path.display();
    let (verdict, text, code) = match &shown {
        Ok(shown) if shown.is_of_others => {
            let text = "no checkpoint that was given was signed by a key that is trusted here: they are \
                        of another ledger, or the key is";
            ("unknown", format!("`{path}` cannot be compared: {text}."), ExitCode::from(3))
        }
        Ok(shown) if !shown.doubts.is_empty() => {
            let text = format!("{}\nWRONG: {}", words(shown), shown.doubts.join("\nWRONG: "));
            ("wrong", text, ExitCode::from(1))
        }
        Ok(shown) if shown.is_proven() => ("proven", words(shown), ExitCode::SUCCESS),
        Ok(shown) => ("unproven", words(shown), ExitCode::from(4)),
        Err(fault @ BundleFault::Signature { .. }) => {
            ("unknown", format!("`{path}` cannot be checked: {fault}"), ExitCode::from(3))
        }
        Err(fault) => ("wrong", format!("`{path}` proves nothing: {fault}"), ExitCode::from(1)),
    };
    if json {
        let shown = shown.unwrap_or_default();
        let log = |log: &BundleLog| {
            json!({
                "writer": log.writer,
                "origin": log.checkpoint.as_ref().map(|(_, origin, _)| origin),
                "size": log.checkpoint.as_ref().map(|(size, ..)| size),
                "key": log.checkpoint.as_ref().map(|(.., key)| key.to_string()),
                "compared": log.compared,
                "kept": log.kept,
            })
        };
        let all = json!({
            "verdict": verdict, "text": text, "events": shown.events, "proven": shown.proven,
            "unproven": shown.unproven, "complete": shown.complete, "purged": shown.purged,
            "intent_alone": shown.begun, "completion_alone": shown.ended,
            "logs": shown.logs.iter().map(log).collect::<Vec<_>>(), "wrong": shown.doubts,
        });
        return (all.to_string(), code);
    }
    (text.lines().map(printable).collect::<Vec<_>>().join("\n"), code)
}

fn words(shown: &BundleShown) -> String {
    if shown.proven == 0 {
        let text = "Nothing is proven: the bundle has no entry that a checkpoint covers.";
        let logs: String = shown.logs.iter().map(|log| compared(log, shown.complete)).collect();
        return format!("{text}{}{logs}", unproven(shown));
    }
    let mut text = format!(
        "{} events of {} entries are in the log, as they stand in the bundle.",
        thousands(shown.events),
        thousands(shown.proven + shown.unproven)
    );
    if shown.begun > 0 {
        let begun = thousands(shown.begun);
        text.push_str(&format!(
            "\nOf {begun} events the intent alone is in it: how they ended is not shown."
        ));
    }
    if shown.ended > 0 {
        let ended = thousands(shown.ended);
        text.push_str(&format!(
            "\nOf {ended} events the completion alone is in it: what was asked is not shown."
        ));
    }
    if shown.purged > 0 {
        let purged = thousands(shown.purged);
        text.push_str(&format!(
            "\n{purged} entries were purged by policy: their hashes are in it."
        ));
    }
    text.push_str(match shown.complete {
        true => "\nNothing is missing of these logs, up to the checkpoints:",
        false => "\nIt holds a part of these logs, up to the checkpoints:",
    });
    for log in &shown.logs {
        if let Some((size, origin, key)) = &log.checkpoint {
            text.push_str(&format!("\n  {origin} of size {}, signed with {key}", thousands(*size)));
        }
    }
    if shown.complete && shown.logs.iter().all(|log| log.kept.is_none()) {
        text.push_str(
            "\nThat there are no other logs, and that these did not go on, the bundle alone does not \
             show: give checkpoints that were kept elsewhere, --checkpoint FILE.",
        );
    }
    text.push_str(&unproven(shown));
    shown.logs.iter().for_each(|log| text.push_str(&compared(log, shown.complete)));
    text
}

fn unproven(shown: &BundleShown) -> String {
    match thousands(shown.unproven) {
        _ if shown.unproven == 0 => String::new(),
        unproven => format!(
            "\n{unproven} entries are newer than that, or of logs of which there is no checkpoint: they \
             are not proven."
        ),
    }
}

/// What checkpoints that were kept elsewhere say of a log.
fn compared(log: &BundleLog, complete: bool) -> String {
    let Some(kept) = log.kept else { return String::new() };
    let writer = &log.writer;
    match log.compared {
        Some(compared) => {
            let size = thousands(compared);
            let mut text =
                format!("\n{writer}: the same as the checkpoint of size {size} that was given.");
            if complete && compared < kept {
                let kept = thousands(kept);
                text.push_str(&format!(
                    " The newest that was given is of {kept} entries: what came after the bundle's end is \
                     not in it."
                ));
            }
            text
        }
        None if log.is_absent => format!(
            "\n{writer}: nothing of this log is in the bundle, and the newest checkpoint that was given is of {} \
             entries: the log began after the bundle was made, or was left out.",
            thousands(kept)
        ),
        None => format!(
            "\n{writer}: no checkpoint that was given could be compared with the bundle; the newest is of \
             {} entries.",
            thousands(kept)
        ),
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| unreadable(path))
}

fn unreadable(path: &Path) -> String {
    format!("`{}` cannot be read", path.display())
}
