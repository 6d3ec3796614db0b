//! What a JSON Web Token (RFC 7519) claims; `token` checks whether it is true.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use serde_json::{Map, Value};

use super::credential::LOOKED_INTO_BYTES_MAX;
use super::text::bounded;
use crate::decode::{Node, json};

const BASE64URL: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, NO_PAD);

/// Claims that say who.
pub(super) struct Claims {
    /// `sub`, or what some issuers use in its place.
    pub(super) id: Option<String>,
    /// `name` or `preferred_username`.
    pub(super) name: Option<String>,
    /// `email`.
    pub(super) email: Option<String>,
    /// The token was issued to a program, not to a person.
    pub(super) program: bool,
}

/// A token in its parts, of which nothing is proved.
pub(super) struct Parsed<'t> {
    /// `alg`, as sent.
    pub(super) algorithm: String,
    /// `kid`: the key that the token names.
    pub(super) key_id: Option<String>,
    /// It says that more must be understood than we do (`crit`).
    pub(super) critical: bool,
    /// A name is there twice, in its header or among its claims: readers differ in which one counts.
    pub(super) repeats: bool,
    /// What it claims.
    pub(super) claims: Map<String, Value>,
    /// What the signature is over.
    pub(super) signed: &'t [u8],
    /// The signature; empty if there is none.
    pub(super) signature: Vec<u8>,
}

/// The parts of a token in compact form; `None` if it is no such token.
pub(super) fn parse(token: &str) -> Option<Parsed<'_>> {
    if token.len() > LOOKED_INTO_BYTES_MAX {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    if payload.contains('.') {
        return None;
    }
    let signature = BASE64URL.decode(signature).ok()?;
    let part = |part: &str| object(&BASE64URL.decode(part).ok()?);
    let ((header, header_repeats), (claims, claims_repeat)) = (part(header)?, part(payload)?);
    let text = |name: &str| header.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    Some(Parsed {
        algorithm: text("alg").unwrap_or_default(),
        key_id: text("kid"),
        critical: header.contains_key("crit"),
        repeats: header_repeats || claims_repeat,
        claims,
        signed: signed.as_bytes(),
        signature,
    })
}

/// Who claims by the names that issuers use.
pub(super) fn who(claims: &Map<String, Value>) -> Claims {
    let claim = |names: &[&str]| {
        names.iter().find_map(|name| match claims.get(*name)? {
            Value::String(text) => bounded(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    let email = claim(&["email"]);
    let name = claim(&["name", "preferred_username", "username"]);
    let granted = claim(&["gty", "grant_type"]);
    Claims {
        id: claim(&["sub", "user_id", "uid", "client_id"]),
        program: granted.is_some_and(|grant| grant.replace('_', "-") == "client-credentials"),
        name,
        email,
    }
}

/// Whether claims, or what else tells of somebody, say beside an e-mail address that nobody has made sure
/// whose it is (OpenID Connect Core, section 5.1): where users choose their own, it may be anybody's.
pub(super) fn doubts_email(claims: &Map<String, Value>) -> bool {
    let is_no = |value: &Value| match value {
        Value::Bool(flag) => !flag,
        Value::String(text) => text.trim().eq_ignore_ascii_case("false"),
        Value::Number(number) => number.as_i64() == Some(0),
        _ => false,
    };
    let says = |name: &str| claims.get(name).is_some_and(is_no);
    claims.contains_key("email") && (says("email_verified") || says("emailVerified"))
}

/// An object, and whether a name in it is there twice.
pub(super) fn object(bytes: &[u8]) -> Option<(Map<String, Value>, bool)> {
    let Value::Object(object) = serde_json::from_slice(bytes).ok()? else { return None };
    let exact = std::str::from_utf8(bytes).ok().and_then(|text| json(text).ok());
    Some((object, exact.is_none_or(|node| repeats(&node))))
}

fn repeats(node: &Node<'_>) -> bool {
    match node {
        Node::Array(items) => items.iter().any(repeats),
        Node::Object(members) => {
            let mut seen = HashSet::new();
            members.iter().any(|(name, inner)| !seen.insert(name.as_ref()) || repeats(inner))
        }
        _ => false,
    }
}
