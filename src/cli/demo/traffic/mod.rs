//! About a minute of believable traffic, sent through a proxy: always the same script.
//!
//! Knows the sample API by its answers only. What it sends is full of planted secrets; nothing of
//! it is printed but methods, paths and statuses.

mod script;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::planted;
use script::{Body, Credentials, Step};

/// For a whole exchange.
const PATIENCE: Duration = Duration::from_secs(20);

/// Read of a response at most, in bytes.
const RESPONSE_LIMIT: usize = 1 << 20;

/// A base URL that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{url}` is not the base URL of a proxy, such as `http://127.0.0.1:8080`")]
pub struct BaseUrlError {
    url: String,
    #[source]
    source: http::Error,
}

/// What came of the traffic.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Requests that were sent.
    pub sent: usize,
    /// Requests whose method is not GET or HEAD.
    pub mutations: usize,
    /// Responses by status.
    pub by_status: BTreeMap<u16, usize>,
    /// Requests that got no response, or another status than the API gives without a proxy:
    /// method, path and what happened.
    pub unexpected: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} requests sent, {} of them mutations; by status:", self.sent, self.mutations)?;
        for (status, count) in &self.by_status {
            write!(f, " {status}×{count}")?;
        }
        for line in &self.unexpected {
            write!(f, "\n  unexpected: {line}")?;
        }
        Ok(())
    }
}

/// Sends the script to `base`, spread over about `seconds`; 0 is as fast as possible.
pub async fn send(base: &str, seconds: u64) -> Result<Tally, BaseUrlError> {
    let steps = script::steps();
    let pause = Duration::from_secs(seconds) / u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let mut sender = Sender {
        base: base.trim_end_matches('/').to_owned(),
        client: Client::builder(TokioExecutor::new()).build_http(),
        session: None,
    };
    let mut tally = Tally::default();
    for step in &steps {
        tally.sent += 1;
        tally.mutations += usize::from(!matches!(step.method, Method::GET | Method::HEAD));
        let request = sender.request(step)?;
        match tokio::time::timeout(PATIENCE, sender.exchange(step, request)).await {
            Ok(Ok(status)) => {
                *tally.by_status.entry(status.as_u16()).or_default() += 1;
                if status.as_u16() != step.expect {
                    let text = format!("{step}: {} instead of {}", status.as_u16(), step.expect);
                    tally.unexpected.push(text);
                }
            }
            Ok(Err(error)) => tally.unexpected.push(format!("{step}: {error}")),
            Err(_) => tally.unexpected.push(format!("{step}: no response")),
        }
        tokio::time::sleep(pause).await;
    }
    Ok(tally)
}

/// Why there was no whole response.
#[derive(Debug, thiserror::Error)]
enum ExchangeError {
    #[error("no response")]
    Send(#[from] hyper_util::client::legacy::Error),
    #[error("the response broke off")]
    Body(#[from] Box<dyn std::error::Error + Send + Sync>),
}

struct Sender {
    base: String,
    client: Client<HttpConnector, Full<Bytes>>,
    /// The session cookie of the last login.
    session: Option<HeaderValue>,
}

impl Sender {
    fn request(&self, step: &Step) -> Result<Request<Full<Bytes>>, BaseUrlError> {
        let url = format!("{}{}", self.base, step.path);
        let mut request = Request::builder()
            .method(step.method.clone())
            .uri(&url)
            .header(header::USER_AGENT, step.actor.user_agent);
        request = match step.actor.credentials {
            Credentials::None => request,
            Credentials::Authorization(value) => request.header(header::AUTHORIZATION, value),
            Credentials::Bearer(token) => {
                request.header(header::AUTHORIZATION, format!("Bearer {token}"))
            }
            Credentials::GatewayKey(number) => {
                let secret = format!("Bearer {}{number:08x}", planted::SECRET_PREFIX);
                request.header(header::AUTHORIZATION, secret)
            }
            Credentials::ApiKey(key) => request.header("x-api-key", key),
            Credentials::Session => match &self.session {
                Some(cookie) => request.header(header::COOKIE, cookie.clone()),
                None => request,
            },
        };
        if let Some(content_type) = step.body.content_type() {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        request
            .body(Full::new(step.body.bytes()))
            .map_err(|source| BaseUrlError { url: self.base.clone(), source })
    }

    async fn exchange(
        &mut self,
        step: &Step,
        request: Request<Full<Bytes>>,
    ) -> Result<StatusCode, ExchangeError> {
        let response = self.client.request(request).await?;
        let status = response.status();
        if let Some(cookie) = response.headers().get(header::SET_COOKIE) {
            self.session = cookie
                .to_str()
                .ok()
                .and_then(|cookie| cookie.split(';').next())
                .and_then(|pair| HeaderValue::from_str(pair).ok());
        }
        let mut body = Limited::new(response.into_body(), RESPONSE_LIMIT);
        if step.endless {
            first_piece(&mut body).await?;
        } else {
            body.collect().await?;
        }
        Ok(status)
    }
}

/// Reads what comes first of an endless stream.
async fn first_piece(body: &mut Limited<Incoming>) -> Result<(), ExchangeError> {
    match body.frame().await {
        Some(frame) => {
            frame?;
            Ok(())
        }
        None => Ok(()),
    }
}

impl Body {
    fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Json(_) => Some("application/json"),
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
            Self::Csv(_) => Some("text/csv"),
        }
    }

    fn bytes(&self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::Json(value) => Bytes::from(value.to_string()),
            Self::Form(text) | Self::Csv(text) => Bytes::from(text.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
