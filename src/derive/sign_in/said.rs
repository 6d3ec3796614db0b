//! What the body of the answer to somebody who signs in says.

use std::borrow::Cow;

use super::super::body::Value;
use super::super::code::{code, is_refusal, word};
use super::super::naming::Naming;
use super::super::redirect;
use super::super::signs::{
    ENVELOPES, FAILURES, MEMBERS_MAX, Tells, is_error_inside, is_one_of, squashed,
};
use super::{FAILED, Step, Told, by_place};
use crate::record::{Outcome, RequestRecord, ResponseRecord};

/// There is nothing in the answer by which one would be signed in.
pub(super) const NO_TOKEN: &str = "no_token";

/// How a second factor is called in members and states, squashed.
const SECOND_FACTORS: [&str; 7] =
    ["2fa", "mfa", "otp", "secondfactor", "softwaretoken", "twofactor", "twostep"];

/// Members with a state, squashed.
const STATES: [&str; 10] = [
    "authstatus",
    "challenge",
    "challengename",
    "loginstatus",
    "next",
    "nextstep",
    "result",
    "state",
    "status",
    "step",
];

/// The type of a result of GraphQL.
const TYPE: &str = "__typename";

/// States of those who are not let in, squashed.
const REFUSED: [&str; 24] = [
    "accessdenied",
    "accountdisabled",
    "accountlocked",
    "accountsuspended",
    "authenticationfailed",
    "authfailed",
    "badcredentials",
    "blocked",
    "denied",
    "disabled",
    "locked",
    "lockedout",
    "loginfailed",
    "notauthenticated",
    "notexists",
    "notloggedin",
    "rejected",
    "signinfailed",
    "suspended",
    "unauthenticated",
    "unauthorized",
    "userdisabled",
    "userlocked",
    "usernotfound",
];

/// Beginnings of such states, squashed: `WRONG_PASS`, `invalid_credentials`.
const REFUSED_STARTS: [&str; 3] = ["incorrect", "invalid", "wrong"];

/// Flags by which one is not let in, squashed.
const REFUSED_FLAGS: [&str; 5] =
    ["accountlocked", "islocked", "islockedout", "locked", "lockedout"];

/// What is done with a password that has to be another one.
const RENEWED: [&str; 7] = ["change", "expired", "new", "required", "reset", "update", "warn"];

/// What makes a flag of a password one that asks for another.
const FORCES: [&str; 5] = ["expired", "force", "must", "need", "required"];

/// Members that hold the answer to somebody who signs in.
const ANSWERS: [&str; 5] = ["auth", "clientlogin", "login", "signIn", "signin"];

/// Members with whoever is signed in, or nobody, squashed.
const USERS: [&str; 5] = ["account", "currentuser", "uid", "user", "userid"];

/// Other members by which a body shows who is signed in, squashed.
const SHOWING: [&str; 6] = ["email", "id", "name", "profile", "roles", "username"];

/// Members with where to go on, squashed.
const PLACES: [&str; 7] =
    ["location", "nexturl", "redirect", "redirectto", "redirecturi", "redirecturl", "url"];

/// Members that say with `false` that nobody is signed in, squashed.
const SIGNED_IN: [&str; 12] = [
    "auth",
    "authenticated",
    "authorized",
    "isauthenticated",
    "isauthorized",
    "isloggedin",
    "issignedin",
    "loggedin",
    "loginsuccess",
    "loginsuccessful",
    "signedin",
    "valid",
];

/// Members with what one is signed in by, squashed.
const TOKENS: [&str; 11] = [
    "accesstoken",
    "apitoken",
    "authtoken",
    "bearertoken",
    "clienttoken",
    "idtoken",
    "jwt",
    "session",
    "sessionid",
    "sessiontoken",
    "token",
];

type Member<'b> = (Cow<'b, str>, Value<'b>);

/// What a body says.
pub(super) fn by_body(
    naming: &Naming,
    request: &RequestRecord,
    response: &ResponseRecord,
    body: &Value<'_>,
) -> Option<Told> {
    let verb = naming.sentence.verb.as_str();
    let told = judged(verb, body, |member| sent_on(naming, request, member));
    // Where a cookie is set, there need be nothing else.
    let is_silent =
        || verb == "sign_in" && shows_nothing(body) && response.headers.get("set-cookie").is_none();
    told.or_else(|| is_silent().then(no_token))
}

/// What the result of one of several calls says.
pub(super) fn by_result(verb: &str, result: &Value<'_>) -> Option<Told> {
    judged(verb, result, |_| None)
}

fn judged(
    verb: &str,
    body: &Value<'_>,
    sent_on: impl Fn(&Member<'_>) -> Option<Told>,
) -> Option<Told> {
    let within = ENVELOPES.iter().chain(&ANSWERS).filter_map(|name| body.get(name));
    let places: Vec<&Value<'_>> = std::iter::once(body).chain(within).collect();
    let members = || places.iter().flat_map(|place| place.members().iter().take(MEMBERS_MAX));
    if members().any(asks_second_factor) {
        return Some(Told::Asked(Step::SecondFactor));
    }
    let is_not_in = |(name, value): &Member<'_>| {
        *value == Value::Bool(false) && SIGNED_IN.contains(&squashed(name).as_str())
    };
    // What a user is authorized for is another thing.
    let is_nobody = |place: &&Value<'_>| {
        let members = place.get("user").map(Value::members).unwrap_or_default();
        let is_said = |name: &str| name.ends_with("authenticated") || name.ends_with("loggedin");
        members.iter().any(|it| is_not_in(it) && is_said(&squashed(&it.0)))
    };
    let failed = || Told::Ended(Outcome::Failure, FAILED.to_owned());
    if members().any(is_not_in) || places.iter().any(is_nobody) {
        return Some(failed());
    }
    let asked = members().find_map(|(name, value)| challenge(name, value));
    if asked.is_some() {
        return asked;
    }
    let tokens: Vec<bool> = members().filter_map(token).collect();
    if verb != "sign_in" || tokens.contains(&true) {
        return None;
    }
    if let Some(step) = members().find_map(asked_by_id) {
        return Some(Told::Asked(step));
    }
    let state = places.iter().find_map(|place| state_of(place));
    // What shows who is signed in tells of them.
    let is_bare = || !members().any(shows_who);
    let flag = || members().find_map(flag).filter(|_| is_bare());
    let place = || members().find_map(&sent_on);
    let is_denied = || members().any(says_nobody) && !members().any(says_success);
    let told = state.or_else(flag).or_else(place).or_else(|| is_denied().then(failed));
    // What tells of an error says more.
    let is_missing = !tokens.is_empty() && !is_error_inside(body, Tells::Answer);
    told.or_else(|| is_missing.then(no_token))
}

fn no_token() -> Told {
    Told::Ended(Outcome::Unknown, NO_TOKEN.to_owned())
}

/// Whether a body, or the one thing that it holds, is nothing.
fn shows_nothing(body: &Value<'_>) -> bool {
    let is_none = |value: &Value<'_>| match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    match body.members() {
        [(name, value)] => is_one_of(name, &ENVELOPES) && is_none(value),
        _ => is_none(body),
    }
}

/// Whether a member is what one is signed in by: it is there, or it is not.
fn token((name, value): &Member<'_>) -> Option<bool> {
    TOKENS
        .contains(&squashed(name).as_str())
        .then_some(!is_nothing(value) && value.as_str() != Some(""))
}

fn is_nothing(value: &Value<'_>) -> bool {
    matches!(value, Value::Null | Value::Bool(false))
}

fn shows_who((name, value): &Member<'_>) -> bool {
    let name = squashed(name);
    let is_shown = USERS.contains(&name.as_str()) || SHOWING.contains(&name.as_str());
    is_shown && !is_nothing(value)
}

/// `{"user": null}`, `{"uid": false}`, and CouchDB's `{"userCtx": {"name": null}}`.
fn says_nobody((name, value): &Member<'_>) -> bool {
    match squashed(name).as_str() {
        "userctx" => value.get("name") == Some(&Value::Null),
        name => USERS.contains(&name) && is_nothing(value),
    }
}

fn says_success((name, value): &Member<'_>) -> bool {
    is_one_of(name, &["ok", "success"]) && *value == Value::Bool(true)
}

/// What a flag says: a second factor, a password that must be changed, an account that is locked.
fn flag((name, value): &Member<'_>) -> Option<Told> {
    let plain = squashed(name);
    if *value != Value::Bool(true) {
        return None;
    }
    if SECOND_FACTORS.contains(&plain.as_str()) {
        return Some(Told::Asked(Step::SecondFactor));
    }
    if plain.contains("password") && FORCES.iter().any(|force| plain.contains(force)) {
        return Some(Told::Asked(Step::NewPassword));
    }
    if plain.contains("captcha") && FORCES.iter().any(|force| plain.contains(force)) {
        return Some(Told::Asked(Step::Other));
    }
    let code = || word(name, None).unwrap_or_else(|| FAILED.to_owned());
    REFUSED_FLAGS.contains(&plain.as_str()).then(|| Told::Ended(Outcome::Failure, code()))
}

/// What the place says where a body sends to, for a script to go there.
fn sent_on(naming: &Naming, request: &RequestRecord, (name, value): &Member<'_>) -> Option<Told> {
    let place = value.as_str().filter(|_| PLACES.contains(&squashed(name).as_str()))?;
    let is_place = place.starts_with(['/', '?']) || place.contains("://");
    let place = Some(place).filter(|_| is_place)?;
    let leads = || redirect::leads(naming, request, place);
    by_place(request, place).or_else(|| leads().map(|(outcome, why)| Told::Ended(outcome, why)))
}

fn asks_second_factor((name, value): &Member<'_>) -> bool {
    let name = squashed(name);
    let is_some = !matches!(value, Value::Null | Value::Bool(false));
    let is_needed = name.contains("requires")
        || name.ends_with("required")
        || name.ends_with("requirement")
        || name.ends_with("token");
    let names = |text: &str| SECOND_FACTORS.iter().any(|known| text.contains(known));
    let is_stated = STATES.contains(&name.as_str()) && name != "result";
    is_some && is_needed && names(&name)
        || is_stated && value.as_str().is_some_and(|text| names(&squashed(text)))
}

/// What is asked for where the answer has nothing but what it goes on with: `{"twoFactorId": "…"}`,
/// `{"changePasswordId": "…", "changePasswordReason": "Expired"}`.
fn asked_by_id((name, value): &Member<'_>) -> Option<Step> {
    let name = squashed(name);
    if is_nothing(value) || value.as_str() == Some("") {
        return None;
    }
    let ends = ["id", "ticket", "reason", "challenge"];
    let what = ends.iter().find_map(|end| name.strip_suffix(end))?;
    let renews = || ["change", "reset"].iter().any(|start| what.starts_with(start));
    let is_password = || what.contains("password") && renews();
    match SECOND_FACTORS.contains(&what) {
        true => Some(Step::SecondFactor),
        false => is_password().then_some(Step::NewPassword),
    }
}

/// Whatever challenge has a name has yet to be met.
fn challenge(name: &str, value: &Value<'_>) -> Option<Told> {
    let text = value.as_str().filter(|text| !text.is_empty())?;
    (squashed(name) == "challengename").then(|| Told::Asked(step(text).unwrap_or(Step::Other)))
}

/// What the states in a place say; where nobody is shown, and no token, the type of GraphQL is one.
fn state_of(place: &Value<'_>) -> Option<Told> {
    place.members().iter().take(MEMBERS_MAX).find_map(|(name, value)| {
        let is_type = name == TYPE && !place.members().iter().any(shows_who);
        let name = squashed(name);
        let text = value.as_str().filter(|_| is_type || STATES.contains(&name.as_str()))?;
        if is_type && SECOND_FACTORS.iter().any(|known| squashed(text).contains(known)) {
            return Some(Told::Asked(Step::SecondFactor));
        }
        if let Some(step) = step(text) {
            return Some(Told::Asked(step));
        }
        let own = match squashed(text).as_str() {
            text if FAILURES.contains(&text) => code(place, None),
            text if is_refused(text) => word(value.as_str()?, None),
            _ => return None,
        };
        let code = own.unwrap_or_else(|| FAILED.to_owned());
        let outcome = if is_refusal(&code) { Outcome::Denied } else { Outcome::Failure };
        Some(Told::Ended(outcome, code))
    })
}

fn is_refused(text: &str) -> bool {
    REFUSED.contains(&text) || REFUSED_STARTS.iter().any(|start| text.starts_with(start))
}

/// What a state asks for; a page to go on to is none.
fn step(text: &str) -> Option<Step> {
    if text.contains(['/', ' ']) {
        return None;
    }
    let text = squashed(text);
    if text.contains("password") && RENEWED.iter().any(|what| text.contains(what)) {
        return Some(Step::NewPassword);
    }
    let is_other = text.starts_with("recovery")
        || text.ends_with("challenge")
        || text.ends_with("required") && text != "required"
        // MediaWiki wants a token first, or more of a form.
        || matches!(text.as_str(), "needtoken" | "ui");
    is_other.then_some(Step::Other)
}
