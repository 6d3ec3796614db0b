//! What matches begin with, place by place: most windows of prose around a keyword hold nothing of the kind,
//! and no automaton has to run there.

use std::ops::Range;

use regex_automata::dfa::{Automaton as _, dense};
use regex_automata::util::primitives::StateID;

use super::follow::{BEFORE, IN_LINES, goes_on, starts, stepped};

/// So many bytes of a match are known.
const PLACES_MAX: usize = 8;

/// What matches of a pattern can begin with.
#[derive(Debug)]
pub(super) struct Onset {
    /// For each byte a bit for each of the places at which it may stand.
    places: Box<[u8; 256]>,
    /// How many places there are.
    count: usize,
    /// The only byte that stands at the first one.
    only: Option<u8>,
    /// Matches begin where lines do.
    at_lines: bool,
}

impl Onset {
    /// By the automaton of matches, of which none is shorter than this; `None` if nobody can say.
    pub(super) fn of(automaton: &dense::DFA<Vec<u32>>, shortest: usize) -> Option<Self> {
        let mut states = starts(automaton, &BEFORE)?;
        let at_lines = goes_on(automaton, &starts(automaton, &IN_LINES)?).is_empty();
        let mut count = 0;
        let mut places = Box::new([0; 256]);
        let all: Vec<u8> = (0..=u8::MAX).collect();
        while count < shortest.min(PLACES_MAX) {
            // What comes behind a match is not told, nor is what no automaton can tell.
            let is_over = |state: &StateID| {
                automaton.is_match_state(*state) || automaton.is_quit_state(*state)
            };
            if states.iter().any(is_over) {
                break;
            }
            let here = goes_on(automaton, &states);
            for (byte, bits) in (0..=u8::MAX).zip(places.iter_mut()) {
                *bits |= u8::from(here.has(byte)) << count;
            }
            states = stepped(automaton, &states, &all);
            count += 1;
        }
        let mut first = (0..=u8::MAX).zip(places.iter()).filter(|(_, bits)| **bits & 1 != 0);
        let only = first.next().map(|(byte, _)| byte).filter(|_| first.next().is_none());
        Some(Self { places, count, only, at_lines }).filter(|_| count > 0)
    }

    /// The first place in this range of a text at which a match may begin.
    pub(super) fn find(&self, text: &[u8], range: Range<usize>) -> Option<usize> {
        if self.at_lines {
            return self.find_line(text, range);
        }
        let window = text.get(range.clone())?;
        let skipped = self.only.map_or(Some(0), |byte| memchr::memchr(byte, window))?;
        let whole = 1 << (self.count - 1);
        let mut begun = 0_u8;
        let ends = window.iter().skip(skipped).position(|byte| {
            begun = (begun << 1 | 1) & self.at(*byte);
            begun & whole != 0
        })?;
        Some(range.start + skipped + ends + 1 - self.count)
    }

    fn find_line(&self, text: &[u8], range: Range<usize>) -> Option<usize> {
        let before = range.start.checked_sub(1).and_then(|before| text.get(before));
        let begins = before.is_none_or(|byte| matches!(byte, b'\n' | b'\r'));
        let window = text.get(range.clone())?;
        let lines = memchr::memchr2_iter(b'\n', b'\r', window).map(|end| end + 1);
        let mut lines = begins.then_some(0).into_iter().chain(lines);
        let line = lines.find(|line| {
            let here = window.get(*line..line + self.count).unwrap_or_default();
            let fits = |(place, byte): (usize, &u8)| self.at(*byte) >> place & 1 != 0;
            here.len() == self.count && here.iter().enumerate().all(fits)
        })?;
        Some(range.start + line)
    }

    fn at(&self, byte: u8) -> u8 {
        self.places.get(usize::from(byte)).copied().unwrap_or_default()
    }
}
