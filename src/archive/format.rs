//! The lines of an archive, and its manifest.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::clock::Timestamp;
use crate::record::{EntryKind, Ranges, Stored};

/// The version of the format. Another one is refused.
pub const FORMAT: u32 = 1;
/// Entries of one archive, at most.
pub const ENTRIES_MAX: usize = 20_000;
/// The documents of one archive, in bytes: when that many are in it, no more come in. An archive is
/// made, and read back, in memory.
pub const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The ending of an archive's name.
pub(super) const OBJECT_ENDING: &str = ".ndjson.zst";
/// The ending of a manifest's name.
pub(super) const MANIFEST_ENDING: &str = ".json";

/// What is in an archive: the first line of it, and most of its manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub countersign_archive: u32,
    /// The version of countersign that made it.
    pub made_by: String,
    /// When, RFC 3339.
    pub made_at: String,
    /// Whose log.
    pub writer: String,
    /// The entries' numbers.
    pub ranges: Ranges,
    /// How many they are.
    pub entries: u64,
    /// How many events.
    pub events: u64,
    /// The time of the oldest event, RFC 3339.
    pub from: String,
    /// The time of the newest event.
    pub to: String,
    /// Events by category.
    pub categories: BTreeMap<String, u64>,
    /// The policy by which they were purged.
    pub policy: Value,
}

/// What must be in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The first line of the archive.
    #[serde(flatten)]
    pub header: Header,
    /// The archive's name.
    pub object: String,
    /// SHA-256 of the archive, lower-case hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Its size before it was compressed.
    pub text_bytes: u64,
}

impl Manifest {
    /// The name of the manifest of an archive.
    pub fn name_for(object: &str) -> String {
        let stem = object.strip_suffix(OBJECT_ENDING).unwrap_or(object);
        format!("{stem}{MANIFEST_ENDING}")
    }

    /// Whether an object of this name is an archive, which has a manifest.
    pub(super) fn is_of(object: &str) -> bool {
        object.ends_with(OBJECT_ENDING) && Self::is_name(&Self::name_for(object))
    }

    /// Whether an object of this name is a manifest.
    pub(super) fn is_name(name: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&c);
        let stem = name.strip_suffix(MANIFEST_ENDING);
        stem.is_some_and(|stem| {
            !stem.is_empty() && !stem.starts_with('.') && stem.chars().all(plain)
        })
    }
}

/// The name of an archive: names sort by the time when it was made.
pub(super) fn name(made_at: Timestamp, writer: &str, first: u64, last: u64) -> String {
    let time = made_at.format("%Y%m%dT%H%M%S%3fZ");
    format!("{time}.{writer}.{first:012}-{last:012}{OBJECT_ENDING}")
}

/// An entry, as a line of an archive. Document and scope stand there to the letter.
#[derive(Serialize, Deserialize)]
pub(super) struct Line<'a> {
    #[serde(borrow)]
    writer: Cow<'a, str>,
    seq: u64,
    kind: Kind,
    #[serde(borrow)]
    id: Cow<'a, str>,
    intent: Option<u64>,
    #[serde(borrow)]
    scope: &'a RawValue,
    #[serde(borrow)]
    doc: &'a RawValue,
    #[serde(borrow)]
    leaf: Cow<'a, str>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Intent,
    Completion,
}

impl<'a> Line<'a> {
    /// The line of an entry; none where its document or scope is no JSON on one line.
    pub(super) fn of(entry: &'a Stored) -> Option<Self> {
        let raw = |text: &'a str| {
            let raw: Option<&RawValue> = serde_json::from_str(text).ok();
            raw.filter(|raw| raw.get() == text && !text.contains(['\n', '\r']))
        };
        Some(Self {
            writer: Cow::Borrowed(&entry.writer),
            seq: entry.seq,
            kind: match entry.kind {
                EntryKind::Intent => Kind::Intent,
                EntryKind::Completion => Kind::Completion,
            },
            id: Cow::Owned(entry.id.to_string()),
            intent: entry.intent,
            scope: raw(&entry.scope)?,
            doc: raw(&entry.doc)?,
            leaf: Cow::Owned(hex::encode(&entry.leaf)),
        })
    }

    /// The entry of a line; none where a field has no form that countersign writes.
    pub(super) fn stored(self) -> Option<Stored> {
        Some(Stored {
            writer: self.writer.into_owned(),
            seq: self.seq,
            kind: match self.kind {
                Kind::Intent => EntryKind::Intent,
                Kind::Completion => EntryKind::Completion,
            },
            id: self.id.parse().ok()?,
            intent: self.intent,
            scope: self.scope.get().to_owned(),
            doc: self.doc.get().to_owned(),
            leaf: hex::decode(self.leaf.as_ref()).ok()?,
        })
    }
}
