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

/// The text, cut to its limit and without control characters.
pub(super) fn cut(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().take(CHARS_MAX).map(shown).collect()
}
