//! Coverage, for people and for programs.

use std::io::{self, Write};

use serde_json::json;

use super::super::screen::{cell, json_text, printable, table};
use crate::coverage::{Coverage, Never, Route};
use crate::rules::{SUGGESTIONS, WhyNot};

/// Tables, and rules to paste.
pub(super) fn text(coverage: &Coverage, out: &mut dyn Write) -> io::Result<()> {
    if coverage.unnamed.is_empty() {
        writeln!(out, "every mutation on record is named by a rule, or there is none")?;
    } else {
        let rows = coverage.unnamed.iter().map(|route| {
            [
                route.seen.events.to_string(),
                time(route.seen.last_ms),
                cell(&route.seen.method),
                cell(&route.seen.route),
                cell(&route.seen.action),
                route.example.clone(),
            ]
        });
        writeln!(out, "Mutations that no rule names:\n")?;
        let head = ["EVENTS", "LAST SEEN", "METHOD", "ROUTE", "BY CONVENTION", "EXAMPLE"];
        writeln!(out, "{}", table(head, rows))?;
        if coverage.more {
            writeln!(out, "\nthere are more: raise --limit, or narrow the time with --since")?;
        }
        writeln!(out, "\nRules for them, to paste into a file of `rules.dir`:\n")?;
        yaml(coverage, out)?;
        without_rules(coverage, out)?;
    }
    let now: u64 = coverage.named_now.values().sum();
    if now > 0 {
        let rules: Vec<&str> = coverage.named_now.keys().map(String::as_str).collect();
        let rules = printable(&rules.join(", "));
        writeln!(
            out,
            "\n{now} events had no rule when they came, and would have one now: {rules}"
        )?;
    }
    if coverage.rules == 0 {
        writeln!(out, "\nthere are no rules for events yet")?;
    } else if coverage.never.is_empty() {
        writeln!(out, "\nall of {} rules matched", coverage.rules)?;
    } else {
        let (never, rules) = (coverage.never.len(), coverage.rules);
        writeln!(out, "\n{never} of {rules} rules never matched:\n")?;
        let rows = coverage.never.iter().map(|never| {
            let methods = match never.methods.is_empty() {
                true => "any".to_owned(),
                false => never.methods.join(", "),
            };
            [never.id.clone(), methods, never.path.clone(), place(never)]
        });
        writeln!(out, "{}", table(["RULE", "METHOD", "PATH", "AT"], rows))?;
    }
    if coverage.operations > 0 {
        let Coverage { operations, operations_seen, .. } = coverage;
        writeln!(
            out,
            "\n{operations_seen} of {operations} operations of documents named an event"
        )?;
    }
    Ok(())
}

/// Routes for which no rule is suggested, and why.
fn without_rules(coverage: &Coverage, out: &mut dyn Write) -> io::Result<()> {
    let is_told = |why: &WhyNot| *why != WhyNot::Taken;
    let rows = coverage.unnamed.iter().filter_map(|route| {
        let why = route.why_not.filter(is_told)?;
        Some([cell(&route.seen.method), cell(&route.seen.route), why.as_str().to_owned()])
    });
    let mut rows: Vec<[String; 3]> = rows.collect();
    rows.dedup();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nNo rule is suggested for:\n")?;
    writeln!(out, "{}", table(["METHOD", "ROUTE", "SINCE"], rows))
}

/// A rule file.
pub(super) fn yaml(coverage: &Coverage, out: &mut dyn Write) -> io::Result<()> {
    let entries: Vec<&str> =
        coverage.unnamed.iter().filter_map(|route| route.yaml.as_deref()).collect();
    if entries.is_empty() {
        return writeln!(out, "# no rule can be suggested");
    }
    write!(out, "{SUGGESTIONS}{}", entries.concat())
}

/// One document.
pub(super) fn json(coverage: &Coverage, note: Option<&str>, out: &mut dyn Write) -> io::Result<()> {
    let unnamed = coverage.unnamed.iter().map(|Route { seen, example, yaml, why_not }| {
        json!({
            "method": seen.method, "route": seen.route, "action": seen.action,
            "events": seen.events, "last_seen": time(seen.last_ms), "example": example,
            "yaml": yaml.as_ref().map(|entry| format!("{SUGGESTIONS}{entry}")),
            "no_yaml_since": why_not.map(WhyNot::as_str),
        })
    });
    let never = coverage.never.iter().map(|never| {
        let (file, line) = never.place.clone().unzip();
        json!({
            "id": never.id, "method": never.methods, "path": never.path, "file": file, "line": line,
        })
    });
    let document = json!({
        "unnamed": unnamed.collect::<Vec<_>>(),
        "more": coverage.more,
        "named_now": coverage.named_now,
        "rules": coverage.rules,
        "never_matched": never.collect::<Vec<_>>(),
        "operations": coverage.operations,
        "operations_seen": coverage.operations_seen,
        "notes": note.into_iter().collect::<Vec<_>>(),
    });
    writeln!(out, "{}", json_text(&serde_json::to_string_pretty(&document)?))
}

fn time(ms: i64) -> String {
    let time = chrono::DateTime::from_timestamp_millis(ms).unwrap_or_default();
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn place(never: &Never) -> String {
    never.place.as_ref().map_or_else(|| "-".to_owned(), |(file, line)| format!("{file}:{line}"))
}
