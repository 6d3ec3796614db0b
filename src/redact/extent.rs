//! Where the value of a `name=value` inside of a text ends.
//!
//! That is told by what it stands in: quotes, a query, a connection string, a line of settings, a
//! sentence. Where that leaves a doubt, the value is the longer one: up to the next `name=`, or to
//! the end of the line.
//!
//! Each byte of a text is looked at a bounded number of times, whatever the text is.

use std::ops::Range;

/// Longer names are none.
const NAME_BYTES_MAX: usize = 64;

/// So far back, what stands before a name in a connection string is looked for.
const BACK_BYTES_MAX: usize = 128;

/// What ends a name, and may stand in a value as well.
const SEPARATORS: &[u8] = b"&;,|";

/// What an assignment stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `?a=1&password=x#top`, and matrix parameters.
    Query,
    /// `Server=db;User Id=sa;Password=x`: blanks belong to values, and to names.
    Connection,
    /// A line of its own, or the whole text: `DB_PASSWORD=x`.
    Line,
    /// A line of its own under a name as variables of environments have: nothing but another one
    /// ends it.
    Variable,
    /// One word among others.
    Word,
}

/// A quote that is open.
#[derive(Debug, Clone, Copy)]
struct Open {
    quote: u8,
    /// What stands after it.
    from: usize,
    /// Where it is closed, once that is known.
    end: Option<usize>,
}

/// What is known of a text on the way through it.
#[derive(Debug)]
pub(super) struct Extents<'t> {
    text: &'t str,
    line: usize,
    line_end: Option<usize>,
    open: Option<Open>,
    /// Up to here no brace is closed.
    unbraced: usize,
    /// Up to here all is known to be a value.
    pub(super) done: usize,
}

impl<'t> Extents<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, line: 0, line_end: None, open: None, unbraced: 0, done: 0 }
    }

    pub(super) fn text(&self) -> &'t str {
        self.text
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn before(&self, at: usize) -> Option<u8> {
        self.byte(at.checked_sub(1)?)
    }

    /// Goes to the next word: what stands between it and the last one is a single blank or quote.
    pub(super) fn word(&mut self, start: usize) {
        match self.before(start) {
            Some(b'\n' | b'\r') => {
                self.line = start;
                self.line_end = None;
                self.open = None;
            }
            Some(quote @ (b'"' | b'\'' | b'`')) => match self.open {
                Some(open) if open.quote == quote => self.open = None,
                Some(_) => {}
                // An apostrophe opens nothing.
                None => {
                    let before = self.before(start - 1);
                    if !before.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
                        self.open = Some(Open { quote, from: start, end: None });
                    }
                }
            },
            _ => {}
        }
    }

    fn line_end(&mut self, from: usize) -> usize {
        let text = self.text.as_bytes();
        let end = || {
            let rest = text.get(from..).unwrap_or_default();
            memchr::memchr2(b'\n', b'\r', rest).map_or(text.len(), |length| from + length)
        };
        *self.line_end.get_or_insert_with(end)
    }

    /// Where the quotes that are open are closed, or else the end of the line.
    fn region_end(&mut self, from: usize) -> usize {
        let line_end = self.line_end(from);
        let text = self.text.as_bytes();
        let Some(open) = &mut self.open else { return line_end };
        let quote = open.quote;
        *open.end.get_or_insert_with(|| {
            let rest = text.get(from..line_end).unwrap_or_default();
            memchr::memchr(quote, rest).map_or(line_end, |length| from + length)
        })
    }

    /// The value from `from` on, of the name that stands at `name`. What people type may have blanks
    /// in it, what machines made has none.
    pub(super) fn value(&mut self, name: Range<usize>, from: usize, typed: bool) -> Range<usize> {
        let region = self.region_end(from);
        if let Some(quoted) = self.quoted(from) {
            return quoted;
        }
        let form = self.form(name, from, region);
        if form == Form::Connection
            && let Some(inner) = self.braced(from, region)
        {
            return inner;
        }
        let mut end = from;
        while end < region && !self.ends(form, typed, end, region) {
            end += 1;
        }
        self.trimmed(from..end)
    }

    /// A value without what only ends the sentence or the list it is in.
    fn trimmed(&self, value: Range<usize>) -> Range<usize> {
        let text = self.text.get(value.clone()).unwrap_or_default();
        let bare = text.trim_end_matches(|c: char| c.is_ascii_whitespace() || ",;\\".contains(c));
        // It may be made of nothing else.
        if bare.is_empty() { value } else { value.start..value.start + bare.len() }
    }

    /// The value from `from` on, if it stands in quotes of its own.
    pub(super) fn quoted_value(&mut self, from: usize) -> Option<&'t str> {
        let range = self.quoted(from)?;
        self.text.get(range)
    }

    /// `"x"`, `'x'`, `\"x\"`.
    fn quoted(&mut self, from: usize) -> Option<Range<usize>> {
        let text = self.text.as_bytes();
        let slashes = text.get(from..)?.iter().take(8).take_while(|byte| **byte == b'\\').count();
        let quote = self.byte(from + slashes).filter(|byte| b"\"'`".contains(byte))?;
        let start = from + slashes + 1;
        if slashes == 0 && self.open.is_some_and(|open| open.quote == quote) {
            return Some(from..from);
        }
        let line_end = self.line_end(from).max(start);
        let delimiter = text.get(from..start)?;
        let mut at = start;
        while at < line_end {
            let rest = text.get(at..line_end)?;
            if rest.starts_with(delimiter) {
                let doubled = slashes == 0 && rest.get(1) == Some(&quote);
                if !doubled {
                    return Some(start..at);
                }
                at += 2;
            } else if slashes == 0 && rest.first() == Some(&b'\\') {
                at += 2;
            } else {
                at += 1;
            }
        }
        Some(start..line_end)
    }

    /// `{x}`, as in ODBC: in it, `}}` stands for a brace.
    fn braced(&mut self, from: usize, region: usize) -> Option<Range<usize>> {
        let text = self.text.as_bytes();
        if self.byte(from) != Some(b'{') || from < self.unbraced {
            return None;
        }
        let mut at = from + 1;
        while let Some(length) = memchr::memchr(b'}', text.get(at..region)?) {
            at += length;
            if self.byte(at + 1) != Some(b'}') {
                return Some(from + 1..at);
            }
            at += 2;
        }
        self.unbraced = region;
        None
    }

    fn form(&mut self, name: Range<usize>, from: usize, region: usize) -> Form {
        let lead = self.before(name.start);
        match lead {
            Some(b'?' | b'&' | b'#') => return Form::Query,
            Some(b';') => {
                let connects = self.follows_assignment(name.start)
                    || self.has_next(from, region, |byte| byte == b';');
                return if connects { Form::Connection } else { Form::Query };
            }
            _ => {}
        }
        let opened = self.open.is_some_and(|open| open.from == name.start);
        if !opened && !self.begins_line(name.start) {
            return Form::Word;
        }
        let written = self.text.as_bytes().get(name).unwrap_or_default();
        let is_variable = written.contains(&b'_')
            && written
                .iter()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
        if is_variable {
            Form::Variable
        } else if !written.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_') {
            Form::Word
        } else if self.has_next(from, region, |byte| byte == b';') {
            Form::Connection
        } else {
            Form::Line
        }
    }

    /// Whether the part before a name, up to another `;`, is an assignment as well.
    fn follows_assignment(&self, name: usize) -> bool {
        let until = name.saturating_sub(1);
        let from = until.saturating_sub(BACK_BYTES_MAX).max(self.line);
        let before = self.text.as_bytes().get(from..until).unwrap_or_default();
        before.rsplit(|byte| *byte == b';').next().is_some_and(|part| part.contains(&b'='))
    }

    /// Whether nothing stands before a name in its line but what lines of settings begin with.
    fn begins_line(&self, name: usize) -> bool {
        let before = self.text.get(self.line..name).unwrap_or("=");
        if before.len() > NAME_BYTES_MAX {
            return false;
        }
        let before = before.trim();
        let before = before.strip_prefix('-').unwrap_or(before).trim_start();
        matches!(before, "" | "export" | "set" | "ENV" | "ARG" | "*")
    }

    /// Whether some `;name=`, say, follows.
    fn has_next(&self, from: usize, region: usize, separates: impl Fn(u8) -> bool) -> bool {
        (from..region).any(|at| self.byte(at).is_some_and(&separates) && self.is_name(at + 1, true))
    }

    /// Whether a value in this form ends before the byte here.
    fn ends(&self, form: Form, typed: bool, at: usize, region: usize) -> bool {
        let Some(byte) = self.byte(at) else { return true };
        let next = self.byte(at + 1).filter(|_| at + 1 < region);
        if byte.is_ascii_whitespace() {
            return match form {
                Form::Connection => false,
                Form::Line | Form::Variable if typed => self.is_name(at + 1, false),
                _ => true,
            };
        }
        match (form, byte) {
            (Form::Variable, _) => false,
            (Form::Connection, b';') => next.is_none() || self.is_name(at + 1, true),
            (Form::Connection, _) => false,
            (Form::Query, b'#') => true,
            (Form::Query, b'&') => next.is_none() || self.is_name(at + 1, false),
            (_, b'"' | b'\'' | b'`' | b'>') => next
                .is_none_or(|next| next.is_ascii_whitespace() || b",;:)]}>\"'`|".contains(&next)),
            (_, b'<') => self.is_tag(at + 1),
            (_, byte) => SEPARATORS.contains(&byte) && self.is_name(at + 1, false),
        }
    }

    /// Whether a name with a `=` after it stands here, perhaps after blanks.
    fn is_name(&self, at: usize, blanks: bool) -> bool {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        let rest = rest.get(..NAME_BYTES_MAX).unwrap_or(rest).trim_ascii_start();
        let rest = rest.strip_prefix(b"amp;").unwrap_or(rest);
        let is_first = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_' || *byte >= 0x80;
        if !rest.first().is_some_and(is_first) {
            return false;
        }
        let in_name = |byte: &u8| {
            is_first(byte)
                || byte.is_ascii_digit()
                || b".-[]%".contains(byte)
                || (blanks && *byte == b' ')
        };
        let length = rest.iter().take_while(|byte| in_name(byte)).count();
        let after = rest.get(length..).unwrap_or_default();
        // `==` is the end of base64.
        after.first() == Some(&b'=') && !matches!(after.get(1), None | Some(b'='))
    }

    /// Whether a tag stands here, after its `<`: `/td>`, `br>`.
    fn is_tag(&self, at: usize) -> bool {
        let rest = self.text.as_bytes().get(at..).unwrap_or_default();
        let length = rest.iter().take(16).take_while(|byte| byte.is_ascii_alphabetic()).count();
        match rest.first() {
            Some(b'/' | b'!') | None => true,
            _ => length > 0 && matches!(rest.get(length), Some(b'>' | b'/')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Extents;

    /// The value of `name=` in a text, whose words end as they do in texts.
    fn value<'t>(text: &'t str, name: &str, typed: bool) -> &'t str {
        let at = text.find(&format!("{name}=")).unwrap();
        let mut extents = Extents::new(text);
        for (position, byte) in text.bytes().enumerate().take(at) {
            if byte.is_ascii_whitespace() || b"\"'<>`".contains(&byte) {
                extents.word(position + 1);
            }
        }
        let from = at + name.len() + 1;
        let range = extents.value(at..at + name.len(), from, typed);
        text.get(range).unwrap()
    }

    #[test]
    fn values_end_where_what_they_stand_in_ends() {
        for (text, expected) in [
            ("pw=Sum9#Zq,7;x&y?\"z'<w", "Sum9#Zq,7;x&y?\"z'<w"),
            ("pw=two words", "two words"),
            ("a=1\npw=two # words\nb=2", "two # words"),
            ("  - pw=two words\n", "two words"),
            ("export pw=x y", "x y"),
            ("pw=x mode=prod", "x"),
            ("pw=x,y,mode=prod", "x,y"),
            ("pw=x&y&mode=prod", "x&y"),
            ("pw=a b;Server=db", "a b"),
            ("Server=db;User Id=sa;pw=Sum9,Zq 7#x;Database=d", "Sum9,Zq 7#x"),
            ("Server=db;pw=Sum9;Zq7;User Id=sa;", "Sum9;Zq7"),
            ("Server=db;pw=Sum9 Zq7;", "Sum9 Zq7"),
            ("Driver={x};Uid=a;pw={a;b}}c};Port=1", "a;b}}c"),
            ("{\"dsn\": \"Server=db;pw=a b\", \"c\": \"d\"}", "a b"),
            ("jdbc:sqlserver://h:1;pw=a#b c;user=sa", "a#b c"),
            ("/x;pw=abc?y=1 HTTP/1.1", "abc?y=1"),
            ("/x;pw=abc/y HTTP/1.1", "abc/y"),
            ("https://h/?pw=a,b;c'd&x=1", "a,b;c'd"),
            ("https://h/?pw=a&b&x=1", "a&b"),
            ("https://h/?pw=ab#top", "ab"),
            ("https://h/?pw=ab&amp;x=1", "ab"),
            ("<https://h/?pw=ab>; rel=\"next\"", "ab"),
            ("say \"https://h/?pw=ab\", he", "ab"),
            ("the pw=a\"b'c<d of ada", "a\"b'c<d"),
            ("the pw=ab, said he", "ab"),
            ("it's pw=a'b now", "a'b"),
            ("{user=ada, pw=ab, x=1}", "ab"),
            ("<td>pw=ab</td>", "ab"),
            ("x pw='a b''c' d", "a b''c"),
            ("x pw=\"a \\\" b\" d", "a \\\" b"),
            (r#"x \"pw=ab\" d"#, "ab"),
            (r#"x pw=\"a b\" d"#, "a b"),
            ("\"pw=a b\" d", "a b"),
            ("x pw=\"a b", "a b"),
            ("\"pw=\" x", ""),
            ("pw=abcd==", "abcd=="),
        ] {
            assert_eq!(value(text, "pw", true), expected, "{text}");
        }
        assert_eq!(value("A_PW=a&b=c d;e=f G=h", "A_PW", true), "a&b=c d;e=f");
        assert_eq!(value("A_PW=ab is used", "A_PW", false), "ab");
    }
}
