//! How a field of a GraphQL mutation ended.

use super::super::act::{Act, End};
use super::super::body::Value;
use super::super::code::{code, word};
use super::super::endpoint::reads;
use super::super::signs::{
    NO_EFFECT, Sent, error_type, is_counted, is_refused, refusal_status, shows_none, squashed,
    told_by_type, verdict_in,
};
use super::{ITEMS_MAX, done, failed, is_null, item_id, unknown};
use crate::decode::Number;
use crate::record::Outcome;

/// Some of several things were not done.
const SOME_FAILED: &str = "some_failed";

/// Where the answer tells of a field: of several answers, at this position; in it, under these names.
type At<'p> = (Option<usize>, &'p [String]);

pub(super) fn graphql(
    act: &Act,
    (position, path): At<'_>,
    body: &Value<'_>,
    sent: &Sent<'_>,
) -> End {
    let Some(reply) = reply_at(position, body) else { return unknown() };
    let data = reply.get("data");
    let errors = errors(reply);
    let result = result_in(reply, path);
    if let Some(result) = result.filter(|result| **result != Value::Null) {
        if !path.is_empty() {
            return of_result(act, result, &within(errors, path), sent);
        }
        if errors.is_empty() || has_some(data) {
            return done(act, None);
        }
    }
    // Data that do not have the field: it was skipped, or another operation was run.
    let is_left_out =
        result.is_none() && matches!(data, None | Some(Value::Object(_) | Value::Null));
    // And a field that is `null` shows nothing that was done.
    let is_left_out = is_left_out || (result.is_some() && !path.is_empty());
    let silent = || match is_left_out && (!path.is_empty() || data.is_none()) {
        true => unknown(),
        false => done(act, None),
    };
    let mine = errors.iter().find(|error| !path.is_empty() && leads_to(error, path));
    let anonymous = || errors.iter().find(|error| error.get("path").is_none());
    match (mine, errors.first()) {
        (Some(error), _) => failed(code(error, None)),
        (None, None) => match reply.get("error").filter(|error| **error != Value::Null) {
            Some(_) => failed(code(reply, None)),
            None => silent(),
        },
        // Without data nothing was begun.
        (None, Some(error)) if data.is_none() || path.is_empty() => failed(code(error, None)),
        // The error of another field has taken all data with it.
        (None, Some(_)) if is_null(data) => match anonymous() {
            Some(error) => failed(code(error, None)),
            None => unknown(),
        },
        (None, Some(_)) => anonymous().map_or_else(silent, |error| failed(code(error, None))),
    }
}

/// The result of a field, in an answer without errors.
pub(super) fn result<'b>((position, path): At<'_>, body: &'b Value<'b>) -> Option<&'b Value<'b>> {
    let reply = reply_at(position, body).filter(|reply| errors(reply).is_empty())?;
    result_in(reply, path)
}

/// The answer to the request with this position, of several.
pub(super) fn reply_at<'b>(position: Option<usize>, body: &'b Value<'b>) -> Option<&'b Value<'b>> {
    match (position, body.as_array()) {
        (Some(position), Some(replies)) => replies.get(position),
        _ => Some(body),
    }
}

fn result_in<'b>(reply: &'b Value<'b>, path: &[String]) -> Option<&'b Value<'b>> {
    path.iter().try_fold(reply.get("data")?, |value, key| value.get(key))
}

/// An error below a field, and where it is below it.
type Below<'b> = (&'b [Value<'b>], &'b Value<'b>);

/// The errors that lead to a field, or to something below it.
fn within<'b>(errors: &'b [Value<'b>], path: &[String]) -> Vec<Below<'b>> {
    let below = |error: &'b Value<'b>| {
        let place = error.get("path").and_then(Value::as_array)?;
        let rest = place.get(path.len()..)?;
        leads_to(error, path).then_some((rest, error))
    };
    errors.iter().filter_map(below).take(ITEMS_MAX).collect()
}

/// How a field ended that shows a result: of a list, by its items.
fn of_result(act: &Act, result: &Value<'_>, errors: &[Below<'_>], sent: &Sent<'_>) -> End {
    if let Some(end) = of_fewer(act, result).filter(|_| errors.is_empty()) {
        return end;
    }
    let Some(items) = result.as_array().filter(|items| !items.is_empty()) else {
        return of_one(act, result, errors, sent);
    };
    let end = |(at, item): (usize, &Value<'_>)| {
        let is_at = |place: &Value<'_>| match place {
            Value::Number(Number::Integer(number)) => usize::try_from(*number) == Ok(at),
            _ => false,
        };
        let of_item = errors.iter().filter_map(|(place, error)| {
            let (first, rest) = place.split_first()?;
            is_at(first).then_some((rest, *error))
        });
        let own: Vec<Below<'_>> = of_item.collect();
        of_one(act, item, &own, sent)
    };
    let ends: Vec<End> = items.iter().take(ITEMS_MAX).enumerate().map(end).collect();
    let bad: Vec<&End> = ends.iter().filter(|end| end.outcome != Outcome::Success).collect();
    let is_same = |end: &&End| bad.first().is_some_and(|first| same(first, end));
    let is_unknown = |end: &&End| end.outcome == Outcome::Unknown;
    match bad.first() {
        None => done(act, Some(result)),
        Some(first) if bad.len() == ends.len() && bad.iter().all(is_same) => {
            End::of(first.outcome, first.reason.clone())
        }
        Some(_) if bad.len() == ends.len() && !bad.iter().any(is_unknown) => {
            End::of(Outcome::Failure, Some("all_failed".to_owned()))
        }
        Some(first) if bad.iter().all(is_unknown) => {
            End::of(Outcome::Unknown, first.reason.clone())
        }
        Some(_) => End::of(Outcome::Unknown, Some(SOME_FAILED.to_owned())),
    }
}

/// How a field ended that lists or counts less than what it was done to.
fn of_fewer(act: &Act, result: &Value<'_>) -> Option<End> {
    let verb = act.sentence.verb.as_str();
    let count = act.sentence.count.unwrap_or(act.targets.len());
    let some_failed = || End::of(Outcome::Unknown, Some(SOME_FAILED.to_owned()));
    match result {
        Value::Array(_) if reads(act) || count < 2 => None,
        // That may be all that is left as well.
        Value::Array(items) if items.is_empty() => Some(unknown()),
        Value::Array(items) => {
            let ids: Vec<String> = items.iter().take(ITEMS_MAX).filter_map(item_id).collect();
            let is_target = |id: &String| act.targets.iter().any(|it| it.id.as_ref() == Some(id));
            // What lists other things tells of those.
            let is_of_these = ids.is_empty() || is_counted(verb) || ids.iter().any(is_target);
            (items.len() < count && is_of_these).then(some_failed)
        }
        // What a number is in answer to anything else nobody knows.
        Value::Number(Number::Integer(number)) if is_counted(verb) => match number {
            0 if act.targets.iter().all(|target| target.id.as_deref() != Some("0")) => {
                Some(End::of(Outcome::Failure, Some(NO_EFFECT.to_owned())))
            }
            number => {
                let is_less = usize::try_from(*number).is_ok_and(|number| number < count);
                (count > 1 && is_less).then(some_failed)
            }
        },
        _ => None,
    }
}

fn same(one: &End, other: &End) -> bool {
    one.outcome == other.outcome && one.reason == other.reason
}

/// How a field ended, or an item of its list, of which these errors tell.
fn of_one(act: &Act, result: &Value<'_>, errors: &[Below<'_>], sent: &Sent<'_>) -> End {
    // What is told of a part of it says nothing, unless nothing of it is shown.
    let own = errors.iter().find(|(rest, _)| rest.is_empty() || shows_nothing(result));
    if let Some((_, error)) = own {
        return failed(code(error, None));
    }
    // Who signs out is nobody afterwards, and of signing in more is said.
    let is_none = || {
        shows_none(result) && !is_always_none(result) && act.category != "session" && !reads(act)
    };
    if *result == Value::Null || is_none() {
        return unknown();
    }
    let kind = act.targets.first().map_or("", |target| target.kind.as_str());
    if !is_refused(kind, result, sent) {
        // An item of a list within it.
        let is_of_item = |(rest, _): &Below<'_>| matches!(rest, [_, .., Value::Number(_)]);
        let told = told_by_type(kind, result, sent).filter(|_| !reads(act));
        return match (errors.iter().any(is_of_item), told) {
            (true, _) => End::of(Outcome::Unknown, Some(SOME_FAILED.to_owned())),
            (false, Some((outcome, reason))) => End::of(outcome, Some(reason)),
            (false, None) => done(act, Some(result)),
        };
    }
    let told = code(result, None).or_else(|| word(error_type(result)?, None));
    let told = told.or_else(|| code(verdict_in(result, sent)?, None));
    match refusal_status(result, sent) {
        Some(status) => {
            let outcome = match status {
                401 | 403 | 407 => Outcome::Denied,
                _ => Outcome::Failure,
            };
            End::of(outcome, Some(told.unwrap_or_else(|| format!("http_{status}"))))
        }
        None => failed(told),
    }
}

/// Whether a result has nothing but a field that is always `null`, since a type has to have one.
fn is_always_none(result: &Value<'_>) -> bool {
    let is_so = |name: &str| ["alwaysnil", "alwaysnull"].contains(&squashed(name).as_str());
    result.members().iter().all(|(name, _)| name.starts_with("__") || is_so(name))
}

fn shows_nothing(result: &Value<'_>) -> bool {
    let is_none = |(name, value): &(std::borrow::Cow<'_, str>, Value<'_>)| {
        name.starts_with("__") || *value == Value::Null
    };
    match result {
        Value::Null => true,
        Value::Object(members) => members.iter().all(is_none),
        _ => false,
    }
}

fn has_some(data: Option<&Value<'_>>) -> bool {
    data.is_some_and(|data| data.members().iter().any(|(_, value)| *value != Value::Null))
}

pub(super) fn errors<'b>(reply: &'b Value<'_>) -> &'b [Value<'b>] {
    reply.get("errors").and_then(Value::as_array).unwrap_or_default()
}

pub(super) fn leads_to(error: &Value<'_>, path: &[String]) -> bool {
    let place = error.get("path").and_then(Value::as_array).unwrap_or_default();
    // A namespace that failed took its fields with it.
    let same = |(name, key): (&Value<'_>, &String)| name.as_str() == Some(key);
    !place.is_empty() && place.iter().zip(path).all(same)
}
