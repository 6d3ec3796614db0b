//! Answers that are one text: `FAIL - Application already exists`, `ERROR: not allowed`.

use super::{FAILURES, is_one_of};
use crate::record::Outcome;

/// Longer texts are what was asked for.
const TEXT_BYTES_MAX: usize = 2048;

/// Texts that say that somebody may not.
const REFUSALS: [&str; 7] = [
    "access denied",
    "access forbidden",
    "forbidden",
    "not allowed",
    "not authorized",
    "permission denied",
    "unauthorized",
];

/// What a text that is the whole answer says, if it was not done.
pub(in crate::derive) fn told_by_text(text: &str) -> Option<Outcome> {
    let text = text.trim();
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    if is_one_of(text.trim_end_matches(['.', '!']), &REFUSALS) {
        return Some(Outcome::Denied);
    }
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    // A sentence may begin so.
    let is_loud = word.bytes().all(|byte| byte.is_ascii_uppercase()) && !word.is_empty();
    let is_marked = rest.is_empty() || rest.starts_with(':') || rest.starts_with(" - ");
    let is_failure = is_one_of(word, &FAILURES) && (is_marked || is_loud && rest.starts_with(' '));
    is_failure.then_some(Outcome::Failure)
}
