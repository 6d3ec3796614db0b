//! The leaves of a log as they were when it was sealed, from the tiles beside the ledger.

use tlog_tiles::Hash;

use super::{Kept, TILE_WIDTH};

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
