//! Commands in texts, by their grammar: which of their words is a secret, by the words around it.
//!
//! A table has the words (`table.rs`); those that forms are told by are looked for, and only there a
//! text is split into words.

mod form;
mod table;

use std::cell::LazyCell;
use std::iter::repeat;
use std::ops::Range;
use std::sync::LazyLock;

use self::form::{Command, Finder, Form, command_at, program};
use self::table::FORMS;
use super::carrier::Carrier;
use super::class::Class;
use super::encoded;
use super::pattern::{Unfinished, WORD_BYTES_MIN};
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

/// The words that forms are told by, each with its forms.
static HEADS: LazyLock<Vec<(&str, Vec<Form>)>> = LazyLock::new(|| {
    let mut heads: Vec<(&str, Vec<Form>)> = Vec::new();
    for text in FORMS {
        for head in Form::new(text).heads() {
            match heads.iter_mut().find(|(other, _)| *other == head) {
                Some((_, forms)) => forms.push(Form::new(text)),
                None => heads.push((head, vec![Form::new(text)])),
            }
        }
    }
    heads
});

/// The words to look for in texts, each with the number of its head; the number after those is of what
/// documents begin with that are encoded.
pub(super) fn words() -> impl Iterator<Item = (String, usize)> {
    let of_commands = HEADS.iter().enumerate().flat_map(|(number, (head, _))| {
        let is_short = head.len() < WORD_BYTES_MIN;
        let alone = (!is_short).then(|| (*head).to_owned());
        let longer = AFTER_SHORT.iter().filter(move |_| is_short);
        alone
            .into_iter()
            .chain(longer.map(move |after| format!("{head}{after}")))
            .zip(repeat(number))
    });
    of_commands.chain(encoded::BEGINNINGS.iter().map(|word| ((*word).to_owned(), HEADS.len())))
}

impl Walk<'_> {
    /// Takes the secrets out of a command in a text, of which a word was found that may begin it, or of
    /// what is encoded there. What it takes is deducted from the work that is allowed.
    pub(super) fn told_by_word(
        &mut self,
        (text, class): (&str, Class),
        (head, at): (usize, usize),
        work: &mut usize,
        edits: &mut Vec<Edit>,
    ) -> Result<(), Unfinished> {
        let Some((head, forms)) = HEADS.get(head) else {
            return self.told_in_base64(text, at, work, edits);
        };
        if !class.has_blank() {
            return Ok(());
        }
        match word_around(text, at..at + head.len()) {
            Some(word) => self.told_by_forms(forms, text, word, work, edits),
            None => Ok(()),
        }
    }

    /// Takes the secrets out of a command that begins with a word by which forms are told.
    fn told_by_forms(
        &mut self,
        forms: &[Form],
        text: &str,
        word: Range<usize>,
        work: &mut usize,
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
            *work = work.checked_sub(cost).ok_or(Unfinished)?;
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
