//! JSON (RFC 8259), read exactly: repeated names stay, numbers keep their value.
//!
//! Our own reader, since a tree of `serde_json` values loses repeated names and the text of large
//! numbers. Recursion ends at [`DEPTH_MAX`].

use std::borrow::Cow;

use super::budget::Budget;
use super::{Node, Note, Number};

/// Levels of arrays and objects. Where every level has repeated names, and so becomes a list as
/// well, an event still stays within the 128 levels that common JSON readers accept.
pub const DEPTH_MAX: usize = 56;

/// Values in one body, member names not counted.
pub const NODES_MAX: usize = 262_144;

/// Reads one JSON text; a byte order mark before it is ignored.
pub fn json(text: &str) -> Result<Node<'_>, Note> {
    json_within(text, &mut Budget::of(text.len()))
}

/// The tree of a body as it was recorded: redaction deepens it.
pub(crate) fn json_of_record(text: &str) -> Node<'_> {
    let mut budget = Budget::of(text.len());
    read(Reader::new(text, 4 * DEPTH_MAX, &mut budget)).unwrap_or(Node::Null)
}

/// As [`json`], for a text inside of something else.
pub(super) fn json_within<'a>(text: &'a str, budget: &mut Budget) -> Result<Node<'a>, Note> {
    budget.look(text.len())?;
    read(Reader::new(text, DEPTH_MAX, budget))
}

/// The JSON text at the beginning of a text, and where it ends. Else up to where it was looked at.
pub(super) fn json_at_start(text: &str) -> Result<(Node<'_>, usize), usize> {
    let mut budget = Budget::of(text.len());
    let mut reader = Reader::at_start(text, DEPTH_MAX, &mut budget);
    match reader.value(0) {
        Ok(node) => Ok((node, reader.at)),
        Err(_) => Err(reader.at),
    }
}

fn read<'a>(mut reader: Reader<'a, '_>) -> Result<Node<'a>, Note> {
    let node = reader.value(0)?;
    reader.space();
    if reader.at < reader.bytes.len() { Err(Note::InvalidJson) } else { Ok(node) }
}

/// Reads JSON texts one after the other (NDJSON, JSON Lines, and RFC 7464 with its separators) as a
/// list.
pub(super) fn json_lines<'a>(text: &'a str, budget: &mut Budget) -> Result<Node<'a>, Note> {
    budget.look(text.len())?;
    let mut reader = Reader::new(text, DEPTH_MAX, budget);
    let mut items = Vec::new();
    reader.separators();
    while reader.at < reader.bytes.len() {
        items.push(reader.value(1)?);
        reader.separators();
    }
    Ok(Node::Array(items))
}

struct Reader<'a, 'b> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth_max: usize,
    budget: &'b mut Budget,
    /// The items of the lists around, and the members of the objects around, so far.
    items: Vec<Node<'a>>,
    members: Vec<(Cow<'a, str>, Node<'a>)>,
}

impl<'a, 'b> Reader<'a, 'b> {
    fn new(text: &'a str, depth_max: usize, budget: &'b mut Budget) -> Self {
        Self::at_start(text.strip_prefix('\u{feff}').unwrap_or(text), depth_max, budget)
    }

    /// As [`Reader::new`], of a text that a byte order mark may be a part of.
    fn at_start(text: &'a str, depth_max: usize, budget: &'b mut Budget) -> Self {
        let bytes = text.as_bytes();
        Self { text, bytes, at: 0, depth_max, budget, items: Vec::new(), members: Vec::new() }
    }

    fn separators(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r' | 0x1e) = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// `depth` counts the arrays and objects around the value.
    fn value(&mut self, depth: usize) -> Result<Node<'a>, Note> {
        self.space();
        self.budget.node()?;
        match self.peek() {
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => {
                self.at += 1;
                self.string().map(Node::String)
            }
            Some(b't') => self.word("true", Node::Bool(true)),
            Some(b'f') => self.word("false", Node::Bool(false)),
            Some(b'n') => self.word("null", Node::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(Note::InvalidJson),
        }
    }

    fn word(&mut self, word: &str, node: Node<'a>) -> Result<Node<'a>, Note> {
        let end = self.at + word.len();
        if self.bytes.get(self.at..end) != Some(word.as_bytes()) {
            return Err(Note::InvalidJson);
        }
        self.at = end;
        Ok(node)
    }

    fn array(&mut self, depth: usize) -> Result<Node<'a>, Note> {
        if depth > self.depth_max {
            return Err(Note::TooDeep);
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Node::Array(Vec::new()));
        }
        let before = self.items.len();
        loop {
            // Most values are texts: they are put where they belong at once.
            match self.text_value()? {
                Some(text) => self.items.push(Node::String(text)),
                None => {
                    let item = self.value(depth)?;
                    self.items.push(item);
                }
            }
            if self.ends(b']')? {
                return Ok(Node::Array(self.items.split_off(before)));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Node<'a>, Note> {
        if depth > self.depth_max {
            return Err(Note::TooDeep);
        }
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Node::Object(Vec::new()));
        }
        let before = self.members.len();
        loop {
            self.space();
            self.expect(b'"')?;
            let name = self.string()?;
            self.space();
            self.expect(b':')?;
            match self.text_value()? {
                Some(text) => self.members.push((name, Node::String(text))),
                None => {
                    let value = self.value(depth)?;
                    self.members.push((name, value));
                }
            }
            if self.ends(b'}')? {
                return Ok(Node::Object(self.members.split_off(before)));
            }
        }
    }

    /// The value that follows, if it is a text.
    fn text_value(&mut self) -> Result<Option<Cow<'a, str>>, Note> {
        self.space();
        if self.peek() != Some(b'"') {
            return Ok(None);
        }
        self.budget.node()?;
        self.at += 1;
        self.string().map(Some)
    }

    fn expect(&mut self, byte: u8) -> Result<(), Note> {
        if self.peek() != Some(byte) {
            return Err(Note::InvalidJson);
        }
        self.at += 1;
        Ok(())
    }

    /// After an element: at `close`, or at the comma before the next one.
    fn ends(&mut self, close: u8) -> Result<bool, Note> {
        self.space();
        let byte = self.peek().ok_or(Note::InvalidJson)?;
        self.at += 1;
        match byte {
            b',' => Ok(false),
            _ if byte == close => Ok(true),
            _ => Err(Note::InvalidJson),
        }
    }

    /// The string whose opening quote was just passed.
    fn string(&mut self) -> Result<Cow<'a, str>, Note> {
        let run = self.run()?;
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(run));
        }
        let mut owned = run.to_owned();
        while self.peek() == Some(b'\\') {
            self.at += 1;
            owned.push(self.escape()?);
            owned.push_str(self.run()?);
        }
        self.expect(b'"')?;
        Ok(Cow::Owned(owned))
    }

    /// The text up to the next quote, backslash or control character.
    fn run(&mut self) -> Result<&'a str, Note> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = plain_length(rest).ok_or(Note::InvalidJson)?;
        let run = self.text.get(self.at..self.at + length).ok_or(Note::InvalidJson)?;
        self.at += length;
        Ok(run)
    }

    fn escape(&mut self) -> Result<char, Note> {
        let byte = self.peek().ok_or(Note::InvalidJson)?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => return Err(Note::InvalidJson),
        })
    }

    /// `\uXXXX`, or a surrogate pair of them. A lone surrogate is no character: readers disagree
    /// on it, so that nobody could say what was recorded.
    fn unicode(&mut self) -> Result<char, Note> {
        let high = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&high) {
            return char::from_u32(high).ok_or(Note::InvalidJson);
        }
        self.expect(b'\\')?;
        self.expect(b'u')?;
        let low = self.four_digits()?;
        if !(0xdc00..0xe000).contains(&low) {
            return Err(Note::InvalidJson);
        }
        char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)).ok_or(Note::InvalidJson)
    }

    fn four_digits(&mut self) -> Result<u32, Note> {
        let digits = self.bytes.get(self.at..self.at + 4).ok_or(Note::InvalidJson)?;
        self.at += 4;
        digits.iter().try_fold(0, |code, digit| {
            char::from(*digit).to_digit(16).map(|digit| code << 4 | digit).ok_or(Note::InvalidJson)
        })
    }

    fn number(&mut self) -> Result<Node<'a>, Note> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.at).ok_or(Note::InvalidJson)?;
        Ok(Node::Number(Number::of(text)))
    }

    fn digits(&mut self) -> Result<(), Note> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(Note::InvalidJson) } else { Ok(()) }
    }
}

/// Bytes before the next quote, backslash or control character; `None` if there is none. Eight
/// bytes are looked at together.
pub(crate) fn plain_length(bytes: &[u8]) -> Option<usize> {
    const LOW: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zeros = |word: u64| word.wrapping_sub(LOW) & !word & HIGH;
    let end = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        let controls = word.wrapping_sub(LOW * 0x20) & !word & HIGH;
        let ends = controls
            | zeros(word ^ (LOW * u64::from(b'"')))
            | zeros(word ^ (LOW * u64::from(b'\\')));
        // The lowest mark is exact; those above it may be owed to a borrow.
        (ends != 0).then(|| ends.trailing_zeros() as usize / 8)
    };
    for (position, word) in bytes.as_chunks::<8>().0.iter().enumerate() {
        if let Some(at) = end(word) {
            return Some(position * 8 + at);
        }
    }
    match bytes.last_chunk() {
        // Of the last bytes some were looked at before.
        Some(last) => end(last).map(|at| bytes.len() - 8 + at),
        // Most names of members are this short.
        None => match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
            (Some([a, b, c, d]), Some([e, f, g, h])) => end(&[*a, *b, *c, *d, *e, *f, *g, *h])
                .map(|at| if at < 4 { at } else { bytes.len() + at - 8 }),
            _ => bytes.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::plain_length;

    #[test]
    fn the_end_of_plain_text_is_found_wherever_it_is() {
        for byte in 0..=255_u8 {
            for at in 0..20 {
                for (after, more) in
                    [(b'x', 0), (b'x', 3), (b'x', 9), (b'"', 2), (0x1f, 9), (0xff, 9)]
                {
                    let mut text = vec![b'a'; at];
                    text.push(byte);
                    text.extend(std::iter::repeat_n(after, more));
                    let expected = text.iter().position(|b| *b < 0x20 || b"\"\\".contains(b));
                    assert_eq!(plain_length(&text), expected, "{text:?}");
                }
            }
        }
        assert_eq!(plain_length(b""), None);
    }
}
