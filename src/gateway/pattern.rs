//! Texts with `*` where anything may stand.

/// Of a longer text only so many bytes are compared.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// A text, in any case of ASCII letters; `*` stands for anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPattern {
    /// What stands between the stars, in lower case.
    pieces: Vec<String>,
}

impl TextPattern {
    /// Compiles a pattern.
    pub fn new(pattern: &str) -> Self {
        Self { pieces: pattern.split('*').map(str::to_ascii_lowercase).collect() }
    }

    /// Whether it names the whole of a text, so that no star stands for any of it.
    pub(super) fn names(&self, text: &str) -> bool {
        self.pieces.concat() == text.to_ascii_lowercase()
    }

    /// Whether it is the whole of a text.
    pub fn matches(&self, text: &str) -> bool {
        let cut = text.as_bytes().get(..TEXT_BYTES_MAX).unwrap_or(text.as_bytes());
        let text = cut.to_ascii_lowercase();
        let Some((first, rest)) = self.pieces.split_first() else { return text.is_empty() };
        let Some((last, between)) = rest.split_last() else { return text == first.as_bytes() };
        let Some(mut text) = text.strip_prefix(first.as_bytes()) else { return false };
        for piece in between {
            let Some(at) = memchr::memmem::find(text, piece.as_bytes()) else { return false };
            text = text.get(at.saturating_add(piece.len())..).unwrap_or_default();
        }
        text.ends_with(last.as_bytes())
    }
}
