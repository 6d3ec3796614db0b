//! tRPC: procedures that the last segment names, `/trpc/user.delete`, several with commas between them.
//!
//! What its client sends to one has the form of a batch as well, with one input for each under its number.
//!   <https://trpc.io/docs/rpc>

use super::act::{ACTS_MAX, Answer, More};
use super::body::Value;
use super::call::{Calls, noun_and_verb};
use super::path::split;
use super::rpc;

/// How its calls are told.
pub(super) const KIND: &str = "tRPC calls";

/// The segment below which procedures are called.
const FOLDER: &str = "trpc";

/// How those of a folder of functions are told, as PostgREST has it: `/rpc/delete_user`.
///
///   <https://docs.postgrest.org/en/stable/references/api/functions.html>
pub(super) const FUNCTIONS: &str = "function calls";

/// The segment below which functions are called.
const FUNCTION_FOLDER: &str = "rpc";

/// The one function that a path names, if the name says what is done to what.
pub(super) fn function(path: &str, body: Option<&Value<'_>>) -> Option<Calls> {
    // Few paths have one.
    if !path.contains(FUNCTION_FOLDER) {
        return None;
    }
    let segments: Vec<String> = split(path).map(|(_, text)| text).collect();
    let [.., folder, name] = segments.as_slice() else { return None };
    let (noun, _) = noun_and_verb(name).filter(|_| folder == FUNCTION_FOLDER)?;
    if noun.is_empty() {
        return None;
    }
    let acts = vec![rpc::named(name, body.unwrap_or(&Value::Null), Answer::Rest)];
    Some(Calls { acts, count: 1, kind: FUNCTIONS, ..Calls::default() })
}

/// The calls of a request to this path.
pub(super) fn calls(
    path: &str,
    query: Option<&Value<'_>>,
    body: Option<&Value<'_>>,
) -> Option<Calls> {
    let segments: Vec<String> = split(path).map(|(_, text)| text).collect();
    let [.., folder, names] = segments.as_slice() else { return None };
    if folder != FOLDER {
        return None;
    }
    let is_batch = query.is_some_and(|query| query.get("batch").is_some());
    let none = Value::Null;
    let mut calls = Calls { kind: KIND, ..Calls::default() };
    let mut more = More::default();
    for (position, name) in names.split(',').enumerate() {
        let answer = if is_batch { Answer::Part(position, None) } else { Answer::Rest };
        if calls.acts.len() > ACTS_MAX {
            more.take(answer);
            continue;
        }
        let input = match is_batch {
            true => body.and_then(|body| body.get(&position.to_string())),
            false => body,
        };
        // What has types that JSON has not is within.
        let input = input.map(|input| input.get("json").unwrap_or(input)).unwrap_or(&none);
        calls.acts.push(rpc::named(name.trim(), input, answer));
    }
    calls.limit(more, "rpc.batch", "rpc");
    Some(calls)
}
