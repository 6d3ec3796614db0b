//! Events on their way out, one by one: CSV, JSON, NDJSON and OCSF; and bundles of proofs, whose lines `seal`
//! makes.
//!
//! Owns the formats. Knows nothing of HTTP, and keeps nothing: what is written is the caller's.
//!
//! Invariants:
//! - One event is one row or line, whatever is in it.
//! - No cell of CSV is taken for a formula by a spreadsheet.
//! - Every member of an event is in every format.

mod csv;
mod ocsf;
mod pieces;
mod walk;

#[cfg(test)]
mod tests;

use std::str::FromStr;

use crate::query::{EventError, Joined, Summary};

pub use pieces::{Lines, PieceError, Pieces};
pub use walk::{Snapshot, Walk, WalkError};

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180: a header row, then a row an event.
    Csv,
    /// One array, with an object a line, events in full.
    Json,
    /// A JSON object a line, events in full.
    Ndjson,
    /// A JSON object a line, each an API Activity of the Open Cybersecurity Schema Framework.
    Ocsf,
    /// Entries as the ledger has them, with their proofs: a line an event, a head and an end.
    Bundle,
}

/// A text that names no format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a format is one of csv, json, ndjson, ocsf, bundle")]
pub struct NoFormat;

impl Format {
    /// Every format of events in full; a bundle has entries.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Json, Self::Ndjson, Self::Ocsf];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Ocsf => "ocsf",
            Self::Bundle => "bundle",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
            Self::Ndjson | Self::Ocsf | Self::Bundle => "application/x-ndjson",
        }
    }

    /// What a file of it is called.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "audit.csv",
            Self::Json => "audit.json",
            Self::Ndjson => "audit.ndjson",
            Self::Ocsf => "audit.ocsf.ndjson",
            Self::Bundle => "audit.bundle.ndjson",
        }
    }
}

impl FromStr for Format {
    type Err = NoFormat;

    fn from_str(text: &str) -> Result<Self, NoFormat> {
        let mut all = Self::ALL.into_iter().chain([Self::Bundle]);
        all.find(|format| format.as_str() == text).ok_or(NoFormat)
    }
}

/// Whether a file begins with a byte order mark, which some spreadsheets need to see UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mark {
    /// It does.
    Bom,
    /// It does not.
    #[default]
    None,
}

/// Writes events, one after the other, and what is around and between them.
#[derive(Debug, Clone)]
pub struct Encoder {
    format: Format,
    /// There is an event before the next one.
    follows: bool,
}

impl Encoder {
    /// Of a new file.
    pub fn new(format: Format) -> Self {
        Self { format, follows: false }
    }

    /// Of a file that has so many events already.
    pub fn going_on(format: Format, events: u64) -> Self {
        Self { format, follows: events > 0 }
    }

    /// What comes before the first event. A mark is for CSV alone: in JSON there must be none.
    pub fn begin(&self, mark: Mark, out: &mut Vec<u8>) {
        match self.format {
            Format::Csv => {
                if mark == Mark::Bom {
                    out.extend_from_slice("\u{feff}".as_bytes());
                }
                csv::header(out);
            }
            Format::Json => out.push(b'['),
            Format::Ndjson | Format::Ocsf | Format::Bundle => {}
        }
    }

    /// One event: in short, and in full.
    pub fn event(
        &mut self,
        summary: &Summary,
        event: Joined<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), EventError> {
        match self.format {
            Format::Csv => csv::row(summary, event, out)?,
            Format::Json => {
                out.extend_from_slice(if self.follows { b",\n" } else { b"\n" });
                event.write(out)?;
            }
            Format::Ndjson => {
                event.write(out)?;
                out.push(b'\n');
            }
            Format::Ocsf => {
                let activity = ocsf::activity(summary, event.into_value()?);
                out.extend_from_slice(activity.to_string().as_bytes());
                out.push(b'\n');
            }
            // Its lines are made of entries: see `Lines`.
            Format::Bundle => {}
        }
        self.follows = true;
        Ok(())
    }

    /// What comes behind the last event.
    pub fn end(&self, out: &mut Vec<u8>) {
        if self.format == Format::Json {
            out.extend_from_slice(b"\n]\n");
        }
    }
}
