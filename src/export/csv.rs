//! CSV after RFC 4180, with every cell in quotes.

use serde_json::Value;

use crate::query::Summary;

const COLUMNS: [&str; 26] = [
    "id",
    "act",
    "time",
    "action",
    "category",
    "outcome",
    "severity",
    "reason",
    "description",
    "actor_type",
    "actor_id",
    "actor_name",
    "actor_email",
    "actor_verified",
    "target_type",
    "target_id",
    "target_name",
    "targets",
    "scope",
    "source_ip",
    "method",
    "path",
    "status",
    "duration_ms",
    "request_id",
    "metadata",
];

/// Members of an event that have columns of their own; all others are `metadata`.
const SHOWN: [&str; 14] = [
    "id",
    "act",
    "time",
    "action",
    "category",
    "outcome",
    "severity",
    "reason",
    "description",
    "actor",
    "targets",
    "scope",
    "duration_ms",
    "request_id",
];

pub(super) fn header(out: &mut Vec<u8>) {
    write(COLUMNS.iter().map(|name| (*name).to_owned()), out);
}

pub(super) fn row(summary: &Summary, mut event: Value, out: &mut Vec<u8>) {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    let ip = event.pointer("/source/ip").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Value::Object(members) = &mut event {
        for name in SHOWN {
            members.remove(name);
        }
    }
    let first = summary.targets.first();
    let cells = [
        summary.id.clone(),
        number(summary.act.map(|act| u64::from(act.number))),
        summary.time.clone(),
        text(&summary.action),
        text(&summary.category),
        summary.outcome.clone().unwrap_or_else(|| "pending".to_owned()),
        text(&summary.severity),
        text(&summary.reason),
        text(&summary.description),
        text(&summary.actor.kind),
        text(&summary.actor.id),
        text(&summary.actor.name),
        text(&summary.actor.email),
        summary.actor.verified.to_string(),
        first.map(|target| target.kind.clone()).unwrap_or_default(),
        first.map(|target| target.id.clone()).unwrap_or_default(),
        first.map(|target| target.name.clone()).unwrap_or_default(),
        json(serde_json::to_string(&summary.targets)),
        json(serde_json::to_string(&summary.scope)),
        ip,
        text(&summary.request.method),
        text(&summary.request.path),
        number(summary.status.map(u64::from)),
        number(summary.duration_ms),
        text(&summary.request_id),
        event.to_string(),
    ];
    write(cells.into_iter(), out);
}

fn write(cells: impl Iterator<Item = String>, out: &mut Vec<u8>) {
    for (position, cell) in cells.enumerate() {
        out.extend_from_slice(if position == 0 { b"\"" } else { b",\"" });
        out.extend_from_slice(harmless(&cell).replace('"', "\"\"").as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(b"\r\n");
}

/// The text as no spreadsheet runs it: what could begin a formula gets an apostrophe in front, and
/// NUL, which ends a text for some, is replaced.
fn harmless(text: &str) -> String {
    let is_space = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
    let begins = text.trim_start_matches(is_space).starts_with(is_formula);
    let shifted = text.starts_with(['\t', '\r', '\n']);
    let mark = if begins || shifted { "'" } else { "" };
    format!("{mark}{}", text.replace('\0', "\u{fffd}"))
}

/// With the full-width forms, which some spreadsheets take for the same.
fn is_formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '|' | '%' | '＝' | '＋' | '－' | '＠')
}
