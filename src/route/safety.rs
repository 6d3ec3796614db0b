//! Whether a request is provably without effect.

use std::borrow::Cow;

use http::HeaderMap;

use super::elsewhere::is_one_of;
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

/// Parameters by which frameworks let a client name another method.
const OVERRIDE_PARAMETERS: [&[u8]; 5] = [
    b"_method",
    b"_http_method",
    b"x-http-method-override",
    b"x-http-method",
    b"x-method-override",
];

/// Methods that a parameter called just `method` can name.
const UNSAFE_METHODS: [&[u8]; 4] = [b"POST", b"PUT", b"PATCH", b"DELETE"];

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

/// Whether a field of this name, in lower case, names another method.
pub fn is_override_header(name: &str) -> bool {
    is_one_of(name, &OVERRIDE_HEADERS)
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
        let mut parts = parameter.splitn(2, |byte| *byte == b'=');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        is_parameter(name) || (is_name(name, b"method") && is_unsafe_method(value))
    })
}

fn is_parameter(name: &[u8]) -> bool {
    let name = bare_name(name);
    OVERRIDE_PARAMETERS.iter().any(|known| is_same_name(name, known))
}

/// Whether a parameter may be known by this name.
fn is_name(name: &[u8], known: &[u8]) -> bool {
    is_same_name(bare_name(name), known)
}

/// What of a parameter's name may be taken for all of it: up to an index or what ends strings, without blanks.
fn bare_name(name: &[u8]) -> &[u8] {
    let name = name.split(|byte| matches!(byte, b'[' | 0)).next().unwrap_or_default();
    let blanks =
        name.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b'+').count();
    name.get(blanks..).unwrap_or_default().trim_ascii_end()
}

/// Whether names are one, with `_` for what PHP takes for it.
fn is_same_name(name: &[u8], known: &[u8]) -> bool {
    let same = |(a, b): (&u8, &u8)| {
        a.eq_ignore_ascii_case(b) || (*b == b'_' && matches!(a, b'.' | b' ' | b'+'))
    };
    name.len() == known.len() && name.iter().zip(known).all(same)
}

/// Whether a value can be meant as another method; what is called a method is mostly something else.
fn is_unsafe_method(value: &[u8]) -> bool {
    UNSAFE_METHODS.iter().any(|method| value.trim_ascii().eq_ignore_ascii_case(method))
}
