//! Bundles: events with their documents and proofs in one file, which is checked without the ledger.
//!
//! A file of JSON lines: a head with a checkpoint of each log, a line an event, and an end that says how
//! many there were. Of a bundle that says to be complete, every entry of its checkpoints must be there.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tlog_tiles::Hash;

use super::proof::{HASHES_MAX, is_included};
use super::told::{id_of, with_successors};
use super::tree::leaf;
use super::{Checkpoint, Kept, SealError, VerifierKey};
use crate::record::Stored;

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
}

impl Bundler {
    /// With the newest checkpoints there are beside the ledger in `dir`.
    pub fn open(dir: &Path) -> Result<Self, SealError> {
        let kept = Kept::open_read_only(dir)?.ok_or(SealError::NoProof)?;
        let mut checkpoints = BTreeMap::new();
        for newest in kept.newest_of_all()? {
            checkpoints.insert(newest.writer, Checkpoint::parse(&newest.note)?);
        }
        Ok(Self { kept, checkpoints, last: String::new(), events: 0, entries: 0 })
    }

    /// Whether a checkpoint covers all of these, by writer.
    pub fn covers<'w>(&self, heads: impl IntoIterator<Item = (&'w String, &'w u64)>) -> bool {
        heads.into_iter().all(|(writer, head)| {
            *head <= self.checkpoints.get(writer).map_or(0, |checkpoint| checkpoint.size)
        })
    }

    /// The head. It is `complete` if nothing was left out.
    pub fn begin(&self, complete: bool, out: &mut Vec<u8>) -> Result<(), SealError> {
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
        let size = self.checkpoints.get(&entry.writer).map_or(0, |checkpoint| checkpoint.size);
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

/// Why a bundle proves nothing, or not all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    /// A line cannot be understood.
    #[error("line {0} cannot be understood")]
    Form(u64),
    /// The checkpoint of a log is none, of another log, or nobody who is trusted signed it.
    #[error("its checkpoint of writer `{0}` was signed by no key that is trusted here")]
    Signature(String),
    /// An entry is not in the log.
    #[error(
        "line {line}: entry {seq} of writer `{writer}` is not in its log, or is not what it was"
    )]
    NotIncluded {
        /// The line.
        line: u64,
        /// Whose log.
        writer: String,
        /// Which entry.
        seq: u64,
    },
    /// A line has documents of another event.
    #[error("line {0}: the documents are not those of the event")]
    OtherEvent(u64),
    /// It has no end, or one that says otherwise.
    #[error("it was cut short, or lines were taken out: its end does not fit")]
    Cut,
    /// It says to be complete, and is not.
    #[error("it is not complete: entry {seq} of writer `{writer}` is missing, or is there twice")]
    Incomplete {
        /// Whose log.
        writer: String,
        /// Which entry.
        seq: u64,
    },
}

/// What a bundle shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BundleShown {
    /// Events in it.
    pub events: u64,
    /// Entries that are proven.
    pub proven: u64,
    /// Entries that are newer than the checkpoint of their log.
    pub unproven: u64,
    /// Nothing of the logs is missing, up to their checkpoints.
    pub complete: bool,
    /// The logs, with the size of their checkpoints, and the keys that signed these.
    pub logs: Vec<(String, u64, VerifierKey)>,
}

/// Checks a bundle line by line.
pub struct BundleCheck {
    keys: Vec<VerifierKey>,
    lines: u64,
    is_begun: bool,
    is_over: bool,
    checkpoints: BTreeMap<String, Checkpoint>,
    /// Of a complete one, the entries that were there.
    there: BTreeMap<String, Vec<u64>>,
    shown: BundleShown,
}

impl BundleCheck {
    /// With keys that are trusted.
    pub fn new(keys: &[VerifierKey]) -> Self {
        Self {
            keys: keys.to_vec(),
            lines: 0,
            is_begun: false,
            is_over: false,
            checkpoints: BTreeMap::new(),
            there: BTreeMap::new(),
            shown: BundleShown::default(),
        }
    }

    /// The next line.
    pub fn line(&mut self, line: &str) -> Result<(), BundleFault> {
        self.lines += 1;
        if self.is_over {
            return Err(BundleFault::Cut);
        }
        if !self.is_begun {
            return self.head(line);
        }
        if let Ok(end) = serde_json::from_str::<End>(line) {
            self.is_over = true;
            let entries = self.shown.proven + self.shown.unproven;
            let fits = end.end && end.events == self.shown.events && end.entries == entries;
            return if fits { Ok(()) } else { Err(BundleFault::Cut) };
        }
        let form = |_| BundleFault::Form(self.lines);
        let Line { event, entries } = serde_json::from_str(line).map_err(form)?;
        if entries.is_empty() || entries.iter().any(|it| id_of(&it.document) != Some(&event)) {
            return Err(BundleFault::OtherEvent(self.lines));
        }
        self.shown.events += 1;
        entries.into_iter().try_for_each(|entry| self.entry(entry))
    }

    fn head(&mut self, line: &str) -> Result<(), BundleFault> {
        let head: Option<Head> = serde_json::from_str(line).ok();
        let head = head.filter(|head| head.bundle == BUNDLE).ok_or(BundleFault::Form(1))?;
        self.keys = with_successors(&self.keys, &head.key_changes);
        self.shown.complete = head.complete;
        self.is_begun = true;
        for (writer, note) in head.checkpoints {
            let checkpoint = Checkpoint::parse(&note).ok();
            let of_log = |it: &Checkpoint| it.origin.ends_with(&format!("/{writer}"));
            let checkpoint = checkpoint.filter(of_log);
            let key = checkpoint.as_ref().and_then(|checkpoint| {
                checkpoint.signed_by(&self.keys).into_iter().next().cloned()
            });
            let (Some(checkpoint), Some(key)) = (checkpoint, key) else {
                return Err(BundleFault::Signature(writer));
            };
            self.shown.logs.push((checkpoint.origin.clone(), checkpoint.size, key));
            self.checkpoints.insert(writer, checkpoint);
        }
        Ok(())
    }

    fn entry(&mut self, entry: Entry) -> Result<(), BundleFault> {
        let Entry { writer, seq, document, path } = entry;
        let checkpoint = self.checkpoints.get(&writer);
        let is_newer = seq > checkpoint.map_or(0, |checkpoint| checkpoint.size);
        let Some(path) = path else {
            self.shown.unproven += 1;
            return match is_newer {
                true => Ok(()),
                false => Err(BundleFault::NotIncluded { line: self.lines, writer, seq }),
            };
        };
        let path: Option<Vec<Hash>> =
            path.iter().take(HASHES_MAX + 1).map(|hash| Hash::parse_hash(hash).ok()).collect();
        let is_in = checkpoint
            .zip(path)
            .is_some_and(|(checkpoint, path)| is_included(&path, checkpoint, seq, leaf(&document)));
        if !is_in {
            return Err(BundleFault::NotIncluded { line: self.lines, writer, seq });
        }
        self.shown.proven += 1;
        if self.shown.complete {
            self.there.entry(writer).or_default().push(seq);
        }
        Ok(())
    }

    /// The end of the file: what all of it shows.
    pub fn end(mut self) -> Result<BundleShown, BundleFault> {
        if !self.is_over {
            return Err(BundleFault::Cut);
        }
        if self.shown.complete {
            for (writer, checkpoint) in &self.checkpoints {
                let mut there = self.there.remove(writer).unwrap_or_default();
                there.sort_unstable();
                let wrong = (1..).zip(&there).find(|(expected, seq)| *expected != **seq);
                let short = there.len() as u64 + 1;
                let missing = wrong.map(|(expected, _)| expected);
                let missing = missing.or((short <= checkpoint.size).then_some(short));
                if let Some(seq) = missing {
                    return Err(BundleFault::Incomplete { writer: writer.clone(), seq });
                }
            }
        }
        Ok(self.shown)
    }
}
