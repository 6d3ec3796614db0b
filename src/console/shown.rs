//! Text that was captured, or may have been, made fit for a page.

use std::fmt;

/// A text in which every character that could mislead its reader is written out: controls, and marks
/// that reorder or hide text. Templates escape it as they escape everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Shown(String);

impl Shown {
    /// Of one line; line breaks are written out as well.
    pub(super) fn line(text: &str) -> Self {
        Self::of(text, is_misleading, false)
    }

    /// Of what people call somebody, who may call themselves anything: marks that look like the one of who is
    /// verified are written out as well.
    pub(super) fn name(text: &str) -> Self {
        Self::of(text, |c| is_misleading(c) || is_mark(c), false)
    }

    /// Of a text with its line breaks.
    pub(super) fn block(text: &str) -> Self {
        Self::of(text, is_misleading, true)
    }

    fn of(text: &str, is_hidden: impl Fn(char) -> bool, lines: bool) -> Self {
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\n' | '\t' if lines => shown.push(c),
                c if is_hidden(c) => shown.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
                c => shown.push(c),
            }
        }
        Self(shown)
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Ticks, stars and other signs.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{221a}' | '\u{2600}'..='\u{27bf}' | '\u{1f300}'..='\u{1faff}')
}

fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}
