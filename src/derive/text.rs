//! Derived texts, bounded.

/// Longer texts are cut.
pub(super) const CHARS_MAX: usize = 256;

/// What the redaction engine writes in the place of a secret inside of a text.
pub(super) const MASK: &str = "***";

/// The text, trimmed, bounded and without control characters; `None` if nothing is left to show.
pub(super) fn bounded(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty() && text != MASK).then(|| cut(text))
}

/// Whether a character turns the direction of what stands beside it.
pub(super) fn is_bidi(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text without the quotation marks of sentences, so that it cannot end one.
pub(super) fn unquoted(text: &str) -> String {
    text.replace(['“', '”'], "\"")
}

/// The text, cut to its limit, with `…` at its end if it was, and without control characters.
pub(super) fn cut(text: &str) -> String {
    if text.len() <= CHARS_MAX && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let shown = |c: char| if c.is_control() || is_bidi(c) { '\u{fffd}' } else { c };
    let mut cut: String = text.chars().take(CHARS_MAX).map(shown).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        // What was cut is seen to be: it is no other, shorter text.
        cut.pop();
        cut.push('…');
    }
    cut
}

/// The letters and digits of a text, without the case.
pub(super) fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase)
}
