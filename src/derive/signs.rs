//! Signs in a successful response that nothing was done: an error in its body, a way back to the
//! form where one signs in.

use super::body::Value;
use super::naming::Naming;
use super::path::Path;
use super::verbs::canonical;
use crate::record::{RequestRecord, ResponseRecord};

/// Names that say with `false` that it was not done.
const SUCCESSES: [&str; 5] = ["success", "ok", "succeeded", "is_success", "issuccess"];

/// Statuses in words that say that it was not done.
const FAILURES: [&str; 3] = ["error", "fail", "failure"];

/// Members with errors, of which there are none if it was done.
const ERRORS: [&str; 6] =
    ["error", "errors", "user_errors", "usererrors", "form_errors", "formerrors"];

/// After these one is sent to where one signs in, because it was done.
const LEADING_OUT: [&str; 11] = [
    "logout",
    "register",
    "reset",
    "confirm",
    "activate",
    "verify",
    "accept",
    "enroll",
    "deactivate",
    "forget",
    "invalidate",
];

/// Words in a path that lead to where one signs in.
const SIGN_IN: [&str; 6] = ["login", "signin", "sign_in", "log_in", "logon", "authenticate"];

/// Parameters by which a form knows where to go on afterwards.
const RETURNS: [&str; 10] = [
    "next",
    "return",
    "return_to",
    "returnurl",
    "return_url",
    "redirect",
    "redirect_to",
    "redirect_uri",
    "continue",
    "from",
];

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
    let members = body.members();
    let has_id = || ["id", "_id", "uuid", "ID"].iter().any(|name| body.get(name).is_some());
    if what != Tells::Item && has_id() {
        return false;
    }
    let is = |name: &str, list: &[&str]| list.iter().any(|known| known.eq_ignore_ascii_case(name));
    members.iter().any(|(name, value)| match value {
        Value::Bool(false) => is(name, &SUCCESSES),
        Value::Bool(true) => is(name, &["error", "errors"]),
        Value::String(text) if is(name, &["status"]) => {
            what != Tells::Result && is(text, &FAILURES)
        }
        Value::String(text) => is(name, &ERRORS) && !text.trim().is_empty(),
        Value::Array(items) => is(name, &ERRORS) && !items.is_empty(),
        Value::Object(items) => is(name, &ERRORS) && !items.is_empty(),
        // A count of errors, or a code that says that there is none.
        Value::Number(_) | Value::Null => false,
    })
}

/// Whether the answer to a form by which one signs in is a page: that may be the form once more, as
/// after a wrong password, or what was asked for.
pub(super) fn may_be_form_again(
    naming: &Naming,
    request: &RequestRecord,
    response: &ResponseRecord,
) -> bool {
    let is = |kind: Option<&str>, known: &str| {
        kind.and_then(|kind| kind.get(..known.len()))
            .is_some_and(|kind| kind.eq_ignore_ascii_case(known))
    };
    let sent = request.content_type.as_deref();
    naming.action == "session.create"
        && response.status == 200
        && is(response.content_type.as_deref(), "text/html")
        && (is(sent, "application/x-www-form-urlencoded") || is(sent, "multipart/form-data"))
}

/// Why a redirection says that nothing was done, if it does.
pub(super) fn sent_to_sign_in(
    naming: &Naming,
    request: &RequestRecord,
    response: &ResponseRecord,
) -> Option<&'static str> {
    if !matches!(response.status, 301..=303 | 307 | 308) {
        return None;
    }
    let location = response.headers.get("location")?.as_str()?;
    let place = here(location, request)?;
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    let words = Path::read(path).segments;
    let is_sign_in = words
        .iter()
        .rev()
        .take(2)
        .any(|segment| segment.word.as_deref().is_some_and(|word| SIGN_IN.contains(&word)));
    if !is_sign_in {
        return None;
    }
    if naming.action == "session.create" {
        return Some("sign_in_failed");
    }
    let returns = query.split(['&', '#']).any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        RETURNS.contains(&name.to_ascii_lowercase().as_str())
    });
    let (noun, verb) = naming.action.split_once('.').unwrap_or_default();
    let first = canonical(verb).split('_').next().unwrap_or_default();
    let leads_out = (noun == "session" && verb == "delete")
        || noun.ends_with("password")
        || noun.ends_with("confirmation")
        || noun.ends_with("registration")
        || LEADING_OUT.contains(&first);
    (returns || !leads_out).then_some("sign_in_required")
}

/// The path of a location, if it leads to the host that was asked.
fn here<'l>(location: &'l str, request: &RequestRecord) -> Option<&'l str> {
    let rest = match location.split_once("://") {
        Some((_, rest)) => rest,
        None => match location.strip_prefix("//") {
            Some(rest) => rest,
            None => return Some(location),
        },
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end)?;
    let asked = request.headers.get("host")?.as_str()?;
    host.eq_ignore_ascii_case(asked).then_some(path)
}
