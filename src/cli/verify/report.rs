//! What was found out, for people and for programs.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use super::{Trust, Verified, index};
use crate::cli::export::thousands;
use crate::cli::screen::printable;
use crate::seal::verify::{Found, LogReport, Origin, PurgedReport, Report, Standing};

pub(super) fn text(verified: &Verified) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    write_text(&mut text, verified).unwrap_or_default();
    text.trim_end().to_owned()
}

fn write_text(out: &mut String, verified: &Verified) -> std::fmt::Result {
    let Verified { report, evidence, trust, index } = verified;
    for log in &report.logs {
        let is_doubted =
            report.evidence.iter().any(|(writer, _)| writer.as_ref() == Some(&log.writer));
        let state = match (&log.found, log.proven) {
            (Some(found), _) if trust.may_want_others && found.may_be_of_others() => {
                "cannot be told"
            }
            (Some(_), _) => "WRONG",
            (None, _) if is_doubted => "WRONG",
            (None, 0) if log.entries > 0 => "not sealed",
            (None, _) if log.entries == 0 => "empty",
            (None, _) => "ok",
        };
        write!(
            out,
            "{}: {state}, {} entries checked",
            printable(&log.writer),
            thousands(log.entries)
        )?;
        if log.proven > 0 {
            write!(
                out,
                ", {} proven by {} checkpoint{}",
                thousands(log.proven),
                thousands(log.checkpoints),
                if log.checkpoints == 1 { "" } else { "s" }
            )?;
        }
        let unsealed = log.entries.saturating_sub(log.proven);
        if log.found.is_none() && log.proven > 0 && unsealed > 0 {
            write!(out, ", {} newer than the last one", thousands(unsealed))?;
        }
        writeln!(out)?;
        if log.purged.entries > 0 && log.found.is_none() {
            writeln!(out, "  {}", printable(&purged(&log.purged)))?;
        }
        if let Some(found) = &log.found {
            writeln!(out, "  {}", printable(&found.to_string()))?;
        }
        if let Some(marked) = marked(log) {
            writeln!(out, "  WARNING: {marked}")?;
        }
        for (key, first, last) in keys(evidence.of(&log.writer), log.proven) {
            let sizes = match first == last {
                true => thousands(first),
                false => format!("{} to {}", thousands(first), thousands(last)),
            };
            writeln!(out, "  sizes {sizes} signed with {key}")?;
        }
    }
    for (_, found) in report.evidence.iter().take(8) {
        writeln!(out, "WRONG: {}", printable(&found.to_string()))?;
    }
    if report.evidence.len() > 8 {
        writeln!(out, "WRONG: and {} more checkpoints", report.evidence.len() - 8)?;
    }
    for unguarded in report.unguarded.iter().take(8) {
        writeln!(out, "WARNING: {}", printable(&unguarded.to_string()))?;
    }
    for origin in evidence.damaged().iter().take(8) {
        writeln!(out, "WARNING: {}", printable(&damaged(origin)))?;
    }
    if evidence.damaged().len() > 8 {
        writeln!(out, "WARNING: and {} more such lines", evidence.damaged().len() - 8)?;
    }
    if let Some(compared) = index {
        index::write_text(out, compared)?;
    }
    for note in notes(report, trust) {
        writeln!(out, "note: {note}")?;
    }
    writeln!(out, "{}", verdict(verified))
}

/// Rows that say of entries that they are purged, which are there.
fn marked(log: &LogReport) -> Option<String> {
    let first = log.marked.first()?;
    let others = match log.marked.len() {
        1 => "",
        _ => ", and others",
    };
    Some(format!(
        "entry {first}{others} is said to be purged and is there: somebody has written to `purged`; \
         retention leaves it where it is"
    ))
}

fn damaged(origin: &Origin) -> String {
    format!(
        "what stands {origin} is no checkpoint: cut off or damaged, as by a loss of power; all other \
         lines were used"
    )
}

/// How much was purged, when, and of when.
fn purged(purged: &PurgedReport) -> String {
    let count = thousands(purged.entries);
    let to = purged.to.as_deref().unwrap_or("an unknown time");
    let when = match purged.at {
        Some((first, last)) if first != last => {
            format!(" between {} and {}", time(first), time(last))
        }
        Some((at, _)) => format!(" at {}", time(at)),
        None => String::new(),
    };
    format!("{count} of them purged by policy{when}: events up to {to}")
}

fn time(ms: i64) -> String {
    let time = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn verdict(verified: &Verified) -> &'static str {
    let report = &verified.report;
    match (report.is_sound(), report.is_proven()) {
        (false, _) if verified.wants_other_keys() => {
            "It cannot be told whether the ledger is what was sealed: give the keys of all its proxies, \
             --key FILE."
        }
        (false, _) => "The ledger is NOT what was sealed.",
        (true, true) => "The ledger is what was sealed.",
        (true, false) if report.is_empty() => {
            "There is no entry in the ledger, or none that may be read here: nothing is proven."
        }
        (true, false) => {
            "Nothing is wrong, but there are entries in logs that no checkpoint covers."
        }
    }
}

/// What the result does not show.
fn notes(report: &Report, trust: &Trust) -> Vec<String> {
    let mut notes = Vec::new();
    if trust.is_beside {
        notes.push(match trust.keys.first() {
            Some(key) => format!(
                "the key was read beside the ledger, where whoever can write could have replaced it; \
                 to prove more, compare it with one that was kept elsewhere, or give that: --key {key}"
            ),
            None => "there is no key beside the ledger, and none was given: nothing is proven".into(),
        });
    }
    if !trust.has_checkpoints {
        notes.push(
            "only checkpoints beside the ledger are known; that the newest entries were not cut off \
             together with them is shown by one that was kept elsewhere: --checkpoint FILE"
                .to_owned(),
        );
    }
    let open: usize = report.logs.iter().map(|log| log.open).sum();
    if open > 0 {
        notes.push(format!(
            "{open} intent{} without a completion: in flight, or not yet swept",
            if open == 1 { " is" } else { "s are" }
        ));
    }
    notes
}

/// Which key signed checkpoints of which sizes, of those that were compared.
fn keys(standing: &[Standing], proven: u64) -> Vec<(String, u64, u64)> {
    let mut keys: Vec<(String, u64, u64)> = Vec::new();
    for standing in standing.iter().filter(|standing| standing.size <= proven) {
        let key = standing.key.to_string();
        match keys.iter_mut().find(|(known, ..)| *known == key) {
            Some((_, _, last)) => *last = standing.size,
            None => keys.push((key, standing.size, standing.size)),
        }
    }
    keys
}

pub(super) fn json(verified: &Verified) -> String {
    let Verified { report, evidence, trust, index } = verified;
    let damaged: Vec<String> = evidence.damaged().iter().map(ToString::to_string).collect();
    let log = |log: &LogReport| {
        let keys = keys(evidence.of(&log.writer), log.proven).into_iter();
        let keys = keys.map(|(key, first, last)| json!({"key": key, "first": first, "last": last}));
        json!({
            "writer": log.writer,
            "entries": log.entries,
            "proven": log.proven,
            "checkpoints": log.checkpoints,
            "purged": log.purged.entries,
            "purged_to": log.purged.to,
            "purged_at": log.purged.at.map(|(first, last)| json!([time(first), time(last)])),
            "said_to_be_purged": log.marked,
            "open_intents": log.open,
            "keys": keys.collect::<Vec<_>>(),
            "newest": log.newest.as_ref().map(|newest| json!({
                "size": newest.size, "root": newest.root.to_string(),
            })),
            "wrong": log.found.as_ref().map(wrong),
        })
    };
    let evidence = report.evidence.iter().map(|(writer, found)| {
        let mut wrong = wrong(found);
        if let Value::Object(members) = &mut wrong {
            members.insert("writer".to_owned(), writer.as_deref().into());
        }
        wrong
    });
    let unguarded = report
        .unguarded
        .iter()
        .map(|it| json!({"code": it.breach.code(), "name": it.name, "text": it.to_string()}));
    let mut all = json!({
        "verdict": match (report.is_sound(), report.is_proven()) {
            (false, _) if verified.wants_other_keys() => "unknown",
            (false, _) => "wrong",
            (true, true) => "proven",
            (true, false) => "unproven",
        },
        "logs": report.logs.iter().map(log).collect::<Vec<_>>(),
        "wrong": evidence.collect::<Vec<_>>(),
        "damaged": damaged,
        "schema": unguarded.collect::<Vec<_>>(),
        "notes": notes(report, trust),
    });
    if let (Some(compared), Value::Object(members)) = (index, &mut all) {
        members.insert("index".to_owned(), index::json(compared));
    }
    serde_json::to_string_pretty(&all).unwrap_or_default()
}

fn wrong(found: &Found) -> Value {
    json!({
        "code": found.fault.code(),
        "first": found.entries.start(),
        "last": found.entries.end(),
        "text": found.to_string(),
    })
}
