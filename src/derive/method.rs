//! The method that counts: the one that was sent, or one that the client names in its place.
//!
//! Frameworks let a client name another method for a `POST`, and some for a `GET`. So that nobody
//! can make a mutation look like less than it is, no other method is replaced, and none by a safe
//! one; of several the gravest counts. What is not taken is noted.

use super::body::Value;
use crate::record::{RequestRecord, Tree};
use crate::route::{
    has_override_parameter, is_override_header, is_override_parameter, is_path_header,
};

/// Another method was named and not taken.
pub(super) const IGNORED: &str = "method_override_ignored";

/// Another method was named, and is the one that counts: if the application does not take it, the
/// request was the one that was sent.
pub(super) const TAKEN: &str = "method_override";

/// A field names another path, which the application may take for the request's.
pub(super) const OTHER_PATH: &str = "path_override";

/// Longer methods are no methods.
const METHOD_BYTES_MAX: usize = 32;

/// Values of one parameter that are looked at.
const VALUES_MAX: usize = 100;

/// Methods that change nothing (RFC 9110, section 9.2.1).
const SAFE: [&str; 4] = ["GET", "HEAD", "OPTIONS", "TRACE"];

/// Registered methods that change something, the lesser first.
const UNSAFE: [&str; 29] = [
    "POST",
    "PATCH",
    "PUT",
    "LABEL",
    "LINK",
    "UNLINK",
    "LOCK",
    "UNLOCK",
    "CHECKIN",
    "CHECKOUT",
    "UNCHECKOUT",
    "VERSION-CONTROL",
    "BASELINE-CONTROL",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "ORDERPATCH",
    "PROPPATCH",
    "UPDATEREDIRECTREF",
    "BIND",
    "REBIND",
    "UNBIND",
    "UPDATE",
    "MERGE",
    "COPY",
    "MOVE",
    "DELETE",
];

/// What is known of a request's method.
#[derive(Debug, Default)]
pub(super) struct Method {
    /// The one that counts, upper case; empty if it is none.
    pub(super) name: String,
    /// The one that was sent, upper case.
    pub(super) sent: String,
    /// Something names another method, taken or not.
    pub(super) is_doubtful: bool,
    /// It may be another one, and it is not known which: no read for certain.
    pub(super) is_unclear: bool,
    /// What a reader should know.
    pub(super) notes: Vec<&'static str>,
}

impl Method {
    /// The method of a request with this body.
    pub(super) fn of(request: &RequestRecord, body: Option<&Value<'_>>) -> Self {
        let sent = upper(&request.method).unwrap_or_default();
        let claims = claims(request, body);
        let is_safe = SAFE.contains(&sent.as_str());
        let rank = |claim: &str| UNSAFE.iter().position(|known| *known == claim);
        let gravest = claims
            .iter()
            .flatten()
            .filter_map(|claim| Some((rank(claim)?, claim)))
            .filter(|_| is_safe || sent == "POST")
            .max();
        let name = gravest.map_or_else(|| sent.clone(), |(_, claim)| claim.clone());
        let is_name = |claim: &Option<String>| claim.as_deref() == Some(name.as_str());
        let is_harmless =
            |claim: &Option<String>| claim.as_deref().is_some_and(|claim| SAFE.contains(&claim));
        let other_path = names_another_path(request);
        let is_hidden = claims.is_empty() && hides_parameter(request);
        let is_unknown = is_hidden || (gravest.is_none() && !claims.iter().all(is_harmless));
        let is_unclear = other_path || (is_safe && is_unknown);
        let mut notes = Vec::new();
        if name != sent {
            notes.push(TAKEN);
        }
        if !claims.iter().all(is_name) {
            notes.push(IGNORED);
        }
        if other_path {
            notes.push(OTHER_PATH);
        }
        let is_doubtful = is_hidden || other_path || !claims.is_empty();
        Self { name, sent, is_doubtful, is_unclear, notes }
    }
}

/// All methods that a client names besides the request's own; nothing for what is no method.
fn claims(request: &RequestRecord, body: Option<&Value<'_>>) -> Vec<Option<String>> {
    let headers = request.headers.node().members().iter();
    let headers = headers.filter(|(name, _)| is_override_header(name));
    let query = request.query.as_ref().map(Tree::node);
    let fields = query.into_iter().chain(body).flat_map(|node| node.members());
    let fields = fields.filter(|(name, _)| is_override_parameter(name));
    let mut claims = Vec::new();
    for (_, value) in headers.chain(fields) {
        let values = value.as_array().unwrap_or_else(|| std::slice::from_ref(value));
        claims.extend(values.iter().take(VALUES_MAX).map(|value| upper(value.as_str()?)));
    }
    claims
}

/// Whether path or query may name another method for software that takes them apart otherwise.
fn hides_parameter(request: &RequestRecord) -> bool {
    let query = request.query.as_ref().map(Tree::node);
    let texts = |value: &Value<'_>| -> Vec<String> {
        let values = value.as_array().unwrap_or_else(|| std::slice::from_ref(value));
        values.iter().take(VALUES_MAX).filter_map(|it| Some(it.as_str()?.to_owned())).collect()
    };
    has_override_parameter(request.path.as_bytes())
        || query.into_iter().flat_map(Value::members).any(|(name, value)| {
            let hides = |value: &str| has_override_parameter(format!("?{name}={value}").as_bytes());
            hides("") || texts(value).iter().any(|value| hides(value))
        })
}

/// Whether a field names another path than the request's own.
fn names_another_path(request: &RequestRecord) -> bool {
    let path_of = |text: &str| text.split(['?', '#']).next().unwrap_or_default().to_owned();
    let is_own = |value: &Value<'_>| value.as_str().is_some_and(|it| path_of(it) == request.path);
    let members = request.headers.node().members().iter();
    members.into_iter().any(|(name, value)| is_path_header(name) && !is_own(value))
}

/// What is done to a resource by this method: OData's `MERGE` is a `PATCH` that is older than it, and
/// only DeltaV merges what was checked out (RFC 3253, section 11.2), with a body that says so.
///   <https://www.odata.org/documentation/odata-version-2-0/operations/>
pub(super) fn meant<'m>(method: &'m str, body: Option<&Value<'_>>) -> &'m str {
    let is_of_versions = || body.is_some_and(|body| body.get("merge").is_some());
    match method {
        "MERGE" if !is_of_versions() => "PATCH",
        // A HEAD is read as the GET that it asks about.
        "HEAD" => "GET",
        other => other,
    }
}

fn upper(method: &str) -> Option<String> {
    let method = method.trim();
    let is_token = !method.is_empty()
        && method.len() <= METHOD_BYTES_MAX
        && method.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    is_token.then(|| method.to_ascii_uppercase())
}
