//! CSV (RFC 4180) with a header row: a list of rows whose columns have names.

use std::borrow::Cow;

use super::budget::Budget;
use super::{Node, Note};

/// Columns of a table.
pub const COLUMNS_MAX: usize = 1024;

/// Longer cells of the first row are no names.
const NAME_BYTES_MAX: usize = 64;

/// Reads a table. Without a row of names nothing can be told by name: then it is not read.
pub(super) fn csv<'a>(text: &'a str, budget: &mut Budget) -> Result<Node<'a>, Note> {
    budget.look(text.len())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { rest: text, separator: separator(text) };
    let header = reader.row()?.ok_or(Note::InvalidCsv)?;
    if header.len() > COLUMNS_MAX {
        return Err(Note::TooManyValues);
    }
    if !header.iter().all(|name| is_name(name)) {
        return Err(Note::InvalidCsv);
    }
    let mut rows = Vec::new();
    while let Some(row) = reader.row()? {
        budget.node()?;
        if row.len() > header.len() {
            return Err(Note::InvalidCsv);
        }
        let mut members = Vec::with_capacity(row.len());
        for (name, cell) in header.iter().zip(row) {
            budget.node()?;
            budget.text(name.len() + cell.len())?;
            members.push((name.clone(), Node::String(cell)));
        }
        rows.push(Node::Object(members));
    }
    Ok(Node::Array(rows))
}

/// The tree of a text of several lines that is a table: its columns have names of a word or a few, and
/// every row has all of them.
pub fn embedded_csv(text: &str) -> Option<Node<'_>> {
    let first = text.split('\n').next().filter(|first| first.len() < text.len())?;
    let separator = char::from(separator(text));
    let plain = |c: char| c.is_alphanumeric() || "_-. \"'#".contains(c);
    let is_name = |cell: &str| {
        cell.trim_end_matches('\r').trim() == cell.trim_end_matches('\r')
            && !cell.is_empty()
            && cell.trim_end_matches('\r').chars().all(plain)
    };
    if !first.contains(separator) || !first.split(separator).all(is_name) {
        return None;
    }
    let columns = first.split(separator).count();
    let node = csv(text, &mut Budget::of(text.len())).ok()?;
    let Node::Array(rows) = &node else { return None };
    let is_full = |row: &Node<'_>| matches!(row, Node::Object(cells) if cells.len() == columns);
    (!rows.is_empty() && rows.iter().all(is_full)).then_some(node)
}

/// Whether a cell of the first row names a column. Addresses and numbers are data.
fn is_name(cell: &str) -> bool {
    let cell = cell.trim();
    cell.len() <= NAME_BYTES_MAX
        && cell.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '#' | '$'))
        && !cell.contains(['@', '=', '\n', '\r'])
        && !cell.contains("://")
}

/// What stands between the cells of the first row.
fn separator(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    if first.contains(',') {
        b','
    } else if first.contains(';') {
        b';'
    } else if first.contains('\t') {
        b'\t'
    } else {
        b','
    }
}

struct Reader<'a> {
    rest: &'a str,
    separator: u8,
}

impl<'a> Reader<'a> {
    /// The next row that is not blank.
    fn row(&mut self) -> Result<Option<Vec<Cow<'a, str>>>, Note> {
        self.rest = self.rest.trim_start_matches(['\r', '\n']);
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut cells = Vec::new();
        loop {
            cells.push(self.cell()?);
            let (first, after) = match self.rest.split_at_checked(1) {
                Some(split) => split,
                None => return Ok(Some(cells)),
            };
            self.rest = after;
            if first.as_bytes() != [self.separator] {
                return Ok(Some(cells));
            }
            if cells.len() > COLUMNS_MAX {
                return Err(Note::TooManyValues);
            }
        }
    }

    /// The next cell; what follows is a separator, the end of the line, or the end.
    fn cell(&mut self) -> Result<Cow<'a, str>, Note> {
        if let Some(rest) = self.rest.strip_prefix('"') {
            return self.quoted(rest);
        }
        let ends = |byte: &u8| *byte == self.separator || matches!(byte, b'\r' | b'\n');
        let end = self.rest.bytes().position(|byte| ends(&byte)).unwrap_or(self.rest.len());
        let (cell, rest) = self.rest.split_at_checked(end).ok_or(Note::InvalidCsv)?;
        self.rest = rest;
        Ok(Cow::Borrowed(cell))
    }

    fn quoted(&mut self, text: &'a str) -> Result<Cow<'a, str>, Note> {
        let mut cell = Cow::Borrowed("");
        let mut rest = text;
        loop {
            let (piece, after) = rest.split_once('"').ok_or(Note::InvalidCsv)?;
            if cell.is_empty() {
                cell = Cow::Borrowed(piece);
            } else {
                cell.to_mut().push_str(piece);
            }
            match after.strip_prefix('"') {
                Some(after) => {
                    cell.to_mut().push('"');
                    rest = after;
                }
                None => {
                    self.rest = after;
                    break;
                }
            }
        }
        let next = self.rest.bytes().next();
        if next.is_none_or(|byte| byte == self.separator || matches!(byte, b'\r' | b'\n')) {
            Ok(cell)
        } else {
            Err(Note::InvalidCsv)
        }
    }
}
