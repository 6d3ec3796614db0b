//! Rules that say who acts, checked.

use std::collections::HashSet;
use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::api_keys::ApiKeys;
use super::template::Template;
use super::token::TokenRule;
use crate::record::ActorKind;

/// One rule.
#[derive(Debug)]
pub struct ActorRule {
    /// How the actor is known.
    pub proof: ProofRule,
    /// The actor's id; by convention if not given.
    pub id: Option<Template>,
    /// The actor's name.
    pub name: Option<Template>,
    /// The actor's e-mail address.
    pub email: Option<Template>,
    /// What kind of actor; by convention if not given.
    pub kind: Option<ActorKind>,
}

/// How an actor is known.
#[derive(Debug)]
pub enum ProofRule {
    /// A JSON Web Token.
    Jwt(Carrier, TokenRule),
    /// HTTP Basic: what it claims; the password is the application's to check.
    Basic,
    /// A header that an authenticating proxy sets.
    Header(HeaderName),
    /// An API key.
    ApiKey(Carrier, ApiKeys),
    /// A TLS client certificate.
    Mtls,
    /// Somebody else is asked whose credential it is.
    Introspect(Introspection),
    /// The user name in a request that signs in.
    SignIn(Vec<String>),
}

/// What carries a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carrier {
    /// A header field. Of `Authorization` the credential is what stands behind the scheme.
    Header(HeaderName),
    /// A cookie.
    Cookie(String),
}

/// A credential that a carrier carries.
pub(super) struct Carried<'r> {
    pub(super) text: &'r str,
    /// It is there more than once: which one counts is not ours to say.
    pub(super) ambiguous: bool,
}

impl Carrier {
    /// The credential.
    pub(super) fn find<'r>(&self, headers: &'r HeaderMap) -> Option<Carried<'r>> {
        let mut found: Box<dyn Iterator<Item = &str>> = match self {
            Self::Header(name) => Box::new(
                headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default().trim()),
            ),
            Self::Cookie(name) => Box::new(
                cookies(headers).filter(move |(known, _)| known == name).map(|(_, value)| value),
            ),
        };
        let first = found.next()?;
        let ambiguous = found.next().is_some();
        let text = match self {
            Self::Header(name) if *name == AUTHORIZATION => token(first)?,
            _ => first,
        };
        (!text.is_empty()).then_some(Carried { text, ambiguous })
    }

    /// Whether a request has the header field, or the cookie.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        match self {
            Self::Header(name) => headers.contains_key(name),
            Self::Cookie(name) => cookies(headers).any(|(known, _)| known == name),
        }
    }

    /// Whether both read the same header field, or the same cookie.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Header(header), Self::Cookie(_)) | (Self::Cookie(_), Self::Header(header)) => {
                *header == COOKIE
            }
            (one, other) => one == other,
        }
    }
}

/// What stands behind a scheme that says no more than that a token follows.
fn token(authorization: &str) -> Option<&str> {
    const SCHEMES: [&str; 7] = ["bearer", "token", "dpop", "bot", "apikey", "api-key", "key"];
    let Some((scheme, token)) = authorization.split_once([' ', '\t']) else {
        return Some(authorization);
    };
    SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)).then(|| token.trim())
}

/// Names and values of cookies.
pub(super) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim()))
}

/// Asking somebody else whose credential it is.
#[derive(Debug, Clone)]
pub struct Introspection {
    /// Who is asked, and how.
    pub asked: Asked,
    /// The header fields with which the caller's own credential is passed on.
    pub with: Vec<HeaderName>,
    /// Of `Cookie`, the cookies that are passed on; all if there are none.
    pub cookies: Vec<String>,
    /// How long an answer holds.
    pub cache: Duration,
    /// How long an answer is waited for.
    pub timeout: Duration,
}

/// Who is asked whose credential it is.
#[derive(Debug, Clone)]
pub enum Asked {
    /// The application: a path below the upstream of the request's route.
    Application {
        /// Path and query.
        path: String,
    },
    /// An authorization server (RFC 7662).
    Server(super::Endpoint),
}

impl ActorRule {
    /// What the rule reads.
    pub(super) fn carriers(&self) -> Vec<Carrier> {
        match &self.proof {
            ProofRule::Jwt(carrier, _) | ProofRule::ApiKey(carrier, _) => vec![carrier.clone()],
            ProofRule::Basic => vec![Carrier::Header(AUTHORIZATION)],
            ProofRule::Header(name) => vec![Carrier::Header(name.clone())],
            ProofRule::Introspect(introspection) if introspection.cookies.is_empty() => {
                introspection.with.iter().cloned().map(Carrier::Header).collect()
            }
            ProofRule::Introspect(introspection) => {
                let headers = introspection.with.iter().filter(|name| **name != COOKIE);
                let cookies = introspection.cookies.iter().cloned().map(Carrier::Cookie);
                headers.cloned().map(Carrier::Header).chain(cookies).collect()
            }
            ProofRule::Mtls | ProofRule::SignIn(_) => Vec::new(),
        }
    }
}

impl Introspection {
    /// The caller's own credential, as it is passed on.
    pub fn passed_on(&self, headers: &HeaderMap) -> HeaderMap {
        let mut passed = HeaderMap::new();
        for name in &self.with {
            if *name != COOKIE {
                for value in headers.get_all(name) {
                    passed.append(name.clone(), value.clone());
                }
                continue;
            }
            let kept: Vec<String> = cookies(headers)
                .filter(|(name, _)| {
                    self.cookies.is_empty() || self.cookies.iter().any(|k| k == name)
                })
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            if let Ok(value) = HeaderValue::from_str(&kept.join("; "))
                && !kept.is_empty()
            {
                passed.insert(COOKIE, value);
            }
        }
        passed
    }

    /// Whether a credential is there twice, so that what is asked about may not be what counts.
    pub(super) fn is_repeated(&self, headers: &HeaderMap) -> bool {
        let mut seen = HashSet::new();
        let is_mine =
            |name: &str| self.cookies.is_empty() || self.cookies.iter().any(|k| k == name);
        self.with.iter().any(|name| match *name == COOKIE {
            true => {
                cookies(headers).any(|(name, _)| is_mine(name) && !seen.insert(name.to_owned()))
            }
            false => headers.get_all(name).iter().count() > 1,
        })
    }

    /// All that is passed on as one text; none if that is nothing.
    pub(super) fn secret(&self, passed: &HeaderMap) -> Option<String> {
        let values = self.with.iter().flat_map(|name| passed.get_all(name));
        let texts: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        (!texts.is_empty()).then(|| texts.join("\n"))
    }

    /// The token that an authorization server is asked about.
    pub fn token<'r>(&self, headers: &'r HeaderMap) -> Option<&'r str> {
        let headers_named = self.with.iter().filter(|name| **name != COOKIE);
        let mut carriers = headers_named
            .cloned()
            .map(Carrier::Header)
            .chain(self.cookies.iter().cloned().map(Carrier::Cookie));
        carriers.find_map(|carrier| carrier.find(headers)).map(|carried| carried.text)
    }
}
