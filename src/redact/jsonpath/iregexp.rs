//! I-Regexp (RFC 9485) → the syntax of `regex`, in linear time.
//!
//! `^` and `$` are anchors, as in every implementation that hands expressions on to its own engine,
//! though RFC 9485 takes them for characters.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// What a compiled expression may take, in bytes.
const COMPILED_BYTES_MAX: usize = 256 * 1024;

/// Groups in groups.
const GROUPS_MAX: usize = 12;

/// A compiled expression.
#[derive(Debug, Clone)]
pub(super) struct Regexp(Regex);

/// What cannot be compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RegexpError {
    /// It is no I-Regexp.
    Syntax,
    /// It is too large.
    Size,
}

impl Regexp {
    /// Compiles an expression for `match` (the whole text) or `search`.
    pub(super) fn new(text: &str, whole: bool) -> Result<Self, RegexpError> {
        let mut translation = Translation { rest: text.chars().peekable(), out: String::new() };
        translation.branches(0).ok_or(RegexpError::Syntax)?;
        if translation.rest.next().is_some() {
            return Err(RegexpError::Syntax);
        }
        let translated = translation.out;
        let translated = if whole { format!(r"\A(?:{translated})\z") } else { translated };
        let built = RegexBuilder::new(&translated).size_limit(COMPILED_BYTES_MAX).build();
        match built {
            Ok(regex) => Ok(Self(regex)),
            Err(regex::Error::CompiledTooBig(_)) => Err(RegexpError::Size),
            Err(_) => Err(RegexpError::Syntax),
        }
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

/// An expression while it is translated; every step is `None` where the grammar does not go on.
struct Translation<'t> {
    rest: Peekable<Chars<'t>>,
    out: String,
}

impl Translation<'_> {
    fn eat(&mut self, sign: char) -> bool {
        self.rest.next_if_eq(&sign).is_some()
    }

    fn branches(&mut self, depth: usize) -> Option<()> {
        if depth > GROUPS_MAX {
            return None;
        }
        loop {
            while self.rest.peek().is_some_and(|c| !"|)".contains(*c)) {
                self.atom(depth)?;
                self.quantifier()?;
            }
            if !self.eat('|') {
                return Some(());
            }
            self.out.push('|');
        }
    }

    fn atom(&mut self, depth: usize) -> Option<()> {
        match self.rest.next()? {
            '(' => {
                self.out.push_str("(?:");
                self.branches(depth + 1)?;
                self.out.push(')');
                self.eat(')').then_some(())
            }
            '.' => {
                self.out.push_str(r"[^\n\r]");
                Some(())
            }
            '[' => self.class(),
            '\\' => {
                if !self.category()? {
                    let c = escaped(self.rest.next()?)?;
                    self.literal(c);
                }
                Some(())
            }
            '*' | '+' | '?' | ')' | ']' | '{' | '}' => None,
            anchor @ ('^' | '$') => {
                self.out.push(anchor);
                Some(())
            }
            c => {
                self.literal(c);
                Some(())
            }
        }
    }

    fn quantifier(&mut self) -> Option<()> {
        match self.rest.peek() {
            Some('*' | '+' | '?') => self.out.extend(self.rest.next()),
            Some('{') => {
                self.out.extend(self.rest.next());
                self.count()?;
                if self.eat(',') {
                    self.out.push(',');
                    if self.rest.peek() != Some(&'}') {
                        self.count()?;
                    }
                }
                self.out.push('}');
                return self.eat('}').then_some(());
            }
            _ => {}
        }
        Some(())
    }

    fn count(&mut self) -> Option<()> {
        let before = self.out.len();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            self.out.push(digit);
        }
        (self.out.len() > before).then_some(())
    }

    /// `\p{Lu}` or `\P{Lu}`, behind the backslash; `false` if it is another escape.
    fn category(&mut self) -> Option<bool> {
        let Some(kind) = self.rest.next_if(|c| matches!(c, 'p' | 'P')) else { return Some(false) };
        if !self.eat('{') {
            return None;
        }
        let mut name = String::new();
        while let Some(c) = self.rest.next_if(char::is_ascii_alphabetic) {
            name.push(c);
        }
        if !self.eat('}') || !is_category(&name) {
            return None;
        }
        self.out.extend(['\\', kind, '{']);
        self.out.push_str(&name);
        self.out.push('}');
        Some(true)
    }

    fn class(&mut self) -> Option<()> {
        self.out.push('[');
        if self.eat('^') {
            self.out.push('^');
        }
        if self.eat('-') {
            self.literal('-');
        } else {
            self.member()?;
        }
        loop {
            if self.eat(']') {
                self.out.push(']');
                return Some(());
            }
            if self.eat('-') {
                // Only the last one may stand for itself.
                self.literal('-');
                self.out.push(']');
                return self.eat(']').then_some(());
            }
            self.member()?;
        }
    }

    /// A character, a range of them, or a category.
    fn member(&mut self) -> Option<()> {
        if self.rest.next_if_eq(&'\\').is_some() {
            if self.category()? {
                return Some(());
            }
            let c = escaped(self.rest.next()?)?;
            self.literal(c);
        } else {
            let c = plain_member(self.rest.next()?)?;
            self.literal(c);
        }
        let mut ahead = self.rest.clone();
        let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']');
        if is_range && self.eat('-') {
            self.out.push('-');
            let c = match self.rest.next()? {
                '\\' => escaped(self.rest.next()?)?,
                c => plain_member(c)?,
            };
            self.literal(c);
        }
        Some(())
    }

    /// A character, so that it means nothing else to `regex`, in a class or outside of one.
    fn literal(&mut self, c: char) {
        if c.is_alphanumeric() {
            self.out.push(c);
        } else {
            self.out.push_str(&format!(r"\x{{{:x}}}", u32::from(c)));
        }
    }
}

/// A character of a class that needs no backslash.
fn plain_member(c: char) -> Option<char> {
    (!matches!(c, '-' | '[' | ']' | '\\')).then_some(c)
}

/// What a backslash and this character stand for.
fn escaped(c: char) -> Option<char> {
    match c {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        '(' | ')' | '*' | '+' | '-' | '.' | '?' | '[' | '\\' | ']' | '^' | '{' | '|' | '}' => {
            Some(c)
        }
        // As an anchor needs one.
        '$' => Some(c),
        _ => None,
    }
}

/// The general categories of Unicode.
fn is_category(name: &str) -> bool {
    const CATEGORIES: [(char, &str); 7] = [
        ('L', "lmotu"),
        ('M', "cen"),
        ('N', "dlo"),
        ('P', "cdefios"),
        ('Z', "lps"),
        ('S', "ckmo"),
        ('C', "cfno"),
    ];
    let mut letters = name.chars();
    let (Some(major), minor, None) = (letters.next(), letters.next(), letters.next()) else {
        return false;
    };
    CATEGORIES.iter().any(|(letter, minors)| {
        *letter == major && minor.is_none_or(|minor| minors.contains(minor))
    })
}
