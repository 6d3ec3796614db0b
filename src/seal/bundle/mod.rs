//! Bundles: events with their documents and proofs in one file, which is checked without the ledger.
//!
//! A file of JSON lines: a head with a checkpoint of each log, a line an event, and an end that says how
//! many there were. Of a bundle that says to be complete, every entry of its checkpoints must be there;
//! of what was purged, the hashes are.
//!
//! Its checkpoints are never newer than what is exported: of each log the newest that covers no more.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::{Checkpoint, Kept, SealError};
use crate::record::Stored;
use crate::store::Purged;

mod check;

pub use check::{BundleCheck, BundleFault, BundleLog, BundleShown};

/// The first member of a bundle, by which it is known.
pub const BUNDLE: &str = "countersign-bundle@v1";

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    bundle: String,
    /// Every entry of the checkpoints is in it.
    complete: bool,
    /// By writer.
    checkpoints: BTreeMap<String, String>,
    key_changes: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    event: String,
    entries: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    writer: String,
    seq: u64,
    document: String,
    /// From the leaf to the root of the writer's checkpoint; none for what is newer than that.
    path: Option<Vec<String>>,
}

/// The hashes of entries that were purged, one after the other.
#[derive(Debug, Serialize, Deserialize)]
struct Gone {
    /// Whose log.
    purged: String,
    /// The number of the first.
    first: u64,
    /// The event that says so, in the same log.
    by: u64,
    leaves: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct End {
    end: bool,
    events: u64,
    entries: u64,
}

/// Writes a bundle.
pub struct Bundler {
    kept: Kept,
    checkpoints: BTreeMap<String, Checkpoint>,
    /// The event before.
    last: String,
    events: u64,
    entries: u64,
    is_complete: bool,
}

impl Bundler {
    /// With the newest checkpoints beside the ledger in `dir` that cover no more than these entries, by
    /// writer.
    pub fn open(dir: &Path, heads: &BTreeMap<String, u64>) -> Result<Self, SealError> {
        let kept = Kept::open_read_only(dir)?.ok_or(SealError::NoProof)?;
        let mut checkpoints = BTreeMap::new();
        for (writer, head) in heads {
            let Some(newest) = kept.at_most(writer, *head)? else { continue };
            let checkpoint = Checkpoint::parse(&newest.note)?;
            if checkpoint.size <= *head {
                checkpoints.insert(writer.clone(), checkpoint);
            }
        }
        Ok(Self {
            kept,
            checkpoints,
            last: String::new(),
            events: 0,
            entries: 0,
            is_complete: false,
        })
    }

    /// Whether its checkpoints cover all of these, by writer.
    pub fn covers<'w>(&self, heads: impl IntoIterator<Item = (&'w String, &'w u64)>) -> bool {
        heads.into_iter().all(|(writer, head)| *head <= self.size(writer))
    }

    /// How many entries of a log its checkpoint covers.
    pub fn size(&self, writer: &str) -> u64 {
        self.checkpoints.get(writer).map_or(0, |checkpoint| checkpoint.size)
    }

    /// The same of all logs that have a checkpoint.
    pub fn sizes(&self) -> BTreeMap<String, u64> {
        let size = |(writer, it): (&String, &Checkpoint)| (writer.clone(), it.size);
        self.checkpoints.iter().map(size).collect()
    }

    /// The head. It is `complete` if nothing was left out.
    pub fn begin(&mut self, complete: bool, out: &mut Vec<u8>) -> Result<(), SealError> {
        self.is_complete = complete;
        let note = |(writer, it): (&String, &Checkpoint)| (writer.clone(), it.note.clone());
        let head = Head {
            bundle: BUNDLE.to_owned(),
            complete,
            checkpoints: self.checkpoints.iter().map(note).collect(),
            key_changes: self.kept.key_changes()?,
        };
        line(&head, out);
        Ok(())
    }

    /// An event, unless it is the one before: an event that does several things is found as often.
    pub fn event(&mut self, entries: &[Stored], out: &mut Vec<u8>) -> Result<(), SealError> {
        let event = entries.first().map(|entry| entry.id.to_string()).unwrap_or_default();
        if event == self.last {
            return Ok(());
        }
        self.last.clone_from(&event);
        let entries: Result<Vec<Entry>, SealError> =
            entries.iter().map(|entry| self.entry(entry)).collect();
        let entries = entries?;
        self.events += 1;
        self.entries += entries.len() as u64;
        line(&Line { event, entries }, out);
        Ok(())
    }

    fn entry(&self, entry: &Stored) -> Result<Entry, SealError> {
        let size = self.size(&entry.writer);
        let path = match entry.seq <= size {
            true => Some(self.kept.inclusion(&entry.writer, entry.seq, size)?),
            false => None,
        };
        Ok(Entry {
            writer: entry.writer.clone(),
            seq: entry.seq,
            document: entry.doc.clone(),
            path: path.map(|path| path.iter().map(ToString::to_string).collect()),
        })
    }

    /// The logs of which the hashes of what was purged are wanted, and how far: of a complete bundle all
    /// that have a checkpoint.
    pub fn wants_purged(&self) -> BTreeMap<String, u64> {
        if self.is_complete { self.sizes() } else { BTreeMap::new() }
    }

    /// The hashes of what was purged of a log, in order, as far as the checkpoint goes.
    pub fn purged(&self, writer: &str, purged: &[Purged], out: &mut Vec<u8>) {
        let size = self.size(writer);
        let follows = |one: &Purged, next: &Purged| one.by == next.by && one.seq + 1 == next.seq;
        for run in purged.chunk_by(follows) {
            let run = run.iter().filter(|purged| purged.seq <= size);
            let leaves: Vec<&Purged> = run.collect();
            let Some(first) = leaves.first() else { continue };
            let (seq, by) = (first.seq, first.by);
            let leaves = leaves.iter().map(|purged| BASE64_STANDARD.encode(&purged.leaf)).collect();
            line(&Gone { purged: writer.to_owned(), first: seq, by, leaves }, out);
        }
    }

    /// How many events there are in it.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The end.
    pub fn end(&self, out: &mut Vec<u8>) {
        line(&End { end: true, events: self.events, entries: self.entries }, out);
    }
}

fn line<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    // Texts and numbers have a JSON form, and writing to memory cannot fail.
    if serde_json::to_writer(&mut *out, value).is_ok() {
        out.push(b'\n');
    }
}
