//! Lists whose values are told by what stands beside them: rows of a table whose columns have names,
//! and commands as lists of their words, or as a parameter for each of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;

use super::carrier::Carrier;
use super::class::Class;
use super::inner::is_argument_flag;
use super::looks::is_plain_word;
use super::memo::{Role, Roles};
use super::seen::{MASK, is_redacted_text};
use super::text::{Edit, replaced};
use super::walk::{Members, Walk, is_one_of, push_name, scalar};
use crate::decode::Node;

/// What holds the names of columns.
pub(super) const COLUMNS: [&str; 7] =
    ["columns", "column_names", "cols", "fields", "header", "headers", "keys"];

/// What holds the rows.
const ROWS: [&str; 5] = ["rows", "data", "values", "records", "tuples"];

/// What may hold both the names of columns, and those beside rows.
pub(super) const SCHEMAS: [&str; 2] = ["schema", "table"];

/// Rows that may begin with the names of their columns.
const SHEETS: [&str; 2] = ["values", "data"];

/// Names of columns are no longer.
const COLUMN_BYTES_MAX: usize = 64;

/// Columns after these have no names.
const COLUMNS_MAX: usize = 1024;

/// Longer lists are no commands.
const WORDS_MAX: usize = 256;

/// Flags before a user and a password in one.
const PAIRED: [&str; 3] = ["--user", "--proxy-user", "--basic"];

/// Members that are the words of commands: `command=app&command=--password&command=x`.
#[derive(Default)]
pub(super) struct Arguments {
    /// Where the words of each stand.
    commands: Vec<Vec<usize>>,
    /// The rules for what follows a flag, by where it stands.
    rules: BTreeMap<usize, usize>,
}

impl Arguments {
    /// The rule for the member at this place.
    pub(super) fn rule(&self, position: usize) -> Option<usize> {
        self.rules.get(&position).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// What such a list begins with that has no flags, where a server is told by it who somebody is.
const COMMANDS: [&str; 8] = ["AUTH", "auth", "ACL", "acl", "CONFIG", "config", "HELLO", "hello"];

impl Walk<'_> {
    /// Takes out the values of lists that rules select by names which stand elsewhere in the object.
    pub(super) fn told_by_place(&mut self, roles: Roles, members: &mut Members<'_>) {
        if roles.has(Role::Columns) {
            self.table(members);
        }
        if roles.has(Role::Value) {
            self.sheets(members);
        }
        if roles.has(Role::Parameters) {
            self.queries(members);
        }
        if roles.has(Role::Flags) {
            self.flagged(members);
        }
    }

    /// Takes out the columns of `{"columns": ["id", "password"], "rows": [[1, "x"]]}` that rules
    /// select by their names.
    fn table(&mut self, members: &mut Members<'_>) {
        let mut schemas = members.iter().filter_map(|(name, node)| match node {
            Node::Object(members) if is_one_of(name, &SCHEMAS) => Some(members),
            _ => None,
        });
        let columns = columns_of(members);
        let columns = columns.or_else(|| schemas.find_map(|members| columns_of(members)));
        let Some(columns) = columns else { return };
        let names: Vec<Option<String>> = columns.iter().take(COLUMNS_MAX).map(column).collect();
        let rows = members.iter_mut().filter(|(name, _)| is_one_of(name, &ROWS));
        for (name, node) in rows {
            let Node::Array(rows) = node else { continue };
            let length = self.location.len();
            push_name(&mut self.location, name);
            self.location.push_str("[*][*]");
            // There may be one row alone, which is the list.
            let is_row =
                rows.len() == names.len() && rows.iter().all(|cell| scalar(cell).is_some());
            if is_row {
                self.row(rows, &names);
            }
            for row in rows {
                if let Node::Array(cells) = row {
                    self.row(cells, &names);
                }
            }
            self.location.truncate(length);
        }
    }

    /// Takes out the columns of `{"values": [["id", "password"], [1, "x"]]}`, where the first row has
    /// their names. Of two columns the first may as well name the second, row by row.
    fn sheets(&mut self, members: &mut Members<'_>) {
        for (name, node) in members.iter_mut().filter(|(name, _)| is_one_of(name, &SHEETS)) {
            let Node::Array(rows) = node else { continue };
            let Some((Node::Array(first), rows)) = rows.split_first_mut() else { continue };
            let names: Option<Vec<_>> = first.iter().take(COLUMNS_MAX).map(heading).collect();
            let Some(mut names) = names.filter(|names| names.len() > 1 && !rows.is_empty()) else {
                continue;
            };
            if let [first, _] = names.as_mut_slice() {
                *first = None;
            }
            let length = self.location.len();
            push_name(&mut self.location, name);
            self.location.push_str("[*][*]");
            for row in rows {
                let Node::Array(cells) = row else { continue };
                for (cell, name) in cells.iter_mut().zip(&names) {
                    // What is a word may be one of a list of lists of words.
                    if !scalar(cell).is_some_and(|text| is_plain_word(&text)) {
                        self.cell(cell, name.as_deref());
                    }
                }
            }
            self.location.truncate(length);
        }
    }

    fn row(&mut self, cells: &mut [Node<'_>], names: &[Option<String>]) {
        for (cell, name) in cells.iter_mut().zip(names) {
            self.cell(cell, name.as_deref());
        }
    }

    fn cell(&mut self, cell: &mut Node<'_>, name: Option<&str>) {
        let Some(name) = name.filter(|_| *cell != Node::Null) else { return };
        let value = scalar(cell);
        let rule = self.rule_of_content(Carrier::Member, name, value.as_deref());
        drop(value);
        if let Some(rule) = rule {
            self.secret(cell, rule);
        }
    }

    /// The commands that stand in members of one name, of which some value is a flag.
    pub(super) fn arguments(&mut self, roles: Roles, members: &Members<'_>) -> Arguments {
        if !roles.has(Role::Flag) {
            return Arguments::default();
        }
        let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (position, (name, _)) in members.iter().enumerate() {
            named.entry(without_index(name)).or_default().push(position);
        }
        let mut arguments = Arguments::default();
        let value = |position: &usize| members.get(*position).map(|(_, node)| node);
        for places in named.into_values().filter(|places| places.len() > 1) {
            if !places.iter().filter_map(value).any(is_flag_word) {
                continue;
            }
            for (flag, place) in places.iter().zip(places.iter().skip(1)) {
                let (Some(flag), Some(node)) = (value(flag), value(place)) else { continue };
                let rule = self.rule_after_flag(flag).filter(|_| !is_argument_flag(node));
                arguments.rules.extend(rule.map(|rule| (*place, rule)));
            }
            arguments.commands.push(places);
        }
        arguments
    }

    /// Takes out what patterns find in the words of these commands.
    pub(super) fn commands(&mut self, arguments: Arguments, members: &mut Members<'_>) {
        for places in arguments.commands {
            let mut words = Vec::with_capacity(places.len());
            for place in &places {
                if let Some((_, node)) = members.get_mut(*place) {
                    words.push(mem::replace(node, Node::Null));
                }
            }
            let length = self.location.len();
            if let Some((name, _)) = places.first().and_then(|place| members.get(*place)) {
                push_name(&mut self.location, name);
            }
            self.command(&mut words);
            self.location.truncate(length);
            for (place, word) in places.iter().zip(words) {
                if let Some((_, node)) = members.get_mut(*place) {
                    *node = word;
                }
            }
        }
    }

    /// Takes out what patterns find in the words of a command together: `["curl", "-u", "ada:x"]`.
    pub(super) fn command(&mut self, words: &mut [Node<'_>]) {
        let is_flag = |node: &Node<'_>| matches!(node, Node::String(text) if text.starts_with('-'));
        let is_command =
            |node: &Node<'_>| node.as_str().is_some_and(|text| COMMANDS.contains(&text));
        let is_one = words.first().is_some_and(is_command) || words.iter().any(is_flag);
        if !(2..=WORDS_MAX).contains(&words.len()) || !is_one {
            return;
        }
        let mut line = String::new();
        let mut places: Vec<Range<usize>> = Vec::with_capacity(words.len());
        for word in words.iter() {
            let start = line.len();
            line.push_str(&scalar(word).unwrap_or(Cow::Borrowed(MASK)));
            places.push(start..line.len());
            let word = line.get(start..).unwrap_or_default();
            // Whether what follows `--name` is a secret, the name has told.
            let is_told = word.starts_with("--") && !is_one_of(word, &PAIRED);
            line.push(if is_told { '\t' } else { ' ' });
        }
        let mut edits = Vec::new();
        let searched = self.contents(&line, Class::of(&line), &mut edits);
        // What cannot be searched as a whole was searched word by word.
        if searched.is_err() || edits.is_empty() {
            return;
        }
        self.cut = true;
        self.widen(&line, &places, &mut edits);
        for (word, place) in words.iter_mut().zip(places) {
            let (Node::String(text), Some(shown)) = (&*word, masked(&line, &place, &edits)) else {
                continue;
            };
            if shown != **text {
                *word = Node::String(Cow::Owned(shown));
            }
        }
    }

    /// Where a secret is all that follows in a word of a command, it ends where the word ends.
    fn widen(&mut self, line: &str, places: &[Range<usize>], edits: &mut [Edit]) {
        for edit in edits {
            let at = places.partition_point(|place| place.end <= edit.range.start);
            let Some(place) = places.get(at).filter(|place| place.contains(&edit.range.start))
            else {
                continue;
            };
            let of = |place: &Range<usize>| line.get(place.clone()).unwrap_or_default();
            let is_flag = |text: &str| text.starts_with('-');
            let follows = at.checked_sub(1).and_then(|at| places.get(at));
            let before = line.get(place.start..edit.range.start).unwrap_or_default();
            let is_value = is_flag(of(place)) || follows.is_some_and(|place| is_flag(of(place)));
            if is_value && !before.contains([' ', '\t', '/', '=']) && edit.range.end < place.end {
                edit.range.end = place.end;
                let secret = line.get(edit.range.clone()).unwrap_or_default();
                self.remember(secret, edit.rule);
                edit.shown = Cow::Borrowed(MASK);
            }
        }
    }

    /// `NAME=value` and `--name=value` in a list of variables or of arguments, where all that follows
    /// is the value.
    pub(super) fn element(&mut self, node: &mut Node<'_>) {
        let Node::String(text) = node else { return };
        let mut start = 0;
        for _ in 0..=1 {
            let Some((head, value)) = text.get(start..).and_then(|text| text.split_once('='))
            else {
                return;
            };
            let named = argument_name(head, start > 0);
            let from = start + head.len() + 1;
            if let Some(name) = named
                && let Some(rule) = self.rule_of_content(Carrier::Parameter, name, Some(value))
            {
                // What has no blanks in it is told from what follows it elsewhere.
                if !value.contains([' ', '\t', '\n']) || is_redacted_text(value.trim()) {
                    return;
                }
                self.remember(value, rule);
                self.remember(value.split_whitespace().next().unwrap_or_default(), rule);
                self.receipt(rule);
                self.cut = true;
                let shown = format!("{}{MASK}", text.get(..from).unwrap_or_default());
                *node = Node::String(Cow::Owned(shown));
                return;
            }
            start = from;
        }
    }
}

/// The name in a word such as `--name=`, `-Dname=` and `NAME=`; after another one, also `name=`.
fn argument_name(head: &str, is_inner: bool) -> Option<&str> {
    let name = head.trim_start_matches('-');
    let is_flag = name.len() < head.len();
    let name = if is_flag { name.strip_prefix('D').unwrap_or(name) } else { name };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    let is_variable = !name.bytes().any(|byte| byte.is_ascii_lowercase());
    let is_name = !name.is_empty() && name.bytes().all(plain);
    (is_name && (is_flag || is_inner || is_variable)).then_some(name)
}

/// Whether this is a flag, as commands have among their words: `-p`, `--password`.
pub(super) fn is_flag_word(node: &Node<'_>) -> bool {
    let Node::String(text) = node else { return false };
    matches!(text.as_bytes(), [b'-', next, ..] if *next == b'-' || next.is_ascii_alphabetic())
}

/// The name of a list without the place in it: `args` of `args[]`, `args[0]` and `args.0`.
fn without_index(name: &str) -> &str {
    let is_index = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let list = name.strip_suffix(']').and_then(|name| name.rsplit_once('['));
    let list = list.or_else(|| name.rsplit_once('.'));
    list.filter(|(_, index)| is_index(index)).map_or(name, |(list, _)| list)
}

/// One word of a line, with the edits to the line that concern it.
fn masked(line: &str, place: &Range<usize>, edits: &[Edit]) -> Option<String> {
    let concern =
        edits.iter().filter(|edit| edit.range.start < place.end && place.start < edit.range.end);
    let own: Vec<Edit> = concern
        .map(|edit| {
            let from = edit.range.start.max(place.start) - place.start;
            let to = edit.range.end.min(place.end) - place.start;
            Edit { range: from..to, rule: edit.rule, shown: edit.shown.clone() }
        })
        .collect();
    if own.is_empty() { None } else { line.get(place.clone()).map(|word| replaced(word, own)) }
}

/// The columns that these members list.
fn columns_of<'m, 'n>(members: &'m Members<'n>) -> Option<&'m Vec<Node<'n>>> {
    members.iter().find_map(|(name, node)| match node {
        Node::Array(items) if is_one_of(name, &COLUMNS) => Some(items),
        _ => None,
    })
}

/// A cell that may be the name of a column; `None` in it where it names none, and `None` where the row
/// has no names.
#[expect(clippy::option_option, reason = "a row has names, or not; a column has one, or not")]
fn heading(node: &Node<'_>) -> Option<Option<String>> {
    let text = node.as_str()?;
    (text.len() <= COLUMN_BYTES_MAX).then(|| (!text.is_empty()).then(|| text.to_owned()))
}

/// The name of a column: `"id"`, or `{"name": "id", …}`.
fn column(node: &Node<'_>) -> Option<String> {
    match node {
        Node::String(name) => Some(name.to_string()),
        Node::Object(members) => members.iter().find_map(|(name, node)| match node {
            Node::String(text) if is_one_of(name, &["name", "field", "key", "id"]) => {
                Some(text.to_string())
            }
            _ => None,
        }),
        _ => None,
    }
}
