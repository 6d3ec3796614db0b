//! A body, undone of its encodings, and read by its type.

use std::borrow::Cow;
use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::form::form;
use super::json::json_lines;
use super::{Node, Note, encoding, json};
use crate::capture::Body;

/// The longest media type that is believed, in bytes (RFC 6838, section 4.2).
const MEDIA_TYPE_BYTES_MAX: usize = 255;

/// A body whose content encodings are undone. It owns what [`Content::read`] borrows.
pub struct Content<'a> {
    bytes: Result<Cow<'a, [u8]>, Note>,
    kind: Kind,
    media_type: Option<String>,
}

/// What reading a body came to: a tree, or a note that says why there is none.
#[derive(Debug, Default, PartialEq)]
pub struct Decoded<'a> {
    /// The tree; `None` where there is nothing, or nothing that can be looked into.
    pub node: Option<Node<'a>>,
    /// What the reader of the record should know.
    pub notes: Vec<Note>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    JsonLines,
    Form,
    /// Plain text: clients send JSON under this type as well.
    Text,
    Unsupported,
    Undeclared,
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<'a> Content<'a> {
    /// Undoes the content encodings of `body`.
    pub fn of(headers: &HeaderMap, body: &'a Body) -> Self {
        let media_type = media_type(headers);
        let kind = kind(media_type.as_deref(), headers.contains_key(CONTENT_TYPE));
        let bytes = if body.truncated {
            Err(Note::Truncated)
        } else if matches!(kind, Kind::Unsupported) && !body.bytes.is_empty() {
            Err(Note::UnsupportedContentType)
        } else if body.bytes.is_empty() {
            Ok(Cow::Borrowed(&[][..]))
        } else {
            match encoding::decode(headers, &body.bytes) {
                Ok(bytes) if bytes.is_empty() => Err(Note::Empty),
                result => result,
            }
        };
        Self { bytes, kind, media_type }
    }

    /// The `Content-Type` without its parameters, lower case; `None` where it is not one.
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }

    /// Reads the body by its type.
    pub fn read(&self) -> Decoded<'_> {
        let bytes = match &self.bytes {
            Ok(bytes) if bytes.is_empty() => return Decoded::default(),
            Ok(bytes) => bytes,
            Err(note) => return Decoded { node: None, notes: vec![*note] },
        };
        match read(self.kind, bytes) {
            Ok(node) => Decoded { node: Some(node), notes: Vec::new() },
            Err(note) => Decoded { node: None, notes: vec![note] },
        }
    }
}

fn read(kind: Kind, bytes: &[u8]) -> Result<Node<'_>, Note> {
    let text = std::str::from_utf8(bytes).map_err(|_| match kind {
        Kind::Undeclared => Note::NoContentType,
        Kind::Text | Kind::Unsupported => Note::UnsupportedContentType,
        Kind::Json | Kind::JsonLines | Kind::Form => Note::InvalidUtf8,
    })?;
    match kind {
        Kind::Json => json(text),
        Kind::JsonLines => json_lines(text),
        // curl sends whatever it is given under this type, JSON above all.
        Kind::Form if looks_like_json(text) => json(text),
        Kind::Form => form(text),
        Kind::Text | Kind::Undeclared if looks_like_json(text) => json(text),
        Kind::Undeclared => Err(Note::NoContentType),
        Kind::Text | Kind::Unsupported => Err(Note::UnsupportedContentType),
    }
}

fn looks_like_json(text: &str) -> bool {
    text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']).starts_with(['{', '['])
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let essence = value.split(';').next().unwrap_or_default().trim();
    let (kind, subtype) = essence.split_once('/')?;
    let well_formed = essence.len() <= MEDIA_TYPE_BYTES_MAX
        && [kind, subtype].iter().all(|part| !part.is_empty() && part.bytes().all(is_name_byte));
    well_formed.then(|| essence.to_ascii_lowercase())
}

/// RFC 6838, section 4.2.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte)
}

fn kind(media_type: Option<&str>, declared: bool) -> Kind {
    match media_type {
        None if declared => Kind::Unsupported,
        None => Kind::Undeclared,
        Some("application/x-www-form-urlencoded") => Kind::Form,
        Some(
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines",
        ) => Kind::JsonLines,
        Some("application/json" | "text/json" | "application/x-json") => Kind::Json,
        Some("text/plain") => Kind::Text,
        Some(name) if name.ends_with("+json") => Kind::Json,
        Some(_) => Kind::Unsupported,
    }
}
