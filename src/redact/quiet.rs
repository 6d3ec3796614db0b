//! Segments of paths that no rule selects what follows: a body with many URLs has few of them, and they
//! come again and again. Lives as long as a walk, and has a fixed size.

use super::rule::Side;

/// Segments that are remembered; each has one place, by its bytes.
const PLACES: usize = 64;
/// Longer ones are not remembered.
const BYTES_MAX: usize = 22;

/// The half, the length, and the bytes; of length 0 where there is none.
type Place = (u8, u8, [u8; BYTES_MAX]);

/// A few segments.
#[derive(Debug, Default)]
pub(super) struct Quiet(Vec<Place>);

impl Quiet {
    /// Whether this one is known to select nothing.
    pub(super) fn has(&self, side: Side, segment: &str) -> bool {
        if segment.is_empty() {
            return false;
        }
        let known =
            self.0.get(place(segment)).filter(|known| (known.0, known.1) == head(side, segment));
        known.is_some_and(|known| known.2.get(..segment.len()) == Some(segment.as_bytes()))
    }

    /// Remembers it, in the place of another one perhaps.
    pub(super) fn add(&mut self, side: Side, segment: &str) {
        if segment.is_empty() || segment.len() > BYTES_MAX {
            return;
        }
        if self.0.is_empty() {
            self.0.resize(PLACES, Place::default());
        }
        if let Some(known) = self.0.get_mut(place(segment)) {
            (known.0, known.1) = head(side, segment);
            if let Some(bytes) = known.2.get_mut(..segment.len()) {
                bytes.copy_from_slice(segment.as_bytes());
            }
        }
    }
}

/// A length that does not fit is none that is remembered.
fn head(side: Side, segment: &str) -> (u8, u8) {
    (side as u8, u8::try_from(segment.len()).unwrap_or(u8::MAX))
}

/// Any spreading will do: what is compared in the end are the bytes.
fn place(segment: &str) -> usize {
    let bytes = segment.as_bytes();
    let at = |index: usize| bytes.get(index).copied().map_or(0, usize::from);
    let last = bytes.len().wrapping_sub(1);
    (at(0) ^ at(last) << 2 ^ at(bytes.len() / 2) << 1 ^ bytes.len() << 3) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_exactly_what_it_was_told() {
        let mut quiet = Quiet::default();
        assert!(!quiet.has(Side::Request, "users"));
        quiet.add(Side::Request, "users");
        assert!(quiet.has(Side::Request, "users"));
        for other in ["user", "usres", "userss", "", "tokens"] {
            assert!(!quiet.has(Side::Request, other), "{other}");
        }
        assert!(!quiet.has(Side::Response, "users"));
        let long = "x".repeat(BYTES_MAX + 1);
        quiet.add(Side::Request, &long);
        assert!(!quiet.has(Side::Request, &long));
        for n in 0..10_000 {
            quiet.add(Side::Request, &format!("segment-{n}"));
            assert!(quiet.has(Side::Request, &format!("segment-{n}")));
            assert!(!quiet.has(Side::Request, &format!("segment-{n}x")));
        }
        assert_eq!(quiet.0.len(), PLACES);
    }
}
