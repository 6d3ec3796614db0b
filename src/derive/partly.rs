//! Answers that list what was done, and what was not: `{"deleted": [1, 2], "failed": [{"id": 3}]}`.

use std::collections::HashMap;

use super::act::End;
use super::answer;
use super::body::{self, Value};
use super::code::{code, is_refusal};
use super::verbs::{TOGETHER, past};
use super::words::plural;
use crate::decode::Number;
use crate::record::{Outcome, Target};

/// Some of several things were not done, and nobody says which.
const SOME_FAILED: &str = "some_failed";

/// None of several things was done.
const ALL_FAILED: &str = "all_failed";

/// The answer lists what was done, and not this.
const NOT_LISTED: &str = "no_result";

/// Lists of what was not done, squashed.
const FAILED: [&str; 12] = [
    "errored",
    "failed",
    "failedids",
    "faileditems",
    "failures",
    "invalid",
    "notdeleted",
    "notfound",
    "notupdated",
    "rejected",
    "unprocessed",
    "unprocesseditems",
];

/// Lists of what was done, squashed; so are those called by the past of the verb.
const DONE: [&str; 8] = [
    "completed",
    "done",
    "processed",
    "removed",
    "succeeded",
    "success",
    "successes",
    "successful",
];

/// Counts of what was changed, squashed, as databases have them; so is a `count` that is all that is said.
const CHANGED: [&str; 11] = [
    "affected",
    "affectedcount",
    "affectedrows",
    "changed",
    "created",
    "deleted",
    "modified",
    "modifiedcount",
    "nmodified",
    "rowsaffected",
    "updated",
];

/// Lists of errors of the whole, squashed: of what was sent, and not of items.
const OF_WHOLE: [&str; 5] =
    ["fielderrors", "formerrors", "parseerrors", "usererrors", "validationerrors"];

/// Members by which an error says of which item it is.
const POSITIONS: [&str; 3] = ["index", "position", "row"];

/// Members by which an item says that it was not done.
const ITEM_ERRORS: [&str; 4] = ["ErrorCode", "error", "errorCode", "errors"];

/// Members of an answer, and items of a list, that are looked at.
const ITEMS_MAX: usize = 1000;

/// What an answer lists.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Ids or names of what was done, if there is such a list.
    done: Option<Vec<String>>,
    /// What was not done, by id or name, and why.
    failed: Vec<(String, Option<String>)>,
    /// How many were not done, as far as the answer counts only.
    count: i64,
    /// They are listed without ids, or counted by a name that can mean nothing else: `failed` may be
    /// tests that were run.
    is_listed: bool,
    /// How many were done, likewise.
    done_count: Option<i64>,
    /// Some were found, which may have been as they should be already.
    is_found: bool,
    /// A list of what was done is there and empty, or one of which all items tell of an error.
    is_none_done: bool,
    /// How many were changed, whatever was done to them.
    changed: Option<i64>,
}

/// Members around the lists.
const INNER: [&str; 3] = ["data", "processed", "result"];

/// What the list of what was done begins with, beside one that begins with `failed`.
const PARTNERS: [&str; 3] = ["successful", "succeeded", "success"];

/// What is no count but a time.
const COUNT_MAX: i64 = 1_000_000_000;

/// After these verbs what is changed is but a part of what is done.
const MAKING: [&str; 6] = ["create", "import", "insert", "save", "sync", "upsert"];

/// The verb alone: `delete` of `bulk_delete` and of `delete_all`.
pub(super) fn bare(verb: &str) -> &str {
    let mut words = verb.split('_');
    let first = words.next().unwrap_or_default();
    words.next().filter(|_| TOGETHER.contains(&first)).unwrap_or(first)
}

/// Reads the lists of an answer to something that was done to several things of this type.
pub(super) fn lists(verb: &str, kind: &str, body: &Value<'_>) -> Option<Lists> {
    let names = Names {
        done: squashed(&past(bare(verb))),
        kind: squashed(kind),
        kinds: squashed(&plural(kind)),
    };
    let inner = INNER.iter().filter_map(|name| body.get(name));
    let mut lists = Lists::default();
    for place in std::iter::once(body).chain(inner) {
        for (name, value) in place.members() {
            if matches!(value, Value::Null | Value::Bool(_) | Value::String(_)) {
                continue;
            }
            let name = squashed(name);
            match partner(place, &name) {
                Some((is_failed, items)) => lists.add_partner(is_failed, items),
                None if name == "count" && place.members().len() == 1 => {
                    lists.add(&names, "affected", value);
                }
                None => lists.add(&names, &name, value),
            }
        }
    }
    if lists.done_count.is_none() && lists.done.is_none() && !MAKING.contains(&bare(verb)) {
        lists.done_count = lists.changed;
    }
    let has_some = lists.done.is_some() || !lists.failed.is_empty() || lists.count > 0;
    (has_some || lists.done_count.is_some()).then_some(lists)
}

/// What is listed, squashed: by what was done, and of which type.
struct Names {
    done: String,
    kind: String,
    kinds: String,
}

impl Names {
    fn is_of_kind(&self, rest: &str) -> bool {
        let rest = rest.strip_suffix("ids").or_else(|| rest.strip_suffix("id")).unwrap_or(rest);
        rest.is_empty() || rest == self.kind || rest == self.kinds
    }

    fn is_failed(&self, name: &str) -> bool {
        let is_own = |rest| self.is_of_kind(rest);
        FAILED.contains(&name) || name.strip_prefix("failed").is_some_and(is_own)
    }

    fn is_done(&self, name: &str) -> bool {
        let is_own = |rest| self.is_of_kind(rest);
        DONE.contains(&name.strip_suffix("ids").unwrap_or(name))
            || name.strip_prefix(&*self.done).is_some_and(is_own)
    }

    fn counts_done(&self, name: &str) -> bool {
        let counted = name.strip_suffix("count");
        self.is_done(name) || counted.is_some_and(|name| name == self.done || DONE.contains(&name))
    }
}

/// One of two lists that are there for what was done and what was not, whatever they are of, and whether
/// it is the latter: `{"successRequests": [], "failedRequests": ["http://app"]}`.
fn partner<'b>(place: &'b Value<'b>, name: &str) -> Option<(bool, &'b [Value<'b>])> {
    let of = |name: &str, start: &str| name.strip_prefix(start).map(str::to_owned);
    let well = |name: &str| PARTNERS.iter().find_map(|start| of(name, start));
    let failed = of(name, "failed");
    let rest = failed.clone().or_else(|| well(name)).filter(|rest| !rest.is_empty())?;
    let has = |is_it: &dyn Fn(&str) -> Option<String>| {
        let mut lists = place.members().iter().filter(|(_, it)| it.as_array().is_some());
        lists.any(|(other, _)| is_it(&squashed(other)).as_ref() == Some(&rest))
    };
    let is_pair = has(&|name| of(name, "failed")) && has(&|name| well(name));
    let is_it = |(other, _): &&(std::borrow::Cow<'_, str>, Value<'_>)| squashed(other) == name;
    let (_, items) = place.members().iter().find(is_it).filter(|_| is_pair)?;
    Some((failed.is_some(), items.as_array()?))
}

impl Lists {
    /// Reads a member of the answer.
    fn add(&mut self, names: &Names, name: &str, value: &Value<'_>) {
        let is_failed = names.is_failed(name);
        match value {
            Value::Array(items) if is_failed => {
                let failed: Vec<_> = items.iter().take(ITEMS_MAX).filter_map(failure).collect();
                // Of what cannot be named it is known how many there are.
                if failed.len() < items.len() {
                    self.count_failed(items.len());
                }
                self.failed.extend(failed);
            }
            Value::Object(groups) if is_failed && are_groups(value) => {
                self.count_failed(groups.iter().map(|(_, group)| leaves(group, 0)).sum());
            }
            // GitLab's: `{"status": "error", "message": {"bob@example.com": "Already invited"}}`.
            Value::Object(items)
                if name == "message" && items.iter().all(|it| it.0.contains('@')) =>
            {
                let items = items.iter().take(ITEMS_MAX);
                self.failed.extend(items.map(|(id, why)| (id.to_string(), code_of(why))));
            }
            // By id: `{"failed": {"3": "locked"}}`.
            Value::Object(items) if is_failed => {
                let items = items.iter().take(ITEMS_MAX);
                self.failed.extend(items.map(|(id, why)| (id.to_string(), code_of(why))));
            }
            // By position: `{"insertErrors": [{"index": 0}]}`.
            Value::Array(items) if is_by_position(name, items) => self.count_failed(items.len()),
            // What has no id is an error of the whole.
            Value::Array(items) if name == "errors" => {
                let is_named = |item: &Value<'_>| item.get("item").and_then(body::scalar).is_some();
                let is_own = |item: &&Value<'_>| answer::item_id(item).is_some() || is_named(item);
                self.failed.extend(items.iter().filter(is_own).take(ITEMS_MAX).filter_map(failure));
            }
            // Of what cannot be named it is known how many there are.
            Value::Array(items)
                if names.is_done(name) && items.iter().any(|item| id(item).is_none()) =>
            {
                self.done_count = Some(count_of(items));
            }
            Value::Array(items) if names.is_done(name) => {
                self.is_none_done |= items.is_empty();
                let ids = items.iter().take(ITEMS_MAX).filter_map(id);
                self.done.get_or_insert_default().extend(ids);
            }
            Value::Array(items) => {
                let is_own = name == names.kind || name == names.kinds;
                self.is_none_done |= items.is_empty() && is_own || are_errors(items);
            }
            Value::Number(Number::Integer(count)) if is_failed || is_count_of_failed(name) => {
                self.is_listed |= !is_failed && *count > 0;
                self.count = (*count).max(self.count);
            }
            Value::Number(Number::Integer(count)) if names.counts_done(name) => {
                self.done_count = Some(*count);
            }
            Value::Number(Number::Integer(count @ ..COUNT_MAX)) if CHANGED.contains(&name) => {
                self.changed = self.changed.max(Some(*count));
            }
            Value::Number(Number::Integer(count)) if name == "matchedcount" => {
                self.is_found = *count > 0;
            }
            _ => {}
        }
    }

    /// Reads one of two lists that stand for each other.
    fn add_partner(&mut self, is_failed: bool, items: &[Value<'_>]) {
        match is_failed {
            true if items.is_empty() => {}
            true => self.count_failed(items.len()),
            false => self.done_count = Some(count_of(items)),
        }
    }

    fn count_failed(&mut self, count: usize) {
        self.is_listed |= count > 0;
        self.count = self.count.max(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Whether the answer tells of something that was not done.
    pub(super) fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }

    /// Whether it lists what was not done, and not which it is, or counts it by name.
    pub(super) fn lists_failed(&self) -> bool {
        self.is_listed
    }

    /// Whether something was done.
    pub(super) fn has_done(&self) -> bool {
        self.done_count.is_some_and(|count| count > 0)
            || self.done.as_ref().is_some_and(|done| !done.is_empty())
    }

    /// Whether it counts what was not done.
    pub(super) fn counts_failed(&self) -> bool {
        self.count > 0
    }

    /// How each of these ended; `None` if all were done, as far as the answer tells.
    pub(super) fn ends(&self, targets: &[Target]) -> Option<Vec<End>> {
        let failed: HashMap<&str, Option<&String>> =
            self.failed.iter().map(|(id, why)| (id.as_str(), why.as_ref())).collect();
        let end = |target: &Target| {
            let own = || target.id.iter().chain(&target.name);
            if let Some(why) = own().find_map(|own| failed.get(own.as_str())) {
                return End::failed(why.cloned());
            }
            match &self.done {
                Some(done) if !own().any(|own| done.contains(own)) => {
                    End::of(Outcome::Unknown, Some(NOT_LISTED.to_owned()))
                }
                _ => End::of(Outcome::Success, None),
            }
        };
        let ends: Vec<End> = targets.iter().map(end).collect();
        ends.iter().any(|end| end.outcome != Outcome::Success).then_some(ends)
    }

    /// How the whole ended, where its parts cannot be told apart; `None` if all was done.
    pub(super) fn whole(&self, targets: &[Target]) -> Option<End> {
        let ends = self.ends(targets).unwrap_or_default();
        let is_failed = |end: &End| matches!(end.outcome, Outcome::Failure | Outcome::Denied);
        let is_less = |done: &i64| targets.len() > 1 && *done < count_of(targets);
        let is_none_done = match self.done_count {
            Some(done) => done == 0 && !self.is_found && (self.count > 0 || is_less(&done)),
            None if ends.is_empty() => self.is_none_done && (self.count > 0 || self.has_failed()),
            None => ends.iter().all(is_failed),
        };
        if is_none_done {
            return Some(End::of(Outcome::Failure, Some(ALL_FAILED.to_owned())));
        }
        let is_some = !ends.is_empty() || self.has_failed() || self.count > 0;
        let is_some = is_some || self.done_count.as_ref().is_some_and(is_less);
        is_some.then(|| End::of(Outcome::Unknown, Some(SOME_FAILED.to_owned())))
    }

    /// Targets of this type that the answer alone tells of.
    pub(super) fn targets(&self, kind: &str) -> Vec<Target> {
        let done = self.done.iter().flatten();
        let ids = self.failed.iter().map(|(id, _)| id).chain(done);
        let target = |id: &String| Target {
            kind: kind.to_owned(),
            id: super::text::bounded(id),
            name: None,
        };
        ids.take(body::TARGETS_MAX).map(target).collect()
    }
}

fn count_of<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

/// `failed_count`, `FailedRecordCount`
fn is_count_of_failed(name: &str) -> bool {
    matches!(name, "errorcount" | "failure" | "failurecount")
        || name.starts_with("failed") && name.ends_with("count")
}

/// Whether a list holds errors that say of which item they are.
fn is_by_position(name: &str, items: &[Value<'_>]) -> bool {
    let is_position = |(name, value): &(std::borrow::Cow<'_, str>, Value<'_>)| {
        POSITIONS.contains(&name.as_ref()) && matches!(value, Value::Number(Number::Integer(_)))
    };
    let says = |item: &Value<'_>| item.members().iter().any(is_position);
    name.ends_with("errors")
        && name != "errors"
        && !OF_WHOLE.contains(&name)
        && !items.is_empty()
        && items.iter().take(ITEMS_MAX).all(says)
}

/// Whether an object has lists in it, in groups, and is not by id: `{"member": {"user": [["bob", "no"]]}}`.
fn are_groups(failed: &Value<'_>) -> bool {
    let is_list = |(_, value): &(std::borrow::Cow<'_, str>, Value<'_>)| match value {
        Value::Array(_) => true,
        Value::Object(inner) => {
            !inner.is_empty() && inner.iter().all(|it| it.1.as_array().is_some())
        }
        _ => false,
    };
    !failed.members().is_empty() && failed.members().iter().all(is_list)
}

/// How many items the lists of a group have.
fn leaves(group: &Value<'_>, depth: usize) -> usize {
    match group {
        Value::Array(items) => items.len(),
        Value::Object(inner) if depth == 0 => inner.iter().map(|it| leaves(&it.1, 1)).sum(),
        _ => 0,
    }
}

/// Whether each of several items tells of an error.
fn are_errors(items: &[Value<'_>]) -> bool {
    let tells = |item: &Value<'_>| {
        let mut errors = ITEM_ERRORS.iter().filter_map(|name| item.get(name));
        errors.any(|error| match error {
            Value::String(text) => !text.is_empty(),
            Value::Array(items) => !items.is_empty(),
            Value::Object(members) => !members.is_empty(),
            _ => false,
        })
    };
    !items.is_empty() && items.iter().take(ITEMS_MAX).all(tells)
}

impl End {
    fn failed(code: Option<String>) -> Self {
        let outcome = match &code {
            Some(code) if is_refusal(code) => Outcome::Denied,
            _ => Outcome::Failure,
        };
        Self::of(outcome, Some(code.unwrap_or_else(|| "failed".to_owned())))
    }
}

/// What was not done, and why; an id alone is no reason.
fn failure(item: &Value<'_>) -> Option<(String, Option<String>)> {
    Some((id(item)?, code_of(item).filter(|_| item.as_str().is_none())))
}

fn code_of(item: &Value<'_>) -> Option<String> {
    match item {
        Value::String(text) => super::code::word(text, None),
        item => code(item, None),
    }
}

/// The id of an item, which may be it.
fn id(item: &Value<'_>) -> Option<String> {
    let own = || {
        let inner = ["item", "resource"].iter().find_map(|name| item.get(name))?;
        answer::item_id(inner).or_else(|| body::scalar(inner))
    };
    match item {
        Value::Object(_) => {
            let name = || body::scalar(item.get("name")?).or_else(|| body::fingerprint(item));
            answer::item_id(item).or_else(own).or_else(name)
        }
        Value::Array(_) => None,
        item => body::scalar(item),
    }
}

fn squashed(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(64).collect::<String>().to_lowercase()
}
