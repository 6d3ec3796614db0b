//! Answers that are one text: `FAIL - Application already exists`, `ERROR: not allowed`, or an object
//! that holds nothing else: `{"message": "Access denied"}`.

use super::super::body::Value;
use super::codes::says_nothing;
use super::{FAILURES, MESSAGES, RESULTS, Sent, is_one_of};
use crate::record::Outcome;

/// Longer texts are what was asked for.
const TEXT_BYTES_MAX: usize = 2048;

/// Words of a sentence that says that something is not there.
const WORDS_MAX: usize = 8;

/// Members of an object that is little more than a text.
const BESIDE_MAX: usize = 6;

/// Sentences that say that somebody may not: they are this, or this and why.
const REFUSALS: [&str; 23] = [
    "access denied",
    "access forbidden",
    "access is denied",
    "authentication required",
    "csrf verification failed",
    "forbidden",
    "insufficient permission",
    "insufficient permissions",
    "insufficient privileges",
    "insufficient rights",
    "login required",
    "not allowed",
    "not authorized",
    "not permitted",
    "permission denied",
    "unauthenticated",
    "unauthorised",
    "unauthorized",
    "you are not allowed",
    "you are not authorized",
    "you are not permitted",
    "you do not have permission",
    "you don't have permission",
];

/// What goes on after such a sentence has begun.
pub(super) const BECAUSE: [&str; 7] = ["because", "by", "due", "for", "from", "on", "to"];

/// What is wrong with something that was sent.
const WRONG: [&str; 7] = ["bad", "expired", "incorrect", "invalid", "missing", "unknown", "wrong"];

/// What a request is made of, and those who sign in send.
const SENT: [&str; 22] = [
    "api key",
    "argument",
    "arguments",
    "credentials",
    "csrf token",
    "email or password",
    "id",
    "input",
    "json",
    "login",
    "login or password",
    "parameter",
    "parameters",
    "password",
    "request",
    "session",
    "signature",
    "token",
    "user",
    "username",
    "username and password",
    "username or password",
];

/// Texts that say no in one word, or in words that are always these: of qBittorrent, and of updates of
/// names of hosts as DynDNS has them (<https://help.dyn.com/remote-access-api/return-codes/>).
const NOES: [&str; 8] = [
    "authentication failed",
    "badagent",
    "badauth",
    "fails",
    "login failed",
    "nohost",
    "notfqdn",
    "numhost",
];

/// Ends of sentences that say that something is not there.
const ABSENT: [&str; 3] = [" does not exist", " doesn't exist", " not found"];

/// The text that is the whole of an answer, also in an object that holds nothing else that says how it
/// ended, if it is not what was sent.
pub(in crate::derive) fn whole_text<'b>(body: &'b Value<'b>, sent: &Sent<'_>) -> Option<&'b str> {
    let is_told = |name: &str| {
        is_one_of(name, &MESSAGES)
            || is_one_of(name, &RESULTS)
            || is_one_of(name, &["detail", "status"])
    };
    match body.members() {
        [] => body.as_str().filter(|_| !sent.is(body)),
        members if members.len() <= BESIDE_MAX => {
            let mut told = members.iter().filter(|(name, value)| !says_nothing(name, value));
            let (Some((name, value)), None) = (told.next(), told.next()) else { return None };
            value.as_str().filter(|_| is_told(name) && !sent.echoes(name, value))
        }
        _ => None,
    }
}

/// Whether an object that tells of an error says in its sentence that somebody may not.
pub(in crate::derive) fn is_refused_in_words(error: &Value<'_>) -> bool {
    let inner = error.get("error");
    let texts = MESSAGES.iter().filter_map(|name| error.get(name));
    let within = MESSAGES.iter().filter_map(|name| inner?.get(name));
    let mut texts = texts.chain(within).chain(inner).filter_map(Value::as_str);
    texts.any(|text| told_by_text(text) == Some(Outcome::Denied))
}

/// What a text that is the whole answer says, if it was not done.
pub(in crate::derive) fn told_by_text(text: &str) -> Option<Outcome> {
    let text = text.trim();
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let first = first_sentence(text).to_ascii_lowercase().replace('’', "'");
    if REFUSALS.iter().any(|refusal| begins(&first, refusal)) {
        return Some(Outcome::Denied);
    }
    if is_wrong(&first) || is_absent(&first) {
        return Some(Outcome::Failure);
    }
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at_checked(end)?;
    // A sentence may begin so.
    let is_loud = word.bytes().all(|byte| byte.is_ascii_uppercase()) && !word.is_empty();
    let is_marked = rest.is_empty() || rest.starts_with(':') || rest.starts_with(" - ");
    let is_failure = is_one_of(word, &FAILURES) && (is_marked || is_loud && rest.starts_with(' '));
    is_failure.then_some(Outcome::Failure)
}

/// The first sentence of a text.
pub(super) fn first_sentence(text: &str) -> &str {
    text.split(['.', '!', '\n', ';']).next().unwrap_or(text).trim()
}

/// Whether a sentence is this, or this and why; `access denied rule created` is neither.
pub(super) fn begins(sentence: &str, with: &str) -> bool {
    let Some(rest) = sentence.strip_prefix(with) else { return false };
    let words = rest.strip_prefix(' ');
    let word = words.and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    rest.is_empty()
        || rest.starts_with([',', ':', '('])
        || BECAUSE.contains(&word)
        || rest.starts_with(" - ")
}

/// `invalid token`, `incorrect username or password`
fn is_wrong(sentence: &str) -> bool {
    let sentence = sentence.split(':').next().unwrap_or(sentence);
    sentence.split_once(' ').is_some_and(|(how, what)| {
        let what = what.strip_prefix("or missing ").unwrap_or(what);
        WRONG.contains(&how) && SENT.contains(&what)
    }) || NOES.contains(&sentence)
}

/// `user 5 not found`
fn is_absent(sentence: &str) -> bool {
    let is_plain = !sentence.contains([',', ':']);
    let is_short = sentence.split(' ').count() <= WORDS_MAX;
    let is_told = sentence == "not found"
        || sentence.starts_with("no such ")
        || ABSENT.iter().any(|end| sentence.ends_with(end));
    is_plain && is_short && is_told
}
