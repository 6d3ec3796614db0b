//! tRPC: procedures that the last segment names, `/trpc/user.delete`, several with commas between them.
//!
//! What its client sends to one has the form of a batch as well, with one input for each under its number.
//!   <https://trpc.io/docs/rpc>

use super::act::{ACTS_MAX, Answer, More};
use super::body::Value;
use super::call::Calls;
use super::path::split;
use super::rpc;

/// How its calls are told.
pub(super) const KIND: &str = "tRPC calls";

/// The segment below which procedures are called.
const FOLDER: &str = "trpc";

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
