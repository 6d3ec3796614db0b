//! Credentials inside of plain text: passwords in URLs, and `name=value` under a selected name, as
//! in query strings, fragments, forms and connection strings.

use std::ops::Range;

use super::seen::{MASK, is_redacted_text};
use super::walk::Walk;
use crate::decode::percent_decode_lossy;

/// Longer names before a `=` are none.
const NAME_BYTES_MAX: usize = 64;

/// A user name in a URL without a password, from here on, is taken for a token.
const TOKEN_USER_BYTES_MIN: usize = 20;

impl Walk<'_> {
    /// The text without the credentials in it; `None` if there are none.
    pub(super) fn plain(&mut self, text: &str) -> Option<String> {
        if !text.contains('=') && !text.contains("://") {
            return None;
        }
        let mut edits = Vec::new();
        for (start, token) in tokens(text, is_break) {
            if token.contains("://") {
                self.userinfo(start, token, &mut edits);
            }
            if token.contains('=') {
                for (at, piece) in tokens(token, |c| "?&#;,".contains(c)) {
                    self.assignment(start + at, piece, &mut edits);
                }
            }
        }
        if edits.is_empty() { None } else { Some(mask(text, edits)) }
    }

    /// `name=value`.
    fn assignment(&mut self, start: usize, piece: &str, edits: &mut Vec<Range<usize>>) {
        let Some((before, value)) = piece.split_once('=') else { return };
        let name = before.rsplit('/').next().unwrap_or(before);
        if name.len() > NAME_BYTES_MAX || value.is_empty() || is_redacted_text(value) {
            return;
        }
        let name = percent_decode_lossy(name);
        if let Some(rule) = self.policy.parameter(self.side, &name, &mut self.scratch) {
            self.remember(&percent_decode_lossy(&value.replace('+', " ")), rule);
            self.remember(value, rule);
            self.receipt(rule);
            let from = start + before.len() + 1;
            edits.push(from..from + value.len());
        } else {
            // A value may be text that was escaped once more, or base64.
            let unescaped = percent_decode_lossy(&value.replace('+', " ")).into_owned();
            if self.look_into(&unescaped).is_some() {
                let from = start + before.len() + 1;
                edits.push(from..from + value.len());
            }
        }
    }

    /// The password of every `scheme://user:password@host` in a token. Each part between two `://`
    /// is looked at once, so that the time stays linear.
    fn userinfo(&mut self, start: usize, token: &str, edits: &mut Vec<Range<usize>>) {
        let mut at = start;
        for (position, part) in token.split("://").enumerate() {
            let from = at;
            at += part.len() + 3;
            if position == 0 {
                continue;
            }
            let Some(userinfo) = userinfo_of(part) else { continue };
            let (user, secret) = match userinfo.split_once(':') {
                Some((user, password)) => (user.len() + 1, password),
                None if userinfo.len() >= TOKEN_USER_BYTES_MIN => (0, userinfo),
                None => continue,
            };
            if !secret.is_empty() && !is_redacted_text(secret) {
                let rule = self.policy.userinfo();
                self.remember(&percent_decode_lossy(secret), rule);
                self.receipt(rule);
                edits.push(from + user..from + user + secret.len());
            }
        }
    }
}

/// What stands before the `@` of an authority. A password with a raw `/` in it ends the authority
/// early: then what should be a port is no number, and the last `@` counts.
fn userinfo_of(part: &str) -> Option<&str> {
    let authority = part.split(['/', '?', '#', '\\']).next().unwrap_or(part);
    if let Some((userinfo, _)) = authority.rsplit_once('@') {
        return Some(userinfo);
    }
    let (_, port) = authority.rsplit_once(':')?;
    if authority.starts_with('[') || port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    part.rsplit_once('@').map(|(userinfo, _)| userinfo)
}

pub(super) fn is_break(c: char) -> bool {
    c.is_ascii_whitespace() || "\"'<>`".contains(c)
}

/// The pieces between separators of one byte each, with their positions.
fn tokens(text: &str, separator: impl Fn(char) -> bool) -> impl Iterator<Item = (usize, &str)> {
    text.split(separator).scan(0, |at, piece| {
        let start = *at;
        *at += piece.len() + 1;
        Some((start, piece))
    })
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
