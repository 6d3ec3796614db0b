//! JSON in the middle of a text is looked into as if it stood alone.

use super::seen::MASK;
use super::walk::{NESTING_MAX, Walk, written};
use crate::decode::{Fragments, Note};

impl Walk<'_> {
    /// The text without the credentials in the JSON that stands in it; `None` if there are none.
    pub(super) fn fragments(&mut self, text: &str) -> Option<String> {
        let mut fragments = Fragments::of(text);
        let mut out = String::new();
        let mut end = 0;
        for mut fragment in fragments.by_ref() {
            if self.nesting >= NESTING_MAX {
                return Some(self.give_up(Note::TooDeep));
            }
            if !self.edits(&mut fragment.node) {
                continue;
            }
            out.push_str(text.get(end..fragment.range.start).unwrap_or_default());
            out.push_str(&written(&mut fragment.node));
            end = fragment.range.end;
        }
        if fragments.are_incomplete() {
            self.notes.insert(Note::PatternLimit);
            self.receipt(self.policy.unsearched());
            return Some(MASK.to_owned());
        }
        if end == 0 {
            return None;
        }
        out.push_str(text.get(end..).unwrap_or_default());
        Some(out)
    }
}
