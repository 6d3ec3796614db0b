//! How grave a GraphQL document is: whether it may change something.
//!
//! Follows nothing but braces, strings and comments, so that no document is too odd to be judged.

use super::super::text::bounded;

/// Of a document so many bytes are read.
const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// GraphQL's kinds of operations; the greater decides what a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::derive) enum Operation {
    Query,
    Subscription,
    /// Not told: a persisted query, or a text that was not recorded.
    Unknown,
    Mutation,
}

/// The gravest operation of a document, and its name.
pub(super) fn operation(document: &str) -> (Operation, Option<String>) {
    let end = document.floor_char_boundary(DOCUMENT_BYTES_MAX);
    let (text, rest) = document.split_at_checked(end).unwrap_or((document, ""));
    let mut found = (!rest.is_empty()).then_some((Operation::Unknown, None));
    let mut depth = 0_usize;
    let mut words: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in Significant(text) {
        let is_word = c.is_ascii_alphanumeric() || c == '_';
        if depth == 0 && is_word {
            match words.last_mut().filter(|_| in_word) {
                Some(word) => word.push(c),
                None => words.push(c.to_string()),
            }
        }
        in_word = is_word;
        match c {
            '{' | '(' => {
                if depth == 0 && !(c == '{' && words.is_empty() && found.is_some()) {
                    found = found.max(Some(headed(&words)));
                    words.clear();
                }
                depth += 1;
            }
            '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found.map_or((Operation::Unknown, None), |(operation, name)| {
        (operation, name.as_deref().and_then(bounded))
    })
}

/// The characters of a GraphQL document without those in strings and comments.
struct Significant<'d>(&'d str);

impl Iterator for Significant<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        if let Some(rest) = self.0.strip_prefix('#') {
            self.0 = rest.trim_start_matches(|c| !matches!(c, '\n' | '\r'));
        } else if let Some(rest) = self.0.strip_prefix("\"\"\"") {
            // A block string; `\"""` in one ends it here, which misreads no honest document.
            self.0 = rest.split_once("\"\"\"").map_or("", |(_, rest)| rest);
        } else if let Some(rest) = self.0.strip_prefix('"') {
            self.0 = after_string(rest);
        }
        let mut chars = self.0.chars();
        let next = chars.next();
        let is_hidden = matches!(next, Some('"' | '#'));
        if is_hidden {
            // Another string or comment begins at once: what stands between two words is a space.
            return Some(' ');
        }
        self.0 = chars.as_str();
        next
    }
}

/// What follows the end of a string, which is its quotation mark or the end of its line.
fn after_string(text: &str) -> &str {
    let mut escaped = false;
    let end = text.char_indices().find(|&(_, c)| {
        let ends = !escaped && c == '"' || matches!(c, '\n' | '\r');
        escaped = !escaped && c == '\\';
        ends
    });
    end.and_then(|(at, c)| text.get(at + c.len_utf8()..)).unwrap_or_default()
}

fn headed(words: &[String]) -> (Operation, Option<String>) {
    let name = words.get(1).cloned();
    match words.first().map(String::as_str) {
        Some("mutation") => (Operation::Mutation, name),
        Some("subscription") => (Operation::Subscription, name),
        _ => (Operation::Query, name.filter(|_| words.first().is_some_and(|word| word == "query"))),
    }
}
