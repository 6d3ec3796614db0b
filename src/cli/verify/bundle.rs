//! Bundles that somebody was given, without the ledger.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::json;

use crate::cli::export::{Progress, thousands};
use crate::cli::screen::printable;
use crate::seal::{BUNDLE, BundleCheck, BundleFault, BundleShown, VerifierKey};

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
    keys: &[VerifierKey],
    json: bool,
) -> anyhow::Result<(String, ExitCode)> {
    let mut lines = BufReader::new(open(path)?);
    let mut progress = Progress::new("lines", 0);
    let mut check = BundleCheck::new(keys);
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
    let (verdict, text, code) = match &shown {
        Ok(shown) if shown.unproven == 0 => ("proven", words(shown), ExitCode::SUCCESS),
        Ok(shown) => ("unproven", words(shown), ExitCode::from(4)),
        Err(fault) => {
            let text = format!("`{}` proves nothing: {fault}", path.display());
            ("wrong", text, ExitCode::from(1))
        }
    };
    if json {
        let shown = shown.unwrap_or_default();
        let all = json!({
            "verdict": verdict, "text": text, "events": shown.events, "proven": shown.proven,
            "unproven": shown.unproven, "complete": shown.complete,
        });
        return (all.to_string(), code);
    }
    (text.lines().map(printable).collect::<Vec<_>>().join("\n"), code)
}

fn words(shown: &BundleShown) -> String {
    let mut text = format!(
        "{} events of {} entries are in the log, as they stand in the bundle.",
        thousands(shown.events),
        thousands(shown.proven)
    );
    text.push_str(match shown.complete {
        true => "\nNothing of the log is missing, up to the checkpoints:",
        false => "\nIt holds a part of the log, up to the checkpoints:",
    });
    for (origin, size, key) in &shown.logs {
        text.push_str(&format!("\n  {origin} of size {}, signed with {key}", thousands(*size)));
    }
    if shown.unproven > 0 {
        let unproven = thousands(shown.unproven);
        text.push_str(&format!("\n{unproven} entries are newer than that, and not proven."));
    }
    text
}

fn open(path: &Path) -> anyhow::Result<File> {
    File::open(path).with_context(|| unreadable(path))
}

fn unreadable(path: &Path) -> String {
    format!("`{}` cannot be read", path.display())
}
