//! Signs in a successful response that nothing was done: an error in its body, a status in it, a
//! page with the form once more.

mod codes;
mod listed;
mod nothing;
mod page;
mod pairs;
mod refused;
mod stated;
mod states;
mod texts;
mod xml;

use self::codes::{holds_coded_errors, is_error_named, is_status_of_success};
pub(super) use self::codes::{is_code_told, told_by_code, told_by_type};
use self::listed::lists_errors;
pub(super) use self::listed::shows_none;
use self::nothing::is_none;
pub(super) use self::nothing::{is_good_news, is_no_error};
pub(super) use self::page::unexpected_page;
pub(super) use self::pairs::in_pairs;
pub(super) use self::refused::{Refused, refused};
pub(super) use self::stated::stated;
pub(super) use self::states::{is_partly_done, is_provisioning_failed, is_state_told};
pub(super) use self::texts::{is_refused_in_words, told_by_text, whole_text};
pub(super) use self::xml::is_fault;
use super::body::Value;
use super::code::status_in;
use super::endpoint::READS;
use super::partly;
pub(super) use super::sent::Sent;
use super::shown::is_run;
use super::verbs::past;
use crate::decode::Number;
use crate::redact;

/// Names that say with `false` that it was not done.
const SUCCESSES: [&str; 8] = [
    "authpassed",
    "is_success",
    "is_successful",
    "issuccess",
    "issuccessful",
    "ok",
    "succeeded",
    "success",
];

/// Statuses in words that say that it was not done.
pub(super) const FAILURES: [&str; 7] = ["err", "error", "fail", "failed", "failure", "ko", "nok"];

/// Members with errors, of which there are none if it was done.
const ERRORS: [&str; 15] = [
    "err",
    "error",
    "error_message",
    "errormessage",
    "errors",
    "exception",
    "exceptionmessage",
    "fault",
    "form_errors",
    "formerrors",
    "odata.error",
    "response_errors",
    "user_errors",
    "userErrors",
    "validation_errors",
];

/// Flags that say with `true` that there is an error.
const FLAGS: [&str; 8] =
    ["error", "errors", "has_error", "has_errors", "hasError", "hasErrors", "is_error", "isError"];

/// Members that say in a word how the whole ended.
const RESULTS: [&str; 8] = [
    "ack",
    "outcome",
    "response",
    "result",
    "result_code",
    "resultCode",
    "return_code",
    "returnCode",
];

/// Texts that say no.
const NOES: [&str; 4] = ["0", "false", "n", "no"];

/// Members with a code, which is 0 if it was done, or the status of a success.
const CODES: [&str; 7] =
    ["err_code", "errcode", "errno", "error_code", "errorcode", "ret_code", "retcode"];

/// Members with the status that the response should have had.
const STATUSES: [&str; 5] = ["code", "httpStatus", "status", "statusCode", "status_code"];

/// Members with a sentence for people.
pub(super) const MESSAGES: [&str; 5] = ["errmsg", "error_msg", "info", "message", "msg"];

/// Members around the whole of an answer.
pub(super) const ENVELOPES: [&str; 4] = ["Response", "data", "response", "result"];

/// Verbs of calls whose result may be the state that came of them.
pub(super) const STATES: [&str; 8] =
    ["check", "is", "set", "switch", "test", "toggle", "validate", "verify"];

/// Those of them by which something is proved, and not looked up.
const PROOFS: [&str; 2] = ["validate", "verify"];

/// Members of which one alone says with `false` that it was not done.
const ALONE: [&str; 2] = ["accepted", "boolean"];

/// Verbs that change one thing of an item that there is.
const CHANGES: [&str; 14] = [
    "activate",
    "ban",
    "block",
    "deactivate",
    "disable",
    "edit",
    "enable",
    "lock",
    "modify",
    "suspend",
    "unban",
    "unblock",
    "unlock",
    "update",
];

/// What such verbs are counted as, squashed.
const CHANGED: [&str; 3] = ["changed", "modified", "updated"];

/// Members that count what was done, squashed.
const COUNTS: [&str; 9] = [
    "affected",
    "affectedrows",
    "matchedcount",
    "modifiedcount",
    "nmodified",
    "numaffected",
    "rowcount",
    "rowsaffected",
    "upsertedcount",
];

/// The answer says that it was not done.
pub(super) const NOT_DONE: &str = "not_done";

/// The answer counts nothing that was done.
pub(super) const NO_EFFECT: &str = "no_effect";

/// Members of an answer that are looked at.
pub(super) const MEMBERS_MAX: usize = 100;

/// Longer names of members are cut.
const NAME_CHARS_MAX: usize = 64;

/// What an object is that may tell of an error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tells {
    /// A whole answer, which may show a resource.
    Answer,
    /// The result of a GraphQL field, which shows what was asked for.
    Result,
    /// An item of an answer with many statuses.
    Item,
}

/// Whether an object tells of an error where it could show what was done.
///
/// What has an id is a resource, whose `error` is its own (a job that failed), and so may be a
/// `status` that was asked for; an item has the id of what it tells of.
pub(super) fn is_error_inside(body: &Value<'_>, what: Tells) -> bool {
    is_error_told(body, what, &Sent::default())
}

/// The same, where what the client `sent` under the same name is no sign.
pub(super) fn is_error_told(body: &Value<'_>, what: Tells, sent: &Sent<'_>) -> bool {
    let has_id = has_own_id(body);
    let is_resource = what != Tells::Item && has_id && !is_reply(body);
    let is_own = |name: &str, value: &Value<'_>| !sent.echoes(name, value);
    let mut members = body.members().iter();
    let is_error = members.any(|(name, value)| {
        let says = says_not_done(name, value) && !is_other_branch(name, body)
            || !is_resource && says_error(name, value, what) && !is_status_of_success(name, body);
        says && is_own(name, value)
    });
    let is_whole = what == Tells::Answer && !is_resource;
    let within = |name: &&str| body.get(name).filter(|_| is_whole);
    is_error
        || is_whole && holds_coded_errors(body, sent)
        || lists_errors(body, sent)
        || !is_resource && is_error_named(body, sent)
        || what == Tells::Answer && is_failed_reply(body)
        || is_whole && is_code_told(body, sent)
        || (is_whole || what == Tells::Item && !has_id) && is_state_told(body, sent)
        || ENVELOPES.iter().filter_map(within).any(|it| is_error_told(it, Tells::Result, sent))
}

/// Whether `succeeded` is what a transaction of etcd has compared, after which the other of its
/// branches was run and wrote.
///
///   <https://etcd.io/docs/v3.5/learning/api/#transaction>
fn is_other_branch(name: &str, body: &Value<'_>) -> bool {
    let wrote = |item: &Value<'_>| {
        let names = ["response_put", "response_delete_range", "response_txn"];
        names.iter().any(|name| item.get(name).is_some())
    };
    name == "succeeded"
        && body.get("responses").and_then(Value::as_array).is_some_and(|it| it.iter().any(wrote))
}

/// Whether it is the answer to a call of JSON-RPC, whose id is that of the call.
fn is_reply(body: &Value<'_>) -> bool {
    let has = |name: &str| body.get(name).is_some();
    has("error") && has("id") && (has("jsonrpc") || has("result"))
}

/// Whether the result of a call upon such a thing says that it was refused, as a whole answer would.
/// A status alone may be that of a job.
pub(super) fn is_refused(kind: &str, result: &Value<'_>, sent: &Sent<'_>) -> bool {
    let has = |names: &[&str]| result.members().iter().any(|(name, _)| is_one_of(name, names));
    let is_own_status = is_run(kind) && !has(&MESSAGES) && !has(&SUCCESSES) && !has(&ERRORS);
    let is_own = |name: &str, value: &Value<'_>| !sent.echoes(name, value);
    let says = |(name, value): &(std::borrow::Cow<'_, str>, Value<'_>)| {
        let text = value.as_str().unwrap_or_default();
        is_one_of(name, &["response", "status"])
            && is_one_of(text, &FAILURES)
            && is_own(name, value)
    };
    is_error_told(result, Tells::Result, sent)
        || verdict_in(result, sent).is_some()
        || !has_own_id(result) && !is_own_status && result.members().iter().any(says)
        || refusal_status(result, sent).is_some()
}

/// The part of a result that is a verdict upon the call, where it says no:
/// `{"responseResult": {"succeeded": false}, "jwt": null}`.
pub(super) fn verdict_in<'b>(result: &'b Value<'_>, sent: &Sent<'_>) -> Option<&'b Value<'b>> {
    let mut members = result.members().iter().take(MEMBERS_MAX);
    let is_verdict = |(name, part): &&(std::borrow::Cow<'_, str>, Value<'_>)| {
        squashed(name).ends_with("result") && !has_own_id(part) && says_no(part, sent)
    };
    members.find(is_verdict).map(|(_, part)| part)
}

/// Whether an object says in so many words that it was not done, whatever stands beside it:
/// `success: false`.
pub(super) fn says_no(place: &Value<'_>, sent: &Sent<'_>) -> bool {
    let mut members = place.members().iter().take(MEMBERS_MAX);
    members.any(|(name, value)| says_not_done(name, value) && !sent.echoes(name, value))
}

/// Whether it is the answer to a call of JSON-RPC 1.0 that has failed, whatever the error is: without
/// one it is `null`.
fn is_failed_reply(body: &Value<'_>) -> bool {
    let is_error = body.get("error").is_some_and(|it| *it != Value::Bool(true) && !is_no_error(it));
    // The RPC of Transmission says `success`, or what went wrong.
    if body.members().len() == 2 && body.get("arguments").is_some() {
        let result = body.get("result").and_then(Value::as_str);
        return result.is_some_and(|text| text != "success");
    }
    is_reply(body) && is_error && body.get("result") == Some(&Value::Null)
}

/// The status of an error in the result of a call; a `code` alone may be that of a thing.
pub(super) fn refusal_status(result: &Value<'_>, sent: &Sent<'_>) -> Option<u16> {
    let has = |names: &[&str]| result.members().iter().any(|(name, _)| is_one_of(name, names));
    let status = error_status(result, sent)?;
    let is_answer = has(&MESSAGES) || has(&SUCCESSES) || has(&ERRORS);
    (is_answer || result.get("code").is_none()).then_some(status)
}

/// The type of a union that stands for an error.
pub(super) fn error_type<'b>(result: &'b Value<'_>) -> Option<&'b str> {
    let name = result.get("__typename").and_then(Value::as_str)?;
    redact::error_type(name).map(|_| name)
}

fn has_own_id(body: &Value<'_>) -> bool {
    ["id", "_id", "uuid", "ID"].iter().any(|name| body.get(name).is_some())
}

/// The status of an error that the body of a successful response gives, and the client did not send.
pub(super) fn error_status(body: &Value<'_>, sent: &Sent<'_>) -> Option<u16> {
    let told = |name: &&str| {
        let value = body.get(name).or_else(|| body.get(&format!("@{name}")))?;
        let is_own = !sent.echoes(name, value);
        status_in(value).filter(|status| is_own && (400..600).contains(status))
    };
    let has_id = has_own_id(body);
    STATUSES.iter().filter(|_| !has_id).find_map(told)
}

/// Whether the result of a call, or a whole body, says that nothing was done, and the reason.
pub(super) fn nothing_done(verb: &str, body: &Value<'_>, sent: &Sent<'_>) -> Option<&'static str> {
    let verb = partly::bare(verb);
    let is_own = |name: &str, value: &Value<'_>| !sent.echoes(name, value);
    let members = || body.members().iter().take(MEMBERS_MAX);
    let has_id = has_own_id(body);
    let says = |name: &str| is_done(verb, name);
    let is_denied = || {
        members().any(|(name, value)| {
            *value == Value::Bool(false) && says(&squashed(name)) && is_own(name, value)
        })
    };
    // Whoever proves something is told by the verb itself that it is none.
    if PROOFS.contains(&verb) && !has_id && is_denied() {
        return Some(NOT_DONE);
    }
    // What is switched or asked for may be `false` itself.
    if READS.contains(&verb) || STATES.contains(&verb) {
        return None;
    }
    let is_alone =
        |it: &&str| body.members().len() == 1 && body.get(it) == Some(&Value::Bool(false));
    let is_false = *body == Value::Bool(false) || body.as_str().is_some_and(is_no);
    if is_false || ALONE.iter().any(is_alone) {
        return Some(NOT_DONE);
    }
    if (verb == "delete" || !has_id) && is_denied() {
        return Some(NOT_DONE);
    }
    let mut counts = members().filter_map(|(name, value)| {
        let Value::Number(Number::Integer(number)) = value else { return None };
        let name = squashed(name);
        let is_count = COUNTS.contains(&name.as_str()) || says(&name);
        let is_count = is_count || name.strip_suffix("count").is_some_and(says);
        let is_change = || CHANGES.contains(&verb) && CHANGED.contains(&name.as_str());
        // As MongoDB has it.
        let is_of_mongo = || name == "n" && body.get("ok").is_some();
        (is_count || is_change() || is_of_mongo()).then_some(*number)
    });
    if body.as_str().is_some_and(|text| is_one_of(text.trim(), &["unaffected"])) {
        return Some(NO_EFFECT);
    }
    // As Elasticsearch has it.
    if CHANGES.contains(&verb) && body.get("result").and_then(Value::as_str) == Some("noop") {
        return Some(NO_EFFECT);
    }
    if verb == "delete" && !has_id && is_list_of_none(body) {
        return Some(NO_EFFECT);
    }
    let first = counts.next().filter(|_| !has_id)?;
    (first == 0 && counts.all(|number| number == 0)).then_some(NO_EFFECT)
}

/// Whether what this is done to is counted in an answer: it deletes, or changes one thing of what there
/// is.
pub(super) fn is_counted(verb: &str) -> bool {
    let verb = partly::bare(verb);
    verb == "delete" || CHANGES.contains(&verb)
}

/// Whether a text is `false`, and no more.
fn is_no(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("false")
}

/// Whether what was deleted is listed, and is nothing: `{"deleted_keys": []}`.
fn is_list_of_none(body: &Value<'_>) -> bool {
    let mut lists = body.members().iter().take(MEMBERS_MAX).filter_map(|(name, value)| {
        let name = squashed(name);
        let is_done = name.starts_with("deleted") || name.starts_with("removed");
        value.as_array().filter(|_| is_done)
    });
    lists.next().is_some_and(<[_]>::is_empty) && lists.all(<[_]>::is_empty)
}

/// Whether a squashed name says that this was done.
fn is_done(verb: &str, name: &str) -> bool {
    name == squashed(&past(verb))
        || (verb == "delete" && matches!(name, "removed" | "destroyed"))
        || (verb == "resend" && name == "sent")
}

/// Whether a member is what says that this was done or not: `deleted`.
pub(super) fn is_flag(verb: &str, name: &str) -> bool {
    is_done(partly::bare(verb), &squashed(name))
}

/// Whether an item says that this was done to it: `{"id": 1, "deleted": true}`.
pub(super) fn says_done(verb: &str, item: &Value<'_>) -> bool {
    let mut members = item.members().iter().take(MEMBERS_MAX);
    members.any(|(name, value)| *value == Value::Bool(true) && is_flag(verb, name))
}

pub(super) fn squashed(name: &str) -> String {
    let plain = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    plain.take(NAME_CHARS_MAX).collect::<String>().to_ascii_lowercase()
}

pub(super) fn is_one_of(name: &str, list: &[&str]) -> bool {
    // Attributes of XML are `@name`.
    let name = name.strip_prefix('@').unwrap_or(name);
    list.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// `success: false`, whatever stands beside it.
fn says_not_done(name: &str, value: &Value<'_>) -> bool {
    match value {
        Value::Bool(false) => is_one_of(name, &["acknowledged"]) || is_one_of(name, &SUCCESSES),
        Value::String(text) if is_one_of(name, &SUCCESSES) => is_one_of(text, &NOES),
        Value::Number(Number::Integer(0)) => is_one_of(name, &SUCCESSES),
        _ => false,
    }
}

fn says_error(name: &str, value: &Value<'_>, what: Tells) -> bool {
    match value {
        Value::Bool(true) => is_one_of(name, &FLAGS),
        Value::String(text) if is_one_of(name, &["status"]) => {
            what != Tells::Result && is_one_of(text, &FAILURES)
        }
        Value::String(text) if is_one_of(name, &RESULTS) => {
            what == Tells::Answer && is_one_of(text, &FAILURES)
        }
        Value::String(text) if name == "__typename" => {
            what == Tells::Result && redact::error_type(text).is_some()
        }
        // What is `0` everywhere else is not an error where it is a text.
        Value::String(text) if is_one_of(name, &CODES) => is_count(text) && !is_none(text),
        Value::String(text) => is_one_of(name, &ERRORS) && !is_none(text),
        Value::Array(_) => is_one_of(name, &ERRORS) && !is_no_error(value),
        // Of a code that is not recorded it is known that it was there.
        Value::Object(items) if is_one_of(name, &CODES) => {
            value.get("redacted").is_some() && items.len() == 1
        }
        Value::Object(_) => is_one_of(name, &ERRORS) && !is_no_error(value),
        Value::Number(Number::Integer(number)) => {
            *number != 0 && (is_one_of(name, &CODES) || is_one_of(name, &["err", "error"]))
        }
        // A count of errors, or a code that says that there is none.
        Value::Bool(false) | Value::Number(_) | Value::Null => false,
    }
}

fn is_count(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
