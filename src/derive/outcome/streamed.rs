//! Answers of several texts, one after the other, as of what takes its time: the last of them says how
//! it ended. A list of texts that are one each looks the same.

use super::super::answer::item_id;
use super::super::body::Value;
use super::super::endpoint::READS;
use super::super::naming::Naming;
use super::super::partly::bare;
use super::super::signs::{self, STATES, Sent, Tells, is_error_told};
use crate::decode::Number;

/// Texts that are looked at, from the end.
const TEXTS_MAX: usize = 1000;

/// Members of a text that tells how far it has come.
const PROGRESS: [&str; 7] =
    ["aux", "event", "progress", "progressDetail", "status", "step", "stream"];

/// Words that say that it went well all the same.
const GOOD_WORDS: [&str; 6] = ["complete", "completed", "done", "ok", "succeeded", "success"];

/// What one of several texts says of an error.
pub(super) struct Said<'b> {
    pub(super) error: &'b Value<'b>,
    /// Nothing was done, or said, besides.
    pub(super) is_last: bool,
}

/// Whether a text has a code for what was done where another has one for an error:
/// `[{"ErrorCode": 0, "MessageID": "a"}, {"ErrorCode": 406}]`.
fn is_coded_well(text: &Value<'_>, error: &Value<'_>) -> bool {
    let is_zero = |value: &Value<'_>| *value == Value::Number(Number::Integer(0));
    text.members().iter().any(|(name, value)| {
        name.to_ascii_lowercase().ends_with("code") && is_zero(value) && error.get(name).is_some()
    })
}

/// The last error that the texts of an answer tell, if they do not end well.
pub(super) fn streamed<'b>(
    naming: &Naming,
    body: &'b Value<'b>,
    sent: &Sent<'_>,
) -> Option<Said<'b>> {
    let verb = bare(&naming.sentence.verb);
    let texts = body.as_array()?;
    if READS.contains(&verb) || STATES.contains(&verb) || sent.is(body) {
        return None;
    }
    let is_error = |text: &&Value<'_>| {
        is_error_told(text, Tells::Answer, sent) || signs::error_status(text, sent).is_some()
    };
    let last = texts.last()?;
    let error = texts.iter().rev().take(TEXTS_MAX).find(is_error)?;
    let is_last = std::ptr::eq(error, last);
    let is_good = |(name, value): &(std::borrow::Cow<'_, str>, Value<'_>)| match value {
        Value::Bool(true) => matches!(name.as_ref(), "done" | "ok" | "success"),
        Value::String(text) => {
            PROGRESS.contains(&name.as_ref()) && signs::is_one_of(text, &GOOD_WORDS)
        }
        _ => false,
    };
    if !is_last && last.members().iter().any(is_good) {
        return None;
    }
    // Of things beside it nobody knows what became.
    let is_progress = |text: &Value<'_>| PROGRESS.iter().any(|name| text.get(name).is_some());
    let is_thing = |text: &Value<'_>| item_id(text).is_some() && !is_progress(text);
    // A list of like things is none of texts that follow each other.
    let is_like = |text: &Value<'_>| {
        let names = |text: &Value<'_>| {
            let names = text.members().iter().map(|(name, _)| name.to_string());
            names.collect::<Vec<_>>()
        };
        let own = names(error);
        let is_of_progress = own.iter().all(|name| PROGRESS.contains(&name.as_str()));
        let is_other = !std::ptr::eq(text, error) && !is_of_progress;
        is_other && (names(text) == own || is_coded_well(text, error))
    };
    let is_alone = !texts.iter().take(TEXTS_MAX).any(|text| is_thing(text) || is_like(text));
    Some(Said { error, is_last: is_last && is_alone })
}
