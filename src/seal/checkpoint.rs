//! Checkpoints: what a log was at some size, signed (C2SP tlog-checkpoint in signed-note).

use std::collections::BTreeSet;

use signed_note::{Note, Signature, Signer, VerificationError, Verifier, Verifiers};
use tlog_tiles::{Checkpoint as Body, Hash};

use super::key::{KeyError, SigningKey, VerifierKey};

/// The largest note that is looked at, in bytes.
const NOTE_BYTES: usize = 64 * 1024;

/// Why a text is no signed checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a signed note.
    #[error("it is not a signed note (C2SP signed-note)")]
    Note,
    /// A signed note of something else.
    #[error("it is not a checkpoint (C2SP tlog-checkpoint)")]
    Body,
    /// It could not be signed.
    #[error("it could not be signed")]
    Signing,
}

impl From<KeyError> for NoteError {
    fn from(_: KeyError) -> Self {
        Self::Signing
    }
}

/// A checkpoint and its signatures, of which nothing is known yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The log: installation, slash, writer.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The root of the tree of that size.
    pub root: Hash,
    /// The whole note.
    pub note: String,
}

impl Checkpoint {
    /// Signs a checkpoint with all of the keys.
    pub fn sign(
        origin: &str,
        size: u64,
        root: Hash,
        keys: &[&SigningKey],
    ) -> Result<Self, NoteError> {
        let body = Body::new(origin, size, root, "").map_err(|_| NoteError::Body)?;
        let note = sign(&body.to_bytes(), origin, keys)?;
        Ok(Self { origin: origin.to_owned(), size, root, note })
    }

    /// Takes a note apart. Its signatures are not checked.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        let parsed = parse_note(note)?;
        let body = Body::from_bytes(parsed.text()).map_err(|_| NoteError::Body)?;
        Ok(Self {
            origin: body.origin().to_owned(),
            size: body.size(),
            root: *body.hash(),
            note: note.to_owned(),
        })
    }

    /// Those of the keys that signed it as this log.
    pub fn signed_by<'k>(
        &self,
        keys: impl IntoIterator<Item = &'k VerifierKey>,
    ) -> Vec<&'k VerifierKey> {
        let covering = keys.into_iter().filter(|key| !key.is_witness() && key.covers(&self.origin));
        covering.filter(|key| is_signed(&self.note, &key.named(&self.origin))).collect()
    }

    /// Whether it says that one of the keys signed it; that alone is worth nothing.
    pub(super) fn names_one_of<'k>(&self, keys: impl IntoIterator<Item = &'k VerifierKey>) -> bool {
        let said = signers(&self.note);
        let mut ids = keys.into_iter().map(|key| key.named(&self.origin));
        ids.any(|key| said.iter().any(|(name, id)| name == key.name() && *id == key.id()))
    }

    /// The same with more lines of signatures.
    pub fn with_signatures(&self, lines: &str) -> Result<Self, NoteError> {
        let text = format!("{}{lines}", self.note);
        parse_note(&text)?;
        Ok(Self { note: text, ..self.clone() })
    }
}

/// The keys that a note says it was signed by, in words.
pub(super) fn signer_names(note: &str) -> String {
    let names: Vec<String> =
        signers(note).into_iter().map(|(name, id)| format!("{name}+{id:08x}")).collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

/// Signs a text, which ends with a line break, under one name.
pub(super) fn sign(text: &[u8], name: &str, keys: &[&SigningKey]) -> Result<String, NoteError> {
    let mut note = Note::new(text, &[]).map_err(|_| NoteError::Note)?;
    let signers = keys.iter().map(|key| key.signer(name)).collect::<Result<Vec<_>, _>>()?;
    let signers: Vec<&dyn Signer> = signers.iter().map(|signer| signer as &dyn Signer).collect();
    note.add_sigs(&signers).map_err(|_| NoteError::Signing)?;
    String::from_utf8(note.to_bytes()).map_err(|_| NoteError::Note)
}

/// A note's text.
pub(super) fn text_of(note: &str) -> Result<String, NoteError> {
    String::from_utf8(parse_note(note)?.text().to_vec()).map_err(|_| NoteError::Note)
}

fn parse_note(note: &str) -> Result<Note, NoteError> {
    if note.len() > NOTE_BYTES {
        return Err(NoteError::Note);
    }
    Note::from_bytes(note.as_bytes()).map_err(|_| NoteError::Note)
}

/// Whether a key, under its own name, signed the note.
pub(super) fn is_signed(note: &str, key: &VerifierKey) -> bool {
    let Some(verifier) = key.standard() else { return false };
    verified(note, &verifier).is_some()
}

/// The signature of one verifier, if it holds.
pub(super) fn verified(note: &str, verifier: &dyn Verifier) -> Option<Signature> {
    let note = parse_note(note).ok()?;
    let (signatures, _) = note.verify(&Only(verifier)).ok()?;
    signatures.into_iter().next()
}

/// Names and ids of all the signatures of a note, whoever made them.
pub fn signers(note: &str) -> BTreeSet<(String, u32)> {
    let Ok(parsed) = parse_note(note) else { return BTreeSet::new() };
    let text = String::from_utf8_lossy(parsed.text()).into_owned();
    let lines = note.strip_prefix(&text).unwrap_or_default().lines();
    lines
        .filter_map(|line| Signature::from_bytes(line.as_bytes()).ok())
        .map(|signature| (signature.name().to_owned(), signature.id()))
        .collect()
}

/// The one verifier that is asked.
struct Only<'v>(&'v dyn Verifier);

impl Verifiers for Only<'_> {
    fn verifier(&self, name: &str, id: u32) -> Result<&dyn Verifier, VerificationError> {
        if self.0.name() == name && self.0.key_id() == id {
            return Ok(self.0);
        }
        Err(VerificationError::UnknownKey { name: name.to_owned(), id })
    }
}
