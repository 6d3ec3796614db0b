//! Tokens that an identity provider hands out at a sign-in (OpenID Connect Core, section 3.1.3.7).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::jws::{Algorithm, KeySet};
use super::jwt::parse;
use super::token::{Times, TokenKeys, TokenRule, Verdict, check};

/// How far clocks may differ, in seconds.
const LEEWAY: i64 = 60;
/// How long ago a token was made, at most, in seconds: it comes straight from the provider.
const AGE_MAX: i64 = 600;

/// Why a token is no proof. Nothing of the token is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// It is no token of this form.
    #[error("it is no JSON Web Token in compact form")]
    Malformed,
    /// It is signed with a key that the provider has not published, or not yet.
    #[error("it is signed with a key that is not among the provider's")]
    UnknownKey,
    /// It names another issuer.
    #[error("its `iss` is not the issuer that is configured")]
    Issuer,
    /// It is for somebody else.
    #[error("its `aud` and `azp` do not name this client, and it alone")]
    Audience,
    /// It was made for another sign-in.
    #[error("its `nonce` is not the one of this sign-in")]
    Nonce,
    /// It does not say when it was made, or says another time.
    #[error("its `iat` is missing, in the future, or long ago")]
    IssuedAt,
    /// Its signature, or its times.
    #[error("it does not hold: {0}")]
    Refused(&'static str),
}

/// What a token of a sign-in must be.
#[derive(Debug)]
pub struct IdTokenRule<'a> {
    /// Its `iss`.
    pub issuer: &'a str,
    /// Its `aud`.
    pub client_id: &'a str,
    /// Its `nonce`.
    pub nonce: &'a str,
    /// The time, in seconds since 1970.
    pub now: i64,
}

impl IdTokenRule<'_> {
    /// What a token claims, if it is what it must be. Signatures by shared secrets prove nothing
    /// here.
    pub fn proved(
        &self,
        token: &str,
        keys: &Arc<KeySet>,
    ) -> Result<Map<String, Value>, IdTokenError> {
        let parsed = parse(token).ok_or(IdTokenError::Malformed)?;
        let asymmetric = Algorithm::NAMES.iter().map(|(_, algorithm)| *algorithm);
        let rule = TokenRule {
            keys: TokenKeys::Here(Arc::clone(keys)),
            algorithms: asymmetric.filter(|algorithm| !algorithm.is_symmetric()).collect(),
            issuers: vec![self.issuer.to_owned()],
            audiences: vec![self.client_id.to_owned()],
            leeway: LEEWAY,
        };
        match check(&rule, Some(keys), &parsed) {
            Verdict::Proved => {}
            Verdict::OtherIssuer => return Err(IdTokenError::Issuer),
            Verdict::UnknownKey => return Err(IdTokenError::UnknownKey),
            Verdict::Refused("actor_token_audience") => return Err(IdTokenError::Audience),
            Verdict::Refused(reason) => return Err(IdTokenError::Refused(reason)),
        }
        let claims = &parsed.claims;
        let times = Times::of(claims).map_err(IdTokenError::Refused)?;
        if let Some(reason) = times.refusal(self.now, LEEWAY) {
            return Err(IdTokenError::Refused(reason));
        }
        let made = claims.get("iat").and_then(Value::as_f64).ok_or(IdTokenError::IssuedAt)?;
        if !((self.now - AGE_MAX) as f64..=(self.now + LEEWAY) as f64).contains(&made) {
            return Err(IdTokenError::IssuedAt);
        }
        if !self.is_for_this_client_alone(claims) {
            return Err(IdTokenError::Audience);
        }
        if claims.get("nonce").and_then(Value::as_str) != Some(self.nonce) {
            return Err(IdTokenError::Nonce);
        }
        Ok(parsed.claims)
    }

    /// A token for several must say that it was handed to this one.
    fn is_for_this_client_alone(&self, claims: &Map<String, Value>) -> bool {
        let several = matches!(claims.get("aud"), Some(Value::Array(all)) if all.len() > 1);
        match claims.get("azp") {
            Some(azp) => azp.as_str() == Some(self.client_id),
            None => !several,
        }
    }
}
