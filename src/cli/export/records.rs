//! Where the events of a file that is written begin and end.

use serde::Deserialize;

use crate::export::Format;
use crate::index::Cursor;

/// Counts the whole events in what has passed, and keeps the last of them.
pub(super) struct Records {
    format: Format,
    /// What has passed of the line that is not over.
    line: Vec<u8>,
    /// Inside a cell of CSV.
    quoted: bool,
    /// Lines that are over.
    lines: u64,
    rows: u64,
    /// Bytes up to the beginning of `line`.
    begun: u64,
    /// Bytes up to the end of the last whole event.
    whole: u64,
    last: Vec<u8>,
}

/// What is read of an event in full.
#[derive(Deserialize)]
struct Event {
    id: String,
    time: Option<String>,
    completed_at: Option<String>,
    act: Option<Act>,
}

#[derive(Deserialize)]
struct Act {
    number: u32,
}

/// What is read of an activity.
#[derive(Deserialize)]
struct Activity {
    time: i64,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    uid: String,
}

impl Records {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            line: Vec::new(),
            quoted: false,
            lines: 0,
            rows: 0,
            begun: 0,
            whole: 0,
            last: Vec::new(),
        }
    }

    /// Whole events so far.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes up to the end of the last whole event; 0 without any.
    pub(super) fn whole(&self) -> u64 {
        self.whole
    }

    /// More of the file.
    pub(super) fn take(&mut self, mut bytes: &[u8]) {
        while let Some(end) = self.end_of_line(bytes) {
            let (line, rest) = bytes.split_at(end);
            self.line.extend_from_slice(line);
            self.end_line();
            bytes = rest;
        }
        self.line.extend_from_slice(bytes);
    }

    /// Behind the next line break that ends a line.
    fn end_of_line(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.format != Format::Csv {
            return memchr::memchr(b'\n', bytes).map(|position| position + 1);
        }
        // Line breaks are rare and quotes are not: how many there are between two breaks says enough.
        let mut from = 0;
        for position in memchr::memchr_iter(b'\n', bytes) {
            self.quoted ^= is_odd(bytes.get(from..position));
            from = position;
            if !self.quoted {
                return Some(position + 1);
            }
        }
        self.quoted ^= is_odd(bytes.get(from..));
        None
    }

    fn end_line(&mut self) {
        let length = self.line.len() as u64;
        let event = match self.format {
            Format::Csv => (self.lines > 0).then_some(length),
            Format::Ndjson | Format::Ocsf => Some(length),
            Format::Bundle => self.line.starts_with(b"{\"event\":").then_some(length),
            Format::Json => self.line.starts_with(b"{").then(|| {
                // What separates it from the next one is written with that one.
                let text = self.line.strip_suffix(b"\n").unwrap_or(&self.line);
                text.strip_suffix(b",").unwrap_or(text).len() as u64
            }),
        };
        if let Some(length) = event {
            self.rows += 1;
            self.whole = self.begun + length;
            std::mem::swap(&mut self.line, &mut self.last);
        }
        self.begun += self.line_length(event.is_some());
        self.lines += 1;
        self.line.clear();
    }

    fn line_length(&self, was_event: bool) -> u64 {
        let line = if was_event { &self.last } else { &self.line };
        line.len() as u64
    }

    /// Forgets what came behind the last whole event.
    pub(super) fn forget_rest(&mut self) {
        self.line.clear();
        self.quoted = false;
        self.begun = self.whole;
        if self.rows == 0 {
            // Without events, what comes before them is forgotten as well.
            self.lines = 0;
        }
    }

    /// The place of the last whole event; none where there is none, or where it is not understood.
    pub(super) fn last(&self) -> Option<Cursor> {
        if self.rows == 0 {
            return None;
        }
        let place = match self.format {
            Format::Csv => in_csv(&self.last)?,
            Format::Json | Format::Ndjson => in_full(&self.last)?,
            // Its checkpoints are those of the moment when it began.
            Format::Bundle => return None,
            Format::Ocsf => {
                let activity: Activity = serde_json::from_slice(&self.last).ok()?;
                format!("{}.{}", activity.time, activity.metadata.uid)
            }
        };
        place.parse().ok()
    }
}

/// Whether so many quotes are in it that one is open which was not, or the other way round.
fn is_odd(bytes: Option<&[u8]>) -> bool {
    bytes.unwrap_or_default().iter().filter(|byte| **byte == b'"').count() % 2 == 1
}

fn in_full(line: &[u8]) -> Option<String> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let event: Event = serde_json::from_slice(line.strip_suffix(b",").unwrap_or(line)).ok()?;
    let time = milliseconds(event.time.or(event.completed_at)?.as_str())?;
    let act = event.act.map(|act| format!(".{}", act.number)).unwrap_or_default();
    Some(format!("{time}.{}{act}", event.id))
}

/// The first three cells are the id, the act and the time. They have no quotes inside.
fn in_csv(line: &[u8]) -> Option<String> {
    let mut cells = line.split(|byte| *byte == b'"').skip(1).step_by(2);
    let mut cell = || std::str::from_utf8(cells.next()?).ok();
    let (id, act, time) = (cell()?, cell()?, milliseconds(cell()?)?);
    let act = if act.is_empty() { String::new() } else { format!(".{act}") };
    Some(format!("{time}.{id}{act}"))
}

fn milliseconds(time: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(time).ok().map(|time| time.timestamp_millis())
}
