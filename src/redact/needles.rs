//! Searches a text for many others at once.
//!
//! What is searched for in one exchange is known only then, so the search must be made fast: a table tells by
//! few bytes which needles may be at a place. Where needles are so alike, or a text is so full of them, that this
//! would take long, an automaton takes over: it takes longer to make, and never long to search.

use std::iter::successors;
use std::ops::ControlFlow;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use memchr::memmem;

/// Bytes of a window.
const WINDOW: usize = 4;

/// A text is looked at in every so many places. So many windows of each needle are in the table: wherever the
/// needle is, one of them is in such a place.
const STRIDE: usize = 3;

/// What a needle has to have at least.
pub(super) const NEEDLE_BYTES_MIN: usize = WINDOW + STRIDE - 1;

/// Slots of the table for each window, so that most are empty.
const SLOTS: usize = 16;

/// Windows in one slot, beyond which the table is no use.
const DEPTH_MAX: u16 = 64;

/// Bytes that may be compared for each byte of a text, before the automaton takes over.
const WORK: usize = 16;

/// The same for any text.
const WORK_OF_ANY: usize = 4096;

/// What finds needles. They are given with each search, the same ones in the same order; those that are shorter
/// than `NEEDLE_BYTES_MIN` may not be found.
pub(super) struct Needles {
    /// By the hash of a window: the number of the last one in that slot, from 1.
    slots: Vec<u16>,
    /// Bits of a hash that are left out.
    shift: u32,
    /// None where needles are too many, or too much alike.
    windows: Vec<Window>,
    automaton: OnceLock<Option<AhoCorasick>>,
}

#[derive(Clone, Copy)]
struct Window {
    bytes: u32,
    needle: u16,
    /// Where in the needle it is.
    offset: u8,
    /// How many are behind it in its slot.
    depth: u16,
    /// The next one in its slot, from 1.
    next: u16,
}

impl Needles {
    pub(super) fn new<N: AsRef<str>>(needles: &[N]) -> Self {
        let count = needles.len() * STRIDE;
        let bits = (count.clamp(SLOTS, usize::from(u16::MAX)) * SLOTS).next_power_of_two().ilog2();
        let mut made = Self {
            slots: vec![0; 1 << bits],
            shift: u32::BITS - bits,
            windows: Vec::with_capacity(count),
            automaton: OnceLock::new(),
        };
        if made.fill(needles).is_none() {
            made.windows.clear();
        }
        made
    }

    fn fill<N: AsRef<str>>(&mut self, needles: &[N]) -> Option<()> {
        for (number, needle) in needles.iter().enumerate() {
            let number = u16::try_from(number).ok()?;
            for (window, offset) in needle.as_ref().as_bytes().windows(WINDOW).zip(0..).take(STRIDE)
            {
                let bytes = u32::from_le_bytes(*window.first_chunk()?);
                let slot = self.slots.get_mut(slot(bytes, self.shift))?;
                let depth = match usize::from(*slot).checked_sub(1) {
                    Some(next) => self.windows.get(next)?.depth + 1,
                    None => 0,
                };
                if depth > DEPTH_MAX {
                    return None;
                }
                self.windows.push(Window { bytes, needle: number, offset, depth, next: *slot });
                *slot = u16::try_from(self.windows.len()).ok()?;
            }
        }
        Some(())
    }

    /// Gives every needle in the text, by its number, with where it begins, until `found` breaks.
    pub(super) fn each<N: AsRef<str>>(
        &self,
        needles: &[N],
        text: &[u8],
        mut found: impl FnMut(usize, usize) -> ControlFlow<()>,
    ) {
        if let Some(from) = self.by_table(needles, text, &mut found) {
            self.by_automaton(needles, text, from, found);
        }
    }

    /// The same, up to where the automaton has to go on, if it does.
    fn by_table<N: AsRef<str>>(
        &self,
        needles: &[N],
        text: &[u8],
        found: &mut impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Option<usize> {
        if self.windows.is_empty() || self.automaton.get().is_some() {
            return Some(0);
        }
        let mut work = text.len() * WORK + WORK_OF_ANY;
        let mut at = 0;
        // Two windows at once: most have nothing.
        while let Some(block) = text.get(at..).and_then(<[u8]>::first_chunk) {
            let block = u64::from_le_bytes(*block);
            for (window, at) in self.worth(block, at).into_iter().flatten() {
                if self.tried(needles, text, (window, at), &mut work, found).is_break() {
                    return None;
                }
            }
            at += 2 * STRIDE;
            if work == 0 {
                return Some(at - STRIDE + 1);
            }
        }
        while let Some(window) = text.get(at..).and_then(<[u8]>::first_chunk) {
            let window = u32::from_le_bytes(*window);
            if self.tried(needles, text, (window, at), &mut work, found).is_break() {
                return None;
            }
            at += STRIDE;
        }
        None
    }

    /// The two windows of a block that begin in places that are looked at, if any needle may be at one.
    #[inline]
    fn worth(&self, block: u64, at: usize) -> Option<[(u32, usize); 2]> {
        let [one, other] = [block as u32, (block >> (8 * STRIDE)) as u32];
        let last = |window| self.slots.get(slot(window, self.shift)).copied().unwrap_or_default();
        (last(one) | last(other) != 0).then_some([(one, at), (other, at + STRIDE)])
    }

    /// Gives the needles of which this is a window, by where it is in the text.
    fn tried<N: AsRef<str>>(
        &self,
        needles: &[N],
        text: &[u8],
        (bytes, at): (u32, usize),
        work: &mut usize,
        found: &mut impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let last = self.slots.get(slot(bytes, self.shift)).copied().unwrap_or_default();
        let in_slot = successors(self.window(last), |window| self.window(window.next));
        for window in in_slot.filter(|window| window.bytes == bytes) {
            let number = usize::from(window.needle);
            let Some(needle) = needles.get(number) else { continue };
            let needle = needle.as_ref().as_bytes();
            *work = work.saturating_sub(needle.len());
            if let Some(start) = at.checked_sub(usize::from(window.offset))
                && text.get(start..).is_some_and(|rest| rest.starts_with(needle))
            {
                found(number, start)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// The same of those that begin from `from` on, however many there are.
    fn by_automaton<N: AsRef<str>>(
        &self,
        needles: &[N],
        text: &[u8],
        from: usize,
        mut found: impl FnMut(usize, usize) -> ControlFlow<()>,
    ) {
        let build = || {
            // The other kinds take time by the square of the length for what repeats itself.
            AhoCorasick::builder()
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .build(needles.iter().map(AsRef::as_ref))
                .ok()
        };
        let rest = text.get(from..).unwrap_or_default();
        if let Some(automaton) = self.automaton.get_or_init(build) {
            for hit in automaton.find_overlapping_iter(rest) {
                if found(hit.pattern().as_usize(), from + hit.start()).is_break() {
                    return;
                }
            }
            return;
        }
        for (number, needle) in needles.iter().enumerate() {
            for start in memmem::find_iter(rest, needle.as_ref()) {
                if found(number, from + start).is_break() {
                    return;
                }
            }
        }
    }

    /// The window of this number, from 1.
    fn window(&self, number: u16) -> Option<Window> {
        self.windows.get(usize::from(number).checked_sub(1)?).copied()
    }
}

fn slot(window: u32, shift: u32) -> usize {
    // Multiplied by 2^32 over the golden ratio: Knuth, The Art of Computer Programming, volume 3, 6.4.
    (window.wrapping_mul(0x9e37_79b1) >> shift) as usize
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use proptest::prelude::{Strategy, any, prop, proptest};

    use super::{NEEDLE_BYTES_MIN, Needles};

    fn all(needles: &[String], text: &str) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        Needles::new(needles).each(needles, text.as_bytes(), |number, start| {
            all.push((start, number));
            ControlFlow::Continue(())
        });
        all.sort_unstable();
        all
    }

    /// One place after the other.
    fn naive(needles: &[String], text: &str) -> Vec<(usize, usize)> {
        let starts = 0..text.len();
        let at = |start| {
            let rest = text.as_bytes().get(start..).unwrap_or_default();
            let is = move |(_, needle): &(usize, &String)| rest.starts_with(needle.as_bytes());
            needles.iter().enumerate().filter(is).map(move |(number, _)| (start, number))
        };
        starts.flat_map(at).collect()
    }

    fn texts(letters: &'static str, min: usize, max: usize) -> impl Strategy<Value = String> {
        let letters: Vec<char> = letters.chars().collect();
        prop::collection::vec(any::<prop::sample::Index>(), min..max)
            .prop_map(move |picks| picks.iter().map(|pick| *pick.get(&letters)).collect())
    }

    proptest! {
        #[test]
        fn every_place_is_found(
            needles in prop::collection::vec(texts("abä", NEEDLE_BYTES_MIN, 12), 1..40),
            text in texts("abä", 0, 300),
        ) {
            assert_eq!(all(&needles, &text), naive(&needles, &text));
        }
    }

    #[test]
    fn what_repeats_itself_is_found_in_any_number() {
        for (count, letters) in [(1, 3_000), (60, 2_000), (500, 1_000)] {
            let needles: Vec<String> = (0..count).map(|more| "a".repeat(6 + more % 70)).collect();
            let text = "a".repeat(letters);
            let found = all(&needles, &text);
            let places = |needle: &String| text.len() + 1 - needle.len();
            assert_eq!(found.len(), needles.iter().map(places).sum::<usize>());
            assert!(found.is_sorted() && found.windows(2).all(|two| two[0] != two[1]));
        }
    }

    #[test]
    fn searches_end_where_they_are_told_to() {
        let needles = ["secret".to_owned(), "etc-secret".to_owned()];
        let mut found = 0;
        Needles::new(&needles).each(&needles, b"secret etc-secret secret", |_, _| {
            found += 1;
            if found == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!(found, 2);
        assert!(all(&needles, "").is_empty() && all(&[], "secret").is_empty());
    }
}
