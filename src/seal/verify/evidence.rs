//! What a ledger is held against: trusted keys, and checkpoints that they signed.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::Deserialize;
use tlog_tiles::Hash;

use super::fault::{Fault, Found};
use crate::seal::{Checkpoint, Kept, KeyChange, SealError, VerifierKey, chain, signers};

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
            Self::SealDb => out.write_str("seal.db"),
            Self::File { name, line } => write!(out, "`{name}`, line {line},"),
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

/// One record of a published file.
#[derive(Deserialize)]
struct Record {
    checkpoint: Option<String>,
    key_change: Option<String>,
}

/// Everything that a ledger is held against.
#[derive(Debug, Default)]
pub struct Evidence {
    keys: Vec<VerifierKey>,
    changes: Vec<KeyChange>,
    notes: Vec<(Origin, String)>,
    /// Of each writer, by size.
    logs: BTreeMap<String, Vec<Standing>>,
    faults: Vec<(Option<String>, Found)>,
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
        Ok(())
    }

    /// Takes a published file: a record a line, or one checkpoint as it is.
    pub fn add_file(&mut self, name: &str, text: &str) {
        let at = |line| Origin::File { name: name.to_owned(), line };
        if !text.trim_start().starts_with('{') {
            self.notes.push((at(1), text.to_owned()));
            return;
        }
        for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty()) {
            let record = (text.len() <= LINE_BYTES).then(|| serde_json::from_str::<Record>(text));
            match record {
                Some(Ok(Record { checkpoint: Some(note), .. })) => {
                    self.notes.push((at(line), note))
                }
                Some(Ok(Record { key_change: Some(note), .. })) => self.add_change(at(line), &note),
                _ => self.faulty(None, 0, Fault::Form { origin: at(line).to_string() }),
            }
        }
    }

    fn add_change(&mut self, origin: Origin, note: &str) {
        match KeyChange::parse(note) {
            Some(change) => self.changes.push(change),
            None => self.faulty(None, 0, Fault::Form { origin: origin.to_string() }),
        }
    }

    fn faulty(&mut self, writer: Option<String>, size: u64, fault: Fault) {
        self.faults.push((writer, Found { entries: size.min(1)..=size, fault }));
    }

    /// Checks all that was taken.
    #[must_use]
    pub fn judged(mut self) -> Self {
        self.keys = chain(&self.keys, &self.changes);
        for (origin, note) in std::mem::take(&mut self.notes) {
            self.judge(origin, &note);
        }
        for (writer, log) in &mut self.logs {
            log.sort_by_key(|standing| standing.size);
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

    fn judge(&mut self, origin: Origin, note: &str) {
        let at = match &origin {
            Origin::SealDb => "a checkpoint in seal.db".to_owned(),
            file @ Origin::File { .. } => format!("the checkpoint in {file}"),
        };
        let Ok(checkpoint) = Checkpoint::parse(note) else {
            return self.faulty(None, 0, Fault::Form { origin: at });
        };
        let Checkpoint { origin: log, size, root, .. } = &checkpoint;
        let signed_by = checkpoint.signed_by(&self.keys).into_iter().next().cloned();
        let Some(key) = signed_by else {
            let signers = signers(note).into_iter().map(|(name, id)| format!("{name}+{id:08x}"));
            let fault = Fault::Signature { origin: at, signers: signers.collect() };
            let writer = log.rsplit_once('/').map(|(_, writer)| writer.to_owned());
            return self.faulty(writer, *size, fault);
        };
        let writer = log.strip_prefix(key.name()).and_then(|rest| rest.strip_prefix('/'));
        // A key that was given under the name of one log.
        let writer = writer.or_else(|| log.rsplit_once('/').map(|(_, writer)| writer));
        let writer = writer.unwrap_or(log).to_owned();
        let standing = Standing { size: *size, root: *root, origin, key };
        self.logs.entry(writer).or_default().push(standing);
    }

    /// The trusted keys, with those that took over.
    pub fn keys(&self) -> &[VerifierKey] {
        &self.keys
    }

    /// The checkpoints of a writer, by size.
    pub fn of(&self, writer: &str) -> &[Standing] {
        self.logs.get(writer).map(Vec::as_slice).unwrap_or_default()
    }

    /// The writers of which there are checkpoints.
    pub fn writers(&self) -> impl Iterator<Item = &str> {
        self.logs.keys().map(String::as_str)
    }

    /// What is wrong with the evidence itself, with the writer where one is named.
    pub fn faults(&self) -> &[(Option<String>, Found)] {
        &self.faults
    }
}
