//! Multipart bodies (RFC 2046, RFC 7578): fields become members, files become what is known of them.
//!
//! Strict on purpose. Where readers could disagree on what is a field and what is a value (a
//! boundary inside of a part, text around the parts, headers that are folded or repeated), nothing
//! is recorded, since a secret could stand in what looks like the value of another field.

mod headers;

use std::borrow::Cow;

use memchr::memmem::Finder;
use sha2::{Digest, Sha256};

use self::headers::{PartHeaders, part_headers};
use super::budget::Budget;
use super::media::{Kind, MediaType};
use super::{Node, Note, content};

/// Parts of one body, nested ones included.
pub const PARTS_MAX: usize = 4096;

/// Multipart bodies in parts of multipart bodies.
pub const MULTIPARTS_MAX: usize = 2;

/// The longest boundary, in bytes (RFC 2046, section 5.1.1).
const BOUNDARY_BYTES_MAX: usize = 70;

/// Smaller files have no digest: what is short can be found by trying.
const DIGEST_BYTES_MIN: usize = 32;

/// Longer words are no methods.
const METHOD_BYTES_MAX: usize = 16;

/// The field that every part of a form begins with, or has as one of its first.
const DISPOSITION: &str = "content-disposition:";
const HEADERS_SEEN: usize = 4;

/// A multipart body, while it is read.
pub(super) struct Multipart<'b> {
    budget: &'b mut Budget,
    parts: usize,
    level: usize,
}

impl<'b> Multipart<'b> {
    pub(super) fn new(budget: &'b mut Budget) -> Self {
        Self { budget, parts: 0, level: 0 }
    }

    /// The fields of a body as members of an object; parts without names as a list.
    pub(super) fn read<'a>(
        &mut self,
        media_type: &MediaType,
        bytes: &'a [u8],
    ) -> Result<Node<'a>, Note> {
        if self.level == MULTIPARTS_MAX {
            return Err(Note::TooDeep);
        }
        self.level += 1;
        self.budget.look(bytes.len())?;
        let boundary = media_type.parameter("boundary")?.ok_or(Note::InvalidMultipart)?;
        let parts = Parts::of(bytes, boundary)?;
        let names_are_due = media_type.essence() == "multipart/form-data";
        let (mut members, mut items) = (Vec::new(), Vec::new());
        for part in parts {
            self.parts += 1;
            self.budget.node()?;
            if self.parts > PARTS_MAX {
                return Err(Note::TooManyValues);
            }
            let (headers, content) = part_headers(part?)?;
            let node = self.part(&headers, content)?;
            match headers.name {
                Some(name) => members.push((Cow::Owned(name), node)),
                None if names_are_due => return Err(Note::InvalidMultipart),
                None => items.push(node),
            }
        }
        self.level -= 1;
        match (members.is_empty(), items.is_empty()) {
            (_, true) => Ok(Node::Object(members)),
            (true, false) => Ok(Node::Array(items)),
            (false, false) => Err(Note::InvalidMultipart),
        }
    }

    fn part<'a>(&mut self, headers: &PartHeaders, content: &'a [u8]) -> Result<Node<'a>, Note> {
        let declared = headers.content_type.as_deref();
        let media_type = match declared {
            Some(text) => Some(MediaType::parse(text).ok_or(Note::InvalidMultipart)?),
            None => None,
        };
        if headers.filename.is_some() || headers.encoded {
            return Ok(file(headers, content));
        }
        let kind = media_type.as_ref().map_or(Kind::PlainText, MediaType::kind);
        match (kind, &media_type) {
            (Kind::Multipart, Some(media_type)) => self.read(media_type, content),
            (Kind::Page | Kind::Unsupported, _) => Ok(file(headers, content)),
            _ if content.is_empty() => Ok(Node::String(Cow::Borrowed(""))),
            (Kind::Text, media_type) => {
                content::read(Kind::PlainText, media_type.as_ref(), content, self.budget)
            }
            (kind, media_type) => content::read(kind, media_type.as_ref(), content, self.budget),
        }
    }
}

/// The fields of a text that is a body of a form in parts, as functions get what gateways received; why
/// not, where it is one and cannot be read.
pub fn embedded_multipart(text: &str) -> Option<Result<Node<'_>, Note>> {
    let mut lines = text.strip_prefix("--")?.lines();
    let boundary = lines.next()?;
    let is_field = |line: &str| {
        let head = line.as_bytes().get(..DISPOSITION.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(DISPOSITION.as_bytes()))
    };
    if boundary.len() > BOUNDARY_BYTES_MAX || !lines.take(HEADERS_SEEN).any(is_field) {
        return None;
    }
    let read = match MediaType::parse(&format!("multipart/form-data; boundary=\"{boundary}\"")) {
        Some(media_type) => {
            Multipart::new(&mut Budget::of(text.len())).read(&media_type, text.as_bytes())
        }
        None => Err(Note::InvalidMultipart),
    };
    Some(read)
}

/// What is recorded of a file, and of any part whose contents are not looked into.
fn file<'a>(headers: &PartHeaders, content: &[u8]) -> Node<'a> {
    let mut members = Vec::new();
    let mut member = |name: &'static str, node| members.push((Cow::Borrowed(name), node));
    let text = |text: &str| Node::String(Cow::Owned(text.to_owned()));
    if let Some(filename) = &headers.filename {
        member("filename", text(filename));
    }
    if let Some(content_type) = &headers.content_type {
        member("content_type", text(content_type));
    }
    if headers.content_type.as_deref().is_some_and(is_http) {
        match http_start(content) {
            Some(Start::Request(method)) => member("method", text(method)),
            Some(Start::Response(status)) => member("status", Node::count(usize::from(status))),
            None => {}
        }
    }
    member("size", Node::count(content.len()));
    if content.len() >= DIGEST_BYTES_MIN {
        member("sha256", text(&hex::encode(Sha256::digest(content))));
    }
    Node::Object(members)
}

/// How a message within a batch begins: what is done, and how it ended, and nothing else of it.
enum Start<'a> {
    Request(&'a str),
    Response(u16),
}

/// Whether a part is a message of HTTP (RFC 9112, section 10.2), as OData and Google have it in their
/// batches.
fn is_http(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/http")
}

fn http_start(content: &[u8]) -> Option<Start<'_>> {
    let line = content.trim_ascii_start().split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let mut words = line.split(|byte| *byte == b' ');
    let first = std::str::from_utf8(words.next()?).ok()?;
    if first.starts_with("HTTP/") {
        let status: u16 = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
        return (100..600).contains(&status).then_some(Start::Response(status));
    }
    let is_method = (1..=METHOD_BYTES_MAX).contains(&first.len())
        && first.bytes().all(|byte| byte.is_ascii_uppercase());
    is_method.then_some(Start::Request(first))
}

/// The parts between the delimiters, headers included.
struct Parts<'a> {
    bytes: &'a [u8],
    /// `--boundary`.
    delimiter: Finder<'static>,
    /// Where the part begins that is next; `None` after the last.
    at: Option<usize>,
}

impl<'a> Parts<'a> {
    /// Goes to the first part. What stands before it is no part, and is not passed over in silence.
    fn of(bytes: &'a [u8], boundary: &str) -> Result<Self, Note> {
        let well_formed = (1..=BOUNDARY_BYTES_MAX).contains(&boundary.len())
            && boundary.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
            && !boundary.ends_with(' ');
        if !well_formed {
            return Err(Note::InvalidMultipart);
        }
        let delimiter = Finder::new(format!("--{boundary}").as_bytes()).into_owned();
        let start = if bytes.starts_with(b"\r\n") { 2 } else { 0 };
        let mut parts = Self { bytes, delimiter, at: None };
        let rest = bytes.get(start..).unwrap_or_default();
        if !rest.starts_with(parts.delimiter.needle()) {
            return Err(Note::InvalidMultipart);
        }
        parts.at = parts.after_delimiter(start)?;
        Ok(parts)
    }

    /// Where the next part begins behind the delimiter at `start`; `None` if it was the last one.
    fn after_delimiter(&self, start: usize) -> Result<Option<usize>, Note> {
        let end = start + self.delimiter.needle().len();
        let rest = self.bytes.get(end..).unwrap_or_default();
        let padding = |bytes: &[u8]| bytes.iter().take_while(|byte| b" \t".contains(byte)).count();
        if let Some(epilogue) = rest.strip_prefix(b"--") {
            let blank = epilogue.iter().all(|byte| b" \t\r\n".contains(byte));
            return if blank { Ok(None) } else { Err(Note::InvalidMultipart) };
        }
        let padding = padding(rest);
        let line = rest.get(padding..).unwrap_or_default();
        if line.starts_with(b"\r\n") {
            Ok(Some(end + padding + 2))
        } else {
            Err(Note::InvalidMultipart)
        }
    }

    fn part(&mut self, from: usize) -> Result<&'a [u8], Note> {
        let rest = self.bytes.get(from..).unwrap_or_default();
        // A part without headers may begin with the delimiter's own line break; then it is empty.
        let found = self.delimiter.find(rest).ok_or(Note::InvalidMultipart)?;
        let part = rest.get(..found).unwrap_or_default();
        let part = part.strip_suffix(b"\r\n").ok_or(Note::InvalidMultipart)?;
        self.at = self.after_delimiter(from + found)?;
        Ok(part)
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<&'a [u8], Note>;

    fn next(&mut self) -> Option<Self::Item> {
        let from = self.at.take()?;
        Some(self.part(from))
    }
}
