//! What programs print of a list with names, for people to read: `[password] => x`, as PHP does, and
//! `["password"]=> string(1) "x"`.

use std::ops::Range;

use super::loose::quoted_at;
use super::text::Edit;
use super::walk::Walk;

/// Longer names are none.
const NAME_BYTES_MAX: usize = 96;

impl Walk<'_> {
    /// Takes out what stands under names in brackets, each with an arrow behind it.
    pub(super) fn dumps(&mut self, text: &str, edits: &mut Vec<Edit>) {
        let mut done = 0;
        for at in memchr::memmem::find_iter(text.as_bytes(), "=>") {
            if at < done {
                continue;
            }
            let Some(name) = bracketed_before(text, at) else { continue };
            let Some(value) = printed_at(text, at + 2) else { continue };
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
fn printed_at(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..)?;
    let typed = rest.trim_start();
    if let Some(string) = typed.strip_prefix("string(") {
        let (length, quoted) = string.split_once(')')?;
        let quoted = quoted.trim_start();
        let from = text.len() - quoted.len();
        let whole = length.parse().ok().map(|length: usize| from + 1..from + 1 + length);
        let closes = |range: &Range<usize>| text.as_bytes().get(range.end) == Some(&b'"');
        // Where it is not as long as it says, something was changed in it.
        let told = whole.filter(|range| closes(range) && text.get(range.clone()).is_some());
        return told.or_else(|| quoted_at(text, from).map(|(range, _)| range));
    }
    let line = rest.split('\n').next()?;
    let value = line.trim();
    let is_printed = !value.is_empty() && !value.starts_with(['"', '\'', '[', '$']);
    let from = at + line.len() - line.trim_start().len();
    (is_printed && !is_begun(value)).then_some(from..from + value.len())
}

/// Whether what follows is a list or an object, whose values have names of their own.
fn is_begun(value: &str) -> bool {
    value == "Array" || value.ends_with(" Object") || value.starts_with("array(")
}
