//! Proofs (RFC 6962, sections 2.1.1 and 2.1.2): that an entry is in a tree, and that one tree is the
//! beginning of another.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tlog_tiles::{
    Error, Hash, HashReader, check_record, check_tree, prove_record, prove_tree,
    split_stored_hash_index,
};

use super::kept::Kept;
use super::tree::{TILE_HEIGHT, TILE_WIDTH, subtree};
use super::{Checkpoint, SealError};

/// More hashes than this no proof has.
pub const HASHES_MAX: usize = 64;

impl Kept {
    /// The proof that entry `seq` is in the tree of `size` entries.
    pub fn inclusion(&self, writer: &str, seq: u64, size: u64) -> Result<Vec<Hash>, SealError> {
        if seq == 0 || seq > size || size > self.size(writer)? {
            return Err(SealError::NoProof);
        }
        let tiles = Tiles::new(self, writer);
        tiles.result(prove_record(size, seq - 1, &tiles))
    }

    /// Whether what is kept beside the ledger shows that entry `seq` had this leaf when that many were
    /// sealed.
    pub(super) fn shows(&self, writer: &str, seq: u64, leaf: Hash, sealed: (u64, Hash)) -> bool {
        let (size, root) = sealed;
        self.inclusion(writer, seq, size)
            .is_ok_and(|proof| check_record(&proof, size, root, seq - 1, leaf).is_ok())
    }

    /// The proof that the tree of `old` entries is the beginning of that of `size`.
    pub fn consistency(&self, writer: &str, old: u64, size: u64) -> Result<Vec<Hash>, SealError> {
        if old == 0 || old > size || size > self.size(writer)? {
            return Err(SealError::NoProof);
        }
        let tiles = Tiles::new(self, writer);
        tiles.result(prove_tree(size, old, &tiles))
    }
}

/// Whether the proof shows that entry `seq`, with this leaf, is in the tree of the checkpoint.
pub fn is_included(proof: &[Hash], checkpoint: &Checkpoint, seq: u64, leaf: Hash) -> bool {
    let Some(index) = seq.checked_sub(1) else { return false };
    proof.len() <= HASHES_MAX
        && index < checkpoint.size
        && check_record(&proof.to_vec(), checkpoint.size, checkpoint.root, index, leaf).is_ok()
}

/// Whether the proof shows that the tree of the older checkpoint is the beginning of that of the
/// newer one.
pub fn is_consistent(proof: &[Hash], old: &Checkpoint, new: &Checkpoint) -> bool {
    proof.len() <= HASHES_MAX
        && (1..=new.size).contains(&old.size)
        && check_tree(&proof.to_vec(), new.size, new.root, old.size, old.root).is_ok()
}

/// Hashes of a tree out of its tiles.
struct Tiles<'k> {
    kept: &'k Kept,
    writer: &'k str,
    read: RefCell<HashMap<(u8, u64), Vec<Hash>>>,
    failed: RefCell<Option<SealError>>,
}

impl<'k> Tiles<'k> {
    fn new(kept: &'k Kept, writer: &'k str) -> Self {
        Self { kept, writer, read: RefCell::default(), failed: RefCell::default() }
    }

    /// What was proved, or why it could not be.
    fn result(&self, proof: Result<Vec<Hash>, Error>) -> Result<Vec<Hash>, SealError> {
        proof.map_err(|_| self.failed.take().unwrap_or(SealError::NoProof))
    }

    fn hash(&self, index: u64) -> Result<Option<Hash>, SealError> {
        let (level, number) = split_stored_hash_index(index);
        let (tile_level, height) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let first = number << height;
        let key = (tile_level, first / TILE_WIDTH as u64);
        let mut read = self.read.borrow_mut();
        let tile = match read.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(self.kept.tile(self.writer, key.0, key.1)?),
        };
        let from = usize::try_from(first % TILE_WIDTH as u64).unwrap_or(usize::MAX);
        let to = from.saturating_add(1 << height);
        Ok(tile.get(from..to).map(subtree))
    }
}

impl HashReader for Tiles<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let hash = |index: &u64| match self.hash(*index) {
            Ok(hash) => hash.ok_or(Error::IndexesNotInTree),
            Err(error) => {
                self.failed.replace(Some(error));
                Err(Error::InvalidTile)
            }
        };
        indexes.iter().map(hash).collect()
    }
}
