//! What a ledger is held against: trusted keys, and checkpoints that they signed.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::Deserialize;
use tlog_tiles::Hash;

use super::fault::{Fault, Found};
use crate::record::Purge;
use crate::seal::order::{Ordered, ordered};
use crate::seal::{
    Checkpoint, Kept, KeyChange, SealError, VerifierKey, is_random_name, predecessors, signers,
    successors,
};

/// The longest line of a published file that is looked at, in bytes.
const LINE_BYTES: usize = 128 * 1024;

/// Where a checkpoint was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Beside the ledger, in `seal.db`.
    SealDb,
    /// In a published file, by its name and line.
    File {
        /// The file's name.
        name: String,
        /// The line, from 1.
        line: usize,
    },
}

impl Display for Origin {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::SealDb => out.write_str("in seal.db"),
            Self::File { name, line } => write!(out, "in `{name}`, line {line}"),
        }
    }
}

/// A checkpoint that a trusted key signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// How many entries.
    pub size: u64,
    /// The root of their tree.
    pub root: Hash,
    /// Where it was found.
    pub origin: Origin,
    /// The key that signed it.
    pub key: VerifierKey,
}

impl Standing {
    /// Whether it came from elsewhere than from beside the ledger, and so counts for more.
    pub fn is_given(&self) -> bool {
        self.origin != Origin::SealDb
    }
}

/// A checkpoint that known keys signed.
struct Signed {
    writer: String,
    checkpoint: Checkpoint,
    origin: Origin,
    keys: Vec<VerifierKey>,
}

/// One record of a published file.
#[derive(Deserialize)]
struct Record {
    checkpoint: Option<String>,
    key_change: Option<String>,
}

/// The writer whose log it is: what stands behind the name of the installation.
fn writer_of(log: &str, key: Option<&VerifierKey>) -> String {
    let below = key.and_then(|key| log.strip_prefix(key.name())?.strip_prefix('/'));
    // A key that was given under the name of one log.
    let last = || log.rsplit_once('/').map(|(_, writer)| writer);
    below.or_else(last).unwrap_or(log).to_owned()
}

/// Whether a log may be one of the installation that these keys are of, under a key that is gone: under its
/// name, or under one that is made up anew with each key, where nobody has chosen one.
fn may_be_own(known: &[VerifierKey], log: &str) -> bool {
    let is_made_up = log.rsplit_once('/').is_some_and(|(name, _)| is_random_name(name));
    known.is_empty() || is_made_up || known.iter().any(|key| key.covers(log))
}

/// Everything that a ledger is held against.
#[derive(Debug, Default)]
pub struct Evidence {
    keys: Vec<VerifierKey>,
    /// Keys that were replaced, among them those that are trusted, and those that took over from them.
    replaced: Vec<(VerifierKey, Vec<VerifierKey>)>,
    /// Of each writer and each of them, the smallest size that only a later key has signed.
    ended: BTreeMap<(String, usize), u64>,
    changes: Vec<KeyChange>,
    notes: Vec<(Origin, String)>,
    /// Of each writer, by size.
    logs: BTreeMap<String, Vec<Standing>>,
    faults: Vec<(Option<String>, Found)>,
    /// Lines of files that are no records.
    damaged: Vec<Origin>,
    /// Records that were taken, by file.
    taken: BTreeMap<String, usize>,
    /// And how many of them no trusted key has signed.
    foreign: BTreeMap<String, usize>,
    /// The file in which the proxy publishes: logs of other installations in it do not count.
    published: Option<String>,
}

impl Evidence {
    /// Trusts these keys, and those that took over from them.
    pub fn new(keys: Vec<VerifierKey>) -> Self {
        Self { keys, ..Self::default() }
    }

    /// Takes what stands beside the ledger.
    pub fn add_kept(&mut self, kept: &Kept) -> Result<(), SealError> {
        for checkpoint in kept.checkpoints()? {
            self.notes.push((Origin::SealDb, checkpoint.note));
        }
        for note in kept.key_changes()? {
            self.add_change(Origin::SealDb, &note);
        }
        for (writer, entries) in kept.foreign()? {
            self.faults.push((Some(writer), Found { entries, fault: Fault::Foreign }));
        }
        Ok(())
    }

    /// Takes a published file: a record a line, or one checkpoint as it is. Lines that are no records
    /// are put aside: a file that was cut off in the middle of a line says nothing against the ledger.
    pub fn add_file(&mut self, name: &str, text: &str) {
        let at = |line| Origin::File { name: name.to_owned(), line };
        self.taken.entry(name.to_owned()).or_default();
        if Checkpoint::parse(text).is_ok() {
            self.take(name, at(1), text.to_owned());
            return;
        }
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            let record = (text.len() <= LINE_BYTES).then(|| serde_json::from_str::<Record>(text));
            match record {
                Some(Ok(Record { checkpoint: Some(note), .. }))
                    if Checkpoint::parse(&note).is_ok() =>
                {
                    self.take(name, at(line), note);
                }
                Some(Ok(Record { key_change: Some(note), .. }))
                    if KeyChange::parse(&note).is_some() =>
                {
                    self.add_change(at(line), &note);
                }
                _ => self.damaged.push(at(line)),
            }
        }
    }

    /// Takes the file in which the proxy itself publishes. Other installations may publish there as well: what
    /// is said of their logs does not count. Whether there is a checkpoint in it.
    pub fn add_published(&mut self, name: &str, text: &str) -> bool {
        self.add_file(name, text);
        self.published = Some(name.to_owned());
        self.taken.remove(name).is_some_and(|count| count > 0)
    }

    fn take(&mut self, file: &str, origin: Origin, note: String) {
        *self.taken.entry(file.to_owned()).or_default() += 1;
        self.notes.push((origin, note));
    }

    /// Takes a change of the key that came with what is to be verified.
    pub fn add_key_change(&mut self, note: &str) {
        self.changes.extend(KeyChange::parse(note));
    }

    fn add_change(&mut self, origin: Origin, note: &str) {
        match KeyChange::parse(note) {
            Some(change) => self.changes.push(change),
            None => self.faulty(None, 0, Fault::Form { origin: origin.to_string() }),
        }
    }

    fn faulty(&mut self, writer: Option<String>, size: u64, fault: Fault) {
        self.faults.push((writer, Found { entries: size..=size, fault }));
    }

    /// Checks all that was taken.
    #[must_use]
    pub fn judged(mut self) -> Self {
        self.keys = successors(&self.keys, &self.changes);
        let mut known = self.keys.clone();
        known.extend(predecessors(&self.keys, &self.changes));
        let notes = self.signed(&known);
        let has_signed = |key: &VerifierKey| notes.iter().any(|note| note.keys.contains(key));
        for key in known {
            let later = successors(std::slice::from_ref(&key), &self.changes).split_off(1);
            // One that has not signed anything yet has not taken over.
            if !self.keys.contains(&key) || later.iter().any(has_signed) {
                self.replaced.push((key, later));
            }
        }
        let mut older = Vec::new();
        for note in notes {
            older.extend(self.judge(note));
        }
        for (writer, standing) in older {
            self.add_older(writer, standing);
        }
        for (writer, log) in &mut self.logs {
            // Of one size the one that was given is first, and stays.
            log.sort_by_key(|standing| (standing.size, !standing.is_given()));
            for pair in log.windows(2) {
                if let [one, other] = pair
                    && one.size == other.size
                    && one.root != other.root
                {
                    let fault = Fault::Fork { origin: other.origin.to_string() };
                    self.faults.push((Some(writer.clone()), Found::at(other.size, fault)));
                }
            }
            log.dedup_by(|one, other| one.size == other.size);
        }
        self
    }

    /// The checkpoints that one of these keys has signed.
    fn signed(&mut self, known: &[VerifierKey]) -> Vec<Signed> {
        let mut signed = Vec::new();
        for (origin, note) in std::mem::take(&mut self.notes) {
            let Ok(checkpoint) = Checkpoint::parse(&note) else {
                self.faulty(None, 0, Fault::Form { origin: origin.to_string() });
                continue;
            };
            let keys: Vec<_> = checkpoint.signed_by(known).into_iter().cloned().collect();
            let Some(key) = keys.first() else {
                self.strange(known, origin, &note, &checkpoint);
                continue;
            };
            let writer = writer_of(&checkpoint.origin, Some(key));
            signed.push(Signed { writer, checkpoint, origin, keys });
        }
        signed
    }

    /// A checkpoint that no known key has signed. In a file, one that says it was is a damaged line.
    fn strange(
        &mut self,
        known: &[VerifierKey],
        origin: Origin,
        note: &str,
        checkpoint: &Checkpoint,
    ) {
        if let Origin::File { name, .. } = &origin {
            if checkpoint.names_one_of(known) {
                self.damaged.push(origin);
                return;
            }
            if Some(name) == self.published.as_ref() && !may_be_own(known, &checkpoint.origin) {
                return;
            }
            *self.foreign.entry(name.clone()).or_default() += 1;
        }
        let signers = signers(note).into_iter();
        let signers = signers.map(|(name, id)| format!("{name}+{id:08x}")).collect();
        let fault = Fault::Signature { origin: origin.to_string(), signers };
        self.faulty(Some(writer_of(&checkpoint.origin, None)), checkpoint.size, fault);
    }

    /// Sorts a checkpoint by who signed it. One by a key that was replaced is given back.
    fn judge(&mut self, note: Signed) -> Option<(String, Standing)> {
        let Signed { writer, checkpoint, origin, keys } = note;
        for (number, (key, later)) in self.replaced.iter().enumerate() {
            if !keys.contains(key) && keys.iter().any(|key| later.contains(key)) {
                let ended = self.ended.entry((writer.clone(), number)).or_insert(u64::MAX);
                *ended = checkpoint.size.min(*ended);
            }
        }
        let is_in_force = |key: &&VerifierKey| self.replaced.iter().all(|(old, _)| old != *key);
        let in_force = keys.iter().find(is_in_force);
        let key = in_force.or(keys.first())?.clone();
        let is_older = in_force.is_none();
        let standing = Standing { size: checkpoint.size, root: checkpoint.root, origin, key };
        if is_older {
            return Some((writer, standing));
        }
        self.logs.entry(writer).or_default().push(standing);
        None
    }

    /// A checkpoint by a key that was replaced counts as far as a trusted key signed what came later.
    fn add_older(&mut self, writer: String, standing: Standing) {
        let newest = self.of(&writer).iter().map(|standing| standing.size).max();
        if newest.is_some_and(|newest| standing.size <= newest) {
            self.logs.entry(writer).or_default().push(standing);
            return;
        }
        let signers = vec![standing.key.to_string()];
        let fault = Fault::Signature { origin: standing.origin.to_string(), signers };
        self.faulty(Some(writer), standing.size, fault);
    }

    /// The trusted keys, with those that took over.
    pub fn keys(&self) -> &[VerifierKey] {
        &self.keys
    }

    /// Whether the purge that the entry `seq` of a log tells of was ordered by who may: a trusted key, or
    /// one that was replaced, if none that took over from it has signed what was there before.
    pub(in crate::seal) fn orders(&self, writer: &str, seq: u64, purge: &Purge) -> Ordered {
        let replaced = self.replaced.iter().map(|(key, _)| key);
        let in_force = self.keys.iter().filter(|key| replaced.clone().all(|old| old != *key));
        let until = |number| self.ended.get(&(writer.to_owned(), number)).copied();
        let before = replaced
            .clone()
            .enumerate()
            .filter(|(number, _)| until(*number).is_none_or(|until| seq <= until));
        let known: Vec<&VerifierKey> = self.keys.iter().chain(replaced.clone()).collect();
        ordered(writer, purge, in_force.chain(before.map(|(_, key)| key)), &known)
    }

    /// The checkpoints of a writer, by size.
    pub fn of(&self, writer: &str) -> &[Standing] {
        self.logs.get(writer).map(Vec::as_slice).unwrap_or_default()
    }

    /// The writers of which there are checkpoints.
    pub fn writers(&self) -> impl Iterator<Item = &str> {
        self.logs.keys().map(String::as_str)
    }

    /// Whether there are checkpoints, and none of them was signed by a trusted key: then these keys are
    /// of another installation, or all that was signed with them is gone.
    pub fn is_of_others(&self) -> bool {
        let is_signature = |(_, found): &(_, Found)| matches!(found.fault, Fault::Signature { .. });
        self.logs.is_empty() && self.faults.iter().any(is_signature)
    }

    /// The files of whose checkpoints a trusted key has signed none.
    pub fn foreign_files(&self) -> impl Iterator<Item = &str> {
        let all = |name: &str| self.taken.get(name).copied();
        let foreign = self.foreign.iter().filter(move |(name, count)| all(name) == Some(**count));
        foreign.map(|(name, _)| name.as_str())
    }

    /// The files in which there is no checkpoint.
    pub fn empty_files(&self) -> impl Iterator<Item = &str> {
        self.taken.iter().filter(|(_, count)| **count == 0).map(|(name, _)| name.as_str())
    }

    /// Lines of files that are no records: cut off, or damaged.
    pub fn damaged(&self) -> &[Origin] {
        &self.damaged
    }

    /// What is wrong with the evidence itself, with the writer where one is named.
    pub fn faults(&self) -> &[(Option<String>, Found)] {
        &self.faults
    }
}
