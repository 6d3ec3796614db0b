//! Operations of JSON:API that are sent as one (`atomic:operations`): each says what is done, to which
//! type and id. All of them are carried out, or none.
//!
//!   <https://jsonapi.org/ext/atomic/>

use super::act::{ACTS_MAX, Act, Answer, More};
use super::body::{self, Value};
use super::call::Calls;
use super::naming::{are_claimed, named_alone};
use super::nouns::known_category;
use super::sentence::Sentence;
use super::text::bounded;
use super::words::{singular, snake};
use crate::record::Target;

/// What such operations are called.
pub(super) const KIND: &str = "operations of JSON:API";

/// The member that holds them.
const MEMBER: &str = "atomic:operations";

/// Members that may stand beside it: a body with others is something else as well.
const BESIDE: [&str; 3] = ["jsonapi", "links", "meta"];

/// The operations in a body, if it holds nothing else.
pub(super) fn calls(body: Option<&Value<'_>>) -> Option<Calls> {
    let body = body?;
    let operations = body.get(MEMBER)?.as_array().filter(|operations| !operations.is_empty())?;
    let is_known = |name: &str| name == MEMBER || BESIDE.contains(&name);
    body.members().iter().all(|(name, _)| is_known(name)).then_some(())?;
    let acts: Option<Vec<Act>> =
        operations.iter().take(ACTS_MAX + 1).enumerate().map(act).collect();
    let mut calls = Calls { kind: KIND, acts: acts?, ..Calls::default() };
    let mut more = More::default();
    for (position, operation) in operations.iter().enumerate().skip(ACTS_MAX + 1) {
        let verb = operation.get("op").and_then(Value::as_str);
        more.take(answer(verb.unwrap_or_default(), position));
    }
    calls.limit(more, "request.batch", "request");
    Some(calls)
}

/// Where the response tells of an operation: what comes to be has its id there.
fn answer(verb: &str, position: usize) -> Answer {
    match verb {
        "add" | "create" => Answer::Part(position, None),
        _ => Answer::Rest,
    }
}

fn act((position, operation): (usize, &Value<'_>)) -> Option<Act> {
    let (verb, method) = match operation.get("op")?.as_str()? {
        "add" => ("create", "POST"),
        "update" => ("update", "PATCH"),
        "remove" => ("delete", "DELETE"),
        _ => return None,
    };
    let data = operation.get("data");
    let answer = answer(verb, position);
    if let Some(address) = operation.get("href").and_then(Value::as_str) {
        return Some(Act { answer, ..named_alone(method, address, data) });
    }
    let of = operation.get("ref").or(data)?;
    let kind = singular(&snake(of.get("type")?.as_str()?));
    if kind.is_empty() {
        return None;
    }
    let part = of.get("relationship").and_then(Value::as_str).map(snake);
    let part = part.filter(|part| !part.is_empty());
    let noun =
        part.as_deref().map_or_else(|| kind.clone(), |it| format!("{kind}_{}", singular(it)));
    let id = of.get("id").and_then(body::scalar).and_then(|id| bounded(&id));
    let name = data.filter(|_| part.is_none() && verb != "delete");
    let name =
        name.and_then(|data| body::name(data, &kind)).filter(|name| Some(name) != id.as_ref());
    let targets = vec![Target { kind: kind.clone(), id, name }];
    let is_claimed = are_claimed(&targets);
    Some(Act {
        action: format!("{noun}.{verb}"),
        category: known_category(&noun).map_or(kind, str::to_owned),
        sentence: Sentence { verb: verb.to_owned(), part, is_claimed, ..Sentence::default() },
        targets,
        answer,
    })
}
