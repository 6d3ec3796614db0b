//! What may stand behind a keyword in a match: in prose, where keywords are words, a byte or two tell of most
//! patterns that they do not match.

use foldhash::HashSet;
use regex_automata::Anchored;
use regex_automata::dfa::{Automaton as _, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;

/// What may stand before a match, as far as patterns can ask.
pub(super) const BEFORE: [Option<u8>; 5] = [None, Some(b'\n'), Some(b'\r'), Some(b'a'), Some(b' ')];

/// Of that, what stands in the middle of a line.
pub(super) const IN_LINES: [Option<u8>; 2] = [Some(b'a'), Some(b' ')];

/// What stands between words.
const BLANKS: &[u8] = b" \t\n\r\x0b\x0c";

/// More blanks are not looked beyond.
const BLANKS_MAX: usize = 16;

/// A set of bytes.
#[derive(Debug, Default)]
pub(super) struct Bytes([u64; 4]);

/// What is known of the matches of a pattern.
#[derive(Debug)]
pub(super) struct Follow {
    /// What stands behind a keyword.
    next: Bytes,
    /// What stands behind a keyword and blanks.
    beyond: Bytes,
}

/// What stands behind a word in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Behind {
    pub(super) next: u8,
    /// Where that is a blank, what comes after the blanks, if it is near.
    pub(super) beyond: Option<u8>,
}

impl Behind {
    /// What stands there at the beginning of this text; `None` if nothing does.
    pub(super) fn at(text: &[u8]) -> Option<Self> {
        let next = *text.first()?;
        let is_blank = |byte: &u8| BLANKS.contains(byte);
        let beyond = if is_blank(&next) {
            text.iter().take(BLANKS_MAX).find(|byte| !is_blank(byte)).copied()
        } else {
            None
        };
        Some(Self { next, beyond })
    }
}

impl Follow {
    /// By the automaton of matches that begin with one of the keywords, in whatever case, or hold
    /// one, as `begins` tells; `None` if nobody can say.
    pub(super) fn of(
        automaton: &dense::DFA<Vec<u32>>,
        keywords: &[String],
        begins: bool,
    ) -> Option<Self> {
        let starts = starts(automaton, &BEFORE)?;
        let before = if begins {
            starts
        } else {
            closed(automaton, starts, &(0..=u8::MAX).collect::<Vec<u8>>())
        };
        let mut told = Vec::new();
        for keyword in keywords {
            let mut states = before.clone();
            for byte in keyword.bytes() {
                let cases = [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()];
                states = stepped(automaton, &states, &cases);
            }
            told.extend(states);
        }
        if told.iter().any(|state| automaton.is_quit_state(*state)) {
            return None;
        }
        let next = goes_on(automaton, &told);
        let blank = closed(automaton, stepped(automaton, &told, BLANKS), BLANKS);
        let is_over =
            |state: &StateID| automaton.is_match_state(*state) || automaton.is_quit_state(*state);
        // Automata tell of a match one byte behind its end.
        let beyond = match blank.iter().any(is_over) {
            true => Bytes([u64::MAX; 4]),
            false => goes_on(automaton, &blank),
        };
        Some(Self { next, beyond })
    }

    /// Whether a match can have this byte behind its keyword, and whether it can have it
    /// behind blanks there.
    pub(super) fn allows(&self, byte: u8) -> (bool, bool) {
        (self.next.has(byte), self.beyond.has(byte))
    }
}

/// The states in which automata begin behind these bytes.
pub(super) fn starts(
    automaton: &dense::DFA<Vec<u32>>,
    before: &[Option<u8>],
) -> Option<Vec<StateID>> {
    let start = |before: &Option<u8>| {
        let config = start::Config::new().anchored(Anchored::Yes).look_behind(*before);
        automaton.start_state(&config).ok()
    };
    before.iter().map(start).collect()
}

/// The living states that one of the bytes leads to.
pub(super) fn stepped(
    automaton: &dense::DFA<Vec<u32>>,
    states: &[StateID],
    bytes: &[u8],
) -> Vec<StateID> {
    let all = |state: &StateID| {
        let state = *state;
        bytes.iter().map(move |byte| automaton.next_state(state, *byte))
    };
    let mut next: Vec<StateID> = states.iter().flat_map(all).collect();
    next.sort_unstable();
    next.dedup();
    next.retain(|state| !automaton.is_dead_state(*state));
    next
}

/// These states, and all that any number of the bytes leads to.
fn closed(
    automaton: &dense::DFA<Vec<u32>>,
    mut states: Vec<StateID>,
    bytes: &[u8],
) -> Vec<StateID> {
    let mut known: HashSet<StateID> = states.iter().copied().collect();
    let mut fresh = states.clone();
    while !fresh.is_empty() {
        fresh = stepped(automaton, &fresh, bytes);
        fresh.retain(|state| known.insert(*state));
        states.extend(&fresh);
    }
    states
}

/// The bytes that lead on from one of the states.
pub(super) fn goes_on(automaton: &dense::DFA<Vec<u32>>, states: &[StateID]) -> Bytes {
    let mut all = Bytes::default();
    for byte in 0..=u8::MAX {
        let dead = |state: &StateID| automaton.is_dead_state(automaton.next_state(*state, byte));
        if !states.iter().all(dead) {
            all.add(byte);
        }
    }
    all
}

impl Bytes {
    fn add(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte / 64)) {
            *word |= 1 << (byte % 64);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 64)).is_some_and(|word| word >> (byte % 64) & 1 != 0)
    }
}
