//! What a text may hold, by its bytes alone: one look tells for most texts that there is nothing.

/// Bytes that occur in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class(u16);

const EQUALS: u16 = 1;
const COLON: u16 = 1 << 1;
const PERCENT: u16 = 1 << 2;
/// Neither of base64, in any alphabet, nor blank.
const NO_BASE64: u16 = 1 << 3;
/// A brace, a bracket or what else documents begin with.
const BRACKET: u16 = 1 << 4;
const AT: u16 = 1 << 5;
const QUOTE: u16 = 1 << 6;
/// The end of a line, or anything that is not ASCII.
const LINE_OR_OTHER: u16 = 1 << 7;
/// Whitespace of ASCII.
const BLANK: u16 = 1 << 8;
/// What ends a word, whatever it is.
const BREAK: u16 = 1 << 9;
/// What ends a `name=value`.
const PIECE: u16 = 1 << 10;
const SLASH: u16 = 1 << 11;

#[expect(clippy::indexing_slicing, reason = "it is evaluated by the compiler")]
const TABLE: [u16; 256] = {
    let mut table = [LINE_OR_OTHER; 256];
    let mut byte = 0;
    while byte < 128 {
        let c = byte as u8;
        let in_base64 = c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'-' | b'_' | b'=');
        let blank = c.is_ascii_whitespace() || c == 0x0b;
        let bits = match c {
            b'=' => EQUALS,
            b':' => COLON | NO_BASE64,
            b'%' => PERCENT | NO_BASE64,
            b'@' => AT | NO_BASE64,
            b'{' | b'[' | b'<' => BRACKET | NO_BASE64,
            b'"' | b'\'' => QUOTE | NO_BASE64,
            b'\n' => LINE_OR_OTHER,
            b'/' => SLASH,
            _ if in_base64 || blank => 0,
            _ => NO_BASE64,
        };
        let ends_word = c.is_ascii_whitespace() || matches!(c, b'"' | b'\'' | b'<' | b'>' | b'`');
        let ends_piece = matches!(c, b'?' | b'&' | b'#' | b';' | b',');
        table[byte] = bits
            | if blank { BLANK } else { 0 }
            | if ends_word { BREAK } else { 0 }
            | if ends_piece { PIECE } else { 0 };
        byte += 1;
    }
    table
};

fn bits(byte: u8) -> u16 {
    TABLE.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Where words end, whatever they are.
pub(super) fn breaks(byte: u8) -> bool {
    bits(byte) & BREAK != 0
}

/// Where a `name=value` ends, whatever it is.
pub(super) fn ends_piece(byte: u8) -> bool {
    bits(byte) & PIECE != 0
}

impl Class {
    /// Looks at every byte of a text.
    pub(super) fn of(text: &str) -> Self {
        Self(text.bytes().fold(0, |class, byte| class | bits(byte)))
    }

    /// There is an `=` in it.
    pub(super) fn has_equals(self) -> bool {
        self.0 & EQUALS != 0
    }

    /// There is a `:` in it.
    pub(super) fn has_colon(self) -> bool {
        self.0 & COLON != 0
    }

    /// There are a `:` and an `@` in it.
    pub(super) fn may_have_userinfo(self) -> bool {
        self.0 & (COLON | AT) == COLON | AT
    }

    /// There is a `/` in it.
    pub(super) fn has_slash(self) -> bool {
        self.0 & SLASH != 0
    }

    /// There is a `%` in it.
    pub(super) fn has_percent(self) -> bool {
        self.0 & PERCENT != 0
    }

    /// There is what documents of JSON and XML begin with.
    pub(super) fn has_bracket(self) -> bool {
        self.0 & BRACKET != 0
    }

    /// There is a quote in it.
    pub(super) fn has_quote(self) -> bool {
        self.0 & QUOTE != 0
    }

    /// There may be several lines in it, or other characters than those of ASCII.
    pub(super) fn may_have_lines(self) -> bool {
        self.0 & LINE_OR_OTHER != 0
    }

    /// There is a blank or the end of a line in it.
    pub(super) fn has_blank(self) -> bool {
        self.0 & BLANK != 0
    }

    /// There is what ends a word, whatever it is.
    pub(super) fn has_break(self) -> bool {
        self.0 & BREAK != 0
    }

    /// It may be base64.
    pub(super) fn may_be_base64(self) -> bool {
        self.0 & NO_BASE64 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::{Class, breaks, ends_piece};
    use crate::decode::{base64_text, data_url, embedded, percent_text};

    #[test]
    fn nothing_is_missed() {
        for text in [
            "eyJwYXNzd29yZCI6ICJpbm5lci1zZWNyZXQifQ==",
            " \u{a0}cGFzc3dvcmQ9aW5uZXIt\r\nc2VjcmV0IGFuZCBtb3Jl\u{85}",
            "\u{b}cGFzc3dvcmQ9aW5uZXItc2VjcmV0\u{c}",
            "-_-_cGFzc3dvcmQ_",
        ] {
            assert!(Class::of(text).may_be_base64(), "{text}");
        }
        assert!(base64_text("\u{b}cGFzc3dvcmQ9aW5uZXItc2VjcmV0\u{c}").is_some());
        assert!(embedded("[1]").is_some() && Class::of("[1]").has_bracket());
        assert!(embedded("<a/>").is_some() && Class::of("<a/>").has_bracket());
        assert!(percent_text("a%20b").is_some() && Class::of("a%20b").has_percent());
        assert!(data_url("data:,x").is_some() && Class::of("data:,x").has_colon());
        assert!(Class::of("a=b").has_equals());
        assert!(Class::of("a b").has_blank() && Class::of("a\nb").has_blank());
        assert!(!Class::of("a-b\u{a0}").has_blank());
        assert!(Class::of("a\"b").has_break() && !Class::of("a?b=c,d").has_break());
        assert!((0..=255).filter(|byte| breaks(*byte)).eq(*b"\t\n\x0c\r \"'<>`"));
        assert!((0..=255).filter(|byte| ends_piece(*byte)).eq(*b"#&,;?"));
        assert!(Class::of("it's").has_quote() && Class::of("\"a").has_quote());
        assert!(Class::of("a\nb").may_have_lines() && Class::of("“a”").may_have_lines());
        let line = Class::of("ENV A b, c.d/e (f) ${g}\r\t");
        assert!(!line.has_quote() && !line.may_have_lines());
        assert!(Class::of("redis://:pw@host").may_have_userinfo());
        let plain = Class::of("created by “Zoë”, on 2026-11-21 (first)");
        assert!(!plain.may_be_base64() && !plain.has_equals() && !plain.has_colon());
        assert!(!plain.has_bracket() && !plain.has_percent());
    }
}
