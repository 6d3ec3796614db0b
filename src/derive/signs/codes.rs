//! Codes beside a sentence, which are all that an answer has: `{"code": 40001, "msg": "…"}`,
//! `{"code": "FORBIDDEN", "message": "…"}`.

use super::super::body::Value;
use super::super::code::{CODE_BYTES_MAX, is_refusal, status_in, word};
use super::super::words::snake;
use super::nothing::is_none;
use super::{MEMBERS_MAX, MESSAGES, Sent, is_good_news, is_one_of, squashed};
use crate::decode::Number;
use crate::record::Outcome;

/// Members with a code beside a sentence.
const CODED: [&str; 4] = ["code", "resultCode", "ret", "returnCode"];

/// Members in which a text beside a sentence is a code, squashed.
const CODES: [&str; 4] = ["code", "responsecode", "resultcode", "returncode"];

/// What may stand beside both and says nothing of how it ended, squashed.
const BESIDE: [&str; 6] = ["hostid", "path", "requestid", "timestamp", "traceid", "tracingid"];

/// What may stand there where it is nothing.
const CONTENTS: [&str; 8] =
    ["body", "content", "data", "details", "errors", "response", "result", "stack"];

/// Members with a sentence beside a code of the same name, squashed.
const SENTENCES: [&str; 4] =
    ["responsedescription", "responsemessage", "resultmessage", "returnmessage"];

/// Last words of types that stand for the answer to a call, however it ended.
const OF_ANSWERS: [&str; 8] =
    ["ack", "message", "output", "payload", "reply", "response", "result", "status"];

/// Words of types that stand for why it was not done: `UserHasOrders`, `EmailTaken`.
const WHY_NOT: [&str; 18] = [
    "already",
    "blocked",
    "disabled",
    "duplicate",
    "exists",
    "failure",
    "has",
    "incorrect",
    "insufficient",
    "locked",
    "no",
    "not",
    "problem",
    "required",
    "suspended",
    "taken",
    "unknown",
    "wrong",
];

/// Codes that say that it was done, squashed, beside those of no error.
const GOOD_CODES: [&str; 6] = ["accepted", "created", "deleted", "done", "updated", "validated"];

/// Parts of words of codes that say that it was not done, squashed.
const BAD_PARTS: [&str; 20] = [
    "abort",
    "cannot",
    "conflict",
    "denied",
    "error",
    "exceeded",
    "exception",
    "exhausted",
    "expired",
    "fail",
    "forbidden",
    "illegal",
    "incorrect",
    "invalid",
    "mismatch",
    "missing",
    "notallowed",
    "notfound",
    "unauth",
    "unavailable",
];

/// Whether a body has a code that is no status, a sentence that is no good news, and nothing else.
pub(in crate::derive) fn is_code_told(body: &Value<'_>, sent: &Sent<'_>) -> bool {
    let has_message = || MESSAGES.iter().any(|name| body.get(name).is_some());
    if body.get("status") == Some(&Value::Bool(false)) && has_message() {
        return true;
    }
    let coded = |name: &&'static str| match body.get(name)? {
        code @ Value::Number(Number::Integer(number)) => Some((*name, code, *number)),
        _ => None,
    };
    let Some((name, code, number)) = CODED.iter().find_map(coded) else { return false };
    let mut messages = MESSAGES.iter().filter_map(|name| body.get(name)?.as_str());
    let is_bad = messages.next().is_some_and(is_bad_news);
    let is_own = !sent.echoes(name, code);
    let is_alone = body.get("data").is_none_or(is_empty);
    is_bad && is_own && !(number == 0 || (200..400).contains(&number)) && is_alone
}

/// What a text says that stands as a code beside a sentence that is no good news, and beside nothing
/// else: what looks like the code of an error is one, and another may be a thing's.
pub(in crate::derive) fn told_by_code(
    body: &Value<'_>,
    sent: &Sent<'_>,
) -> Option<(Outcome, String)> {
    let (mut code, mut is_bad) = (None, false);
    for (name, value) in body.members() {
        let plain = squashed(name);
        match value {
            Value::String(text) if CODES.contains(&plain.as_str()) && !sent.echoes(name, value) => {
                code = Some(text.trim());
            }
            Value::String(text)
                if is_one_of(name, &MESSAGES) || SENTENCES.contains(&plain.as_str()) =>
            {
                is_bad |= is_bad_news(text);
            }
            value if is_beside(&plain, value) => {}
            _ => return None,
        }
    }
    let code = code.filter(|code| is_bad && code.len() <= CODE_BYTES_MAX)?;
    let outcome = of_code(code)?;
    let is_number = code.bytes().all(|byte| byte.is_ascii_digit());
    let told = word(code, None).or_else(|| is_number.then(|| code.to_owned()));
    let told = told.map(|told| if is_number { format!("error_{told}") } else { told });
    Some((outcome, told.unwrap_or_else(|| "error_in_body".to_owned())))
}

/// Whether a text stands under a name for codes of errors, beside a sentence about it:
/// `{"result": null, "error_code": "ERR-PERMISSIONS", "error_info": "no"}`. What is a number is told by itself.
pub(super) fn is_error_named(body: &Value<'_>, sent: &Sent<'_>) -> bool {
    let members = || body.members().iter().take(MEMBERS_MAX);
    let mut coded = members().filter(|(name, _)| is_one_of(name, &super::CODES));
    let Some((name, value)) = coded.next() else { return false };
    let Some(code) = value.as_str().filter(|_| !sent.echoes(name, value)) else { return false };
    let plain = squashed(code);
    let is_good = is_none(code)
        || is_good_news(code)
        || GOOD_CODES.contains(&plain.as_str())
        || ["a", "na"].contains(&plain.as_str())
        || code.bytes().all(|byte| byte.is_ascii_digit());
    let shows_null = || ["data", "result"].iter().any(|it| body.get(it) == Some(&Value::Null));
    let is_sentence = |(own, value): &(std::borrow::Cow<'_, str>, Value<'_>)| {
        let about = squashed(own);
        let is_about = about.starts_with("err") || is_one_of(own, &MESSAGES);
        let is_about = is_about || ["description", "detail"].contains(&about.as_str());
        let text = value.as_str().map(str::trim).filter(|text| !is_none(text));
        is_about && own != name && text.is_some_and(is_bad_news)
    };
    !is_good && code.len() <= CODE_BYTES_MAX && (members().any(is_sentence) || shows_null())
}

/// Whether what is called a response within an answer lists errors beside a code:
/// `{"transactionResponse": {"responseCode": "2", "errors": […]}, "messages": …}`.
pub(super) fn holds_coded_errors(body: &Value<'_>, sent: &Sent<'_>) -> bool {
    let is_coded = |(name, _): &(std::borrow::Cow<'_, str>, Value<'_>)| {
        squashed(name) == "responsecode" || squashed(name) == "resultcode"
    };
    body.members().iter().take(MEMBERS_MAX).any(|(name, own)| {
        let lists = || own.get("errors").and_then(Value::as_array).is_some_and(|it| !it.is_empty());
        matches!(own, Value::Object(_))
            && squashed(name).ends_with("response")
            && lists()
            && own.members().iter().any(is_coded)
            && !sent.echoes(name, own)
    })
}

/// What a code says that is a text.
fn of_code(code: &str) -> Option<Outcome> {
    let plain = squashed(code);
    let is_status = status_in(&Value::String(code.into())).is_some_and(|it| it < 400);
    if is_none(code) || is_good_news(code) || GOOD_CODES.contains(&plain.as_str()) || is_status {
        return None;
    }
    let first = plain.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    // `40004`, `A0301`, `E1001`
    let is_number = plain.len() - first.len() < 3
        && first.len() > 2
        && first.bytes().all(|byte| byte.is_ascii_digit());
    let is_bad = BAD_PARTS.iter().any(|bad| plain.contains(bad))
        || plain.ends_with("fault") && !plain.ends_with("default");
    Some(match is_number || is_bad {
        _ if is_refusal(code) || code.split('.').next().is_some_and(is_refusal) => Outcome::Denied,
        true => Outcome::Failure,
        false => Outcome::Unknown,
    })
}

/// What the type of a result says that has a sentence, which is no good news, and nothing else: that shows
/// nothing that was done to what is called so, unless it is the type of that thing or of any answer.
pub(in crate::derive) fn told_by_type(
    kind: &str,
    result: &Value<'_>,
    sent: &Sent<'_>,
) -> Option<(Outcome, String)> {
    let name = result.get("__typename")?.as_str()?;
    let mut is_bad = false;
    for (member, value) in result.members() {
        match value {
            Value::String(text) if is_one_of(member, &MESSAGES) => {
                is_bad |= is_bad_news(text) && !sent.echoes(member, value);
            }
            value if member == "__typename" || says_nothing(member, value) => {}
            _ => return None,
        }
    }
    let own = snake(name);
    let is_last = |of: &str| own == of || own.rsplit('_').next() == of.rsplit('_').next();
    if !is_bad || is_last(kind) || OF_ANSWERS.iter().any(|of| is_last(of)) {
        return None;
    }
    let outcome = match of_code(name)? {
        Outcome::Unknown if own.split('_').any(|it| WHY_NOT.contains(&it)) => Outcome::Failure,
        outcome => outcome,
    };
    Some((outcome, word(name, None)?))
}

/// Whether the code of an error is the status of a success, and no sentence beside it is bad news:
/// `{"error_code": 200, "offset": 5}`.
pub(super) fn is_status_of_success(name: &str, body: &Value<'_>) -> bool {
    let is_status =
        || body.get(name).and_then(status_in).is_some_and(|it| (200..400).contains(&it));
    let mut messages = MESSAGES.iter().filter_map(|name| body.get(name)?.as_str());
    super::CODES.iter().any(|of| of.eq_ignore_ascii_case(name))
        && is_status()
        && !messages.any(is_bad_news)
}

fn is_bad_news(text: &str) -> bool {
    !text.trim().is_empty() && !is_good_news(text)
}

/// Whether a member stands beside what tells how it ended, and says nothing of that.
pub(super) fn says_nothing(name: &str, value: &Value<'_>) -> bool {
    is_beside(&squashed(name), value)
}

fn is_beside(plain: &str, value: &Value<'_>) -> bool {
    BESIDE.contains(&plain) || CONTENTS.contains(&plain) && is_empty(value)
}

fn is_empty(value: &Value<'_>) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Number(_) | Value::Bool(true) => false,
    }
}
