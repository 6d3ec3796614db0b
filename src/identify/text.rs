//! Texts that a client chose, made fit for a record.

/// Longer texts are cut.
const CHARS_MAX: usize = 256;

/// The text, trimmed, bounded and without control characters; `None` if nothing is left.
pub(super) fn bounded(text: &str) -> Option<String> {
    let text = text.trim();
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    (!text.is_empty()).then(|| text.chars().take(CHARS_MAX).map(shown).collect())
}
