//! CSV after RFC 4180, with every cell in quotes.

use crate::query::{EventError, Joined, Summary};

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
const SHOWN: [&str; 13] = [
    "id",
    "act",
    "time",
    "action",
    "category",
    "outcome",
    "severity",
    "reason",
    "description",
    "targets",
    "scope",
    "duration_ms",
    "request_id",
];

/// The same of its actor.
const SHOWN_OF_ACTOR: [&str; 5] = ["type", "id", "name", "email", "verified"];

pub(super) fn header(out: &mut Vec<u8>) {
    let mut row = Cells::begin(out);
    for name in COLUMNS {
        row.text(name);
    }
    row.end();
}

pub(super) fn row(
    summary: &Summary,
    mut event: Joined<'_>,
    out: &mut Vec<u8>,
) -> Result<(), EventError> {
    event.without(&SHOWN);
    event.without_of("actor", &SHOWN_OF_ACTOR);
    let mut metadata = Vec::new();
    event.write(&mut metadata)?;
    let json = |value: serde_json::Result<String>| value.unwrap_or_default();
    let (actor, request) = (&summary.actor, &summary.request);
    let mut row = Cells::begin(out);
    row.text(&summary.id);
    row.number(summary.act.map(|act| u64::from(act.number)));
    row.text(&summary.time);
    row.some(&summary.action);
    row.some(&summary.category);
    row.text(&summary.outcome);
    for text in [&summary.severity, &summary.reason, &summary.description] {
        row.some(text);
    }
    for text in [&actor.kind, &actor.id, &actor.name, &actor.email] {
        row.some(text);
    }
    row.text(if actor.verified { "true" } else { "false" });
    let first = summary.targets.first();
    row.text(first.map_or("", |target| &target.kind));
    row.text(first.map_or("", |target| &target.id));
    row.text(first.map_or("", |target| &target.name));
    row.text(&json(serde_json::to_string(&summary.targets)));
    row.text(&json(serde_json::to_string(&summary.scope)));
    row.some(&summary.source.ip);
    row.some(&request.method);
    row.some(&request.path);
    row.number(summary.status.map(u64::from));
    row.number(summary.duration_ms);
    row.some(&summary.request_id);
    row.plain(&metadata);
    row.end();
    Ok(())
}

/// Writes the cells of one row.
struct Cells<'o> {
    out: &'o mut Vec<u8>,
    is_first: bool,
}

impl<'o> Cells<'o> {
    fn begin(out: &'o mut Vec<u8>) -> Self {
        Self { out, is_first: true }
    }

    /// A text that no spreadsheet runs: what could begin a formula gets an apostrophe in front, and so does
    /// what has one there already, so that whoever takes it away again gets the text.
    fn text(&mut self, text: &str) {
        self.open();
        let is_space = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
        let behind = text.trim_start_matches('\'');
        let begins = behind.trim_start_matches(is_space).starts_with(is_formula);
        if begins || behind.starts_with(['\t', '\r', '\n']) {
            self.out.push(b'\'');
        }
        self.close(text.as_bytes());
    }

    fn some(&mut self, text: &Option<String>) {
        self.text(text.as_deref().unwrap_or_default());
    }

    fn number(&mut self, number: Option<u64>) {
        self.open();
        self.close(number.map(|number| number.to_string()).unwrap_or_default().as_bytes());
    }

    /// What cannot begin a formula.
    fn plain(&mut self, bytes: &[u8]) {
        self.open();
        self.close(bytes);
    }

    fn open(&mut self) {
        let opening: &[u8] = if self.is_first { b"\"" } else { b",\"" };
        self.out.extend_from_slice(opening);
        self.is_first = false;
    }

    /// Quotes are doubled, and NUL, which ends a text for some, is replaced.
    fn close(&mut self, mut bytes: &[u8]) {
        while let Some((plain, special, rest)) = memchr::memchr2(b'"', 0, bytes)
            .and_then(|at| Some((bytes.get(..at)?, bytes.get(at)?, bytes.get(at + 1..)?)))
        {
            self.out.extend_from_slice(plain);
            let instead: &[u8] = if *special == 0 { "\u{fffd}".as_bytes() } else { b"\"\"" };
            self.out.extend_from_slice(instead);
            bytes = rest;
        }
        self.out.extend_from_slice(bytes);
        self.out.push(b'"');
    }

    fn end(self) {
        self.out.extend_from_slice(b"\r\n");
    }
}

/// With the full-width forms, which some spreadsheets take for the same.
fn is_formula(c: char) -> bool {
    matches!(c, '=' | '+' | '-' | '@' | '|' | '%' | '＝' | '＋' | '－' | '＠')
}
