//! Where a value stands in a document: `claims.realm.name`, `body:$.user.id`, `claims["a.b"]`.

use std::fmt;

use serde_json::Value;

use super::text::bounded;

/// More steps than this lead nowhere.
const STEPS_MAX: usize = 16;

/// One step into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Member(String),
    Item(usize),
}

/// A way to one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValuePath(Vec<Step>);

/// What cannot be a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadPath;

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a path to one value")
    }
}

impl ValuePath {
    /// Names separated by dots; `["any name"]` where a name has other characters than letters,
    /// digits, `_` and `-`; `[0]` for an item of a list. `:$` after the first name is the root of a
    /// JSON document and may be left out.
    pub(super) fn parse(text: &str) -> Result<Self, BadPath> {
        let (root, mut rest) = name(text.trim()).ok_or(BadPath)?;
        let mut steps = vec![Step::Member(root.to_owned())];
        rest = rest.strip_prefix(":$").unwrap_or(rest);
        while !rest.is_empty() {
            if steps.len() >= STEPS_MAX {
                return Err(BadPath);
            }
            if let Some(after) = rest.strip_prefix('.') {
                let (member, after) = name(after).ok_or(BadPath)?;
                steps.push(Step::Member(member.to_owned()));
                rest = after;
            } else {
                let inner = rest.strip_prefix('[').ok_or(BadPath)?;
                let (step, after) = bracketed(inner).ok_or(BadPath)?;
                steps.push(step);
                rest = after;
            }
        }
        Ok(Self(steps))
    }

    /// The first name.
    pub(super) fn root(&self) -> &str {
        match self.0.first() {
            Some(Step::Member(name)) => name,
            _ => "",
        }
    }

    /// The second name.
    pub(super) fn member(&self) -> Option<&str> {
        match self.0.get(1)? {
            Step::Member(name) => Some(name),
            Step::Item(_) => None,
        }
    }

    /// The text at the path's end. A number counts as text. Which of several in a body or a token is
    /// meant, nobody can say; a certificate lists names of one holder, whose first one counts.
    pub(super) fn find(&self, document: &Value) -> Option<String> {
        match self.end(document)? {
            Value::Array(items)
                if items.len() == 1 || !["body", "claims"].contains(&self.root()) =>
            {
                scalar(items.first()?)
            }
            value => scalar(value),
        }
    }

    /// Whether there are several values at the path's end.
    pub(super) fn is_ambiguous(&self, document: &Value) -> bool {
        self.end(document).and_then(Value::as_array).is_some_and(|items| items.len() > 1)
    }

    fn end<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(document, |value, step| match step {
            Step::Member(name) => value.get(name),
            Step::Item(index) => value.get(index),
        })
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => bounded(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The name that a text begins with, and what follows it.
fn name(text: &str) -> Option<(&str, &str)> {
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .unwrap_or(text.len());
    text.split_at_checked(end).filter(|(name, _)| !name.is_empty())
}

/// What stands behind an opening bracket, up to the closing one.
fn bracketed(text: &str) -> Option<(Step, &str)> {
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            let (name, rest) = rest.split_once(quote)?;
            return Some((Step::Member(name.to_owned()), rest.strip_prefix(']')?));
        }
    }
    let (index, rest) = text.split_once(']')?;
    Some((Step::Item(index.parse().ok()?), rest))
}
