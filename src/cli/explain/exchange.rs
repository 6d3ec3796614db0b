//! One exchange as a file tells it, and what the proxy would have captured of it.

use std::time::Duration;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

use crate::capture::{Body, BodyCapture, Release, Request, Response};
use crate::clock::Timestamp;
use crate::config::Route;
use crate::pipeline::{Reading, States};
use crate::proxy;
use crate::route::{Asked, Elsewhere, Safety, safety};

/// A request and, if there was one, its response. Raw: it has no `Debug`.
pub(super) struct Exchange {
    /// Its place in the file, from 1.
    pub(super) number: usize,
    /// The line where it begins, from 1.
    pub(super) line: u64,
    /// When the request was sent, if the file says so.
    pub(super) time: Option<Timestamp>,
    /// How long it took.
    pub(super) duration: Duration,
    pub(super) method: String,
    /// Path and query.
    pub(super) target: String,
    /// `Host` or `:authority`.
    pub(super) host: String,
    /// `1.0`, `1.1` or `2`.
    pub(super) version: &'static str,
    pub(super) headers: HeaderMap,
    /// As it was on the wire, with its content encodings.
    pub(super) body: Vec<u8>,
    pub(super) reply: Option<Reply>,
    /// What a GET of the state was answered, before the request.
    pub(super) before: Option<Reply>,
    /// What it was answered after.
    pub(super) after: Option<Reply>,
    /// In what the file is not what was on the wire.
    pub(super) notes: Vec<&'static str>,
}

/// A response.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// As it was on the wire, with its content encodings.
    pub(super) body: Vec<u8>,
    /// Its size on the wire, where that is known and `body` was encoded anew.
    pub(super) size: Option<u64>,
}

impl Exchange {
    /// Whether it is provably without effect.
    pub(super) fn safety(&self) -> Safety {
        let declares = self.headers.contains_key(TRANSFER_ENCODING)
            || self.headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
        safety(&self.method, &self.target, &self.headers, !self.body.is_empty() || declares)
    }

    /// What routes go by.
    pub(super) fn asked<'r>(&'r self, elsewhere: &'r Elsewhere) -> Asked<'r> {
        Asked { host: &self.host, target: &self.target, method: &self.method, elsewhere }
    }

    /// Whether it offers to switch protocols.
    pub(super) fn upgrade(&self) -> bool {
        let version = if self.version == "1.1" { Version::HTTP_11 } else { Version::HTTP_2 };
        proxy::upgrade(version, &self.headers).is_some()
    }

    /// What would be captured of the request before the intent, and, of a body over the limit, what
    /// is known of it afterwards.
    pub(super) fn captured(&self, route: &Route) -> (Request, Option<Body>) {
        let mut capture = BodyCapture::of_request(route.capture_request);
        let over = capture.push(&self.body);
        let (body, later) = if over {
            (capture.so_far(Some(self.body.len() as u64)), Some(capture.finish()))
        } else {
            (capture.finish(), None)
        };
        let request = Request {
            method: self.method.clone(),
            path_and_query: self.target.clone(),
            host: self.host.clone(),
            version: self.version,
            headers: self.headers.clone(),
            body,
            peer: None,
            peer_trusted: false,
        };
        (request, later)
    }
}

impl Exchange {
    /// The states that were given, as read at `target`; one that is missing says that there was
    /// nothing.
    pub(super) fn states(&self, route: &Route, target: &str) -> Option<States> {
        if self.before.is_none() && self.after.is_none() {
            return None;
        }
        let reading = |reply: &Option<Reply>| match reply {
            Some(reply) => Reading::Answer {
                target: target.to_owned(),
                answer: Box::new(reply.captured(route, "GET")),
            },
            None => Reading::Nothing,
        };
        Some(States { before: reading(&self.before), after: reading(&self.after) })
    }
}

impl Reply {
    /// What would be captured of it before the completion.
    pub(super) fn captured(&self, route: &Route, method: &str) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let bodiless = method == Method::HEAD
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        let limit = route.capture_response;
        let mut capture = BodyCapture::new(limit);
        let (body, release) = if status == StatusCode::SWITCHING_PROTOCOLS {
            (Body { truncated: true, ..Body::default() }, Release::Streaming)
        } else if bodiless {
            (capture.finish(), Release::Held)
        } else if proxy::streams(route, status)
            || proxy::is_stream(&self.headers, limit)
            || capture.push(&self.body)
        {
            (capture.so_far(proxy::declared_length(&self.headers)), Release::Streaming)
        } else {
            let body = capture.finish();
            let size = self.size.or(body.size);
            (Body { size, ..body }, Release::Held)
        };
        Response { status: self.status, headers: self.headers.clone(), body, release }
    }
}

/// Header fields by name and value. What HTTP does not permit is left out, and noted.
pub(super) fn fields<'f>(
    pairs: impl Iterator<Item = (&'f str, &'f [u8])>,
    notes: &mut Vec<&'static str>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // Pseudo-fields of HTTP/2 are no fields.
    for (name, value) in pairs.filter(|(name, _)| !name.starts_with(':')) {
        let parsed = HeaderName::from_bytes(name.as_bytes());
        // Browsers join several `Set-Cookie` by line feeds.
        for line in value.split(|byte| *byte == b'\n') {
            match (&parsed, HeaderValue::from_bytes(line.trim_ascii())) {
                (Ok(name), Ok(value)) if headers.try_append(name, value.clone()).is_ok() => {}
                _ => notes.push("a header field that HTTP does not permit was left out"),
            }
        }
    }
    headers
}

/// Authority and target of what stands behind the scheme of a URL. Fragments and user names are
/// not sent, and what is not visible ASCII is sent encoded.
pub(super) fn split_target(rest: &str) -> (String, String) {
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, path) = match rest.find(['/', '?']) {
        Some(end) => rest.split_at_checked(end).unwrap_or((rest, "")),
        None => (rest, ""),
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    (host.to_owned(), visible(path))
}

/// A target in visible ASCII that begins with `/`, unless it is `*`.
pub(super) fn visible(path: &str) -> String {
    let mut target = String::with_capacity(path.len() + 1);
    if !path.starts_with('/') && path != "*" {
        target.push('/');
    }
    for byte in path.bytes() {
        if byte.is_ascii_graphic() {
            target.push(char::from(byte));
        } else {
            target.push_str(&format!("%{byte:02X}"));
        }
    }
    target
}
