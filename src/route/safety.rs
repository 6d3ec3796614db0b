//! Whether a request is provably without effect.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue};

use super::percent::percent_decode;

/// What is known about the effect of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Safety {
    /// By its method it changes nothing (RFC 9110, section 9.2.1), and nothing speaks against it.
    Safe,
    /// The method is not, or not known to be, without effect.
    Method,
    /// Something in it may stand for another method.
    Override,
    /// A safe method with a body, which has no defined meaning.
    Body,
    /// By its method it changes nothing, but a rule says that it is to be recorded.
    Declared,
}

impl Safety {
    /// Whether the request need not be audited.
    pub fn is_safe(self) -> bool {
        self == Self::Safe
    }
}

/// Header fields by which frameworks let a client name another method.
const OVERRIDE_HEADERS: [&str; 4] =
    ["x-http-method-override", "x-http-method", "x-method-override", "x-method"];

/// Header fields by which a front end names the path that it had, or wants.
const PATH_HEADERS: [&str; 5] =
    ["x-original-url", "x-rewrite-url", "x-original-uri", "x-rewrite-uri", "x-override-url"];

/// Parameters by which frameworks let a client name another method.
const OVERRIDE_PARAMETERS: [&[u8]; 5] = [
    b"_method",
    b"_http_method",
    b"x-http-method-override",
    b"x-http-method",
    b"x-method-override",
];

/// A name may be encoded so many times over before it counts as an override unread.
const DECODINGS: usize = 4;

/// Judges a request. Only `GET`, `HEAD` and `OPTIONS`, spelled exactly so, without a body and
/// without any sign of another method are safe.
pub fn safety(method: &str, path_and_query: &str, headers: &HeaderMap, has_body: bool) -> Safety {
    if headers.keys().any(|name| is_override_header(name.as_str()))
        || has_override_parameter(path_and_query.as_bytes())
    {
        Safety::Override
    } else if !matches!(method, "GET" | "HEAD" | "OPTIONS") {
        Safety::Method
    } else if has_body {
        Safety::Body
    } else {
        Safety::Safe
    }
}

/// Whether a field names a path that some frameworks and servers take in place of the request's.
pub fn names_another_path(headers: &HeaderMap) -> bool {
    other_paths(headers).next().is_some()
}

/// Whether a field of this name names another path, which some frameworks take in place of the
/// request's.
pub fn is_path_header(name: &str) -> bool {
    is_one_of(name, &PATH_HEADERS)
}

/// What fields say that some frameworks and servers take in place of the request's path.
pub fn other_paths(headers: &HeaderMap) -> impl Iterator<Item = &HeaderValue> {
    headers
        .iter()
        .filter_map(|(name, value)| is_one_of(name.as_str(), &PATH_HEADERS).then_some(value))
}

/// Whether a field of this name, in lower case, names another method.
pub fn is_override_header(name: &str) -> bool {
    is_one_of(name, &OVERRIDE_HEADERS)
}

/// Header names are lower case here; gateways that speak CGI take `_` for `-`.
fn is_one_of(name: &str, list: &[&str]) -> bool {
    let same = |(a, b): (u8, u8)| a == b || (a == b'_' && b == b'-');
    list.iter().any(|known| known.len() == name.len() && name.bytes().zip(known.bytes()).all(same))
}

/// Whether a parameter of this name, decoded once or not at all, names another method.
pub fn is_override_parameter(name: &str) -> bool {
    let mut name = Cow::Borrowed(name.as_bytes());
    for _ in 0..DECODINGS {
        if is_parameter(&name) {
            return true;
        }
        let decoded = match percent_decode(&name) {
            Cow::Owned(decoded) if decoded != *name => decoded,
            _ => return false,
        };
        name = Cow::Owned(decoded);
    }
    is_parameter(&name)
}

/// Whether a path with its query has a parameter that may stand for another method, in any of the
/// ways in which it could be read.
pub fn has_override_parameter(path_and_query: &[u8]) -> bool {
    let mut text = path_and_query.to_vec();
    for _ in 0..DECODINGS {
        if names_override(&text) {
            return true;
        }
        let decoded = percent_decode(&text);
        if decoded.as_ref() == text.as_slice() {
            return false;
        }
        text = decoded.into_owned();
    }
    // Encoded deeper than anybody means honestly.
    names_override(&text) || text.contains(&b'%')
}

fn names_override(text: &[u8]) -> bool {
    holds_mutation(text) || names_method(text)
}

/// Whether a parameter may be a GraphQL document that changes something: there are servers that run
/// it, whatever the method. How they read its name (`query`, `batch[]`, ` query`) nobody can say.
fn holds_mutation(text: &[u8]) -> bool {
    let Some(start) = memchr::memchr(b'?', text) else { return false };
    let query = text.get(start..).unwrap_or_default();
    let found = memchr::memmem::find(query, b"mutation");
    found.and_then(|at| query.get(at..)).is_some_and(|rest| rest.contains(&b'{'))
}

fn names_method(text: &[u8]) -> bool {
    text.split(|byte| b"?&;#".contains(byte)).skip(1).any(|parameter| {
        is_parameter(parameter.split(|byte| *byte == b'=').next().unwrap_or_default())
    })
}

fn is_parameter(name: &[u8]) -> bool {
    let name = name.split(|byte| *byte == b'[').next().unwrap_or_default().trim_ascii();
    OVERRIDE_PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known))
}
