//! What a bundle shows to somebody who has keys, and checkpoints that were kept elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use tlog_tiles::Hash;

use super::{BUNDLE, End, Entry, Gone, Head, Line};
use crate::record::{EntryKind, EventId, PURGE_ACTION, Purge, Stored};
use crate::seal::checkpoint::signer_names;
use crate::seal::order::Ordered;
use crate::seal::proof::{HASHES_MAX, is_included};
use crate::seal::told::{Halves, id_of};
use crate::seal::tree::{Tree, leaf};
use crate::seal::verify::{Evidence, Standing};
use crate::seal::{Checkpoint, VerifierKey};

/// Why a bundle proves nothing, or not all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleFault {
    /// A line cannot be understood.
    #[error("line {0} cannot be understood")]
    Form(u64),
    /// The checkpoint of a log is none, of another log, or what stands there as the signature of a
    /// trusted key is none.
    #[error("its checkpoint of writer `{0}` was signed by no key: it was changed")]
    Forged(String),
    /// Nobody who is trusted signed the checkpoint of a log.
    #[error(
        "its checkpoint of writer `{writer}` was signed by {signers}, and by no key that was given: it is \
         of another ledger, or a forgery, or that key was replaced since, or took over from the one that \
         was given; give the key of that time with --key"
    )]
    Signature {
        /// Whose log.
        writer: String,
        /// The keys that it names.
        signers: String,
    },
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
    /// An event is in it twice, or has two beginnings or two ends.
    #[error(
        "event {0} is in it twice, or with two intents or two outcomes: entries were inserted into the log, or \
         lines were repeated"
    )]
    Twice(String),
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
    /// A hash stands for an entry that no purge names.
    #[error(
        "it is not complete: of entry {seq} of writer `{writer}` there is a hash alone, and no purge in \
         the bundle names it that a trusted key has ordered"
    )]
    NotPurged {
        /// Whose log.
        writer: String,
        /// Which entry.
        seq: u64,
    },
    /// A checkpoint has another root.
    #[error(
        "the first {size} entries of writer `{writer}` are not those of the checkpoint {origin}: it is of \
         another version of the log"
    )]
    OtherRoot {
        /// Whose log.
        writer: String,
        /// The checkpoint's size.
        size: u64,
        /// Where it is.
        origin: String,
    },
}

/// How it stands with one log of a bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BundleLog {
    /// Whose.
    pub writer: String,
    /// The size of the checkpoint in the bundle, its log, and the key that signed it.
    pub checkpoint: Option<(u64, String, VerifierKey)>,
    /// The largest size at which it has the root of a checkpoint that was kept elsewhere.
    pub compared: Option<u64>,
    /// The size of the largest checkpoint that was kept elsewhere.
    pub kept: Option<u64>,
    /// Nothing of it is in a bundle of whole logs.
    pub is_absent: bool,
}

/// What a bundle shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BundleShown {
    /// Events in it.
    pub events: u64,
    /// Events of which only the beginning is in it.
    pub begun: u64,
    /// Events of which only the end is in it.
    pub ended: u64,
    /// Entries that are proven.
    pub proven: u64,
    /// Entries that are newer than the checkpoint of their log, or of a log without one.
    pub unproven: u64,
    /// Entries of which the hash is proven: they were purged.
    pub purged: u64,
    /// Nothing of its logs is missing, up to their checkpoints.
    pub complete: bool,
    /// By writer.
    pub logs: Vec<BundleLog>,
    /// What is wrong with the checkpoints that were kept elsewhere.
    pub doubts: Vec<String>,
    /// None of these was signed by a key that is trusted.
    pub is_of_others: bool,
}

impl BundleShown {
    /// Whether all that is in it is proven, and goes as far as the checkpoints that were kept elsewhere.
    pub fn is_proven(&self) -> bool {
        let is_whole = |log: &BundleLog| match (log.kept, log.compared) {
            (Some(kept), Some(compared)) => !self.complete || compared >= kept,
            (Some(_), None) => false,
            (None, _) => true,
        };
        self.proven > 0 && self.unproven == 0 && self.logs.iter().all(is_whole)
    }
}

/// One log, as far as it was read.
#[derive(Default)]
struct Log {
    checkpoint: Option<(Checkpoint, VerifierKey)>,
    /// Numbers and hashes of the entries of a complete one.
    entries: Vec<(u64, Hash)>,
    /// Of what was purged: number, hash, and by which entry.
    gone: Vec<(u64, Hash, u64)>,
    /// Purges that a trusted key has ordered, by their entries.
    purges: BTreeMap<u64, Purge>,
}

/// Checks a bundle line by line.
pub struct BundleCheck {
    evidence: Evidence,
    lines: u64,
    is_begun: bool,
    is_over: bool,
    logs: BTreeMap<String, Log>,
    /// The events of a complete one.
    events: Vec<EventId>,
    shown: BundleShown,
}

impl BundleCheck {
    /// With keys that are trusted, and checkpoints that were kept elsewhere; not judged yet.
    pub fn new(evidence: Evidence) -> Self {
        Self {
            evidence,
            lines: 0,
            is_begun: false,
            is_over: false,
            logs: BTreeMap::new(),
            events: Vec::new(),
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
        if let Ok(gone) = serde_json::from_str::<Gone>(line) {
            return self.gone(gone);
        }
        let form = |_| BundleFault::Form(self.lines);
        let Line { event, entries } = serde_json::from_str(line).map_err(form)?;
        if entries.is_empty() || entries.iter().any(|it| id_of(&it.document) != Some(&event)) {
            return Err(BundleFault::OtherEvent(self.lines));
        }
        self.shown.events += 1;
        let halves = Halves::of(entries.iter().map(|entry| entry.document.as_str()));
        self.shown.begun += u64::from(halves == Halves::Intent);
        self.shown.ended += u64::from(halves == Halves::Completion);
        let each = || entries.iter().map(|entry| Halves::of([entry.document.as_str()]));
        let firsts = each().filter(|half| *half != Halves::Completion).count();
        if firsts > 1 || each().filter(|half| *half != Halves::Intent).count() > 1 {
            return Err(BundleFault::Twice(event));
        }
        if self.shown.complete {
            self.events.extend(event.parse::<EventId>());
        }
        entries.into_iter().try_for_each(|entry| self.entry(&event, entry))
    }

    fn head(&mut self, line: &str) -> Result<(), BundleFault> {
        let head: Option<Head> = serde_json::from_str(line).ok();
        let head = head.filter(|head| head.bundle == BUNDLE).ok_or(BundleFault::Form(1))?;
        for note in &head.key_changes {
            self.evidence.add_key_change(note);
        }
        self.evidence = std::mem::take(&mut self.evidence).judged();
        let doubts = self.evidence.faults().iter().map(|(_, found)| found.to_string());
        self.shown.doubts = doubts.collect();
        self.shown.is_of_others = self.evidence.is_of_others();
        self.shown.complete = head.complete;
        self.is_begun = true;
        for (writer, note) in head.checkpoints {
            let checkpoint = Checkpoint::parse(&note).ok();
            let of_log = |it: &Checkpoint| it.origin.ends_with(&format!("/{writer}"));
            let checkpoint = checkpoint.filter(of_log);
            let is_strange =
                checkpoint.as_ref().is_some_and(|it| !it.names_one_of(self.evidence.keys()));
            let key = checkpoint.as_ref().and_then(|checkpoint| {
                checkpoint.signed_by(self.evidence.keys()).into_iter().next().cloned()
            });
            let Some(signed) = checkpoint.zip(key) else {
                return Err(match is_strange {
                    true => BundleFault::Signature { writer, signers: signer_names(&note) },
                    false => BundleFault::Forged(writer),
                });
            };
            self.logs.entry(writer).or_default().checkpoint = Some(signed);
        }
        Ok(())
    }

    fn entry(&mut self, event: &str, entry: Entry) -> Result<(), BundleFault> {
        let Entry { writer, seq, document, path } = entry;
        let leaf = leaf(&document);
        let log = self.logs.entry(writer.clone()).or_default();
        let checkpoint = log.checkpoint.as_ref().map(|(checkpoint, _)| checkpoint);
        let fault = || BundleFault::NotIncluded { line: self.lines, writer: writer.clone(), seq };
        let size = checkpoint.map_or(0, |checkpoint| checkpoint.size);
        match path {
            Some(path) => {
                let path: Option<Vec<Hash>> = path
                    .iter()
                    .take(HASHES_MAX + 1)
                    .map(|hash| Hash::parse_hash(hash).ok())
                    .collect();
                let is_in = checkpoint
                    .zip(path)
                    .is_some_and(|(checkpoint, path)| is_included(&path, checkpoint, seq, leaf));
                if !is_in {
                    return Err(fault());
                }
                self.shown.proven += 1;
            }
            None if seq > size => self.shown.unproven += 1,
            None => return Err(fault()),
        }
        if self.shown.complete {
            log.entries.push((seq, leaf));
            let purge = purge_of(event, &writer, seq, document);
            if let Some(purge) =
                purge.filter(|it| self.evidence.orders(&writer, seq, it) == Ordered::Yes)
            {
                log.purges.insert(seq, purge);
            }
        }
        Ok(())
    }

    fn gone(&mut self, gone: Gone) -> Result<(), BundleFault> {
        let Gone { purged: writer, first, by, leaves } = gone;
        let log = self.logs.get_mut(&writer).filter(|_| self.shown.complete);
        // Numbers that no log has.
        let log = log.filter(|_| first < u64::from(u32::MAX) << 16);
        let log = log.ok_or(BundleFault::Form(self.lines))?;
        for (seq, leaf) in (first..).zip(leaves) {
            let leaf = Hash::parse_hash(&leaf).map_err(|_| BundleFault::Form(self.lines))?;
            log.gone.push((seq, leaf, by));
        }
        Ok(())
    }

    /// The end of the file: what all of it shows.
    pub fn end(mut self) -> Result<BundleShown, BundleFault> {
        if !self.is_over {
            return Err(BundleFault::Cut);
        }
        self.events.sort_unstable();
        let twice = self.events.windows(2).find(|pair| matches!(pair, [one, next] if one == next));
        if let Some([event, ..]) = twice {
            return Err(BundleFault::Twice(event.to_string()));
        }
        let mut writers: BTreeSet<String> = self.evidence.writers().map(str::to_owned).collect();
        writers.extend(self.logs.keys().cloned());
        for writer in writers {
            let log = self.logs.remove(&writer).unwrap_or_default();
            let log = match self.shown.complete {
                true => self.whole(writer, log)?,
                false => self.part(writer, &log)?,
            };
            self.shown.logs.push(log);
        }
        Ok(self.shown)
    }

    /// A log of which a part is there: its checkpoint can be compared.
    fn part(&self, writer: String, log: &Log) -> Result<BundleLog, BundleFault> {
        let kept = self.evidence.of(&writer);
        let own = log.checkpoint.as_ref().map(|(checkpoint, _)| checkpoint);
        let same = own.and_then(|own| kept.iter().find(|kept| kept.size == own.size));
        if let Some((same, _)) = same.zip(own).filter(|(same, own)| same.root != own.root) {
            return Err(other_root(&writer, same.size, same.origin.to_string()));
        }
        Ok(told(writer, log, same.map(|same| same.size), kept))
    }

    /// A log of which all must be there.
    fn whole(&mut self, writer: String, mut log: Log) -> Result<BundleLog, BundleFault> {
        let Self { evidence, shown, .. } = self;
        let kept = evidence.of(&writer);
        let is_absent = log.entries.is_empty() && log.gone.is_empty() && log.checkpoint.is_none();
        if !kept.is_empty() && is_absent {
            // It began later, or was left out: nobody can tell from the bundle.
            return Ok(BundleLog { is_absent: true, ..told(writer, &log, None, kept) });
        }
        let (leaves, purged) = in_order(&writer, &mut log)?;
        let own = log.checkpoint.as_ref().map(|(checkpoint, _)| checkpoint);
        let size = own.map_or(0, |own| own.size);
        let mut roots: Vec<(u64, Hash, String)> =
            kept.iter().map(|it| (it.size, it.root, it.origin.to_string())).collect();
        roots.extend(own.map(|own| (own.size, own.root, "in the bundle".to_owned())));
        roots.sort_by_key(|(size, ..)| *size);
        let (mut tree, mut compared) = (Tree::default(), None);
        let mut roots = roots.into_iter().peekable();
        for (seq, leaf) in (1..).zip(&leaves) {
            tree.push(*leaf, drop);
            while let Some((size, root, origin)) = roots.next_if(|(size, ..)| *size == seq) {
                if root != tree.root() {
                    return Err(other_root(&writer, size, origin));
                }
                compared = kept.iter().any(|kept| kept.size == size).then_some(size).or(compared);
            }
        }
        let there = leaves.len() as u64;
        if there < size {
            return Err(BundleFault::Incomplete { writer, seq: there + 1 });
        }
        // What the bundle has no checkpoint of, one that was kept elsewhere may prove.
        let reached = compared.unwrap_or(0);
        let more = log.entries.iter().filter(|(seq, _)| (size + 1..=reached).contains(seq)).count();
        shown.proven += more as u64;
        shown.unproven -= more as u64;
        shown.purged += purged;
        Ok(told(writer, &log, compared, kept))
    }
}

fn other_root(writer: &str, size: u64, origin: String) -> BundleFault {
    BundleFault::OtherRoot { writer: writer.to_owned(), size, origin }
}

fn told(writer: String, log: &Log, compared: Option<u64>, kept: &[Standing]) -> BundleLog {
    let checkpoint = log.checkpoint.as_ref();
    BundleLog {
        writer,
        checkpoint: checkpoint.map(|(it, key)| (it.size, it.origin.clone(), key.clone())),
        compared,
        kept: kept.last().map(|kept| kept.size),
        is_absent: false,
    }
}

/// The hashes of a log from its first entry on, as far as none is missing, and how many of them are of
/// entries that were purged.
fn in_order(writer: &str, log: &mut Log) -> Result<(Vec<Hash>, u64), BundleFault> {
    let writer = || writer.to_owned();
    log.entries.sort_unstable_by_key(|(seq, _)| *seq);
    log.gone.sort_unstable_by_key(|(seq, ..)| *seq);
    let is_twice = |pair: &[(u64, Hash)]| matches!(pair, [one, next] if one.0 == next.0);
    if let Some([(seq, _), ..]) = log.entries.windows(2).find(|pair| is_twice(pair)) {
        return Err(BundleFault::Incomplete { writer: writer(), seq: *seq });
    }
    let mut leaves = Vec::with_capacity(log.entries.len() + log.gone.len());
    let (mut entries, mut gone) = (log.entries.iter().peekable(), log.gone.iter().peekable());
    let mut purged = 0;
    for next in 1.. {
        if let Some((_, leaf)) = entries.next_if(|(seq, _)| *seq == next) {
            leaves.push(*leaf);
        } else {
            // What was purged while the bundle was made is in it twice.
            while gone.next_if(|(seq, ..)| *seq < next).is_some() {}
            let Some((seq, leaf, by)) = gone.next_if(|(seq, ..)| *seq == next) else { break };
            if !log.purges.get(by).is_some_and(|purge| purge.ranges.contains(*seq)) {
                return Err(BundleFault::NotPurged { writer: writer(), seq: *seq });
            }
            leaves.push(*leaf);
            purged += 1;
        }
    }
    Ok((leaves, purged))
}

/// What an entry says of a purge.
fn purge_of(event: &str, writer: &str, seq: u64, document: String) -> Option<Purge> {
    if !document.contains(PURGE_ACTION) {
        return None;
    }
    let is_whole = Halves::of([document.as_str()]) == Halves::Both;
    let id: EventId = event.parse().ok().filter(|_| is_whole)?;
    Purge::of(&Stored {
        writer: writer.to_owned(),
        seq,
        kind: EntryKind::Completion,
        id,
        intent: None,
        scope: String::new(),
        doc: document,
        leaf: Vec::new(),
    })
}
