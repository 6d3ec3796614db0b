//! The order to purge: a signed note that says which entries of a log retention takes away.
//!
//! Whoever can write to the database can write an event that says so, and the key is not there. Without
//! the signature of a trusted key, what is missing counts as deleted.

use std::path::PathBuf;

use ring::digest::{SHA256, digest};

use super::checkpoint::{is_signed, sign, signers, text_of};
use super::key::VerifierKey;
use super::leaves::TileLeaves;
use super::{Kept, SealError, key_file};
use crate::record::{Purge, Stored, leaf_hash};

/// The first line of such a note.
const TITLE: &str = "countersign purge";

/// Signs orders with the key in force, for what is as it was sealed.
#[derive(Debug, Clone)]
pub struct Orders {
    dir: PathBuf,
}

impl Orders {
    /// With the key in the directory of the ledger.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// That these entries of the log of `writer` are what was put on record, as far as it is known here.
    pub fn check<'s>(
        &self,
        writer: &str,
        entries: impl IntoIterator<Item = &'s Stored>,
    ) -> Result<(), SealError> {
        let mut kept = Kept::open_read_only(&self.dir)?;
        let mut leaves = kept.as_mut().map(|kept| TileLeaves::new(kept, writer));
        for Stored { seq, doc, leaf, .. } in entries {
            let hash = leaf_hash(doc);
            let sealed = leaves.as_mut().and_then(|leaves| leaves.leaf(*seq));
            if *leaf != hash || sealed.is_some_and(|sealed| sealed.0 != hash) {
                return Err(SealError::NotSealed { writer: writer.to_owned(), seq: *seq });
            }
        }
        Ok(())
    }

    /// The note that orders a purge of the log of `writer`; none where there is no key, as nothing is
    /// sealed.
    pub fn sign(&self, writer: &str, purge: &Purge) -> Result<Option<String>, SealError> {
        let Some(key) = key_file::read(&self.dir)? else { return Ok(None) };
        let Some(text) = text(writer, purge) else { return Ok(None) };
        Ok(Some(sign(text.as_bytes(), &key.origin(writer), &[&key])?))
    }
}

/// Who ordered a purge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::seal) enum Ordered {
    /// A key that may.
    Yes,
    /// A key that is not known, by the order's own account: another proxy's, or somebody's.
    ByOthers,
    /// Nobody: there is no order for just this, or it has the name of a known key and not its signature.
    No,
}

/// Who of those that are `known` has ordered the purge of this log, if it is one of `keys`.
pub(super) fn ordered<'k>(
    writer: &str,
    purge: &Purge,
    keys: impl IntoIterator<Item = &'k VerifierKey>,
    known: &[&VerifierKey],
) -> Ordered {
    let Some(note) = &purge.order else { return Ordered::No };
    if text_of(note).ok() != text(writer, purge) {
        return Ordered::No;
    }
    let signers = signers(note);
    let is_ordered = keys.into_iter().filter(|key| !key.is_witness()).any(|key| {
        let mut covered = signers.iter().filter(|(name, _)| key.covers(name));
        covered.any(|(name, _)| is_signed(note, &key.named(name)))
    });
    let is_known = |(name, id): &(String, u32)| known.iter().any(|key| key.named(name).id() == *id);
    match is_ordered {
        true => Ordered::Yes,
        false if signers.is_empty() || signers.iter().any(is_known) => Ordered::No,
        false => Ordered::ByOthers,
    }
}

/// What is signed: the log, the entries, and everything else that the event says of the purge.
fn text(writer: &str, purge: &Purge) -> Option<String> {
    let plain = serde_json::to_string(&Purge { order: None, ..purge.clone() }).ok()?;
    let whole = hex::encode(digest(&SHA256, plain.as_bytes()));
    // A name is a line of its own, whatever is in it.
    let writer = serde_json::to_string(writer).ok()?;
    Some(format!("{TITLE}\n{writer}\n{}\n{whole}\n", purge.ranges))
}
