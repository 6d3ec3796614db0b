//! What may stand behind a keyword in a match that begins with it: in prose, where keywords are words,
//! one byte tells of most patterns that they do not match.

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton as _, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;

/// What may stand before a match, as far as patterns can ask.
const BEFORE: [Option<u8>; 5] = [None, Some(b'\n'), Some(b'\r'), Some(b'a'), Some(b' ')];

/// A set of bytes.
#[derive(Debug, Default)]
pub(super) struct Follow([u64; 4]);

impl Follow {
    /// The bytes that may follow one of the keywords, in whatever case; `None` if nobody can say.
    pub(super) fn of(automaton: &dense::DFA<Vec<u32>>, keywords: &[String]) -> Option<Self> {
        let mut all = Self::default();
        let starts = BEFORE.map(|before| {
            let config = start::Config::new().anchored(Anchored::Yes).look_behind(before);
            automaton.start_state(&config)
        });
        for keyword in keywords {
            let mut states: Vec<StateID> = starts.iter().cloned().collect::<Result<_, _>>().ok()?;
            for byte in keyword.bytes() {
                let cases = [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
                let next = |state: &StateID| cases.map(|byte| automaton.next_state(*state, byte));
                states = states.iter().flat_map(next).collect();
                states.sort_unstable();
                states.dedup();
                states.retain(|state| !automaton.is_dead_state(*state));
            }
            if states.iter().any(|state| automaton.is_quit_state(*state)) {
                return None;
            }
            for byte in 0..=u8::MAX {
                let ends =
                    |state: &StateID| automaton.is_dead_state(automaton.next_state(*state, byte));
                if !states.iter().all(ends) {
                    all.add(byte);
                }
            }
        }
        Some(all)
    }

    fn add(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte / 64)) {
            *word |= 1 << (byte % 64);
        }
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 64)).is_some_and(|word| word >> (byte % 64) & 1 != 0)
    }
}
