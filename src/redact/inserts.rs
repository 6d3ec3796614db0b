//! What a statement of SQL puts into columns that it names before:
//! `INSERT INTO users (name, password) VALUES ('a', 'x'), ('b', 'y')`.

use std::ops::Range;

use memchr::memmem;

use super::carrier::Carrier;
use super::text::Edit;
use super::walk::Walk;

/// So far before its values the names of columns are looked for.
const NAMES_BYTES_MAX: usize = 2048;

/// Columns after these have no names.
const COLUMNS_MAX: usize = 128;

/// What stands around the name of a column.
const AROUND_NAMES: [char; 8] = [' ', '\t', '\r', '\n', '"', '`', '[', ']'];

/// The word before the values, as programs write it.
const WORDS: [&[u8]; 2] = [b"VALUES", b"values"];

impl Walk<'_> {
    /// Takes out what is put into columns that rules select.
    pub(super) fn inserts(&mut self, text: &str, edits: &mut Vec<Edit>) {
        for word in WORDS {
            let mut done = 0;
            for at in memmem::find_iter(text.as_bytes(), word) {
                if at < done {
                    continue;
                }
                let Some(names) = names_before(text, at) else { continue };
                let rule_of = |name: &str| {
                    self.rule_of_content(Carrier::Member, name.trim_matches(AROUND_NAMES), None)
                };
                let rules: Vec<Option<usize>> =
                    names.split(',').take(COLUMNS_MAX).map(rule_of).collect();
                if rules.iter().any(Option::is_some) {
                    done = self.inserted(text, at + word.len(), &rules, edits);
                }
            }
        }
    }

    /// Takes out of the rows that begin here what is in their columns; where they end.
    fn inserted(
        &mut self,
        text: &str,
        from: usize,
        rules: &[Option<usize>],
        edits: &mut Vec<Edit>,
    ) -> usize {
        let mut row = Row { text: text.as_bytes(), at: from };
        while row.opens() {
            for column in 0.. {
                let (value, ends) = row.value();
                let rule = rules.get(column).copied().flatten();
                if let Some(rule) = rule.filter(|_| is_told(text, &value)) {
                    if let Some(told) = text.get(value.clone()).and_then(quoted) {
                        self.remember(&told, rule);
                    }
                    self.take(text, bare(text, value), rule, edits);
                }
                if ends {
                    break;
                }
            }
        }
        row.at
    }
}

/// What stands in the brackets right before this place.
fn names_before(text: &str, at: usize) -> Option<&str> {
    let near = text.get(..at)?.trim_end().strip_suffix(')')?;
    let from = near.len().saturating_sub(NAMES_BYTES_MAX);
    let from = (from..=near.len()).find(|from| near.is_char_boundary(*from))?;
    let near = near.get(from..)?;
    let (at, bracket) = near.char_indices().rfind(|(_, c)| matches!(c, '(' | ')'))?;
    near.get(at + 1..).filter(|_| bracket == '(')
}

/// Whether a value says something: in quotes, or a number; neither `NULL` nor the place of a parameter.
fn is_told(text: &str, value: &Range<usize>) -> bool {
    text.get(value.clone()).is_some_and(|value| {
        value.contains(['\'', '"']) || value.trim().bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The text in the quotes, if a value is nothing else; else all of it: `md5('x')`.
fn bare(text: &str, value: Range<usize>) -> Range<usize> {
    let told = text.get(value.clone()).unwrap_or_default();
    let start = value.start + (told.len() - told.trim_start().len());
    let inner = told.trim();
    for quote in ['\'', '"'] {
        if let Some(inner) = inner.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote))
            && !inner.contains("||")
        {
            return start + 1..start + 1 + inner.len();
        }
    }
    start..start + inner.len()
}

/// What is between the first quotes of a value, in which quotes are doubled.
fn quoted(value: &str) -> Option<String> {
    let value = value.replace("''", "\0");
    value.split('\'').nth(1).map(|told| told.replace('\0', "'"))
}

/// Reads rows of values.
struct Row<'t> {
    text: &'t [u8],
    at: usize,
}

impl Row<'_> {
    /// Goes into the next row, if there is one.
    fn opens(&mut self) -> bool {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let blanks = rest.iter().take_while(|byte| b" \t\r\n,".contains(byte)).count();
        let opens = rest.get(blanks) == Some(&b'(');
        if opens {
            self.at += blanks + 1;
        }
        opens
    }

    /// The next value, and whether it is the last one of its row.
    fn value(&mut self) -> (Range<usize>, bool) {
        let start = self.at;
        let (mut quote, mut depth) = (None, 0_usize);
        while let Some(byte) = self.text.get(self.at).copied() {
            let here = self.at;
            self.at += 1;
            match (quote, byte) {
                // A quote is doubled or behind a backslash in what is quoted; doubled, it closes and opens.
                (Some(_), b'\\') => self.at += 1,
                (Some(open), _) if open == byte => quote = None,
                (Some(_), _) => {}
                (None, b'\'' | b'"') => quote = Some(byte),
                (None, b'(') => depth += 1,
                (None, b')') if depth == 0 => return (start..here, true),
                (None, b')') => depth -= 1,
                (None, b',') if depth == 0 => return (start..here, false),
                (None, _) => {}
            }
        }
        self.at = self.text.len();
        (start..self.at, true)
    }
}
