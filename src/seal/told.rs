//! Proofs as they are told to others, who check them with a verifier key and nothing else.
//!
//! The proof of one entry is a text in the form of C2SP tlog-proof: the entry's index, the hashes of the
//! path, and the checkpoint. What is proved is the entry's document, hashed as a leaf.

use schemars::JsonSchema;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tlog_tiles::Hash;

use super::checkpoint::signer_names;
use super::proof::{HASHES_MAX, is_consistent, is_included};
use super::tree::leaf;
use super::{Checkpoint, Kept, KeyChange, SealError, VerifierKey, successors};
use crate::record::Stored;

/// The first line of a proof.
const TITLE: &str = "c2sp.org/tlog-proof@v1";

/// That the halves of an event are in the log: for each the document, exactly as hashed, and the proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventProof {
    /// The event's id.
    pub event: String,
    /// The entries of the ledger that it is made of: one, or two.
    pub entries: Vec<EntryProof>,
    /// Signed notes by which keys took over from others.
    #[serde(default)]
    pub key_changes: Vec<String>,
}

/// That one entry is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntryProof {
    /// Whose log.
    pub writer: String,
    /// Its number; its index in the tree is one less.
    pub seq: u64,
    /// Its canonical document (RFC 8785). Its leaf hash is SHA-256 over a zero byte and this.
    pub document: String,
    /// The proof, in the form of C2SP tlog-proof.
    pub proof: String,
}

/// That one checkpoint's log is the beginning of another's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsistencyProof {
    /// The smaller checkpoint: a signed note.
    pub old: String,
    /// The larger one.
    pub new: String,
    /// The hashes of the proof (RFC 6962, section 2.1.2), base64.
    pub proof: Vec<String>,
    /// Signed notes by which keys took over from others.
    #[serde(default)]
    pub key_changes: Vec<String>,
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// It cannot be understood.
    #[error("{0} cannot be understood")]
    Form(&'static str),
    /// What stands there as the signature of a trusted key is none.
    #[error("its checkpoint of `{0}` was signed by no key: it was changed")]
    Forged(String),
    /// Nobody who is trusted signed it.
    #[error(
        "its checkpoint of `{log}` was signed by {signers}, and by no key that was given: it is of another \
         ledger, or a forgery, or that key was replaced since, or took over from the one that was given; \
         give the key of that time with --key"
    )]
    Signature {
        /// Which log.
        log: String,
        /// The keys that it names.
        signers: String,
    },
    /// It is of another log than it says.
    #[error("its checkpoint is of another log than that of writer `{0}`")]
    OtherLog(String),
    /// The hashes do not lead to the root.
    #[error("entry {0} is not in the tree of its checkpoint, or is not what it was")]
    NotIncluded(u64),
    /// The documents are not those of the event.
    #[error("the documents are not those of the event `{0}`")]
    OtherEvent(String),
    /// One tree is not the beginning of the other.
    #[error("the log of the larger checkpoint does not begin with that of the smaller one")]
    Inconsistent,
}

/// What a proof shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The log.
    pub origin: String,
    /// The entry, or the size of the smaller log.
    pub seq: u64,
    /// The size of the checkpoint.
    pub size: u64,
    /// The key that signed it.
    pub key: VerifierKey,
}

/// Which halves of an event documents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halves {
    /// All of it.
    Both,
    /// How it began alone.
    Intent,
    /// How it ended alone.
    Completion,
}

impl Halves {
    /// By the members that only first, and only second halves have.
    pub fn of<'d>(documents: impl IntoIterator<Item = &'d str>) -> Self {
        #[derive(Deserialize)]
        struct Members {
            time: Option<IgnoredAny>,
            outcome: Option<IgnoredAny>,
        }
        let (mut first, mut second) = (false, false);
        for document in documents {
            let Ok(members) = serde_json::from_str::<Members>(document) else { continue };
            first |= members.time.is_some();
            second |= members.outcome.is_some();
        }
        match (first, second) {
            (true, false) => Self::Intent,
            (false, true) => Self::Completion,
            _ => Self::Both,
        }
    }
}

/// A proof in the form of C2SP tlog-proof.
pub fn tlog_proof(index: u64, hashes: &[Hash], checkpoint: &str) -> String {
    let hashes: String = hashes.iter().map(|hash| format!("{hash}\n")).collect();
    format!("{TITLE}\nindex {index}\n{hashes}\n{checkpoint}")
}

/// Takes such a proof apart: index, hashes, checkpoint. What it says `extra` counts for nothing.
pub fn parse_tlog_proof(text: &str) -> Option<(u64, Vec<Hash>, Checkpoint)> {
    let (head, note) = text.split_once("\n\n")?;
    let mut lines = head.lines().peekable();
    if lines.next()? != TITLE {
        return None;
    }
    lines.next_if(|line| line.starts_with("extra "));
    let digits = lines.next()?.strip_prefix("index ")?;
    let index = digits.parse().ok().filter(|index: &u64| index.to_string() == digits)?;
    let hashes: Option<Vec<Hash>> =
        lines.take(HASHES_MAX + 1).map(|line| Hash::parse_hash(line).ok()).collect();
    Some((index, hashes?, Checkpoint::parse(note).ok()?))
}

impl EntryProof {
    /// The proof of an entry in a checkpoint that is kept.
    pub fn of(kept: &Kept, entry: &Stored, checkpoint: &Checkpoint) -> Result<Self, SealError> {
        let hashes = kept.inclusion(&entry.writer, entry.seq, checkpoint.size)?;
        // What is told is what can be checked: the ledger is another since it was sealed.
        if !is_included(&hashes, checkpoint, entry.seq, leaf(&entry.doc)) {
            return Err(SealError::Disagreement);
        }
        Ok(Self {
            writer: entry.writer.clone(),
            seq: entry.seq,
            document: entry.doc.clone(),
            proof: tlog_proof(entry.seq - 1, &hashes, &checkpoint.note),
        })
    }

    /// Checks it with keys that are trusted.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Shown, ProofFault> {
        let (index, hashes, checkpoint) =
            parse_tlog_proof(&self.proof).ok_or(ProofFault::Form("the proof of an entry"))?;
        let key = signed(&checkpoint, keys)?;
        if !checkpoint.origin.ends_with(&format!("/{}", self.writer)) {
            return Err(ProofFault::OtherLog(self.writer.clone()));
        }
        let is_its = index.checked_add(1) == Some(self.seq);
        if !is_its || !is_included(&hashes, &checkpoint, self.seq, leaf(&self.document)) {
            return Err(ProofFault::NotIncluded(self.seq));
        }
        Ok(Shown { origin: checkpoint.origin, seq: self.seq, size: checkpoint.size, key })
    }
}

impl EventProof {
    /// The proof of an event's entries, each in the newest checkpoint of its log.
    pub fn of(kept: &Kept, entries: &[Stored]) -> Result<Self, SealError> {
        let mut proofs = Vec::new();
        for entry in entries {
            let newest = kept.newest(&entry.writer)?.ok_or(SealError::NoProof)?;
            proofs.push(EntryProof::of(kept, entry, &Checkpoint::parse(&newest.note)?)?);
        }
        let event = entries.first().map(|entry| entry.id.to_string()).unwrap_or_default();
        Ok(Self { event, entries: proofs, key_changes: kept.key_changes()? })
    }

    /// Checks it with keys that are trusted, and those that took over from them.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<Shown>, ProofFault> {
        let keys = with_successors(keys, &self.key_changes);
        let is_of_event = |entry: &EntryProof| id_of(&entry.document) == Some(&self.event);
        if self.entries.is_empty() || !self.entries.iter().all(is_of_event) {
            return Err(ProofFault::OtherEvent(self.event.clone()));
        }
        self.entries.iter().map(|entry| entry.verify(&keys)).collect()
    }
}

impl ConsistencyProof {
    /// The proof between two checkpoints of a log that are kept.
    pub fn of(kept: &Kept, writer: &str, old: &str, new: &str) -> Result<Self, SealError> {
        let (from, to) = (Checkpoint::parse(old)?, Checkpoint::parse(new)?);
        let hashes = kept.consistency(writer, from.size, to.size)?;
        if !is_consistent(&hashes, &from, &to) {
            return Err(SealError::Disagreement);
        }
        Ok(Self {
            old: old.to_owned(),
            new: new.to_owned(),
            proof: hashes.iter().map(ToString::to_string).collect(),
            key_changes: kept.key_changes()?,
        })
    }

    /// Checks it with keys that are trusted, and those that took over from them.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Shown, ProofFault> {
        let keys = with_successors(keys, &self.key_changes);
        let parse = |note: &str| Checkpoint::parse(note);
        let (Ok(old), Ok(new)) = (parse(&self.old), parse(&self.new)) else {
            return Err(ProofFault::Form("a checkpoint"));
        };
        let hashes: Option<Vec<Hash>> =
            self.proof.iter().map(|hash| Hash::parse_hash(hash).ok()).collect();
        let hashes = hashes.ok_or(ProofFault::Form("a hash"))?;
        signed(&old, &keys)?;
        let key = signed(&new, &keys)?;
        if old.origin != new.origin || !is_consistent(&hashes, &old, &new) {
            return Err(ProofFault::Inconsistent);
        }
        Ok(Shown { origin: new.origin, seq: old.size, size: new.size, key })
    }
}

fn signed(checkpoint: &Checkpoint, keys: &[VerifierKey]) -> Result<VerifierKey, ProofFault> {
    let key = checkpoint.signed_by(keys).into_iter().next().cloned();
    let log = || checkpoint.origin.clone();
    key.ok_or_else(|| match checkpoint.names_one_of(keys) {
        true => ProofFault::Forged(log()),
        false => ProofFault::Signature { log: log(), signers: signer_names(&checkpoint.note) },
    })
}

pub(super) fn with_successors(keys: &[VerifierKey], notes: &[String]) -> Vec<VerifierKey> {
    let changes: Vec<_> = notes.iter().filter_map(|note| KeyChange::parse(note)).collect();
    successors(keys, &changes)
}

pub(super) fn id_of(document: &str) -> Option<&str> {
    #[derive(Deserialize)]
    struct Id<'d> {
        #[serde(borrow)]
        id: &'d str,
    }
    serde_json::from_str::<Id<'_>>(document).ok().map(|it| it.id)
}
