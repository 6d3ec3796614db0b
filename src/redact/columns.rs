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

/// Columns after these have no names.
const COLUMNS_MAX: usize = 64;

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

    /// What stands in the cells of tables of Markdown under names that rules select.
    pub(super) fn grids(&mut self, text: &str, edits: &mut Vec<Edit>) {
        if memchr::memmem::find(text.as_bytes(), b"|").is_none() {
            return;
        }
        let mut head = None;
        let mut rules: Vec<Option<usize>> = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            if !line.contains('|') {
                (head, rules) = (None, Vec::new());
            } else if let Some(names) = head.filter(|_| is_rule_of_head(line)) {
                rules = self.rules_of_columns(names);
                head = None;
            } else if rules.is_empty() {
                head = Some(line);
            } else {
                for (cell, rule) in cells(line).zip(&rules) {
                    let (Some(told), Some(rule)) = (line.get(cell.clone()), *rule) else {
                        continue;
                    };
                    let leading = told.len() - told.trim_start().len();
                    if !told.trim().is_empty() {
                        self.take(
                            text,
                            start + cell.start + leading..start + cell.end,
                            rule,
                            edits,
                        );
                    }
                }
            }
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
    fn rules_of_columns(&mut self, head: &str) -> Vec<Option<usize>> {
        let names = cells(head).filter_map(|cell| head.get(cell)).take(COLUMNS_MAX);
        let mut rule_of = |name: &str| {
            self.rule_of_content(Carrier::Member, name.trim_matches(AROUND_NAMES), None)
        };
        let rules: Vec<Option<usize>> = names.map(&mut rule_of).collect();
        if rules.iter().any(Option::is_some) { rules } else { Vec::new() }
    }
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

/// The line below the head of a table: `|---|:--:|`.
fn is_rule_of_head(line: &str) -> bool {
    line.contains("--") && line.trim_end().bytes().all(|byte| b"|-: \t".contains(&byte))
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
