//! Words by which an answer says that what was asked for was refused, beside why:
//! `{"resultCode": "Refused", "refusalReason": "Not enough balance"}`.
//!
//! A thing may be refused itself, and be shown as it is. So such a word counts where something was begun
//! by the request, and not where it is looked up, changed or refused.

use super::super::answer::items;
use super::super::body::Value;
use super::super::code::word;
use super::super::endpoint::READS;
use super::super::partly::bare;
use super::{FAILURES, MEMBERS_MAX, Sent, has_own_id, is_one_of, squashed};

/// Words that say so, in any case.
const REFUSED: [&str; 7] =
    ["declined", "denied", "refused", "reject", "rejected", "skipped", "unauthorized"];

/// Members that hold them, squashed.
const STATES: [&str; 6] = ["decision", "outcome", "result", "resultcode", "state", "status"];

/// Parts of names of members that say why, squashed.
const WHY: [&str; 5] = ["declinecode", "errorcode", "errors", "reason", "refusal"];

/// Members around those.
const AROUND: [&str; 2] = ["details", "error"];

/// Verbs by which something is begun, so that it is what was refused, though it has an id.
const BEGUN: [&str; 9] =
    ["authorize", "capture", "charge", "create", "pay", "refund", "send", "submit", "transfer"];

/// Verbs after which a thing is shown as it is, or as it was made by them.
const SHOWN: [&str; 14] = [
    "approve", "block", "cancel", "check", "decide", "decline", "deny", "fail", "refuse", "reject",
    "replace", "review", "skip", "update",
];

/// Items of a list that are looked at.
const ITEMS_MAX: usize = 1000;

/// How much of what was asked for was refused, and why.
pub(in crate::derive) enum Refused {
    All(String),
    Some,
}

/// What an answer says was refused, of the whole or of its items.
pub(in crate::derive) fn refused(verb: &str, body: &Value<'_>, sent: &Sent<'_>) -> Option<Refused> {
    let verb = bare(verb);
    if READS.contains(&verb) || SHOWN.contains(&verb) || sent.is(body) {
        return None;
    }
    if let Some(why) = why(verb, body, sent) {
        return Some(Refused::All(why));
    }
    let items = items(body);
    let all = || items.iter().take(ITEMS_MAX).map(|item| why(verb, item, sent));
    let first = all().flatten().next()?;
    let is_all = items.len() <= ITEMS_MAX && all().all(|why| why.is_some());
    Some(if is_all { Refused::All(first) } else { Refused::Some })
}

/// Why an object says that it was refused.
fn why(verb: &str, place: &Value<'_>, sent: &Sent<'_>) -> Option<String> {
    let members = || place.members().iter().take(MEMBERS_MAX);
    let is_begun = BEGUN.contains(&verb);
    let (name, value) = members().find(|(name, value)| {
        let is_state = STATES.iter().any(|state| name.eq_ignore_ascii_case(state))
            || STATES.contains(&squashed(name).as_str());
        let text = value.as_str().unwrap_or_default();
        // What failed is told elsewhere, unless it has an id.
        let says = is_one_of(text, &REFUSED) || is_begun && is_one_of(text, &FAILURES);
        says && is_state && !sent.echoes(name, value)
    })?;
    if has_own_id(place) && !is_begun {
        return None;
    }
    let around = AROUND.iter().filter_map(|name| place.get(name)).flat_map(Value::members);
    let says_why = |(name, value): &&(std::borrow::Cow<'_, str>, Value<'_>)| {
        let name = squashed(name);
        let is_why = name == "code" || WHY.iter().any(|why| name.contains(why));
        is_why && is_something(value)
    };
    let mut whys = members().chain(around).filter(says_why).filter(|(own, _)| own != name);
    let first = whys.next().filter(|(name, why)| !sent.echoes(name, why))?;
    let told = std::iter::once(first).chain(whys).find_map(|(_, why)| word(why.as_str()?, None));
    Some(told.unwrap_or_else(|| value.as_str().unwrap_or_default().to_ascii_lowercase()))
}

fn is_something(value: &Value<'_>) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::String(text) => !super::is_none(text),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::json;

    #[test]
    fn what_was_begun_is_refused_by_a_word_beside_why() {
        let rows = [
            ("create", r#"{"resultCode": "Refused", "refusalReason": "Not enough"}"#, "refused"),
            (
                "create",
                r#"{"id": 1, "status": "declined", "decline_reason": "no_funds"}"#,
                "no_funds",
            ),
            ("send", r#"[{"_id": "a", "status": "rejected", "reject_reason": "hard"}]"#, "hard"),
            ("send", r#"[{"status": "sent"}, {"status": "rejected", "reason": "hard"}]"#, "some"),
            ("set_state", r#"{"status": "REJECT", "details": {"reason": "x"}}"#, "x"),
            // A word alone, and a thing as it is.
            ("create", r#"{"status": "rejected"}"#, ""),
            ("create", r#"{"status": "rejected", "reason": null}"#, ""),
            ("create", r#"{"status": "accepted", "reason": "new"}"#, ""),
            ("update", r#"{"id": 1, "status": "rejected", "reason": "spam"}"#, ""),
            ("reject", r#"{"status": "rejected", "reason": "spam"}"#, ""),
            ("assign", r#"{"id": 1, "status": "rejected", "reason": "spam"}"#, ""),
            ("search", r#"[{"status": "rejected", "reason": "spam"}]"#, ""),
        ];
        for (verb, body, told) in rows {
            let found = match refused(verb, &json(body).unwrap(), &Sent::default()) {
                Some(Refused::All(why)) => why,
                Some(Refused::Some) => "some".to_owned(),
                None => String::new(),
            };
            assert_eq!(found, told, "{verb} {body}");
        }
    }
}
