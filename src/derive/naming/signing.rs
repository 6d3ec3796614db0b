//! Who signs in, where the path does not say that somebody does.

use super::super::acting::Acted;
use super::super::body::{self, Value};
use super::super::holders::Holders;
use super::super::path::Path;
use super::super::routed::{self, Signing};
use super::super::shape::is_version;
use super::super::sign_in::is_second_factor;
use super::super::signs::MEMBERS_MAX;
use super::super::trace::{By, Field, Origin, Trace};
use super::super::walk::{Node, Walked};
use super::super::words::snake;
use crate::record::{RequestRecord, Target};

/// Parts of the names of members by which somebody says who they are, or shows that they are.
const SIGN_IN_PARTS: [&str; 12] = [
    "account",
    "assertion",
    "code",
    "credential",
    "email",
    "identifier",
    "login",
    "otp",
    "pass",
    "principal",
    "token",
    "user",
];

/// Words before a second factor, where one is about to sign in.
const BEFORE_FACTORS: [&str; 8] =
    ["authenticate", "log_in", "login", "logon", "session", "sessions", "sign_in", "signin"];

/// Members with what shows that one has the second factor, by their ends.
const FACTORS: [&str; 8] =
    ["code", "otp", "otp_attempt", "passcode", "pin", "recovery_code", "token", "totp"];

/// What checks who somebody is, behind the place where they sign in.
const WAYS: [&str; 9] = [
    "ad",
    "active_directory",
    "basic",
    "credentials",
    "internal",
    "kerberos",
    "ldap",
    "local",
    "radius",
];

/// What is said of a directory that is set up, and not by somebody who signs in.
const OF_DIRECTORIES: [&str; 8] =
    ["base_dn", "basedn", "enabled", "host", "port", "server", "uri", "url"];

/// Takes a request for a sign-in where somebody shows who they are, and for a sign-out where what is made
/// by that is deleted: `DELETE /api/auth`.
pub(super) fn take(walked: &mut Walked, path: &Path, method: &str, at_provider: bool) {
    // `/auth-methods/ampw_1:authenticate`, as Boundary has it.
    let is_method = walked.nodes.last().is_some_and(|node| node.noun == "auth_method");
    let is_said = is_method && path.verb.as_deref() == Some("authenticate");
    let verb = match method {
        "POST" if at_provider || is_said => "create",
        "DELETE" if is_auth(path) => "delete",
        _ => return,
    };
    (walked.nodes, walked.signs) = (vec![Node::named("session")], true);
    (walked.verb, walked.part) = (Some(verb.to_owned()), None);
}

/// Whether nothing but `auth` is behind what every path begins with: `/api/auth`.
fn is_auth(path: &Path) -> bool {
    let rest = path.segments.get(path.start..).unwrap_or_default();
    matches!(rest, [only] if only.text == "auth") && path.start > 0
}

/// Whether somebody shows at a place that is there for it who they are, so that a session is made.
pub(super) fn shows_who(path: &Path, body: Option<&Value<'_>>) -> bool {
    gives_factor(path, body) || brings_identity(path, body)
}

/// Whether somebody goes on signing in with a second factor, which is then not made: `POST /login/2fa`,
/// `/two-factor-challenge`. Elsewhere that is where one is set up.
fn gives_factor(path: &Path, body: Option<&Value<'_>>) -> bool {
    let [.., last] = path.segments.as_slice() else { return false };
    let last_word = snake(&last.text);
    if !is_second_factor(&last_word) {
        return false;
    }
    let before = path.segments.len().checked_sub(2).and_then(|at| path.segments.get(at));
    let is_behind = before.is_some_and(|it| BEFORE_FACTORS.contains(&snake(&it.text).as_str()));
    let is_challenge = last_word.ends_with("_challenge");
    // What begins with `_` is the framework's own.
    let own = body.into_iter().flat_map(Value::members).filter(|(name, _)| !name.starts_with('_'));
    let within = own.clone().flat_map(|(_, value)| value.members());
    let has = |is: fn(&str) -> bool| {
        own.clone().chain(within.clone()).take(MEMBERS_MAX).any(|(name, _)| is(&snake(name)))
    };
    // `user[otp_attempt]`, as Devise has it.
    (is_behind || is_challenge) && has(is_factor) || has(|name| name.ends_with("otp_attempt"))
}

/// Whether somebody is signed in by what is sent to a place that is there for it: what a provider answers
/// with (SAML, OpenID Connect), or a name and a password.
fn brings_identity(path: &Path, body: Option<&Value<'_>>) -> bool {
    let words: Vec<String> = path.segments.iter().map(|segment| snake(&segment.text)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let has = |name: &str| {
        let members = body.into_iter().flat_map(Value::members).take(MEMBERS_MAX);
        members.into_iter().any(|(own, _)| own.eq_ignore_ascii_case(name))
    };
    match words.as_slice() {
        [.., "auth"] if is_auth(path) => has("password"),
        // Proxmox's, Synology's, and FreeIPA's.
        [.., "access", "ticket"] => has("username") && has("password"),
        ["webapi", "auth"] => has("account") && has("passwd"),
        [.., "session", "login_password"] => has("user") && has("password"),
        [.., "auth" | "login" | "sso", "saml" | "saml2"]
        | [.., "saml" | "saml2", "acs" | "callback" | "consume" | "login"] => has("SAMLResponse"),
        [.., "signin_oidc"] | [.., "oidc" | "openid" | "openid_connect", "callback"] => {
            has("id_token") || has("code") && has("state")
        }
        // NextAuth's, and Jira's.
        [.., "callback", "credentials"] => has("password"),
        [.., "auth", version, "session"] => {
            is_version(version, true) && has("username") && has("password")
        }
        // By which of several ways somebody signs in.
        [.., "auth" | "login" | "sign_in" | "signin", way] => {
            WAYS.contains(way)
                && !OF_DIRECTORIES.iter().any(|name| has(name))
                && has("password")
                && ["email", "login", "user", "username"].iter().any(|name| has(name))
        }
        _ => false,
    }
}

fn is_factor(name: &str) -> bool {
    let is_of_form = name.starts_with("csrf") || name.starts_with("authenticity");
    let is_end =
        |end: &str| name.strip_suffix(end).is_some_and(|it| it.is_empty() || it.ends_with('_'));
    !is_of_form && FACTORS.iter().any(|end| is_end(end))
}

/// Whether a session is made with who one is: `POST /session`; Redfish has its sessions below a
/// service.
pub(super) fn says_who_signs_in(
    walked: &Walked,
    targets: &[Target],
    body: Option<&Value<'_>>,
) -> bool {
    let is_service = |node: &Node| matches!(node.noun.as_str(), "redfish" | "session_service");
    let is_named = targets.first().is_some_and(|target| target.name.is_some());
    walked.nodes.last().is_none_or(is_service) && is_named && body.is_some_and(says_who)
}

/// Whether a body says who signs in: more than a name, which anything has.
fn says_who(body: &Value<'_>) -> bool {
    let says = |name: &str| {
        let name = name.to_ascii_lowercase();
        name == "log" || SIGN_IN_PARTS.iter().any(|part| name.contains(part))
    };
    let within = body.members().iter().flat_map(|(_, value)| value.members());
    body.members().iter().chain(within).take(MEMBERS_MAX).any(|(name, _)| says(name))
}

/// Members that say whose password is set.
const WHOSE: [&str; 5] = ["userid", "user_id", "username", "user", "name"];

/// The target of a request that sets a password, with whose it is, where the body alone says so:
/// `PUT /access/password userid=bob`.
fn whose_password(
    walked: &Walked,
    targets: Vec<Target>,
    body: Option<&Value<'_>>,
    trace: &mut Trace,
) -> Vec<Target> {
    let [target @ Target { id: None, name: None, .. }] = targets.as_slice() else {
        return targets;
    };
    let body = body.filter(|_| walked.part.as_deref() == Some("password"));
    let who = body.and_then(|body| {
        WHOSE.iter().find_map(|name| Some((body::scalar(body.get(name)?)?, *name)))
    });
    let Some((who, at)) = who else { return targets };
    let from = || vec![Origin::RequestBody(format!("$.{at}"))];
    trace.note(Field::Name(0), || (By::Convention("the name that is sent"), from()));
    vec![Target { name: Some(who), ..target.clone() }]
}

/// Of a token that is granted to somebody who gives a password: the token without that name, since whoever
/// is granted a token is not the token, and that user, or the client that asks for itself; of a password
/// that is set: whose it is.
pub(super) fn granted(
    (noun, walked): (&str, &Walked),
    targets: Vec<Target>,
    holders: Holders,
    body: Option<&Value<'_>>,
    trace: &mut Trace,
) -> (Vec<Target>, Holders) {
    let has = |name: &str| body.is_some_and(|body| body.get(name).is_some());
    if noun == "token"
        && holders.owners.is_empty()
        && let Some(client) = body.and_then(granted_client)
    {
        return (targets, Holders { owners: vec![client], ..holders });
    }
    let is_granted = has("grant_type") || has("password");
    if noun != "token" || !is_granted || !has("username") {
        return (whose_password(walked, targets, body, trace), holders);
    }
    let [token @ Target { name: Some(name), .. }] = targets.as_slice() else {
        return (targets, holders);
    };
    trace.forget(|field| *field == Field::Name(0));
    let user = Target { kind: "user".to_owned(), id: None, name: Some(name.clone()) };
    let holders = Holders { owners: vec![user], ..holders };
    (vec![Target { name: None, ..token.clone() }], holders)
}

/// The client that is granted a token in its own name (RFC 6749, section 4.4).
fn granted_client(body: &Value<'_>) -> Option<Target> {
    let grant = body.get("grant_type").and_then(Value::as_str)?;
    let id = body::scalar(body.get("client_id")?).filter(|_| grant == "client_credentials")?;
    Some(Target { kind: "client".to_owned(), id: Some(id), name: None })
}

/// Takes a request to a script, with this body, for a sign-in or a sign-out if a parameter says so, and
/// none says that something else is done.
pub(super) fn by_route(
    walked: &mut Walked,
    acted: &mut Option<Acted>,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> Option<Signing> {
    let is_other = |acted: &Acted| !matches!(acted.verb.as_str(), "login" | "logout");
    if acted.as_ref().is_some_and(is_other) {
        return None;
    }
    let routed = routed::signing(request, body?)?;
    *acted = None;
    (walked.nodes, walked.signs) = (vec![Node::named("session")], true);
    walked.verb = Some(routed.verb.to_owned());
    Some(routed)
}

pub(super) fn note_routed(routed: Option<Signing>, trace: &mut Trace) {
    let Some(Signing { parameter, .. }) = routed else { return };
    let by = By::Convention("what a parameter of a script says");
    for field in [Field::Action, Field::Category, Field::Kind(0)] {
        trace.note(field, || (by.clone(), vec![Origin::Query(parameter.clone())]));
    }
}
