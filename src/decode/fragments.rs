//! JSON in the middle of a text: behind a prefix against scripts, in a call, in a line of a log, and
//! one text after the other.

use std::ops::Range;

use memchr::memchr2_iter;

use super::Node;
use super::json::json_at_start;

/// Bytes looked at for each byte of a text, at most: what is cut off is tried at every brace.
const STEPS_RATIO_MAX: usize = 16;

/// Bytes that may be looked at in every text.
const STEPS_FLOOR: usize = 16 * 1024;

/// JSON that stands in a text.
#[derive(Debug, PartialEq)]
pub struct Fragment<'a> {
    /// Where.
    pub range: Range<usize>,
    /// An object, a list, or a string that holds one of them.
    pub node: Node<'a>,
}

/// The fragments of a text, from left to right.
#[derive(Debug)]
pub struct Fragments<'a> {
    text: &'a str,
    from: usize,
    steps: usize,
    exhausted: bool,
}

impl<'a> Fragments<'a> {
    /// Those of this text.
    pub fn of(text: &'a str) -> Self {
        let steps = text.len().saturating_mul(STEPS_RATIO_MAX).max(STEPS_FLOOR);
        Self { text, from: 0, steps, exhausted: false }
    }

    /// It was too much work to find all: there may be more.
    pub fn are_incomplete(&self) -> bool {
        self.exhausted
    }
}

impl<'a> Iterator for Fragments<'a> {
    type Item = Fragment<'a>;

    fn next(&mut self) -> Option<Fragment<'a>> {
        let base = self.from;
        let rest = self.text.as_bytes().get(base..)?;
        for at in memchr2_iter(b'{', b'[', rest).map(|at| base + at) {
            let Some(start) = beginning(self.text.as_bytes(), at, base) else { continue };
            let Some(text) = self.text.get(start..) else { continue };
            let read = json_at_start(text);
            let (Ok((_, looked)) | Err(looked)) = read;
            let Some(left) = self.steps.checked_sub(looked) else {
                self.exhausted = true;
                self.from = self.text.len();
                return None;
            };
            self.steps = left;
            if let Ok((node, length)) = read {
                self.from = start + length;
                return Some(Fragment { range: start..start + length, node });
            }
        }
        self.from = self.text.len();
        None
    }
}

/// Where the JSON begins that this brace or bracket is of, if it looks like one; not before `base`.
fn beginning(text: &[u8], at: usize, base: usize) -> Option<usize> {
    let (open, inner) = text.get(at..)?.split_first()?;
    match (open, inner.iter().find(|byte| !byte.is_ascii_whitespace())?) {
        (b'{', b'"') | (b'[', b'"' | b'{' | b'[') => Some(at),
        // In a string of its own, which has escapes.
        (_, b'\\') => {
            let before = text.get(base..at)?;
            before.last().is_some_and(|byte| *byte == b'"').then(|| at - 1)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Fragments;

    #[test]
    fn fragments_are_found_wherever_they_stand() {
        let rows: [(&str, &[&str]); 14] = [
            ("", &[]),
            ("{", &[]),
            ("{\"", &[]),
            (")]}',\n{\"a\":1}", &["{\"a\":1}"]),
            ("cb({ \"a\":[1]});", &["{ \"a\":[1]}"]),
            ("{\"a\":1}\n{\"b\":2}\n", &["{\"a\":1}", "{\"b\":2}"]),
            ("INFO body={\"a\":{}} ok", &["{\"a\":{}}"]),
            ("x \"{\\\"a\\\":1}\" y", &["\"{\\\"a\\\":1}\""]),
            ("{\"a\": {\"b\":1}", &["{\"b\":1}"]),
            ("x [[\"a\",\"b\"]]", &["[[\"a\",\"b\"]]"]),
            ("query the {database} [1] {}", &[]),
            ("{\\n {\\\"", &[]),
            ("ä{\"ä\":\"ä\"}ä", &["{\"ä\":\"ä\"}"]),
            ("{ a(b: {c: \"d\"}) }", &[]),
        ];
        for (text, expected) in rows {
            let found: Vec<_> =
                Fragments::of(text).filter_map(|fragment| text.get(fragment.range)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn the_work_is_bounded() {
        let open = "{\"a\":".repeat(100_000);
        let mut fragments = Fragments::of(&open);
        assert!(fragments.next().is_none() && fragments.are_incomplete());
        let flat = "{\"".repeat(100_000);
        let mut fragments = Fragments::of(&flat);
        assert!(fragments.next().is_none() && !fragments.are_incomplete());
        let closed = "{\"a\":1} ".repeat(10_000);
        assert_eq!(Fragments::of(&closed).count(), 10_000);
    }
}
