//! Events of a proxy that runs, through its reading listener.

use std::io::Read;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Response;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::time::timeout;

use super::super::screen::printable;
use super::progress::Progress;
use super::{Last, Wanted};
use crate::access::Token;
use crate::dial::Dialer;

/// The variable that may hold the token: an argument can be seen by other users.
const VARIABLE: &str = "COUNTERSIGN_TOKEN";
/// How long the proxy may take to answer, and between two pieces.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest answer that is not an export.
const ANSWER: usize = 64 * 1024;
/// The longest file with a token.
const TOKEN_FILE: u64 = 4096;

/// An export that has begun.
pub(super) struct Remote {
    body: Incoming,
    export: String,
}

/// What an error says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    detail: Option<String>,
    remedy: Option<String>,
}

#[derive(Deserialize)]
struct Stats {
    total: u64,
}

/// The token of the file, or of the environment.
pub(super) fn token(file: Option<&Path>) -> anyhow::Result<Token> {
    let text = match file {
        Some(file) => {
            let mut bytes = Vec::new();
            std::fs::File::open(file)
                .and_then(|opened| opened.take(TOKEN_FILE).read_to_end(&mut bytes))
                .with_context(|| format!("cannot read `{}`", file.display()))?;
            // What is no text is no token either.
            String::from_utf8(bytes).unwrap_or_default()
        }
        None => std::env::var(VARIABLE).with_context(|| {
            format!(
                "no token is given: name a file that holds one with --token-file, or set {VARIABLE}"
            )
        })?,
    };
    Token::parse(text.trim()).with_context(|| {
        let place = file.map_or_else(|| VARIABLE.to_owned(), |file| format!("`{}`", file.display()));
        format!("{place} has no token, which is what `countersign tokens create` prints, on a line of its own")
    })
}

/// Where the reading listener is.
struct Base {
    dialer: Dialer,
    tls: bool,
    host: String,
    port: u16,
    /// What paths begin with, without a slash at the end.
    prefix: String,
}

impl Base {
    fn of(url: &str) -> anyhow::Result<Self> {
        let wrong = || {
            format!(
                "`{}` is not the URL of a reading listener, such as http://127.0.0.1:8090",
                printable(url)
            )
        };
        if url.contains('@') {
            bail!("the URL names a user: give the token with --token-file, or set {VARIABLE}");
        }
        let uri: Uri = url.parse().with_context(wrong)?;
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { bail!(wrong()) };
        let (tls, usual) = match scheme {
            "http" => (false, 80),
            "https" => (true, 443),
            _ => bail!(wrong()),
        };
        if uri.query().is_some() {
            bail!(wrong());
        }
        let prefix = uri.path().trim_end_matches('/').to_owned();
        let (host, port) = (host.to_owned(), uri.port_u16().unwrap_or(usual));
        Ok(Self { dialer: Dialer::new()?, tls, host, port, prefix })
    }

    /// Whether others can read what is sent.
    fn is_in_the_clear(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        let is_here = host.parse().map_or(host == "localhost", |ip: IpAddr| ip.is_loopback());
        !self.tls && !is_here
    }

    fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    async fn connect(&self) -> anyhow::Result<SendRequest<Empty<Bytes>>> {
        let authority = self.authority();
        let cannot = || {
            format!(
                "cannot reach `{authority}`: does the proxy run, and is that its reading listener?"
            )
        };
        let stream =
            self.dialer.dial(&self.host, self.port, self.tls).await.with_context(cannot)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.with_context(cannot)?;
        tokio::spawn(async move {
            // What goes wrong shows where the body is read.
            connection.await.ok();
        });
        Ok(sender)
    }

    async fn ask(&self, token: &Token, path: &str) -> anyhow::Result<Response<Incoming>> {
        let mut sender = self.connect().await?;
        let mut secret = HeaderValue::from_str(&format!("Bearer {}", token.reveal()))?;
        secret.set_sensitive(true);
        let request = Request::builder()
            .method(Method::GET)
            .uri(format!("{}{path}", self.prefix))
            .header(header::HOST, self.authority())
            .header(header::AUTHORIZATION, secret)
            .header(header::USER_AGENT, concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .body(Empty::new())?;
        let answered = timeout(PATIENCE, sender.send_request(request)).await;
        let answer = answered.context("the proxy does not answer")?;
        answer.context("the proxy closed the connection")
    }
}

impl Remote {
    pub(super) async fn begin(
        url: &str,
        token: Token,
        wanted: &Wanted,
        last: Option<&Last>,
        progress: &mut Progress,
    ) -> anyhow::Result<Self> {
        let base = Base::of(url)?;
        if base.is_in_the_clear() {
            eprintln!("note: the token is sent to `{}` in the clear", printable(&base.host));
        }
        if progress.wants_total()
            && let Ok(total) = total(&base, &token, wanted).await
        {
            progress.total(total);
        }
        let mut query = encoded(&wanted.filters);
        query.push(format!("format={}", wanted.format));
        if wanted.bom {
            query.push("bom=true".to_owned());
        }
        if let Some(last) = last {
            query.push(format!("resume={},{}", last.export, last.event));
        }
        let path = format!("/v1/admin/audit/export?{}", query.join("&"));
        let answer = base.ask(&token, &path).await?;
        if answer.status() != StatusCode::OK {
            return Err(refusal(answer).await);
        }
        let export = answer.headers().get("countersign-export").and_then(|id| id.to_str().ok());
        let Some(export) = export.map(ToOwned::to_owned) else {
            bail!("what answers there is not a reading listener of countersign");
        };
        for warning in answer.headers().get_all("countersign-warning") {
            eprintln!("note: {}", printable(&String::from_utf8_lossy(warning.as_bytes())));
        }
        Ok(Self { body: answer.into_body(), export })
    }

    pub(super) fn export(&self) -> &str {
        &self.export
    }

    /// A body without its end is an error: it was cut short.
    pub(super) async fn piece(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        loop {
            let frame = timeout(PATIENCE, self.body.frame()).await;
            match frame.context("the proxy sends no more")? {
                None => return Ok(None),
                Some(frame) => {
                    let frame = frame.context("the proxy cut the export short")?;
                    if let Ok(bytes) = frame.into_data()
                        && !bytes.is_empty()
                    {
                        return Ok(Some(bytes.into()));
                    }
                }
            }
        }
    }
}

async fn refusal(answer: Response<Incoming>) -> anyhow::Error {
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER).collect();
    let body = timeout(PATIENCE, body).await.ok().and_then(Result::ok);
    let problem: Problem =
        body.and_then(|body| serde_json::from_slice(&body.to_bytes()).ok()).unwrap_or_default();
    let detail = problem.detail.unwrap_or_else(|| "no reason is given".to_owned());
    let remedy = problem.remedy.map(|remedy| format!(" ({remedy})")).unwrap_or_default();
    anyhow::anyhow!(
        "the proxy answers {}: {}",
        status.as_u16(),
        printable(&format!("{detail}{remedy}"))
    )
}

/// How many events there will be, for the bar.
async fn total(base: &Base, token: &Token, wanted: &Wanted) -> anyhow::Result<u64> {
    let mut query = encoded(&wanted.filters);
    query.push("bars=1".to_owned());
    if !wanted.filters.iter().any(|(name, _)| name == "since") {
        query.push("since=1970-01-01T00:00:00Z".to_owned());
    }
    let answer = base.ask(token, &format!("/v1/admin/audit/stats?{}", query.join("&"))).await?;
    let body = Limited::new(answer.into_body(), ANSWER).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
    Ok(serde_json::from_slice::<Stats>(&body)?.total)
}

/// `NAME=VALUE`, as forms are encoded.
fn encoded(filters: &[(String, String)]) -> Vec<String> {
    let encode = |text: &str| {
        let mut encoded = String::with_capacity(text.len());
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    encoded.push(char::from(byte));
                }
                byte => encoded.push_str(&format!("%{byte:02X}")),
            }
        }
        encoded
    };
    filters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect()
}
