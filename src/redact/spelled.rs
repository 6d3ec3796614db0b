//! Values in programs: in three quotes, in blocks that a word ends, in quotes of print, and what is
//! given to a call.

use std::ops::Range;

use super::carrier::Carrier;
use super::glob::squash;
use super::loose::quoted_at;
use super::pattern::Validator;
use super::secret::is_machine_made;
use super::text::Edit;
use super::walk::Walk;

/// Longer names are none.
const NAME_BYTES_MAX: usize = 64;

/// Shorter words behind a name are no secrets.
const WORD_BYTES_MIN: usize = 3;

/// Letters before this one are Latin.
const FOREIGN: char = '\u{250}';

/// What stands in quotes of print is not longer, or goes with all that follows.
const QUOTED_CHARS_MAX: usize = 512;

/// The line that opens a block is not longer.
const HEAD_BYTES_MAX: usize = 128;

/// How calls begin that give a value to a name.
const SETTERS: [&str; 9] =
    ["define", "set", "put", "add", "with", "append", "ini", "config", "env"];

/// How calls begin that give the value of a name, or what is told in its place.
const GETTERS: [&str; 4] = ["get", "fetch", "env", "setting"];

/// What a setter is about if it is not about the value.
const BESIDE: [&str; 8] =
    ["error", "message", "hint", "title", "label", "placeholder", "field", "text"];

/// Quotes of print that open.
const OPENING: [char; 5] = ['“', '„', '«', '‘', '‚'];

/// And those that close.
const CLOSING: [char; 5] = ['”', '“', '»', '’', '‘'];

impl Walk<'_> {
    /// `name = """value"""`, `name = <<EOF`, and `name: “value”`.
    pub(super) fn spelled(&mut self, text: &str, edits: &mut Vec<Edit>) {
        for quotes in ["\"\"\"", "'''"] {
            let mut from = 0;
            while let Some(at) = found(text, quotes, from) {
                let start = at + quotes.len();
                let end = found(text, quotes, start);
                self.told_before(text, at, start..end.unwrap_or(text.len()), edits);
                from = end.map_or(text.len(), |end| end + quotes.len());
            }
        }
        let mut from = 0;
        while let Some(at) = found(text, "<<", from) {
            from = at + 2;
            if name_before(text, at).is_some()
                && let Some(range) = block_at(text, from)
            {
                from = range.end;
                self.told_before(text, at, range, edits);
            }
        }
        if text.is_ascii() {
            return;
        }
        self.foreign_names(text, edits);
        for (at, quote) in text.match_indices(OPENING) {
            let start = at + quote.len();
            let Some(rest) = text.get(start..) else { continue };
            let ends = |c: &(usize, char)| CLOSING.contains(&c.1) || matches!(c.1, '\r' | '\n');
            let end = rest.char_indices().take(QUOTED_CHARS_MAX).find(ends);
            let end = end.map_or(rest.len(), |(end, _)| end);
            self.told_before(text, at, start..start + end, edits);
        }
    }

    /// `Пароль: value`, `密码：value`: a word of ASCII behind a name that is not.
    fn foreign_names(&mut self, text: &str, edits: &mut Vec<Edit>) {
        for (at, sign) in text.match_indices([':', '：', '=']) {
            let name = name_before(text, at + sign.len()).filter(|name| !name.is_ascii());
            let Some(rest) = text.get(at + sign.len()..).filter(|_| name.is_some()) else {
                continue;
            };
            let told = rest.trim_start_matches([' ', '\t', '*', '`']);
            let start = text.len() - told.len();
            let length = told.bytes().take_while(u8::is_ascii_graphic).count();
            let value = told.get(..length).unwrap_or_default();
            // In languages with Latin letters, what follows may be a sentence.
            let is_word = name.is_some_and(|name| name.chars().all(|c| c < FOREIGN))
                && !Validator::Mixed.accepts(value);
            if length >= WORD_BYTES_MIN && !is_word && Validator::NotStatement.accepts(value) {
                self.told_before(text, at + sign.len(), start..start + length, edits);
            }
        }
    }

    /// Takes out a value if it belongs to the name that stands before it.
    fn told_before(&mut self, text: &str, at: usize, value: Range<usize>, edits: &mut Vec<Edit>) {
        let Some(name) = name_before(text, at) else { return };
        let Some(told) = text.get(value.clone()) else { return };
        if let Some(rule) = self.rule_of_told(name, told) {
            self.take(text, value, rule, edits);
        }
    }

    /// `define('DB_PASSWORD', 'x')`, `setPassword("x")`.
    pub(super) fn calls(&mut self, text: &str, edits: &mut Vec<Edit>) {
        for at in memchr::memchr_iter(b'(', text.as_bytes()) {
            let called = word_before(text, at);
            let Some(rest) = text.get(at + 1..).filter(|_| !called.is_empty()) else { continue };
            let first = text.len() - rest.trim_start().len();
            let Some((one, true)) = quoted_at(text, first) else { continue };
            let Some(told) = text.get(one.clone()) else { continue };
            if let Some((name, value)) = second_of(text, &one, called) {
                let told = text.get(value.clone()).unwrap_or_default();
                let same = squashed(name) == squashed(told);
                let rule = self.rule_of_told(name, told);
                // What it is given to names it as well: `password = os.environ.get("X", "x")`.
                let assigned =
                    if begins_with_one(called, &GETTERS) { assigned(text, at) } else { None };
                let rule = rule.or_else(|| self.rule_of_told(assigned?, told));
                if let Some(rule) = rule.filter(|_| !same) {
                    self.take(text, value, rule, edits);
                }
            } else if let Some(name) = set_by(called) {
                if let Some(rule) = self.rule_of_told(name, told) {
                    self.take(text, one, rule, edits);
                }
            } else if is_method(text, at, called)
                && let Some(rule) = self.rule_of_content(Carrier::Member, called, None)
                && !is_machine_made(self.policy.action(rule))
            {
                self.take(text, one, rule, edits);
            }
        }
    }
}

fn found(text: &str, what: &str, from: usize) -> Option<usize> {
    memchr::memmem::find(text.as_bytes().get(from..)?, what.as_bytes()).map(|at| from + at)
}

/// The lines of a block that begins after `<<` with the word that ends it.
fn block_at(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..)?;
    let near = rest.as_bytes().get(..HEAD_BYTES_MAX).unwrap_or(rest.as_bytes());
    let head = rest.get(..memchr::memchr(b'\n', near)?)?;
    let word = head.trim_start_matches(['<', '-', '~']).trim_start();
    let word = word.trim_start_matches(['"', '\'', '\\']);
    let length = word.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let word = word.get(..length.unwrap_or(word.len())).filter(|word| !word.is_empty())?;
    let start = at + head.len() + 1;
    let mut end = start;
    for line in text.get(start..)?.split_inclusive('\n') {
        if line.trim().trim_end_matches([';', ',', ')']) == word {
            return Some(start..end);
        }
        end += line.len();
    }
    Some(start..text.len())
}

/// The name before a value, with a `=` or `:` between them.
pub(super) fn name_before(text: &str, at: usize) -> Option<&str> {
    let from = at.saturating_sub(NAME_BYTES_MAX + 16);
    let from = (from..=at).find(|from| text.is_char_boundary(*from))?;
    let before = text.get(from..at)?.trim_end();
    let assigned = ["=>", ":=", "=", ":", "："].iter().find_map(|sign| before.strip_suffix(*sign));
    let before = assigned?.trim_end_matches([' ', '\t', '"', '\'', ']', '\\', '*']);
    let name = before.rsplit(|c: char| !is_in_name(c)).next()?;
    (!name.is_empty() && name.len() <= NAME_BYTES_MAX).then_some(name)
}

fn is_in_name(c: char) -> bool {
    c.is_alphanumeric() || "_.-".contains(c)
}

/// The word that a call begins with.
fn word_before(text: &str, at: usize) -> &str {
    let from = at.saturating_sub(NAME_BYTES_MAX);
    let from = (from..=at).find(|from| text.is_char_boundary(*from)).unwrap_or(at);
    let before = text.get(from..at).unwrap_or_default();
    before.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default()
}

/// The name and the value of a call that gives one to the other.
fn second_of<'t>(
    text: &'t str,
    one: &Range<usize>,
    called: &str,
) -> Option<(&'t str, Range<usize>)> {
    let sets = begins_with_one(called, &SETTERS);
    if !sets && !begins_with_one(called, &GETTERS) {
        return None;
    }
    let rest = text.get(one.end..)?.trim_start_matches(['\\', '"', '\'', '`']);
    let rest = rest.trim_start().strip_prefix(',')?.trim_start();
    let (value, _) = quoted_at(text, text.len() - rest.len())?;
    let name = text.get(one.clone())?;
    // What is told in the place of a value may be a word, and what is printed of it.
    let is_meant = sets || Validator::NotWord.accepts(text.get(value.clone())?);
    (is_meant && !name.is_empty() && name.chars().all(is_in_name)).then_some((name, value))
}

/// The name that a call's value is given to.
fn assigned(text: &str, at: usize) -> Option<&str> {
    let from = text.floor_char_boundary(at.saturating_sub(NAME_BYTES_MAX));
    let near = text.get(from..at)?;
    let callee = near.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || "_.:$".contains(c));
    name_before(text, from + callee.len())
}

fn begins_with_one(called: &str, begins: &[&str]) -> bool {
    let begin = |begin: &&str| {
        called.get(..begin.len()).is_some_and(|head| head.eq_ignore_ascii_case(begin))
    };
    begins.iter().any(begin)
}

/// The name of what a call sets: `Password` of `setPassword`.
fn set_by(called: &str) -> Option<&str> {
    let name = called.strip_prefix("set").or_else(|| called.strip_prefix("with"))?;
    let name = name.strip_prefix('_').unwrap_or(name);
    let begins = called.contains('_') || name.starts_with(|c: char| c.is_uppercase());
    let lower = name.to_ascii_lowercase();
    let is_beside = BESIDE.iter().any(|word| lower.ends_with(word));
    (begins && !is_beside).then_some(name)
}

/// Whether a call is one of something, and not one by itself: `.password("x")`.
fn is_method(text: &str, at: usize, called: &str) -> bool {
    at.checked_sub(called.len() + 1).is_some_and(|dot| text.as_bytes().get(dot) == Some(&b'.'))
}

fn squashed(text: &str) -> String {
    let mut out = String::new();
    squash(text, &mut out);
    out
}
