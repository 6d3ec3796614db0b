//! Where keywords stand in a text, in any case.
//!
//! Hardly any place in a text is the beginning of a keyword, and three bytes tell of nearly all that
//! they are none: each place can be told without waiting for the one before.

use std::ops::Range;

use aho_corasick::automaton::Automaton as _;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, BuildError, StartKind};

use super::compile::KEYWORD_BYTES_MIN;

/// How many bits tell which beginnings there are.
const BEGINNINGS_LOG2: u32 = 15;

/// Many keywords, each known by its position.
#[derive(Debug)]
pub(super) struct Words {
    /// Goes along a word from its beginning.
    automaton: DFA,
    beginnings: Beginnings,
}

impl Words {
    /// Fails only if there are more words than an automaton can hold. None may be shorter than
    /// three bytes.
    pub(super) fn new<'w>(
        words: impl Iterator<Item = &'w str> + Clone,
    ) -> Result<Self, BuildError> {
        let automaton = DFA::builder()
            .start_kind(StartKind::Anchored)
            .ascii_case_insensitive(true)
            .build(words.clone())?;
        Ok(Self { automaton, beginnings: Beginnings::of(words) })
    }

    /// Every word in the text with its position, from left to right.
    pub(super) fn each<E>(
        &self,
        text: &[u8],
        mut found: impl FnMut(usize, Range<usize>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut from = 0;
        while let Some(at) = self.beginnings.next(text, from) {
            self.each_at(text, at, &mut found)?;
            from = at + 1;
        }
        Ok(())
    }

    /// Every word that begins here.
    fn each_at<E>(
        &self,
        text: &[u8],
        at: usize,
        found: &mut impl FnMut(usize, Range<usize>) -> Result<(), E>,
    ) -> Result<(), E> {
        // An automaton that was built for it starts.
        let Ok(mut state) = self.automaton.start_state(Anchored::Yes) else { return Ok(()) };
        for (before, byte) in text.iter().enumerate().skip(at) {
            state = self.automaton.next_state(Anchored::Yes, state, *byte);
            if !self.automaton.is_special(state) {
                continue;
            }
            if self.automaton.is_dead(state) {
                break;
            }
            if !self.automaton.is_match(state) {
                continue;
            }
            for position in 0..self.automaton.match_len(state) {
                let word = self.automaton.match_pattern(state, position);
                // Words that end here and begin later are found there.
                if self.automaton.pattern_len(word) == before + 1 - at {
                    found(word.as_usize(), at..before + 1)?;
                }
            }
        }
        Ok(())
    }
}

/// What words begin with, and now and then something else: a bit for each hash of three bytes in
/// which letters of both cases are one.
#[derive(Debug)]
struct Beginnings(Box<[u64; WORDS]>);

const WORDS: usize = 1 << (BEGINNINGS_LOG2 - u64::BITS.ilog2());

impl Beginnings {
    fn of<'w>(words: impl Iterator<Item = &'w str>) -> Self {
        let mut bits = Box::new([0; WORDS]);
        for gram in words.filter_map(|word| word.as_bytes().first_chunk()) {
            let (at, bit) = place(gram_of(gram));
            if let Some(bits) = bits.get_mut(at) {
                *bits |= bit;
            }
        }
        Self(bits)
    }

    /// The next place from here on where a word may begin.
    #[inline(never)]
    fn next(&self, text: &[u8], from: usize) -> Option<usize> {
        let rest = text.get(from..)?;
        let (begin, rest) = rest.split_first_chunk::<{ KEYWORD_BYTES_MIN - 1 }>()?;
        let mut gram = gram_of(&[0, begin[0], begin[1]]);
        let may_begin = |byte: &u8| {
            gram = (gram >> 8) | (u32::from(byte | 0x20) << 16);
            let (at, bit) = place(gram);
            self.0.get(at).is_some_and(|bits| bits & bit != 0)
        };
        rest.iter().position(may_begin).map(|position| from + position)
    }
}

fn gram_of(bytes: &[u8; KEYWORD_BYTES_MIN]) -> u32 {
    bytes.iter().fold(0, |gram, byte| (gram >> 8) | (u32::from(byte | 0x20) << 16))
}

/// Fibonacci hashing: the upper bits of a product with the golden ratio's fraction.
fn place(gram: u32) -> (usize, u64) {
    let slot = gram.wrapping_mul(0x9E37_79B1) >> (u32::BITS - BEGINNINGS_LOG2);
    ((slot / u64::BITS) as usize, 1 << (slot % u64::BITS))
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
            let all = Words::new(words.iter().map(String::as_str)).unwrap();
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
