//! The provider: where it is asked (OpenID Connect Discovery), its keys, and what it hands out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use form_urlencoded::{Serializer, byte_serialize};
use ring::digest;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio::sync::{Mutex, Semaphore};

use super::attempt::Attempt;
use super::claim;
use crate::config::Oidc;
use crate::identify::{Endpoint, IdTokenError, IdTokenRule, KeySet, KeySetError, Secret};
use crate::proxy::{Outward, OutwardError, Question};

/// The largest answer, in bytes.
const ANSWER_BYTES: usize = 512 * 1024;
/// How long is believed what the provider says of itself.
const FRESH: Duration = Duration::from_secs(3600);
/// After a failure, or for keys that are not there, the provider is asked again this late.
const PAUSE: Duration = Duration::from_secs(2);
/// Browsers for which the provider is asked at one time.
const AT_ONCE: usize = 16;

/// Why a provider's word does not count. Nothing of a token is in it.
#[derive(Debug, thiserror::Error)]
pub(in crate::api) enum OidcError {
    #[error("no random bytes can be had: {0}")]
    Random(std::io::Error),
    #[error("{what}: {error}")]
    Asked { what: &'static str, error: OutwardError },
    #[error("{what}: the answer has the status {status}{}", said(.error))]
    Status { what: &'static str, status: u16, error: String },
    #[error("{what}: the answer is not what the specification asks for")]
    Form { what: &'static str },
    #[error("the keys of the provider cannot be used: {0}")]
    Keys(KeySetError),
    #[error("the discovery document is one of another issuer: compare `issuer`, to the letter")]
    OtherDiscovery,
    #[error("the provider names `{0}`, which is no address that may be asked")]
    Address(&'static str),
    #[error("the provider failed a moment ago and is not asked again yet")]
    Pause,
    #[error("too many sign-ins at one time")]
    Busy,
    #[error("the provider refused{}", said(.0))]
    Refused(String),
    #[error("the browser came back from another issuer, or does not say from which")]
    OtherIssuer,
    #[error("the browser came back without a code")]
    NoCode,
    #[error("the ID token: {0}")]
    Token(#[from] IdTokenError),
    #[error("the provider does not say who it is (`sub`), or says two different things")]
    NoSubject,
}

fn said(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!(", with `{code}`") }
}

impl OidcError {
    /// The provider's own word for it, as far as it is one.
    pub(super) fn said(code: Option<&str>) -> Self {
        Self::Refused(error_code(code))
    }

    /// As events say it.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Refused(_) => "oidc_refused",
            Self::Token(_) | Self::NoSubject => "oidc_token",
            Self::OtherIssuer | Self::NoCode => "oidc_state",
            _ => "oidc_provider",
        }
    }
}

/// One of the codes that specifications name: short, and plain.
fn error_code(code: Option<&str>) -> String {
    let is_plain = |c: char| c.is_ascii_lowercase() || c == '_';
    code.filter(|code| code.len() <= 64 && code.chars().all(is_plain))
        .unwrap_or_default()
        .to_owned()
}

/// What a provider says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct Discovery {
    issuer: String,
    pub(super) authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
}

/// What is known of a provider at present.
pub(super) struct Known {
    pub(super) discovery: Discovery,
    keys: Arc<KeySet>,
    since: Instant,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

/// A provider at work.
pub(in crate::api) struct Provider {
    pub(super) config: Oidc,
    /// Where browsers come back.
    pub(super) callback: String,
    outward: Outward,
    turns: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: Option<Arc<Known>>,
    failed: Option<Instant>,
}

impl Provider {
    pub(in crate::api) fn new(config: Oidc, callback: String) -> Self {
        let turns = Semaphore::new(AT_ONCE);
        Self { config, callback, outward: Outward::default(), turns, state: Mutex::default() }
    }

    pub(in crate::api) fn label(&self) -> &str {
        &self.config.label
    }

    /// Changes with whom the provider vouches for, and with what they may do.
    pub(in crate::api) fn version(&self) -> String {
        let Oidc { issuer, client_id, claim, grants, .. } = &self.config;
        let text = format!("{:?}", (issuer, client_id, claim, grants));
        hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
    }

    /// What is known of it; it is asked where that is not fresh.
    pub(super) async fn known(&self) -> Result<Arc<Known>, OidcError> {
        self.known_since(None).await
    }

    /// The same, but not what was known at that time.
    async fn known_since(&self, stale: Option<Instant>) -> Result<Arc<Known>, OidcError> {
        let mut state = self.state.lock().await;
        if let Some(known) = &state.known
            && known.since.elapsed() < FRESH
            && (stale != Some(known.since) || known.since.elapsed() < PAUSE)
        {
            return Ok(Arc::clone(known));
        }
        if state.failed.is_some_and(|failed| failed.elapsed() < PAUSE) {
            return Err(OidcError::Pause);
        }
        match self.discover().await {
            Ok(known) => {
                let known = Arc::new(known);
                state.known = Some(Arc::clone(&known));
                Ok(known)
            }
            Err(error) => {
                state.failed = Some(Instant::now());
                Err(error)
            }
        }
    }

    async fn discover(&self) -> Result<Known, OidcError> {
        const WHAT: &str = "the discovery document";
        let base = self.config.issuer.trim_end_matches('/');
        let place = format!("{base}/.well-known/openid-configuration");
        let discovery: Discovery = self.ask(WHAT, &place, None, None).await?;
        if discovery.issuer != self.config.issuer {
            return Err(OidcError::OtherDiscovery);
        }
        // A browser is sent there, and must not be sent to `javascript:` or the like.
        self.endpoint("authorization_endpoint", &discovery.authorization_endpoint)?;
        self.endpoint("token_endpoint", &discovery.token_endpoint)?;
        let set: Value = self.ask("the keys", &discovery.jwks_uri, None, None).await?;
        let keys = KeySet::from_jwks(set.to_string().as_bytes()).map_err(OidcError::Keys)?;
        Ok(Known { discovery, keys: Arc::new(keys), since: Instant::now() })
    }

    /// What the provider says of whoever brought this code: in the token, and, where groups are not in
    /// it, to whom asks further.
    pub(super) async fn claims(
        &self,
        known: &Known,
        code: &str,
        attempt: &Attempt,
        now: i64,
    ) -> Result<Map<String, Value>, OidcError> {
        let _turn = self.turns.try_acquire().map_err(|_| OidcError::Busy)?;
        let tokens = self.tokens(&known.discovery, code, attempt).await?;
        let Oidc { issuer, client_id, claim: wanted, .. } = &self.config;
        let nonce = attempt.nonce();
        let rule = IdTokenRule { issuer, client_id, nonce: &nonce, now };
        let claims = match rule.proved(&tokens.id_token, &known.keys) {
            // The keys may be new ones.
            Err(IdTokenError::UnknownKey) => {
                let newer = self.known_since(Some(known.since)).await?;
                rule.proved(&tokens.id_token, &newer.keys)
            }
            proved => proved,
        };
        let mut claims = claims?;
        let further = (&known.discovery.userinfo_endpoint, &tokens.access_token);
        if let (None, (Some(place), Some(token))) = (claim(&claims, wanted), further) {
            let bearer = Some(format!("Bearer {token}"));
            let more: Map<String, Value> = self.ask("the user info", place, None, bearer).await?;
            if more.get("sub") != claims.get("sub") {
                return Err(OidcError::NoSubject);
            }
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
        Ok(claims)
    }

    /// Exchanges a code.
    async fn tokens(
        &self,
        discovery: &Discovery,
        code: &str,
        attempt: &Attempt,
    ) -> Result<Tokens, OidcError> {
        let (form, authorization) = self.exchange(discovery, code, attempt);
        self.ask("the exchange of the code", &discovery.token_endpoint, Some(form), authorization)
            .await
    }

    /// The form that exchanges a code, and who says that it is the client.
    fn exchange(
        &self,
        discovery: &Discovery,
        code: &str,
        attempt: &Attempt,
    ) -> (String, Option<String>) {
        let client = &self.config.client_id;
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.callback)
            .append_pair("code_verifier", &attempt.verifier());
        let knows = |name: &str| {
            let methods = discovery.token_endpoint_auth_methods_supported.as_ref();
            methods.map(|methods| methods.iter().any(|method| method == name))
        };
        let secret = self.config.client_secret.as_ref().map(Secret::expose);
        let authorization = match secret {
            Some(secret)
                if knows("client_secret_basic") == Some(false)
                    && knows("client_secret_post") == Some(true) =>
            {
                form.append_pair("client_id", client).append_pair("client_secret", secret);
                None
            }
            Some(secret) => {
                let escaped = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", escaped(client), escaped(secret));
                Some(format!("Basic {}", BASE64_STANDARD.encode(pair)))
            }
            None => {
                form.append_pair("client_id", client);
                None
            }
        };
        (form.finish(), authorization)
    }

    fn endpoint(&self, name: &'static str, url: &str) -> Result<Endpoint, OidcError> {
        let endpoint = Endpoint::parse(url).filter(|it| it.tls || it.is_here());
        let endpoint = endpoint.ok_or(OidcError::Address(name))?;
        Ok(Endpoint { authorities: self.config.authorities.clone(), ..endpoint })
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        what: &'static str,
        url: &str,
        form: Option<String>,
        authorization: Option<String>,
    ) -> Result<T, OidcError> {
        let endpoint = self.endpoint(what, url)?;
        let (limit, timeout) = (ANSWER_BYTES, self.config.timeout);
        let body = form.map(|form| ("application/x-www-form-urlencoded", form));
        let question = Question { endpoint: &endpoint, body, authorization, limit, timeout };
        let asked = self.outward.ask(question).await;
        let reply = asked.map_err(|error| OidcError::Asked { what, error })?;
        if reply.status != 200 {
            let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            let error = error_code(body.get("error").and_then(Value::as_str));
            return Err(OidcError::Status { what, status: reply.status, error });
        }
        serde_json::from_slice(&reply.body).map_err(|_| OidcError::Form { what })
    }
}
