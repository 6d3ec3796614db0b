//! Answers that say how a request ended within something else: `{"ocs": {"meta": {"status": "failure"}}}`,
//! an element of XML, the body of a SOAP envelope.

use std::borrow::Cow;

use super::body::Value;
use super::shown::is_run;
use super::signs::{
    FAILURES, MESSAGES, Sent, Tells, error_status, is_error_told, is_good_news, is_one_of,
    is_state_told, says_no,
};
use crate::decode::Number;

/// Levels of members that stand alone.
const DEPTH_MAX: usize = 8;

/// Members that head an answer, and say how it ended.
const HEADS: [&str; 5] = ["head", "header", "messages", "meta", "metadata"];

/// Lists in an answer that tell of the whole where they have one item.
const LISTS: [&str; 3] = ["data", "result", "results"];

/// Members of a head that say it in a word.
const STATES: [&str; 5] = ["rc", "result", "resultCode", "stat", "status"];

/// A state that is always that of an answer: of Exchange.
const CLASS: &str = "ResponseClass";

/// What stands beside a state that is that of an answer, and not of a thing.
const REASONS: [&str; 8] =
    ["code", "errcode", "error_code", "errtext", "faultcode", "reason", "statuscode", "statusCode"];

/// Things that end by themselves, well or not, beside jobs.
const ENDING: [&str; 5] = ["build", "check", "deployment", "pipeline", "test"];

/// Ends of names of what a call returns.
const RESULTS: [&str; 3] = ["response", "result", "return"];

/// Members that list what was done.
const DONE: [&str; 6] = ["created", "deleted", "removed", "succeeded", "successful", "updated"];

/// Where within an answer an error is told.
pub(super) struct Told<'p, 'b> {
    /// The object that tells it.
    pub(super) place: &'p Value<'b>,
    /// Something was done all the same.
    pub(super) is_partly_done: bool,
}

/// Where within an answer an error is told, if it is.
pub(super) fn error_within<'p, 'b>(body: &'p Value<'b>, sent: &Sent<'_>) -> Option<Told<'p, 'b>> {
    let told = |place| Told { place, is_partly_done: is_partly_done(place) };
    let (mut name, mut place) = ("", body);
    for depth in 0..DEPTH_MAX {
        let says = || says_result(name, place, sent) || is_refused_thing(name, place, sent);
        if depth > 0 && (is_told(place, sent) || says()) {
            return Some(told(place));
        }
        let heads = HEADS.iter().filter_map(|name| Some((*name, place.get(name)?)));
        let mut heads = heads.filter(|_| !is_resource(place));
        if let Some((_, head)) = heads.find(|(name, head)| is_told_by_head(name, head, sent)) {
            return Some(told(head));
        }
        if let Some(told) = told_by_list(place, depth, sent) {
            return Some(told);
        }
        (name, place) = alone(place)?;
    }
    None
}

/// What a list says of the whole: the one item of it, or its elements where it is one of XML.
fn told_by_list<'p, 'b>(
    place: &'p Value<'b>,
    depth: usize,
    sent: &Sent<'_>,
) -> Option<Told<'p, 'b>> {
    let named = LISTS.iter().filter_map(|name| place.get(name)?.as_array()).next();
    if let Some([item]) = named.or_else(|| place.as_array()).filter(|_| depth == 0) {
        let inner = alone(item).map_or(item, |(_, inner)| inner);
        // The thing that was sent, with what became of it.
        let result = item.get("result").filter(|result| says_failed(result, sent));
        let place = [Some(inner), result].into_iter().flatten().find(|it| is_told(it, sent))?;
        return Some(Told { place, is_partly_done: false });
    }
    let mut members = place.members().iter().filter(is_said);
    let (Some((_, Value::Array(items))), None) = (members.next(), members.next()) else {
        return None;
    };
    let classes = || items.iter().filter_map(|item| item.get(CLASS).or(item.get("@ResponseClass")));
    let is_no = |item: &Value<'_>| depth > 0 && says_no(item, sent);
    let is_bad = |item: &&Value<'_>| is_of_class_error(item) || is_no(item);
    let place = items.iter().find(is_bad)?;
    let is_partly_done = classes().any(|class| class.as_str() == Some("Success"));
    let is_partly_done = is_partly_done || is_no(place) && !items.iter().all(is_no);
    Some(Told { place, is_partly_done })
}

/// Whether it is a message of Exchange about an error.
fn is_of_class_error(place: &Value<'_>) -> bool {
    let says = |(name, value): &(Cow<'_, str>, Value<'_>)| {
        is_one_of(name, &[CLASS]) && value.as_str() == Some("Error")
    };
    place.members().iter().any(says)
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
        let name = name.to_ascii_lowercase();
        // Of XML-RPC.
        let is_boolean = name == "boolean";
        let is_false = match text {
            Value::Bool(value) => !value,
            Value::String(text) if is_boolean => text.trim() == "0",
            Value::String(text) => text.trim().eq_ignore_ascii_case("false"),
            _ => false,
        };
        if is_false {
            return is_boolean || RESULTS.iter().any(|end| name.ends_with(end));
        }
        place = inner;
    }
    false
}

/// Whether a member says something: no attribute of an element, and not nothing.
fn is_said((name, value): &&(Cow<'_, str>, Value<'_>)) -> bool {
    !matches!(value, Value::Null) && !name.starts_with('@')
}

/// The one object in an object that holds nothing else, or the body of an envelope, and its name.
fn alone<'p, 'b>(place: &'p Value<'b>) -> Option<(&'p str, &'p Value<'b>)> {
    let mut members = place.members().iter().filter(is_said);
    match (members.next(), members.next()) {
        (Some((name, inner @ Value::Object(_))), None) => Some((name, inner)),
        (Some(_), Some(_)) if place.get("Header").is_some() => Some(("Body", place.get("Body")?)),
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
    is_error_told(place, Tells::Result, sent)
        || is_answer && says_failed(place, sent)
        || is_of_class_error(place)
        || is_state_told(place, sent)
        || is_return_of_method(place)
}

/// Whether what was done, and not a thing that ends by itself, has a bad result:
/// `{"edit": {"result": "Failure"}}`.
fn says_result(name: &str, place: &Value<'_>, sent: &Sent<'_>) -> bool {
    let name = name.to_ascii_lowercase();
    let is_bad = |result: &Value<'_>| {
        result.as_str().is_some_and(|text| is_one_of(text, &FAILURES))
            && !sent.echoes("result", result)
    };
    place.get("result").is_some_and(is_bad)
        && !has_id(place)
        && !is_run(&name)
        && !ENDING.contains(&name.as_str())
}

/// Whether the one thing in an answer says that nothing was done to it, with its id: `success: false`,
/// or, as a result in XML, a state with its code. A thing that ends by itself says so of itself.
fn is_refused_thing(name: &str, place: &Value<'_>, sent: &Sent<'_>) -> bool {
    let name = name.to_ascii_lowercase();
    let is_coded = || ["errcode", "errtext"].iter().any(|name| place.get(name).is_some());
    let is_result = || name == "result" && says_failed(place, sent) && is_coded();
    let is_thing = has_id(place) && !is_run(&name) && !ENDING.contains(&name.as_str());
    is_thing && (says_no(place, sent) || is_result())
}

/// Whether a method of CIM has returned another number than those for done and for begun.
///
///   <https://www.dmtf.org/sites/default/files/standards/documents/DSP0223_1.0.1.pdf>
fn is_return_of_method(place: &Value<'_>) -> bool {
    let value = place.get("ReturnValue");
    let text = value.and_then(|value| value.get("#text").or(Some(value))?.as_str());
    text.is_some_and(|text| text.parse::<u32>().is_ok_and(|number| !matches!(number, 0 | 4096)))
}

fn is_told_by_head(name: &str, head: &Value<'_>, sent: &Sent<'_>) -> bool {
    if has_id(head) {
        return false;
    }
    let is_bad = |text: &str| !text.trim().is_empty() && !is_good_news(text);
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
fn is_partly_done(place: &Value<'_>) -> bool {
    let is_some = |value: &Value<'_>| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => false,
    };
    place.members().iter().any(|(name, value)| is_one_of(name, &DONE) && is_some(value))
}
