//! The engine: captured halves of an exchange → what is recorded of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::Redacted;
use super::bits::Bits;
use super::escapes::find_escaped;
use super::headers::Fields;
use super::heard::Heard;
use super::key::FingerprintKey;
use super::only::is_always_recorded;
use super::policy::{Place, Policy};
use super::receipts::Receipts;
use super::routes::is_method;
use super::rule::{Action, Side};
use super::scrub::{Scrub, Sent};
use super::secret::DOMAIN;
use super::seen::{MASK, Search, Seen, is_guessable};
use super::settle::settle;
use super::sketch::Telling;
use super::unread::Muting;
use super::walk::Walk;
use crate::capture::{Body, Request, Response};
use crate::decode::{self, Content, Node, Note};
use crate::record::{BodyRecord, Receipt, RequestRecord, ResponseRecord, Tree};

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
    pub(super) policy: Arc<Policy>,
    pub(super) key: FingerprintKey,
}

/// What is recorded of one half, while it is being made.
pub(super) struct Half<'c> {
    method: String,
    path: String,
    query: Node<'c>,
    headers: Node<'c>,
    content_type: Option<String>,
    body: Option<Node<'c>>,
    notes: BTreeSet<Note>,
    receipts: Receipts,
    /// Why the body could not be read.
    unread: Option<Note>,
    /// Something was taken out of a text by its looks.
    cut: bool,
    /// There were strings that stand for other text.
    encoded: bool,
    /// Of the body something is not recorded that may tell how the exchange ended.
    hides: Option<Telling>,
}

/// A half whose secrets are gone.
pub(super) struct Clean {
    method: String,
    path: String,
    query: Option<Tree>,
    headers: Tree,
    content_type: Option<String>,
    pub(super) body: Option<BodyRecord>,
    notes: Vec<String>,
    receipts: Vec<Receipt>,
    unread: Option<&'static str>,
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

    /// The rules in force that stand in rule files: the id, what is done, whether it is a shipped one.
    pub fn rules(&self) -> impl Iterator<Item = (&str, Action, bool)> {
        self.policy.written()
    }

    /// What is recorded of a request. Its secrets go into `seen`, which is new for each exchange.
    pub fn request(
        &self,
        request: &Request,
        detail: Detail,
        seen: &mut Seen,
    ) -> Redacted<RequestRecord> {
        seen.below = self.policy.below(request.path(), &request.headers);
        seen.calls = self.policy.calls(request.path()).into();
        for call in seen.calls.iter() {
            seen.below.add_all(&call.below);
        }
        seen.unread.behind(request.body.passed.clone());
        let content = Content::of(&request.headers, &request.body);
        let mut half =
            self.half_of(Side::Request, seen, |walk| walk_request(walk, request, &content, detail));
        if seen.spare_ids(&half.path, Side::Request, &self.policy) {
            half.notes.insert(Note::SecretInPath);
        }
        seen.path.clone_from(&half.path);
        self.policy.asked_by(&request.method, seen);
        if let Some(why) = seen.overflow() {
            self.forget(&mut half, why);
        }
        let clean = self.scrub(half, Side::Request, seen, &content);
        Redacted::vouched(RequestRecord {
            method: clean.method,
            route: None,
            path: clean.path,
            query: clean.query,
            headers: clean.headers,
            content_type: clean.content_type,
            size: request.body.size,
            sha256: request.body.sha256.clone(),
            body: clean.body,
            truncated: request.body.truncated,
            unread: clean.unread,
            notes: clean.notes,
            receipts: clean.receipts,
        })
    }

    /// What is recorded of a response. `seen` is what the request of the same exchange left.
    pub fn response(
        &self,
        response: &Response,
        detail: Detail,
        seen: &mut Seen,
    ) -> Redacted<ResponseRecord> {
        let overflow = seen.overflow();
        self.policy.answered_with(response.status, seen);
        seen.expect_echoes();
        let content = Content::of(&response.headers, &response.body);
        let mut half = self
            .half_of(Side::Response, seen, |walk| walk_response(walk, response, &content, detail));
        if let Some(why) = overflow {
            self.forget(&mut half, why);
        }
        if response.body.is_size_declared() {
            half.notes.insert(Note::SizeDeclared);
        }
        let path = std::mem::take(&mut seen.path);
        seen.spare_ids(&path, Side::Response, &self.policy);
        seen.path = path;
        seen.expect_echoes();
        let sketch = self.sketch(half.hides, response, &content, seen);
        let clean = self.scrub(half, Side::Response, seen, &content);
        Redacted::vouched(ResponseRecord {
            sketch,
            status: response.status,
            headers: clean.headers,
            content_type: clean.content_type,
            size: response.body.size,
            sha256: response.body.sha256.clone(),
            body: clean.body,
            truncated: response.body.truncated,
            unread: clean.unread,
            release: response.release.as_str(),
            notes: clean.notes,
            receipts: clean.receipts,
        })
    }

    /// Where in the API a path is, by itself.
    pub(super) fn below(&self, path: &str) -> Bits {
        self.policy.below(path, &HeaderMap::new())
    }

    /// Text that stands beside the record (a user agent, say), without the secrets of its exchange.
    pub fn text(&self, text: &str, seen: &Seen) -> Redacted<String> {
        let mut own = Seen::default();
        let place = Place { side: Side::Request, below: seen.below };
        let search = seen.search(place.side);
        let names = self.policy.memo().known(place.side);
        let mut walk = Walk::new(&self.policy, &self.key, place, &mut own, &names);
        walk.known = search.as_ref();
        let text = walk.text(text).unwrap_or_else(|| text.to_owned());
        let Some(search) = search else { return Redacted::vouched(text) };
        Redacted::vouched(match search.scrub(&text) {
            Some(scrubbed) => scrubbed.text,
            None if find_escaped(&text, &search).is_some() => MASK.to_owned(),
            None => text,
        })
    }

    /// Walks over a half. If something was taken out of a text by its looks, it may have been a part
    /// of a secret that only became known later: then the walk is made again with all of them known.
    fn half_of<'c>(
        &self,
        side: Side,
        seen: &mut Seen,
        make: impl Fn(Walk<'_>) -> Half<'c>,
    ) -> Half<'c> {
        let place = Place { side, below: seen.below };
        let names = self.policy.memo().known(side);
        let half = make(Walk::new(&self.policy, &self.key, place, seen, &names));
        let known = if half.cut { seen.search(side) } else { None };
        let Some(search) = known else { return half };
        let mut again = seen.again();
        let mut walk = Walk::new(&self.policy, &self.key, place, &mut again, &names);
        walk.known = Some(&search);
        make(walk)
    }

    /// The second pass: removes what was seen from all parts, the receipts' locations included.
    pub(super) fn scrub(
        &self,
        mut half: Half<'_>,
        side: Side,
        seen: &Seen,
        content: &Content<'_>,
    ) -> Clean {
        let mut receipts = std::mem::take(&mut half.receipts);
        if !seen.heard.is_empty() {
            mute(&seen.heard, &mut half, side, &mut receipts);
        }
        if side == Side::Response {
            self.mute_unread(&mut half, seen, &mut receipts);
        }
        let search = seen.search(side);
        if let Some(search) = &search {
            self.remove(search, &mut half, &mut receipts, side, content);
        }
        let receipts = receipts.finish(&self.policy, |location| {
            let location = seen.heard.mute_location(location);
            match search.as_ref().and_then(|search| search.scrub(&location)) {
                Some(scrubbed) => scrubbed.text,
                None => location,
            }
        });
        half.settle();
        let unread = half.unread();
        let bytes = content.bytes().map_or(0, <[u8]>::len);
        Clean {
            method: half.method,
            path: half.path,
            query: (half.query != Node::Null).then(|| Tree::new(half.query)),
            headers: Tree::new(half.headers),
            content_type: half.content_type,
            // Every tree can be written: what is no JSON number is no number in it.
            body: half.body.and_then(|body| BodyRecord::new(&body, bytes).ok()),
            unread,
            notes: half.notes.iter().map(|note| note.as_str().to_owned()).collect(),
            receipts,
        }
    }

    /// Masks what a response repeats of a request that could not be read.
    fn mute_unread(&self, half: &mut Half<'_>, seen: &Seen, receipts: &mut Receipts) {
        let is_name = |word: &str| self.policy.is_name(word);
        let rule = self.policy.unsearched();
        let place = "response.header";
        let mut muting = Muting { receipts, place, rule, is_name: &is_name };
        seen.unread.mute_fields(&mut half.headers, &mut muting);
        if let Some(body) = &mut half.body {
            seen.unread.mute(body, &mut "response.body.$".to_owned(), &mut muting);
        }
    }

    fn remove(
        &self,
        search: &Search<'_>,
        half: &mut Half<'_>,
        receipts: &mut Receipts,
        side: Side,
        content: &Content<'_>,
    ) {
        let prefix = side.name();
        let mut scrub = Scrub { search, policy: &self.policy, receipts, clean: None };
        if !is_method(&half.method) {
            scrub.text(&mut half.method, &[prefix, ".method"].concat());
        }
        scrub.value(&mut half.query, &mut [prefix, ".query"].concat());
        scrub.value(&mut half.headers, &mut [prefix, ".header"].concat());
        if let Some(content_type) = &mut half.content_type {
            scrub.text(content_type, &[prefix, ".content_type"].concat());
        }
        if let Some(body) = &mut half.body {
            let sent = content.as_recorded().filter(|_| !half.encoded);
            scrub.clean = sent.filter(|bytes| !search.may_occur(bytes)).map(Sent::of);
            if scrub.clean.is_none_or(|sent| sent.differs(body)) {
                scrub.value(body, &mut [prefix, ".body.$"].concat());
            }
        }
        let shown = |segment: &str, rule| self.stands_for(segment, rule, search);
        if let Some((path, rule)) = self.policy.route_words().scrub(&half.path, search, shown) {
            receipts.add(&format!("{prefix}.path"), rule);
            half.notes.insert(Note::RedactedByValue);
            half.path = path;
        }
    }

    /// Leaves nothing in which a secret could stand that cannot be looked for.
    fn forget(&self, half: &mut Half<'_>, why: Note) {
        half.notes.insert(why);
        if half.body.take().is_some() {
            half.unread = Some(why);
        }
        if !is_method(&half.method) {
            half.method = MASK.to_owned();
        }
        half.path = self.policy.route_words().alone(&half.path);
        for node in [&mut half.query, &mut half.headers] {
            let Node::Object(members) = node else { continue };
            for (name, value) in members {
                if !is_always_recorded(name) {
                    *value = Node::String(MASK.into());
                }
            }
        }
    }

    /// What is recorded of a text in which a secret was found: its fingerprint, if it is nothing else
    /// and its rule allows that, so that it can be told from others.
    pub(super) fn stands_for(&self, text: &str, rule: usize, search: &Search<'_>) -> String {
        let may = self.policy.action(rule) == Action::Fingerprint && !is_guessable(text);
        match may && search.is_one(text) {
            true => self.key.fingerprint(DOMAIN, text.as_bytes()),
            false => MASK.to_owned(),
        }
    }
}

impl Half<'_> {
    fn unread(&self) -> Option<&'static str> {
        let limited = self.notes.contains(&Note::PatternLimit).then_some(Note::PatternLimit);
        self.unread.or(limited).map(Note::as_str)
    }

    /// Puts all that is recorded into canonical order.
    fn settle(&mut self) {
        settle(&mut self.query);
        settle(&mut self.headers);
        if self.body.as_mut().is_some_and(settle) {
            self.notes.insert(Note::RepeatedNames);
        }
    }
}

/// Masks what repeats prose that was summarized.
fn mute(heard: &Heard, half: &mut Half<'_>, side: Side, receipts: &mut Receipts) {
    let prefix = side.name();
    heard.mute_path(&mut half.path, &format!("{prefix}.path"), receipts);
    heard.mute(&mut half.query, &mut format!("{prefix}.query"), receipts);
    heard.mute(&mut half.headers, &mut format!("{prefix}.header"), receipts);
    if let Some(body) = &mut half.body {
        heard.mute(body, &mut format!("{prefix}.body.$"), receipts);
    }
}

fn walk_request<'c>(
    mut walk: Walk<'_>,
    request: &'c Request,
    content: &'c Content<'_>,
    detail: Detail,
) -> Half<'c> {
    let path = walk.path(request.path());
    walk.called_by_path(request.path());
    let query = request.query().map(decode::query).unwrap_or_default();
    walk.notes.extend(query.notes);
    let mut query = query.node.unwrap_or(Node::Null);
    walk.query(&mut query);
    let mut headers = walk.headers(&request.headers);
    if !request.host.is_empty() && !headers.iter().any(|(name, _)| name == "host") {
        let host = walk.plain(&request.host).unwrap_or_else(|| request.host.clone());
        headers.push(("host".into(), Node::String(host.into())));
    }
    let method = walk.plain(&request.method).unwrap_or_else(|| request.method.clone());
    let half = half(walk, headers, &request.headers, &request.body, content, detail);
    Half { method, path, query, ..half }
}

pub(super) fn walk_response<'c>(
    mut walk: Walk<'_>,
    response: &'c Response,
    content: &'c Content<'_>,
    detail: Detail,
) -> Half<'c> {
    let headers = walk.headers(&response.headers);
    half(walk, headers, &response.headers, &response.body, content, detail)
}

/// Reads the body, recorded or not, so that its secrets are known, and ends the walk.
fn half<'c>(
    mut walk: Walk<'_>,
    headers: Fields,
    raw_headers: &HeaderMap,
    raw_body: &'c Body,
    content: &'c Content<'_>,
    detail: Detail,
) -> Half<'c> {
    let decoded = content.read();
    let content_type = content.media_type();
    let content_type = content_type.map(|name| walk.plain(name).unwrap_or_else(|| name.to_owned()));
    // What the walk came to before the body.
    let (receipts, notes) = (walk.receipts.clone(), walk.notes.clone());
    let is_read = decoded.node.is_some();
    let body = decoded.node.and_then(|node| walk.body_or_sketch(node, decoded.layout));
    let hides = Telling::of(is_read && (body.is_none() || detail == Detail::Metadata), walk.hides);
    if body.is_none()
        && let Some(bytes) = unread(content, raw_headers, raw_body)
    {
        walk.overhear_body(bytes);
    }
    let limited = walk.notes.get(&Note::PathLimit).copied();
    let unread = decoded.notes.first().copied().or(limited).filter(|_| body.is_none());
    walk.notes.extend(decoded.notes);
    walk.teach();
    let (body, receipts, notes) = match detail {
        Detail::WithBody => (body, walk.receipts, walk.notes),
        Detail::Metadata => (None, receipts, notes),
    };
    Half {
        method: String::new(),
        path: String::new(),
        query: Node::Null,
        headers: Node::Object(headers),
        content_type,
        body,
        notes,
        receipts,
        unread,
        cut: walk.cut,
        encoded: walk.encoded,
        hides,
    }
}

/// A body that could not be read by its type: what was captured of it, if it is not encoded.
fn unread<'a>(content: &'a Content<'_>, headers: &HeaderMap, body: &'a Body) -> Option<&'a [u8]> {
    let captured = || (!headers.contains_key(CONTENT_ENCODING)).then_some(body.bytes.as_ref());
    content.bytes().or_else(captured)
}
