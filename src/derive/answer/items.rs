//! The items of an answer that tells of each by itself, and what each of them says.

use std::borrow::Cow;
use std::collections::HashSet;

use super::super::act::{Act, Answer, End, gravity};
use super::super::body::{self, Value};
use super::super::code::{code, status_in};
use super::super::endpoint::READS;
use super::super::partly::bare;
use super::super::shape::is_id;
use super::super::shown::is_run;
use super::super::signs::{
    self, FAILURES, MESSAGES, STATES, Sent, Tells, is_error_inside, nothing_done,
};
use super::super::text::bounded;
use super::super::verbs::past;
use super::{ITEMS_MAX, failed, is_null, unknown};
use crate::record::{Outcome, Target};

/// Members around the items of an answer.
const LISTS: [&str; 14] = [
    "atomic:results",
    "items",
    "results",
    "responses",
    "data",
    "compositeResponse",
    "operations",
    "Operations",
    "serviced_requests",
    "value",
    "resources",
    "entries",
    "result",
    "response",
];

/// Members of an item with its status.
const ITEM_STATUSES: [&str; 6] =
    ["status", "statusCode", "status_code", "httpStatus", "httpStatusCode", "code"];

/// Words that say of an item that it was done.
const GOOD_WORDS: [&str; 6] = ["deleted", "done", "ok", "succeeded", "success", "updated"];

/// The items of an answer with many statuses.
pub(in crate::derive) fn items<'b>(body: &'b Value<'b>) -> &'b [Value<'b>] {
    if let Some(items) = body.as_array() {
        return items;
    }
    let inner = body.get("multistatus").unwrap_or(body);
    let list = LISTS.iter().find_map(|name| inner.get(name).filter(|list| !is_null(Some(list))));
    match list.or_else(|| told_apart(inner)) {
        Some(Value::Array(items)) => items,
        Some(item @ Value::Object(_))
            if item.get("status").is_some() || item.get("propstat").is_some() =>
        {
            std::slice::from_ref(item)
        }
        _ => &[],
    }
}

/// The one list in an answer, if its items have a status each.
fn told_apart<'b>(body: &'b Value<'b>) -> Option<&'b Value<'b>> {
    let is_some = |value: &Value<'_>| value.as_array().is_some_and(|items| !items.is_empty());
    let mut lists = body.members().iter().filter(|(_, value)| is_some(value));
    let (_, list) = lists.next().filter(|_| lists.next().is_none())?;
    let items = list.as_array()?;
    let is_told = |item: &Value<'_>| of_object("", item).is_some();
    (!items.is_empty() && items.iter().take(ITEMS_MAX).all(is_told)).then_some(list)
}

/// The items of an answer that has them by their ids, as a list: `{"1": {"status": 404}, "2": true}`.
/// The ids are those that were asked for, or look like some.
pub(in crate::derive) fn by_id<'b>(
    verb: &str,
    targets: &[Target],
    body: &Value<'b>,
) -> Option<Value<'b>> {
    let bare = bare(verb);
    // Jobs end by themselves.
    let has_states = targets.first().is_some_and(|target| is_run(&target.kind));
    if READS.contains(&bare) || STATES.contains(&bare) || has_states {
        return None;
    }
    let is_asked = |key: &str| {
        targets.iter().any(|it| it.id.as_deref() == Some(key) || it.name.as_deref() == Some(key))
    };
    let is_told = |(key, value): &(Cow<'_, str>, Value<'_>)| {
        let is_named = match targets.len() {
            0 | 1 => is_id(key) && (bare == "delete" || !matches!(value, Value::Bool(_))),
            _ => is_asked(key),
        };
        is_named && of_item(verb, value).is_some()
    };
    let keyed = keyed(body);
    let inner = LISTS.iter().filter_map(|name| body.get(name));
    let places = std::iter::once(body).chain(inner).map(Value::members);
    let mut places = places.chain(keyed.as_deref());
    let members = places.find(|members| {
        !members.is_empty() && members.len() <= ITEMS_MAX && members.iter().all(is_told)
    })?;
    let item = |(key, value): &(Cow<'b, str>, Value<'b>)| {
        let mut told = vec![(Cow::Borrowed("id"), Value::String(key.clone()))];
        match value {
            Value::Object(inner) => {
                told.extend(inner.iter().filter(|(name, _)| name != "id").cloned());
            }
            Value::Bool(_) => told.push((Cow::Owned(past(bare)), value.clone())),
            Value::String(text) if signs::is_one_of(text, &GOOD_WORDS) => {
                told.push((Cow::Owned(past(bare)), Value::Bool(true)));
            }
            value => told.push((Cow::Borrowed("status"), value.clone())),
        }
        Value::Object(told)
    };
    Some(Value::Array(members.iter().map(item).collect()))
}

/// The one list of an answer that shows just those things that were asked for, and of some of them an
/// error with a status: `{"saved_objects": [{"id": "a"}, {"id": "b", "error": {"statusCode": 409}}]}`.
pub(in crate::derive) fn shown_of<'b>(targets: &[Target], body: &Value<'b>) -> Option<Value<'b>> {
    if targets.len() < 2 || !items(body).is_empty() {
        return None;
    }
    let mut lists = body.members().iter().filter(|(_, value)| value.as_array().is_some());
    let ((_, list), None) = (lists.next()?, lists.next()) else { return None };
    let items = list.as_array().filter(|items| items.len() == targets.len())?;
    let is_asked = |item: &Value<'_>| {
        let id = item_id(item);
        id.is_some() && targets.iter().any(|target| target.id == id)
    };
    let has_failed = |item: &Value<'_>| {
        let error = item.get("error");
        let mut told = ITEM_STATUSES.iter().filter_map(|name| status_in(error?.get(name)?));
        told.any(|status| status >= 400)
    };
    let is_told = items.iter().all(is_asked) && items.iter().any(has_failed);
    // What else is shown of them is their own, and no reason.
    let verdict = |item: &Value<'b>| {
        let told =
            item.members().iter().filter(|(name, _)| matches!(name.as_ref(), "id" | "error"));
        Value::Object(told.cloned().collect())
    };
    is_told.then(|| Value::Array(items.iter().map(verdict).collect()))
}

/// The members of a list of objects with one each, as GLPI has it: `[{"5": false, "message": "no"}]`.
fn keyed<'b>(body: &Value<'b>) -> Option<Vec<(Cow<'b, str>, Value<'b>)>> {
    let own = |item: &Value<'b>| {
        let is_own = |(name, _): &&(Cow<'b, str>, Value<'b>)| !signs::is_one_of(name, &MESSAGES);
        let mut own = item.members().iter().filter(is_own);
        let (one, None) = (own.next()?, own.next()) else { return None };
        matches!(one.1, Value::Bool(_)).then(|| one.clone())
    };
    let items = body.as_array().filter(|items| !items.is_empty() && items.len() <= ITEMS_MAX)?;
    items.iter().map(own).collect()
}

pub(super) fn part<'b>(
    body: &'b Value<'b>,
    position: usize,
    id: Option<&str>,
) -> Option<&'b Value<'b>> {
    let items = items(body);
    // Of Salesforce's composites, requests and answers have names.
    let named = |item: &Value<'_>| item.get("referenceId").and_then(body::scalar);
    let own = |item: &&Value<'_>| {
        id.is_some() && (item_id(item).as_deref() == id || named(item).as_deref() == id)
    };
    let by_id = items.iter().take(ITEMS_MAX).find(own);
    let has_ids = || items.first().and_then(item_id).is_some();
    // What has failed may have none.
    let is_nameless = |item: &&Value<'_>| id.is_none() || !has_ids() || item_id(item).is_none();
    by_id.or_else(|| items.get(position).filter(is_nameless))
}

/// What an item holds under its one name: `{"delete": {"_id": 5, "status": 404}}`.
pub(super) fn inside<'b>(item: &'b Value<'b>) -> &'b Value<'b> {
    match item.members() {
        [(name, inner @ Value::Object(_))] if name != "error" => inner,
        _ => item,
    }
}

/// The id of an item of an answer.
pub(in crate::derive) fn item_id(item: &Value<'_>) -> Option<String> {
    let item = inside(item);
    let own = ["id", "_id", "Id", "uuid", "key", "bulkId", "resource_id", "resourceId"];
    let own = own.iter().find_map(|name| body::scalar(item.get(name)?));
    own.or_else(|| located(item))
}

/// The end of the address of an item.
pub(super) fn located(item: &Value<'_>) -> Option<String> {
    let href = item.get("href").or_else(|| item.get("location")).and_then(Value::as_str)?;
    href.trim_end_matches('/').rsplit('/').next().and_then(bounded)
}

/// How an item of an answer ended to which this was done, if it says so.
pub(in crate::derive) fn of_item(verb: &str, item: &Value<'_>) -> Option<End> {
    let success = || End::of(Outcome::Success, None);
    match item {
        Value::Bool(true) => Some(success()),
        Value::Bool(false) => not_done(verb, item),
        Value::String(text) if signs::is_one_of(text, &FAILURES) => Some(failed(None)),
        Value::String(text) => signs::is_one_of(text, &GOOD_WORDS).then(success),
        Value::Number(_) => Some(of_status(status_in(item)?, item)),
        item => of_object(verb, item),
    }
}

fn of_object(verb: &str, item: &Value<'_>) -> Option<End> {
    let whole = item;
    let item = inside(item);
    let error = item.get("error");
    // As tRPC has it, with and without what it makes of dates.
    let data = error.and_then(|error| error.get("json").unwrap_or(error).get("data"));
    let places = [Some(item), error, data].into_iter().flatten();
    let has_error = is_error_inside(item, Tells::Item);
    // The code of an error that is no status of one is the application's own.
    let is_status = |name: &str, status: u16| status >= 400 || name != "code" || !has_error;
    let status = places.filter_map(|place| {
        // Of SCIM 1.1 with words beside it: `{"status": {"code": "404", "description": "no"}}`.
        let status = |value| status_in(value).or_else(|| status_in(value.get("code")?));
        let told = |name: &&str| status(place.get(name)?).filter(|it| is_status(name, *it));
        ITEM_STATUSES.iter().find_map(told)
    });
    if let Some(status) = status.chain(of_properties(item)).next() {
        return Some(of_status(status, item));
    }
    if has_error {
        return Some(failed(code(item, None)));
    }
    let is_good = ["success", "ok"].iter().any(|name| item.get(name) == Some(&Value::Bool(true)));
    // The result of a call of tRPC.
    let is_result = || {
        let result = whole.get("result").filter(|_| whole.members().len() == 1);
        result.is_some_and(|result| result.get("data").is_some())
    };
    let is_good = is_good || is_result() || says_well(item) || signs::says_done(verb, item);
    not_done(verb, item).or_else(|| is_good.then(|| End::of(Outcome::Success, None)))
}

/// Whether an item says in a word that it went well, or has no code of an error where one would stand:
/// `{"type": "ok"}`, `{"offset": 5, "error_code": null}`.
fn says_well(item: &Value<'_>) -> bool {
    let is_well = |name: &&str| {
        let word = item.get(name).and_then(Value::as_str);
        word.is_some_and(|word| signs::is_one_of(word, &["ok", "succeeded", "success"]))
    };
    ["status", "type"].iter().any(is_well) || item.get("error_code") == Some(&Value::Null)
}

fn not_done(verb: &str, item: &Value<'_>) -> Option<End> {
    let reason = nothing_done(verb, item, &Sent::default())?;
    Some(End::of(Outcome::Failure, Some(reason.to_owned())))
}

fn of_status(status: u16, item: &Value<'_>) -> End {
    if (200..400).contains(&status) {
        return End::of(Outcome::Success, None);
    }
    let body = ["body", "response"].iter().find_map(|name| item.get(name));
    let reason = code(item, Some(status)).or_else(|| code(body?, Some(status)));
    let reason = reason.unwrap_or_else(|| format!("http_{status}"));
    let outcome = match status {
        401 | 403 | 407 => Outcome::Denied,
        _ => Outcome::Failure,
    };
    End::of(outcome, Some(reason))
}

/// The status of what was to be done to the properties of an item of WebDAV: all of it, or nothing
/// (RFC 4918, section 9.2). 424 says that it is another one that was refused.
fn of_properties(item: &Value<'_>) -> Option<u16> {
    let told = item.get("propstat")?;
    let told = told.as_array().unwrap_or_else(|| std::slice::from_ref(told));
    let statuses = told.iter().take(ITEMS_MAX).filter_map(|it| status_in(it.get("status")?));
    statuses.max_by_key(|status| (*status >= 400, *status != 424))
}

/// The gravest of what is said of items that are no act of their own, of which there have to be so many.
pub(super) fn other_items(acts: &[Act], body: &Value<'_>, count: usize) -> End {
    let known: HashSet<&str> = acts
        .iter()
        .filter_map(|act| match &act.answer {
            Answer::Part(_, Some(id)) => Some(id.as_str()),
            _ => None,
        })
        .collect();
    let is_other = |(at, item): &(usize, &Value<'_>)| match item_id(item) {
        Some(id) if !known.is_empty() => !known.contains(id.as_str()),
        _ => at + 1 >= acts.len(),
    };
    let others = items(body).iter().enumerate().filter(is_other);
    let is_answered = others.clone().count() >= count;
    let verb = acts.first().map_or("", |act| act.sentence.verb.as_str());
    let ends = others.filter_map(|(_, item)| of_item(verb, item));
    let gravest = ends.max_by_key(|end| gravity(end.outcome));
    let gravest = gravest.filter(|end| is_answered || end.outcome != Outcome::Success);
    gravest.unwrap_or_else(|| match is_answered {
        true => End::of(Outcome::Success, None),
        false => unknown(),
    })
}
