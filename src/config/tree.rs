//! YAML text → a tree in which every value knows where it stands.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::problem::{Problem, Problems, parse_yaml, pieces};

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
        self.problems.push(self.made(place, message, remedy.into()));
    }

    /// A problem of this file that is not noted: somebody else knows whether it is one.
    pub(super) fn made(&self, place: Place, message: String, remedy: String) -> Problem {
        let (file, line, column) = match place {
            Place::File { line, column } => (self.file.clone(), line, column),
            Place::Flag(flag) => (PathBuf::from(flag), 0, 0),
        };
        Problem { file, line, column, message, remedy }
    }

    /// Notes that a section is there a second time.
    fn repeated(&mut self, key: &str, first: Place, place: Place) {
        let line = match first {
            Place::File { line, .. } => line,
            Place::Flag(_) => 0,
        };
        let remedy = format!(
            "put both into the one on line {line}; the rest of this section is not checked"
        );
        self.add(place, format!("`{key}` is given twice"), remedy);
    }

    /// Notes problems that were found elsewhere.
    pub(super) fn extend(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
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
    /// What a syntax error, which is reported, keeps from being read.
    Unreadable,
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
            Self::Unreadable => "what cannot be read".to_owned(),
        }
    }
}

/// Reads the text of `file`.
pub(super) fn parse(file: &Path, text: &str) -> Result<Node, Problem> {
    if text.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Node { value: Value::Null, place: Place::WHOLE });
    }
    let remedy = "correct the YAML here: check indentation and quotes";
    parse_yaml::<Spanned<Value>>(file, text, remedy).map(Node::from)
}

/// Reads a text that as a whole is no YAML, section by section: what can be read, and a problem
/// for each section that cannot, or that was there before. None where there is no such section, or no
/// mapping.
pub(super) fn parse_sections(
    file: &Path,
    text: &str,
    sections: &[String],
) -> Option<(Node, Vec<Problem>)> {
    let key = |line: &str| {
        let name = line.split_once(':').map(|(name, _)| name.trim_end());
        name.filter(|name| sections.iter().any(|section| section == name)).map(str::to_owned)
    };
    let mut mapping: Vec<(String, Place, Node)> = Vec::new();
    let mut findings = Findings::new(file);
    for piece in pieces(text, |line| key(line).is_some()) {
        match parse(file, &piece) {
            Ok(Node { value: Value::Mapping(entries), .. }) => {
                for (key, place, node) in entries {
                    match mapping.iter().find(|(known, ..)| *known == key) {
                        None => mapping.push((key, place, node)),
                        Some((_, first, _)) => findings.repeated(&key, *first, place),
                    }
                }
            }
            Ok(Node { value: Value::Null, .. }) => {}
            Ok(_) => return None,
            Err(problem) => {
                let remedy = format!("{}; the rest of this section is not checked", problem.remedy);
                findings.extend(vec![Problem { remedy, ..problem }]);
                let begun = (1..).zip(piece.lines()).find_map(|(line, text)| {
                    key(text).map(|key| (key, Place::File { line, column: 1 }))
                });
                let Some((key, place)) = begun else { continue };
                match mapping.iter_mut().find(|(known, ..)| *known == key) {
                    None => {
                        let node = Node { value: Value::Unreadable, place: Place::WHOLE };
                        mapping.push((key, place, node));
                    }
                    Some((_, first, node)) => {
                        findings.repeated(&key, *first, place);
                        node.value = Value::Unreadable;
                    }
                }
            }
        }
    }
    let problems = findings.problems;
    let node = Node { value: Value::Mapping(mapping), place: Place::WHOLE };
    (!problems.is_empty()).then_some((node, problems))
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
