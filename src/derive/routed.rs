//! Places that a query or what stands behind `#` leads to, and not the path: `index.php?r=site/login`,
//! `/?login`, `/#/login`, as scripts and pages with a router of their own have them.
//!
//! Such a parameter is the client's, so that in requests it counts only for signing in and out.

use super::body::Value;
use super::redirect::{is_form, words};
use super::words::snake;
use crate::decode::percent_decode_lossy;
use crate::record::{RequestRecord, Tree};

/// Parameters with a route.
const ROUTES: [&str; 4] = ["action", "page", "r", "route"];

/// Parameters with the first part of a route, of which `action` is the other.
const OUTER: [&str; 2] = ["controller", "module"];

/// Parameters that are looked at.
const PARAMETERS_MAX: usize = 64;

/// Longer values are no routes.
const ROUTE_BYTES_MAX: usize = 128;

/// Words of a route by which one signs out.
const SIGN_OUT: [&str; 6] = ["log_off", "log_out", "logoff", "logout", "sign_out", "signout"];

/// A route in words, and the parameter that names it.
type Route = (String, Vec<String>);

/// What the query of a request to a script says of signing in or out.
#[derive(Debug)]
pub(super) struct Signing {
    /// What is done to the session.
    pub(super) verb: &'static str,
    /// The parameter that says so.
    pub(super) parameter: String,
}

/// Whether somebody signs in or out by a route in the query: in only with a name and a password.
pub(super) fn signing(request: &RequestRecord, body: &Value<'_>) -> Option<Signing> {
    let is_out = |words: &[String]| words.last().is_some_and(|it| SIGN_OUT.contains(&it.as_str()));
    let mut routes = asked(request).into_iter();
    let (parameter, verb) = routes.find_map(|(parameter, words)| match words.as_slice() {
        words if is_out(words) => Some((parameter, "delete")),
        words if is_form(words) && has_password(body) => Some((parameter, "create")),
        _ => None,
    })?;
    Some(Signing { verb, parameter })
}

/// Whether a form says who somebody is, and has a password.
fn has_password(body: &Value<'_>) -> bool {
    let inner = body.members().iter().flat_map(|(_, value)| value.members());
    let names = body.members().iter().chain(inner).take(PARAMETERS_MAX);
    let names: Vec<String> = names.map(|(name, _)| name.to_ascii_lowercase()).collect();
    let has = |parts: &[&str]| names.iter().any(|name| parts.iter().any(|it| name.contains(it)));
    has(&["pass", "pwd"]) && has(&["user", "login", "email", "mail", "name", "account"])
}

/// The routes to which a place leads besides its path, in words.
pub(super) fn routes(place: &str) -> Vec<Vec<String>> {
    let (place, fragment) = place.split_once('#').unwrap_or((place, ""));
    let (_, query) = place.split_once('?').unwrap_or((place, ""));
    let pair = |pair: &str| match pair.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(percent_decode_lossy(value).into_owned())),
        None => (pair.to_owned(), None),
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).take(PARAMETERS_MAX);
    let pairs: Vec<_> = pairs.map(pair).collect();
    let mut found: Vec<_> = in_pairs(&pairs).into_iter().map(|(_, words)| words).collect();
    let fragment = fragment.strip_prefix('!').unwrap_or(fragment);
    if fragment.starts_with('/') {
        found.push(words(fragment.split('?').next().unwrap_or_default()));
    }
    found
}

/// The routes that the query of a request names.
fn asked(request: &RequestRecord) -> Vec<Route> {
    let members = request.query.as_ref().map(Tree::node).map(Value::members).unwrap_or_default();
    let pair = |(name, value): &(std::borrow::Cow<'_, str>, Value<'_>)| match value {
        Value::String(text) => Some((name.to_string(), Some(text.to_string()))),
        Value::Null => Some((name.to_string(), None)),
        _ => None,
    };
    in_pairs(&members.iter().take(PARAMETERS_MAX).filter_map(pair).collect::<Vec<_>>())
}

fn in_pairs(pairs: &[(String, Option<String>)]) -> Vec<Route> {
    let is_one_of = |name: &str, list: &[&str]| list.iter().any(|it| it.eq_ignore_ascii_case(name));
    let outer = pairs.iter().find(|(name, _)| is_one_of(name, &OUTER));
    let outer = outer.and_then(|(_, value)| value.as_deref()).unwrap_or_default();
    let route = |(name, value): &(String, Option<String>)| match value.as_deref() {
        // `?login`, which a reader of queries may take for `?login=`.
        None | Some("") => Some((name.clone(), vec![snake(name)])),
        Some(value) if is_one_of(name, &ROUTES) && value.len() <= ROUTE_BYTES_MAX => {
            Some((name.clone(), words(&format!("/{outer}/{value}"))))
        }
        Some(_) => None,
    };
    pairs.iter().filter_map(route).collect()
}
