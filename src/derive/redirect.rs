//! What a redirection says of a request: it was done, it was refused, it is to be sent elsewhere.
//!
//! After a form one is sent on with 302 or 303, wherever it went well or not; so the place tells.
//! 307 and 308 say that nothing was done: the same request is to be sent there once more. 301 to a
//! request that changes something says so only where the place is the same, written otherwise;
//! anywhere else nobody can say.

mod again;
mod form;
mod place;
mod script;

use std::borrow::Cow;

use self::again::asked_first;
pub(super) use self::form::is_form;
use self::form::leads_to_sign_in;
use self::place::{is_same_host, is_same_page};
pub(super) use self::place::{placed, split, words};

use self::script::{is_well, place_in};
pub(super) use self::script::{location, location_field};
use super::body::Value;
use super::code::{is_refusal, word};
use super::naming::Naming;
use super::routed;
use super::signs::{self, Sent, squashed};
use super::verbs::canonical;
use super::words::snake;
use crate::decode::percent_decode_lossy;
use crate::record::{BodyRecord, Outcome, RequestRecord, ResponseRecord};

/// The request is to be sent elsewhere, and nothing was done.
const REDIRECTED: &str = "redirected";

/// One has to sign in, and nothing was done.
const SIGN_IN_REQUIRED: &str = "sign_in_required";

/// Where one is sent says neither that it was done nor that it was not.
pub(super) const UNCLEAR: &str = "redirect_unclear";

/// After these one is sent to where one signs in, because it was done.
const LEADING_OUT: [&str; 13] = [
    "request",
    "logout",
    "register",
    "reset",
    "unlock",
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

/// Last words of paths below a form where one goes on that has signed in.
const PASSED: [&str; 5] = ["callback", "complete", "continue", "done", "success"];

/// Parameters by which one is asked to sign in elsewhere (SAML, OAuth).
const REQUESTS: [&str; 5] = ["samlrequest", "client_id", "response_type", "relaystate", "wtrealm"];

/// Parameters by which a form knows where to go on afterwards.
const RETURNS: [&str; 11] = [
    "rd",
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

/// Words of paths to which those are sent who may not.
const REFUSALS: [&str; 17] = [
    "access_denied",
    "access_forbidden",
    "accessdenied",
    "denied",
    "forbidden",
    "insufficient_permissions",
    "no_access",
    "no_permission",
    "noaccess",
    "not_allowed",
    "not_logged_in",
    "not_authenticated",
    "not_authorized",
    "permission_denied",
    "unauthenticated",
    "unauthorised",
    "unauthorized",
];

/// Words of paths to which those are sent for whom it went wrong.
const FAILURES: [&str; 8] =
    ["error", "error_page", "errors", "fail", "failed", "failure", "not_found", "server_error"];

/// Words of paths to which those are sent whose session has ended, and of settings.
const UNCLEAR_PAGES: [&str; 3] = ["expired", "timed_out", "timeout"];

/// Segments before a status that is a page.
const STATUS_FOLDERS: [&str; 6] = ["e", "err", "error", "errors", "status", "statuscode"];

/// Parameters by which a page is told what went wrong.
const ERROR_PARAMETERS: [&str; 7] =
    ["err", "error", "error_code", "error_message", "errorcode", "errormessage", "errors"];

/// Parameters that say in a word how it ended, or what a list is to show.
const STATES: [&str; 8] =
    ["alert", "flash", "message", "msg", "outcome", "result", "state", "status"];

/// Parameters that say with what is no that it was not done.
const SUCCESSES: [&str; 3] = ["ok", "succeeded", "success"];

/// Parameters, squashed, that say that one has to sign in.
const SESSION_ENDS: [&str; 6] = [
    "authrequired",
    "loginrequired",
    "notloggedin",
    "sessionexpired",
    "sessionhasexpired",
    "sessiontimeout",
];

/// Values of such parameters that say that nothing did.
pub(super) const NO_ERRORS: [&str; 5] = ["0", "false", "no", "none", "null"];

/// Forms for new things, below their collection.
const NEW_FORMS: [&str; 3] = ["add", "create", "new"];

/// Last words of paths of forms.
const FORMS: [&str; 10] = [
    "add",
    "create",
    "edit",
    "form",
    "join",
    "new",
    "register",
    "registration",
    "sign_up",
    "signup",
];

/// By what forms ask to be shown again: those of Django, EasyAdmin, Sonata and Backpack.
const AGAIN: [&str; 6] =
    ["addanother", "add_another", "and_continue", "and_create", "and_edit", "and_new"];

/// Longer values are no buttons.
const ASKED_BYTES_MAX: usize = 40;

/// Parameters that are looked at.
const PARAMETERS_MAX: usize = 64;

/// What a redirection says, unless that it was done.
pub(super) fn redirected(
    naming: &Naming,
    request: &RequestRecord,
    response: &ResponseRecord,
    body: Option<&Value<'_>>,
) -> Option<(Outcome, String)> {
    let status = response.status;
    if !matches!(status, 200..=303 | 305..=399) {
        return None;
    }
    let body = body.filter(|body| status < 300 && !is_well(body));
    let in_body = || place_in(body?, &Sent::of(request));
    let location = location(response).or_else(|| in_body().map(Cow::Borrowed));
    if let Some(told) = location.as_deref().and_then(|it| leads(naming, request, it)) {
        return Some(told);
    }
    let unclear = || Some((Outcome::Unknown, UNCLEAR.to_owned()));
    match status {
        200..=299 => None,
        // Without a place it says nothing.
        302 | 303 if location.is_none() && response.headers.get("location").is_none() => unclear(),
        302 | 303 => location
            .is_some_and(|location| is_form_again(naming, request, &location))
            .then(unclear)?,
        307 | 308 => Some((Outcome::Failure, REDIRECTED.to_owned())),
        301 => match location.is_some_and(|location| is_same_place(&location, request)) {
            true => Some((Outcome::Failure, REDIRECTED.to_owned())),
            false => unclear(),
        },
        status => Some((Outcome::Unknown, format!("http_{status}"))),
    }
}

/// What a place says to which one is sent: where one signs in, or a page about an error.
pub(super) fn leads(
    naming: &Naming,
    request: &RequestRecord,
    location: &str,
) -> Option<(Outcome, String)> {
    let told = sent_to_sign_in(naming, request, location);
    let told = told.or_else(|| asked_first(naming, request, location));
    let told = told.map(|(outcome, reason)| (outcome, reason.to_owned()));
    told.or_else(|| sent_to_refusal(request, location))
}

/// Whether a form leads back to a form: the one for new things in its collection, or the very one where
/// it came from. What is done leads on to what there is now.
fn is_form_again(naming: &Naming, request: &RequestRecord, location: &str) -> bool {
    let sent = request.content_type.as_deref().unwrap_or_default();
    // Pages that are scripts send forms as JSON.
    let forms = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"];
    if !forms.contains(&sent) {
        return false;
    }
    let (path, _) = split(placed(location).1);
    let (path, own) = (path.trim_end_matches('/'), request.path.trim_end_matches('/'));
    let below = path.strip_prefix(own).and_then(|rest| rest.strip_prefix('/'));
    if below.is_some_and(|last| NEW_FORMS.contains(&last)) {
        return true;
    }
    let verb = naming.action.rsplit_once('.').map_or("", |(_, verb)| verb);
    let is_sent_from = || {
        let from = request.headers.get("referer").and_then(Value::as_str);
        from.is_some_and(|from| split(placed(from).1).0.trim_end_matches('/') == path)
    };
    // A page of which a form is a part is where one comes to again, well or not.
    let is_form = || words(path).last().is_some_and(|last| FORMS.contains(&last.as_str()));
    let is_again = || is_form() && is_sent_from() && !asks_for_form(request);
    matches!(verb, "create" | "update" | "register") && is_again()
}

/// Whether a form is sent so that one is led to a form again: `_addanother=Save`, `action=saveAndContinue`.
fn asks_for_form(request: &RequestRecord) -> bool {
    let Some(body) = request.body.as_ref().map(BodyRecord::tree) else { return false };
    let says = |text: &str| {
        let text = snake(text);
        AGAIN.iter().any(|again| text.contains(again))
    };
    let is_short = |text: &&str| text.len() <= ASKED_BYTES_MAX;
    let mut members = body.members().iter().take(PARAMETERS_MAX);
    members.any(|(name, value)| {
        name == "_continue" || says(name) || value.as_str().filter(is_short).is_some_and(says)
    })
}

/// What a redirection to a page about an error says.
fn sent_to_refusal(request: &RequestRecord, location: &str) -> Option<(Outcome, String)> {
    let (_, place) = placed(location);
    let (path, query) = split(place);
    let words = words(path);
    // `/?error=…` has no word.
    let last = words.last().map(String::as_str).unwrap_or_default();
    let before = words.len().checked_sub(2);
    let before = before.and_then(|at| words.get(at)).map(String::as_str);
    let is_status = before.is_none_or(|before| STATUS_FOLDERS.contains(&before));
    let told = match last {
        "401" | "403" | "407" if is_status => Some((Outcome::Denied, "access_denied")),
        "400" | "404" | "409" | "422" | "500" | "503" if is_status => {
            Some((Outcome::Failure, "error_page"))
        }
        last if REFUSALS.contains(&last) => Some((Outcome::Denied, "access_denied")),
        last if FAILURES.contains(&last) => Some((Outcome::Failure, "error_page")),
        last if UNCLEAR_PAGES.contains(&last) && !request.path.contains(last) => {
            Some((Outcome::Unknown, UNCLEAR))
        }
        _ => None,
    };
    if let Some((outcome, reason)) = told {
        // What is created may have any name.
        let own = request.path.trim_end_matches('/');
        let is_item = path.strip_prefix(own).is_some_and(|rest| rest.starts_with('/'));
        return Some(match (is_item && !own.is_empty()) || is_asked_for(path, request) {
            true => (Outcome::Unknown, UNCLEAR.to_owned()),
            false => (outcome, reason.to_owned()),
        });
    }
    let (outcome, reason) = query.split('&').find_map(error_told)?;
    match is_sent(request, |sent| sent == place) {
        true => Some((Outcome::Unknown, UNCLEAR.to_owned())),
        false => Some((outcome, reason)),
    }
}

/// What a pair of a query tells of an error.
fn error_told(pair: &str) -> Option<(Outcome, String)> {
    let (name, value) = pair.split_once('=').map_or((pair, None), |(name, it)| (name, Some(it)));
    let name = name.to_ascii_lowercase();
    let says_no = value.is_some_and(|it| NO_ERRORS.contains(&it.to_ascii_lowercase().as_str()));
    let unclear = || (Outcome::Unknown, UNCLEAR.to_owned());
    let failed = || (Outcome::Failure, "error_in_redirect".to_owned());
    if SUCCESSES.contains(&name.as_str()) {
        return says_no.then(failed);
    }
    if SESSION_ENDS.contains(&squashed(&name).as_str()) && !says_no {
        return Some((Outcome::Failure, SIGN_IN_REQUIRED.to_owned()));
    }
    if STATES.contains(&name.as_str()) {
        // What a list is to show may be what has failed.
        return value.is_some_and(|it| signs::is_one_of(it, &signs::FAILURES)).then(unclear);
    }
    if !ERROR_PARAMETERS.contains(&name.as_str()) {
        return None;
    }
    match value {
        // `/login?error`, as Spring has it.
        None => Some(failed()),
        Some("") => Some(unclear()),
        Some(_) if says_no => None,
        Some(value) => Some(match word(value, None) {
            Some(code) if is_refusal(&code) => (Outcome::Denied, code),
            Some(code) => (Outcome::Failure, code),
            None => failed(),
        }),
    }
}

/// Whether a location is the place of the request, with another scheme or host, or a slash more or
/// less.
fn is_same_place(location: &str, request: &RequestRecord) -> bool {
    let (path, _) = split(placed(location).1);
    path.trim_end_matches('/') == request.path.trim_end_matches('/')
}

/// What a redirection to where one signs in says.
fn sent_to_sign_in(
    naming: &Naming,
    request: &RequestRecord,
    location: &str,
) -> Option<(Outcome, &'static str)> {
    let (host, place) = placed(location);
    let is_here = host.is_none_or(|host| {
        let asked = request.headers.get("host").and_then(Value::as_str);
        asked.is_some_and(|asked| is_same_host(host, asked))
    });
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    let has = |list: &[&str]| {
        query.split(['&', '#']).any(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            list.contains(&name.to_ascii_lowercase().as_str())
        })
    };
    let returns = has(&RETURNS);
    let leads_back = leads_back(query, request);
    let is_start = words(path).last().is_some_and(|last| last == "start");
    let is_gate = leads_back && (!is_here || is_start);
    let leads = is_gate || leads_to_sign_in(path, returns, has(&REQUESTS), request);
    // Many pages have the path of a script, so that all of such a place is compared.
    let is_routed = !leads && routed::routes(place).iter().any(|words| is_form(words));
    if !leads && !is_routed {
        return None;
    }
    let is_asked = match naming.action == "session.create" {
        // A form leads back to itself.
        true => is_in_request(request, |sent| is_same_page(sent, place, is_routed)),
        false => is_sent(request, |sent| is_same_page(sent, place, is_routed)),
    };
    if is_asked {
        return Some((Outcome::Unknown, UNCLEAR));
    }
    if naming.action == "session.create" {
        let is_passed = words(path).last().is_some_and(|last| PASSED.contains(&last.as_str()));
        return (is_here && !is_passed).then_some((Outcome::Failure, "sign_in_failed"));
    }
    if naming.action.ends_with(".create") && is_registration(request) {
        // An administrator whose session has ended sends the same form.
        let is_known =
            ["authorization", "cookie"].iter().any(|it| request.headers.get(it).is_some());
        return is_known.then_some((Outcome::Unknown, UNCLEAR));
    }
    ((returns && is_here) || !leads_out(naming, is_here))
        .then_some((Outcome::Failure, SIGN_IN_REQUIRED))
}

/// Whether one is sent to where one signs in because it was done: on this host, or at another.
fn leads_out(naming: &Naming, is_here: bool) -> bool {
    let (noun, verb) = naming.action.split_once('.').unwrap_or_default();
    let first = canonical(verb).split('_').next().unwrap_or_default();
    (noun == "session" && verb == "delete")
        || noun.ends_with("password")
        || verb.ends_with("password")
        || noun.ends_with("confirmation")
        || noun.ends_with("registration")
        || LEADING_OUT.contains(&first)
        || (!is_here && LEADING_AWAY.contains(&first))
}

/// Whether somebody chooses a password, and says it twice.
fn is_registration(request: &RequestRecord) -> bool {
    let again = |(name, _): &(Cow<'_, str>, Value<'_>)| {
        let name = snake(name).replace('_', "");
        ["confirmpassword", "password2", "passwordconfirm", "repeatpassword", "passwordrepeat"]
            .iter()
            .any(|known| name.contains(known))
    };
    let tree = request.body.as_ref().map(BodyRecord::tree);
    let tree = tree.map(Value::members).unwrap_or_default();
    tree.iter().flat_map(|(_, value)| value.members()).chain(tree).any(again)
}

/// Whether a parameter holds the place of the request itself, where one is to come back to. What is
/// done leads on; what stands before an application, and lets nobody in, leads back.
fn leads_back(query: &str, request: &RequestRecord) -> bool {
    query.split(['&', '#']).take(PARAMETERS_MAX).any(|pair| names_own(pair, request))
}

/// Whether the value of a pair is the path of the request.
fn names_own(pair: &str, request: &RequestRecord) -> bool {
    let own = request.path.trim_end_matches('/');
    let value = pair.split_once('=').map(|(_, value)| percent_decode_lossy(value));
    let is_own = |value: &str| split(placed(value).1).0.trim_end_matches('/') == own;
    !own.is_empty() && value.is_some_and(|value| is_own(&value))
}

/// Whether the client itself said that it wanted to be sent there.
pub(super) fn is_asked_for(path: &str, request: &RequestRecord) -> bool {
    is_sent(request, |sent| is_same_page(sent, path, false))
}

/// Whether the client sent an address with such a path and query.
fn is_sent(request: &RequestRecord, is_it: impl Fn(&str) -> bool) -> bool {
    let referer = request.headers.get("referer").and_then(Value::as_str);
    referer.is_some_and(|from| is_it(placed(from).1)) || is_in_request(request, is_it)
}

/// Whether query or body hold an address with such a path and query.
fn is_in_request(request: &RequestRecord, is_it: impl Fn(&str) -> bool) -> bool {
    let same = |text: &str| is_it(placed(text).1);
    let is_same = |value: &Value<'_>| {
        let values = value.as_array().unwrap_or_else(|| std::slice::from_ref(value));
        values.iter().filter_map(Value::as_str).any(same)
    };
    let holds = |node: &Value<'_>| node.members().iter().any(|(_, value)| is_same(value));
    request.query.as_ref().is_some_and(|query| holds(query.node()))
        || request.body.as_ref().is_some_and(|body| holds(body.tree()))
}
