//! Answers that list what was done, and what was not: `{"deleted": [1, 2], "failed": [{"id": 3}]}`.

use std::collections::HashMap;

use super::act::End;
use super::body::{self, Value};
use super::code::{code, is_refusal};
use super::{answer, verbs::past};
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
    /// How many were done, likewise.
    done_count: Option<i64>,
}

/// Reads the lists of an answer to something that was done to several things.
pub(super) fn lists(verb: &str, body: &Value<'_>) -> Option<Lists> {
    let verb = verb.split('_').next().unwrap_or_default();
    let done = squashed(&past(verb));
    let inner = ["data", "result"].iter().filter_map(|name| body.get(name));
    let mut lists = Lists::default();
    for (name, value) in std::iter::once(body).chain(inner).flat_map(|it| it.members()) {
        let name = squashed(name);
        let is_done = || {
            let name = name.strip_suffix("ids").unwrap_or(&name);
            DONE.contains(&name) || name == done
        };
        match value {
            Value::Array(items) if FAILED.contains(&name.as_str()) => {
                lists.failed.extend(items.iter().take(ITEMS_MAX).filter_map(failure));
            }
            // By id: `{"failed": {"3": "locked"}}`.
            Value::Object(items) if FAILED.contains(&name.as_str()) => {
                let items = items.iter().take(ITEMS_MAX);
                lists.failed.extend(items.map(|(id, why)| (id.to_string(), code_of(why))));
            }
            // What has no id is an error of the whole.
            Value::Array(items) if name == "errors" => {
                let items = items.iter().filter(|item| answer::item_id(item).is_some());
                lists.failed.extend(items.take(ITEMS_MAX).filter_map(failure));
            }
            Value::Array(items) if is_done() => {
                let ids = items.iter().take(ITEMS_MAX).filter_map(id);
                lists.done.get_or_insert_default().extend(ids);
            }
            Value::Number(Number::Integer(count)) if FAILED.contains(&name.as_str()) => {
                lists.count = (*count).max(lists.count);
            }
            Value::Number(Number::Integer(count)) if is_done() => lists.done_count = Some(*count),
            _ => {}
        }
    }
    let has_some = lists.done.is_some() || !lists.failed.is_empty() || lists.count > 0;
    has_some.then_some(lists)
}

impl Lists {
    /// Whether the answer tells of something that was not done.
    pub(super) fn has_failed(&self) -> bool {
        !self.failed.is_empty()
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
        let is_none_done = match self.done_count {
            Some(done) => done == 0 && self.count > 0,
            None => !ends.is_empty() && ends.iter().all(is_failed),
        };
        if is_none_done {
            return Some(End::of(Outcome::Failure, Some(ALL_FAILED.to_owned())));
        }
        let is_some = !ends.is_empty() || self.has_failed() || self.count > 0;
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

impl End {
    fn failed(code: Option<String>) -> Self {
        let outcome = match &code {
            Some(code) if is_refusal(code) => Outcome::Denied,
            _ => Outcome::Failure,
        };
        Self::of(outcome, Some(code.unwrap_or_else(|| "failed".to_owned())))
    }
}

fn failure(item: &Value<'_>) -> Option<(String, Option<String>)> {
    Some((id(item)?, code_of(item)))
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
            answer::item_id(item).or_else(own).or_else(|| body::scalar(item.get("name")?))
        }
        Value::Array(_) => None,
        item => body::scalar(item),
    }
}

fn squashed(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(64).collect::<String>().to_lowercase()
}
