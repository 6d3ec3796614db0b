//! States of a request in its answer, in other members than most have: `{"status": {"state": "FAILED"}}`,
//! `{"ret": -1}`.

use std::borrow::Cow;

use super::super::body::Value;
use super::{FAILURES, MEMBERS_MAX, MESSAGES, Sent, has_own_id, is_code_told, is_one_of, squashed};
use crate::decode::Number;

/// Members with a number that is negative if it was not done, and never otherwise.
const RETURNS: [&str; 8] =
    ["code", "rc", "result_code", "resultcode", "ret", "return_code", "returncode", "status"];

/// Members with what a command has ended with.
const ENDS: [&str; 4] = ["exit_code", "exitCode", "exit_status", "exitStatus"];

/// What stands beside the state of a request; beside that of a thing stands more.
const BESIDE: [&str; 10] = [
    "code",
    "description",
    "detail",
    "details",
    "error",
    "reason",
    "state",
    "status",
    "type",
    "ok",
];

/// Members of an object that holds the state of a request.
const STATES: [&str; 2] = ["state", "status"];

/// Members of a thing as Kubernetes has it, whose status is its own, or of one with a name.
const OF_THINGS: [&str; 5] = ["apiVersion", "kind", "metadata", "name", "spec"];

/// Members with the state of what a request has done to a resource, as Azure has it, in the
/// resource.
const PROVISIONING: &str = "provisioningState";

type Member<'b> = (Cow<'b, str>, Value<'b>);

/// Whether an object that is no thing says that the request has failed.
pub(in crate::derive) fn is_state_told(body: &Value<'_>, sent: &Sent<'_>) -> bool {
    let members = || body.members().iter().take(MEMBERS_MAX);
    let is_own = |(name, value): &Member<'_>| !sent.echoes(name, value);
    if members().any(|it| is_negative(it) && is_own(it)) || has_ended_badly(body) {
        return true;
    }
    let is_beside = |(name, _): &Member<'_>| is_one_of(name, &BESIDE) || is_one_of(name, &MESSAGES);
    if members().all(is_beside) && members().any(|it| is_bare_state(it) && is_own(it)) {
        return true;
    }
    let has_message = || MESSAGES.iter().any(|name| body.get(name).is_some());
    if body.get("type").and_then(Value::as_str) == Some("exception") && has_message() {
        return true;
    }
    let is_thing = OF_THINGS.iter().any(|name| body.get(name).is_some());
    !is_thing && members().any(|it| holds_failure(it, sent) && is_own(it))
}

/// Whether what was to be done to a resource has ended with an error: Azure shows the resource, with
/// the state in which the request has left it.
///
///   <https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/async-operations>
pub(in crate::derive) fn is_provisioning_failed(body: &Value<'_>) -> bool {
    let properties = body.get("properties").unwrap_or(body);
    let state = properties.get(PROVISIONING).and_then(Value::as_str);
    state.is_some_and(|state| is_one_of(state, &["canceled", "failed"]))
}

/// Whether it is said of what was made that it was done in part: in so many words, or beside what has
/// failed of it: `{"snapshot": {"state": "PARTIAL", "shards": {"failed": 1}}}`.
pub(in crate::derive) fn is_partly_done(body: &Value<'_>) -> bool {
    let place = match body.members() {
        [(_, inner @ Value::Object(_))] => inner,
        _ => body,
    };
    let is_count = |value: &Value<'_>| matches!(value, Value::Number(Number::Integer(1..)));
    let has_failed = || {
        let is_listed = |it: &Value<'_>| it.as_array().is_some_and(|items| !items.is_empty());
        place.get("failures").is_some_and(is_listed)
            || place.members().iter().any(|(_, it)| it.get("failed").is_some_and(is_count))
    };
    let word = |name: &&str| place.get(name).and_then(Value::as_str).map(squashed);
    STATES.iter().filter_map(word).any(|word| match word.as_str() {
        "partial" | "partially" => has_failed(),
        "partialfailure" | "partiallyfailed" | "partialsuccess" | "partiallysucceeded" => true,
        _ => false,
    })
}

/// What a command has written, and with what it has ended: `{"code": 1, "stdout": "", "stderr": "no"}`.
fn has_ended_badly(body: &Value<'_>) -> bool {
    let has_written = ["stderr", "stdout"].iter().any(|name| body.get(name).is_some());
    let is_bad = |(name, value): &Member<'_>| {
        let is_end = is_one_of(name, &RETURNS) || is_one_of(name, &ENDS);
        is_end && matches!(value, Value::Number(Number::Integer(number)) if *number != 0)
    };
    has_written && body.members().iter().take(MEMBERS_MAX).any(is_bad)
}

/// `{"ret": -1}`
fn is_negative((name, value): &Member<'_>) -> bool {
    matches!(value, Value::Number(Number::Integer(..0))) && is_one_of(name, &RETURNS)
}

/// `{"state": "failed"}`, `{"type": "error"}`
fn is_bare_state((name, value): &Member<'_>) -> bool {
    let text = value.as_str().unwrap_or_default();
    is_one_of(name, &["state"]) && is_one_of(text, &FAILURES)
        || is_one_of(name, &["type"]) && is_one_of(text, &["error", "exception"])
}

/// `{"status": {"state": "FAILED"}}`, `{"commandStatus": {"status": "ERROR"}}`,
/// `{"status": {"code": -6, "message": "Invalid url"}}`
fn holds_failure((name, value): &Member<'_>, sent: &Sent<'_>) -> bool {
    let name = squashed(name);
    if !(name.ends_with("status") || name == "state") || has_own_id(value) {
        return false;
    }
    let failed = |name: &&str| {
        value.get(name).and_then(Value::as_str).is_some_and(|text| is_one_of(text, &FAILURES))
    };
    STATES.iter().any(failed)
        || is_code_told(value, sent)
        || value.members().iter().any(is_negative)
        // An error in the status of ServiceStack, which has a word for it.
        || name == "responsestatus" && ["ErrorCode", "errorCode"].iter().any(|name| {
            value.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
        })
}
