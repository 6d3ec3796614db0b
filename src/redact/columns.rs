//! Names in one place of a text and their values in another: keys in what databases say, tables of
//! Markdown, texts behind their labels.

use std::ops::Range;

use super::carrier::Carrier;
use super::pattern::Validator;
use super::text::Edit;
use super::walk::Walk;
use crate::decode::Node;

/// So far before its values the names of a key are looked for, and so far its values go.
const KEY_BYTES_MAX: usize = 1024;

/// Columns after these have no names, and longer lines name none.
const COLUMNS_MAX: usize = 64;
const HEAD_BYTES_MAX: usize = 512;

/// Values are no longer than their column by more.
const OVER_BYTES_MAX: usize = 256;

/// Members after these hold no text of a piece, and longer texts are no labels.
const MEMBERS_MAX: usize = 8;
const LABEL_BYTES_MAX: usize = 64;

/// Signs around a name: quotes, and what makes it stand out.
const AROUND_NAMES: [char; 8] = [' ', '\t', '"', '\'', '`', '*', '_', ')'];

impl Walk<'_> {
    /// `(email, token)=(a@b.c, x)`, as PostgreSQL tells of a key, where its `=` stands there; where
    /// the values end.
    pub(super) fn key_values(
        &mut self,
        text: &str,
        equals: usize,
        edits: &mut Vec<Edit>,
    ) -> Option<usize> {
        let near = text.get(..equals)?.strip_suffix(')')?;
        let from = near.len().saturating_sub(KEY_BYTES_MAX);
        let from = (from..=near.len()).find(|from| near.is_char_boundary(*from))?;
        let names = near.get(from..)?.rsplit_once('(')?.1;
        let start = equals + 2;
        let rest = text.get(start..)?;
        let window = rest.as_bytes().get(..KEY_BYTES_MAX).unwrap_or(rest.as_bytes());
        let closed = memchr::memmem::find(window, b") ");
        let length = closed.or_else(|| memchr::memrchr(b')', window)).unwrap_or(rest.len());
        let values = parts(rest.get(..length)?);
        let names: Vec<&str> =
            names.split(", ").map(|name| name.trim_matches(AROUND_NAMES)).collect();
        if names.len() == values.len() {
            for (name, value) in names.iter().zip(values) {
                let told = rest.get(value.clone()).unwrap_or_default();
                if let Some(rule) = self.rule_of_told(name, told) {
                    self.take(text, start + value.start..start + value.end, rule, edits);
                }
            }
        } else {
            let mut rule_of = |name: &&str| self.rule_of_content(Carrier::Member, name, None);
            if let Some(rule) = names.iter().find_map(&mut rule_of) {
                self.take(text, start..start + length, rule, edits);
            }
        }
        Some(start + length)
    }

    /// What stands in the cells of tables under names that rules select: of Markdown and of databases'
    /// programs, between strokes, and of those that print columns between tabs or blanks.
    pub(super) fn grids(&mut self, text: &str, edits: &mut Vec<Edit>) {
        if memchr::memmem::find(text.as_bytes(), b"|").is_some() {
            self.ruled(text, edits);
        }
        let apart = |apart: &[u8]| memchr::memmem::find(text.as_bytes(), apart).is_some();
        if apart(b"\t") || apart(b"  ") {
            self.aligned(text, edits);
        }
    }

    fn ruled(&mut self, text: &str, edits: &mut Vec<Edit>) {
        let mut head = None;
        let mut rules: Vec<Option<usize>> = Vec::new();
        for (start, line) in lines(text) {
            if is_rule_of_head(line) {
                if let Some(names) = head.take() {
                    rules = self.rules_of_columns(cells(names).filter_map(|cell| names.get(cell)));
                }
            } else if !line.contains('|') {
                (head, rules) = (None, Vec::new());
            } else if rules.is_empty() {
                head = Some(line);
            } else {
                for (cell, rule) in cells(line).zip(&rules) {
                    self.take_cell(text, (start, line), cell, *rule, edits);
                }
            }
        }
    }

    /// `NAME    TOKEN`, and below it lines whose values begin in the same columns; or tabs between them.
    fn aligned(&mut self, text: &str, edits: &mut Vec<Edit>) {
        let mut rules: Vec<Option<usize>> = Vec::new();
        let mut starts: Vec<usize> = Vec::new();
        let mut by_tabs = false;
        let mut is_first = true;
        for (start, line) in lines(text) {
            if line.trim().is_empty() {
                (rules, is_first) = (Vec::new(), true);
                continue;
            }
            if rules.is_empty() {
                if std::mem::take(&mut is_first) || is_capitals(line) {
                    by_tabs = line.contains('\t');
                    starts = heads(line, by_tabs);
                    rules = self.rules_of_columns(columns(line, &starts));
                }
                continue;
            }
            if by_tabs {
                let mut at = 0;
                for (cell, rule) in line.split('\t').zip(&rules) {
                    self.take_cell(text, (start, line), at..at + cell.len(), *rule, edits);
                    at += cell.len() + 1;
                }
            } else {
                for (place, rule) in rules.iter().enumerate() {
                    let from = starts.get(place).copied().unwrap_or(line.len());
                    let to = starts.get(place + 1).copied().unwrap_or(line.len()).min(line.len());
                    self.take_cell(text, (start, line), whole_cell(line, from, to), *rule, edits);
                }
            }
        }
    }

    fn take_cell(
        &mut self,
        text: &str,
        (start, line): (usize, &str),
        cell: Range<usize>,
        rule: Option<usize>,
        edits: &mut Vec<Edit>,
    ) {
        let (Some(told), Some(rule)) = (line.get(cell.clone()), rule) else { return };
        let leading = told.len() - told.trim_start().len();
        if !told.trim().is_empty() {
            self.take(text, start + cell.start + leading..start + cell.end, rule, edits);
        }
    }

    /// Takes out a word whose label is the piece of text before it:
    /// `[{"text": "*Password*"}, {"text": "x"}]`.
    pub(super) fn labelled(&mut self, pieces: &mut [Node<'_>]) {
        if pieces.len() < 2 || pieces.first_mut().and_then(text_of).is_none() {
            return;
        }
        let mut label: Option<String> = None;
        for text in pieces.iter_mut().map(text_of) {
            let named = label.take();
            let Some(Node::String(told)) = &text else { continue };
            let value = told.trim();
            let is_word = !value.contains(char::is_whitespace);
            let named = named.filter(|_| is_word && Validator::NotStatement.accepts(value));
            let rule = named.and_then(|name| self.rule_of_told(&name, value));
            let rule = rule.filter(|rule| !self.is_said(value, *rule));
            label = label_of(told);
            if let (Some(rule), Some(text)) = (rule, text) {
                label = None;
                self.secret(text, rule);
            }
        }
    }

    /// The rules for the columns of a table; none at all if no name is selected.
    fn rules_of_columns<'t>(&mut self, names: impl Iterator<Item = &'t str>) -> Vec<Option<usize>> {
        let mut rule_of = |name: &str| {
            self.rule_of_content(Carrier::Member, name.trim_matches(AROUND_NAMES), None)
        };
        let rules: Vec<Option<usize>> =
            names.take(COLUMNS_MAX).map(|name| rule_of(name.trim())).collect();
        if rules.iter().any(Option::is_some) { rules } else { Vec::new() }
    }
}

/// The lines of a text, each with where it begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_end_matches(['\n', '\r']))
    })
}

/// Where the names of columns begin, if a line has nothing else: at least two of them, words in which
/// there are no digits, apart by a tab, or in capitals and by two blanks or more.
fn heads(line: &str, by_tabs: bool) -> Vec<usize> {
    if line.len() > HEAD_BYTES_MAX || !by_tabs && !is_capitals(line) {
        return Vec::new();
    }
    let mut starts = Vec::new();
    let mut at = 0;
    for cell in line.split(if by_tabs { "\t" } else { "  " }) {
        let name = cell.trim();
        if !name.is_empty() || by_tabs {
            starts.push(at + cell.len() - cell.trim_start().len());
        }
        if !name.chars().all(|c| c.is_alphabetic() || " _-./()".contains(c)) {
            return Vec::new();
        }
        at += cell.len() + if by_tabs { 1 } else { 2 };
    }
    if starts.len() < 2 || starts.len() > COLUMNS_MAX { Vec::new() } else { starts }
}

/// Whether there are letters in a line, and no small ones.
fn is_capitals(line: &str) -> bool {
    line.contains(|c: char| c.is_ascii_uppercase()) && !line.contains(char::is_lowercase)
}

/// What stands in the columns that begin there.
fn columns<'t>(line: &'t str, starts: &[usize]) -> impl Iterator<Item = &'t str> {
    let ends = starts.iter().skip(1).copied().chain([line.len()]);
    starts.iter().copied().zip(ends).filter_map(|(from, to)| line.get(from..to))
}

/// A cell with all of the words that begin or end in its column; of a word that is far too long for one all
/// that follows.
fn whole_cell(line: &str, from: usize, to: usize) -> Range<usize> {
    let bytes = line.as_bytes();
    let (from, to) = (from.min(bytes.len()), to.max(from).min(bytes.len()));
    let is_blank = |byte: &u8| byte.is_ascii_whitespace();
    let (before, after) = bytes.split_at(from);
    let near = before.iter().rev().take(OVER_BYTES_MAX).take_while(|byte| !is_blank(byte)).count();
    let begins = after.first().is_some_and(|byte| !is_blank(byte));
    let goes_on = to > from && bytes.get(to - 1).is_some_and(|byte| !is_blank(byte));
    let rest = bytes.get(to..).unwrap_or_default();
    let over = rest.iter().take(OVER_BYTES_MAX).take_while(|byte| !is_blank(byte)).count();
    let end = match goes_on {
        true if over == OVER_BYTES_MAX => line.len(),
        true => to + over,
        false => to,
    };
    line.floor_char_boundary(if begins { from - near } else { from })..line.ceil_char_boundary(end)
}

/// The text of a piece of text.
fn text_of<'p, 'n>(piece: &'p mut Node<'n>) -> Option<&'p mut Node<'n>> {
    let Node::Object(members) = piece else { return None };
    let mut near = members.iter_mut().take(MEMBERS_MAX);
    near.find_map(|(name, node)| match node {
        Node::String(_) if name == "text" => Some(node),
        _ => None,
    })
}

/// The name of what follows, if a text is its label: `Password:`, `*Password*`.
fn label_of(text: &str) -> Option<String> {
    let bare = text.trim();
    let is_label = bare.ends_with([':', '：', '*']) && bare.len() <= LABEL_BYTES_MAX;
    let name = bare.trim_matches(|c| AROUND_NAMES.contains(&c) || matches!(c, ':' | '：'));
    (is_label && !name.is_empty()).then(|| name.to_owned())
}

/// Where the values of a key are, between their commas.
fn parts(values: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    let part = |value: &str| {
        let start = at;
        at += value.len() + 2;
        start..start + value.len()
    };
    values.split(", ").map(part).collect()
}

/// The line below the head of a table, `|---|:--:|`, or around it, `+---+---+`.
fn is_rule_of_head(line: &str) -> bool {
    line.contains("--") && line.trim_end().bytes().all(|byte| b"|-+: \t".contains(&byte))
}

/// Where the cells of a row are.
fn cells(line: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let bare = line.trim_end();
    let inner = bare.trim_start();
    let start = bare.len() - inner.len();
    let opened = inner.strip_prefix('|').unwrap_or(inner);
    let mut at = start + inner.len() - opened.len();
    opened.strip_suffix('|').unwrap_or(opened).split('|').map(move |cell| {
        let from = at;
        at += cell.len() + 1;
        from..from + cell.len()
    })
}
