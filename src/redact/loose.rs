//! Documents that cannot be decoded, since they are cut off, hold templates or stand in the middle of
//! something else: they are looked through for names that rules select.
//!
//! Where it is not certain how far a value goes, the rest of the text goes with it.

use std::ops::Range;

use super::carrier::Carrier;
use super::class::Class;
use super::described::is_described;
use super::exceptions::is_flag_word;
use super::lines::is_setting;
use super::memo::Role;
use super::pairs::{may_be_beside, role};
use super::pattern::Validator;
use super::secret::is_machine_made;
use super::seen::{MASK, begins_redacted};
use super::spelled::name_before;
use super::text::Edit;
use super::walk::{Walk, written};
use crate::decode::{Node, json};

/// Longer names are none.
const NAME_BYTES_MAX: usize = 64;

/// Names such as `pass` and `pin`.
const SHORT_BYTES_MAX: usize = 4;

/// What has no quotes and is longer goes with all that follows.
const VALUE_BYTES_MAX: usize = 1024;

/// So far before a sign a quote that is closed behind it is looked for.
const LINE_BYTES_MAX: usize = 128;

/// Longer tags are none.
const TAG_BYTES_MAX: usize = 1024;

/// What says nothing is no longer.
const NOTHING_BYTES_MAX: usize = 256;

/// What stands for nothing in the languages that write such documents.
const NOTHING: [&str; 4] = ["nil", "undefined", "~", "{}"];

/// A name in quotes, and where its value begins.
struct Named<'t> {
    name: &'t str,
    value: usize,
}

impl Walk<'_> {
    /// What is to be taken out of a text that is no document; of the ranges in `whole` all is known.
    pub(super) fn loose(
        &mut self,
        text: &str,
        class: Class,
        whole: &[Range<usize>],
        edits: &mut Vec<Edit>,
    ) {
        let is_plain = !class.has_quote() && !class.has_bracket();
        if !is_plain {
            self.quoted_names(text, whole, edits);
            self.calls(text, edits);
            if class.has_blank() {
                self.inserts(text, edits);
            }
        }
        if class.has_bracket() {
            self.elements(text, edits);
            self.dumps(text, edits);
        }
        if class.may_have_lines() || class.has_blank() && is_setting(text) {
            self.lines(text, edits);
            self.grids(text, edits);
        }
        if !is_plain || class.may_have_lines() {
            self.spelled(text, edits);
        }
    }

    /// Takes out a part of a text under a rule.
    pub(super) fn take(
        &mut self,
        text: &str,
        range: Range<usize>,
        rule: usize,
        edits: &mut Vec<Edit>,
    ) {
        let Some(value) = text.get(range.clone()) else { return };
        let bare = value.trim();
        if bare.is_empty() || begins_redacted(bare) {
            return;
        }
        self.remember_parts(bare, rule);
        self.receipt(rule);
        let end = range.start + value.trim_end().len();
        edits.push(Edit::masked(range.start..end, rule));
    }

    /// The rule for a name with a value that is a text.
    pub(super) fn rule_of_told(&mut self, name: &str, value: &str) -> Option<usize> {
        let value = value.trim();
        if value.is_empty() || name.len() > NAME_BYTES_MAX {
            return None;
        }
        if value.len() <= NOTHING_BYTES_MAX && says_nothing(value) {
            return None;
        }
        self.rule_of_content(Carrier::Member, name, Some(value))
    }

    /// `"name": "value"`, in whatever quotes and escapes, and `'name' => 'value'`.
    fn quoted_names(&mut self, text: &str, whole: &[Range<usize>], edits: &mut Vec<Edit>) {
        let is_document = text.trim_start().starts_with(['{', '[']);
        let mut done = 0;
        let mut naming = None;
        for at in memchr::memchr2_iter(b':', b'=', text.as_bytes()) {
            let passed = whole.partition_point(|range| range.end <= at);
            let known = whole.get(passed).is_some_and(|range| range.start <= at);
            if at < done || known {
                continue;
            }
            let Some(named) = named_at(text, at) else {
                if let Some(range) = self.bare_name(text, at, is_document, edits) {
                    done = range.end;
                }
                continue;
            };
            let rest = text.get(named.value..).unwrap_or_default();
            if rest.starts_with(['{', '[']) {
                let own = whole.iter().skip(passed).find(|range| range.start == named.value);
                done = self.composite(text, &named, own.cloned(), edits).unwrap_or(done);
                continue;
            }
            let Some(range) = value_at(text, named.value, is_document) else { continue };
            let value = text.get(range.clone()).unwrap_or_default();
            let rule = self.rule_of_told(named.name, value);
            let rule = match role(named.name) {
                Role::Value => rule.or(naming),
                Role::Naming => {
                    let named_rule = self.rule_of_content(Carrier::Member, value, None);
                    naming = named_rule.or(naming.filter(|_| may_be_beside(named.name)));
                    rule
                }
                _ => rule,
            };
            done = range.end;
            if let Some(rule) = rule.filter(|rule| is_document || !self.is_said(value, *rule)) {
                self.take(text, range, rule, edits);
            }
        }
    }

    /// Whether a value is a word of a sentence, and none that machines make: `token: "Bearer"`.
    pub(super) fn is_said(&self, value: &str, rule: usize) -> bool {
        is_machine_made(self.policy.action(rule)) && !Validator::NotWord.accepts(value)
    }

    /// `name: "value"` and `name = "value"`, and `{name: value` as well; the value, if it was taken out.
    fn bare_name(
        &mut self,
        text: &str,
        at: usize,
        is_document: bool,
        edits: &mut Vec<Edit>,
    ) -> Option<Range<usize>> {
        let after = text.get(at + 1..)?;
        let near = after.trim_start_matches([' ', '\t']);
        let is_apart = near.len() < after.len() || text.as_bytes().get(at) == Some(&b':');
        let name = name_before(text, at + 1).filter(|_| is_apart)?;
        let value = text.len() - near.len();
        let before = text.get(..at)?.trim_end();
        let before = before.strip_suffix(name).map(str::trim_end).unwrap_or_default();
        let is_member = before.ends_with('{') || is_document && before.ends_with(',');
        let range = match quoted_at(text, value) {
            // Of the shortest names in texts there are patterns: they are words as well.
            Some((range, closed)) => {
                Some(range).filter(|_| closed && (is_member || name.len() > SHORT_BYTES_MAX))
            }
            None if is_member && near.len() < after.len() && !near.starts_with('{') => {
                let window = near.as_bytes().iter().take(VALUE_BYTES_MAX);
                let length = window.take_while(|byte| !b",}]\n\r".contains(byte)).count();
                let whole = if length < VALUE_BYTES_MAX { length } else { near.len() };
                Some(value..value + whole)
            }
            None => None,
        }?;
        let told = text.get(range.clone())?;
        let rule = self.rule_of_told(name, told)?;
        if !is_member && self.is_said(told, rule)
            || told.starts_with(is_line_end) && closes(text, at)
        {
            return None;
        }
        self.take(text, range.clone(), rule, edits);
        Some(range)
    }

    /// An object or a list under a name; where it ends, if it was taken out.
    fn composite(
        &mut self,
        text: &str,
        named: &Named<'_>,
        own: Option<Range<usize>>,
        edits: &mut Vec<Edit>,
    ) -> Option<usize> {
        let rule = self.rule_of_content(Carrier::Member, named.name, None)?;
        let Some(range) = own else {
            let rest = named.value..text.len();
            let is_empty = text.get(rest.clone())?.trim_start_matches(['{', '[', ' ']);
            if is_empty.starts_with(['}', ']']) {
                return None;
            }
            self.take(text, rest, rule, edits);
            return Some(text.len());
        };
        let mut node = json(text.get(range.clone())?).ok()?;
        if self.is_redacted(&node) || is_described(named.name, &node) || is_empty(&node) {
            return None;
        }
        self.nesting += 1;
        self.secret(&mut node, rule);
        self.nesting -= 1;
        let end = range.end;
        edits.push(Edit { range, rule, shown: written(&mut node).into() });
        Some(end)
    }

    /// `<name>value</name>`, and what such a tag begins in XML that cannot be read.
    fn elements(&mut self, text: &str, edits: &mut Vec<Edit>) {
        let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let is_document = start.strip_prefix('<').is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_ascii_alphabetic() || "?!_".contains(c))
        });
        let before = edits.len();
        let mut done = 0;
        let mut rules = None;
        for at in memchr::memchr_iter(b'<', text.as_bytes()) {
            if at < done {
                continue;
            }
            let Some((name, inner)) = tag_at(text, at) else { continue };
            let named = self.rule_of_content(Carrier::Member, name, None);
            let Some(range) = element_text(text, name, inner, is_document, named.is_some()) else {
                continue;
            };
            let value = text.get(range.clone()).unwrap_or_default();
            let has_elements = value.trim_start().starts_with('<');
            let told = if has_elements { named } else { self.rule_of_told(name, value) };
            if let Some(rule) = told {
                done = range.end;
                rules = Some(rule);
                self.take(text, range, rule, edits);
            }
        }
        // What the value is may stand in the declaration of what it refers to.
        if let (true, Some(rule)) = (is_document && text.contains("<!ENTITY"), rules) {
            edits.truncate(before);
            self.take(text, 0..text.len(), rule, edits);
        }
    }
}

/// Whether the quote behind this sign closes one that was opened before it in its line, as in
/// `expect "Password:"`.
fn closes(text: &str, at: usize) -> bool {
    let from = text.floor_char_boundary(at.saturating_sub(LINE_BYTES_MAX));
    let (Some(before), Some(after)) = (text.get(from..at), text.get(at + 1..)) else {
        return false;
    };
    let line = before.rsplit(is_line_end).next().unwrap_or_default();
    let quote = after.trim_start_matches([' ', '\t', '\\']).chars().next();
    quote.is_some_and(|quote| line.matches(quote).count() % 2 == 1)
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// Whether a value is none: a word for that, yes or no, or an expression in the place of a value.
fn says_nothing(value: &str) -> bool {
    let within = |open: &str, close: &str| {
        value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some_and(|inner| {
            !inner.contains(['"', '\'', '`']) && !inner.contains(open) && !inner.contains(":-")
        })
    };
    is_flag_word(value)
        || NOTHING.contains(&value)
        || value == MASK
        || within("{{", "}}")
        || within("${", "}")
        || within("<", ">")
}

fn is_empty(node: &Node<'_>) -> bool {
    match node {
        Node::Null | Node::Bool(_) => true,
        Node::Array(items) => items.iter().all(is_empty),
        Node::Object(members) => members.iter().all(|(_, node)| is_empty(node)),
        Node::Number(_) | Node::String(_) => false,
    }
}

/// The name in quotes that stands before this `:` or `=>`.
fn named_at(text: &str, at: usize) -> Option<Named<'_>> {
    let after = text.get(at..)?;
    let after = after.strip_prefix("=>").or_else(|| after.strip_prefix(':'))?;
    let from = at.saturating_sub(NAME_BYTES_MAX + 16);
    let before = text.as_bytes().get(from..at)?.trim_ascii_end();
    let (quote, before) = before.split_last()?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let slashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
    let end = before.len() - slashes;
    let start = memchr::memrchr(*quote, before.get(..end)?)? + 1;
    let name = text.get(from + start..from + end)?;
    let value = text.len() - after.trim_start().len();
    (!name.is_empty() && !name.contains(['\n', '{', '}'])).then_some(Named { name, value })
}

/// The value that begins there: in quotes, or a number; in a document a word as well.
fn value_at(text: &str, at: usize, is_document: bool) -> Option<Range<usize>> {
    if let Some((range, _)) = quoted_at(text, at) {
        return Some(range);
    }
    let rest = text.get(at..)?;
    let first = rest.chars().next()?;
    if !is_document && !first.is_ascii_digit() && first != '-' {
        return None;
    }
    let length = rest.find([',', '}', ']', '\n', '\r']).unwrap_or(rest.len());
    Some(at..at + length)
}

/// What stands in the quotes that open here, perhaps behind backslashes, and whether they are closed;
/// if not, that is the rest of the text.
pub(super) fn quoted_at(text: &str, at: usize) -> Option<(Range<usize>, bool)> {
    let bytes = text.as_bytes();
    let slashes = bytes.get(at..)?.iter().take_while(|byte| **byte == b'\\').count();
    let quote = *bytes.get(at + slashes).filter(|byte| matches!(byte, b'"' | b'\'' | b'`'))?;
    let start = at + slashes + 1;
    for end in memchr::memchr_iter(quote, bytes.get(start..)?).map(|end| start + end) {
        let before = bytes.get(start..end)?;
        let behind = before.iter().rev().take_while(|byte| **byte == b'\\').count();
        let closes = if slashes == 0 { behind % 2 == 0 } else { behind <= slashes };
        if closes {
            return Some((start..end - if slashes == 0 { 0 } else { behind }, true));
        }
    }
    Some((start..bytes.len(), false))
}

/// The name of the tag that opens here, and where what is in it begins.
fn tag_at(text: &str, at: usize) -> Option<(&str, usize)> {
    let rest = text.get(at + 1..)?;
    let is_name = |c: char| c.is_alphanumeric() || "_-.:".contains(c);
    let length = rest.find(|c| !is_name(c))?;
    let name = rest.get(..length)?;
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return None;
    }
    let tail = rest.as_bytes().get(length..)?;
    let tail = tail.get(..TAG_BYTES_MAX).unwrap_or(tail);
    let close = memchr::memchr2(b'>', b'<', tail)?;
    let ends = tail.get(close) == Some(&b'>') && !tail.get(..close)?.ends_with(b"/");
    let begins = matches!(tail.first(), Some(b'>' | b' ' | b'\t' | b'\r' | b'\n'));
    (ends && begins).then_some((name, at + 1 + length + close + 1))
}

/// What is in an element: a text, or, in a document and where that is asked for, other elements.
fn element_text(
    text: &str,
    name: &str,
    from: usize,
    is_document: bool,
    with_elements: bool,
) -> Option<Range<usize>> {
    let rest = text.get(from..)?;
    let next = rest.find('<');
    let told = next.filter(|next| rest.get(..*next).is_some_and(|told| !told.trim().is_empty()));
    let closes = |at: usize| {
        let closing = rest.get(at..).and_then(|rest| rest.strip_prefix("</"));
        closing.is_some_and(|rest| rest.starts_with(name))
    };
    match (told, next) {
        (Some(end), _) if is_document || closes(end) => Some(from..from + end),
        (None, Some(next)) if is_document && with_elements && !closes(next) => {
            let closing = rest.find(&format!("</{name}"));
            Some(from..closing.map_or(text.len(), |end| from + end))
        }
        (None, None) if is_document => Some(from..text.len()),
        _ => None,
    }
}
