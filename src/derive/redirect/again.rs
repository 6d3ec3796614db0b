//! Pages to which those are sent who are signed in and have to do something else first: to prove once
//! more who they are, to agree; or who are not let in just now.

use super::super::naming::Naming;
use super::super::sign_in::is_second_factor;
use super::super::words::snake;
use super::{
    PARAMETERS_MAX, RETURNS, SIGN_IN_REQUIRED, UNCLEAR, is_asked_for, is_same_place, leads_out,
    names_own, placed, split, words,
};
use crate::record::{Outcome, RequestRecord};

/// Last words of paths where one proves once more who one is.
const PROOFS: [&str; 15] = [
    "confirm_access",
    "confirm_identity",
    "confirm_password",
    "password_confirm",
    "password_confirmation",
    "re_auth",
    "re_authenticate",
    "re_authentication",
    "reauth",
    "reauthenticate",
    "reauthentication",
    "step_up",
    "sudo",
    "verify_identity",
    "verify_password",
];

/// What is said beside a second factor where one is to give it.
const GIVING: [&str; 4] = ["challenge", "check", "confirm", "verify"];

/// Such words where one is sent to come back from: elsewhere they may be about anything.
const STEPS: [&str; 6] = ["challenge", "confirm", "prove", "verification", "verify", "webauthn"];

/// Last words of paths of those whose session has ended.
const ENDED: [&str; 6] = ["log_out", "logged_out", "logout", "sign_out", "signed_out", "signout"];

/// Last words of paths where nobody is let in, or not this one, and the beginning of what leads there
/// because it was done.
const CLOSED: [(&str, &str); 5] = [
    ("banned", "ban"),
    ("blocked", "block"),
    ("maintenance", "maint"),
    ("suspended", "suspend"),
    ("under_maintenance", "maint"),
];

/// Nouns of what is one's own: without it one is signed out.
const OWN: [&str; 7] = ["account", "email", "me", "mfa", "profile", "session", "two_factor"];

/// What such a page says, if that is where one is sent.
pub(super) fn asked_first(
    naming: &Naming,
    request: &RequestRecord,
    location: &str,
) -> Option<(Outcome, &'static str)> {
    // Signing in has steps of its own.
    if naming.action == "session.create" || is_same_place(location, request) {
        return None;
    }
    let (path, query) = split(placed(location).1);
    let words = words(path);
    let last = words.last().map(String::as_str).unwrap_or_default();
    let told = match last {
        _ if is_proof(&words, request) => {
            match comes_back(query, request) || !leads_out(naming, true) {
                true => (Outcome::Failure, SIGN_IN_REQUIRED),
                false => return None,
            }
        }
        _ if comes_back(query, request) => match STEPS.contains(&last) {
            true => (Outcome::Failure, SIGN_IN_REQUIRED),
            false => (Outcome::Unknown, UNCLEAR),
        },
        _ if ENDED.contains(&last) => match ends_session(naming, request) {
            true => return None,
            false => (Outcome::Unknown, UNCLEAR),
        },
        _ if is_closed(&words, request) => (Outcome::Unknown, UNCLEAR),
        _ => return None,
    };
    Some(match is_asked_for(path, request) {
        true => (Outcome::Unknown, UNCLEAR),
        false => told,
    })
}

/// Whether one is told to come back to the place of the request itself.
fn comes_back(query: &str, request: &RequestRecord) -> bool {
    // Where one comes from is told of what was done as well.
    let returns = |name: &str| name != "from" && RETURNS.contains(&name);
    let is_back = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        returns(&name.to_ascii_lowercase()) && names_own(pair, request)
    };
    query.split('&').take(PARAMETERS_MAX).any(is_back)
}

/// `/confirm-password`, `/two-factor-challenge`, `/2fa/verify`; where a second factor is set up one is
/// led from page to page.
fn is_proof(words: &[String], request: &RequestRecord) -> bool {
    let Some(last) = words.last() else { return false };
    let gives = |word: &str| word.split('_').any(|part| GIVING.contains(&part));
    let before = || words.len().checked_sub(2).and_then(|at| words.get(at));
    let is_factor = is_second_factor(last) && gives(last)
        || GIVING.contains(&last.as_str()) && before().is_some_and(|it| is_second_factor(it));
    let own = self::words(&request.path);
    let is_set_up = || own.iter().any(|word| is_second_factor(word) || word.contains("factor"));
    PROOFS.contains(&last.as_str()) && own.last() != Some(last) || is_factor && !is_set_up()
}

/// Whether one is signed out because it was done.
fn ends_session(naming: &Naming, request: &RequestRecord) -> bool {
    let noun = naming.action.rsplit_once('.').map_or("", |(noun, _)| noun);
    let own = snake(&request.path.replace('/', "_"));
    leads_out(naming, true) || OWN.contains(&noun) || ENDED.iter().any(|end| own.contains(end))
}

/// Whether a page is about the application or one's account, and not a list of what is so.
fn is_closed(words: &[String], request: &RequestRecord) -> bool {
    let about = match words {
        [last] => last,
        [.., before, last] if matches!(before.as_str(), "account" | "error" | "errors") => last,
        _ => return false,
    };
    let own = request.path.to_ascii_lowercase();
    CLOSED.iter().any(|(page, stem)| page == about && !own.contains(stem))
}
