//! How readers get in, as the configuration says.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use super::sign_in::Provider;
use crate::access::{Reader, SessionRules, random};
use crate::config::{PublicUrl, Reading, Sessions, TrustedHeader};
use crate::identify::Endpoint;

/// The cookie of a session. Over TLS its prefix keeps other hosts and plain HTTP from setting it.
const COOKIE: &str = "countersign_session";
const COOKIE_SECURE: &str = "__Host-countersign_session";

/// The cookie of a sign-in with a provider that has begun.
const ATTEMPT: &str = "countersign_attempt";
const ATTEMPT_SECURE: &str = "__Host-countersign_attempt";
/// Where the provider sends browsers back.
const CALLBACK: &str = "/audit/oidc/callback";

/// How readers get in.
pub struct Ways {
    pub(super) sessions: SessionRules,
    pub(super) public: Option<PublicUrl>,
    pub(super) header: Option<TrustedHeader>,
    pub(super) oidc: Option<Provider>,
    /// Proves that a form was made for a person without a session.
    pub(super) csrf: hmac::Key,
}

/// The ways to sign in that a page can offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInWays {
    /// By a token.
    pub token: bool,
    /// By an identity provider of that name.
    pub oidc: Option<String>,
}

#[cfg(test)]
impl Default for Ways {
    fn default() -> Self {
        let (idle, total) =
            (std::time::Duration::from_secs(30 * 60), std::time::Duration::from_secs(12 * 3600));
        Self {
            sessions: SessionRules { idle, total, provider: None },
            public: None,
            header: None,
            oidc: None,
            csrf: hmac::Key::new(hmac::HMAC_SHA256, &[0; 32]),
        }
    }
}

impl Ways {
    /// Those of a configuration; its address is where it listens.
    pub fn of(reading: &Reading) -> io::Result<Self> {
        let base = match &reading.public_url {
            Some(PublicUrl { tls, authority, prefix }) => {
                format!("{}://{authority}{prefix}", if *tls { "https" } else { "http" })
            }
            None => format!("http://{}", reading.address),
        };
        let oidc = reading.oidc.clone();
        let oidc = oidc.map(|oidc| Provider::new(oidc, format!("{base}{CALLBACK}")));
        let Sessions { idle, total } = reading.sessions;
        Ok(Self {
            sessions: SessionRules { idle, total, provider: oidc.as_ref().map(Provider::version) },
            public: reading.public_url.clone(),
            header: reading.trusted_header.clone(),
            oidc,
            csrf: hmac::Key::new(hmac::HMAC_SHA256, &random()?),
        })
    }

    /// What a page that asks for signing in can offer.
    pub fn sign_in(&self) -> SignInWays {
        let label = self.oidc.as_ref().map(|provider| provider.label().to_owned());
        SignInWays { token: true, oidc: label }
    }

    /// What stands before paths where browsers are; mostly nothing.
    pub fn prefix(&self) -> &str {
        self.public.as_ref().map_or("", |public| &public.prefix)
    }

    /// Whether browsers come over TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.public.as_ref().is_some_and(|public| public.tls)
    }

    /// The name of the session's cookie.
    pub(super) fn cookie(&self) -> &'static str {
        if self.is_secure() { COOKIE_SECURE } else { COOKIE }
    }

    /// What a form of a person without a session must carry to change anything.
    pub(super) fn csrf(&self, reader: &Reader) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.csrf, reader.id().as_bytes()))
    }

    /// The name of the cookie of a sign-in that has begun.
    pub(super) fn attempt_cookie(&self) -> &'static str {
        if self.is_secure() { ATTEMPT_SECURE } else { ATTEMPT }
    }

    /// Whether this is a host under which the log is found. A site whose name was made to lead here
    /// (DNS rebinding) sends its own.
    pub(super) fn is_own_host(&self, host: Option<&str>) -> bool {
        let Some(host) = host else { return false };
        let public = self.public.as_ref().map(|public| public.authority.as_str());
        let name = Endpoint::parse(&format!("http://{host}/"));
        public.is_some_and(|public| public.eq_ignore_ascii_case(host))
            || name.is_some_and(|name| name.is_here())
    }

    /// Whether this is the host under which others find the log.
    pub(super) fn is_public_host(&self, host: Option<&str>) -> bool {
        let public = self.public.as_ref().zip(host);
        public.is_some_and(|(public, host)| public.authority.eq_ignore_ascii_case(host))
    }

    /// Whether this is an origin under which browsers find the log.
    pub(super) fn is_own_origin(&self, origin: &str, host: Option<&str>) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        match &self.public {
            Some(public) if public.authority.eq_ignore_ascii_case(authority) => {
                scheme == if public.tls { "https" } else { "http" }
            }
            _ => host.is_some_and(|host| host.eq_ignore_ascii_case(authority)),
        }
    }
}
