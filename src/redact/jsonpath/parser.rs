//! The text of a path → its segments (RFC 9535, sections 2.1 to 2.5).

use super::PATH_BYTES_MAX;
use super::error::{Expected, JsonPathError};
use super::syntax::{Segment, Selector};

/// Filters in filters, parentheses and functions inside of each other.
const NESTING_MAX: usize = 12;

/// The largest integer of a path, of either sign (I-JSON, RFC 7493).
const INTEGER_MAX: i64 = (1 << 53) - 1;

/// A result of parsing.
pub(super) type Parsed<T> = Result<T, JsonPathError>;

/// A parser, somewhere in a path.
pub(super) struct Parser<'t> {
    text: &'t str,
    /// In bytes; always at a character.
    at: usize,
    nesting: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Parsed<Self> {
        let parser = Self { text, at: 0, nesting: 0 };
        if text.len() > PATH_BYTES_MAX { parser.fail(Expected::Shorter) } else { Ok(parser) }
    }

    /// All of the text.
    pub(super) fn path(mut self) -> Parsed<Vec<Segment>> {
        if !self.eat('$') {
            return self.fail(Expected::Start);
        }
        let segments = self.segments()?;
        if self.rest().is_empty() { Ok(segments) } else { self.fail(Expected::Segment) }
    }

    /// What is not parsed yet.
    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    pub(super) fn eat(&mut self, sign: char) -> bool {
        let there = self.peek() == Some(sign);
        if there {
            self.at += sign.len_utf8();
        }
        there
    }

    /// Eats a sign of several characters.
    pub(super) fn eat_all(&mut self, sign: &str) -> bool {
        let there = self.rest().starts_with(sign);
        if there {
            self.at += sign.len();
        }
        there
    }

    pub(super) fn expect(&mut self, sign: char) -> Parsed<()> {
        if self.eat(sign) { Ok(()) } else { self.fail(Expected::Sign(sign)) }
    }

    pub(super) fn blanks(&mut self) {
        while let Some(' ' | '\t' | '\n' | '\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Where the parser is, to come back to.
    pub(super) fn mark(&self) -> usize {
        self.at
    }

    pub(super) fn back_to(&mut self, mark: usize) {
        self.at = mark;
    }

    pub(super) fn fail<T>(&self, expected: Expected) -> Parsed<T> {
        self.fail_at(self.at, expected)
    }

    pub(super) fn fail_at<T>(&self, mark: usize, expected: Expected) -> Parsed<T> {
        let before = self.text.get(..mark).unwrap_or(self.text);
        Err(JsonPathError { at: before.chars().count() + 1, expected })
    }

    /// Parses something inside of something else.
    pub(super) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting >= NESTING_MAX {
            return self.fail(Expected::Shallower);
        }
        self.nesting += 1;
        let parsed = parse(self);
        self.nesting -= 1;
        parsed
    }

    /// The segments of a query, up to what is none.
    pub(super) fn segments(&mut self) -> Parsed<Vec<Segment>> {
        let mut segments = Vec::new();
        loop {
            let mark = self.mark();
            self.blanks();
            if self.eat_all("..") {
                segments.push(Segment::Descendant(match self.peek() {
                    Some('[') => self.bracketed()?,
                    _ => vec![self.shorthand()?],
                }));
            } else if self.eat('.') {
                segments.push(Segment::Child(vec![self.shorthand()?]));
            } else if self.peek() == Some('[') {
                segments.push(Segment::Child(self.bracketed()?));
            } else {
                self.back_to(mark);
                return Ok(segments);
            }
        }
    }

    /// `*` or a name without quotes.
    fn shorthand(&mut self) -> Parsed<Selector> {
        if self.eat('*') {
            return Ok(Selector::Wildcard);
        }
        let is_first = |c: char| c.is_ascii_alphabetic() || c == '_' || !c.is_ascii();
        if !self.peek().is_some_and(is_first) {
            return self.fail(Expected::Name);
        }
        let rest = self.rest();
        let end = rest.find(|c: char| !is_first(c) && !c.is_ascii_digit()).unwrap_or(rest.len());
        self.at += end;
        Ok(Selector::Name(rest.get(..end).unwrap_or_default().into()))
    }

    /// Selectors in brackets.
    fn bracketed(&mut self) -> Parsed<Vec<Selector>> {
        self.expect('[')?;
        let mut selectors = Vec::new();
        loop {
            self.blanks();
            selectors.push(self.selector()?);
            self.blanks();
            if !self.eat(',') {
                self.expect(']')?;
                return Ok(selectors);
            }
        }
    }

    fn selector(&mut self) -> Parsed<Selector> {
        match self.peek() {
            Some('\'' | '"') => Ok(Selector::Name(self.quoted()?.into())),
            Some('*') => {
                self.eat('*');
                Ok(Selector::Wildcard)
            }
            Some('?') => {
                self.eat('?');
                self.blanks();
                self.nested(Self::logical).map(Selector::Filter)
            }
            Some(':' | '-' | '0'..='9') => self.index_or_slice(),
            _ => self.fail(Expected::Selector),
        }
    }

    fn index_or_slice(&mut self) -> Parsed<Selector> {
        let start = self.optional_integer()?;
        let mark = self.mark();
        self.blanks();
        match (self.eat(':'), start) {
            (true, _) => {}
            (false, Some(index)) => {
                self.back_to(mark);
                return Ok(Selector::Index(index));
            }
            (false, None) => return self.fail(Expected::Selector),
        }
        self.blanks();
        let end = self.optional_integer()?;
        self.blanks();
        let mut step = None;
        if self.eat(':') {
            self.blanks();
            step = self.optional_integer()?;
        }
        Ok(Selector::Slice { start, end, step: step.unwrap_or(1) })
    }

    fn optional_integer(&mut self) -> Parsed<Option<i64>> {
        match self.peek() {
            Some('-' | '0'..='9') => self.integer().map(Some),
            _ => Ok(None),
        }
    }

    fn integer(&mut self) -> Parsed<i64> {
        let mark = self.mark();
        self.eat('-');
        self.digits();
        let text = self.text.get(mark..self.at).unwrap_or_default();
        let digits = text.trim_start_matches('-');
        let well_formed = text == "0" || (!digits.is_empty() && !digits.starts_with('0'));
        let number = text.parse().ok().filter(|n| (-INTEGER_MAX..=INTEGER_MAX).contains(n));
        match number {
            Some(number) if well_formed => Ok(number),
            _ => self.fail_at(mark, Expected::Integer),
        }
    }

    /// Passes over digits.
    pub(super) fn digits(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
        }
    }

    /// A text in quotes of either kind.
    pub(super) fn quoted(&mut self) -> Parsed<String> {
        let Some(quote) = self.next() else { return self.fail(Expected::Text) };
        let mut text = String::new();
        loop {
            let mark = self.mark();
            match self.next() {
                Some(c) if c == quote => return Ok(text),
                Some('\\') => text.push(self.escape(quote)?),
                Some(c) if c >= ' ' => text.push(c),
                _ => return self.fail_at(mark, Expected::Text),
            }
        }
    }

    fn escape(&mut self, quote: char) -> Parsed<char> {
        let mark = self.mark();
        Ok(match self.next() {
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(c @ ('/' | '\\')) => c,
            Some(c) if c == quote => c,
            Some('u') => return self.unicode(),
            _ => return self.fail_at(mark, Expected::Escape),
        })
    }

    /// Four digits, or twice four of a surrogate pair.
    fn unicode(&mut self) -> Parsed<char> {
        let mark = self.mark();
        let mut code = self.four_digits();
        if let Some(high @ 0xd800..0xdc00) = code {
            let low = if self.eat_all("\\u") { self.four_digits() } else { None };
            code = low
                .filter(|low| (0xdc00..0xe000).contains(low))
                .map(|low| 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00));
        }
        match code.and_then(char::from_u32) {
            Some(c) => Ok(c),
            None => self.fail_at(mark, Expected::Escape),
        }
    }

    fn four_digits(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |code, _| Some(code << 4 | self.next()?.to_digit(16)?))
    }
}
