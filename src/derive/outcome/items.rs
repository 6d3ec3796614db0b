//! Answers that tell of every item of a bulk request by itself.

use super::super::act::{ACTS_MAX, Act, Answer, End};
use super::super::answer;
use super::super::body::Value;
use super::super::code::status_in;
use super::super::endpoint::READS;
use super::super::naming::Naming;
use super::super::partly;
use super::super::sentence::Sentence;
use super::super::signs::{Sent, is_flag};
use super::super::trace::Trace;
use super::super::words::{plural, spoken};
use super::acts::several;
use super::{Came, Verdict, noted, without};
use crate::record::{Outcome, Target};

/// It is an answer with many statuses, and says no more.
pub(super) const MULTI_STATUS: &str = "multi_status";

/// Methods of WebDAV that read, and are answered with many statuses.
const READING: [&str; 3] = ["PROPFIND", "REPORT", "SEARCH"];

/// Members of an item that says how it ended.
const VERDICTS: [&str; 38] = [
    "_id",
    "body",
    "code",
    "created",
    "error",
    "errorCode",
    "error_code",
    "error_message",
    "errors",
    "execution_time",
    "headers",
    "httpHeaders",
    "httpStatus",
    "httpStatusCode",
    "id",
    "index",
    "key",
    "message",
    "method",
    "offset",
    "ok",
    "partition",
    "reason",
    "redirect_url",
    "referenceId",
    "response",
    "result",
    "rev",
    "statement_id",
    "status",
    "statusCode",
    "status_code",
    "status_text",
    "success",
    "time",
    "type",
    "uuid",
    "warnings",
];

/// Judges an answer that tells of every item by itself, if not all items ended alike well.
///
/// What is not recorded of it says how its items ended, and not which they are.
pub(super) fn by_items(naming: &Naming, came: Came<'_>, trace: &mut Trace) -> Option<Verdict> {
    let shown = came.body.and_then(|body| by_items_in(naming, came, body, trace));
    shown.or_else(|| by_items_in(naming, Came { body: None, ..came }, came.sketch?, trace))
}

fn by_items_in(
    naming: &Naming,
    came: Came<'_>,
    body: &Value<'_>,
    trace: &mut Trace,
) -> Option<Verdict> {
    if let Some(verdict) = by_lists(naming, came, body, trace) {
        return Some(verdict);
    }
    // What the request sent itself is no verdict, and properties that are not there are no error.
    if READING.contains(&naming.method.as_str()) || Sent::of(came.request).is(body) {
        return None;
    }
    let verb = naming.sentence.verb.as_str();
    let by_id = answer::by_id(verb, &naming.targets, body);
    let by_id = by_id.or_else(|| answer::shown_of(&naming.targets, body));
    let is_top = by_id.is_some() || body.as_array().is_some();
    let body = by_id.as_ref().unwrap_or(body);
    let items = answer::items(body);
    let count = naming.sentence.count.unwrap_or(naming.targets.len());
    let mut flags = ["errors", "hasErrors", "has_errors"].iter();
    let says_errors = flags.any(|name| body.get(name) == Some(&Value::Bool(true)));
    let is_bulk = count > 1 && items.len() == count || says_errors;
    let is_bulk = is_bulk || are_verdicts(naming, items, is_top);
    if items.is_empty() || !(came.response.status == 207 || is_bulk) {
        return None;
    }
    let mut told = items.iter().map(|item| answer::of_item(verb, item));
    if told.all(|end| end.is_none_or(|end| end.outcome == Outcome::Success)) {
        return None;
    }
    let kind = naming.targets.first().map(|target| target.kind.clone()).unwrap_or_default();
    let kind = if kind == "resource" { "item".to_owned() } else { kind };
    let has_ids = items.iter().any(|item| answer::item_id(item).is_some());
    let is_named = has_ids || items.iter().all(|item| !item.members().is_empty() && !is_call(item));
    if (came.body.is_none() || !is_named) && naming.targets.len() <= 1 {
        return some_failed(naming, items, came, trace);
    }
    let mut acts = acts(naming, items, &kind);
    let total = count.max(items.len());
    if total > ACTS_MAX {
        acts.truncate(ACTS_MAX - 1);
        acts.push(rest(naming, &kind, total - acts.len()));
    }
    let ends = answer::ends(&acts, Some(body), None, (came.request, came.response));
    if let ([act], [end]) = (acts.as_mut_slice(), ends.as_slice()) {
        let reason = end.reason.as_deref().unwrap_or(MULTI_STATUS);
        let targets = match act.targets.iter().any(|target| target.id.is_some()) {
            true => std::mem::take(&mut act.targets),
            // What says nothing of which one it is is that of the request.
            false => naming.targets.clone(),
        };
        let failed = Naming { targets, ..naming.clone() };
        noted::within(came, "the answer's one item", trace);
        noted::reason(came, Some(reason), trace);
        return Some(without(&failed, end.outcome, reason, trace));
    }
    let kind = format!("{} {}", total.max(acts.len()), plural(&spoken(&kind)));
    Some(several(naming, (&acts, &ends), &kind, came, trace))
}

/// Whether items say how each ended, and show nothing else that could be meant; `is_top` that they
/// are all of the answer.
fn are_verdicts(naming: &Naming, items: &[Value<'_>], is_top: bool) -> bool {
    let verb = partly::bare(&naming.sentence.verb);
    let is_known = |name: &str| VERDICTS.contains(&name) || is_flag(verb, name);
    // `[{"code": 200, "name": "web", "status": "ok"}, {"code": 404, "status": "no object"}]`
    let has_status = |item: &Value<'_>, name: &str| {
        name == "name" && item.get("code").and_then(status_in).is_some()
    };
    let is_verdict = |item: &Value<'_>| {
        answer::of_item(verb, item).is_some()
            && (is_top || !item.members().is_empty())
            && item.members().iter().all(|(name, _)| is_known(name) || has_status(item, name))
    };
    // What was found may have an error of its own.
    let is_error = |item: &Value<'_>| {
        item.get("error").is_some_and(|it| *it != Value::Null) && answer::item_id(item).is_none()
    };
    let is_told = |item: &Value<'_>| !READS.contains(&verb) || is_error(item);
    items.iter().take(ACTS_MAX).all(|item| is_verdict(item) && is_told(item))
}

/// Whether an item is the answer to a call of tRPC, which says nothing of what it is.
fn is_call(item: &Value<'_>) -> bool {
    let data = |name: &str| {
        let inner = item.get(name)?;
        inner.get("json").unwrap_or(inner).get("data")
    };
    item.members().len() == 1 && (data("error").is_some() || data("result").is_some())
}

/// Whether an answer with many statuses says of nothing how it ended.
pub(super) fn is_unclear(naming: &Naming, came: Came<'_>) -> bool {
    let verb = naming.sentence.verb.as_str();
    if came.response.status != 207
        || READS.contains(&partly::bare(verb))
        || READING.contains(&naming.method.as_str())
    {
        return false;
    }
    let Some(body) = came.says else { return true };
    let is_told = |item: &Value<'_>| answer::of_item(verb, item).is_some();
    let kind = naming.targets.first().map_or("", |target| target.kind.as_str());
    !is_told(body)
        && !answer::items(body).iter().any(is_told)
        && answer::by_id(verb, &naming.targets, body).is_none()
        && partly::lists(verb, kind, body).is_none()
}

/// Judges items of which it is not recorded which they are.
fn some_failed(
    naming: &Naming,
    items: &[Value<'_>],
    came: Came<'_>,
    trace: &mut Trace,
) -> Option<Verdict> {
    let mut ends = items.iter().filter_map(|item| answer::of_item(&naming.sentence.verb, item));
    let end = match ends.clone().any(|end| end.outcome == Outcome::Success) {
        true => End::of(Outcome::Unknown, Some("some_failed".to_owned())),
        false => ends.next()?,
    };
    let reason = end.reason.as_deref().unwrap_or(MULTI_STATUS);
    noted::within(came, "the items of the answer", trace);
    noted::reason(came, Some(reason), trace);
    Some(without(naming, end.outcome, reason, trace))
}

/// Judges an answer that lists what was done and what was not, if not all was.
fn by_lists(
    naming: &Naming,
    came: Came<'_>,
    body: &Value<'_>,
    trace: &mut Trace,
) -> Option<Verdict> {
    let kind = naming.targets.first().map(|target| target.kind.clone()).unwrap_or_default();
    let lists = partly::lists(&naming.sentence.verb, &kind, body)?;
    let is_several = naming.targets.len() > 1;
    let has_id = super::super::body::id(body, &kind).is_some();
    let has_failed =
        lists.has_failed() || lists.lists_failed() || came.body.is_none() && lists.counts_failed();
    if !is_several && (has_id || !has_failed) {
        return None;
    }
    let count = naming.sentence.count.filter(|_| is_several);
    let told = match is_several {
        true => naming.targets.clone(),
        false if came.body.is_none() => Vec::new(),
        false => lists.targets(&kind),
    };
    let ends = lists.ends(&told).filter(|_| count.is_none() && told.len() > 1);
    let Some(ends) = ends else {
        let end = lists.whole(&told)?;
        let reason = end.reason.as_deref().unwrap_or("failed");
        noted::within(came, "the lists of what was done and what was not", trace);
        noted::reason(came, Some(reason), trace);
        return Some(without(naming, end.outcome, reason, trace));
    };
    let named = Naming { targets: told, ..naming.clone() };
    let acts = acts(&named, &[], &kind);
    let kind = format!("{} {}", acts.len(), plural(&spoken(&kind)));
    Some(several(naming, (&acts, &ends), &kind, came, trace))
}

/// An act for each target, or else for each item of the answer.
fn acts(naming: &Naming, items: &[Value<'_>], kind: &str) -> Vec<Act> {
    let sentence = Sentence { count: None, ..naming.sentence.clone() };
    let act = |target: Target, answer| Act {
        action: naming.action.clone(),
        category: naming.category.clone(),
        targets: vec![target],
        sentence: sentence.clone(),
        answer,
    };
    if naming.targets.len() > 1 {
        let targets = naming.targets.iter().cloned().enumerate();
        return targets
            .map(|(at, target)| act(target.clone(), Answer::Part(at, target.id)))
            .collect();
    }
    let ids = items.iter().take(ACTS_MAX).map(answer::item_id).enumerate();
    ids.map(|(at, id)| {
        let target = Target { kind: kind.to_owned(), id: id.clone(), name: None };
        act(target, Answer::Part(at, id))
    })
    .collect()
}

/// What stands for all that are not told apart.
fn rest(naming: &Naming, kind: &str, count: usize) -> Act {
    let kind_of_rest = format!("{count} more {}", plural(&spoken(kind)));
    Act {
        action: naming.action.clone(),
        category: naming.category.clone(),
        targets: vec![Target { kind: kind.to_owned(), ..Target::default() }],
        sentence: Sentence {
            kind: Some(kind_of_rest),
            count: None,
            part: None,
            owner: None,
            outer: Vec::new(),
            ..naming.sentence.clone()
        },
        answer: Answer::Others(count),
    }
}
