//! Rules that say who acts, told to people. No secret is in it.

use std::fmt;

use super::rule::{ActorRule, Asked, Carrier, ProofRule};
use super::token::{TokenKeys, TokenRule};

impl fmt::Display for ActorRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.proof {
            ProofRule::Jwt(carrier, rule) => write!(f, "a JSON Web Token in {carrier}; {rule}"),
            ProofRule::Basic => f.write_str("HTTP Basic: a claim, which the application checks"),
            ProofRule::Header(name) => write!(f, "the header {name}, of trusted proxies"),
            ProofRule::ApiKey(carrier, keys) => {
                write!(f, "one of {} API keys in {carrier}", keys.len())
            }
            ProofRule::Mtls => f.write_str("a TLS client certificate"),
            ProofRule::SignIn(paths) => {
                write!(f, "the user name in a sign-in at {}: a claim", paths.join(", "))
            }
            ProofRule::Introspect(asked) => {
                match &asked.asked {
                    Asked::Application { path } => write!(f, "GET {path} of the application")?,
                    Asked::Server(server) => {
                        let scheme = if server.tls { "https" } else { "http" };
                        write!(f, "introspection (RFC 7662) by {scheme}://{}", server.host)?;
                    }
                }
                let with: Vec<&str> = asked.with.iter().map(|name| name.as_str()).collect();
                write!(f, ", shown {}", with.join(", "))?;
                match asked.cookies.as_slice() {
                    [] => Ok(()),
                    cookies => write!(f, " ({})", cookies.join(", ")),
                }
            }
        }
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header(name) => write!(f, "the header {name}"),
            Self::Cookie(name) => write!(f, "the cookie {name}"),
        }
    }
}

impl fmt::Display for TokenRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let any = |list: &[String]| match list {
            [] => "any".to_owned(),
            list => list.join(", "),
        };
        let keys = match self.keys {
            TokenKeys::Here(_) => "of a file",
            TokenKeys::Source(_) => "fetched",
        };
        let (issuers, audiences) = (any(&self.issuers), any(&self.audiences));
        write!(f, "keys {keys}; issuer {issuers}; audience {audiences}")
    }
}
