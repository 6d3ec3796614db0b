//! Values that say that there is no error, and sentences that say that it went well.

use super::super::body::Value;
use super::{MESSAGES, is_one_of};
use crate::decode::Number;

/// Words that say that there is no error.
const NO_ERRORS: [&str; 13] = [
    "",
    "false",
    "no",
    "no error",
    "no errors",
    "no_error",
    "none",
    "noerror",
    "null",
    "ok",
    "succeeded",
    "success",
    "successful",
];

/// Members of an error that hold its code.
const CODES: [&str; 6] = ["code", "err_code", "errcode", "errno", "error_code", "errorCode"];

/// What a sentence has in it if it went well, in lower case.
const GOOD_NEWS: [&str; 7] =
    ["成功", "approved", "complete", "created", "done", "saved", "success"];

/// What it has in it besides if it did not: `could not be created`.
const BUT: [&str; 15] = [
    "disapproved",
    "not approved",
    "不成功",
    "n't ",
    "can not",
    "cannot",
    "denied",
    "fail",
    "incomplete",
    "invalid",
    "not be ",
    "not found",
    "unable",
    "unsuccess",
    "未成功",
];

/// Whether a text says that there is nothing, or no error.
pub(super) fn is_none(text: &str) -> bool {
    let text = text.trim().trim_end_matches(['.', '!']);
    is_one_of(text, &NO_ERRORS) || text.bytes().all(|byte| byte == b'0')
}

/// Whether a sentence says that it went well.
pub(in crate::derive) fn is_good_news(text: &str) -> bool {
    let text = text.to_lowercase();
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    let is_good = words.any(|word| matches!(word, "ok" | "okay"))
        || GOOD_NEWS.iter().any(|it| text.contains(it));
    is_good && !BUT.iter().any(|bad| text.contains(bad))
}

/// Whether the value of a member for errors says that there is none: nothing, a word for it, or an
/// object with the code for it (`{"code": "ok", "message": ""}`) and no sentence that says otherwise.
pub(in crate::derive) fn is_no_error(value: &Value<'_>) -> bool {
    match value {
        Value::Array(items) => items.iter().all(is_nothing),
        Value::Object(members) if members.is_empty() => true,
        Value::Object(members) => {
            let mut coded = members.iter().filter(|(name, _)| is_one_of(name, &CODES)).peekable();
            let is_good = |text: &str| is_none(text) || is_good_news(text);
            let is_well = |value: &Value<'_>| value.as_str().is_none_or(is_good);
            coded.peek().is_some()
                && coded.all(|(_, code)| *code != Value::Null && is_nothing(code))
                && members.iter().all(|(name, value)| !is_one_of(name, &MESSAGES) || is_well(value))
        }
        value => is_nothing(value),
    }
}

fn is_nothing(value: &Value<'_>) -> bool {
    match value {
        Value::Null | Value::Bool(false) | Value::Number(Number::Integer(0)) => true,
        Value::String(text) => is_none(text),
        _ => false,
    }
}
