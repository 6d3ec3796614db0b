//! Cases as they are written.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as BASE64URL};
use http::{HeaderMap, HeaderName, HeaderValue};
use ring::hmac;

use super::{End, Reading, States};
use crate::capture::{Body, Release, Request, Response};
use crate::clock::Timestamp;
use crate::identify::Introspected;

/// A file of cases.
pub(super) struct File {
    /// The directory of the rules for all of them.
    pub(super) rules: Option<String>,
    pub(super) cases: Vec<Case>,
}

/// One exchange.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) request: Request,
    pub(super) response: Option<Response>,
    /// How it ended, without a response.
    pub(super) end: End<'static>,
    pub(super) gateway: bool,
    pub(super) metadata: bool,
    pub(super) introspected: Option<Introspected>,
    /// The states before and after, if they were read.
    pub(super) states: Option<States>,
}

/// When all of it happens.
pub(super) fn time() -> Timestamp {
    "2026-07-01T12:00:00Z".parse().unwrap()
}

impl File {
    pub(super) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let mut parts = text.split("\n### ");
        let head = parts.next().unwrap_or_default();
        let rules = head.lines().find_map(|line| line.strip_prefix("# rules: "));
        let cases = parts.map(|part| {
            let name = part.lines().next().unwrap_or_default();
            case(part).unwrap_or_else(|problem| panic!("{}: {name}: {problem}", path.display()))
        });
        Self { rules: rules.map(ToOwned::to_owned), cases: cases.collect() }
    }
}

fn case(text: &str) -> Result<Case, String> {
    let (name, mut rest) = text.split_once('\n').ok_or("nothing but a name")?;
    let (mut peer, mut trusted) = ("192.0.2.7", false);
    let (mut gateway, mut metadata, mut introspected) = (false, false, None);
    let mut streamed = false;
    let mut end = End::UpstreamLost;
    let (mut before, mut after_it) = (None, None);
    while let Some((line, after)) = rest.split_once('\n') {
        let Some(directive) = line.strip_prefix("# ") else { break };
        let (key, value) = directive.split_once(':').unwrap_or((directive, ""));
        match (key, value.trim()) {
            ("peer", address) => peer = address,
            ("trusted", _) => trusted = true,
            ("gateway", _) => gateway = true,
            ("metadata", _) => metadata = true,
            ("streamed", _) => streamed = true,
            ("end", "not sent") => end = End::NotSent,
            ("end", "timeout") => end = End::UpstreamTimeout,
            ("end", "lost") => end = End::UpstreamLost,
            ("end", "client aborted") => end = End::ClientAborted,
            ("introspected", "refused") => introspected = Some(Introspected::Refused),
            ("before", json) => before = Some(reading(json)?),
            ("after", json) => after_it = Some(reading(json)?),
            ("introspected", json) => {
                let failed = Introspected::Failed("actor_introspection_failed");
                introspected = Some(Introspected::read(json.as_bytes()).unwrap_or(failed));
            }
            _ => return Err(format!("`{line}` is no directive")),
        }
        rest = after;
    }
    let at = rest.find("\nHTTP/1.1 ").unwrap_or(rest.len());
    let (request, response) = rest.split_at(at);
    let response = Some(response.trim_start()).filter(|response| !response.is_empty());
    let (line, headers, body) = message(request)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next(), words.next());
    let mut headers = headers;
    if !headers.contains_key("host") {
        headers.insert("host", HeaderValue::from_static("api.example"));
    }
    let host = headers["host"].to_str().unwrap().to_owned();
    let request = Request {
        method: method.ok_or("no method")?.to_owned(),
        path_and_query: target.ok_or("no path")?.to_owned(),
        host,
        version: "1.1",
        headers,
        body,
        peer: Some(peer.parse().map_err(|_| "no address")?),
        peer_trusted: trusted,
    };
    let response = response.map(|text| reply(text, streamed)).transpose()?;
    let name = name.trim().to_owned();
    let states = before.zip(after_it).map(|(before, after)| States { before, after });
    Ok(Case { name, request, response, end, gateway, metadata, introspected, states })
}

/// A state that was read.
fn reading(json: &str) -> Result<Reading, String> {
    let answer =
        reply(&format!("HTTP/1.1 200 OK\nContent-Type: application/json\n\n{json}"), false)?;
    Ok(Reading::Answer { target: "/state".to_owned(), answer: Box::new(answer) })
}

fn reply(text: &str, streamed: bool) -> Result<Response, String> {
    let (line, headers, body) = message(text)?;
    let status =
        line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or("no status")?;
    if streamed {
        let body = Body { truncated: true, ..Body::default() };
        return Ok(Response { status, headers, body, release: Release::Streaming });
    }
    Ok(Response { status, headers, body, release: Release::Held })
}

/// First line, fields and body. Blank lines at the end do not count.
fn message(text: &str) -> Result<(&str, HeaderMap, Body), String> {
    let text = text.trim_end();
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let (line, fields) = head.split_once('\n').unwrap_or((head, ""));
    let mut headers = HeaderMap::new();
    for field in fields.lines() {
        let (name, value) = field.split_once(':').ok_or(format!("`{field}` is no field"))?;
        let name: HeaderName = name.trim().parse().map_err(|_| format!("`{name}` is no name"))?;
        let value = filled(value.trim())?;
        headers.append(name, HeaderValue::from_str(&value).map_err(|error| error.to_string())?);
    }
    let is_multipart =
        headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/"));
    let body = match is_multipart {
        true => format!("{}\r\n", body.replace('\n', "\r\n")),
        false => filled(body)?,
    };
    Ok((line, headers, Body::whole(body)))
}

/// The text with what stands in `‹…›` made: `‹basic USER:PASSWORD›`, `‹jwt ALG KEY CLAIMS›`,
/// `‹repeat COUNT TEXT›`, in which `%n` is the number.
fn filled(text: &str) -> Result<String, String> {
    let Some((before, rest)) = text.split_once('‹') else { return Ok(text.to_owned()) };
    let (inner, after) = rest.split_once('›').ok_or("`‹` without `›`")?;
    let (kind, of) = inner.split_once(' ').ok_or("nothing in braces")?;
    let made = match kind {
        "basic" => BASE64_STANDARD.encode(of),
        "jwt" => {
            let mut words = of.splitn(3, ' ');
            let mut word = || words.next().ok_or("a token needs algorithm, key and claims");
            jwt(word()?, word()?, word()?)
        }
        "repeat" => {
            let (count, text) = of.split_once(' ').ok_or("how often")?;
            let count: usize = count.parse().map_err(|_| "how often")?;
            (0..count).map(|n| text.replace("%n", &n.to_string())).collect()
        }
        other => return Err(format!("`{other}` cannot be made")),
    };
    Ok(format!("{before}{made}{after}"))
}

/// A token; `key` is its text, or `file:` and where it stands.
fn jwt(algorithm: &str, key: &str, claims: &str) -> String {
    let key = match key.strip_prefix("file:") {
        Some(path) => fs::read(super::here(path)).unwrap(),
        None => key.as_bytes().to_vec(),
    };
    let head = format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#);
    let signed = format!("{}.{}", BASE64URL.encode(head), BASE64URL.encode(claims));
    if algorithm == "none" {
        return format!("{signed}.");
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signature = BASE64URL.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}
