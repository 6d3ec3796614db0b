//! How each act ended, from the one response to all of them.
//!
//! GraphQL tells of errors by the path of the field, JSON-RPC by the id of the call, and answers
//! with many statuses (207) by item. What the response does not tell is not known, and not guessed.

mod graphql;
mod items;
mod more;

use self::graphql::{errors, graphql, leads_to};
pub(super) use self::items::{by_id, item_id, items, of_item, shown_of};
use self::items::{inside, located, other_items, part};
use super::act::{Act, Answer, End};
use super::body::{self, Value};
use super::code::{code, fault_code, is_refusal, is_rpc_refusal, rpc_code};
use super::endpoint::reads;
use super::naming::sets_name;
use super::nouns::is_oneself;
use super::shown::is_operation;
use super::signs::{Sent, is_no_error, is_refused, nothing_done, told_by_code};
use super::{partly, rpc, sign_in};
use crate::decode::Number;
use crate::record::{Outcome, RequestRecord, ResponseRecord, Target};

/// The API told of other acts, and not of this one.
pub(super) const NO_RESULT: &str = "no_result";

/// Something was wrong, and there is no code for it.
const CALL_ERROR: &str = "call_error";

/// The type of a stream of events.
const EVENTS: &str = "text/event-stream";

/// Calls that change nothing, though no verb of theirs says so: those by which MCP begins.
const HARMLESS: [&str; 3] = ["graphql.subscribe", "rpc.initialize", "rpc.ping"];

/// Items of an answer that are looked at.
const ITEMS_MAX: usize = 1000;

/// How each of these acts ended, after a response that as a whole is a success: what is not recorded
/// of the body, its `sketch` tells, but for ids and names.
pub(super) fn ends(
    acts: &[Act],
    body: Option<&Value<'_>>,
    sketch: Option<&Value<'_>>,
    (request, response): (&RequestRecord, &ResponseRecord),
) -> Vec<End> {
    let sent = Sent::of(request);
    let shown = ends_in(acts, body, &sent, response);
    if sketch.is_none() {
        return shown;
    }
    let said = ends_in(acts, sketch, &sent, response).into_iter().zip(shown);
    let merged = said.map(|(said, shown)| match (said.outcome, shown.outcome) {
        (Outcome::Success, Outcome::Success) => shown,
        _ => End { targets: None, ..said },
    });
    merged.collect()
}

fn ends_in(
    acts: &[Act],
    body: Option<&Value<'_>>,
    sent: &Sent<'_>,
    response: &ResponseRecord,
) -> Vec<End> {
    let Some(body) = body else {
        return acts.iter().map(|act| untold(act, acts.len(), response)).collect();
    };
    let streamed = in_events(body, response);
    let body = streamed.as_ref().unwrap_or(body);
    let is_within = |act: &Act| matches!(act.answer, Answer::Within(_));
    let within = acts.iter().any(is_within).then(|| rpc::results(body)).flatten();
    let end = |act: &Act| match &act.answer {
        Answer::Graphql(position, path) => graphql(act, (*position, path), body, sent),
        Answer::Rpc(id) => json_rpc(act, id.as_deref(), (body, sent), acts),
        Answer::Part(position, id) => {
            part(body, *position, id.as_deref()).map_or_else(unknown, |item| of_part(act, item))
        }
        Answer::Xml => {
            rpc::xml_result(body).map_or_else(unknown, |result| of_result(act, &result, sent))
        }
        Answer::Within(at) => {
            let told = within.as_ref().and_then(|results| rpc::told(results, *at));
            told.map_or_else(unknown, |told| match told {
                rpc::Told::Result(result) => of_result(act, result, sent),
                rpc::Told::Fault(fault) => failed(fault_code(fault)),
            })
        }
        Answer::Listed(name, position) => listed(act, (name, *position), (body, sent)),
        Answer::Rest => rest(acts, body),
        Answer::Others(count) => other_items(acts, body, *count),
        Answer::More(more) => {
            // Of requests within this one each has its own answer, reads as well.
            let is_own = |answer: &Answer| matches!(answer, Answer::Part(..));
            let said = match more.answers.iter().all(is_own) {
                true => End::of(Outcome::Success, None),
                false => rest(acts, body),
            };
            more::ended(act, more, (body, sent), said)
        }
    };
    let ends: Vec<End> = acts.iter().map(end).collect();
    // An answer that tells of an error somewhere tells of other things than these.
    let is_part = |act: &Act| matches!(act.answer, Answer::Part(..));
    let is_elsewhere = body.get("errors") == Some(&Value::Bool(true))
        && acts.iter().all(is_part)
        && ends.iter().all(|end| end.outcome == Outcome::Success);
    match is_elsewhere {
        true => acts.iter().map(|_| unknown()).collect(),
        false => ends,
    }
}

/// How a call ended that this is the result of.
fn of_result(act: &Act, result: &Value<'_>, sent: &Sent<'_>) -> End {
    let kind = act.targets.first().map_or("", |target| target.kind.as_str());
    match is_refused(kind, result, sent) {
        true => failed(code(result, None)),
        false => done(act, Some(result)),
    }
}

/// How an item of a list ended: an answer that has lists of these names tells of each in them.
pub(super) fn listed(
    act: &Act,
    (name, position): (&str, usize),
    (body, sent): (&Value<'_>, &Sent<'_>),
) -> End {
    let inner = body.get("data").filter(|inner| inner.get(name).is_some()).unwrap_or(body);
    match inner.get(name) {
        Some(Value::Array(items)) => {
            items.get(position).map_or_else(unknown, |item| of_part(act, item))
        }
        _ if is_refused("", body, sent) => failed(code(body, None)),
        _ => End::of(Outcome::Success, None),
    }
}

/// How an act ended of which this item of the answer tells.
fn of_part(act: &Act, item: &Value<'_>) -> End {
    match of_item(&act.sentence.verb, item) {
        Some(end) if end.outcome != Outcome::Success => end,
        _ => shown(act, item),
    }
}

/// The answers in a stream of events that was read to its end: one, or a list of them. What the other
/// side calls or notes meanwhile is none.
fn in_events<'b>(body: &Value<'b>, response: &ResponseRecord) -> Option<Value<'b>> {
    if response.truncated || response.content_type.as_deref() != Some(EVENTS) {
        return None;
    }
    let events = body.as_array()?.iter().take(ITEMS_MAX);
    let told = events.filter_map(|event| event.get("data"));
    let is_answer = |data: &&Value<'_>| !data.members().is_empty() && data.get("method").is_none();
    let mut answers: Vec<Value<'b>> =
        told.filter(|data| is_answer(data) || data.as_array().is_some()).cloned().collect();
    if answers.len() > 1 { Some(Value::Array(answers)) } else { answers.pop() }
}

/// How an act ended of which no body tells: a call is answered, so that it is not known where there is
/// no answer (a page is none), or it was not read. What only reads is done with what was read.
fn untold(act: &Act, count: usize, response: &ResponseRecord) -> End {
    let is_read = reads(act) || HARMLESS.contains(&act.action.as_str());
    let is_silent = response.status == 200 && !is_answer_of_call(response);
    let is_unread = !is_read && is_unread(response);
    let is_known = |answer: &Answer| match answer {
        Answer::Graphql(..) | Answer::Rpc(Some(_)) => !is_silent && !is_unread,
        // Whether it is taken on is all that MCP says of a notification, with 202.
        Answer::Rpc(None) => count == 1 && response.status == 202,
        _ => !is_unread,
    };
    let is_known = match &act.answer {
        Answer::More(more) => !is_unread && more.answers.iter().all(is_known),
        answer => is_known(answer),
    };
    if is_known { End::of(Outcome::Success, None) } else { unknown() }
}

/// Whether a response has a body of which nothing could be read: it streams, is too long, or of a type
/// that is not looked into.
pub(super) fn is_unread(response: &ResponseRecord) -> bool {
    let is_there = response.truncated || response.size.is_some_and(|size| size > 0);
    // What follows an upgrade is none.
    is_there && response.status != 101 && response.body.is_none() && response.sketch.is_none()
}

/// Whether a body that is not on record may be the answer to a call, by its type.
fn is_answer_of_call(response: &ResponseRecord) -> bool {
    let kinds = ["json", "graphql", "event-stream", "msgpack", "xml"];
    let kind = response.content_type.as_deref().unwrap_or_default();
    kinds.iter().any(|known| kind.contains(known))
}

fn failed(code: Option<String>) -> End {
    let outcome = match &code {
        Some(code) if is_refusal(code) => Outcome::Denied,
        _ => Outcome::Failure,
    };
    End::of(outcome, Some(code.unwrap_or_else(|| CALL_ERROR.to_owned())))
}

/// A call that this reply with this error is the answer to.
fn rpc_failed(reply: &Value<'_>, error: &Value<'_>) -> End {
    let end = failed(code(reply, None).or_else(|| rpc_code(error)));
    match is_rpc_refusal(error) {
        true => End::of(Outcome::Denied, end.reason),
        false => end,
    }
}

fn unknown() -> End {
    End::of(Outcome::Unknown, Some(NO_RESULT.to_owned()))
}

/// Done, upon what the result shows, unless it says that it was not, or not all of it.
fn done(act: &Act, result: Option<&Value<'_>>) -> End {
    if let Some(result) = result {
        let verb = act.sentence.verb.as_str();
        let kind = act.targets.first().map_or("", |target| target.kind.as_str());
        if let Some(reason) = nothing_done(verb, result, &Sent::default()) {
            return End::of(Outcome::Failure, Some(reason.to_owned()));
        }
        if let Some((outcome, code)) = told_by_code(result, &Sent::default()) {
            return End::of(outcome, Some(code));
        }
        if let Some(end) = sign_in::ended(act, result) {
            return end;
        }
        let is_told = |lists: &partly::Lists| {
            let has_failed = lists.has_failed() || lists.lists_failed();
            act.targets.len() > 1 || has_failed && body::id(result, kind).is_none()
        };
        let lists = partly::lists(verb, kind, result).filter(is_told);
        if let Some(end) = lists.and_then(|lists| lists.whole(&act.targets)) {
            return end;
        }
    }
    End { targets: result.and_then(|result| told(act, result)), ..End::of(Outcome::Success, None) }
}

/// The target with the id and the name that a result gives to it.
fn told(act: &Act, result: &Value<'_>) -> Option<Vec<Target>> {
    if let Some(told) = returned(act, result) {
        return Some(told);
    }
    let [target] = act.targets.as_slice() else { return None };
    if act.sentence.part.is_some() || target.kind == "operation" {
        return None;
    }
    let result = match act.sentence.verb.as_str() {
        "create" => body::created(result, &target.kind).map_or(result, |(inner, _)| inner),
        _ => result,
    };
    let found = || match act.sentence.verb.as_str() {
        "create" | "register" => body::created_id(result, &target.kind, target.name.as_deref()),
        _ => body::id(result, &target.kind),
    };
    // What holds the target shows nothing of it, unless it has the name that was sent.
    let is_named = || target.name.is_some() && body::name(result, &target.kind) == target.name;
    let is_other =
        body::id(result, &target.kind).is_some_and(|id| act.sentence.others.contains(&id));
    if is_other && target.id.is_none() && !is_named() {
        return None;
    }
    let known = target.id.clone().filter(|id| !is_oneself(id));
    let id = known.or_else(found).or_else(|| target.id.clone());
    let shown = body::name(result, &target.kind);
    let claimed = target.name.clone();
    // What shows the item says how it is called; what the client says is a claim.
    let own = body::id(result, &target.kind);
    let name = match &own {
        own if *own == id && !is_operation(result, &target.kind) => shown.or(claimed),
        // What shows no id is the item, if it was sent with a name.
        None if sets_name(&act.sentence.verb) => claimed.or(shown),
        _ => claimed,
    };
    let name = name.filter(|name| Some(name) != id.as_ref());
    let told = Target { kind: target.kind.clone(), id, name };
    (told != *target).then(|| vec![told])
}

/// The targets that a result lists of what was changed, as Hasura has it, where the request names none by
/// an id: `{"affected_rows": 2, "returning": [{"id": 5}, {"id": 6}]}`.
fn returned(act: &Act, result: &Value<'_>) -> Option<Vec<Target>> {
    let kind = &act.targets.first()?.kind;
    let items = result.get("returning").filter(|items| items.as_array().is_some())?;
    let is_named = act.targets.iter().any(|target| target.id.is_some());
    let listed = body::many(items, kind, kind).targets.into_iter();
    let told = listed.map(|it| Target { kind: kind.clone(), id: it.id, name: it.name });
    let told: Vec<Target> = told.collect();
    (!is_named && act.sentence.part.is_none() && told.iter().any(|it| it.id.is_some()))
        .then_some(told)
}

/// Done, upon what an item of the answer shows.
fn shown(act: &Act, item: &Value<'_>) -> End {
    let body = ["body", "response", "data"].iter().find_map(|name| item.get(name));
    let end = done(act, body);
    let known = end.targets.as_deref().unwrap_or(&act.targets);
    match (known, act.sentence.verb.as_str()) {
        ([target @ Target { id: None, .. }], "create") => {
            let id = located(item).or_else(|| body::id(inside(item), &target.kind));
            let target = Target { id, ..target.clone() };
            End { targets: Some(vec![target]), ..end }
        }
        _ => end,
    }
}

/// What tells how the one act of a request ended: the result of a field of GraphQL, if there is one that
/// tells of no error, and else the whole of the answer.
pub(super) fn result_of<'b>(
    acts: &[Act],
    body: &'b Value<'b>,
    sent: &Sent<'_>,
) -> Option<&'b Value<'b>> {
    match acts {
        [Act { answer: Answer::Graphql(position, path), .. }] => {
            graphql::result((*position, path), body).filter(|result| !is_refused("", result, sent))
        }
        _ => Some(body),
    }
}

fn is_null(value: Option<&Value<'_>>) -> bool {
    value.is_none_or(|value| *value == Value::Null)
}

fn json_rpc(
    act: &Act,
    id: Option<&str>,
    (body, sent): (&Value<'_>, &Sent<'_>),
    acts: &[Act],
) -> End {
    let told = |reply: &Value<'_>| of_reply(act, id, reply, sent);
    // A call without an id is not answered, with an error neither.
    match (body, id) {
        (Value::Array(_), None) => unknown(),
        (Value::Array(replies), Some(id)) => {
            let is_mine =
                |reply: &&Value<'_>| reply.get("id").and_then(rpc::id).as_deref() == Some(id);
            let mut mine = replies.iter().take(ITEMS_MAX).filter(is_mine).map(told);
            let calls = acts.iter().filter(|other| other.answer == act.answer).count();
            match (mine.next(), mine.next()) {
                (Some(end), None) if calls == 1 => end,
                // An id that is there twice does not say which call is meant.
                (first, second) => shared(first.into_iter().chain(second).chain(mine), calls),
            }
        }
        // The answer to another call tells nothing of this one.
        (reply, Some(id)) if is_of_another(reply, id) && error_of(reply).is_none() => unknown(),
        (reply, None)
            if is_null(reply.get("error")) && (acts.len() > 1 || reply.get("result").is_none()) =>
        {
            unknown()
        }
        (reply, _) => told(reply),
    }
}

/// How a call with this id ended, to which this is the reply.
fn of_reply(act: &Act, id: Option<&str>, reply: &Value<'_>, sent: &Sent<'_>) -> End {
    let kind = act.targets.first().map_or("", |target| target.kind.as_str());
    if let Some(error) = error_of(reply) {
        return rpc_failed(reply, error);
    }
    match reply.get("result") {
        // A tool of an MCP server says so.
        Some(result) if result.get("isError") == Some(&Value::Bool(true)) => {
            failed(code(result, None).or_else(|| Some("tool_error".to_owned())))
        }
        Some(result) if is_refused(kind, result, sent) => failed(code(result, None)),
        None if id.is_some() => unknown(),
        // Of ubus a number alone is how it ended.
        Some(Value::Array(items))
            if act.action == "session.create"
                && matches!(items.as_slice(), [Value::Number(Number::Integer(1..))]) =>
        {
            failed(None)
        }
        Some(Value::Array(items)) if sent.calls_ubus() => match items.as_slice() {
            [Value::Number(Number::Integer(6))] => failed(Some("permission_denied".to_owned())),
            [Value::Number(Number::Integer(code @ 1..))] => failed(Some(format!("error_{code}"))),
            _ => done(act, items.get(1)),
        },
        result => done(act, result),
    }
}

/// The error in the reply to a call; one that is none stands beside a result.
fn error_of<'b>(reply: &'b Value<'b>) -> Option<&'b Value<'b>> {
    let is_none = |error: &Value<'_>| is_no_error(error) && !is_null(reply.get("result"));
    reply.get("error").filter(|error| **error != Value::Null && !is_none(error))
}

/// Whether a reply has the id of another call; some servers make a text of a number.
fn is_of_another(reply: &Value<'_>, id: &str) -> bool {
    let bare = |id: &str| id.trim_matches(['“', '”']).to_owned();
    reply.get("id").and_then(rpc::id).is_some_and(|own| bare(&own) != bare(id))
}

/// The end of one of several calls by the answers to all of them, if they all ended so.
fn shared(answers: impl Iterator<Item = End>, calls: usize) -> End {
    let ends: Vec<(Outcome, Option<String>)> =
        answers.map(|End { outcome, reason, .. }| (outcome, reason)).collect();
    let is_one = ends.windows(2).all(|pair| matches!(pair, [one, other] if one == other));
    match ends.first() {
        Some((outcome, reason)) if is_one && ends.len() == calls => {
            End::of(*outcome, reason.clone())
        }
        _ => unknown(),
    }
}

/// What is said of the acts that are not told apart.
fn rest(acts: &[Act], body: &Value<'_>) -> End {
    let is_known = |error: &Value<'_>| {
        acts.iter().any(|act| match &act.answer {
            Answer::Graphql(_, path) => leads_to(error, path),
            _ => false,
        })
    };
    if acts.iter().any(|act| matches!(act.answer, Answer::Part(..))) {
        return other_items(acts, body, 0);
    }
    let mut lost = false;
    let replies = body.as_array().unwrap_or_else(|| std::slice::from_ref(body));
    for reply in replies {
        if let Some(error) = errors(reply).iter().find(|error| !is_known(error)) {
            return failed(code(error, None));
        }
        lost |= !errors(reply).is_empty() && is_null(reply.get("data"));
        let is_other =
            |id: &str| !acts.iter().any(|act| act.answer == Answer::Rpc(Some(id.to_owned())));
        let id = reply.get("id").and_then(rpc::id);
        if let Some(error) = error_of(reply)
            && id.as_deref().is_none_or(is_other)
        {
            return rpc_failed(reply, error);
        }
    }
    if lost { unknown() } else { End::of(Outcome::Success, None) }
}
