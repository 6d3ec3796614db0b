//! What the answer to somebody who signs in says, unless that they are signed in: that something more
//! is asked for first, or that they may not.
//!
//! The states are those of Okta (<https://developer.okta.com/docs/reference/api/authn/>), Cognito
//! (<https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html>)
//! and Vault (<https://developer.hashicorp.com/vault/docs/auth/login-mfa>); the pages those of
//! Keycloak, ASP.NET Identity and Jenkins.

mod said;

use super::act::{Act, End};
use super::answer;
use super::body::Value;
use super::naming::Naming;
use super::redirect;
use super::signs::{Sent, squashed};
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

/// What signing in is called.
const SIGN_IN: &str = "session.create";

/// The answer says that nobody is signed in, and no more.
const FAILED: &str = "sign_in_failed";

/// Parts of words of a path where one is asked for a second factor.
const FACTOR_PARTS: [&str; 7] = ["2fa", "mfa", "otp", "tfa", "totp", "webauthn", "with2fa"];

/// Words of a path, squashed, where one is asked for a second factor.
const FACTOR_PAGES: [&str; 5] =
    ["multifactor", "onetimepassword", "secondfactor", "twofactor", "twostep"];

/// Words of paths at which something else is asked for.
const STEPS: [&str; 3] = ["challenge", "required_action", "required_actions"];

/// Last words of paths, squashed, where one is asked for a new password.
const PASSWORD_PAGES: [&str; 9] = [
    "changepassword",
    "expiredpassword",
    "forcepasswordchange",
    "newpassword",
    "passwordchange",
    "passwordexpired",
    "passwordreset",
    "resetpassword",
    "updatepassword",
];

/// Ends of parameters that say with any other value than none that nobody is signed in.
const FAILING: [&str; 4] = ["_error", "_failed", "_failure", "_fail"];

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
    if naming.action != SIGN_IN {
        return None;
    }
    let told = by_redirection(request, response);
    let sent = Sent::of(request);
    let result = || answer::result_of(&naming.acts, body?, &sent);
    told.or_else(|| said::by_body(naming, request, response, result()?))
}

/// How one of several acts ended by which somebody signs in, of which the others may tell nothing.
pub(super) fn ended(act: &Act, result: &Value<'_>) -> Option<End> {
    let told = said::by_result(&act.sentence.verb, result);
    Some(match told.filter(|_| act.action == SIGN_IN)? {
        Told::Ended(outcome, reason) => End::of(outcome, Some(reason)),
        Told::Asked(_) => End::of(Outcome::Unknown, Some(said::NO_TOKEN.to_owned())),
    })
}

/// What a redirection says.
fn by_redirection(request: &RequestRecord, response: &ResponseRecord) -> Option<Told> {
    if !matches!(response.status, 200..=299 | 302 | 303) {
        return None;
    }
    by_place(request, &redirect::location(response)?)
}

/// What a place says to which one is sent.
fn by_place(request: &RequestRecord, location: &str) -> Option<Told> {
    let (path, query) = redirect::split(redirect::placed(location).1);
    let words = redirect::words(path);
    let mut last = words.iter().rev().take(2);
    let told = if last.clone().any(|word| is_second_factor(word)) {
        Told::Asked(Step::SecondFactor)
    } else if is_password_page(&words) {
        Told::Asked(Step::NewPassword)
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

/// `/change-password`, `/password/expired`
fn is_password_page(words: &[String]) -> bool {
    let is_page = |words: &[String]| PASSWORD_PAGES.contains(&squashed(&words.concat()).as_str());
    let from = |count: usize| words.get(words.len().checked_sub(count)?..);
    [1, 2].into_iter().filter_map(from).any(is_page)
}

pub(super) fn is_second_factor(word: &str) -> bool {
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
    let is_error = is_error && FAILING.iter().any(|end| name.ends_with(end)) && !is_none;
    is_error || ENDS.contains(&name.as_str()) && super::signs::FAILURES.contains(&value.as_str())
}
