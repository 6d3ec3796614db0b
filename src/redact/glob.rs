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
#[derive(Debug, Clone)]
pub struct Glob {
    /// The literals between the stars: one literal is an exact name.
    pieces: Vec<String>,
    /// Where words of the longest literal begin, but the first.
    joints: Vec<usize>,
}

impl PartialEq for Glob {
    /// Joints are how it is written, and not what it matches.
    fn eq(&self, other: &Self) -> bool {
        self.pieces == other.pieces
    }
}

impl Eq for Glob {}

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
        let longest = pattern.split('*').map(joined).max_by_key(|(piece, _)| piece.len());
        Ok(Self { pieces, joints: longest.map(|(_, joints)| joints).unwrap_or_default() })
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

impl Glob {
    /// Whether it matches by whole words, or inside of one: `*password*` by `passWord` and by
    /// `userpassword`, but `*passord*`, which is Norwegian, not by `pass_order`. Where words of the
    /// name meet inside of what is found, words of the pattern do as well, or both ends of it are
    /// ends of words. The name is one that it matches. What has more literals than one is not told.
    pub(super) fn is_in_words(&self, name: &str) -> bool {
        let mut literals = self.pieces.iter().filter(|piece| !piece.is_empty());
        let (Some(literal), None) = (literals.next(), literals.next()) else { return true };
        let (squashed, joints) = joined(name);
        let is_end =
            |at: usize| at == 0 || at == squashed.len() || joints.binary_search(&at).is_ok();
        let is_at_begin = self.pieces.first().is_some_and(|piece| !piece.is_empty());
        let is_at_end = self.pieces.last().is_some_and(|piece| !piece.is_empty());
        joints.is_empty()
            || memmem::find_iter(squashed.as_bytes(), literal.as_bytes()).any(|start| {
                let end = start + literal.len();
                let is_found =
                    (!is_at_begin || start == 0) && (!is_at_end || end == squashed.len());
                let first = joints.partition_point(|at| *at <= start);
                let mut inside = joints.iter().skip(first).take_while(|at| **at < end);
                is_found
                    && (is_end(start) && is_end(end)
                        || inside.all(|at| self.joints.contains(&(at - start))))
            })
    }
}

/// The letters and digits of a name, and where words of it begin in them, but the first: after what
/// is neither, and at a capital after a small letter or a digit.
fn joined(name: &str) -> (String, Vec<usize>) {
    let (mut squashed, mut joints) = (String::new(), Vec::new());
    let mut before: Option<char> = None;
    for c in name.chars() {
        let begins = before.is_some_and(|before| {
            !before.is_alphanumeric() && (before.is_ascii() || before.is_whitespace())
                || c.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit())
        });
        if begins && c.is_alphanumeric() && !squashed.is_empty() {
            joints.push(squashed.len());
        }
        squash(c.encode_utf8(&mut [0; 4]), &mut squashed);
        before = Some(c);
    }
    (squashed, joints)
}

/// Appends the letters and digits of `name`, in lower case.
pub(super) fn squash(name: &str, out: &mut String) {
    out.reserve(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !c.is_ascii() && c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_name_are_found_whole_or_inside_of_one() {
        let rows = [
            ("*haslo*", "haslo", true),
            ("*haslo*", "nowe_haslo", true),
            ("*haslo*", "nowehaslo2", true),
            ("*haslo*", "has_location", false),
            ("*haslo*", "hasLogo", false),
            ("*haslo*", "has_logo_haslo", true),
            ("*haslo*", "has-lo", true),
            ("*heslo*", "cache_slots", false),
            ("*heslo*", "cacheSlots", false),
            ("*pass_word*", "passWord", true),
            ("*pass_word*", "userpassWord1", true),
            ("*pass_word*", "PASSWORDS", true),
            ("*pass_word*", "PaSsWoRd", true),
            ("*passord*", "pass_order", false),
            ("*api_key*", "googleapi_key", true),
            ("*api_key*", "apikeys", true),
            ("*api_key*", "a.p.i.k.e.y", true),
            ("*_api_key", "my_apiKey", true),
            ("*api_key_id", "my_api_key_id", true),
            ("a*b*c", "a_xbx_c", true),
            ("*contrasena*", "nuevacontrasen\u{303}a", true),
            ("*", "any_name", true),
        ];
        for (pattern, name, expected) in rows {
            let glob = Glob::new(pattern).unwrap();
            let mut squashed = String::new();
            squash(name, &mut squashed);
            assert!(glob.matches(&squashed), "{pattern} {name}");
            assert_eq!(glob.is_in_words(name), expected, "{pattern} {name}");
        }
    }
}
