//! Credentials inside of plain text: passwords in URLs, and `name=value` under a selected name, as
//! in query strings, fragments, forms and connection strings; and what patterns find.

use std::borrow::Cow;
use std::ops::Range;

use super::carrier::Carrier;
use super::class::{Class, breaks, ends_piece};
use super::extent::Extents;
use super::looks::is_plain_word;
use super::pattern::{Match, Unfinished};
use super::rule::{Action, Side};
use super::secret::{DOMAIN, is_machine_made};
use super::seen::{MASK, begins_redacted, ends, is_guessable, is_redacted_text};
use super::walk::Walk;
use crate::decode::{Note, percent_decode_lossy};

/// Longer names before a `=` are none.
const NAME_BYTES_MAX: usize = 64;

/// A part of a text, and what is recorded in its place.
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) rule: usize,
    pub(super) shown: Cow<'static, str>,
}

impl Edit {
    pub(super) fn masked(range: Range<usize>, rule: usize) -> Self {
        Self { range, rule, shown: Cow::Borrowed(MASK) }
    }
}

impl Walk<'_> {
    /// The text without the credentials in it; `None` if there are none.
    pub(super) fn plain(&mut self, text: &str) -> Option<String> {
        self.plain_of(text, Class::of(text))
    }

    /// The same, for a text of which it is known what may be in it.
    pub(super) fn plain_of(&mut self, text: &str, class: Class) -> Option<String> {
        let mut edits = Vec::new();
        if class.may_have_userinfo() {
            self.userinfo(text, &mut edits);
        }
        if class.has_slash() {
            self.relative_paths(text, &mut edits);
        }
        let urls = class.has_colon() && has_url(text);
        if urls || class.has_equals() {
            let mut extents = Extents::new(text);
            for (start, token) in words(text, class) {
                extents.word(start);
                if urls {
                    self.url_paths(start, token, &mut edits);
                }
                if class.has_equals() && token.contains('=') {
                    for (at, piece) in tokens(token, ends_piece) {
                        if start + at >= extents.done {
                            self.assignment(start + at, piece, &mut extents, &mut edits);
                        }
                    }
                }
            }
        }
        if self.contents(text, class, &mut edits).is_err() {
            self.notes.insert(Note::PatternLimit);
            self.receipt(self.policy.unsearched());
            return Some(MASK.to_owned());
        }
        if edits.is_empty() {
            return None;
        }
        self.cut = true;
        self.overlapping(text, &mut edits);
        Some(replaced(text, edits))
    }

    /// Remembers the credentials in a body that is not recorded: what cannot be read may come back in
    /// an error that says so.
    pub(super) fn overhear_body(&mut self, bytes: &[u8]) {
        if self.place.side == Side::Request {
            self.seen.unread.add(bytes);
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let valid = bytes.get(..error.valid_up_to()).map(std::str::from_utf8);
                valid.and_then(Result::ok).unwrap_or_default()
            }
        };
        self.overhear(text);
    }

    fn overhear(&mut self, text: &str) {
        let (receipts, notes, cut) = (self.receipts.clone(), self.notes.clone(), self.cut);
        self.plain(text);
        (self.receipts, self.notes, self.cut) = (receipts, notes, cut);
    }

    /// Secrets that a part of was found in this text by its looks: were only that part taken out,
    /// the rest would stay and not be recognised.
    fn overlapping(&mut self, text: &str, edits: &mut Vec<Edit>) {
        let Some(known) = self.known else { return };
        let hits = known.hits(text);
        if hits.is_empty() {
            return;
        }
        edits.sort_by_key(|edit| edit.range.start);
        // How far those reach that begin up to each of them.
        let reach: Vec<usize> = edits
            .iter()
            .scan(0, |reach, edit| {
                *reach = edit.range.end.max(*reach);
                Some(*reach)
            })
            .collect();
        let found = edits.len();
        for (range, rule) in hits {
            let before = edits.get(..found).unwrap_or_default();
            let before = before.partition_point(|edit| edit.range.start <= range.start);
            let end = before.checked_sub(1).and_then(|last| reach.get(last));
            if end.is_none_or(|end| *end < range.end) {
                self.receipt(rule);
                edits.push(Edit::masked(range, rule));
            }
        }
    }

    /// What is a secret by its looks, or by the command that it is in.
    pub(super) fn contents(
        &mut self,
        text: &str,
        class: Class,
        edits: &mut Vec<Edit>,
    ) -> Result<(), Unfinished> {
        let (policy, mut work) = (self.policy, self.work);
        let scope = policy.at(self.place);
        let mut told =
            |head, at, work: &mut usize| self.told_by_word((text, class), (head, at), work, edits);
        let found = policy.patterns().find_with(text, &scope, &mut work, &mut told);
        self.work = work;
        for Match { range, rule } in found? {
            let Some(secret) = text.get(range.clone()).filter(|text| !begins_redacted(text)) else {
                continue;
            };
            // A quote that is opened and not closed, and nothing behind it.
            if secret.trim().is_empty() {
                continue;
            }
            if self.is_shown_end(secret, text.get(range.end..), rule)
                || policy.is_shipped(rule) && text.get(..range.start).is_some_and(ends_in_arn)
            {
                continue;
            }
            // `password: required` is no password that comes back.
            if !is_plain_word(secret) {
                self.remember_bare(secret, rule);
            }
            self.receipt(rule);
            edits.push(Edit { range, rule, shown: self.inline(secret, rule).into() });
        }
        Ok(())
    }

    /// Whether this is what `keep_ends` showed of a secret: `ab` of `ab…yz`.
    fn is_shown_end(&self, secret: &str, after: Option<&str>, rule: usize) -> bool {
        match self.policy.action(rule) {
            Action::KeepEnds { first, .. } => {
                secret.chars().count() <= usize::from(first)
                    && after.is_some_and(|after| after.starts_with('…'))
            }
            _ => false,
        }
    }

    /// What is recorded of a secret inside of a text.
    pub(super) fn inline(&self, secret: &str, rule: usize) -> String {
        match self.policy.action(rule) {
            Action::Fingerprint if !is_guessable(secret) => {
                self.key.fingerprint(DOMAIN, secret.as_bytes())
            }
            Action::KeepEnds { first, last } => {
                ends(secret, first, last).unwrap_or_else(|| MASK.to_owned())
            }
            _ => MASK.to_owned(),
        }
    }

    /// `name=value`.
    fn assignment(
        &mut self,
        start: usize,
        piece: &str,
        extents: &mut Extents<'_>,
        edits: &mut Vec<Edit>,
    ) {
        let Some((before, value)) = piece.split_once('=') else { return };
        if before.ends_with(')') && value.starts_with('(') {
            let end = self.key_values(extents.text(), start + before.len(), edits);
            extents.done = end.unwrap_or(extents.done);
            return;
        }
        let raw = before.rsplit(['/', '{', '(']).next().unwrap_or(before);
        if raw.is_empty() || raw.len() > NAME_BYTES_MAX {
            return;
        }
        let from = start + before.len() + 1;
        let name = percent_decode_lossy(raw);
        let quoted = if value.is_empty() { extents.quoted_value(from) } else { None };
        let value = quoted.unwrap_or(value);
        let rule = self.rule_of_content(Carrier::Parameter, &name, Some(value));
        if let Some(rule) = rule {
            let typed = !is_machine_made(self.policy.action(rule));
            let range = extents.value(from - 1 - raw.len()..from - 1, from, typed);
            self.assigned(value, range, rule, extents, edits);
        } else if quoted.is_none() && !value.is_empty() && !is_redacted_text(value) {
            // A value may be text that was escaped once more, or base64.
            let spaced = if value.contains('+') {
                Cow::Owned(value.replace('+', " "))
            } else {
                Cow::Borrowed(value)
            };
            if self.look_into(&percent_decode_lossy(&spaced)).is_some() {
                edits.push(Edit::masked(from..from + value.len(), self.policy.unsearched()));
            }
        }
    }

    /// Takes out a value, of which `first` is surely a part.
    fn assigned(
        &mut self,
        first: &str,
        range: Range<usize>,
        rule: usize,
        extents: &mut Extents<'_>,
        edits: &mut Vec<Edit>,
    ) {
        let Some(value) = extents.text().get(range.clone()) else { return };
        let bare = value.trim_matches(|c: char| c.is_whitespace() || "\"'`".contains(c));
        if value.trim().is_empty() || is_redacted_text(bare) {
            return;
        }
        self.remember(&percent_decode_lossy(&value.replace('+', " ")), rule);
        self.remember(value, rule);
        // Where it was taken for longer than it is, the rest is no part of what comes back.
        for part in [first, value.split_whitespace().next().unwrap_or_default()] {
            if part.len() < value.len() && !is_redacted_text(part) {
                self.remember(part, rule);
            }
        }
        self.receipt(rule);
        extents.done = range.end;
        edits.push(Edit::masked(range, rule));
    }
}

/// Whether the name of a secret follows, and not the secret: `arn:aws:secretsmanager:eu-1:123:secret:`.
fn ends_in_arn(before: &str) -> bool {
    if !before.ends_with(":secret:") {
        return false;
    }
    let word = before.rsplit(is_break).next().unwrap_or_default();
    let mut parts = word.split(':');
    parts.next() == Some("arn") && parts.nth(1) == Some("secretsmanager") && parts.count() == 4
}

fn has_url(text: &str) -> bool {
    urls(text).next().is_some()
}

/// Where each `://` of a text stands.
pub(super) fn urls(text: &str) -> impl Iterator<Item = usize> {
    let text = text.as_bytes();
    let colons = memchr::memchr_iter(b':', text);
    colons.filter(|at| text.get(at + 1..).is_some_and(|rest| rest.starts_with(b"//")))
}

/// Where words end, whatever they are.
pub(super) fn is_break(c: char) -> bool {
    u8::try_from(c).is_ok_and(breaks)
}

/// The words of a text, whatever they are, with their positions.
fn words(text: &str, class: Class) -> impl Iterator<Item = (usize, &str)> {
    let (whole, parts) = match class.has_break() {
        true => (None, Some(tokens(text, breaks))),
        // Nothing separates them: there is no need to look.
        false => (Some((0, text)), None),
    };
    whole.into_iter().chain(parts.into_iter().flatten())
}

/// The pieces between ASCII separators, with their positions.
pub(super) fn tokens(
    text: &str,
    separates: impl Fn(u8) -> bool,
) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at;
        let length = rest.bytes().position(&separates).unwrap_or(rest.len());
        at += length + 1;
        rest.get(..length).map(|piece| (start, piece))
    })
}

/// The text with every edit made. Where edits overlap, the stricter one shows what stands for all.
pub(super) fn replaced(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|edit| (edit.range.start, edit.rule));
    let mut merged: Vec<Edit> = Vec::with_capacity(edits.len());
    for edit in edits {
        match merged.last_mut() {
            Some(last) if edit.range.start < last.range.end => {
                // What stands for one secret alone would tell of another one's bounds.
                if last.range != edit.range && last.shown != edit.shown {
                    last.shown = Cow::Borrowed(MASK);
                } else if last.shown != MASK && (edit.rule < last.rule || edit.shown == MASK) {
                    last.shown = edit.shown;
                }
                last.rule = last.rule.min(edit.rule);
                last.range.end = last.range.end.max(edit.range.end);
            }
            _ => merged.push(edit),
        }
    }
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for edit in merged {
        out.push_str(text.get(end..edit.range.start).unwrap_or_default());
        out.push_str(&edit.shown);
        end = edit.range.end;
    }
    out.push_str(text.get(end..).unwrap_or_default());
    out
}

/// The text with a mask in place of each range; ranges may overlap.
pub(super) fn mask(text: &str, mut ranges: Vec<Range<usize>>) -> String {
    ranges.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for range in ranges {
        if range.start >= end {
            out.push_str(text.get(end..range.start).unwrap_or_default());
            out.push_str(MASK);
        }
        end = end.max(range.end);
    }
    out.push_str(text.get(end..).unwrap_or_default());
    out
}
