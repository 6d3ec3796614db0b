//! What is changed in heads on their way through: hop-by-hop fields, framing, and who passed them
//! on. Pure.

#[cfg(test)]
mod tests;

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Uri, Version};
use pingora::http::{RequestHeader, ResponseHeader};

use super::{EVENT_HEADER, REQUEST_HEADER, SNAPSHOT_HEADER};
use crate::derive::Moment;
use crate::record::EventId;

/// Fields that belong to one connection (RFC 9110, section 7.6.1), beside those that `Connection`
/// names. `TE: trailers` is kept apart.
const HOP_BY_HOP: [HeaderName; 5] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Fields that `Connection` cannot take away, since what happens depends on them.
const NEVER_NOMINATED: [HeaderName; 7] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::AUTHORIZATION,
    header::COOKIE,
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
];

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(super) static EVENT: HeaderName = HeaderName::from_static("countersign-event");
static REQUEST: HeaderName = HeaderName::from_static("countersign-request");
static SNAPSHOT: HeaderName = HeaderName::from_static("countersign-snapshot");

/// Fields that are about the one request that they come with, and what is sent in it.
const OF_ONE_REQUEST: [HeaderName; 12] = [
    header::ACCEPT_ENCODING,
    header::RANGE,
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("prefer"),
    HeaderName::from_static("repr-digest"),
    HeaderName::from_static("request-id"),
    HeaderName::from_static("want-content-digest"),
    HeaderName::from_static("x-idempotency-key"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-amz-content-sha256"),
];

/// Schemes whose credentials hold for one request or one connection: with a second one they fail, or
/// are spent.
const BOUND_SCHEMES: [&str; 12] = [
    "aws4-",
    "digest",
    "dpop",
    "hawk",
    "hmac",
    "hoba",
    "mutual",
    "negotiate",
    "ntlm",
    "oauth ",
    "scram-",
    "signature",
];

/// What is accepted of a state where the client does not ask for JSON itself.
const STATE_TYPES: HeaderValue = HeaderValue::from_static("application/json, */*;q=0.1");

/// How a message's body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    None,
    /// Its length is known.
    Length(u64),
    /// Its length is not known.
    Chunked,
}

fn nominated(headers: &HeaderMap) -> Vec<HeaderName> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok())
        .filter(|name| !NEVER_NOMINATED.contains(name))
        .collect()
}

/// Takes away what a client's request says about its connection only, before anything is read from it:
/// what the upstream does not get, nobody may act or be named by. What framing and upgrades need stays
/// until then.
pub(super) fn of_the_clients_connection(head: &mut RequestHeader) {
    for name in nominated(&head.headers) {
        if !HOP_BY_HOP.contains(&name) && name != header::TE {
            head.remove_header(&name);
        }
    }
}

/// Takes away what an upstream's response says about its connection only.
pub(super) fn of_this_connection(head: &mut ResponseHeader) {
    for name in nominated(&head.headers) {
        head.remove_header(&name);
    }
    head.remove_header(&header::UPGRADE);
    head.remove_header("keep-alive");
    head.remove_header("proxy-connection");
}

/// Makes an ordinary request of one that offers an upgrade which is not taken.
pub(super) fn decline_upgrade(head: &mut RequestHeader) {
    head.remove_header(&header::UPGRADE);
    head.remove_header("http2-settings");
}

/// Asks the upstream to switch protocols.
pub(super) fn ask_upgrade(head: &mut RequestHeader, protocols: &str) -> pingora::Result<()> {
    head.insert_header(header::CONNECTION, "Upgrade")?;
    head.insert_header(header::UPGRADE, protocols)
}

/// Who passes the request on.
pub(super) struct Forwarding<'a> {
    /// The client's address, if it has one.
    pub client: Option<String>,
    /// The client came over TLS.
    pub tls: bool,
    /// The `Host` to send instead of the client's.
    pub host: Option<&'a str>,
    /// By what the upstream's address is chosen, where that goes by the client.
    pub balanced: Vec<u8>,
    /// What the upstream is called, for a client of HTTP/1.0 that names no host.
    pub named: Option<&'a str>,
    /// Fields that say who acts, from somebody who may not say so.
    pub withheld: Vec<HeaderName>,
}

/// Fields that every request gets, audited or not: the client's address is appended to
/// `X-Forwarded-For`, `X-Forwarded-Proto` is set where it is missing, the names of our own fields are
/// never the client's to choose, and fields that say who acts only a trusted proxy's.
pub(super) fn stamp(head: &mut RequestHeader, forwarding: &Forwarding<'_>) -> pingora::Result<()> {
    let ours = head.headers.keys().filter(|name| is_ours(name)).cloned();
    for name in ours.collect::<Vec<_>>() {
        head.remove_header(&name);
    }
    for name in &forwarding.withheld {
        head.remove_header(name);
    }
    join_cookies(head)?;
    if let Some(client) = &forwarding.client {
        let chain = match head.headers.get(&X_FORWARDED_FOR) {
            None => client.clone(),
            Some(_) => {
                let before = head.headers.get_all(&X_FORWARDED_FOR).iter();
                let before: Vec<&str> = before.filter_map(|value| value.to_str().ok()).collect();
                format!("{}, {client}", before.join(", "))
            }
        };
        head.insert_header("X-Forwarded-For", chain)?;
    }
    if !head.headers.contains_key(&X_FORWARDED_PROTO) {
        let scheme = if forwarding.tls { "https" } else { "http" };
        head.insert_header("X-Forwarded-Proto", HeaderValue::from_static(scheme))?;
    }
    if let Some(host) = forwarding.host {
        if let Some(original) = head.headers.get(header::HOST).cloned() {
            head.insert_header("X-Forwarded-Host", original)?;
        }
        head.insert_header(header::HOST, host)?;
    } else if let Some(name) = forwarding.named
        && !head.headers.contains_key(header::HOST)
    {
        head.insert_header(header::HOST, name)?;
    }
    Ok(())
}

/// Whether an application may take this for a field of ours: many know no `-` in names but `_`.
fn is_ours(name: &HeaderName) -> bool {
    let alike = |ours: &HeaderName| {
        let same = |(one, other): (u8, u8)| one == other || one == b'_' && other == b'-';
        let (name, ours) = (name.as_str(), ours.as_str());
        name.len() == ours.len() && name.bytes().zip(ours.bytes()).all(same)
    };
    [&EVENT, &REQUEST, &SNAPSHOT].into_iter().any(alike)
}

/// HTTP/2 may split `Cookie` into several fields, which HTTP/1 must see as one (RFC 9113, section
/// 8.2.3).
fn join_cookies(head: &mut RequestHeader) -> pingora::Result<()> {
    if head.headers.get_all(header::COOKIE).iter().nth(1).is_none() {
        return Ok(());
    }
    let fields: Vec<&[u8]> =
        head.headers.get_all(header::COOKIE).iter().map(|value| value.as_bytes()).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&fields.join(&b"; "[..])) {
        head.insert_header(header::COOKIE, joined)?;
    }
    Ok(())
}

/// The head that an audited request has upstream.
pub(super) fn request(
    original: &RequestHeader,
    event: Option<EventId>,
    framing: Framing,
    forwarding: &Forwarding<'_>,
) -> pingora::Result<Box<RequestHeader>> {
    let mut head = Box::new(original.clone());
    origin_form(&mut head)?;
    let trailers = head.headers.get_all(header::TE).iter().any(|value| value == "trailers");
    for name in &HOP_BY_HOP {
        head.remove_header(name);
    }
    head.remove_header(&header::TE);
    head.remove_header(&header::EXPECT);
    head.remove_header(&header::TRAILER);
    if trailers {
        head.insert_header(header::TE, "trailers")?;
    }
    if !head.headers.contains_key(header::HOST)
        && let Some(authority) = original.uri.authority()
    {
        head.insert_header(header::HOST, authority.as_str())?;
    }
    head.set_version(Version::HTTP_11);
    head.remove_header(&header::CONTENT_LENGTH);
    match framing {
        Framing::None => {}
        Framing::Length(length) => head.insert_header(header::CONTENT_LENGTH, length)?,
        Framing::Chunked => head.insert_header(header::TRANSFER_ENCODING, "chunked")?,
    }
    stamp(&mut head, forwarding)?;
    if let Some(event) = event {
        head.insert_header(REQUEST_HEADER, event.to_string())?;
    }
    Ok(head)
}

/// Whether a client's credential holds for its one request only.
pub(super) fn is_bound(headers: &HeaderMap) -> bool {
    let bound = |value: &HeaderValue| {
        let text = String::from_utf8_lossy(value.as_bytes()).trim_start().to_ascii_lowercase();
        BOUND_SCHEMES.iter().any(|scheme| text.starts_with(scheme))
    };
    headers.get_all(header::AUTHORIZATION).iter().any(bound)
        || ["dpop", "signature", "x-amz-date"].iter().any(|name| headers.contains_key(*name))
}

/// The head that reads a state on behalf of the client whose request `original` is: with its
/// credentials, and without what is about that request alone.
pub(super) fn reading(
    original: &RequestHeader,
    target: &str,
    event: EventId,
    moment: Moment,
    forwarding: &Forwarding<'_>,
) -> pingora::Result<Box<RequestHeader>> {
    let mut head = RequestHeader::build("GET", target.as_bytes(), None)?;
    if !original.headers.contains_key(header::HOST)
        && let Some(authority) = original.uri.authority()
    {
        head.insert_header(header::HOST, authority.as_str())?;
    }
    for (name, value) in &original.headers {
        let text = name.as_str();
        let is_about_one = OF_ONE_REQUEST.contains(name)
            || text.starts_with("content-")
            || text.starts_with("if-");
        if !is_about_one {
            head.append_header(name.clone(), value.clone())?;
        }
    }
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|value| value.contains("json"));
    if !head.headers.get_all(header::ACCEPT).iter().any(accepts) {
        head.insert_header(header::ACCEPT, STATE_TYPES)?;
    }
    let mut head = request(&head, Some(event), Framing::None, forwarding)?;
    head.insert_header(SNAPSHOT_HEADER, moment.as_str())?;
    Ok(head)
}

/// The bytes of a head, but for its first line's words.
pub(super) fn size(head: &RequestHeader) -> usize {
    let fields = head.headers.iter();
    let fields = fields.map(|(name, value)| name.as_str().len() + value.len() + 4);
    head.raw_path().len() + fields.sum::<usize>()
}

/// The same head for HTTP/2, which names scheme and authority beside the path and knows no field
/// that is about one connection (RFC 9113, sections 8.2.2 and 8.3.1). A head without a usable host
/// stays without an authority, and then cannot be sent.
pub(super) fn over_http2(mut head: Box<RequestHeader>, tls: bool) -> Box<RequestHeader> {
    head.remove_header(&header::TRANSFER_ENCODING);
    let host = head.headers.get(header::HOST).map(HeaderValue::as_bytes);
    if let (Some(host), Some(target)) = (host, head.uri.path_and_query().cloned())
        && let Ok(uri) = Uri::builder()
            .scheme(if tls { "https" } else { "http" })
            .authority(host)
            .path_and_query(target)
            .build()
    {
        head.set_uri(uri);
        // Beside the authority some servers take it for a second one, and refuse.
        head.remove_header(&header::HOST);
    }
    head
}

/// An absolute-form target becomes the origin form that an application expects; its path and query
/// keep their bytes.
pub(super) fn origin_form(head: &mut RequestHeader) -> pingora::Result<()> {
    let raw = head.raw_path();
    if raw.starts_with(b"/") || raw == b"*" {
        return Ok(());
    }
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let path = if path.starts_with('/') { path } else { format!("/{path}") };
    head.set_raw_path(path.as_bytes())
}

/// The head with which a response is released.
pub(super) fn response(
    mut head: Box<ResponseHeader>,
    event: Option<EventId>,
    framing: ResponseFraming,
    client: Version,
) -> pingora::Result<Box<ResponseHeader>> {
    for name in nominated(&head.headers) {
        head.remove_header(&name);
    }
    for name in &HOP_BY_HOP {
        head.remove_header(name);
    }
    let may_end_in_trailers = match client {
        Version::HTTP_2 => true,
        Version::HTTP_11 => !matches!(framing, ResponseFraming::Length(_)),
        _ => false,
    };
    if !may_end_in_trailers {
        head.remove_header(&header::TRAILER);
    }
    head.set_version(Version::HTTP_11);
    match framing {
        ResponseFraming::AsIs => {}
        ResponseFraming::Length(length) => {
            head.insert_header(header::CONTENT_LENGTH, length)?;
        }
        ResponseFraming::Open => {
            if client == Version::HTTP_11 && !head.headers.contains_key(header::CONTENT_LENGTH) {
                head.insert_header(header::TRANSFER_ENCODING, "chunked")?;
            }
        }
    }
    head.remove_header(&EVENT);
    if let Some(event) = event {
        head.insert_header(EVENT_HEADER, event.to_string())?;
    }
    Ok(head)
}

/// The head with which protocols are switched.
pub(super) fn switching(
    upstream: &ResponseHeader,
    event: Option<EventId>,
) -> pingora::Result<Box<ResponseHeader>> {
    let protocols: Vec<HeaderValue> =
        upstream.headers.get_all(header::UPGRADE).iter().cloned().collect();
    let mut head =
        response(Box::new(upstream.clone()), event, ResponseFraming::AsIs, Version::HTTP_11)?;
    head.insert_header(header::CONNECTION, "Upgrade")?;
    for protocol in protocols {
        head.append_header(header::UPGRADE, protocol)?;
    }
    Ok(head)
}

/// Takes away the promise of trailers that Pingora's own pipeline cannot keep: there they only go from
/// HTTP/2 to HTTP/2.
pub(super) fn unpromise_trailers(head: &mut ResponseHeader, client: Version) {
    if client != Version::HTTP_2 || head.version != Version::HTTP_2 {
        head.remove_header(&header::TRAILER);
    }
}

/// How a released response's body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseFraming {
    /// There is no body; a Content-Length that is there says what a body would have had.
    AsIs,
    /// The whole body is here.
    Length(u64),
    /// It streams: its own Content-Length if it has one, chunks if the client takes them, else
    /// until the connection closes.
    Open,
}
