//! The actor, by convention.

use http::HeaderMap;

use super::credential::{Credential, credential, is_key_as_user, queried};
use super::text::bounded;
use super::{Identified, jwt, signed};
use crate::capture::Request;
use crate::decode::percent_decode_lossy;
use crate::record::{Actor, ActorKind, AuthMethod};
use crate::redact::{FingerprintKey, Redacted, SECRET_DOMAIN, is_guessable};

/// The actor that a request claims to act for.
///
/// Of a credential it keeps a fingerprint over what stands after the scheme (for Basic, user and
/// password together; of what is signed, over the id of the key), and none of a password that could be
/// found by trying all values.
pub fn actor(request: &Request, key: &FingerprintKey) -> Redacted<Actor> {
    // Safe: user names and the claims of a token that say who, never the credential; what may be a
    // key in the place of a user name is left out.
    Redacted::vouched(of_request(request, key))
}

/// The same, not vouched for: by the header fields, or else by a key in the query.
pub(super) fn of_request(request: &Request, key: &FingerprintKey) -> Actor {
    let named = by_convention(&request.headers, key);
    let is_nobody = named.kind == ActorKind::Anonymous && named.credential.is_none();
    let query = request.query().unwrap_or_default();
    if !is_nobody {
        return named;
    }
    match (queried(query), signed::queried(query)) {
        (Some(sent), _) => claimed(&Credential::ApiKey(&percent_decode_lossy(sent)), key),
        (None, Some(id)) => claimed(&Credential::Signed(id), key),
        (None, None) => named,
    }
}

/// Who calls a model: whoever has the key in the query, if the header fields name nobody. Elsewhere a
/// parameter `key` may be anything.
pub fn caller(
    request: &Request,
    who: Redacted<Identified>,
    key: &FingerprintKey,
) -> Redacted<Identified> {
    let known = who.get();
    if known.actor.kind != ActorKind::Anonymous || known.actor.credential.is_some() {
        return who;
    }
    let found = request.query().unwrap_or_default().split('&').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_key = KEY_PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known));
        (is_key && !value.is_empty()).then(|| percent_decode_lossy(value))
    });
    let Some(found) = found else { return who };
    let actor = claimed(&Credential::ApiKey(&found), key);
    // Safe: of the key there is a fingerprint and nothing else.
    who.map(|who| {
        let actor = Actor { claimed: who.actor.claimed, ..actor };
        Identified { actor, notes: who.notes, rule: who.rule }
    })
}

/// Parameters of a query that carry an API key.
const KEY_PARAMETERS: [&str; 4] = ["key", "api_key", "api-key", "apikey"];

pub(super) fn by_convention(headers: &HeaderMap, key: &FingerprintKey) -> Actor {
    match credential(headers) {
        Some(credential) => claimed(&credential, key),
        None => known_as(ActorKind::Anonymous, None, None),
    }
}

pub(super) fn claimed(credential: &Credential<'_>, key: &FingerprintKey) -> Actor {
    let fingerprint = |secret: &str| (!is_guessable(secret)).then(|| print(key, secret));
    match credential {
        Credential::Basic { sent, user, password } if is_key_as_user(user, password) => {
            let secret = if user.len() > password.len() { user } else { password };
            let print = (!is_guessable(secret)).then(|| print(key, sent));
            // A short name without a password is no key, and no more than a name.
            let id = is_guessable(user).then(|| bounded(user)).flatten();
            let kind = if id.is_some() { ActorKind::User } else { ActorKind::Api };
            Actor { id, ..known_as(kind, Some(AuthMethod::Basic), print) }
        }
        Credential::Basic { sent, user, password } => {
            let print = (!is_guessable(password)).then(|| print(key, sent));
            let actor = known_as(ActorKind::User, Some(AuthMethod::Basic), print);
            Actor { id: bounded(user), ..actor }
        }
        Credential::Bearer(token) => match jwt::parse(token).map(|parsed| jwt::who(&parsed.claims))
        {
            Some(claims) => {
                let kind = if claims.program { ActorKind::Api } else { ActorKind::User };
                Actor {
                    id: claims.id,
                    name: claims.name,
                    email: claims.email,
                    ..known_as(kind, Some(AuthMethod::Jwt), fingerprint(token))
                }
            }
            None => known_as(ActorKind::Api, Some(AuthMethod::Bearer), fingerprint(token)),
        },
        Credential::ApiKey(secret) => {
            known_as(ActorKind::Api, Some(AuthMethod::ApiKey), fingerprint(secret))
        }
        Credential::Session(secret) => {
            known_as(ActorKind::User, Some(AuthMethod::Session), fingerprint(secret))
        }
        Credential::Signed(id) => known_as(ActorKind::Api, None, Some(print(key, id))),
        Credential::Other { sent, user } => {
            let id = user.and_then(bounded);
            let kind = if id.is_some() { ActorKind::User } else { ActorKind::Api };
            Actor { id, ..known_as(kind, None, fingerprint(sent)) }
        }
    }
}

pub(super) fn known_as(
    kind: ActorKind,
    auth: Option<AuthMethod>,
    credential: Option<String>,
) -> Actor {
    Actor { auth, credential, ..Actor::unknown(kind) }
}

/// In the redaction engine's domain, so that an actor's credential is recognised where the same
/// value occurs in a header or in a body.
fn print(key: &FingerprintKey, secret: &str) -> String {
    key.fingerprint(SECRET_DOMAIN, secret.as_bytes())
}
