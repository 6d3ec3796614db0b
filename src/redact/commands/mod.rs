//! Commands in texts, by their grammar: which of their words is a secret, by the words around it.
//!
//! A table has the words (`table.rs`); those that forms are told by are looked for, and only there a
//! text is split into words.

mod form;
mod table;

use std::cell::LazyCell;
use std::ops::Range;
use std::sync::LazyLock;

use self::form::{Command, Finder, Form, command_at, program};
use self::table::FORMS;
use super::carrier::Carrier;
use super::pattern::{Unfinished, WORD_BYTES_MIN, Words};
use super::text::Edit;
use super::walk::Walk;

/// What may stand in a line before a command that begins it.
const PROMPTS: [&str; 9] = ["sudo", "exec", "do", "$", "#", ">", "-", "RUN", "time"];

/// Longer words are no programs, wherever these may be.
const PROGRAM_BYTES_MAX: usize = 256;

/// Trying a form costs as much as searching its command so many times.
const FORM_COST: usize = 4;

/// What stands before a command is looked at so far.
const BEFORE_BYTES_MAX: usize = 64;

/// What may follow a word that is too short to be looked for alone.
const AFTER_SHORT: [char; 3] = [' ', '\t', '.'];

/// Forms by the words that they are told by.
struct Forms {
    /// Finds the heads.
    words: Words,
    /// The head of each word that is looked for.
    heads: Vec<usize>,
    /// How long each head is, and its forms.
    forms: Vec<(usize, Vec<Form>)>,
}

static COMMANDS: LazyLock<Option<Forms>> = LazyLock::new(|| {
    let mut heads: Vec<&str> = Vec::new();
    let mut forms: Vec<(usize, Vec<Form>)> = Vec::new();
    for text in FORMS {
        for head in Form::new(text).heads() {
            let at = heads.iter().position(|other| *other == head).unwrap_or_else(|| {
                heads.push(head);
                forms.push((head.len(), Vec::new()));
                heads.len() - 1
            });
            forms.get_mut(at)?.1.push(Form::new(text));
        }
    }
    let (mut words, mut of) = (Vec::new(), Vec::new());
    for (at, head) in heads.into_iter().enumerate() {
        if head.len() < WORD_BYTES_MIN {
            words.extend(AFTER_SHORT.map(|after| format!("{head}{after}")));
        } else {
            words.push(head.to_owned());
        }
        of.resize(words.len(), at);
    }
    Some(Forms { words: Words::new(words.iter().map(String::as_str)).ok()?, heads: of, forms })
});

impl Walk<'_> {
    /// Takes the secrets out of the commands in a text. What it takes is deducted from the work that is
    /// allowed.
    pub(super) fn told_by_command(
        &mut self,
        text: &str,
        edits: &mut Vec<Edit>,
    ) -> Result<(), Unfinished> {
        if memchr::memchr3(b' ', b'\t', b'\n', text.as_bytes()).is_none() {
            return Ok(());
        }
        let Some(commands) = COMMANDS.as_ref() else { return Ok(()) };
        commands.words.each(text.as_bytes(), |word, found| {
            let head = commands.heads.get(word).and_then(|head| commands.forms.get(*head));
            let Some((length, forms)) = head else { return Ok(()) };
            match word_around(text, found.start..found.start + length) {
                Some(word) => self.told_by_forms(forms, text, word, edits),
                None => Ok(()),
            }
        })
    }

    /// Takes the secrets out of a command that begins with a word by which forms are told.
    fn told_by_forms(
        &mut self,
        forms: &[Form],
        text: &str,
        word: Range<usize>,
        edits: &mut Vec<Edit>,
    ) -> Result<(), Unfinished> {
        let at = word.start;
        let begins = LazyCell::new(|| begins(text, at));
        let follows = text.get(word.end..).unwrap_or_default();
        let mut command = None;
        for form in forms {
            if form.begins() && !*begins || !form.may_go_on(follows) {
                continue;
            }
            let command = command.get_or_insert_with(|| command_at(text, at));
            let cost = command.length(at).saturating_mul(FORM_COST);
            self.work = self.work.checked_sub(cost).ok_or(Unfinished)?;
            for range in self.found_by(form, text, command) {
                let told = text.get(range.clone()).unwrap_or_default();
                if let Some(rule) = self.rule_of_told("password", told) {
                    self.take(text, range, rule, edits);
                }
            }
        }
        Ok(())
    }

    fn found_by(&mut self, form: &Form, text: &str, command: &Command) -> Vec<Range<usize>> {
        // The first word was found: it may have been written with where it is.
        let first = usize::from(form.begins());
        let Some(rest) = form.items.get(first + 1..) else { return Vec::new() };
        let mut names = |name: &str| self.rule_of_content(Carrier::Member, name, None).is_some();
        let mut finder = Finder { text, found: Vec::new(), names: &mut names };
        finder.find(rest, command, 1);
        finder.found
    }
}

/// The whole word that was found, if it is that of a program.
fn word_around(text: &str, found: Range<usize>) -> Option<Range<usize>> {
    let separates = |c: char| c.is_whitespace() || "\"'`(;|&=".contains(c);
    let from = text.floor_char_boundary(found.start.saturating_sub(PROGRAM_BYTES_MAX));
    let before = text.get(from..found.start)?;
    let start = before.rfind(separates).map_or(from, |at| {
        from + at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
    });
    // In the middle of a longer word it is none.
    let to = text.ceil_char_boundary(found.end.saturating_add(PROGRAM_BYTES_MAX).min(text.len()));
    let rest = text.get(start..to).filter(|_| start > from || from == 0)?;
    let end = rest.find(|c: char| c.is_whitespace()).map_or(to, |end| start + end);
    let word = text.get(start..end)?;
    let head = text.get(found)?;
    (program(word).eq_ignore_ascii_case(head)).then_some(start..end)
}

/// Whether a command begins there: before it in its line is nothing, or what may be.
fn begins(text: &str, at: usize) -> bool {
    let from = at.saturating_sub(BEFORE_BYTES_MAX);
    let from = (from..=at).find(|from| text.is_char_boundary(*from)).unwrap_or(at);
    let before = text.get(from..at).unwrap_or_default();
    let before = before.rsplit(['\n', ';', '|', '&', '"', '\'']).next().unwrap_or_default();
    before.split_whitespace().all(|word| PROMPTS.contains(&word) || word.ends_with(['#', '>', '$']))
}
