//! How readers get in, as the configuration says.

use std::time::Duration;

use crate::access::SessionRules;
use crate::config::{PublicUrl, Reading};

/// The cookie of a session. Over TLS its prefix keeps other hosts and plain HTTP from setting it.
const COOKIE: &str = "countersign_session";
const COOKIE_SECURE: &str = "__Host-countersign_session";

/// How readers get in.
#[derive(Debug)]
pub struct Ways {
    pub(super) sessions: SessionRules,
    pub(super) public: Option<PublicUrl>,
}

/// The ways to sign in that a page can offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInWays {
    /// By a token.
    pub token: bool,
    /// By an identity provider of that name.
    pub oidc: Option<String>,
}

impl Default for Ways {
    fn default() -> Self {
        let (idle, total) = (Duration::from_secs(30 * 60), Duration::from_secs(12 * 3600));
        Self { sessions: SessionRules { idle, total, provider: None }, public: None }
    }
}

impl Ways {
    /// Those of a configuration.
    pub fn of(reading: &Reading) -> Self {
        let sessions = &reading.sessions;
        Self {
            sessions: SessionRules { idle: sessions.idle, total: sessions.total, provider: None },
            public: reading.public_url.clone(),
        }
    }

    /// What a page that asks for signing in can offer.
    pub fn sign_in(&self) -> SignInWays {
        SignInWays { token: true, oidc: None }
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
