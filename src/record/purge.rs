//! What an event about a purge says: which entries are gone, by which policy, and where they are kept.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{EntryKind, Stored};

/// The action of an event about a purge.
pub const PURGE_ACTION: &str = "audit.purge";

/// What was purged from the log that the event stands in. The event is on record before anything goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {
    /// The numbers of the entries.
    pub ranges: Ranges,
    /// How many they are.
    pub entries: u64,
    /// How many events.
    pub events: u64,
    /// Events by category; of an event with several acts, the category of the first.
    pub categories: BTreeMap<String, u64>,
    /// The time of the oldest event, RFC 3339.
    pub from: String,
    /// The time of the newest event.
    pub to: String,
    /// The policy by which it was done.
    pub policy: Value,
    /// Where the entries are kept; none where the policy says that they are not.
    pub archive: Option<Archived>,
    /// The signed note that ordered it; none where nothing is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
}

/// An archive that holds what was purged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    /// The directory or URL.
    pub location: String,
    /// The object's name there; its manifest has the same name with the ending `.json`.
    pub object: String,
    /// SHA-256 of the object, lower-case hex.
    pub sha256: String,
    /// The object's size.
    pub bytes: u64,
}

/// As much of a document as tells whether it is about a purge.
#[derive(Deserialize)]
struct Doc {
    action: String,
    actor: Actor,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Actor {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Metadata {
    purge: Purge,
}

impl Purge {
    /// What the entry says of a purge; none where it is about something else. Only the system itself can
    /// say it, with an event of one entry.
    pub fn of(entry: &Stored) -> Option<Self> {
        let could_be = entry.kind == EntryKind::Completion
            && entry.intent.is_none()
            && memchr::memmem::find(entry.doc.as_bytes(), PURGE_ACTION.as_bytes()).is_some();
        let doc: Doc = could_be.then(|| serde_json::from_str(&entry.doc).ok()).flatten()?;
        let is_one = doc.action == PURGE_ACTION && doc.actor.kind == "system";
        // What comes after an event cannot have been purged by it.
        let purge = Some(doc.metadata.purge).filter(|_| is_one)?;
        purge.ranges.last().is_none_or(|last| last < entry.seq).then_some(purge)
    }
}

/// Numbers of entries, in order, as text: `1-512,514,600-700`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<RangeInclusive<u64>>);

/// A text that is no list of numbers in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no list of numbers in order")]
pub struct NoRanges;

impl Ranges {
    /// Adds a number, which is above all that are there.
    pub fn push(&mut self, seq: u64) {
        match self.0.last_mut() {
            Some(last) if last.end() + 1 == seq => *last = *last.start()..=seq,
            _ => self.0.push(seq..=seq),
        }
    }

    /// Whether the number is among them.
    pub fn contains(&self, seq: u64) -> bool {
        let behind = self.0.partition_point(|range| *range.start() <= seq);
        let range = behind.checked_sub(1).and_then(|at| self.0.get(at));
        range.is_some_and(|range| range.contains(&seq))
    }

    /// The ranges, in order.
    pub fn iter(&self) -> impl Iterator<Item = &RangeInclusive<u64>> {
        self.0.iter()
    }

    /// How many ranges there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn last(&self) -> Option<u64> {
        self.0.last().map(|range| *range.end())
    }
}

impl FromIterator<u64> for Ranges {
    /// From numbers in order.
    fn from_iter<I: IntoIterator<Item = u64>>(numbers: I) -> Self {
        let mut ranges = Self::default();
        for seq in numbers {
            ranges.push(seq);
        }
        ranges
    }
}

impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, range) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            match range.start() == range.end() {
                true => write!(f, "{comma}{}", range.start())?,
                false => write!(f, "{comma}{}-{}", range.start(), range.end())?,
            }
        }
        Ok(())
    }
}

impl FromStr for Ranges {
    type Err = NoRanges;

    fn from_str(text: &str) -> Result<Self, NoRanges> {
        let mut ranges = Vec::new();
        let mut above = 0;
        for part in text.split(',').filter(|_| !text.is_empty()) {
            let (start, end) = part.split_once('-').unwrap_or((part, part));
            let start: u64 = start.parse().map_err(|_| NoRanges)?;
            let end: u64 = end.parse().map_err(|_| NoRanges)?;
            if start <= above || end < start {
                return Err(NoRanges);
            }
            above = end;
            ranges.push(start..=end);
        }
        Ok(Self(ranges))
    }
}

impl Serialize for Ranges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Ranges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Ranges;

    #[test]
    fn ranges_are_written_and_read_back() {
        let cases: [(&[u64], &str); 4] =
            [(&[], ""), (&[7], "7"), (&[1, 2, 3, 7], "1-3,7"), (&[2, 4, 5, 9, 10], "2,4-5,9-10")];
        for (numbers, text) in cases {
            let ranges: Ranges = numbers.iter().copied().collect();
            assert_eq!(ranges.to_string(), text);
            assert_eq!(text.parse(), Ok(ranges.clone()));
            let found: Vec<u64> = (0..12).filter(|seq| ranges.contains(*seq)).collect();
            assert_eq!(found, numbers, "{text}");
        }
        for text in ["0", "a", "3-2", "1,1", "5,4", "1-", "-1", "1,,2", " 1"] {
            assert!(text.parse::<Ranges>().is_err(), "{text}");
        }
    }
}
