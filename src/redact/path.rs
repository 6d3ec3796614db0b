//! Paths: segments that are secrets, and `name=value` in segments.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use super::class::breaks;
use super::seen::{MASK, is_redacted_text};
use super::text::{Edit, replaced, tokens, urls};
use super::walk::Walk;
use crate::decode::{BASE64_BYTES_MIN, percent_decode_lossy};
use crate::route::Readings;

/// Escapes in escapes are undone so many times over.
const DECODINGS: usize = 3;

/// Digests that sign a link, and what stands before them.
const DIGEST_BYTES_MIN: usize = 16;
const TIME_BYTES_MAX: usize = 24;

/// What stands between a name and its secret, besides ids, which are no longer.
const BETWEEN: [&str; 5] = ["key", "catch", "accept", "confirm", "verify"];
const BETWEEN_BYTES_MAX: usize = 36;

/// Shorter secrets there are ids: in letters of both cases, and in others.
const LONG_BYTES_MIN: usize = 20;
const LONG_HEX_BYTES_MIN: usize = 32;

/// Where nobody can say how a path is read, a secret may stand so many segments behind its name.
const LOOSE_SEGMENTS: usize = 3;

/// A segment of a path that is a secret, as one before it tells.
pub(super) struct Told {
    pub(super) range: Range<usize>,
    pub(super) rule: usize,
    /// What is recorded in its place.
    pub(super) shown: String,
}

impl Walk<'_> {
    /// The path without the secrets that its own form tells: the segment after one that a rule
    /// selects, unless it is a plain word (`/password/reset`), and matrix parameters.
    pub(super) fn path(&mut self, path: &str) -> String {
        self.enter("path");
        let told = self.told(path);
        if let [only] = told.as_slice()
            && only.range.len() == path.len()
        {
            return only.shown.clone();
        }
        let mut told = told.into_iter().peekable();
        let mut out = String::with_capacity(path.len());
        let mut at = 0;
        for segment in path.split('/') {
            if at > 0 {
                out.push('/');
            }
            if let Some(told) = told.next_if(|told| told.range.start == at) {
                out.push_str(&told.shown);
            } else {
                let shown = self.segment(&out, segment);
                out.push_str(shown.as_deref().unwrap_or(segment));
            }
            at += segment.len() + 1;
        }
        out
    }

    /// The segment without what is secret by its looks; `None` if it stays.
    fn segment(&mut self, before: &str, segment: &str) -> Option<String> {
        if segment.is_empty() {
            return None;
        }
        if let Some(masked) = self.authority(before, segment).or_else(|| self.plain(segment)) {
            return Some(masked);
        }
        let decoded = percent_decode_lossy(segment);
        let holds_more = decoded != segment || segment.len() >= BASE64_BYTES_MIN;
        // Only its escapes hid what it is.
        (holds_more && self.look_into(&decoded).is_some()).then(|| MASK.to_owned())
    }

    /// The segments that are secrets, in all ways in which the API may read the path, in their order;
    /// all of the path where it cannot be said which segments they are.
    pub(super) fn told(&mut self, path: &str) -> Vec<Told> {
        let mut told = Vec::new();
        let (mut zeroth, mut first, mut before) =
            <(Cow<'_, str>, Cow<'_, str>, Cow<'_, str>)>::default();
        for (at, segment) in tokens(path, |byte| byte == b'/') {
            let range = at..at + segment.len();
            if segment.is_empty() {
                continue;
            }
            let decoded = percent_decode_lossy(segment);
            let mut rule = self.rule_after(&before, &decoded);
            // Between the name and the secret stands whose it is: `/reset/MQ/cabcde-00112233…`.
            if rule.is_none() && is_signed(&decoded) {
                rule = self.rule_after(&first, &decoded);
            }
            if rule.is_none() && is_long(&decoded) {
                rule = self.rule_behind(&[&zeroth, &first, &before], &decoded);
            }
            if let Some(rule) = rule {
                self.remember(&decoded, rule);
                self.receipt(rule);
                told.push(Told { range, rule, shown: self.inline(&decoded, rule) });
            }
            zeroth = std::mem::replace(&mut first, std::mem::replace(&mut before, decoded));
        }
        if needs_readings(path) {
            let hidden = self.hidden(path);
            self.find_hidden(path, hidden, &mut told);
        }
        told
    }

    /// The rule for a segment, by the one before it. Most segments are words.
    fn rule_after(&mut self, name: &str, value: &str) -> Option<usize> {
        if name.is_empty() || is_word(value) || is_dots(value) || is_redacted_text(value) {
            return None;
        }
        self.rule_after_segment(name, value)
    }

    /// The rule for a segment that only a machine makes, by a name before one or two segments that say whose
    /// it is: `/invite/7/…`, `/reset/key/1-…`.
    fn rule_behind(&mut self, before: &[&Cow<'_, str>; 3], value: &str) -> Option<usize> {
        let [zeroth, first, last] = before;
        for (name, between) in [(first, true), (zeroth, is_between(first))] {
            if between && is_between(last) {
                // Of many hooks the id is no secret, and what stands behind it is.
                let name = if *name == "webhooks" { "webhook" } else { name.as_ref() };
                if let Some(rule) = self.rule_after(name, value) {
                    return Some(rule);
                }
            }
        }
        None
    }

    /// What is a secret where a path is read in another way than as it was sent.
    fn hidden(&mut self, path: &str) -> BTreeMap<String, usize> {
        let mut hidden = BTreeMap::new();
        let readings = Readings::of(path);
        for reading in readings.each().skip(1) {
            let reading = String::from_utf8_lossy(reading);
            let segments: Vec<&str> = reading.split('/').filter(|part| !part.is_empty()).collect();
            for pair in segments.windows(2) {
                let [name, value] = pair else { continue };
                if let Some(rule) = self.rule_after(name, value) {
                    hidden.insert((*value).to_owned(), rule);
                }
            }
        }
        if !readings.is_complete() {
            let plain = undone(path);
            let parts = plain.split(['/', '\\', ';', '?', '#', '\0']);
            let parts: Vec<&str> =
                parts.filter(|part| !part.is_empty() && !is_dots(part)).collect();
            for (position, name) in parts.iter().enumerate() {
                for value in parts.iter().skip(position + 1).take(LOOSE_SEGMENTS) {
                    if let Some(rule) = self.rule_after(name, value) {
                        hidden.insert((*value).to_owned(), rule);
                    }
                }
            }
        }
        hidden
    }

    /// Masks the segments, as they were sent, that hidden secrets are in.
    fn find_hidden(&mut self, path: &str, hidden: BTreeMap<String, usize>, told: &mut Vec<Told>) {
        let mut lost = None;
        for (secret, rule) in hidden {
            let plain = undone(&secret);
            self.remember(&secret, rule);
            self.remember(&plain, rule);
            let mut found = false;
            let mut at = 0;
            for segment in path.split('/') {
                let range = at..at + segment.len();
                at = range.end + 1;
                if !undone(segment).contains(&plain) {
                    continue;
                }
                found = true;
                if !told.iter().any(|told| told.range == range) {
                    self.receipt(rule);
                    told.push(Told { range, rule, shown: MASK.to_owned() });
                }
            }
            if !found {
                lost = Some(rule);
            }
        }
        if let Some(rule) = lost {
            self.receipt(rule);
            *told = vec![Told { range: 0..path.len(), rule, shown: format!("/{MASK}") }];
        }
        told.sort_by_key(|told| told.range.start);
    }

    /// The segments that are secrets in the paths of all URLs in a word.
    pub(super) fn url_paths(&mut self, start: usize, word: &str, edits: &mut Vec<Edit>) {
        let mut urls = urls(word).peekable();
        while let Some(at) = urls.next() {
            let from = at + 3;
            let end = urls.peek().copied().unwrap_or(word.len());
            let slash = word.bytes().take(end).skip(from).position(|byte| byte == b'/');
            if let Some((slash, path)) =
                slash.and_then(|slash| Some((slash, word.get(from + slash..end)?)))
            {
                self.paths_in(start + from + slash, path, edits);
            }
        }
    }

    /// The same in links without a host, which are words that begin with a slash.
    pub(super) fn relative_paths(&mut self, text: &str, edits: &mut Vec<Edit>) {
        let bytes = text.as_bytes();
        let mut done = 0;
        for at in memchr::memchr_iter(b'/', bytes) {
            if at < done || !begins_link(bytes, at) {
                continue;
            }
            let rest = text.get(at..).unwrap_or_default();
            let end = rest.bytes().position(breaks).unwrap_or(rest.len());
            done = at + end;
            let link = rest.get(..end).unwrap_or_default();
            // What is selected stands behind a segment.
            if link.trim_start_matches('/').contains('/') {
                self.paths_in(at, link, edits);
            }
        }
    }

    /// The same, in a path with its query and its fragment, which may be the path in a program.
    fn paths_in(&mut self, start: usize, target: &str, edits: &mut Vec<Edit>) {
        for (at, piece) in tokens(target, |byte| matches!(byte, b'?' | b'#')) {
            let from = start + at;
            // What ends a sentence is no part of it.
            let path = piece.trim_end_matches(['.', ',', ';', ':', '!', ')', ']', '}']);
            if from > start && !path.trim_start_matches('!').starts_with('/') {
                continue;
            }
            for Told { range, rule, shown } in self.told(path) {
                let range = from + range.start..from + range.end;
                edits.push(Edit { range, rule, shown: Cow::Owned(shown) });
            }
        }
    }

    /// A field that holds a path, without the segments that are secrets; `None` if there are none.
    pub(super) fn path_in_field(&mut self, text: &str) -> Option<String> {
        let mut edits = Vec::new();
        self.paths_in(0, text, &mut edits);
        (!edits.is_empty()).then(|| replaced(text, edits))
    }
}

impl Walk<'_> {
    /// The segment without its password, if it is the authority of a URL in the path. Some servers
    /// make one slash of two.
    fn authority(&mut self, before: &str, segment: &str) -> Option<String> {
        let scheme = before.trim_end_matches('/');
        if !scheme.ends_with(':') || !segment.contains('@') {
            return None;
        }
        let url = self.plain(&format!("x://{segment}"))?;
        url.strip_prefix("x://").map(ToOwned::to_owned)
    }
}

/// Whether a link without a host begins with this slash: it is the first of a word, or stands in the
/// brackets of Markdown, or behind the dots that lead up.
fn begins_link(text: &[u8], slash: usize) -> bool {
    let before = text.get(..slash).unwrap_or_default();
    let dots = before.iter().rev().take(2).take_while(|byte| **byte == b'.').count();
    let before = before.get(..slash - dots).unwrap_or_default();
    before.last().is_none_or(|byte| *byte == b'(' || *byte != b'<' && breaks(*byte))
}

/// Whether a path may be read in another way than as it is written.
fn needs_readings(path: &str) -> bool {
    let mut before = 0;
    path.bytes().any(|byte| {
        let is_odd = match byte {
            b'%' | b';' | b'\\' => true,
            b'/' | b'.' => before == b'/',
            _ => false,
        };
        before = byte;
        is_odd
    })
}

/// The text without its escapes, which may be escaped themselves.
fn undone(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..DECODINGS {
        match percent_decode_lossy(&text) {
            Cow::Owned(plain) if plain != text => text = plain,
            _ => break,
        }
    }
    text
}

/// A segment that names a place above, or none.
fn is_dots(segment: &str) -> bool {
    segment.bytes().all(|byte| byte == b'.')
}

/// What signs a link that works once: a time or an id, and a digest after a `-`.
fn is_signed(segment: &str) -> bool {
    // Most segments are shorter than any digest.
    let pair = if segment.len() > DIGEST_BYTES_MIN { segment.rsplit_once('-') } else { None };
    pair.is_some_and(|(time, digest)| {
        digest.len() >= DIGEST_BYTES_MIN
            && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !time.is_empty()
            && time.len() <= TIME_BYTES_MAX
            && time.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// An id, or one of a few words that stand between a name and its secret.
fn is_between(segment: &str) -> bool {
    segment.len() <= BETWEEN_BYTES_MAX
        && !segment.is_empty()
        && (segment.bytes().any(|byte| byte.is_ascii_digit())
            || segment.len() <= 3
            || BETWEEN.contains(&segment))
}

/// Letters and digits in a mixture as long as no usual id has.
fn is_long(segment: &str) -> bool {
    segment.len() >= LONG_BYTES_MIN
        && segment.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|part| {
            let has = |is: fn(&u8) -> bool| part.as_bytes().iter().any(is);
            let is_mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
            let bytes_min = if is_mixed { LONG_BYTES_MIN } else { LONG_HEX_BYTES_MIN };
            part.len() >= bytes_min && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
        })
}

/// A word as routes are made of, or what stands for a value in them: `{token}`, `:token`.
fn is_word(segment: &str) -> bool {
    let named = segment.strip_prefix('{').map(|name| name.strip_suffix('}').unwrap_or(name));
    let word = named.or_else(|| segment.strip_prefix(':')).unwrap_or(segment);
    let has_capitals = word.len() < segment.len();
    word.bytes().all(|byte| {
        byte.is_ascii_lowercase()
            || byte == b'-'
            || byte == b'_'
            || has_capitals && byte.is_ascii_uppercase()
    })
}
