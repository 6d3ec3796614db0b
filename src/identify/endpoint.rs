//! Servers that are asked about credentials: their keys, or whose a token is.

use std::fmt;
use std::time::Duration;

/// A server of HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Over TLS.
    pub tls: bool,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Path and query.
    pub path: String,
    /// Authorities that are trusted in place of the system's, as DER; the system's if there are
    /// none.
    pub authorities: Vec<Vec<u8>>,
    /// As whom it is asked.
    pub client: Option<ClientCredentials>,
}

/// Where the keys of an issuer are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySource {
    /// The server.
    pub endpoint: Endpoint,
    /// How old keys may become before they are fetched again.
    pub refresh: Duration,
    /// How long an answer is waited for.
    pub timeout: Duration,
}

/// As whom an authorization server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    /// The client's id.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
}

/// A secret of the operator's. Its `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, to be sent to whom it is shared with.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
