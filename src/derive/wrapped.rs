//! Answers that say how a request ended within something else: `{"ocs": {"meta": {"status": "failure"}}}`,
//! an element of XML, the body of a SOAP envelope.

use std::borrow::Cow;

use super::body::Value;
use super::signs::{
    FAILURES, GOOD_NEWS, MESSAGES, Sent, Tells, error_status, is_error_told, is_one_of,
};
use crate::decode::Number;

/// Levels of members that stand alone.
const DEPTH_MAX: usize = 8;

/// Members that head an answer, and say how it ended.
const HEADS: [&str; 4] = ["head", "header", "meta", "metadata"];

/// Members of a head that say it in a word.
const STATES: [&str; 4] = ["rc", "result", "stat", "status"];

/// What stands beside a state that is that of an answer, and not of a thing.
const REASONS: [&str; 8] =
    ["code", "errcode", "error_code", "errtext", "faultcode", "reason", "statuscode", "statusCode"];

/// Ends of names of what a call returns.
const RESULTS: [&str; 3] = ["response", "result", "return"];

/// Members that list what was done.
const DONE: [&str; 6] = ["created", "deleted", "removed", "succeeded", "successful", "updated"];

/// Where within an answer an error is told, if it is: the object that tells it.
pub(super) fn error_within<'p, 'b>(body: &'p Value<'b>, sent: &Sent<'_>) -> Option<&'p Value<'b>> {
    let mut place = body;
    for depth in 0..DEPTH_MAX {
        if depth > 0 && is_told(place, sent) {
            return Some(place);
        }
        let heads = HEADS.iter().filter_map(|name| Some((*name, place.get(name)?)));
        let mut heads = heads.filter(|_| !is_resource(place));
        if let Some((_, head)) = heads.find(|(name, head)| is_told_by_head(name, head, sent)) {
            return Some(head);
        }
        place = alone(place)?;
    }
    None
}

/// Whether the one thing that an answer holds is a result that is `false`: `<DeleteUserResult>`.
pub(super) fn is_result_false(body: &Value<'_>) -> bool {
    let mut place = body;
    for _ in 0..DEPTH_MAX {
        let members = place.members().iter().filter(is_said);
        let mut members =
            members.filter(|(name, _)| name != "Header" || place.get("Body").is_none());
        let (Some((name, inner)), None) = (members.next(), members.next()) else { return false };
        // The text of an element that has attributes.
        let text = inner.get("#text").unwrap_or(inner);
        let is_false = match text {
            Value::Bool(value) => !value,
            Value::String(text) => text.trim().eq_ignore_ascii_case("false"),
            _ => false,
        };
        if is_false {
            let name = name.to_ascii_lowercase();
            return RESULTS.iter().any(|end| name.ends_with(end));
        }
        place = inner;
    }
    false
}

/// Whether a member says something: no namespace, and not nothing.
fn is_said((name, value): &&(Cow<'_, str>, Value<'_>)) -> bool {
    !matches!(value, Value::Null) && !name.starts_with("@xmlns")
}

/// The one object in an object that holds nothing else, or the body of an envelope.
fn alone<'p, 'b>(place: &'p Value<'b>) -> Option<&'p Value<'b>> {
    let mut members = place.members().iter().filter(is_said);
    match (members.next(), members.next()) {
        (Some((_, inner @ Value::Object(_))), None) => Some(inner),
        (Some(_), Some(_)) => place.get("Body").filter(|_| place.get("Header").is_some()),
        _ => None,
    }
}

/// Whether an object is a thing, whose parts tell of it: by its id, or as Kubernetes has it.
fn is_resource(place: &Value<'_>) -> bool {
    has_id(place) || ["apiVersion", "kind", "spec"].iter().any(|name| place.get(name).is_some())
}

fn has_id(place: &Value<'_>) -> bool {
    place.members().iter().any(|(name, _)| is_one_of(name, &["id", "_id", "uuid"]))
}

/// Whether the one thing in an answer tells of an error. What has an id is a resource.
fn is_told(place: &Value<'_>, sent: &Sent<'_>) -> bool {
    if has_id(place) {
        return false;
    }
    let has = |names: &[&str]| place.members().iter().any(|(name, _)| is_one_of(name, names));
    let is_answer = has(&REASONS) || has(&MESSAGES);
    is_error_told(place, Tells::Result, sent) || is_answer && says_failed(place, sent)
}

fn is_told_by_head(name: &str, head: &Value<'_>, sent: &Sent<'_>) -> bool {
    if has_id(head) {
        return false;
    }
    let is_bad = |text: &str| {
        let text = text.trim().to_lowercase();
        !text.is_empty() && !GOOD_NEWS.iter().any(|good| text.contains(good))
    };
    let is_none = head.get("result") == Some(&Value::Number(Number::Integer(0)));
    // Metadata may be those of a thing.
    let is_own = name != "metadata";
    let is_bad_status = || error_status(head, sent).is_some();
    is_own
        && (is_error_told(head, Tells::Result, sent) || says_failed(head, sent) || is_bad_status())
        || is_none && head.get("reason").and_then(Value::as_str).is_some_and(is_bad)
}

fn says_failed(place: &Value<'_>, sent: &Sent<'_>) -> bool {
    place.members().iter().any(|(name, value)| {
        is_one_of(name, &STATES)
            && value.as_str().is_some_and(|text| is_one_of(text, &FAILURES))
            && !sent.echoes(name, value)
    })
}

/// Whether what tells of an error tells of something that was done as well.
pub(super) fn is_partly_done(place: &Value<'_>) -> bool {
    let is_some = |value: &Value<'_>| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    };
    place.members().iter().any(|(name, value)| is_one_of(name, &DONE) && is_some(value))
}
