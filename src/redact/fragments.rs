//! What a text holds that is no document as a whole: JSON in the middle of it, which is looked into as
//! if it stood alone, a table, YAML; and what is left of documents that cannot be read.

use super::carrier::Carrier;
use super::class::Class;
use super::seen::MASK;
use super::text::{Edit, replaced};
use super::walk::{NESTING_MAX, Walk, written};
use crate::decode::{Fragments, Node, Note, embedded_csv, embedded_multipart, embedded_yaml};

impl Walk<'_> {
    /// The text without the credentials in what stands in it; `None` if there are none. What is XML
    /// `is_read` already.
    pub(super) fn parts(&mut self, text: &str, class: Class, is_read: bool) -> Option<String> {
        let mut edits = Vec::new();
        let mut whole = Vec::new();
        if class.may_have_lines()
            && let Some(shown) = self.fields(text)
        {
            return Some(shown);
        }
        if class.has_bracket() {
            let mut fragments = Fragments::of(text);
            for mut fragment in fragments.by_ref() {
                if self.nesting >= NESTING_MAX {
                    return Some(self.give_up(Note::TooDeep));
                }
                whole.push(fragment.range.clone());
                if self.edits(&mut fragment.node) {
                    let (rule, shown) = (self.policy.unsearched(), written(&mut fragment.node));
                    edits.push(Edit { range: fragment.range, rule, shown: shown.into() });
                }
            }
            if fragments.are_incomplete() {
                self.notes.insert(Note::PatternLimit);
                self.receipt(self.policy.unsearched());
                return Some(MASK.to_owned());
            }
        }
        if edits.is_empty() {
            if class.has_colon()
                && let Some(shown) = self.settings(text)
            {
                return shown;
            }
            if class.may_have_lines()
                && let Some(shown) = self.cells(text)
            {
                return Some(shown);
            }
        }
        if !is_read {
            self.loose(text, class, &whole, &mut edits);
        }
        if edits.is_empty() { None } else { Some(replaced(text, edits)) }
    }

    /// What is recorded of a form in parts: its fields, and of files what is known of them.
    fn fields(&mut self, text: &str) -> Option<String> {
        let read = embedded_multipart(text).filter(|_| self.nesting < NESTING_MAX)?;
        Some(match read {
            Ok(mut node) => {
                self.edits(&mut node);
                written(&mut node)
            }
            Err(why) => self.give_up(why),
        })
    }

    /// Text that is YAML, without the credentials in it; `Some(None)` if there are none.
    fn settings(&mut self, text: &str) -> Option<Option<String>> {
        let mut node = embedded_yaml(text).filter(|_| self.nesting < NESTING_MAX)?;
        let notes = self.notes.clone();
        if self.edits(&mut node) {
            return Some(Some(written(&mut node)));
        }
        self.notes = notes;
        Some(None)
    }

    /// A table in a text, if it has a column that a rule selects by its name.
    fn cells(&mut self, text: &str) -> Option<String> {
        let mut node = embedded_csv(text).filter(|_| self.nesting < NESTING_MAX)?;
        let Node::Array(rows) = &node else { return None };
        let Some(Node::Object(cells)) = rows.first() else { return None };
        let mut named = |name: &str| self.rule_of_content(Carrier::Member, name, None).is_some();
        if !cells.iter().any(|(name, _)| named(name)) {
            return None;
        }
        self.edits(&mut node).then(|| written(&mut node))
    }
}
