//! The tree against the definition in RFC 6962.

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tlog_tiles::Hash;

use crate::record::leaf_hash;
use crate::seal::{TILE_WIDTH, Tree, leaf};

/// MTH of RFC 6962, section 2.1, word for word.
pub(super) fn naive(leaves: &[Hash]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [one] => one.0,
        many => {
            let middle = (many.len().next_power_of_two()) / 2;
            let (left, right) = many.split_at(middle);
            let mut hash = Sha256::new();
            hash.update([1]);
            hash.update(naive(left));
            hash.update(naive(right));
            hash.finalize().into()
        }
    }
}

pub(super) fn leaves(count: usize) -> Vec<Hash> {
    (0..count).map(|number| leaf(&number.to_string())).collect()
}

#[test]
fn a_leaf_is_what_the_ledger_says_it_is() {
    for text in ["", "{}", "{\"a\":\"ü\"}"] {
        assert_eq!(leaf(text).0, leaf_hash(text));
    }
}

#[test]
fn roots_are_those_of_the_definition_at_every_size() {
    let leaves = leaves(530);
    let mut tree = Tree::default();
    assert_eq!(tree.root().0, naive(&[]));
    for (size, leaf) in leaves.iter().enumerate().map(|(index, leaf)| (index + 1, leaf)) {
        tree.push(*leaf, drop);
        assert_eq!(tree.root().0, naive(&leaves[..size]), "size {size}");
    }
}

#[test]
fn a_tree_of_several_levels_has_the_root_of_the_definition() {
    let leaves = leaves(TILE_WIDTH * TILE_WIDTH + 259);
    let (mut tree, mut full) = (Tree::default(), Vec::new());
    leaves.iter().for_each(|leaf| tree.push(*leaf, |tile| full.push((tile.level, tile.number))));
    assert_eq!(tree.root().0, naive(&leaves));
    let upper: Vec<_> = full.iter().filter(|(level, _)| *level > 0).collect();
    assert_eq!((full.len(), upper), (TILE_WIDTH + 2, vec![&(1, 0)]));
    let incomplete: Vec<_> =
        tree.incomplete().map(|(level, number, hashes)| (level, number, hashes.len())).collect();
    assert_eq!(incomplete, [(0, 257, 3), (1, 1, 1), (2, 0, 1)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Stored tiles give back the tree of any earlier size, which then grows as the first one did.
    #[test]
    fn a_tree_can_be_taken_up_again(sizes in (1_usize..1200, 0_usize..300)) {
        let (first, more) = sizes;
        let leaves = leaves(first + more);
        let (mut tree, mut tiles) = (Tree::default(), std::collections::HashMap::new());
        for leaf in &leaves {
            tree.push(*leaf, |tile| { tiles.insert((tile.level, tile.number), tile.hashes); });
        }
        for (level, number, hashes) in tree.incomplete() {
            tiles.insert((level, number), hashes.to_vec());
        }
        let tile = |level, number| tiles.get(&(level, number)).cloned().unwrap_or_default();
        let mut again = Tree::restore(first as u64, tile).unwrap();
        prop_assert_eq!(again.root().0, naive(&leaves[..first]));
        leaves[first..].iter().for_each(|leaf| again.push(*leaf, drop));
        prop_assert_eq!(again.root(), tree.root());
        prop_assert_eq!(Tree::restore(first as u64, |_, _| Vec::new()).is_none(), first % 256 != 0 || first > 255);
    }
}
