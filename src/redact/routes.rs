//! What in an exchange says what is done rather than holds a value: the method, the words of routes,
//! the methods of calls, the names in documents.
//!
//! A client chooses its secrets. Were everything masked in which one of them occurs, a header such as
//! `X-Api-Key: DELETE` would take the action out of the record of its own request.

use std::collections::HashSet;
use std::ops::Range;

use super::escapes::find_escaped;
use super::ordinary::is_id;
use super::seen::{MASK, Search};
use super::walk::Members;
use crate::decode::percent_decode_lossy;

/// Longer segments are no words.
const WORD_BYTES_MAX: usize = 32;
/// Letters that the words of a compound such as `resetPassword` have on average, at least.
const LETTERS_MIN: usize = 3;
/// Longer methods of calls are looked through like other texts.
const CALL_BYTES_MAX: usize = 64;

/// Methods that are registered (IANA, HTTP Method Registry).
const METHODS: [&str; 40] = [
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "OPTIONS",
    "ORDERPATCH",
    "PATCH",
    "POST",
    "PRI",
    "PROPFIND",
    "PROPPATCH",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "TRACE",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
];

/// Whether a method is registered, in upper case.
pub(super) fn is_method(method: &str) -> bool {
    METHODS.binary_search(&method).is_ok()
}

/// A word as routes are made of: `users`, `api-keys`, `resetPassword`.
pub(super) fn is_route_word(segment: &str) -> bool {
    if segment.len() > WORD_BYTES_MAX
        || !segment.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-' || byte == b'_')
    {
        return false;
    }
    let upper = segment.bytes().filter(u8::is_ascii_uppercase).count();
    let begins = usize::from(segment.starts_with(|c: char| c.is_ascii_lowercase()));
    upper == 0 || segment.len() / (upper + begins) >= LETTERS_MIN
}

/// Segments that rules and documents name, in lower case.
#[derive(Debug, Default)]
pub struct RouteWords(HashSet<String>);

impl RouteWords {
    fn has(&self, segment: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&segment.to_ascii_lowercase())
    }

    /// The path with every segment shown as `shown` says in which a secret occurs, and the rule of the
    /// first; as many segments as before. Words of routes stay: whoever has `export` for a secret must
    /// not be able to hide what was exported.
    pub(super) fn scrub(
        &self,
        path: &str,
        search: &Search<'_>,
        shown: impl Fn(&str, usize) -> String,
    ) -> Option<(String, usize)> {
        let mut rules: Vec<Option<usize>> = Vec::new();
        let mut bounds: Vec<Range<usize>> = Vec::new();
        let mut at = 0;
        for segment in path.split('/') {
            bounds.push(at..at + segment.len());
            let rule = search.find(segment).or_else(|| find_escaped(segment, search));
            rules.push(rule.filter(|_| !search.is_id(&percent_decode_lossy(segment))));
            at += segment.len() + 1;
        }
        // Secrets with slashes in them stand in all the segments that they span.
        for (range, rule) in search.hits(path) {
            for (bounds, found) in bounds.iter().zip(&mut rules) {
                if bounds.start < range.end && range.start < bounds.end {
                    *found = found.or(Some(rule));
                }
            }
        }
        if rules.iter().all(Option::is_none) {
            let rule = find_escaped(path, search)?;
            // Where it stands in the path cannot be told.
            rules.iter_mut().for_each(|found| *found = Some(rule));
        }
        // A part of an id, or what spans one, is no credential there.
        let is_apart = |segment: &str| {
            let segment = percent_decode_lossy(segment);
            is_id(&segment) && !search.is_one(&segment)
        };
        let mut first = None;
        let mut segments = Vec::with_capacity(rules.len());
        for (segment, rule) in path.split('/').zip(rules) {
            let rule = rule.filter(|_| !segment.is_empty() && !is_route_word(segment));
            match rule.filter(|_| !self.has(segment) && !is_apart(segment)) {
                Some(rule) => {
                    first = first.or(Some(rule));
                    segments.push(shown(segment, rule));
                }
                None => segments.push(segment.to_owned()),
            }
        }
        first.map(|rule| (segments.join("/"), rule))
    }

    /// The path without anything but words of routes.
    pub(super) fn alone(&self, path: &str) -> String {
        let is_word = |segment: &str| segment.is_empty() || is_route_word(segment);
        let shown = |segment| if is_word(segment) || self.has(segment) { segment } else { MASK };
        path.split('/').map(shown).collect::<Vec<_>>().join("/")
    }
}

impl<S: AsRef<str>> FromIterator<S> for RouteWords {
    fn from_iter<I: IntoIterator<Item = S>>(words: I) -> Self {
        Self(words.into_iter().map(|word| word.as_ref().to_ascii_lowercase()).collect())
    }
}

/// Whether a member of a call holds its method, and nothing that could be a secret: `user.delete`.
pub(super) fn is_call_method(name: &str, text: &str) -> bool {
    name == "method"
        && text.len() <= CALL_BYTES_MAX
        && text.split(['.', '/', ':', '_']).all(is_route_word)
}

/// Whether this is a call of JSON-RPC.
pub(super) fn is_call(members: &Members<'_>) -> bool {
    members.iter().any(|(name, _)| name == "jsonrpc")
}

/// Whether a member may hold a GraphQL document.
pub(super) fn may_be_document(name: &str, text: &str) -> bool {
    matches!(name, "query" | "mutation") && text.contains('{')
}

/// Whether a part of a GraphQL document is a whole name outside of its literals: a word of the
/// schema.
pub(super) fn is_schema_name(document: &str, range: &Range<usize>) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = document.as_bytes();
    let (Some(before), Some(name), Some(after)) =
        (bytes.get(..range.start), bytes.get(range.clone()), bytes.get(range.end..))
    else {
        return false;
    };
    name.iter().all(u8::is_ascii_alphabetic)
        && !before.last().is_some_and(is_part)
        && !after.first().is_some_and(is_part)
        && before.iter().filter(|byte| **byte == b'"').count() % 2 == 0
        && !before.contains(&b'#')
        && !before.contains(&b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_routes_are_told_from_values() {
        for word in ["users", "api-keys", "resetPassword", "OAuthClient", "role_grant", "v"] {
            assert!(is_route_word(word), "{word}");
        }
        for value in ["victim99", "v1", "xKcQpWnZ", "sk_live_4", "a.b", &"a".repeat(33)] {
            assert!(!is_route_word(value), "{value}");
        }
        assert!(is_method("DELETE") && !is_method("delete") && !is_method("S3CRET"));
    }

    #[test]
    fn methods_are_in_order() {
        assert!(METHODS.is_sorted());
    }

    #[test]
    fn names_in_documents_are_told_from_literals() {
        let document = r#"mutation { deleteUser(id: "deleteUser") { ok } }"#;
        let (first, second) = (document.find("deleteUser"), document.rfind("deleteUser"));
        let range = |start: Option<usize>| start.unwrap()..start.unwrap() + 10;
        assert!(is_schema_name(document, &range(first)));
        assert!(!is_schema_name(document, &range(second)));
        let part = first.unwrap()..first.unwrap() + 6;
        assert!(!is_schema_name(document, &part));
    }
}
