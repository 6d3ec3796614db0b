//! What the answer to an introspection says: who is signed in, or that nobody is.
//!
//! Owns the signs by which applications say that nobody is: many do so with 200, and guests often
//! have an id. In doubt nobody is.

use std::sync::Arc;

use serde_json::Value;

use super::evidence::Introspected;
use super::jwt::object;

/// Flags that say with `false` that nobody is signed in, in lower case without what joins words.
const SIGNED_IN: [&str; 13] = [
    "auth",
    "authenticated",
    "authorized",
    "isauthenticated",
    "isauthorized",
    "haslogin",
    "isloggedin",
    "islogin",
    "issignedin",
    "loggedin",
    "ok",
    "signedin",
    "success",
];

/// Flags that say so with `true`.
const NOBODY: [&str; 5] = ["anonymous", "guest", "isanonymous", "isguest", "sessionexpired"];

/// Members with what went wrong.
const ERRORS: [&str; 2] = ["error", "errors"];

/// What stands there when nothing did.
const NO_ERRORS: [&str; 8] = ["", "0", "false", "noerror", "none", "null", "ok", "success"];

/// Members with how it went.
const STATUSES: [&str; 3] = ["result", "status", "statuscode"];

/// What stands there of a question that nobody answered.
const FAILURES: [&str; 8] = [
    "error",
    "fail",
    "failed",
    "failure",
    "forbidden",
    "notloggedin",
    "unauthenticated",
    "unauthorized",
];

/// Members of the answer itself with a code of how it went; what is within may have one of its own.
const CODES: [&str; 4] = ["code", "errcode", "errorcode", "retcode"];

/// A flag of the answer itself that says with `false` that what was asked about counts no more
/// (RFC 7662); what is within may be an account that sleeps.
const ACTIVE: &str = "active";

/// Ids of nobody, beside numbers below 1, which applications give to guests.
const IDS_OF_NOBODY: [&str; 5] = ["anonymous", "anonymoususer", "nobody", "null", "undefined"];

/// Members that hold whoever is signed in.
const AROUND: [&str; 8] =
    ["account", "currentuser", "data", "me", "principal", "result", "session", "user"];

impl Introspected {
    /// What a body says, if it is an object that all readers understand alike: none with a name twice.
    pub fn read(body: &[u8]) -> Option<Self> {
        let (object, repeats) = object(body)?;
        (!repeats).then(|| Self::Known(Arc::new(Value::Object(object))))
    }
}

/// Whether an answer says that nobody is signed in.
pub(super) fn says_nobody(body: &Value) -> bool {
    let Some(members) = body.as_object() else { return false };
    let around = members.iter().filter(|(name, _)| AROUND.contains(&squashed(name).as_str()));
    let within = around.filter_map(|(_, inner)| inner.as_object()).flatten();
    members.iter().any(|(name, value)| is_own_sign(&squashed(name), value))
        || members.iter().chain(within).any(|(name, value)| is_sign(&squashed(name), value))
}

/// Whether an id is that of nobody.
pub(super) fn is_of_nobody(id: &str) -> bool {
    IDS_OF_NOBODY.contains(&squashed(id).as_str()) || id.parse::<i64>().is_ok_and(|id| id < 1)
}

/// Signs that count only where they stand in the answer itself.
fn is_own_sign(name: &str, value: &Value) -> bool {
    CODES.contains(&name) && is_failure(value) || name == ACTIVE && flag(value) == Some(false)
}

fn is_sign(name: &str, value: &Value) -> bool {
    SIGNED_IN.contains(&name) && flag(value) == Some(false)
        || NOBODY.contains(&name) && flag(value) == Some(true)
        || ERRORS.contains(&name) && is_error(value)
        || STATUSES.contains(&name) && is_failure(value)
}

/// Yes or no, also as a text or a number.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_i64()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
        Value::String(text) => match squashed(text).as_str() {
            "false" | "no" | "0" => Some(false),
            "true" | "yes" | "1" => Some(true),
            _ => None,
        },
        _ => None,
    }
}

fn is_error(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_i64() != Some(0),
        Value::String(text) => !NO_ERRORS.contains(&squashed(text).as_str()),
        Value::Array(items) => items.iter().any(is_error),
        Value::Object(members) => match members.get("code") {
            Some(code) => is_error(code),
            None => !members.is_empty(),
        },
    }
}

fn is_failure(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            number.as_i64().is_some_and(|code| code < 0 || (400..600).contains(&code))
        }
        Value::String(text) => {
            let is_code = text.len() == 3 && matches!(text.parse(), Ok(400_u16..=599));
            is_code || FAILURES.contains(&squashed(text).as_str())
        }
        _ => false,
    }
}

/// In lower case, without what joins words.
fn squashed(text: &str) -> String {
    /// No sign is longer.
    const CHARS_MAX: usize = 32;
    let chars = text.chars().filter(|c| c.is_alphanumeric());
    chars.take(CHARS_MAX).flat_map(char::to_lowercase).collect()
}
