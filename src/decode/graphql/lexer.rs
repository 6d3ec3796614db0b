//! The words of GraphQL.

use std::borrow::Cow;
use std::ops::Range;

use crate::decode::Note;

/// One word.
#[derive(Clone, PartialEq)]
pub(crate) enum Token<'a> {
    Name(&'a str),
    Number(&'a str),
    /// Without quotes and escapes.
    String(Cow<'a, str>),
    /// Without the `#`.
    Comment(&'a str),
    /// A punctuator; three dots are one `.`.
    Mark(u8),
}

pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next word and where it stands; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(Token<'a>, Range<usize>)>, Note> {
        let rest = self.rest();
        let blank = rest.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n', ',']);
        self.at += rest.len() - blank.len();
        let start = self.at;
        let Some(first) = blank.bytes().next() else { return Ok(None) };
        let token = match first {
            b'#' => {
                let line = self.take(|byte| !matches!(byte, b'\n' | b'\r'));
                Token::Comment(line.strip_prefix('#').unwrap_or(line))
            }
            b'"' => self.string()?,
            b'_' | b'a'..=b'z' | b'A'..=b'Z' => {
                Token::Name(self.take(|byte| byte == b'_' || byte.is_ascii_alphanumeric()))
            }
            b'-' | b'0'..=b'9' => Token::Number(self.take(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.' | b'_')
            })),
            b'.' => {
                if !blank.starts_with("...") {
                    return Err(Note::InvalidGraphql);
                }
                self.at += 3;
                Token::Mark(b'.')
            }
            b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|'
            | b'}' => {
                self.at += 1;
                Token::Mark(first)
            }
            _ => return Err(Note::InvalidGraphql),
        };
        Ok(Some((token, start..self.at)))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// What is made of such bytes, which are ASCII or belong to characters that are not.
    fn take(&mut self, of: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.bytes().position(|byte| !of(byte)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn string(&mut self) -> Result<Token<'a>, Note> {
        let rest = self.rest();
        if let Some(block) = rest.strip_prefix("\"\"\"") {
            let end = block_end(block).ok_or(Note::InvalidGraphql)?;
            self.at += end + 6;
            return Ok(Token::String(Cow::Borrowed(block.get(..end).unwrap_or_default())));
        }
        self.at += 1;
        let run = self.run();
        let mut value = Cow::Borrowed(run);
        loop {
            let mut chars = self.rest().chars();
            match chars.next() {
                Some('"') => {
                    self.at += 1;
                    return Ok(Token::String(value));
                }
                Some('\\') => {
                    let (character, length) = escape(chars.as_str()).ok_or(Note::InvalidGraphql)?;
                    self.at += 1 + length;
                    let owned = value.to_mut();
                    owned.push(character);
                    owned.push_str(self.run());
                }
                _ => return Err(Note::InvalidGraphql),
            }
        }
    }

    fn run(&mut self) -> &'a str {
        self.take(|byte| !matches!(byte, b'"' | b'\\' | b'\n' | b'\r'))
    }
}

/// Where the quotes stand that end a block string.
fn block_end(block: &str) -> Option<usize> {
    let mut quotes = memchr::memmem::find_iter(block.as_bytes(), b"\"\"\"");
    quotes.find(|at| at.checked_sub(1).and_then(|at| block.as_bytes().get(at)) != Some(&b'\\'))
}

/// The character that an escape stands for, and the length of the escape without its backslash.
fn escape(text: &str) -> Option<(char, usize)> {
    let first = text.chars().next()?;
    let plain = match first {
        '"' | '\\' | '/' => first,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode(text.get(1..)?).map(|(character, length)| (character, length + 1)),
        _ => return None,
    };
    Some((plain, 1))
}

/// `XXXX`, a pair of surrogates, or `{X…}`.
fn unicode(text: &str) -> Option<(char, usize)> {
    if let Some(braced) = text.strip_prefix('{') {
        let (digits, _) = braced.split_once('}')?;
        let in_range = (1..=8).contains(&digits.len());
        let code = in_range.then(|| hex(digits)).flatten()?;
        return Some((char::from_u32(code)?, digits.len() + 2));
    }
    let high = hex(text.get(..4)?)?;
    if !(0xd800..0xdc00).contains(&high) {
        return Some((char::from_u32(high)?, 4));
    }
    let low = hex(text.get(4..)?.strip_prefix("\\u")?.get(..4)?)?;
    if !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    Some((char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))?, 10))
}

fn hex(digits: &str) -> Option<u32> {
    let all = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    all.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}
