//! Signing in with an OpenID Connect provider: the authorization code flow with PKCE (RFC 7636), state
//! and nonce.
//!
//! Invariants:
//! - A callback counts only in the browser that began, and once: what ties them is derived from a
//!   secret in that browser's cookie.
//! - The browser learns that it did not work, the log of the process why, and neither a token.

mod attempt;
mod provider;

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{Extensions, HeaderMap, Uri};
use axum::response::Response;
use form_urlencoded::Serializer;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::browser::{Next, ask_to_sign_in, go_to, redirect, set_cookie, with_session};
use super::token::begin;
use super::{Refusal, refuse};
use crate::access::{GroupGrant, Reader, Way};
use crate::api::Origin;
use crate::api::log::Log;
use crate::api::problem::Problem;
use crate::api::record::stranger;
use crate::api::shown::cookie;
use attempt::{ATTEMPT_SECONDS, Attempt};
use provider::OidcError;
pub(in crate::api) use provider::Provider;

/// Groups of one person that are looked at.
const GROUPS_MAX: usize = 10_000;

/// Who they are, as the provider says.
struct Person {
    id: String,
    name: Option<String>,
    groups: Vec<String>,
}

/// Why nobody gets in by a callback.
enum Failed {
    /// It belongs to no sign-in of this browser.
    State,
    /// The provider says no, or what it says cannot be believed.
    Provider(OidcError),
    /// They are in no group that may do anything.
    Role(Person),
}

#[derive(Deserialize)]
pub(super) struct Start {
    #[serde(default)]
    next: String,
}

pub(super) async fn start(
    State(log): State<Arc<Log>>,
    Query(asked): Query<Start>,
) -> Result<Response, Problem> {
    let provider = log.ways.oidc.as_ref().ok_or_else(Problem::no_route)?;
    let next = Next::of(&asked.next);
    let refused = |error: &OidcError| {
        tracing::warn!(%error, issuer = provider.config.issuer, "nobody can sign in with the provider");
        ask_to_sign_in(&log.ways, Some(Refusal::Oidc), &next)
    };
    let (known, attempt) = match (provider.known().await, Attempt::new(next.clone())) {
        (Ok(known), Ok(attempt)) => (known, attempt),
        (Err(error), _) => return Ok(refused(&error)),
        (_, Err(error)) => return Ok(refused(&OidcError::Random(error))),
    };
    let scope = ["openid"].into_iter().chain(provider.config.scopes.iter().map(String::as_str));
    let query = Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.config.client_id)
        .append_pair("redirect_uri", &provider.callback)
        .append_pair("scope", &scope.collect::<Vec<_>>().join(" "))
        .append_pair("state", &attempt.state())
        .append_pair("nonce", &attempt.nonce())
        .append_pair("code_challenge", &attempt.challenge())
        .append_pair("code_challenge_method", "S256")
        .finish();
    let target = &known.discovery.authorization_endpoint;
    let mark = if target.contains('?') { '&' } else { '?' };
    let mut response = redirect(&format!("{target}{mark}{query}"));
    let name = log.ways.attempt_cookie();
    set_cookie(&mut response, &log.ways, name, &attempt.to_cookie(), ATTEMPT_SECONDS);
    Ok(response)
}

pub(super) async fn callback(
    State(log): State<Arc<Log>>,
    headers: HeaderMap,
    extensions: Extensions,
    uri: Uri,
) -> Result<Response, Problem> {
    let provider = log.ways.oidc.as_ref().ok_or_else(Problem::no_route)?;
    let from = Origin::of(&extensions);
    let attempt = cookie(&headers, log.ways.attempt_cookie()).and_then(Attempt::from_cookie);
    let next = attempt.as_ref().map_or_else(|| Next::of(""), |attempt| attempt.next.clone());
    let found = match &attempt {
        Some(attempt) => answered(&log, provider, attempt, &uri).await,
        None => Err(Failed::State),
    };
    let (actor, reason, refusal) = match found {
        Ok(reader) => {
            let session = begin(&log, &headers, reader, &from, "oidc").await;
            let mut response = match &session {
                Some(session) => with_session(go_to(&log.ways, &next), &log.ways, Some(session)),
                None => ask_to_sign_in(&log.ways, Some(Refusal::Unavailable), &next),
            };
            set_cookie(&mut response, &log.ways, log.ways.attempt_cookie(), "", 0);
            return Ok(response);
        }
        Err(Failed::State) => (None, "oidc_state", Refusal::Oidc),
        Err(Failed::Provider(error)) => {
            let issuer = &provider.config.issuer;
            tracing::warn!(%error, issuer, "a sign-in with the provider failed");
            (None, error.reason(), Refusal::Oidc)
        }
        Err(Failed::Role(person)) => {
            (Some(stranger(&log, &person.id, "session")), "role", Refusal::Role)
        }
    };
    let metadata = json!({"way": "oidc", "provider": provider.config.issuer});
    let refusal = refuse(&log, &from, actor, reason, metadata).await.unwrap_or(refusal);
    let mut response = ask_to_sign_in(&log.ways, Some(refusal), &next);
    set_cookie(&mut response, &log.ways, log.ways.attempt_cookie(), "", 0);
    Ok(response)
}

/// Who comes back from the provider.
async fn answered(
    log: &Log,
    provider: &Provider,
    attempt: &Attempt,
    uri: &Uri,
) -> Result<Reader, Failed> {
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let answer: Vec<(String, String)> = query.into_owned().collect();
    let one = |name: &str| {
        let mut values = answer.iter().filter(|(known, _)| known == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value.as_str()),
            _ => None,
        }
    };
    if !attempt.is_answered_by(one("state").unwrap_or_default()) {
        return Err(Failed::State);
    }
    if answer.iter().any(|(name, _)| name == "error") {
        return Err(Failed::Provider(OidcError::said(one("error"))));
    }
    let known = provider.known().await.map_err(Failed::Provider)?;
    let issuer = answer.iter().any(|(name, _)| name == "iss").then(|| one("iss"));
    match issuer {
        Some(issuer) if issuer != Some(&provider.config.issuer) => {
            return Err(Failed::Provider(OidcError::OtherIssuer));
        }
        None if known.discovery.authorization_response_iss_parameter_supported => {
            return Err(Failed::Provider(OidcError::OtherIssuer));
        }
        _ => {}
    }
    let code = one("code").ok_or(Failed::Provider(OidcError::NoCode))?;
    let now = log.clock.now().timestamp();
    let claims = provider.claims(&known, code, attempt, now).await.map_err(Failed::Provider)?;
    let person =
        person(&claims, &provider.config.claim).ok_or(Failed::Provider(OidcError::NoSubject))?;
    let grant = GroupGrant::first(&provider.config.grants, &person.groups);
    let reader = grant
        .and_then(|grant| Reader::person(&person.id, person.name.as_deref(), grant, Way::Oidc));
    reader.ok_or(Failed::Role(person))
}

fn person(claims: &Map<String, Value>, groups: &str) -> Option<Person> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    let name = ["name", "preferred_username", "email"].into_iter().find_map(text);
    let groups = match claim(claims, groups) {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(all)) => {
            let names = all.iter().take(GROUPS_MAX).filter_map(Value::as_str);
            names.map(ToOwned::to_owned).collect()
        }
        _ => Vec::new(),
    };
    let id = text("sub").filter(|id| !id.trim().is_empty())?;
    Some(Person { id, name, groups })
}

/// A claim by its name, or else by a path of names.
fn claim<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    if let Some(found) = claims.get(name) {
        return Some(found);
    }
    let (first, rest) = name.split_once('.')?;
    rest.split('.').try_fold(claims.get(first)?, |value, name| value.get(name))
}
