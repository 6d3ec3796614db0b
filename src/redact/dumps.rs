//! What programs print of a list with names, for people to read: `[password] => x`, as PHP does, and
//! `["password"]=> string(1) "x"`.

use std::ops::Range;

use super::loose::quoted_at;
use super::text::Edit;
use super::walk::Walk;

/// Longer names are none.
const NAME_BYTES_MAX: usize = 96;

/// Digits of what a text says of its length.
const DIGITS_MAX: usize = 64;

impl Walk<'_> {
    /// Takes out what stands under names in brackets, each with an arrow behind it.
    pub(super) fn dumps(&mut self, text: &str, edits: &mut Vec<Edit>) {
        let (mut done, mut line_end) = (0, 0);
        for at in memchr::memmem::find_iter(text.as_bytes(), "=>") {
            if at < done {
                continue;
            }
            let Some(name) = bracketed_before(text, at) else { continue };
            // Each line's end is looked for once, however many arrows are in it.
            if line_end <= at {
                let rest = text.as_bytes().get(at..).unwrap_or_default();
                line_end = memchr::memchr(b'\n', rest).map_or(text.len(), |end| at + end);
            }
            let Some(value) = printed_at(text, at + 2, line_end) else { continue };
            let told = text.get(value.clone()).unwrap_or_default();
            if let Some(rule) = self.rule_of_told(name, told) {
                done = value.end;
                self.take(text, value, rule, edits);
            }
        }
    }
}

/// The name in brackets before an arrow: `password` of `["password":protected]=>`.
fn bracketed_before(text: &str, at: usize) -> Option<&str> {
    let from = at.saturating_sub(NAME_BYTES_MAX);
    let from = (from..=at).find(|from| text.is_char_boundary(*from))?;
    let inner = text.get(from..at)?.trim_end().strip_suffix(']')?;
    let (_, name) = inner.rsplit_once('[')?;
    let name = match name.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => name.split(':').next().unwrap_or_default(),
    };
    (!name.is_empty() && !name.contains(['\n', '\'', ' '])).then_some(name)
}

/// The value behind an arrow: what is in quotes behind its type, or the rest of the line.
fn printed_at(text: &str, at: usize, line_end: usize) -> Option<Range<usize>> {
    if let Some(string) = text.get(at..)?.trim_start().strip_prefix("string(") {
        let digits = string.bytes().take(DIGITS_MAX).take_while(u8::is_ascii_digit).count();
        let (length, quoted) = string.split_at_checked(digits)?;
        let quoted = quoted.strip_prefix(')')?.trim_start();
        let from = text.len() - quoted.len();
        let end = length.parse().ok().and_then(|length| (from + 1).checked_add(length));
        let closes = |range: &Range<usize>| text.as_bytes().get(range.end) == Some(&b'"');
        // Where it is not as long as it says, something was changed in it.
        let whole = end.map(|end: usize| from + 1..end);
        let told = whole.filter(|range| closes(range) && text.get(range.clone()).is_some());
        return told.or_else(|| quoted_at(text, from).map(|(range, _)| range));
    }
    let line = text.get(at..line_end)?;
    let value = line.trim();
    let is_printed = !value.is_empty() && !value.starts_with(['"', '\'', '[', '$']);
    let from = at + line.len() - line.trim_start().len();
    (is_printed && !is_begun(value)).then_some(from..from + value.len())
}

/// Whether what follows is a list or an object, whose values have names of their own.
fn is_begun(value: &str) -> bool {
    value == "Array" || value.ends_with(" Object") || value.starts_with("array(")
}
