//! Patterns over names, insensitive to case and to how words are joined.
//!
//! `api_key`, `api-key`, `apiKey` and `API Key` differ in nothing but the case of letters and what
//! stands between words, so patterns and names are compared by their letters and digits alone. `*`
//! stands for any run of them. Matching takes time linear in the name.

use memchr::memmem;

/// Letters and digits of a pattern, at most.
const PATTERN_CHARS_MAX: usize = 128;

/// A pattern that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// Nothing to compare.
    #[error("the pattern has no letter, digit or `*`")]
    Empty,
    /// A character that other glob dialects give a meaning which it has not here.
    #[error("the pattern has a `{0}`, which means nothing here")]
    Unsupported(char),
    /// Longer than 128 characters.
    #[error("the pattern is longer than 128 characters")]
    TooLong,
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// The literals between the stars: one literal is an exact name.
    pieces: Vec<String>,
}

impl Glob {
    /// Compiles a pattern.
    pub fn new(pattern: &str) -> Result<Self, GlobError> {
        if let Some(c) = pattern.chars().find(|c| "?[]{}\\!^$|()+".contains(*c)) {
            return Err(GlobError::Unsupported(c));
        }
        if pattern.chars().count() > PATTERN_CHARS_MAX {
            return Err(GlobError::TooLong);
        }
        let mut pieces: Vec<String> = Vec::new();
        for (position, piece) in pattern.split('*').enumerate() {
            let mut squashed = String::new();
            squash(piece, &mut squashed);
            // `**` says no more than `*`.
            if position < 2 || !squashed.is_empty() || !pieces.last().is_some_and(String::is_empty)
            {
                pieces.push(squashed);
            }
        }
        if pieces.len() == 1 && pieces.iter().all(String::is_empty) {
            return Err(GlobError::Empty);
        }
        Ok(Self { pieces })
    }

    /// The one name that it matches, if it has no star.
    pub(super) fn exact(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [name] => Some(name),
            _ => None,
        }
    }

    /// Whether it matches the name that another one stands for, or is the same.
    pub fn covers(&self, other: &Self) -> bool {
        self == other || other.exact().is_some_and(|name| self.matches(name))
    }

    /// The longest literal; empty if the pattern is `*`.
    pub(super) fn literal(&self) -> &str {
        self.pieces.iter().max_by_key(|piece| piece.len()).map_or("", String::as_str)
    }

    /// Whether it matches a squashed name.
    pub(super) fn matches(&self, name: &str) -> bool {
        let [first, middle @ .., last] = self.pieces.as_slice() else {
            return self.exact() == Some(name);
        };
        let Some(mut rest) = name.strip_prefix(first.as_str()) else { return false };
        for piece in middle {
            let found = memmem::find(rest.as_bytes(), piece.as_bytes());
            match found.and_then(|at| rest.get(at + piece.len()..)) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last.as_str())
    }
}

/// Appends the letters and digits of `name`, in lower case.
pub(super) fn squash(name: &str, out: &mut String) {
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !c.is_ascii() && c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        }
    }
}
