//! Where words begin, for patterns that say that a token does: in texts that were escaped, coloured or
//! joined, what stands before a token may be made of letters and digits as well.

use super::compile::Edge;

/// The longest colour of a terminal that is known as one (`[38;2;255;255;255m`), in bytes.
const COLOUR_BYTES_MAX: usize = 20;

impl Edge {
    /// Whether what stands before this place is what it asks for.
    pub(super) fn holds(self, text: &str, at: usize) -> bool {
        match self {
            Self::Any => true,
            Self::Word => word_begins(text.as_bytes(), at, false),
            Self::Distinct => word_begins(text.as_bytes(), at, true),
        }
    }
}

/// Whether a word begins here: behind what is part of no word, an escape (`\n`, `\u0022`, `%20`), or a
/// colour (`[31m`); behind `_` too where what follows is told from words by its own signs.
fn word_begins(text: &[u8], at: usize, is_distinct: bool) -> bool {
    let before = text.get(..at).unwrap_or_default();
    match before.last() {
        None => true,
        Some(b'_') => is_distinct,
        Some(byte) if !byte.is_ascii_alphanumeric() => true,
        Some(b'n' | b'r' | b't') if is_behind(before, 1, b"\\") => true,
        Some(b'm') if ends_colour(before) => true,
        Some(_) => {
            ends_code(before, 4, b"\\u")
                || ends_code(before, 2, b"\\x")
                || ends_code(before, 2, b"%")
        }
    }
}

/// Whether so many bytes before the end something else ends.
fn is_behind(before: &[u8], bytes: usize, what: &[u8]) -> bool {
    before
        .len()
        .checked_sub(bytes)
        .and_then(|end| before.get(..end))
        .is_some_and(|b| b.ends_with(what))
}

/// Whether an escape of so many hex digits ends here.
fn ends_code(before: &[u8], digits: usize, sign: &[u8]) -> bool {
    let code = before.len().checked_sub(digits).and_then(|from| before.get(from..));
    code.is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
        && is_behind(before, digits, sign)
}

fn ends_colour(before: &[u8]) -> bool {
    let mut bytes = before.iter().rev().skip(1).take(COLOUR_BYTES_MAX);
    bytes.find(|byte| !byte.is_ascii_digit() && **byte != b';') == Some(&b'[')
}

#[cfg(test)]
mod tests {
    use super::word_begins;

    #[test]
    fn words_begin_behind_what_is_no_word() {
        for (before, plain, distinct) in [
            ("", true, true),
            (" ", true, true),
            ("-", true, true),
            ("é", true, true),
            ("x", false, false),
            ("9", false, false),
            ("n", false, false),
            ("line\\n", true, true),
            ("line\\t", true, true),
            ("\\u0022", true, true),
            ("\\u00", false, false),
            ("\\x1b", true, true),
            ("a%20", true, true),
            ("20", false, false),
            ("\u{1b}[31m", true, true),
            ("\\u001b[1;31m", true, true),
            ("[31", false, false),
            ("31m", false, false),
            ("m", false, false),
            ("key_", false, true),
        ] {
            assert_eq!(word_begins(before.as_bytes(), before.len(), false), plain, "{before}");
            assert_eq!(word_begins(before.as_bytes(), before.len(), true), distinct, "{before}");
        }
    }
}
