//! Forms of commands, and the words of texts that have them.

use std::ops::Range;

use crate::redact::pattern::Validator;

/// So many words are passed over at most by `..`.
const SKIPPED_MAX: usize = 64;

/// So many words of a command are looked at.
const WORDS_MAX: usize = 96;

/// So many lines after a command are looked at for what belongs to it.
const LINES_MAX: usize = 32;

/// Shorter words are no secrets.
const SECRET_BYTES_MIN: usize = 3;

/// Words between a name and its secret that tell how that is written.
const KINDS: [&str; 12] =
    ["0", "5", "6", "7", "8", "9", "10", "enc", "sha512", "cleartext", "plaintext", "encrypted"];

/// Words that join others, in prose about commands.
const JOINING: [&str; 24] = [
    "and", "are", "can", "does", "flag", "for", "from", "has", "have", "into", "its", "may",
    "must", "not", "option", "should", "that", "the", "was", "when", "will", "with", "you", "your",
];

/// What may stand before a word: blanks, quotes, and what hides the end of a line.
const BETWEEN: [char; 7] = [' ', '\t', '\r', '\n', '\\', '"', '\''];

/// What signs stand in secrets and not in prose.
const SIGNS: &str = "!@#%^&*+=~$";

/// One word of a form.
#[derive(Debug)]
pub(super) enum Item {
    Begin,
    End,
    Pipe,
    Line,
    Any,
    Skip,
    Kind,
    Named,
    Secret { odd: bool },
    Words(Vec<Literal>),
}

/// A word, or what it begins or ends with.
#[derive(Debug)]
pub(super) struct Literal {
    text: &'static str,
    before: bool,
    after: bool,
    /// What follows is the secret.
    secret: bool,
}

/// A form, in its words.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) items: Vec<Item>,
}

impl Form {
    pub(super) fn new(text: &'static str) -> Self {
        Self { items: text.split(' ').map(Item::new).collect() }
    }

    /// The words that the form is told by: the first ones that are fixed.
    pub(super) fn heads(&self) -> Vec<&'static str> {
        let first = self.items.iter().find_map(|item| match item {
            Item::Words(words) => Some(words.iter().map(|word| word.text).collect()),
            _ => None,
        });
        first.unwrap_or_default()
    }

    /// Whether the form begins a command.
    pub(super) fn begins(&self) -> bool {
        matches!(self.items.first(), Some(Item::Begin))
    }

    /// Whether the form may go on with what follows its first word in a text.
    pub(super) fn may_go_on(&self, follows: &str) -> bool {
        let first = usize::from(self.begins());
        let Some(Item::Words(words)) = self.items.get(first + 1) else { return true };
        let next = follows.trim_start_matches(BETWEEN);
        words.iter().any(|literal| literal.may_begin(next))
    }
}

impl Item {
    fn new(word: &'static str) -> Self {
        match word {
            "^" => Self::Begin,
            "." => Self::End,
            "|" => Self::Pipe,
            "/" => Self::Line,
            "*" => Self::Any,
            ".." => Self::Skip,
            "#" => Self::Kind,
            "@" => Self::Named,
            "$" => Self::Secret { odd: false },
            "$~" => Self::Secret { odd: true },
            _ => Self::Words(word.split('|').map(Literal::new).collect()),
        }
    }
}

impl Literal {
    fn new(word: &'static str) -> Self {
        let (word, secret) = word.strip_suffix('$').map_or((word, false), |word| (word, true));
        let (word, before) = word.strip_prefix('*').map_or((word, false), |word| (word, true));
        let (word, after) = word.strip_suffix('*').map_or((word, false), |word| (word, true));
        Self { text: word, before, after, secret }
    }

    /// Whether a text may begin with this word; of any that can be told by other parts it may.
    fn may_begin(&self, text: &str) -> bool {
        let head = text.as_bytes().get(..self.text.len());
        self.before || head.is_some_and(|head| head.eq_ignore_ascii_case(self.text.as_bytes()))
    }

    /// Whether a word is this one; where the secret begins, if it is the rest of it.
    fn is(&self, word: &str) -> Option<Option<usize>> {
        let same =
            |part: Option<&str>| part.is_some_and(|part| self.text.eq_ignore_ascii_case(part));
        if self.secret {
            let at = if self.before { word.find(self.text).filter(|at| *at > 0)? } else { 0 };
            let end = at + self.text.len();
            // Flags of one letter differ by its case.
            let is_it = word.get(at..end) == Some(self.text) && end < word.len();
            return is_it.then_some(Some(end));
        }
        let is_it = if self.before {
            same(word.len().checked_sub(self.text.len()).and_then(|at| word.get(at..)))
        } else if self.after {
            same(word.get(..self.text.len()))
        } else if self.text.len() == 2 && self.text.starts_with('-') {
            word == self.text
        } else {
            same(Some(word))
        };
        is_it.then_some(None)
    }
}

/// The words of one command.
#[derive(Debug, Default)]
pub(super) struct Command {
    /// Where they stand, without quotes around them.
    pub(super) words: Vec<Range<usize>>,
    /// Where the next command begins.
    next: usize,
    /// It reads what this one writes.
    pipes: bool,
}

impl Command {
    /// How much text was looked at from its beginning on.
    pub(super) fn length(&self, from: usize) -> usize {
        self.words.last().map_or(0, |last| last.end.saturating_sub(from))
    }
}

/// The words from a place on, up to the end of the command.
pub(super) fn command_at(text: &str, from: usize) -> Command {
    let bytes = text.as_bytes();
    let mut command = Command { next: bytes.len(), ..Command::default() };
    let mut at = from;
    while let Some(byte) = bytes.get(at).copied() {
        match byte {
            b' ' | b'\t' | b'\r' => at += 1,
            b'\\' if matches!(bytes.get(at + 1), Some(b'\n')) => at += 2,
            b'\n' | b'|' | b';' => {
                command.pipes = byte == b'|' && bytes.get(at + 1) != Some(&b'|');
                command.next = at + 1;
                return command;
            }
            b'&' if bytes.get(at + 1) == Some(&b'&') => {
                command.next = at + 2;
                return command;
            }
            _ => {
                let (word, end) = word_at(text, at);
                at = end;
                command.words.push(word);
                if command.words.len() >= WORDS_MAX {
                    return command;
                }
            }
        }
    }
    command
}

/// A word without the quotes around it, and where it ends with them.
fn word_at(text: &str, at: usize) -> (Range<usize>, usize) {
    let bytes = text.as_bytes();
    let mut quote = None;
    let mut end = at;
    while let Some(byte) = bytes.get(end).copied() {
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) if byte == b'\n' => break,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None if byte.is_ascii_whitespace() || matches!(byte, b'|' | b';') => break,
            None => {}
        }
        end += 1;
    }
    let word = text.get(at..end).unwrap_or_default();
    let bare = |quote: char| {
        let inner = word.strip_prefix(quote).map(|rest| rest.strip_suffix(quote).unwrap_or(rest));
        inner.filter(|inner| !inner.is_empty())
    };
    let inner = match bare('"').or_else(|| bare('\'')) {
        Some(inner) => at + 1..at + 1 + inner.len(),
        // The quote was opened before: `sh -c "mc alias set …"`.
        None => at..at + word.trim_end_matches(['"', '\'', '`', ')']).len().max(1),
    };
    (inner, end)
}

/// What a form finds in a text.
pub(super) struct Finder<'t> {
    pub(super) text: &'t str,
    pub(super) found: Vec<Range<usize>>,
    /// Whether a word is the name of a secret.
    pub(super) names: &'t mut dyn FnMut(&str) -> bool,
}

impl Finder<'_> {
    fn word(&self, command: &Command, at: usize) -> Option<&str> {
        self.text.get(command.words.get(at)?.clone())
    }

    /// Finds the secrets of a form in a command, from one of its words on; whether all of it is there.
    pub(super) fn find(&mut self, items: &[Item], command: &Command, at: usize) -> bool {
        let Some((item, rest)) = items.split_first() else { return true };
        match item {
            Item::Begin => at == 0 && self.find(rest, command, at),
            Item::End => at == command.words.len() && self.find(rest, command, at),
            Item::Any => at < command.words.len() && self.find(rest, command, at + 1),
            Item::Kind => {
                let is_kind = |word: &str| KINDS.iter().any(|kind| kind.eq_ignore_ascii_case(word));
                let told = self.word(command, at).is_some_and(is_kind);
                told && self.find(rest, command, at + 1) || self.find(rest, command, at)
            }
            Item::Skip => {
                let last = command.words.len().min(at + SKIPPED_MAX);
                // Each of them is tried: there may be several secrets.
                (at..=last).filter(|at| self.find(rest, command, *at)).count() > 0
            }
            Item::Named => {
                let named = self.word(command, at).map(str::to_owned);
                named.is_some_and(|name| (self.names)(last_segment(&name)))
                    && self.find(rest, command, at + 1)
            }
            Item::Words(words) => self.literal(words, rest, command, at),
            Item::Secret { odd } => {
                let Some(range) = command.words.get(at).cloned() else { return false };
                let is_one = self.text.get(range.clone()).is_some_and(|word| may_be(word, *odd));
                is_one && self.take(range, rest, command, at)
            }
            Item::Pipe => {
                let ends = at == command.words.len() && command.pipes;
                ends && self.find(rest, &command_at(self.text, command.next), 0)
            }
            Item::Line => at == command.words.len() && self.lines(rest, command),
        }
    }

    fn literal(&mut self, words: &[Literal], rest: &[Item], command: &Command, at: usize) -> bool {
        let Some(word) = self.word(command, at) else { return false };
        match words.iter().find_map(|literal| literal.is(word)) {
            None => false,
            Some(None) => self.find(rest, command, at + 1),
            Some(Some(start)) => {
                let Some(range) = command.words.get(at) else { return false };
                let range = range.start + start..range.end;
                let is_one = self.text.get(range.clone()).is_some_and(|word| may_be(word, false));
                is_one && self.take(range, rest, command, at)
            }
        }
    }

    /// What was found counts if the rest of the form is there as well.
    fn take(&mut self, range: Range<usize>, rest: &[Item], command: &Command, at: usize) -> bool {
        let found = self.find(rest, command, at + 1);
        if found {
            self.found.push(range);
        }
        found
    }

    /// Looks for the rest of a form in the next lines.
    fn lines(&mut self, rest: &[Item], command: &Command) -> bool {
        let mut found = false;
        let mut next = command.next;
        for _ in 0..LINES_MAX {
            if next >= self.text.len() {
                break;
            }
            let line = command_at(self.text, next);
            found |= self.find(rest, &line, 0);
            next = line.next;
        }
        found
    }
}

/// Whether a word may be a secret: no option, no path, nothing that stands for another word.
fn may_be(word: &str, odd: bool) -> bool {
    let mut bytes = word.bytes();
    let (first, second) = (bytes.next().unwrap_or_default(), bytes.next().unwrap_or_default());
    let stands_for = match first {
        b'$' => second.is_ascii_alphabetic() || b"_{(".contains(&second),
        b'%' => word.ends_with('%'),
        b'<' | b'{' | b'(' | b'[' | b'-' | b'/' => true,
        b'\\' => second == b'\\',
        _ => false,
    };
    let is_count = word.len() <= SECRET_BYTES_MIN && word.bytes().all(|byte| byte.is_ascii_digit());
    let bare = word.trim_end_matches(['.', ',', ':', '?', '!']);
    let is_odd = || Validator::Mixed.accepts(bare) || bare.contains(|c| SIGNS.contains(c));
    let is_word = stands_for || is_count || JOINING.contains(&word);
    !is_word && word.len() >= SECRET_BYTES_MIN && (!odd || is_odd())
}

/// What a path ends with: `password` of `/db/password`.
fn last_segment(name: &str) -> &str {
    name.rsplit('/').find(|part| !part.is_empty()).unwrap_or(name)
}

/// The name of a program, without where it is: `keytool` of `/usr/bin/keytool`, `mc` of `mc.exe`.
pub(super) fn program(word: &str) -> &str {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let end = name.len().saturating_sub(4);
    match name.get(end..) {
        Some(suffix) if suffix.eq_ignore_ascii_case(".exe") => name.get(..end).unwrap_or(name),
        _ => name,
    }
}
