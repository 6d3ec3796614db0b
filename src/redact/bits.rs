//! Sets of small numbers: the lists of paths that a request is below, the entries of `record_only`
//! that hold. Where a request is goes through the walk by value, so they have a fixed size.

/// Numbers in a set are below this.
pub(super) const BITS: usize = WORDS * WORD;

const WORDS: usize = 8;
const WORD: usize = u64::BITS as usize;

/// A set of numbers below [`BITS`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bits([u64; WORDS]);

impl Bits {
    /// All numbers.
    pub(super) const ALL: Self = Self([u64::MAX; WORDS]);

    pub(super) fn add(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / WORD) {
            *word |= 1 << (number % WORD);
        }
    }

    pub(super) fn has(&self, number: usize) -> bool {
        self.0.get(number / WORD).is_some_and(|word| word & 1 << (number % WORD) != 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn add_all(&mut self, others: &Self) {
        self.0.iter_mut().zip(others.0).for_each(|(word, other)| *word |= other);
    }

    pub(super) fn remove_all(&mut self, others: &Self) {
        self.0.iter_mut().zip(others.0).for_each(|(word, other)| *word &= !other);
    }

    /// The numbers, the lowest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(at, mut word)| {
            std::iter::from_fn(move || {
                let lowest = usize::try_from(word.trailing_zeros()).ok().filter(|_| word != 0)?;
                word &= word - 1;
                Some(at * WORD + lowest)
            })
        })
    }
}

impl FromIterator<usize> for Bits {
    fn from_iter<I: IntoIterator<Item = usize>>(numbers: I) -> Self {
        let mut bits = Self::default();
        numbers.into_iter().for_each(|number| bits.add(number));
        bits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_was_added() {
        let numbers = [0, 1, 63, 64, 65, 200, BITS - 1];
        let mut bits: Bits = numbers.into_iter().collect();
        assert!(bits.iter().eq(numbers) && bits.has(63) && !bits.has(62) && !bits.has(BITS));
        bits.remove_all(&[0, 2, 64].into_iter().collect());
        assert!(bits.iter().eq([1, 63, 65, 200, BITS - 1]));
        bits.add_all(&[2].into_iter().collect());
        assert!(bits.iter().eq([1, 2, 63, 65, 200, BITS - 1]));
        bits.add(BITS);
        bits.remove_all(&Bits::ALL);
        assert!(bits.is_empty() && bits.iter().next().is_none());
        assert!(Bits::ALL.iter().eq(0..BITS));
    }
}
