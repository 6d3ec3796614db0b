//! The leaves of a log as they were when it was sealed, from the tiles beside the ledger.

use tlog_tiles::Hash;

use super::{Kept, SealError, TILE_WIDTH};

/// Leaves that are asked for in about their order.
pub(super) struct TileLeaves<'k> {
    kept: &'k mut Kept,
    writer: String,
    tile: Option<u64>,
    hashes: Vec<Hash>,
}

impl<'k> TileLeaves<'k> {
    pub(super) fn new(kept: &'k mut Kept, writer: &str) -> Self {
        Self { kept, writer: writer.to_owned(), tile: None, hashes: Vec::new() }
    }

    /// The leaf of an entry, if it was kept.
    pub(super) fn leaf(&mut self, seq: u64) -> Option<Hash> {
        let index = seq.checked_sub(1)?;
        let (tile, position) = (index / TILE_WIDTH as u64, index % TILE_WIDTH as u64);
        if self.tile != Some(tile) {
            // A tile that cannot be had is one that was not kept.
            self.hashes = self.kept.tile(&self.writer, 0, tile).unwrap_or_default();
            self.tile = Some(tile);
        }
        self.hashes.get(usize::try_from(position).ok()?).copied()
    }
}

impl Kept {
    /// The leaf of an entry.
    pub fn leaf(&self, writer: &str, seq: u64) -> Result<Option<Hash>, SealError> {
        let Some(index) = seq.checked_sub(1) else { return Ok(None) };
        let width = TILE_WIDTH as u64;
        let hashes = self.tile(writer, 0, index / width)?;
        let position = usize::try_from(index % width).unwrap_or(usize::MAX);
        Ok(hashes.get(position).copied())
    }

    /// Whether an entry of the tree is another one now. A tile that was lost or damaged says nothing
    /// against the ledger.
    pub(super) fn is_changed(
        &self,
        writer: &str,
        seq: u64,
        leaf: Hash,
        sealed: Option<(u64, Hash)>,
    ) -> Result<bool, SealError> {
        let Some(kept) = self.leaf(writer, seq)? else { return Ok(false) };
        let sealed = sealed.filter(|(size, _)| seq <= *size);
        Ok(kept != leaf && sealed.is_none_or(|sealed| self.shows(writer, seq, kept, sealed)))
    }
}
