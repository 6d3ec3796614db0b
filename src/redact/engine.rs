//! The engine: captured halves of an exchange → what is recorded of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use serde_json::{Map, Value};

use super::Redacted;
use super::key::FingerprintKey;
use super::path::scrub_path;
use super::policy::{Place, Policy};
use super::receipts::Receipts;
use super::rule::Side;
use super::scrub::Scrub;
use super::seen::Seen;
use super::walk::Walk;
use crate::capture::{Body, Release, Request, Response};
use crate::decode::{self, Content, Note};
use crate::record::{Receipt, RequestRecord, ResponseRecord};

/// How much of a half is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Everything but the body. The body is still searched for secrets.
    Metadata,
    /// The decoded body as well.
    WithBody,
}

/// Makes what may be stored from what was captured. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    policy: Arc<Policy>,
    key: FingerprintKey,
}

/// What is recorded of one half, while it is being made.
struct Half {
    method: String,
    path: String,
    query: Value,
    headers: Value,
    content_type: Option<String>,
    body: Option<Value>,
    notes: BTreeSet<Note>,
    receipts: Receipts,
}

impl Engine {
    /// An engine for these rules, with the installation's key.
    pub fn new(policy: impl Into<Arc<Policy>>, key: FingerprintKey) -> Self {
        Self { policy: policy.into(), key }
    }

    /// The installation's key.
    pub fn key(&self) -> &FingerprintKey {
        &self.key
    }

    /// What is recorded of a request. Its secrets go into `seen`, which is new for each exchange.
    pub fn request(
        &self,
        request: &Request,
        detail: Detail,
        seen: &mut Seen,
    ) -> Redacted<RequestRecord> {
        seen.below = self.policy.below(request.path());
        let mut half =
            self.half_of(Side::Request, seen, |walk| walk_request(walk, request, detail));
        if seen.overflowed() {
            half.forget_body();
        }
        let (half, receipts) = self.scrub(half, Side::Request, seen);
        Redacted::vouched(RequestRecord {
            method: half.method,
            route: None,
            path: half.path,
            query: (!half.query.is_null()).then_some(half.query),
            headers: half.headers,
            content_type: half.content_type,
            size: request.body.size,
            sha256: request.body.sha256.clone(),
            body: half.body,
            truncated: request.body.truncated,
            notes: names(&half.notes),
            receipts,
        })
    }

    /// What is recorded of a response. `seen` is what the request of the same exchange left.
    pub fn response(
        &self,
        response: &Response,
        detail: Detail,
        seen: &mut Seen,
    ) -> Redacted<ResponseRecord> {
        let request_overflowed = seen.overflowed();
        let mut half =
            self.half_of(Side::Response, seen, |walk| walk_response(walk, response, detail));
        if request_overflowed {
            half.forget_body();
        }
        let (half, receipts) = self.scrub(half, Side::Response, seen);
        Redacted::vouched(ResponseRecord {
            status: response.status,
            headers: half.headers,
            content_type: half.content_type,
            size: response.body.size,
            sha256: response.body.sha256.clone(),
            body: half.body,
            truncated: response.body.truncated,
            release: match response.release {
                Release::Held => "held",
                Release::Streaming => "streaming",
            },
            notes: names(&half.notes),
            receipts,
        })
    }

    /// Text that stands beside the record (a user agent, say), without the secrets of its exchange.
    pub fn text(&self, text: &str, seen: &Seen) -> Redacted<String> {
        let mut own = Seen::default();
        let place = Place { side: Side::Request, below: seen.below };
        let search = seen.search();
        let mut walk = Walk::new(&self.policy, &self.key, place, &mut own);
        walk.known = search.as_ref();
        let text = walk.text(text).unwrap_or_else(|| text.to_owned());
        let scrubbed = search.as_ref().and_then(|search| search.scrub(&text));
        Redacted::vouched(scrubbed.map_or(text, |scrubbed| scrubbed.text))
    }

    /// Walks over a half. If something was taken out of a text by its looks, it may have been a part
    /// of a secret that only became known later: then the walk is made again with all of them known.
    fn half_of(
        &self,
        side: Side,
        seen: &mut Seen,
        make: impl Fn(Walk<'_>) -> (Half, bool),
    ) -> Half {
        let place = Place { side, below: seen.below };
        let (half, cut) = make(Walk::new(&self.policy, &self.key, place, seen));
        let Some(search) = seen.search().filter(|_| cut) else { return half };
        let mut again = Seen::default();
        let mut walk = Walk::new(&self.policy, &self.key, place, &mut again);
        walk.known = Some(&search);
        make(walk).0
    }

    /// The second pass: removes what was seen from all parts, the receipts' locations included.
    fn scrub(&self, mut half: Half, side: Side, seen: &Seen) -> (Half, Vec<Receipt>) {
        let mut receipts = std::mem::take(&mut half.receipts);
        let Some(search) = seen.search() else {
            return (half, receipts.finish(&self.policy, |location| location));
        };
        let prefix = side.name();
        let mut scrub = Scrub { search: &search, policy: &self.policy, receipts: &mut receipts };
        scrub.text(&mut half.method, &format!("{prefix}.method"));
        scrub.value(&mut half.query, &mut format!("{prefix}.query"));
        scrub.value(&mut half.headers, &mut format!("{prefix}.header"));
        if let Some(content_type) = &mut half.content_type {
            scrub.text(content_type, &format!("{prefix}.content_type"));
        }
        if let Some(body) = &mut half.body {
            scrub.value(body, &mut format!("{prefix}.body.$"));
        }
        if let Some((path, rule)) = scrub_path(&half.path, &search) {
            receipts.add(&format!("{prefix}.path"), rule);
            half.path = path;
        }
        let receipts = receipts.finish(&self.policy, |location| {
            search.scrub(&location).map_or(location, |scrubbed| scrubbed.text)
        });
        (half, receipts)
    }
}

impl Half {
    fn forget_body(&mut self) {
        if self.body.take().is_some() {
            self.notes.insert(Note::TooManySecrets);
        }
    }
}

fn walk_request(mut walk: Walk<'_>, request: &Request, detail: Detail) -> (Half, bool) {
    let path = walk.path(request.path());
    let query = request.query().map(decode::query).unwrap_or_default();
    walk.notes.extend(query.notes);
    let query = query.node.map_or(Value::Null, |node| walk.query(&node));
    let mut headers = walk.headers(&request.headers);
    if !request.host.is_empty() {
        let host = walk.plain(&request.host).unwrap_or_else(|| request.host.clone());
        headers.entry("host").or_insert_with(|| Value::from(host));
    }
    let method = walk.plain(&request.method).unwrap_or_else(|| request.method.clone());
    let (mut half, cut) = half(walk, headers, &request.headers, &request.body, detail);
    (half.method, half.path, half.query) = (method, path, query);
    (half, cut)
}

fn walk_response(mut walk: Walk<'_>, response: &Response, detail: Detail) -> (Half, bool) {
    let headers = walk.headers(&response.headers);
    half(walk, headers, &response.headers, &response.body, detail)
}

/// Reads the body, which both halves have, and ends the walk; tells whether it cut any text. Where the body is not recorded it is
/// walked all the same, so that its secrets are known.
fn half(
    mut walk: Walk<'_>,
    headers: Map<String, Value>,
    raw_headers: &HeaderMap,
    raw_body: &Body,
    detail: Detail,
) -> (Half, bool) {
    let content = Content::of(raw_headers, raw_body);
    let decoded = content.read();
    let content_type = content.media_type();
    let content_type = content_type.map(|name| walk.plain(name).unwrap_or_else(|| name.to_owned()));
    // What the walk came to before the body.
    let (receipts, notes) = (walk.receipts.clone(), walk.notes.clone());
    let body = walk.body_of(&decoded);
    if body.is_none()
        && let Some(text) = unread(&content, raw_headers, raw_body)
    {
        walk.overhear(text);
    }
    walk.notes.extend(decoded.notes);
    let (body, receipts, notes) = match detail {
        Detail::WithBody => (body, walk.receipts, walk.notes),
        Detail::Metadata => (None, receipts, notes),
    };
    let half = Half {
        method: String::new(),
        path: String::new(),
        query: Value::Null,
        headers: Value::Object(headers),
        content_type,
        body,
        notes,
        receipts,
    };
    (half, walk.cut)
}

/// The text of a body that could not be read by its type: what was captured of it, if it is text.
fn unread<'a>(content: &'a Content<'_>, headers: &HeaderMap, body: &'a Body) -> Option<&'a str> {
    let captured = || (!headers.contains_key(CONTENT_ENCODING)).then_some(body.bytes.as_ref());
    let bytes = content.bytes().or_else(captured)?;
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        // It was cut in the middle of a character.
        Err(error) if error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).and_then(|bytes| std::str::from_utf8(bytes).ok())
        }
        Err(_) => None,
    }
}

fn names(notes: &BTreeSet<Note>) -> Vec<String> {
    notes.iter().map(|note| note.as_str().to_owned()).collect()
}
