//! Segments of paths after which no rule selects anything, and names in texts that none selects: a
//! body with many URLs has few of them, and they come again and again. Lives as long as a walk, and
//! has a fixed size.

use super::carrier::Carrier;
use super::rule::Side;

/// Words that are remembered; each has one place, by its bytes.
const PLACES: usize = 64;
/// Longer ones are not remembered.
const BYTES_MAX: usize = 22;

/// What a word is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Quietly {
    /// A segment of a path.
    Segment(Side),
    /// A name before a value.
    Name(Side, Carrier),
}

impl Quietly {
    fn code(self) -> u8 {
        match self {
            Self::Segment(side) => side as u8,
            Self::Name(side, carrier) => 2 + 2 * (carrier as u8) + side as u8,
        }
    }
}

/// What it is, the length, and the bytes; of length 0 where there is none.
type Place = (u8, u8, [u8; BYTES_MAX]);

/// A few words.
#[derive(Debug, Default)]
pub(super) struct Quiet(Vec<Place>);

impl Quiet {
    /// Whether this one is known to select nothing.
    pub(super) fn has(&self, what: Quietly, word: &str) -> bool {
        if word.is_empty() {
            return false;
        }
        let known = self.0.get(place(word)).filter(|known| (known.0, known.1) == head(what, word));
        known.is_some_and(|known| known.2.get(..word.len()) == Some(word.as_bytes()))
    }

    /// Remembers it, in the place of another one perhaps.
    pub(super) fn add(&mut self, what: Quietly, word: &str) {
        if word.is_empty() || word.len() > BYTES_MAX {
            return;
        }
        if self.0.is_empty() {
            self.0.resize(PLACES, Place::default());
        }
        if let Some(known) = self.0.get_mut(place(word)) {
            (known.0, known.1) = head(what, word);
            if let Some(bytes) = known.2.get_mut(..word.len()) {
                bytes.copy_from_slice(word.as_bytes());
            }
        }
    }
}

/// A length that does not fit is none that is remembered.
fn head(what: Quietly, word: &str) -> (u8, u8) {
    (what.code(), u8::try_from(word.len()).unwrap_or(u8::MAX))
}

/// Any spreading will do: what is compared in the end are the bytes.
fn place(word: &str) -> usize {
    let bytes = word.as_bytes();
    let at = |index: usize| bytes.get(index).copied().map_or(0, usize::from);
    let last = bytes.len().wrapping_sub(1);
    (at(0) ^ at(last) << 2 ^ at(bytes.len() / 2) << 1 ^ bytes.len() << 3) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: Quietly = Quietly::Segment(Side::Request);

    #[test]
    fn remembers_exactly_what_it_was_told() {
        let mut quiet = Quiet::default();
        assert!(!quiet.has(SEGMENT, "users"));
        quiet.add(SEGMENT, "users");
        assert!(quiet.has(SEGMENT, "users"));
        for other in ["user", "usres", "userss", "", "tokens"] {
            assert!(!quiet.has(SEGMENT, other), "{other}");
        }
        for other in
            [Quietly::Segment(Side::Response), Quietly::Name(Side::Request, Carrier::Member)]
        {
            assert!(!quiet.has(other, "users"));
        }
        let long = "x".repeat(BYTES_MAX + 1);
        quiet.add(SEGMENT, &long);
        assert!(!quiet.has(SEGMENT, &long));
        for n in 0..10_000 {
            quiet.add(SEGMENT, &format!("segment-{n}"));
            assert!(quiet.has(SEGMENT, &format!("segment-{n}")));
            assert!(!quiet.has(SEGMENT, &format!("segment-{n}x")));
        }
        assert_eq!(quiet.0.len(), PLACES);
    }
}
