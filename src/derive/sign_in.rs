//! What the answer to somebody who signs in says, unless that they are signed in: that something more
//! is asked for first, or that they may not.
//!
//! The states are those of Okta (<https://developer.okta.com/docs/reference/api/authn/>), Cognito
//! (<https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html>)
//! and Vault (<https://developer.hashicorp.com/vault/docs/auth/login-mfa>); the pages those of
//! Keycloak, ASP.NET Identity and Jenkins.

use std::borrow::Cow;

use super::body::Value;
use super::code::{is_refusal, word};
use super::naming::Naming;
use super::redirect;
use super::signs::{ENVELOPES, MEMBERS_MAX, squashed};
use crate::record::{Outcome, RequestRecord, ResponseRecord};

/// What is asked for before somebody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    SecondFactor,
    /// The one that there is has expired, or was given by somebody else.
    NewPassword,
    Other,
}

/// What the answer to somebody who signs in says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Told {
    Asked(Step),
    Ended(Outcome, String),
}

impl Step {
    /// How it is called in a sentence.
    pub(super) fn spoken(self) -> &'static str {
        match self {
            Self::SecondFactor => "second factor",
            Self::NewPassword => "new password",
            Self::Other => "another step",
        }
    }
}

/// The answer says that nobody is signed in, and no more.
const FAILED: &str = "sign_in_failed";

/// There is nothing in the answer by which one would be signed in.
const NO_TOKEN: &str = "no_token";

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

/// States of those who are not let in, squashed.
const REFUSED: [&str; 31] = [
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
    "incorrectpassword",
    "invalid",
    "invalidcredential",
    "invalidcredentials",
    "invalidlogin",
    "invalidpassword",
    "locked",
    "lockedout",
    "loginfailed",
    "notauthenticated",
    "notloggedin",
    "rejected",
    "signinfailed",
    "suspended",
    "unauthenticated",
    "unauthorized",
    "userdisabled",
    "userlocked",
    "usernotfound",
    "wrongcredentials",
    "wrongpassword",
];

/// What is done with a password that has to be another one.
const RENEWED: [&str; 7] = ["change", "expired", "new", "required", "reset", "update", "warn"];

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

/// Parts of words of a path where one is asked for a second factor.
const FACTOR_PARTS: [&str; 7] = ["2fa", "mfa", "otp", "tfa", "totp", "webauthn", "with2fa"];

/// Words of a path, squashed, where one is asked for a second factor.
const FACTOR_PAGES: [&str; 5] =
    ["multifactor", "onetimepassword", "secondfactor", "twofactor", "twostep"];

/// Words of paths at which something else is asked for.
const STEPS: [&str; 2] = ["required_action", "required_actions"];

/// Words of paths to which those are sent who are not let in.
const REFUSAL_PAGES: [&str; 23] = [
    "account_disabled",
    "account_locked",
    "account_lockout",
    "auth_error",
    "auth_failed",
    "authentication_failed",
    "bad_credentials",
    "failed_login",
    "incorrect_password",
    "invalid_credentials",
    "invalid_login",
    "locked",
    "locked_out",
    "lockout",
    "login_denied",
    "login_error",
    "login_failed",
    "login_failure",
    "loginerror",
    "sign_in_failed",
    "signin_failed",
    "user_locked",
    "wrong_password",
];

/// Parameters in whose value it is said how a sign-in ended.
const ENDS: [&str; 4] = ["auth", "login", "signin", "sign_in"];

/// What an answer says to somebody who signs in.
pub(super) fn told(
    naming: &Naming,
    request: &RequestRecord,
    response: &ResponseRecord,
    body: Option<&Value<'_>>,
) -> Option<Told> {
    if naming.action != "session.create" {
        return None;
    }
    let signs = naming.sentence.verb == "sign_in";
    by_redirection(request, response).or_else(|| by_body(body?, signs))
}

/// What a redirection says.
fn by_redirection(request: &RequestRecord, response: &ResponseRecord) -> Option<Told> {
    if !matches!(response.status, 200..=299 | 302 | 303) {
        return None;
    }
    let location = redirect::location(response)?;
    let (path, query) = redirect::split(redirect::placed(&location).1);
    let words = redirect::words(path);
    let mut last = words.iter().rev().take(2);
    let told = if last.clone().any(|word| is_second_factor(word)) {
        Told::Asked(Step::SecondFactor)
    } else if last.clone().any(|word| STEPS.contains(&word.as_str())) {
        Told::Asked(Step::Other)
    } else if last.next().is_some_and(|word| REFUSAL_PAGES.contains(&word.as_str()))
        || query.split('&').any(says_failed)
    {
        Told::Ended(Outcome::Failure, FAILED.to_owned())
    } else {
        return None;
    };
    // Whoever says where to go on is sent there when signed in.
    Some(match redirect::is_asked_for(path, request) {
        true => Told::Ended(Outcome::Unknown, redirect::UNCLEAR.to_owned()),
        false => told,
    })
}

fn is_second_factor(word: &str) -> bool {
    let plain = squashed(word);
    word.split('_').any(|part| FACTOR_PARTS.contains(&part))
        || FACTOR_PAGES.iter().any(|page| plain.contains(page))
}

/// `login_error=1`, `login=failed`
fn says_failed(pair: &str) -> bool {
    let Some((name, value)) = pair.split_once('=') else { return false };
    let (name, value) = (name.to_ascii_lowercase(), value.to_ascii_lowercase());
    let is_none = redirect::NO_ERRORS.contains(&value.as_str()) || value.is_empty();
    let is_error = name.starts_with("login_") || name.starts_with("auth_");
    let is_error = is_error && name.ends_with("_error") && !is_none;
    is_error || ENDS.contains(&name.as_str()) && super::signs::FAILURES.contains(&value.as_str())
}

/// What a body says; `signs` that it is known to answer somebody who signs in.
fn by_body(body: &Value<'_>, signs: bool) -> Option<Told> {
    let within = ENVELOPES.iter().chain(&["auth"]).filter_map(|name| body.get(name));
    let places: Vec<&Value<'_>> = std::iter::once(body).chain(within).collect();
    let members = || places.iter().flat_map(|place| place.members().iter().take(MEMBERS_MAX));
    if members().any(asks_second_factor) {
        return Some(Told::Asked(Step::SecondFactor));
    }
    let is_not_in = |(name, value): &(Cow<'_, str>, Value<'_>)| {
        *value == Value::Bool(false) && SIGNED_IN.contains(&squashed(name).as_str())
    };
    if members().any(is_not_in) {
        return Some(Told::Ended(Outcome::Failure, FAILED.to_owned()));
    }
    let token = |(name, value): &(Cow<'_, str>, Value<'_>)| {
        let is_token = TOKENS.contains(&squashed(name).as_str());
        is_token.then_some(!matches!(value, Value::Null | Value::Bool(false)))
    };
    let asked = members().find_map(|(name, value)| challenge(name, value));
    if asked.is_some() {
        return asked;
    }
    let tokens: Vec<bool> = members().filter_map(token).collect();
    if !signs || tokens.contains(&true) {
        return None;
    }
    let state = members().find_map(|(name, value)| state(name, value));
    let is_token_missing = !tokens.is_empty();
    state.or_else(|| is_token_missing.then(|| Told::Ended(Outcome::Unknown, NO_TOKEN.to_owned())))
}

fn asks_second_factor((name, value): &(Cow<'_, str>, Value<'_>)) -> bool {
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

/// Whatever challenge has a name has yet to be met.
fn challenge(name: &str, value: &Value<'_>) -> Option<Told> {
    let text = value.as_str().filter(|text| !text.is_empty())?;
    (squashed(name) == "challengename").then(|| Told::Asked(step(text).unwrap_or(Step::Other)))
}

fn state(name: &str, value: &Value<'_>) -> Option<Told> {
    let text = value.as_str().filter(|_| STATES.contains(&squashed(name).as_str()))?;
    if let Some(step) = step(text) {
        return Some(Told::Asked(step));
    }
    if !REFUSED.contains(&squashed(text).as_str()) {
        return None;
    }
    let code = word(text, None).unwrap_or_else(|| FAILED.to_owned());
    let outcome = if is_refusal(&code) { Outcome::Denied } else { Outcome::Failure };
    Some(Told::Ended(outcome, code))
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
        || text.ends_with("required") && text != "required";
    is_other.then_some(Step::Other)
}
