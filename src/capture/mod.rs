//! Bounded heads and bodies of requests and responses, exactly as they crossed the wire.
//!
//! What is here is raw and may hold secrets: nothing in this module implements `Serialize`, and
//! `Debug` prints lengths, never contents. It does not know what the bytes mean.

mod body;
mod passed;

use std::fmt;
use std::net::IpAddr;

use http::HeaderMap;

pub use body::{Body, BodyCapture};
pub use passed::{Passed, WORD_BYTES_MIN, ends_word};

/// The head of a request and as much of its body as the capture limit allows.
pub struct Request {
    /// The method as sent, upper or lower case.
    pub method: String,
    /// The request target's path and query, byte for byte as the client sent them (ASCII).
    pub path_and_query: String,
    /// The `Host` header or `:authority`, as sent; empty when there was none.
    pub host: String,
    /// `1.0`, `1.1` or `2`.
    pub version: &'static str,
    /// All header fields, as sent.
    pub headers: HeaderMap,
    /// What was captured of the body.
    pub body: Body,
    /// The address of the connection's peer; `None` on a unix socket.
    pub peer: Option<IpAddr>,
    /// The peer is one of the configured trusted proxies.
    pub peer_trusted: bool,
}

/// The head of a response and as much of its body as the capture limit allows.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// All header fields, as the upstream sent them.
    pub headers: HeaderMap,
    /// What was captured of the body.
    pub body: Body,
    /// How the response is let go.
    pub release: Release,
}

/// How a response reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Held until its completion was durable.
    Held,
    /// Released after a completion that was written at its head; the rest streams.
    Streaming,
}

impl Release {
    /// As it is recorded.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Streaming => "streaming",
        }
    }
}

impl Request {
    /// The path, without the query.
    pub fn path(&self) -> &str {
        self.path_and_query.split_once('?').map_or(self.path_and_query.as_str(), |(path, _)| path)
    }

    /// The query, without the question mark.
    pub fn query(&self) -> Option<&str> {
        self.path_and_query.split_once('?').map(|(_, query)| query)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("path_and_query_len", &self.path_and_query.len())
            .field("headers_len", &self.headers.len())
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers_len", &self.headers.len())
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
