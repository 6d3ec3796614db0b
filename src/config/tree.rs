//! YAML text → a tree in which every value knows where it stands.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::problem::{Problem, Problems, parse_yaml};

/// Where a setting was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the file. Line 0 is the file as a whole.
    File {
        /// From 1.
        line: u64,
        /// From 1.
        column: u64,
    },
    /// On the command line, by this flag.
    Flag(&'static str),
}

impl Place {
    /// The file as a whole.
    pub(super) const WHOLE: Self = Self::File { line: 0, column: 0 };
}

/// The problems that were found so far.
#[derive(Debug)]
pub(super) struct Findings {
    file: PathBuf,
    problems: Vec<Problem>,
}

impl Findings {
    /// Nothing found yet in `file`.
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), problems: Vec::new() }
    }

    /// Notes a problem.
    pub(super) fn add(&mut self, place: Place, message: String, remedy: impl Into<String>) {
        let (file, line, column) = match place {
            Place::File { line, column } => (self.file.clone(), line, column),
            Place::Flag(flag) => (PathBuf::from(flag), 0, 0),
        };
        self.problems.push(Problem { file, line, column, message, remedy: remedy.into() });
    }

    /// All that was found, in the order of the file; `None` if nothing was.
    pub(super) fn into_problems(mut self) -> Option<Problems> {
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        self.problems.dedup();
        (!self.problems.is_empty()).then_some(Problems(self.problems))
    }
}

/// A value and where it stands.
#[derive(Debug)]
pub(super) struct Node {
    /// The value.
    pub(super) value: Value,
    /// Where it stands.
    pub(super) place: Place,
}

/// What YAML can say.
#[derive(Debug)]
pub(super) enum Value {
    /// Nothing, or `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as text.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys, where they stand, and their values, in the order of the file.
    Mapping(Vec<(String, Place, Node)>),
}

impl Value {
    /// What to call it in a message.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("`{value}`"),
            Self::Number(text) | Self::Text(text) => format!("`{text}`"),
            Self::List(_) => "a list".to_owned(),
            Self::Mapping(_) => "a mapping".to_owned(),
        }
    }
}

/// Reads the text of `file`.
pub(super) fn parse(file: &Path, text: &str) -> Result<Node, Problem> {
    if text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Node { value: Value::Null, place: Place::WHOLE });
    }
    parse_yaml::<Spanned<Value>>(file, text).map(Node::from).map_err(in_our_words)
}

/// The YAML library speaks to programmers.
fn in_our_words(problem: Problem) -> Problem {
    let message = problem.message.rsplit_once(" at line ").map_or(&*problem.message, |(m, _)| m);
    let repeated = message
        .strip_prefix("duplicate mapping key: ")
        .map(|rest| rest.split_once(", set ").map_or(rest, |(key, _)| key));
    let (message, remedy) = match repeated {
        Some(key) => (format!("`{key}` is given twice"), "remove or rename one of the two"),
        None => (message.to_owned(), "correct the YAML here: check indentation and quotes"),
    };
    Problem { message, remedy: remedy.to_owned(), ..problem }
}

impl From<Spanned<Value>> for Node {
    fn from(spanned: Spanned<Value>) -> Self {
        Self { place: place(spanned.referenced), value: spanned.value }
    }
}

fn place(location: Location) -> Place {
    Place::File { line: location.line(), column: location.column() }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(item.into());
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut mapping = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<String>, Spanned<Value>>()? {
            mapping.push((key.value, place(key.referenced), value.into()));
        }
        Ok(Value::Mapping(mapping))
    }
}
