//! Events on their way out, row by row: CSV and NDJSON.
//!
//! Owns the formats. Knows nothing of HTTP, and keeps nothing: what is written is the caller's.
//!
//! Invariants:
//! - One event is one row or line, whatever is in it.
//! - No cell of CSV is taken for a formula by a spreadsheet.

mod csv;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::query::Summary;

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180: a header row, then a row an event.
    Csv {
        /// Begins with a byte order mark, which some spreadsheets need to see UTF-8.
        mark: bool,
    },
    /// A JSON object a line, events in full.
    Ndjson,
}

impl Format {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv { .. } => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv { .. } => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
        }
    }

    /// What comes before the first event.
    pub fn begin(self, out: &mut Vec<u8>) {
        if let Self::Csv { mark } = self {
            if mark {
                out.extend_from_slice("\u{feff}".as_bytes());
            }
            csv::header(out);
        }
    }

    /// One event: in short, and in full.
    pub fn event(self, summary: &Summary, event: Value, out: &mut Vec<u8>) {
        match self {
            Self::Csv { .. } => csv::row(summary, event, out),
            Self::Ndjson => {
                out.extend_from_slice(event.to_string().as_bytes());
                out.push(b'\n');
            }
        }
    }
}
