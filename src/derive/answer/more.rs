//! How the calls ended that are not told apart: done, if the answer shows it of each of them.
//!
//! A client chooses how many calls it sends, and could hide one among the rest of many.

use std::collections::{HashMap, HashSet};

use super::super::act::{Act, Answer, End, More, gravity};
use super::super::body::{self, Value};
use super::super::rpc;
use super::super::signs::{Sent, is_refused};
use super::graphql::reply_at;
use super::items::{item_id, items};
use super::{code, failed, is_null, listed, of_part, of_reply, unknown};
use crate::record::Outcome;

/// The gravest of what an answer says of these calls. `said` is what it says of no act: an error tells
/// more than that one of them is not answered.
pub(super) fn ended(
    act: &Act,
    more: &More,
    (body, sent): (&Value<'_>, &Sent<'_>),
    said: End,
) -> End {
    let mut ends = of_calls(act, more, body, sent);
    ends.extend(of_fields(more, body, sent));
    ends.extend(of_parts(act, more, body));
    ends.extend(more.answers.iter().filter_map(|answer| match answer {
        // Of so many nobody looks for each.
        Answer::Within(_) => Some(unknown()),
        Answer::Listed(name, position) => Some(listed(act, (name, *position), (body, sent))),
        _ => None,
    }));
    let is_failed = |end: &&End| matches!(end.outcome, Outcome::Failure | Outcome::Denied);
    let known = std::iter::once(&said).chain(&ends).filter(is_failed);
    if let Some(End { outcome, reason, .. }) = known.max_by_key(|end| gravity(end.outcome)) {
        return End::of(*outcome, reason.clone());
    }
    let is_unknown = |end: &End| end.outcome == Outcome::Unknown;
    match is_unknown(&said) || !more.is_whole() || ends.iter().any(is_unknown) {
        true => unknown(),
        false => End::of(Outcome::Success, None),
    }
}

/// How calls of JSON-RPC ended: each has a reply with its id.
fn of_calls(act: &Act, more: &More, body: &Value<'_>, sent: &Sent<'_>) -> Vec<End> {
    let mut calls: HashMap<&str, usize> = HashMap::new();
    let mut ends = Vec::new();
    for answer in &more.answers {
        match answer {
            Answer::Rpc(Some(id)) => *calls.entry(id).or_default() += 1,
            // What has no id is not answered.
            Answer::Rpc(None) => ends.push(unknown()),
            _ => {}
        }
    }
    if calls.is_empty() {
        ends.truncate(1);
        return ends;
    }
    for reply in body.as_array().unwrap_or_else(|| std::slice::from_ref(body)) {
        let id = reply.get("id").and_then(rpc::id);
        let Some((id, left)) = id.as_deref().and_then(|id| Some((id, calls.get_mut(id)?))) else {
            continue;
        };
        ends.push(of_reply(act, Some(id), reply, sent));
        match left.checked_sub(1) {
            Some(less) => *left = less,
            // More replies than calls do not say which of them is meant.
            None => ends.push(unknown()),
        }
    }
    if calls.values().any(|left| *left > 0) {
        ends.push(unknown());
    }
    ends
}

/// How fields of GraphQL ended: each shows something.
fn of_fields(more: &More, body: &Value<'_>, sent: &Sent<'_>) -> Vec<End> {
    // What each object shows, by its place, so that no list of members is searched for each field.
    let mut shown: HashMap<(Option<usize>, &[String]), Option<Members<'_>>> = HashMap::new();
    let mut ends = Vec::new();
    for answer in &more.answers {
        let Answer::Graphql(position, path) = answer else { continue };
        let data = || reply_at(*position, body).and_then(|reply| reply.get("data"));
        let Some((key, space)) = path.split_last() else {
            let is_silent = data().is_none_or(|data| is_null(Some(data)));
            ends.extend(is_silent.then(unknown));
            continue;
        };
        let members = shown.entry((*position, space)).or_insert_with(|| {
            let place = space.iter().try_fold(data()?, |place, key| place.get(key))?;
            Some(place.members().iter().map(|(name, value)| (name.as_ref(), value)).collect())
        });
        let result = members.as_ref().and_then(|members| members.get(key.as_str()).copied());
        ends.extend(match result {
            None | Some(Value::Null) => Some(unknown()),
            Some(result) if is_refused("", result, sent) => Some(failed(code(result, None))),
            Some(_) => None,
        });
    }
    ends
}

type Members<'b> = HashMap<&'b str, &'b Value<'b>>;

/// How requests within one ended: each has an item, with its id or at its position.
fn of_parts(act: &Act, more: &More, body: &Value<'_>) -> Vec<End> {
    if !more.answers.iter().any(|answer| matches!(answer, Answer::Part(..))) {
        return Vec::new();
    }
    let items = items(body);
    let mut by_id: HashMap<String, &Value<'_>> = HashMap::new();
    let mut nameless: HashSet<usize> = HashSet::new();
    for (at, item) in items.iter().enumerate() {
        let (own, named) = (item_id(item), item.get("referenceId").and_then(body::scalar));
        if own.is_none() {
            nameless.insert(at);
        }
        for id in own.into_iter().chain(named) {
            by_id.entry(id).or_insert(item);
        }
    }
    let has_ids = items.first().and_then(item_id).is_some();
    let ended = |answer: &Answer| {
        let Answer::Part(position, id) = answer else { return None };
        let own = id.as_deref().and_then(|id| by_id.get(id).copied());
        let is_here = id.is_none() || !has_ids || nameless.contains(position);
        let item = own.or_else(|| items.get(*position).filter(|_| is_here));
        Some(item.map_or_else(unknown, |item| of_part(act, item)))
    };
    more.answers.iter().filter_map(ended).collect()
}
