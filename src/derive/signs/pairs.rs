//! Answers that are texts of names and values: `error=1&text=…` as a form has them, or one a line,
//! `Response: Error`.

use std::borrow::Cow;

use super::super::body::Value;
use super::MEMBERS_MAX;
use crate::decode::{Number, percent_decode_lossy};

/// Longer texts are what was asked for.
const TEXT_BYTES_MAX: usize = 8192;

/// Longer names are none.
const NAME_BYTES_MAX: usize = 64;

/// An object with the names and values of which a text consists; `None` if it holds anything else.
pub(in crate::derive) fn in_pairs(text: &str) -> Option<Value<'static>> {
    let text = text.trim();
    if text.is_empty() || text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let is_form = !text.contains('\n') && text.split('&').all(|part| part.contains('='));
    let pairs = match is_form {
        true => members(text.split('&'), |pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name, percent_decode_lossy(&value.replace('+', " ")).into_owned()))
        }),
        false => members(text.lines().filter(|line| !line.trim().is_empty()), |line| {
            let (name, value) = line.split_once([':', '='])?;
            Some((name.trim_end(), value.trim().to_owned()))
        }),
    };
    pairs.map(Value::Object)
}

/// The members that these parts of a text are, if all of them are one, and there are not too many.
fn members<'t>(
    parts: impl Iterator<Item = &'t str>,
    pair: impl Fn(&'t str) -> Option<(&'t str, String)>,
) -> Option<Vec<(Cow<'static, str>, Value<'static>)>> {
    let mut members = Vec::new();
    for part in parts {
        let (name, value) = pair(part).filter(|(name, _)| is_name(name))?;
        if members.len() == MEMBERS_MAX {
            return None;
        }
        let value = match value.parse() {
            Ok(number) => Value::Number(Number::Integer(number)),
            Err(_) => Value::String(Cow::Owned(value)),
        };
        members.push((Cow::Owned(name.to_owned()), value));
    }
    Some(members)
}

fn is_name(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte);
    text.len() <= NAME_BYTES_MAX
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(is_of_name)
}
