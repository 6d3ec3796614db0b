//! TOML: tables as objects; dates and what JSON has no number for as text.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::budget::Budget;
use super::number::is_json_number;
use super::{DEPTH_MAX, Node, Note, Number};

/// The largest document, in bytes: the parser keeps every word of it, at some fifty times its size.
pub const TOML_BYTES_MAX: usize = 512 * 1024;

/// Reads one document.
pub(super) fn toml<'a>(text: &'a str, budget: &mut Budget) -> Result<Node<'a>, Note> {
    if text.len() > TOML_BYTES_MAX {
        return Err(Note::TooMuchWork);
    }
    budget.look(text.len())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let table = DeTable::parse(text).map_err(|_| Note::InvalidToml)?.into_inner();
    node(DeValue::Table(shallow(table)?), budget)
}

/// The table, unless it is nested deeper than is allowed. Keys with dots nest without limit, so
/// that neither looking nor taking apart may recurse before this is known.
fn shallow(table: DeTable<'_>) -> Result<DeTable<'_>, Note> {
    let mut waiting: Vec<(&DeValue<'_>, usize)> =
        table.values().map(|value| (value.get_ref(), 1)).collect();
    let mut too_deep = false;
    while let Some((value, depth)) = waiting.pop() {
        let inner: &mut dyn Iterator<Item = &Spanned<DeValue<'_>>> = match value {
            DeValue::Array(items) => &mut items.iter(),
            DeValue::Table(table) => &mut table.values(),
            _ => continue,
        };
        too_deep |= depth >= DEPTH_MAX;
        waiting.extend(inner.map(|value| (value.get_ref(), depth + 1)));
    }
    if !too_deep {
        return Ok(table);
    }
    let mut waiting = vec![DeValue::Table(table)];
    while let Some(value) = waiting.pop() {
        match value {
            DeValue::Array(items) => waiting.extend(items.into_iter().map(Spanned::into_inner)),
            DeValue::Table(table) => {
                waiting.extend(table.into_iter().map(|(_, value)| value.into_inner()));
            }
            _ => {}
        }
    }
    Err(Note::TooDeep)
}

fn node<'a>(value: DeValue<'a>, budget: &mut Budget) -> Result<Node<'a>, Note> {
    budget.node()?;
    Ok(match value {
        DeValue::String(text) => Node::String(text),
        DeValue::Boolean(value) => Node::Bool(value),
        DeValue::Datetime(date) => Node::String(Cow::Owned(date.to_string())),
        DeValue::Integer(integer) => number(&integer.to_string()),
        DeValue::Float(float) => number(float.as_str()),
        DeValue::Array(items) => {
            let items = items.into_iter().map(|item| node(item.into_inner(), budget));
            Node::Array(items.collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => {
            let members = table
                .into_iter()
                .map(|(name, value)| Ok((name.into_inner(), node(value.into_inner(), budget)?)));
            Node::Object(members.collect::<Result<_, Note>>()?)
        }
    })
}

fn number<'a>(text: &str) -> Node<'a> {
    let text = text.strip_prefix('+').unwrap_or(text).to_owned();
    if is_json_number(&text) {
        Node::Number(Number::of_cow(Cow::Owned(text)))
    } else {
        Node::String(Cow::Owned(text))
    }
}
