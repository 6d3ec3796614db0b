//! Which words went by behind the capture limit: an answer may repeat a secret that nobody kept.
//!
//! Of the words nothing is kept but bits, whose number does not depend on how many there are. So words that
//! did not go by may be taken for such that did: seldom at a hundred thousand different ones.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Shorter words are no secrets.
pub const WORD_BYTES_MIN: usize = 6;

/// Longer ones are files.
const WORD_BYTES_MAX: usize = 4096;

/// Bits, of which each word sets [`PROBES`]: 128 KiB.
const BITS_LOG2: u32 = 20;
const PROBES: u32 = 3;

/// The words of one body.
pub struct Passed {
    bits: Vec<AtomicU64>,
    hasher: RandomState,
}

impl Passed {
    fn new() -> Self {
        let bits = (0..1_usize << (BITS_LOG2 - u64::BITS.ilog2())).map(|_| AtomicU64::new(0));
        Self { bits: bits.collect(), hasher: RandomState::new() }
    }

    /// Whether the word went by.
    pub fn has(&self, word: &[u8]) -> bool {
        self.places(word).all(|(slot, bit)| slot.load(Ordering::Relaxed) & bit != 0)
    }

    fn add(&self, word: &[u8]) {
        if (WORD_BYTES_MIN..=WORD_BYTES_MAX).contains(&word.len())
            && std::str::from_utf8(word).is_ok()
        {
            self.places(word).for_each(|(slot, bit)| {
                slot.fetch_or(bit, Ordering::Relaxed);
            });
        }
    }

    fn places(&self, word: &[u8]) -> impl Iterator<Item = (&AtomicU64, u64)> {
        let hash = self.hasher.hash_one(word);
        (0..PROBES).filter_map(move |probe| {
            let place = (hash >> (probe * BITS_LOG2)) & ((1 << BITS_LOG2) - 1);
            let slot = usize::try_from(place / u64::from(u64::BITS)).ok()?;
            Some((self.bits.get(slot)?, 1 << (place % u64::from(u64::BITS))))
        })
    }
}

/// Splits what goes by into words.
pub(super) struct Splitter {
    passed: Arc<Passed>,
    /// The word that goes on, one byte longer than words are at most if it is longer.
    open: Vec<u8>,
}

impl Splitter {
    pub(super) fn new() -> Self {
        Self { passed: Arc::new(Passed::new()), open: Vec::new() }
    }

    pub(super) fn passed(&self) -> Arc<Passed> {
        Arc::clone(&self.passed)
    }

    /// Takes the next bytes, which may end in the middle of a word.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|byte| ends_word(*byte)).peekable();
        while let Some(piece) = pieces.next() {
            let is_last = pieces.peek().is_none();
            if self.open.is_empty() && !is_last {
                self.passed.add(piece);
                continue;
            }
            let room = (WORD_BYTES_MAX + 1).saturating_sub(self.open.len());
            self.open.extend_from_slice(piece.get(..room).unwrap_or(piece));
            self.passed.add(&self.open);
            if !is_last {
                self.open.clear();
            }
        }
    }
}

/// Whether a byte stands between words: blanks, quotes, brackets and what joins names and values. No byte
/// of a character of more than one does.
pub fn ends_word(byte: u8) -> bool {
    byte <= b' ' || byte == 0x7f || b"\"'`<>()[]{}\\,;:=&/?.".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::{Splitter, WORD_BYTES_MAX};

    #[test]
    fn words_are_known_wherever_the_chunks_end() {
        let text = "name,password\nada,Wq7-Pelikan-48xy\nbob,Zäq7rT2x";
        for at in 0..text.len() {
            let mut words = Splitter::new();
            words.push(&text.as_bytes()[..at]);
            words.push(&text.as_bytes()[at..]);
            let passed = words.passed();
            assert!(passed.has(b"Wq7-Pelikan-48xy"), "{at}");
            assert!(passed.has("Zäq7rT2x".as_bytes()), "{at}");
            assert!(!passed.has(b"another-word"), "{at}");
        }
    }

    #[test]
    fn files_and_short_words_are_not_kept() {
        let mut words = Splitter::new();
        words.push(&vec![b'a'; WORD_BYTES_MAX + 9]);
        words.push(b" short \xff\xfe\xfd\xfc\xfb\xfa ");
        let passed = words.passed();
        assert!(!passed.has(&vec![b'a'; WORD_BYTES_MAX + 9]));
        assert!(!passed.has(b"short") && !passed.has(b"\xff\xfe\xfd\xfc\xfb\xfa"));
        assert!(words.open.is_empty());
    }
}
