//! Sets of rows of one block, and how they are stored.
//!
//! Stored as a list of numbers where there are few, else as a bitmap without its empty end. What cannot
//! be understood is no member: a damaged set hides rows, and never stops a reader.

/// Rows of one block.
pub(super) const ROWS: u32 = 16_384;
const WORDS: usize = 256;

/// Members of a set that is small.
const SMALL: usize = 64;

const LIST: u8 = 0;
const MAP: u8 = 1;

/// Which of a block's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bits(Box<[u64; WORDS]>);

impl Default for Bits {
    fn default() -> Self {
        Self(Box::new([0; WORDS]))
    }
}

impl Bits {
    pub(super) fn of(stored: &[u8]) -> Self {
        let mut bits = Self::default();
        bits.add(stored);
        bits
    }

    pub(super) fn set(&mut self, row: u16) {
        if let Some(word) = self.0.get_mut(usize::from(row / 64)) {
            *word |= 1 << (row % 64);
        }
    }

    pub(super) fn clear(&mut self, row: u16) {
        if let Some(word) = self.0.get_mut(usize::from(row / 64)) {
            *word &= !(1 << (row % 64));
        }
    }

    pub(super) fn contains(&self, row: u16) -> bool {
        self.0.get(usize::from(row / 64)).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Whether a stored set has this member.
    pub(super) fn has(stored: &[u8], row: u16) -> bool {
        match stored.split_first() {
            Some((&MAP, bytes)) => {
                let word = words(bytes).nth(usize::from(row / 64));
                word.is_some_and(|word| word >> (row % 64) & 1 == 1)
            }
            Some((&LIST, bytes)) => list(bytes).any(|member| member == row),
            _ => false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Adds the members of a stored set.
    pub(super) fn add(&mut self, stored: &[u8]) {
        match stored.split_first() {
            Some((&MAP, bytes)) => {
                for (word, more) in self.0.iter_mut().zip(words(bytes)) {
                    *word |= more;
                }
            }
            Some((&LIST, bytes)) => list(bytes).for_each(|row| self.set(row)),
            _ => {}
        }
    }

    /// Keeps what is in the other one, too.
    pub(super) fn keep(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(other.0.iter()) {
            *word &= other;
        }
    }

    /// How many members it has in common with a stored set.
    pub(super) fn count_common(&self, stored: &[u8]) -> u64 {
        match stored.split_first() {
            Some((&MAP, bytes)) => {
                let common = self.0.iter().zip(words(bytes)).map(|(word, other)| word & other);
                common.map(|word| u64::from(word.count_ones())).sum()
            }
            Some((&LIST, bytes)) => list(bytes).map(|row| u64::from(self.contains(row))).sum(),
            _ => 0,
        }
    }

    /// The last member.
    pub(super) fn last(&self) -> Option<u16> {
        let word = self.0.iter().rposition(|word| *word != 0)?;
        let first = u16::try_from(word * 64).ok()?;
        let rest = *self.0.get(word)?;
        Some(first + u16::try_from(63 - rest.leading_zeros()).unwrap_or_default())
    }

    /// The members, in order.
    pub(super) fn rows(&self) -> impl Iterator<Item = u16> {
        (0_u16..)
            .step_by(64)
            .zip(self.0.iter())
            .flat_map(|(first, word)| Members { first, rest: *word })
    }

    /// A stored set, as it is when these rows have come into it, or gone.
    pub(super) fn changed(stored: Option<&[u8]>, rows: &[(u16, bool)]) -> Vec<u8> {
        let stored = stored.unwrap_or(&[LIST]);
        // Most sets are small, and only grow.
        let (known, _) = stored.get(1..).unwrap_or_default().as_chunks::<2>();
        let grows = rows.iter().all(|(_, comes)| *comes);
        if stored.first() == Some(&LIST) && grows && known.len() + rows.len() <= SMALL {
            let mut all: Vec<u16> = list(stored.get(1..).unwrap_or_default()).collect();
            all.extend(rows.iter().map(|(row, _)| *row));
            all.sort_unstable();
            all.dedup();
            // Two bytes each are no more than a bitmap up to the last of them.
            if usize::from(all.last().copied().unwrap_or_default()) / 64 * 8 + 8 >= all.len() * 2 {
                let rows = all.iter().flat_map(|row| row.to_le_bytes());
                return std::iter::once(LIST).chain(rows).collect();
            }
        }
        let mut bits = Self::of(stored);
        for (row, comes) in rows {
            if *comes { bits.set(*row) } else { bits.clear(*row) }
        }
        bits.stored()
    }

    /// Whether a stored set has no members.
    pub(super) fn is_nothing(stored: &[u8]) -> bool {
        stored.len() <= 1
    }

    /// As it is stored.
    pub(super) fn stored(&self) -> Vec<u8> {
        let used = self.0.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
        let count = usize::try_from(self.count()).unwrap_or(usize::MAX);
        if count.saturating_mul(2) <= used * 8 {
            let mut stored = Vec::with_capacity(1 + count * 2);
            stored.push(LIST);
            self.rows().for_each(|row| stored.extend_from_slice(&row.to_le_bytes()));
            return stored;
        }
        let mut stored = Vec::with_capacity(1 + used * 8);
        stored.push(MAP);
        for word in self.0.iter().take(used) {
            stored.extend_from_slice(&word.to_le_bytes());
        }
        stored
    }
}

struct Members {
    first: u16,
    rest: u64,
}

impl Iterator for Members {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.rest == 0 {
            return None;
        }
        let place = u16::try_from(self.rest.trailing_zeros()).unwrap_or_default();
        self.rest &= self.rest - 1;
        Some(self.first.saturating_add(place))
    }
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let (words, _) = bytes.as_chunks::<8>();
    words.iter().map(|word| u64::from_le_bytes(*word))
}

fn list(bytes: &[u8]) -> impl Iterator<Item = u16> {
    let (rows, _) = bytes.as_chunks::<2>();
    rows.iter().map(|row| u16::from_le_bytes(*row))
}

/// Numbers of 32 bits, one a row, as they are stored.
pub(super) fn numbers(stored: &[u8]) -> Vec<u32> {
    let (numbers, _) = stored.as_chunks::<4>();
    numbers.iter().map(|number| u32::from_le_bytes(*number)).collect()
}

pub(super) fn stored_numbers(numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{Bits, ROWS};

    proptest! {
        #[test]
        fn a_set_is_a_set(
            one in prop::collection::btree_set(0..u16::try_from(ROWS).unwrap(), 0..600),
            two in prop_oneof![
                prop::collection::btree_set(0..2000_u16, 0..1900),
                prop::collection::btree_set(0..100_u16, 0..90),
                prop::collection::btree_set(0..u16::try_from(ROWS).unwrap(), 0..5),
            ],
        ) {
            let bits = |rows: &BTreeSet<u16>| {
                let mut bits = Bits::default();
                rows.iter().for_each(|row| bits.set(*row));
                bits
            };
            let (a, b) = (bits(&one), bits(&two));
            prop_assert_eq!(a.rows().collect::<BTreeSet<_>>(), one.clone());
            prop_assert_eq!(a.last(), one.last().copied());
            for (set, rows) in [(&a, &one), (&b, &two)] {
                prop_assert_eq!(&Bits::of(&set.stored()), set);
                prop_assert_eq!(set.count(), rows.len() as u64);
                prop_assert!(set.stored().len() <= 1 + 2 * rows.len());
                for row in (0..2_500).chain([16_383]) {
                    prop_assert_eq!(Bits::has(&set.stored(), row), rows.contains(&row));
                }
            }
            let common: BTreeSet<u16> = one.intersection(&two).copied().collect();
            prop_assert_eq!(a.count_common(&b.stored()), common.len() as u64);
            prop_assert_eq!(b.count_common(&a.stored()), common.len() as u64);
            let mut kept = a.clone();
            kept.keep(&b);
            prop_assert_eq!(&kept, &bits(&common));
            kept.rows().collect::<Vec<_>>().into_iter().for_each(|row| kept.clear(row));
            prop_assert!(kept.is_empty());
            let mut joined = a.clone();
            joined.add(&b.stored());
            joined.add(&[7, 1, 2]);
            let come: Vec<(u16, bool)> = two.iter().map(|row| (*row, true)).collect();
            prop_assert_eq!(&Bits::changed(Some(&a.stored()), &come), &joined.stored());
            prop_assert_eq!(&Bits::changed(None, &come), &b.stored());
            let go: Vec<(u16, bool)> = one.iter().map(|row| (*row, false)).collect();
            prop_assert!(Bits::is_nothing(&Bits::changed(Some(&a.stored()), &go)));
            prop_assert_eq!(joined, bits(&one.union(&two).copied().collect()));
        }
    }
}
