//! Whether what a token claims is true: signature, issuer, audience, times.
//!
//! What was proved once is remembered by the token's keyed digest, as long as the keys that proved
//! it are in force; whether it has expired is asked every time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::jws::{Algorithm, KeySet, Signature};
use super::jwt::Parsed;
use crate::record::Actor;

/// Tokens that are remembered, at most twice as many.
const REMEMBERED: usize = 2048;

/// What a token must be to count as proof.
#[derive(Debug)]
pub struct TokenRule {
    /// What its signature is checked with.
    pub keys: TokenKeys,
    /// The algorithms that are accepted, if the key is one for them.
    pub algorithms: Vec<Algorithm>,
    /// Its `iss` is one of these; any if there are none.
    pub issuers: Vec<String>,
    /// Its `aud` names one of these; any if there are none.
    pub audiences: Vec<String>,
    /// How far clocks may differ, in seconds.
    pub leeway: i64,
}

/// Where the keys of tokens come from.
#[derive(Debug)]
pub enum TokenKeys {
    /// They were read with the rules.
    Here(Arc<KeySet>),
    /// They are fetched: the position in [`super::Actors::key_sources`].
    Source(usize),
}

/// What came of looking at a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Proved,
    /// Another rule may know its issuer.
    OtherIssuer,
    /// Its key is not known, or not yet.
    UnknownKey,
    Refused(&'static str),
}

/// Checks everything but the times.
pub(super) fn check(rule: &TokenRule, keys: Option<&KeySet>, token: &Parsed<'_>) -> Verdict {
    if token.repeats {
        return Verdict::Refused("actor_token_repeats");
    }
    let issuer = token.claims.get("iss").and_then(Value::as_str);
    if !rule.issuers.is_empty()
        && !issuer.is_some_and(|issuer| rule.issuers.iter().any(|known| known == issuer))
    {
        return Verdict::OtherIssuer;
    }
    if token.algorithm.eq_ignore_ascii_case("none") || token.signature.is_empty() {
        return Verdict::Refused("actor_token_unsigned");
    }
    let algorithm = Algorithm::named(&token.algorithm).filter(|it| rule.algorithms.contains(it));
    let Some(algorithm) = algorithm else {
        return Verdict::Refused("actor_token_algorithm");
    };
    if token.critical {
        return Verdict::Refused("actor_token_critical");
    }
    let Some(keys) = keys else { return Verdict::UnknownKey };
    match keys.verify(algorithm, token.key_id.as_deref(), token.signed, &token.signature) {
        Signature::Right => {}
        Signature::Wrong => return Verdict::Refused("actor_token_signature"),
        Signature::UnknownKey => return Verdict::UnknownKey,
    }
    if rule.audiences.is_empty() || names_one_of(token.claims.get("aud"), &rule.audiences) {
        Verdict::Proved
    } else {
        Verdict::Refused("actor_token_audience")
    }
}

fn names_one_of(audience: Option<&Value>, known: &[String]) -> bool {
    let is_known = |value: &Value| value.as_str().is_some_and(|it| known.iter().any(|k| k == it));
    match audience {
        Some(Value::Array(items)) => items.iter().any(is_known),
        Some(value) => is_known(value),
        None => false,
    }
}

/// When a token holds, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Times {
    expires: f64,
    begins: f64,
}

impl Times {
    /// The times of a token; why they are none.
    pub(super) fn of(claims: &Map<String, Value>) -> Result<Self, &'static str> {
        let time = |name: &str| claims.get(name).map(|value| value.as_f64().ok_or(()));
        let malformed = |()| "actor_token_times";
        let expires = time("exp").ok_or("actor_token_without_expiry")?.map_err(malformed)?;
        let begins = time("nbf").transpose().map_err(malformed)?.unwrap_or(f64::MIN);
        Ok(Self { expires, begins })
    }

    /// Why the token does not hold now.
    pub(super) fn refusal(self, now: i64, leeway: i64) -> Option<&'static str> {
        let (now, leeway) = (now as f64, leeway as f64);
        if now >= self.expires + leeway {
            Some("actor_token_expired")
        } else if now < self.begins - leeway {
            Some("actor_token_not_yet_valid")
        } else {
            None
        }
    }
}

/// Which rule was asked about which token.
pub(super) type ProofKey = (usize, [u8; 32]);

/// What was proved.
#[derive(Debug, Clone)]
pub(super) struct Proof {
    pub(super) actor: Actor,
    /// What a reader should know of it.
    pub(super) note: Option<&'static str>,
    pub(super) times: Times,
    /// Of the keys that proved it.
    pub(super) version: u64,
}

/// What was proved before. Bounded: of two halves the older is forgotten when the younger is full.
#[derive(Debug, Default)]
pub(super) struct Proofs(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    young: HashMap<ProofKey, Arc<Proof>>,
    old: HashMap<ProofKey, Arc<Proof>>,
}

impl Proofs {
    pub(super) fn find(&self, key: &ProofKey) -> Option<Arc<Proof>> {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(proof) = halves.young.get(key) {
            return Some(Arc::clone(proof));
        }
        let proof = halves.old.remove(key)?;
        halves.add(*key, Arc::clone(&proof));
        Some(proof)
    }

    pub(super) fn add(&self, key: ProofKey, proof: Proof) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(key, Arc::new(proof));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halves.young.len() + halves.old.len()
    }
}

impl Halves {
    fn add(&mut self, key: ProofKey, proof: Arc<Proof>) {
        if self.young.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, proof);
    }
}
