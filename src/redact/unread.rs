//! The words of a request's body that could not be read: which of them are secrets is not known, so
//! none is recorded where the response repeats it.
//!
//! Of the words nothing is kept but hashes, and of those only so many.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;
use std::sync::Arc;

use super::only::is_always_recorded;
use super::receipts::Receipts;
use super::text::mask;
use super::walk::push_name;
use crate::capture::{Passed, WORD_BYTES_MIN, ends_word};
use crate::decode::Node;

/// Words that are remembered. If there are more, all that are as long may be repeated.
const WORDS_MAX: usize = 1 << 16;

/// Words that could not be read as what they are.
#[derive(Default)]
pub(super) struct Unread {
    words: HashSet<u64>,
    hasher: RandomState,
    full: bool,
    /// Those behind the capture limit.
    passed: Option<Arc<Passed>>,
}

impl Unread {
    /// What went by, and still does, behind what was captured.
    pub(super) fn behind(&mut self, passed: Option<Arc<Passed>>) {
        self.passed = passed;
    }

    /// Remembers all words in a body.
    pub(super) fn add(&mut self, body: &[u8]) {
        // As of the wider encodings, in which letters stand between zeros.
        let body: Cow<'_, [u8]> = match body.contains(&0) {
            true => Cow::Owned(body.iter().copied().filter(|byte| *byte != 0).collect()),
            false => Cow::Borrowed(body),
        };
        for word in words(&body) {
            if self.words.len() >= WORDS_MAX {
                self.full = true;
                return;
            }
            if let Some(word) = body.get(word) {
                self.words.insert(self.hasher.hash_one(word));
            }
        }
    }

    /// Masks the words in the values of a head.
    pub(super) fn mute_fields(&self, fields: &mut Node<'_>, to: &mut Muting<'_>) {
        let Node::Object(members) = fields else { return };
        for (name, value) in members {
            if !is_always_recorded(name) {
                self.mute(value, &mut format!("{}.{name}", to.place), to);
            }
        }
    }

    /// Masks the words in the texts of a value; names are the answer's own.
    pub(super) fn mute(&self, node: &mut Node<'_>, location: &mut String, to: &mut Muting<'_>) {
        if self.words.is_empty() && self.passed.is_none() {
            return;
        }
        let length = location.len();
        match node {
            Node::String(text) => {
                if let Some(shown) = self.masked(text, to.is_name) {
                    to.receipts.add(location, to.rule);
                    *text = Cow::Owned(shown);
                }
            }
            Node::Array(items) => {
                location.push_str("[*]");
                items.iter_mut().for_each(|item| self.mute(item, location, to));
                location.truncate(length);
            }
            Node::Object(members) => {
                for (name, item) in members {
                    push_name(location, name);
                    self.mute(item, location, to);
                    location.truncate(length);
                }
            }
            Node::Null | Node::Bool(_) | Node::Number(_) => {}
        }
    }

    fn masked(&self, text: &str, is_name: &dyn Fn(&str) -> bool) -> Option<String> {
        let is_known = |word: &Range<usize>| {
            let Some(word) = text.get(word.clone()) else { return true };
            let went_by = || self.passed.as_ref().is_some_and(|all| all.has(word.as_bytes()));
            (self.full || self.words.contains(&self.hasher.hash_one(word.as_bytes())) || went_by())
                && !is_name(word)
        };
        let known: Vec<Range<usize>> = words(text.as_bytes()).filter(is_known).collect();
        (!known.is_empty()).then(|| mask(text, known))
    }
}

/// What muting is done with.
pub(super) struct Muting<'m> {
    pub(super) receipts: &'m mut Receipts,
    /// What the values stand under.
    pub(super) place: &'m str,
    /// The rule of the receipts.
    pub(super) rule: usize,
    /// Whether a word is the name of something secret, and so none itself.
    pub(super) is_name: &'m dyn Fn(&str) -> bool,
}

/// The words in a text that are long enough for a secret: what stands between blanks, quotes and
/// brackets. No character of more than a byte ends one.
fn words(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text.get(at..)?.iter().position(|byte| !ends_word(*byte))?;
        let length = text.get(start..)?.iter().position(|byte| ends_word(*byte));
        at = length.map_or(text.len(), |length| start + length);
        Some(start..at)
    })
    .filter(|word| word.len() >= WORD_BYTES_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_were_sent_are_masked_and_others_stay() {
        let mut unread = Unread::default();
        unread.add(b"{\"password\": {\"new\": \"Zq9!xKp-w\"},}");
        let is_name = |word: &str| word == "password";
        let masked = |text: &str| unread.masked(text, &is_name);
        assert_eq!(masked("password Zq9!xKp-w is weak").as_deref(), Some("password *** is weak"));
        assert_eq!(masked("no such user, Zq9!xKp"), None);
        assert_eq!(masked("position 12"), None);
        let mut wide = Unread::default();
        wide.add(
            "Zq9!xKp-w".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>().as_ref(),
        );
        assert!(wide.masked("Zq9!xKp-w", &is_name).is_some());
    }

    #[test]
    fn too_many_words_hide_all() {
        let mut unread = Unread::default();
        let many: String = (0..=WORDS_MAX).map(|word| format!("word{word:06} ")).collect();
        unread.add(many.as_bytes());
        assert_eq!(unread.masked("anything else", &|_| false).as_deref(), Some("*** else"));
        assert!(unread.words.len() <= WORDS_MAX);
    }
}
