//! The Merkle tree of one writer (RFC 6962, section 2.1), grown leaf by leaf.
//!
//! Only its right edge is in memory: of every level of tiles (C2SP tlog-tiles, height 8) the one tile
//! that is not full yet. That is all that new leaves and the root need.

use ring::digest::{Context, SHA256};
use tlog_tiles::{EMPTY_HASH, Hash, node_hash};

/// The height of a tile.
pub const TILE_HEIGHT: u8 = 8;
/// Hashes of a full tile.
pub const TILE_WIDTH: usize = 1 << TILE_HEIGHT;

/// The leaf hash of a document: SHA-256 over a zero byte and the text.
pub fn leaf(document: &str) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[0]);
    context.update(document.as_bytes());
    let mut hash = Hash::default();
    hash.0.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

/// The hashes of a tile from its bytes; what is left over counts for nothing.
pub(super) fn hashes_of(bytes: &[u8]) -> Vec<Hash> {
    bytes.as_chunks::<32>().0.iter().map(|bytes| Hash(*bytes)).collect()
}

/// A tile that has become full.
#[derive(Debug, Clone, PartialEq)]
pub struct FullTile {
    /// The level of tiles, 0 for leaves.
    pub level: u8,
    /// Its number within the level.
    pub number: u64,
    /// Its 256 hashes.
    pub hashes: Vec<Hash>,
}

/// A tree that can grow.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    size: u64,
    /// Of each level of tiles the hashes of the last, incomplete tile.
    edge: Vec<Vec<Hash>>,
}

impl Tree {
    /// A tree of `size` leaves, whose incomplete tiles `tile` gives by level and number. None if they
    /// do not have the hashes that such a tree has.
    pub fn restore(size: u64, mut tile: impl FnMut(u8, u64) -> Vec<Hash>) -> Option<Self> {
        let mut edge = Vec::new();
        let (mut level, mut hashes_on_level) = (0, size);
        while hashes_on_level > 0 {
            let width = usize::try_from(hashes_on_level % TILE_WIDTH as u64).ok()?;
            let number = hashes_on_level / TILE_WIDTH as u64;
            let mut hashes = if width == 0 { Vec::new() } else { tile(level, number) };
            if hashes.len() < width {
                return None;
            }
            hashes.truncate(width);
            edge.push(hashes);
            (level, hashes_on_level) = (level + 1, number);
        }
        Some(Self { size, edge })
    }

    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf. Every tile that becomes full is given to `full`.
    pub fn push(&mut self, leaf: Hash, mut full: impl FnMut(FullTile)) {
        self.size += 1;
        let mut hash = leaf;
        let mut on_level = self.size;
        for level in 0_u8.. {
            if self.edge.len() <= usize::from(level) {
                self.edge.push(Vec::with_capacity(TILE_WIDTH));
            }
            let Some(tile) = self.edge.get_mut(usize::from(level)) else { return };
            tile.push(hash);
            if tile.len() < TILE_WIDTH {
                return;
            }
            on_level /= TILE_WIDTH as u64;
            hash = subtree(tile);
            let hashes = std::mem::replace(tile, Vec::with_capacity(TILE_WIDTH));
            full(FullTile { level, number: on_level - 1, hashes });
        }
    }

    /// The incomplete tiles: level, number, hashes.
    pub fn incomplete(&self) -> impl Iterator<Item = (u8, u64, &[Hash])> {
        let tiles = (0_u8..).zip(&self.edge).filter(|(_, hashes)| !hashes.is_empty());
        tiles.map(|(level, hashes)| {
            let shift = u32::from(TILE_HEIGHT) * (u32::from(level) + 1);
            (level, self.size.checked_shr(shift).unwrap_or(0), hashes.as_slice())
        })
    }

    /// The root hash.
    pub fn root(&self) -> Hash {
        // From the lowest level up and from right to left, the complete subtrees that the tree is
        // made of; each joins what is right of it.
        let mut root: Option<Hash> = None;
        for hashes in &self.edge {
            let mut rest = hashes.as_slice();
            while !rest.is_empty() {
                let width = 1_usize << rest.len().trailing_zeros();
                let (left, subtree_hashes) = rest.split_at(rest.len() - width);
                let hash = subtree(subtree_hashes);
                root = Some(root.map_or(hash, |right| node_hash(hash, right)));
                rest = left;
            }
        }
        root.unwrap_or(EMPTY_HASH)
    }
}

/// The root of a complete subtree: as many hashes as a power of two.
pub(super) fn subtree(hashes: &[Hash]) -> Hash {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        let pairs = level.as_chunks::<2>().0;
        level = pairs.iter().map(|[left, right]| node_hash(*left, *right)).collect();
    }
    level.first().copied().unwrap_or(EMPTY_HASH)
}
