//! Requests that ask for nothing to be done: dry runs.
//!
//! An API that knows the parameter does nothing, and one that does not does it all; the answers look
//! alike. So nobody can say.

use std::borrow::Cow;

use super::super::body::Value;
use crate::record::{BodyRecord, RequestRecord, Tree};

/// A dry run was asked for, and the answer does not tell whether it was one.
pub(super) const DRY_RUN: &str = "dry_run";

/// Parameters and members by which one is asked for, squashed.
const NAMES: [&str; 4] = ["dryrun", "simulate", "validateonly", "whatif"];

/// Values that say that it is not.
const NO: [&str; 4] = ["0", "false", "no", "none"];

/// Whether a request asks for a dry run, in its query or in its body.
pub(super) fn asks_dry_run(request: &RequestRecord) -> bool {
    // `?dryRun` alone asks for one, and an empty field of a form does not.
    let is_empty = |value: &Value<'_>| value.as_str() == Some("");
    let in_query = |node: &Value<'_>| node.members().iter().any(asks);
    let in_body = |node: &Value<'_>| node.members().iter().any(|it| asks(it) && !is_empty(&it.1));
    request.query.as_ref().map(Tree::node).is_some_and(in_query)
        || request.body.as_ref().map(BodyRecord::tree).is_some_and(in_body)
}

fn asks((name, value): &(Cow<'_, str>, Value<'_>)) -> bool {
    NAMES.iter().any(|known| is_squashed(name, known)) && is_yes(value)
}

/// Whether a name is this one, but for the case of letters and what stands between words.
fn is_squashed(name: &str, known: &str) -> bool {
    let letters = name.bytes().filter(u8::is_ascii_alphanumeric);
    letters.map(|byte| byte.to_ascii_lowercase()).eq(known.bytes())
}

fn is_yes(value: &Value<'_>) -> bool {
    match value {
        Value::Bool(value) => *value,
        Value::String(text) => !NO.iter().any(|no| no.eq_ignore_ascii_case(text.trim())),
        Value::Array(items) => items.iter().any(is_yes),
        Value::Number(number) => number.to_string() != "0",
        Value::Null | Value::Object(_) => false,
    }
}
