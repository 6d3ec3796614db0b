//! What a JSON Web Token (RFC 7519) claims; no signature is checked.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use serde_json::{Map, Value};

use super::credential::LOOKED_INTO_BYTES_MAX;
use super::text::bounded;

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

/// The claims of a token in compact form; `None` if it is no such token.
pub(super) fn claims(token: &str) -> Option<Claims> {
    if token.len() > LOOKED_INTO_BYTES_MAX {
        return None;
    }
    let mut parts = token.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    // An unsigned token has an empty signature.
    BASE64URL.decode(signature).ok()?;
    object(header)?;
    let payload = object(payload)?;
    let claim = |names: &[&str]| {
        names.iter().find_map(|name| match payload.get(*name)? {
            Value::String(text) => bounded(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        })
    };
    let email = claim(&["email"]);
    let name = claim(&["name", "preferred_username", "username"]);
    let granted = claim(&["gty", "grant_type"]);
    Some(Claims {
        id: claim(&["sub", "user_id", "uid", "client_id"]),
        program: granted.is_some_and(|grant| grant.replace('_', "-") == "client-credentials"),
        name,
        email,
    })
}

fn object(part: &str) -> Option<Map<String, Value>> {
    match serde_json::from_slice(&BASE64URL.decode(part).ok()?).ok()? {
        Value::Object(object) => Some(object),
        _ => None,
    }
}
