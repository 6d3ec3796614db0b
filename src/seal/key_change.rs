//! A change of the key: a signed note in which the old key names the new one, signed by both.

use serde::Deserialize;

use super::checkpoint::{NoteError, is_signed, sign, text_of};
use super::key::{SigningKey, VerifierKey};
use crate::record::Stored;

/// The first line of such a note.
const TITLE: &str = "countersign key change";

/// The event that puts it on record, by its verb and its action.
pub const ROTATE: &str = "key_rotate";
const ROTATE_ACTION: &str = "audit.key_rotate";

/// A change of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// The key that was in force.
    pub old: VerifierKey,
    /// The key that took over.
    pub new: VerifierKey,
    /// The signed note.
    pub note: String,
}

impl KeyChange {
    /// States, by both keys, that one took over from the other.
    pub fn sign(old: &SigningKey, new: &SigningKey) -> Result<Self, NoteError> {
        let text = format!("{TITLE}\n{}\n{}\n", old.verifier(), new.verifier());
        let note = sign(text.as_bytes(), old.verifier().name(), &[old, new])?;
        Ok(Self { old: old.verifier().clone(), new: new.verifier().clone(), note })
    }

    /// Takes a note apart, if both keys signed it.
    pub fn parse(note: &str) -> Option<Self> {
        let text = text_of(note).ok()?;
        let mut lines = text.lines();
        let (title, old, new) = (lines.next()?, lines.next()?, lines.next()?);
        let (old, new): (VerifierKey, VerifierKey) = (old.parse().ok()?, new.parse().ok()?);
        let is_whole = title == TITLE && lines.next().is_none() && old.name() == new.name();
        let is_signed = is_whole && is_signed(note, &old) && is_signed(note, &new);
        is_signed.then(|| Self { old, new, note: note.to_owned() })
    }

    /// The change that an entry of the ledger tells of. Where somebody else wrote it, it is as good as
    /// the signatures of both keys.
    pub(super) fn told_by(entry: &Stored) -> Option<Self> {
        #[derive(Deserialize)]
        struct Doc {
            action: String,
            metadata: Metadata,
        }

        #[derive(Deserialize)]
        struct Metadata {
            key_change: String,
        }

        memchr::memmem::find(entry.doc.as_bytes(), ROTATE_ACTION.as_bytes())?;
        let doc: Doc = serde_json::from_str(&entry.doc).ok()?;
        (doc.action == ROTATE_ACTION).then(|| Self::parse(&doc.metadata.key_change)).flatten()
    }
}

/// All keys that are to be trusted if the first ones are, in the order in which they came: those that
/// took over from them.
pub fn successors(trusted: &[VerifierKey], changes: &[KeyChange]) -> Vec<VerifierKey> {
    let mut keys = trusted.to_vec();
    while let Some(change) = changes.iter().find(|it| has(&keys, &it.old) && !has(&keys, &it.new)) {
        keys.push(change.new.clone());
    }
    keys
}

/// The keys from which trusted ones took over, newest first. Who trusts a key may not trust these: that
/// one of them became known may be why it was replaced.
pub fn predecessors(trusted: &[VerifierKey], changes: &[KeyChange]) -> Vec<VerifierKey> {
    let mut keys = trusted.to_vec();
    while let Some(change) = changes.iter().find(|it| has(&keys, &it.new) && !has(&keys, &it.old)) {
        keys.push(change.old.clone());
    }
    keys.split_off(trusted.len())
}

fn has(keys: &[VerifierKey], key: &VerifierKey) -> bool {
    keys.iter().any(|known| known.public() == key.public())
}
