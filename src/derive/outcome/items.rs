//! Answers that tell of every item of a bulk request by itself.

use super::super::act::{ACTS_MAX, Act, Answer, End};
use super::super::answer;
use super::super::body::Value;
use super::super::endpoint::READS;
use super::super::naming::Naming;
use super::super::partly;
use super::super::sentence::Sentence;
use super::super::trace::Trace;
use super::super::words::{plural, spoken};
use super::{Came, Verdict, noted, several, without};
use crate::record::{Outcome, Target};

/// Members of an item that says how it ended.
const VERDICTS: [&str; 30] = [
    "_id",
    "body",
    "code",
    "created",
    "error",
    "errorCode",
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
    "ok",
    "reason",
    "redirect_url",
    "referenceId",
    "result",
    "rev",
    "status",
    "statusCode",
    "status_code",
    "status_text",
    "success",
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
    let response = came.response;
    if let Some(verdict) = by_lists(naming, came, body, trace) {
        return Some(verdict);
    }
    let items = answer::items(body);
    let count = naming.sentence.count.unwrap_or(naming.targets.len());
    let mut flags = ["errors", "hasErrors", "has_errors"].iter();
    let says_errors = flags.any(|name| body.get(name) == Some(&Value::Bool(true)));
    let is_bulk = count > 1 && items.len() == count || says_errors || are_verdicts(naming, items);
    if items.is_empty() || !(response.status == 207 || is_bulk) {
        return None;
    }
    let mut told = items.iter().map(answer::of_item);
    if told.all(|end| end.is_none_or(|end| end.outcome == Outcome::Success)) {
        return None;
    }
    let kind = naming.targets.first().map(|target| target.kind.clone()).unwrap_or_default();
    let kind = if kind == "system" { "item".to_owned() } else { kind };
    if came.body.is_none() && naming.targets.len() <= 1 {
        return some_failed(naming, items, came, trace);
    }
    let mut acts = acts(naming, items, &kind);
    let total = count.max(items.len());
    if total > ACTS_MAX {
        acts.truncate(ACTS_MAX - 1);
        acts.push(rest(naming, &kind, total - acts.len()));
    }
    let ends = answer::ends(&acts, Some(body), None, response);
    if let ([act], [end]) = (acts.as_mut_slice(), ends.as_slice()) {
        let reason = end.reason.as_deref().unwrap_or("multi_status");
        let failed = Naming { targets: std::mem::take(&mut act.targets), ..naming.clone() };
        noted::within(came, "the answer's one item", trace);
        noted::reason(came, Some(reason), trace);
        return Some(without(&failed, end.outcome, reason, trace));
    }
    let kind = format!("{} {}", total.max(acts.len()), plural(&spoken(&kind)));
    Some(several(naming, (&acts, &ends), &kind, came, trace))
}

/// Whether items say how each ended, and show nothing else that could be meant.
fn are_verdicts(naming: &Naming, items: &[Value<'_>]) -> bool {
    let verb = partly::bare(&naming.sentence.verb);
    let is_verdict = |item: &Value<'_>| {
        answer::of_item(item).is_some()
            && item.members().iter().all(|(name, _)| VERDICTS.contains(&name.as_ref()))
    };
    !READS.contains(&verb) && items.iter().take(ACTS_MAX).all(is_verdict)
}

/// Judges items of which it is not recorded which they are.
fn some_failed(
    naming: &Naming,
    items: &[Value<'_>],
    came: Came<'_>,
    trace: &mut Trace,
) -> Option<Verdict> {
    let mut ends = items.iter().filter_map(answer::of_item);
    let end = match ends.clone().any(|end| end.outcome == Outcome::Success) {
        true => End::of(Outcome::Unknown, Some("some_failed".to_owned())),
        false => ends.next()?,
    };
    let reason = end.reason.as_deref().unwrap_or("multi_status");
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
            ..naming.sentence.clone()
        },
        answer: Answer::Rest,
    }
}
