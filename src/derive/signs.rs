//! Signs in a successful response that nothing was done: an error in its body, a way back to the
//! form where one signs in.

use super::body::{Value, scalar};
use super::naming::Naming;
use super::path::Path;
use super::verbs::canonical;
use super::words::snake;
use crate::decode::Number;
use crate::record::{Outcome, RequestRecord, ResponseRecord};

/// Names that say with `false` that it was not done.
const SUCCESSES: [&str; 5] = ["success", "ok", "succeeded", "is_success", "issuccess"];

/// Statuses in words that say that it was not done.
const FAILURES: [&str; 4] = ["error", "fail", "failed", "failure"];

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

/// After these one is sent to another host, which asks to sign in there.
const LEADING_AWAY: [&str; 5] = ["authorize", "connect", "install", "integrate", "link"];

/// Words in a path that lead to where one signs in.
const SIGN_IN: [&str; 18] = [
    "login",
    "signin",
    "sign_in",
    "log_in",
    "logon",
    "signon",
    "authenticate",
    "login_error",
    "login_failed",
    "login_form",
    "login_page",
    "loginerror",
    "wp_login",
    "user_login",
    "admin_login",
    "account_login",
    "session_expired",
    "j_security_check",
];

/// Ends of pages.
const PAGES: [&str; 8] = [".php", ".jsp", ".html", ".htm", ".aspx", ".asp", ".do", ".cgi"];

/// Parameters by which one is asked to sign in elsewhere (SAML, OAuth).
const REQUESTS: [&str; 4] = ["samlrequest", "client_id", "response_type", "relaystate"];

/// Members with a code, which is 0 if it was done.
const CODES: [&str; 4] = ["errcode", "errno", "err_code", "error_code"];

/// Levels of a request in which it is looked for what a response repeats.
const ECHO_DEPTH_MAX: usize = 4;

/// gRPC's codes, from 1 on.
const GRPC: [&str; 16] = [
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

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
    is_error_told(body, what, None)
}

/// The same, where what the client `sent` under the same name is no sign.
pub(super) fn is_error_told(body: &Value<'_>, what: Tells, sent: Option<&Value<'_>>) -> bool {
    let has_id = ["id", "_id", "uuid", "ID"].iter().any(|name| body.get(name).is_some());
    let is_resource = what != Tells::Item && has_id;
    let is_own = |name: &str, value: &Value<'_>| {
        !sent.is_some_and(|sent| echoes(sent, name, value, ECHO_DEPTH_MAX))
    };
    let mut members = body.members().iter();
    let is_error = members.any(|(name, value)| {
        let says = says_not_done(name, value) || !is_resource && says_error(name, value, what);
        says && is_own(name, value)
    });
    let within = || body.get("data").filter(|_| what == Tells::Answer && !is_resource);
    is_error || within().is_some_and(|data| is_error_told(data, Tells::Result, sent))
}

fn is_one_of(name: &str, list: &[&str]) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// `success: false`, whatever stands beside it.
fn says_not_done(name: &str, value: &Value<'_>) -> bool {
    match value {
        Value::Bool(false) => is_one_of(name, &["acknowledged"]) || is_one_of(name, &SUCCESSES),
        Value::String(text) => text.eq_ignore_ascii_case("false") && is_one_of(name, &SUCCESSES),
        Value::Number(Number::Integer(0)) => is_one_of(name, &SUCCESSES),
        _ => false,
    }
}

fn says_error(name: &str, value: &Value<'_>, what: Tells) -> bool {
    match value {
        Value::Bool(true) => is_one_of(name, &["error", "errors"]),
        Value::String(text) if is_one_of(name, &["status"]) => {
            what != Tells::Result && is_one_of(text, &FAILURES)
        }
        Value::String(text) if is_one_of(name, &["result"]) => {
            what == Tells::Answer && is_one_of(text, &FAILURES)
        }
        Value::String(text) => is_one_of(name, &ERRORS) && !text.trim().is_empty(),
        Value::Array(items) => is_one_of(name, &ERRORS) && !items.is_empty(),
        Value::Object(items) => is_one_of(name, &ERRORS) && !items.is_empty(),
        Value::Number(Number::Integer(number)) => *number != 0 && is_one_of(name, &CODES),
        // A count of errors, or a code that says that there is none.
        Value::Bool(false) | Value::Number(_) | Value::Null => false,
    }
}

/// Whether a request holds this member with this value.
fn echoes(sent: &Value<'_>, name: &str, value: &Value<'_>, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let mut members = sent.members().iter();
    members.any(|(other, own)| (other == name && own == value) || echoes(own, name, value, depth))
}

/// Whether XML tells of a fault: SOAP's, XML-RPC's, and errors as AWS has them.
pub(super) fn is_fault(body: &Value<'_>, response: &ResponseRecord) -> bool {
    if !response.content_type.as_deref().is_some_and(|kind| kind.contains("xml")) {
        return false;
    }
    let [(name, root)] = body.members() else { return false };
    match local(name).to_ascii_lowercase().as_str() {
        "envelope" => child(root, "body").is_some_and(|body| child(body, "fault").is_some()),
        "methodresponse" => child(root, "fault").is_some(),
        "errorresponse" => true,
        _ => {
            let errors = child(root, "errors");
            errors.is_some_and(|errors| {
                !errors.members().is_empty() || errors.as_array().is_some_and(|all| !all.is_empty())
            })
        }
    }
}

fn local(name: &str) -> &str {
    name.rsplit([':', '}']).next().unwrap_or(name)
}

fn child<'b, 'n>(node: &'b Value<'n>, name: &str) -> Option<&'b Value<'n>> {
    let mut members = node.members().iter();
    members.find(|(own, _)| local(own).eq_ignore_ascii_case(name)).map(|(_, node)| node)
}

/// What gRPC says in a field, if it is an error.
pub(super) fn grpc(response: &ResponseRecord) -> Option<(Outcome, &'static str)> {
    let status = response.headers.get("grpc-status").and_then(scalar)?;
    let reason = match status.trim() {
        "0" => return None,
        status => {
            let code = status.parse::<usize>().ok().and_then(|at| GRPC.get(at.checked_sub(1)?));
            code.copied().unwrap_or("grpc_error")
        }
    };
    let outcome = match reason {
        "permission_denied" | "unauthenticated" => Outcome::Denied,
        _ => Outcome::Failure,
    };
    Some((outcome, reason))
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

/// What a redirection to where one signs in says.
pub(super) fn sent_to_sign_in(
    naming: &Naming,
    request: &RequestRecord,
    response: &ResponseRecord,
) -> Option<(Outcome, &'static str)> {
    if !matches!(response.status, 301..=303 | 307 | 308) {
        return None;
    }
    let location = response.headers.get("location")?.as_str()?;
    let (host, place) = placed(location);
    let is_here = host.is_none_or(|host| {
        let asked = request.headers.get("host").and_then(Value::as_str);
        asked.is_some_and(|asked| host.eq_ignore_ascii_case(asked))
    });
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    let has = |list: &[&str]| {
        query.split(['&', '#']).any(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            list.contains(&name.to_ascii_lowercase().as_str())
        })
    };
    let returns = has(&RETURNS);
    if !leads_to_sign_in(path, returns, has(&REQUESTS), request) {
        return None;
    }
    if is_asked_for(path, request) {
        return Some((Outcome::Unknown, "redirect_unclear"));
    }
    if naming.action == "session.create" {
        return is_here.then_some((Outcome::Failure, "sign_in_failed"));
    }
    let (noun, verb) = naming.action.split_once('.').unwrap_or_default();
    let first = canonical(verb).split('_').next().unwrap_or_default();
    let leads_out = (noun == "session" && verb == "delete")
        || noun.ends_with("password")
        || noun.ends_with("confirmation")
        || noun.ends_with("registration")
        || LEADING_OUT.contains(&first)
        || (!is_here && LEADING_AWAY.contains(&first));
    ((returns && is_here) || !leads_out).then_some((Outcome::Failure, "sign_in_required"))
}

/// Whether a path is one where one signs in.
fn leads_to_sign_in(path: &str, returns: bool, asks: bool, request: &RequestRecord) -> bool {
    let segments = Path::read(path).segments;
    let word = |text: &str| {
        let stem = PAGES.iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
        snake(stem)
    };
    let words: Vec<String> = segments.iter().map(|segment| word(&segment.text)).collect();
    let is_form = words.iter().rev().take(2).any(|word| SIGN_IN.contains(&word.as_str()));
    let is_new = matches!(words.as_slice(), [.., session, new]
        if matches!(session.as_str(), "session" | "sessions") && new == "new");
    let last = words.last().map(String::as_str).unwrap_or_default();
    let is_auth = matches!(last, "auth" | "sso" | "oauth" | "authorize") && (returns || asks);
    let is_saml = |word: &String| word.starts_with("saml");
    // Whoever changes what SAML is set to stays there.
    let is_saml = words.iter().any(is_saml) && !request.path.to_ascii_lowercase().contains("saml");
    is_form || is_new || is_auth || is_saml
}

/// Whether the client itself said that it wanted to be sent there.
fn is_asked_for(path: &str, request: &RequestRecord) -> bool {
    let path = path.trim_end_matches('/');
    let same = |text: &str| {
        let (_, place) = placed(text);
        place.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/') == path
    };
    let is_same = |value: &Value<'_>| {
        let values = value.as_array().unwrap_or_else(|| std::slice::from_ref(value));
        values.iter().filter_map(Value::as_str).any(same)
    };
    let holds = |node: &Value<'_>| node.members().iter().any(|(_, value)| is_same(value));
    request.headers.get("referer").is_some_and(is_same)
        || request.query.as_ref().is_some_and(|query| holds(query.node()))
        || request.body.as_ref().is_some_and(|body| holds(&body.tree()))
}

/// The host of a location, if it has one, and the path with its query.
fn placed(location: &str) -> (Option<&str>, &str) {
    let scheme = location.split_once("://");
    let scheme = scheme.filter(|(scheme, _)| scheme.bytes().all(|it| it.is_ascii_alphanumeric()));
    let rest = scheme.map(|(_, rest)| rest).or_else(|| location.strip_prefix("//"));
    let Some(rest) = rest else { return (None, location) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    (Some(host), path)
}
