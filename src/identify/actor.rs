//! The actor, by convention.

use http::HeaderMap;

use super::credential::{Credential, credential, is_key_as_user};
use super::jwt;
use super::text::bounded;
use crate::capture::Request;
use crate::record::{Actor, ActorKind, AuthMethod};
use crate::redact::{FingerprintKey, Redacted, SECRET_DOMAIN, is_guessable};

/// The actor that a request claims to act for.
///
/// Of a credential it keeps a fingerprint over what stands after the scheme (for Basic, user and
/// password together), and none of a password that could be found by trying all values.
pub fn actor(request: &Request, key: &FingerprintKey) -> Redacted<Actor> {
    // Safe: user names and the claims of a token that say who, never the credential; what may be a
    // key in the place of a user name is left out.
    Redacted::vouched(by_convention(&request.headers, key))
}

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
    Actor { kind, id: None, name: None, email: None, auth, credential, verified: false }
}

/// In the redaction engine's domain, so that an actor's credential is recognised where the same
/// value occurs in a header or in a body.
fn print(key: &FingerprintKey, secret: &str) -> String {
    key.fingerprint(SECRET_DOMAIN, secret.as_bytes())
}
