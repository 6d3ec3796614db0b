//! Questions to servers that the configuration names, for those who know nothing of Pingora.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use pingora::connectors::http::Connector;
use tokio::time::timeout;

use super::fetch::{self, FetchError, ask_server};
use crate::identify::Endpoint;

/// Connections to such servers.
#[derive(Default)]
pub struct Outward {
    // Made where it is used: it belongs to that runtime.
    connector: OnceLock<Connector>,
}

/// One question.
pub struct Question<'a> {
    /// To whom.
    pub endpoint: &'a Endpoint,
    /// What to send, and of which type; without it, it is a GET.
    pub body: Option<(&'static str, String)>,
    /// The field `Authorization`.
    pub authorization: Option<String>,
    /// The largest answer, in bytes.
    pub limit: usize,
    /// How long it may take.
    pub timeout: Duration,
}

/// An answer, whole.
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why there is none. Nothing of what was sent or received is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct OutwardError(#[from] FetchError);

impl Outward {
    /// Asks, and waits for the whole answer.
    pub async fn ask(&self, question: Question<'_>) -> Result<Reply, OutwardError> {
        let wrong = |_| FetchError::Request;
        let method = if question.body.is_some() { "POST" } else { "GET" };
        let mut head = fetch::head(method, question.endpoint)?;
        if let Some(authorization) = question.authorization {
            head.insert_header("Authorization", authorization).map_err(wrong)?;
        }
        let (kind, body) = question.body.unwrap_or_default();
        if !body.is_empty() {
            head.insert_header("Content-Type", kind).map_err(wrong)?;
            head.insert_header("Content-Length", body.len()).map_err(wrong)?;
        }
        let connector = self.connector.get_or_init(|| Connector::new(None));
        let body = Bytes::from(body);
        let asked = ask_server(connector, question.endpoint, &head, &body, question.limit);
        let answer = timeout(question.timeout, asked).await.unwrap_or(Err(FetchError::Late))?;
        Ok(Reply { status: answer.status, body: answer.body })
    }
}
