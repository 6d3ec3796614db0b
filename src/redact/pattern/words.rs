//! Where keywords stand in a text, in any case.
//!
//! Hardly any place in a text is the beginning of a keyword, and three bytes tell of nearly all that
//! they are none: each place can be told without waiting for the one before. At the others the few
//! words that begin with these bytes are compared.

use std::ops::Range;

/// Shorter words occur by chance all the time.
pub(in crate::redact) const WORD_BYTES_MIN: usize = 3;

/// How many bytes tell which beginnings there are.
const BEGINNINGS_LOG2: u32 = 14;

/// Many keywords, each known by its position.
#[derive(Debug)]
pub(super) struct Words {
    beginnings: Beginnings,
    fourths: Fourths,
    /// What their first bytes are, by where the first three have their bits, and by length.
    heads: Vec<Head>,
    /// The same words, in the same order.
    words: Vec<Word>,
    /// How many words come before those of each place of bits, and how many there are.
    before: Vec<u32>,
}

/// The first eight bytes of a keyword, as blocks have them, and which of them there are.
#[derive(Debug)]
struct Head {
    bytes: u64,
    mask: u64,
}

/// One keyword.
#[derive(Debug)]
struct Word {
    /// Its first bytes tell that this is the word: it is no longer, and only letters have two cases.
    is_told: bool,
    text: Box<[u8]>,
    position: usize,
}

impl Words {
    /// None may be shorter than three bytes.
    pub(super) fn new<'w>(words: impl Iterator<Item = &'w str> + Clone) -> Self {
        let (beginnings, fourths) = (Beginnings::of(words.clone()), Fourths::of(words.clone()));
        let mut slots: Vec<(usize, Head, Word)> = words
            .enumerate()
            .filter_map(|(position, word)| {
                let block = Block::at(word.as_bytes(), 0)?.word;
                let bytes = word.len().min(BLOCK_BYTES);
                let mask = u64::MAX >> (8 * (BLOCK_BYTES - bytes));
                let is_told =
                    bytes == word.len() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
                let text = word.as_bytes().into();
                let head = Head { bytes: block & mask, mask };
                Some((slot(block, 0), head, Word { is_told, text, position }))
            })
            .collect();
        slots.sort_by_key(|(slot, _, word)| (*slot, word.text.len()));
        let before =
            |at| u32::try_from(slots.partition_point(|(slot, ..)| *slot < at)).unwrap_or(u32::MAX);
        let before = (0..=1 << BEGINNINGS_LOG2).map(before).collect();
        let (heads, words) = slots.into_iter().map(|(_, head, word)| (head, word)).unzip();
        Self { beginnings, fourths, heads, words, before }
    }

    /// Every word in the text with its position, from left to right.
    pub(super) fn each<E>(
        &self,
        text: &[u8],
        mut found: impl FnMut(usize, Range<usize>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut from = 0;
        while let Some((at, mut places)) = self.beginnings.next(text, from) {
            while places != 0 {
                let place = places.trailing_zeros() as usize / 8;
                places &= !(0xff << (8 * place));
                let at = at + place;
                let Some(block) = Block::at(text, at).filter(|block| self.fourths.has(block.word))
                else {
                    continue;
                };
                let mut first = 0;
                while let Some((skipped, word)) = self.next_at(text, block, first) {
                    found(word.position, at..at + word.text.len())?;
                    first += skipped + 1;
                }
            }
            from = at + BLOCK_PLACES;
        }
        Ok(())
    }

    /// The next word that begins here, beyond so many that share its first bytes, and how many of
    /// them are none.
    #[inline(never)]
    fn next_at(&self, text: &[u8], block: Block, first: usize) -> Option<(usize, &Word)> {
        let Block { at, word: block } = block;
        let slot = slot(block, 0);
        let [from, to] = *self.before.get(slot..)?.first_chunk::<2>()?;
        let from = from as usize + first;
        let heads = self.heads.get(from..to as usize)?;
        heads.iter().enumerate().find_map(|(skipped, head)| {
            if block & head.mask != head.bytes {
                return None;
            }
            let word = self.words.get(from + skipped)?;
            let here = text.get(at..at + word.text.len());
            (word.is_told || here.is_some_and(|here| word.is(here))).then_some((skipped, word))
        })
    }
}

impl Word {
    /// Whether it is this text, in any case. Words that share their first bytes differ in others.
    fn is(&self, text: &[u8]) -> bool {
        let last = |text: &[u8]| text.last().map(u8::to_ascii_lowercase);
        last(text) == last(&self.text) && text.eq_ignore_ascii_case(&self.text)
    }
}

/// What words begin with, and now and then something else: for each hash of three bytes, in which
/// letters of both cases are one, a bit for each of the eight classes of the byte after them.
#[derive(Debug)]
struct Beginnings(Box<[u8; 1 << BEGINNINGS_LOG2]>);

/// What words begin with in four bytes, and now and then something else: a bit for each hash of them.
#[derive(Debug)]
struct Fourths(Box<[u64; FOURTHS / 64]>);

/// How many bits there are.
const FOURTHS: usize = 1 << FOURTHS_LOG2;
const FOURTHS_LOG2: u32 = 16;

/// Bytes that are looked at together.
const BLOCK_BYTES: usize = 8;

/// Places in them at which three bytes begin.
const BLOCK_PLACES: usize = 6;

/// What makes letters of both cases one, in each of eight bytes.
const LOWER_CASE: u64 = 0x2020_2020_2020_2020;

/// Eight bytes of a text, with zeros behind its end.
#[derive(Clone, Copy)]
struct Block {
    at: usize,
    word: u64,
}

impl Block {
    /// The bytes from here on, in lower case; `None` if they are too few for a word.
    fn at(text: &[u8], at: usize) -> Option<Self> {
        let rest = text.get(at..)?;
        let word = match (rest.first_chunk(), text.last_chunk()) {
            (Some(first), _) => u64::from_le_bytes(*first),
            _ if rest.len() < WORD_BYTES_MIN => return None,
            (None, Some(last)) => u64::from_le_bytes(*last) >> (8 * (8 - rest.len())),
            (None, None) => rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        Some(Self { at, word: word | LOWER_CASE })
    }
}

impl Beginnings {
    fn of<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut bits = Box::new([0; 1 << BEGINNINGS_LOG2]);
        for word in words.map(str::as_bytes) {
            let Some(Block { word: begin, .. }) = Block::at(word, 0) else { continue };
            if let Some(bits) = bits.get_mut(slot(begin, 0)) {
                *bits |= if word.len() > WORD_BYTES_MIN { likely(begin, 0) as u8 } else { u8::MAX };
            }
        }
        Self(bits)
    }

    /// Where the next block is in which a word may begin, and at which of its places, each in a byte
    /// that is not zero.
    #[inline(never)]
    fn next(&self, text: &[u8], mut from: usize) -> Option<(usize, u64)> {
        while let Some(block) = Block::at(text, from) {
            let places = (0..BLOCK_PLACES).fold(0, |places, place| {
                let bits = self.0.get(slot(block.word, place)).copied().unwrap_or_default();
                places | u64::from(bits) << (8 * place)
            });
            // The byte after them is looked at only where it matters.
            if places != 0 {
                let places = (0..BLOCK_PLACES)
                    .fold(0, |all, place| all | places & likely(block.word, place));
                if places != 0 {
                    return Some((block.at, places));
                }
            }
            from += BLOCK_PLACES;
        }
        None
    }
}

impl Fourths {
    fn of<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut bits = Box::new([0; FOURTHS / 64]);
        let mut add = |word: u64| {
            let (at, bit) = Self::place(word);
            if let Some(bits) = bits.get_mut(at) {
                *bits |= 1 << bit;
            }
        };
        for word in words.map(str::as_bytes) {
            let Some(Block { word: begin, .. }) = Block::at(word, 0) else { continue };
            match word.len() {
                // Anything may follow.
                WORD_BYTES_MIN => {
                    let three = begin & 0x00ff_ffff;
                    (0..=0xff).for_each(|fourth| add(three | (fourth | 0x20) << 24));
                }
                _ => add(begin),
            }
        }
        Self(bits)
    }

    fn has(&self, word: u64) -> bool {
        let (at, bit) = Self::place(word);
        self.0.get(at).is_some_and(|bits| bits >> bit & 1 != 0)
    }

    /// As for three bytes.
    fn place(word: u64) -> (usize, u32) {
        let hash = (word as u32).wrapping_mul(0x9E37_79B1) >> (u32::BITS - FOURTHS_LOG2);
        ((hash / 64) as usize, hash % 64)
    }
}

/// Where three bytes have their bits. Fibonacci hashing: the upper bits of a product with the golden
/// ratio's fraction, in which the byte after them is lost.
fn slot(word: u64, place: usize) -> usize {
    let gram = (word >> (8 * place)) as u32;
    (gram.wrapping_mul(0x9E37_79B1 << 8) >> (u32::BITS - BEGINNINGS_LOG2)) as usize
}

/// The bit for the class of the byte after the three at a place, in the byte of that place; all bits
/// where that byte is in the next block.
fn likely(word: u64, place: usize) -> u64 {
    let bits = if place + 1 < BLOCK_PLACES { 1 << (word >> (8 * (place + 3)) & 7) } else { 0xff };
    bits << (8 * place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// By the definition.
        #[test]
        fn all_words_are_found(
            words in proptest::collection::btree_set("[ab_]{3,6}", 1..6),
            text in "[abAB_é]{0,40}",
        ) {
            let all = Words::new(words.iter().map(String::as_str));
            let mut found = Vec::new();
            all.each(text.as_bytes(), |word, range| {
                found.push((range.start, range.end, word));
                Ok::<(), ()>(())
            })
            .unwrap();
            let mut expected = Vec::new();
            for (position, word) in words.iter().enumerate() {
                for start in 0..text.len() {
                    let end = start + word.len();
                    let here = text.as_bytes().get(start..end);
                    if here.is_some_and(|here| here.eq_ignore_ascii_case(word.as_bytes())) {
                        expected.push((start, end, position));
                    }
                }
            }
            expected.sort_unstable();
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
