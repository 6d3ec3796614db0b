//! The list of changes while it is made, with its bounds.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::Note;
use super::hidden::{has_hidden, has_number_as_text, unsealed};
use super::secrets::{self, Secret};
use crate::decode::{Node, Number};
use crate::record::Change;

/// Changes of one event.
pub const CHANGES_MAX: usize = 256;

/// Size of a value, in bytes of JSON; a longer one is given by type and size.
pub const VALUE_BYTES_MAX: usize = 2 * 1024;

/// Size of all paths and values of one event, in bytes of JSON.
pub const BYTES_MAX: usize = 64 * 1024;

/// Paths that are longer are not listed.
const PATH_BYTES_MAX: usize = 1024;

/// Changes, and what is to be known of them.
#[derive(Default)]
pub(super) struct List {
    listed: Vec<Listed>,
    notes: BTreeSet<Note>,
    /// Paths whose values are hidden on both sides.
    pub(super) hidden: Vec<String>,
    /// Values that are set, and that redaction took.
    pub(super) secrets: Vec<Secret>,
    /// The values are of states, which have digests where they are not as they were.
    is_of_states: bool,
    /// Bytes that the list has so far.
    bytes: usize,
    /// Bytes that it would have if nothing were cut.
    cost: usize,
}

struct Listed {
    change: Change,
    /// The value after may be known better by somebody else.
    open: bool,
}

/// A state of the list to which it can be put back.
pub(super) struct Mark {
    changes: usize,
    hidden: usize,
    notes: BTreeSet<Note>,
    bytes: usize,
    cost: usize,
}

impl Mark {
    /// Changes that were there.
    pub(super) fn changes(&self) -> usize {
        self.changes
    }
}

impl List {
    /// One of what differs between two states.
    pub(super) fn of_states() -> Self {
        Self { is_of_states: true, ..Self::default() }
    }

    /// There is no room for another change.
    pub(super) fn is_full(&self) -> bool {
        self.notes.contains(&Note::ChangesTruncated)
    }

    pub(super) fn note(&mut self, note: Note) {
        self.notes.insert(note);
    }

    pub(super) fn add(&mut self, path: &str, after: Option<&Node<'_>>) {
        self.push("add", path, None, after);
    }

    pub(super) fn remove(&mut self, path: &str, before: Option<&Node<'_>>) {
        self.push("remove", path, before, None);
    }

    pub(super) fn replace(
        &mut self,
        path: &str,
        before: Option<&Node<'_>>,
        after: Option<&Node<'_>>,
    ) {
        self.push("replace", path, before, after);
    }

    fn push(
        &mut self,
        op: &'static str,
        path: &str,
        before: Option<&Node<'_>>,
        after: Option<&Node<'_>>,
    ) {
        if self.listed.len() >= CHANGES_MAX
            || path.len() > PATH_BYTES_MAX
            || self.bytes >= BYTES_MAX
        {
            return self.note(Note::ChangesTruncated);
        }
        self.bytes += path.len();
        self.cost += path.len();
        let secret = after.filter(|after| op != "remove" && has_hidden(after));
        if let Some(secret) = secret {
            secrets::take(&mut self.secrets, path, secret);
        }
        let open = op != "remove" && secret.is_none();
        let is_sealed = self.is_of_states;
        if is_sealed && before.into_iter().chain(after).any(has_number_as_text) {
            self.note(Note::NumbersAsText);
        }
        let mut told = |node: &Node<'_>| match is_sealed {
            true => self.value(&unsealed(node)),
            false => self.value(node),
        };
        let (before, after) = (before.map(&mut told), after.map(&mut told));
        let change = Change { path: path.to_owned(), op, before, after };
        self.listed.push(Listed { change, open });
    }

    /// A path at which both values are hidden.
    pub(super) fn hide(&mut self, path: &str) {
        if self.hidden.len() >= CHANGES_MAX
            || path.len() > PATH_BYTES_MAX
            || self.bytes >= BYTES_MAX
        {
            return self.note(Note::ChangesTruncated);
        }
        self.bytes += path.len();
        self.hidden.push(path.to_owned());
    }

    /// The value, or its type and size.
    fn value(&mut self, node: &Node<'_>) -> Value {
        let size = size(node);
        self.cost += size;
        if size <= VALUE_BYTES_MAX && self.bytes + size <= BYTES_MAX {
            self.bytes += size;
            return value(node);
        }
        self.note(Note::ValuesTruncated);
        json!({"truncated": kind(node), "bytes": size})
    }

    /// Puts values that are known better in the place of those after the changes, unless either is
    /// redacted: then it is left as it was.
    pub(super) fn complete<'n>(&mut self, known: impl Fn(&str) -> Option<&'n Node<'n>>) {
        let mut listed = std::mem::take(&mut self.listed);
        for Listed { change, open } in &mut listed {
            let Some(after) = known(&change.path) else { continue };
            if *open && !has_hidden(after) {
                change.after = Some(self.value(after));
            } else if change.op == "remove" && *after != Node::Null {
                // What was to be removed got a value all the same: the default.
                change.op = "replace";
                change.after = Some(self.value(after));
            }
        }
        self.listed = listed;
    }

    /// How many changes there are.
    pub(super) fn len(&self) -> usize {
        self.listed.len()
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            changes: self.listed.len(),
            hidden: self.hidden.len(),
            notes: self.notes.clone(),
            bytes: self.bytes,
            cost: self.cost,
        }
    }

    /// What was added since costs so much.
    pub(super) fn cost_since(&self, mark: &Mark) -> usize {
        self.cost - mark.cost
    }

    pub(super) fn back_to(&mut self, mark: Mark) {
        self.listed.truncate(mark.changes);
        self.hidden.truncate(mark.hidden);
        (self.notes, self.bytes, self.cost) = (mark.notes, mark.bytes, mark.cost);
    }

    /// The changes and the notes by their names.
    pub(super) fn finish(self) -> (Vec<Change>, Vec<String>) {
        let changes = self.listed.into_iter().map(|listed| listed.change).collect();
        (changes, self.notes.into_iter().map(|note| note.as_str().to_owned()).collect())
    }
}

/// Goes one name down (RFC 6901). What it gives back is the length to which the path is cut again.
pub(super) fn down(path: &mut String, name: &str) -> usize {
    let length = path.len();
    path.push('/');
    for c in name.chars() {
        match c {
            '~' => path.push_str("~0"),
            '/' => path.push_str("~1"),
            c => path.push(c),
        }
    }
    length
}

/// Goes to an item of a list.
pub(super) fn down_to(path: &mut String, position: usize) -> usize {
    let length = path.len();
    // Writing into a `String` cannot fail.
    write!(path, "/{position}").ok();
    length
}

/// Goes to an item of a list that was not there before, by where it is after.
pub(super) fn down_to_added(path: &mut String, position: usize) -> usize {
    let length = path.len();
    // Writing into a `String` cannot fail.
    write!(path, "/+{position}").ok();
    length
}

/// Bytes of JSON, about.
pub(super) fn size(node: &Node<'_>) -> usize {
    match node {
        Node::Null | Node::Bool(_) => 4,
        Node::Number(Number::Text(text)) | Node::String(text) => text.len() + 2,
        Node::Number(_) => 8,
        Node::Array(items) => 2 + items.iter().map(|item| size(item) + 1).sum::<usize>(),
        Node::Object(members) => {
            2 + members.iter().map(|(name, item)| name.len() + size(item) + 4).sum::<usize>()
        }
    }
}

fn kind(node: &Node<'_>) -> &'static str {
    match node {
        Node::Null => "null",
        Node::Bool(_) => "boolean",
        Node::Number(_) => "number",
        Node::String(_) => "string",
        Node::Array(_) => "array",
        Node::Object(_) => "object",
    }
}

fn value(node: &Node<'_>) -> Value {
    match node {
        Node::Null => Value::Null,
        Node::Bool(value) => Value::Bool(*value),
        Node::Number(Number::Integer(number)) => Value::from(*number),
        Node::Number(Number::Double(number)) => Value::from(*number),
        Node::Number(Number::Text(text)) | Node::String(text) => Value::String(text.to_string()),
        Node::Array(items) => Value::Array(items.iter().map(value).collect()),
        Node::Object(members) => {
            let members = members.iter().map(|(name, item)| (name.to_string(), value(item)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}
