//! Prose that was summarized in an exchange, so that a sentence that repeats a piece of it is not
//! recorded: an error that quotes the prompt, say.
//!
//! Of the prose itself nothing is kept but hashes of its pieces, and of those only so many.

use std::borrow::Cow;
use std::collections::HashSet;

use super::receipts::{Receipts, carrier};
use super::seen::MASK;
use super::texts::is_word;
use super::walk::push_name;
use crate::decode::{Node, percent_decode_lossy};

/// Letters and digits of a piece.
const PIECE_CHARS: usize = 5;

/// So many pieces in a row are no chance. Every quotation of four of them holds three whole ones.
const RUN: usize = 3;

/// Shorter prose is not remembered, in letters and digits.
const PROSE_CHARS_MIN: usize = PIECE_CHARS * (RUN + 1);

/// Pieces that are remembered: those of some 320 KiB.
const PIECES_MAX: usize = 1 << 16;

/// Hashes of pieces of prose.
#[derive(Default)]
pub(super) struct Heard {
    pieces: HashSet<u32>,
    rule: Option<usize>,
    /// There was more than can be remembered: then every long sentence may repeat it.
    full: bool,
}

impl Heard {
    /// Whether there was no prose.
    pub(super) fn is_empty(&self) -> bool {
        self.rule.is_none()
    }

    /// How many pieces are remembered.
    pub(super) fn pieces(&self) -> usize {
        self.pieces.len()
    }

    /// Remembers all prose in a value.
    pub(super) fn add(&mut self, node: &Node<'_>, rule: usize) {
        match node {
            Node::String(text) => self.add_text(text, rule),
            Node::Array(items) => items.iter().for_each(|item| self.add(item, rule)),
            Node::Object(members) => members.iter().for_each(|(_, item)| self.add(item, rule)),
            Node::Null | Node::Bool(_) | Node::Number(_) => {}
        }
    }

    fn add_text(&mut self, text: &str, rule: usize) {
        let letters = letters(text);
        if self.full || letters.len() < PROSE_CHARS_MIN {
            return;
        }
        self.rule = Some(self.rule.map_or(rule, |other| other.min(rule)));
        for piece in letters.chunks_exact(PIECE_CHARS) {
            self.pieces.insert(hash(piece));
        }
        self.full = self.pieces.len() > PIECES_MAX;
    }

    /// Masks the segments of a path that repeat a piece of what was heard.
    pub(super) fn mute_path(&self, path: &mut String, location: &str, receipts: &mut Receipts) {
        let Some(rule) = self.rule else { return };
        let is_echo = |segment: &str| self.is_echo(&percent_decode_lossy(segment));
        if path.split('/').any(is_echo) {
            let shown: Vec<&str> = path
                .split('/')
                .map(|segment| if is_echo(segment) { MASK } else { segment })
                .collect();
            *path = shown.join("/");
            receipts.add(location, rule);
        }
    }

    /// The location, or its carrier if a name in it repeats a piece of what was heard.
    pub(super) fn mute_location(&self, location: String) -> String {
        if self.rule.is_some() && self.is_echo(&location) {
            carrier(&location).to_owned()
        } else {
            location
        }
    }

    /// Masks the sentences of a value, names among them, that repeat a piece of what was heard.
    pub(super) fn mute(&self, node: &mut Node<'_>, location: &mut String, receipts: &mut Receipts) {
        let Some(rule) = self.rule else { return };
        match node {
            Node::String(text) if self.is_echo(text) => {
                receipts.add(location, rule);
                *text = Cow::Borrowed(MASK);
            }
            Node::Array(items) => {
                let length = location.len();
                location.push_str("[*]");
                items.iter_mut().for_each(|item| self.mute(item, location, receipts));
                location.truncate(length);
            }
            Node::Object(members) => {
                for (name, item) in members.iter_mut() {
                    let length = location.len();
                    if self.is_echo(name) {
                        receipts.add(location, rule);
                        *name = Cow::Borrowed(MASK);
                    }
                    push_name(location, name);
                    self.mute(item, location, receipts);
                    location.truncate(length);
                }
            }
            _ => {}
        }
    }

    fn is_echo(&self, text: &str) -> bool {
        if text.len() < PIECE_CHARS * RUN || is_word(text) {
            return false;
        }
        let letters = letters(text);
        if self.full {
            return letters.len() >= PROSE_CHARS_MIN;
        }
        let known = letters.windows(PIECE_CHARS).map(|piece| self.pieces.contains(&hash(piece)));
        // How many whole pieces end where the piece before this one begins.
        let mut runs = [0_usize; PIECE_CHARS];
        known.enumerate().any(|(position, known)| {
            runs.get_mut(position % PIECE_CHARS).is_some_and(|run| {
                *run = if known { *run + 1 } else { 0 };
                *run >= RUN
            })
        })
    }
}

/// Letters and digits, in lower case: quotations differ in blanks and escapes, such as `\n`.
fn letters(text: &str) -> Vec<char> {
    let mut escaped = false;
    let letters = text.chars().filter(|c| {
        let counts = c.is_alphanumeric() && !(escaped && "nrt".contains(*c));
        escaped = *c == '\\';
        counts
    });
    letters.flat_map(char::to_lowercase).collect()
}

/// FNV-1a.
fn hash(piece: &[char]) -> u32 {
    piece.iter().fold(0x811c_9dc5, |hash, c| (hash ^ u32::from(*c)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: &str =
        "Write a poem about the ferry that leaves at dawn, \"quickly\", in four lines.";

    fn heard(text: &str) -> Heard {
        let mut heard = Heard::default();
        heard.add(&Node::Array(vec![Node::String(text.into())]), 7);
        heard
    }

    #[test]
    fn quotations_are_recognised_wherever_they_begin() {
        let heard = heard(PROMPT);
        let letters = letters(PROMPT);
        for piece in letters.windows(PROSE_CHARS_MIN - 1) {
            let piece: String = piece.iter().collect();
            assert!(heard.is_echo(&format!("cannot do '{piece}': too long")), "{piece}");
        }
        assert!(heard.is_echo(r#"bad input: {"text": "LEAVES AT DAWN,\n \"QUICKLY\", in"}"#));
    }

    #[test]
    fn other_sentences_are_not() {
        let heard = heard(PROMPT);
        for text in
            ["", "Write a poem", "the ferry has left", "writeapoemabouttheferry", "a b c d e f"]
        {
            assert!(!heard.is_echo(text), "{text}");
        }
        assert!(!Heard::default().is_echo(PROMPT));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut heard = Heard::default();
        let long: String = (0..400_000_u32).map(|n| format!("{n:x}")).collect();
        heard.add(&Node::String(long.as_str().into()), 7);
        assert!(heard.full);
        heard.add(&Node::String(PROMPT.into()), 7);
        let mut node = Node::String("anything at all of some length".into());
        heard.mute(&mut node, &mut String::new(), &mut Receipts::default());
        assert_eq!(node, Node::String(MASK.into()));
        assert!(!heard.is_echo("too short"));
    }
}
