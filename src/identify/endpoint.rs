//! Servers that are asked about credentials: their keys, or whose a token is.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use http::Uri;

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

impl Endpoint {
    /// A server by its URL, if it is one without user and fragment.
    pub fn parse(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let tls = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        if url.contains(['#', '@']) {
            return None;
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let (authorities, client) = (Vec::new(), None);
        (!host.is_empty()).then_some(Self { tls, host, port, path, authorities, client })
    }

    /// Whether what is sent there stays on this machine.
    pub fn is_here(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.is_loopback())
    }
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
