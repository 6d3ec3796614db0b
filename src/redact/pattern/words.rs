//! Where keywords stand in a text, in any case.
//!
//! Hardly any place in a text is the beginning of a keyword, and four bytes tell of nearly all that
//! they are none: each place can be told without waiting for the one before, and what is told of it is
//! counted, not asked. At the others the few words that begin with these bytes are compared.

use std::ops::Range;

/// Shorter words occur by chance all the time.
pub(in crate::redact) const WORD_BYTES_MIN: usize = 3;

/// How many bytes tell which beginnings there are.
const BEGINNINGS_LOG2: u32 = 14;

/// Many keywords, each known by its position.
#[derive(Debug)]
pub(super) struct Words {
    beginnings: Beginnings,
    heads: Heads,
    /// The first bytes of words, by where the first three have their bits.
    firsts: Vec<First>,
    /// How many of them come before those of each place of bits, and how many there are.
    before: Vec<u32>,
    /// The words, by their first bytes and length.
    words: Vec<Word>,
}

/// The first eight bytes of words, as blocks have them, and which of them there are.
#[derive(Debug)]
struct First {
    bytes: u64,
    mask: u64,
    /// Which words begin so.
    words: Range<usize>,
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
        let (beginnings, heads) = (Beginnings::of(words.clone()), Heads::of(words.clone()));
        let mut all: Vec<((usize, u64, u64), Word)> = words
            .enumerate()
            .filter_map(|(position, word)| {
                let block = block(word.as_bytes(), 0)?;
                let bytes = word.len().min(BLOCK_BYTES);
                let mask = u64::MAX >> (8 * (BLOCK_BYTES - bytes));
                let is_told =
                    bytes == word.len() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
                let text = word.as_bytes().into();
                Some(((slot(block, 0), mask, block & mask), Word { is_told, text, position }))
            })
            .collect();
        all.sort_by_key(|(first, word)| (*first, word.text.len()));
        let mut firsts: Vec<(usize, First)> = Vec::new();
        for (at, ((slot, mask, bytes), _)) in all.iter().enumerate() {
            match firsts.last_mut() {
                Some((_, last)) if (last.mask, last.bytes) == (*mask, *bytes) => {
                    last.words.end = at + 1;
                }
                _ => {
                    let words = at..at + 1;
                    firsts.push((*slot, First { bytes: *bytes, mask: *mask, words }));
                }
            }
        }
        let mut before: Vec<u32> = vec![0; (1 << BEGINNINGS_LOG2) + 1];
        for (slot, _) in &firsts {
            if let Some(here) = before.get_mut(slot + 1) {
                *here += 1;
            }
        }
        let mut sum = 0;
        for before in &mut before {
            sum += *before;
            *before = sum;
        }
        let firsts = firsts.into_iter().map(|(_, first)| first).collect();
        let words = all.into_iter().map(|(_, word)| word).collect();
        Self { beginnings, heads, firsts, before, words }
    }

    /// Every word in the text with its position; of those that begin at one place the shorter first,
    /// else from left to right.
    pub(super) fn each<E>(
        &self,
        text: &[u8],
        mut found: impl FnMut(usize, Range<usize>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut places = [0; PLACES_MAX];
        let mut from = Some(0);
        while let Some(begun) = from {
            let count;
            (count, from) = self.beginnings.next(text, begun, &mut places);
            for at in places.iter().take(count) {
                let block = block(text, *at).filter(|block| self.heads.has(*block));
                let Some(block) = block else { continue };
                for first in self.firsts(block) {
                    if block & first.mask != first.bytes {
                        continue;
                    }
                    for word in self.words.get(first.words.clone()).unwrap_or_default() {
                        let here = *at..*at + word.text.len();
                        if word.is_told || text.get(here.clone()).is_some_and(|here| word.is(here))
                        {
                            found(word.position, here)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// With what the words begin whose first bytes may be these.
    fn firsts(&self, word: u64) -> &[First] {
        let range = self.before.get(slot(word, 0)..).and_then(|before| before.first_chunk());
        let [from, to] = range.copied().unwrap_or_default();
        self.firsts.get(from as usize..to as usize).unwrap_or_default()
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

/// The same by the hash of four bytes; of words that have but three, by that of the three and nothing.
#[derive(Debug)]
struct Heads(Box<[u64; HEADS / 64]>);

/// How many bits there are.
const HEADS: usize = 1 << HEADS_LOG2;
const HEADS_LOG2: u32 = 16;

/// Bytes that are looked at together.
const BLOCK_BYTES: usize = 8;

/// Places in them at which four bytes begin.
const BLOCK_PLACES: usize = 5;

/// Places that are found in one go.
const PLACES_MAX: usize = 64;

/// What makes letters of both cases one, in each of eight bytes.
const LOWER_CASE: u64 = 0x2020_2020_2020_2020;

/// The golden ratio's fraction: the upper bits of a product with it are a hash (Fibonacci hashing).
const GOLDEN: u32 = 0x9E37_79B1;

/// Eight bytes of a text from here on, in lower case, with zeros behind its end; `None` if they are too
/// few for a word.
fn block(text: &[u8], at: usize) -> Option<u64> {
    let rest = text.get(at..)?;
    let block = match (rest.first_chunk(), text.last_chunk()) {
        (Some(first), _) => u64::from_le_bytes(*first),
        _ if rest.len() < WORD_BYTES_MIN => return None,
        (None, Some(last)) => u64::from_le_bytes(*last) >> (8 * (8 - rest.len())),
        (None, None) => rest.iter().rev().fold(0, |block, byte| block << 8 | u64::from(*byte)),
    };
    Some(block | LOWER_CASE)
}

impl Beginnings {
    fn of<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut bits = Box::new([0; 1 << BEGINNINGS_LOG2]);
        for word in words.map(str::as_bytes) {
            let Some(begin) = block(word, 0) else { continue };
            if let Some(bits) = bits.get_mut(slot(begin, 0)) {
                *bits |= if word.len() > WORD_BYTES_MIN { 1 << class(begin, 0) } else { u8::MAX };
            }
        }
        Self(bits)
    }

    /// Places from here on at which a word may begin, how many, and from where on there may be more.
    #[inline(never)]
    fn next(
        &self,
        text: &[u8],
        mut from: usize,
        places: &mut [usize; PLACES_MAX],
    ) -> (usize, Option<usize>) {
        let mut count = 0;
        while count <= PLACES_MAX - BLOCK_PLACES {
            let Some(block) = block(text, from) else { return (count, None) };
            for place in 0..BLOCK_PLACES {
                // Written whether it is one or not: what does not count is written over.
                if let Some(next) = places.get_mut(count % PLACES_MAX) {
                    *next = from + place;
                }
                let bits = self.0.get(slot(block, place)).copied().unwrap_or_default();
                count += usize::from(bits >> class(block, place) & 1);
            }
            from += BLOCK_PLACES;
        }
        (count, Some(from))
    }
}

impl Heads {
    fn of<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut bits = Box::new([0; HEADS / 64]);
        for word in words.map(str::as_bytes) {
            let Some(begin) = block(word, 0) else { continue };
            let (at, bit) =
                Self::place(if word.len() > WORD_BYTES_MIN { begin } else { begin << 8 });
            if let Some(bits) = bits.get_mut(at) {
                *bits |= 1 << bit;
            }
        }
        Self(bits)
    }

    fn has(&self, word: u64) -> bool {
        let has = |(at, bit)| self.0.get(at).is_some_and(|bits: &u64| bits >> bit & 1 != 0);
        has(Self::place(word)) | has(Self::place(word << 8))
    }

    fn place(word: u64) -> (usize, u32) {
        let hash = (word as u32).wrapping_mul(GOLDEN) >> (u32::BITS - HEADS_LOG2);
        ((hash / 64) as usize, hash % 64)
    }
}

/// Where three bytes have their bits: the byte after them is lost in the product.
fn slot(word: u64, place: usize) -> usize {
    let gram = (word >> (8 * place)) as u32;
    (gram.wrapping_mul(GOLDEN << 8) >> (u32::BITS - BEGINNINGS_LOG2)) as usize
}

/// The class of the byte after the three at a place.
fn class(word: u64, place: usize) -> u32 {
    (word >> (8 * (place + WORD_BYTES_MIN))) as u32 % u8::BITS
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
