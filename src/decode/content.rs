//! A body, undone of its encodings, and read by its type.

use std::borrow::Cow;
use std::fmt;

use encoding_rs::{Encoding, UTF_8};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::budget::Budget;
use super::charset;
use super::csv::csv;
use super::events::{Ending, events};
use super::form::form;
use super::graphql::graphql_within;
use super::grpc_web::trailers;
use super::json::{json, json_lines, json_within};
use super::media::{Kind, MediaType};
use super::multipart::Multipart;
use super::toml::toml;
use super::xml::{declared_encoding, xml};
use super::yaml::yaml;
use super::{Node, Note, encoding};
use crate::capture::Body;

/// Longer pages are not looked at for what else they may be, in bytes as sent.
const PAGE_BYTES_MAX: usize = 64 * 1024;

/// Longer pages without markup are no texts, in bytes.
const TEXT_BYTES_MAX: usize = 2048;

/// What stands before JSON that no other site's page shall run as a script.
const GUARDS: [&str; 4] = [")]}',", ")]}'", "for(;;);", "while(1);"];

/// A body whose content encodings are undone. It owns what [`Content::read`] borrows.
pub struct Content<'a> {
    bytes: Result<Cow<'a, [u8]>, Note>,
    ending: Ending,
    kind: Kind,
    media_type: Option<MediaType>,
}

/// What reading a body came to: a tree, or a note that says why there is none.
#[derive(Debug, Default, PartialEq)]
pub struct Decoded<'a> {
    /// The tree; `None` where there is nothing, or nothing that can be looked into.
    pub node: Option<Node<'a>>,
    /// What the reader of the record should know.
    pub notes: Vec<Note>,
    /// How many documents the tree is made of.
    pub layout: Layout,
}

/// Whether a body is one document, or a list of them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One.
    #[default]
    One,
    /// A list: NDJSON and its like.
    Lines,
    /// A list of events, whose `data` are documents.
    Events,
}

impl Layout {
    /// A body as a whole, and then each line, or the data of each event, of which it is a list.
    pub fn documents<'n>(self, body: &'n Node<'n>) -> impl Iterator<Item = &'n Node<'n>> {
        let parts = match (body, self) {
            (Node::Array(items), Self::Lines | Self::Events) => items.as_slice(),
            _ => &[],
        };
        let documents = parts.iter().flat_map(move |part| {
            let (line, members) = match (self, part) {
                (Self::Events, Node::Object(members)) => (None, members.as_slice()),
                (Self::Events, _) => (None, &[][..]),
                _ => (Some(part), &[][..]),
            };
            let data = members.iter().filter(|(name, _)| name == "data").map(|(_, node)| node);
            line.into_iter().chain(data)
        });
        std::iter::once(body).chain(documents)
    }
}

impl fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<'a> Content<'a> {
    /// Undoes the content encodings of `body`.
    pub fn of(headers: &HeaderMap, body: &'a Body) -> Self {
        let media_type = MediaType::of(headers);
        let kind = match &media_type {
            Some(media_type) => media_type.kind(),
            None if headers.contains_key(CONTENT_TYPE) => Kind::Unsupported,
            None => Kind::Undeclared,
        };
        if kind == Kind::Page
            && let Some((bytes, kind)) = sent_as_page(headers, body)
        {
            return Self { bytes: Ok(bytes), ending: Ending::Whole, kind, media_type };
        }
        let kind = if kind == Kind::Page { Kind::Unsupported } else { kind };
        let ending = if body.truncated { Ending::Cut } else { Ending::Whole };
        let in_pieces = matches!(kind, Kind::Events | Kind::JsonLines);
        let bytes = if body.truncated {
            match complete_lines(&body.bytes) {
                Some(lines) if in_pieces && !headers.contains_key(CONTENT_ENCODING) => {
                    Ok(Cow::Borrowed(lines))
                }
                _ => Err(Note::Truncated),
            }
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
        Self { bytes, ending, kind, media_type }
    }

    /// The `Content-Type` without its parameters, lower case; `None` where it is not one.
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_ref().map(MediaType::essence)
    }

    /// The body without its encodings; `None` where it is not known, or not whole.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref().ok()
    }

    /// The same, if a number in it is spelled as it is recorded: TOML has `1_000` and `0xff`.
    pub fn as_recorded(&self) -> Option<&[u8]> {
        self.bytes().filter(|_| self.kind != Kind::Toml)
    }

    /// Reads the body by its type.
    pub fn read(&self) -> Decoded<'_> {
        let bytes = match &self.bytes {
            Ok(bytes) if bytes.is_empty() => return Decoded::default(),
            Ok(bytes) => bytes,
            Err(note) => return Decoded { notes: vec![*note], ..Decoded::default() },
        };
        let mut budget = Budget::of(bytes.len());
        let read = match (self.kind, &self.media_type) {
            (Kind::Multipart, Some(media_type)) => {
                Multipart::new(&mut budget).read(media_type, bytes).map(|node| (node, Layout::One))
            }
            (Kind::GrpcWeb, Some(media_type)) => {
                let is_text = media_type.essence().starts_with("application/grpc-web-text");
                trailers(bytes, is_text, &mut budget).map(|node| (node, Layout::One))
            }
            (kind, media_type) => {
                read_until(self.ending, kind, media_type.as_ref(), bytes, &mut budget)
            }
        };
        let mut notes = match self.ending {
            Ending::Whole => Vec::new(),
            Ending::Cut => vec![Note::Truncated],
        };
        if self.kind == Kind::GrpcWeb && read.is_ok() {
            notes.push(Note::UnsupportedContentType);
        }
        match read {
            Ok((node, layout)) => Decoded { node: Some(node), notes, layout },
            Err(note) => {
                notes.push(note);
                Decoded { notes, ..Decoded::default() }
            }
        }
    }
}

/// What is sent as a page and is none: JSON, as uploads of old are answered, which a browser shows in a
/// frame; and a short text without markup, since servers call whatever has no other type a page.
fn sent_as_page<'a>(headers: &HeaderMap, body: &'a Body) -> Option<(Cow<'a, [u8]>, Kind)> {
    if body.truncated || body.bytes.len() > PAGE_BYTES_MAX {
        return None;
    }
    let bytes = encoding::decode(headers, &body.bytes).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    if looks_like_json(text) && json(text).is_ok() {
        return Some((bytes, Kind::Json));
    }
    let is_odd = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
    let is_plain = !text.contains(['<', '&']) && !text.contains(is_odd) && !text.trim().is_empty();
    (is_plain && text.len() <= TEXT_BYTES_MAX).then_some((bytes, Kind::PlainText))
}

/// What was captured of a body, up to the last end of a line.
fn complete_lines(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().rposition(|byte| matches!(byte, b'\n' | b'\r'))?;
    bytes.get(..=end)
}

/// Reads bytes that are text of a kind: a part of a body.
pub(super) fn read<'a>(
    kind: Kind,
    media_type: Option<&MediaType>,
    bytes: &'a [u8],
    budget: &mut Budget,
) -> Result<Node<'a>, Note> {
    read_until(Ending::Whole, kind, media_type, bytes, budget).map(|(node, _)| node)
}

fn read_until<'a>(
    ending: Ending,
    kind: Kind,
    media_type: Option<&MediaType>,
    bytes: &'a [u8],
    budget: &mut Budget,
) -> Result<(Node<'a>, Layout), Note> {
    let declared = media_type.map_or(Ok(None), |media_type| media_type.parameter("charset"))?;
    let declared = match kind {
        Kind::Xml => declared.or_else(|| declared_encoding(bytes)),
        _ => declared,
    };
    let (encoding, mark) = charset::encoding_of(bytes, declared)?;
    let bytes = bytes.get(mark..).unwrap_or_default();
    let text = charset::convert(bytes, encoding).map_err(|note| match kind {
        Kind::Undeclared => Note::NoContentType,
        _ => note,
    })?;
    // The escapes of a form stand for bytes in the form's own encoding; in UTF-16 for those of
    // UTF-8, as the URL standard has it.
    let escapes = if declared.is_some() { encoding.output_encoding() } else { UTF_8 };
    match text {
        Cow::Borrowed(text) => parse(kind, text, ending, escapes, budget),
        Cow::Owned(text) => {
            let (node, layout) = parse(kind, &text, ending, escapes, budget)?;
            Ok((node.into_owned(), layout))
        }
    }
}

fn parse<'a>(
    kind: Kind,
    text: &'a str,
    ending: Ending,
    escapes: &'static Encoding,
    budget: &mut Budget,
) -> Result<(Node<'a>, Layout), Note> {
    let node = match kind {
        // Bulk requests and streams are sent under this type as well, a text a line.
        Kind::Json | Kind::Text if kind == Kind::Json || begins_as_json(text) => {
            match json_within(unguarded(text), budget) {
                Err(Note::InvalidJson) if looks_like_json(text) => {
                    return Ok((json_lines(text, budget)?, Layout::Lines));
                }
                result => result,
            }
        }
        Kind::JsonLines => return Ok((json_lines(text, budget)?, Layout::Lines)),
        // curl sends whatever it is given under this type, JSON above all.
        Kind::Form if looks_like_json(text) => json_within(text, budget),
        Kind::Form => form(text, escapes, budget),
        Kind::Undeclared if looks_like_json(text) => json_within(text, budget),
        Kind::Text if looks_like_xml(text) => xml(text, budget),
        Kind::Xml => xml(text, budget),
        Kind::Yaml => yaml(text, budget),
        Kind::Toml => toml(text, budget),
        Kind::Events => return Ok((events(text, ending, budget)?, Layout::Events)),
        Kind::Csv => csv(text, budget),
        Kind::Graphql => {
            graphql_within(text, budget)?;
            Ok(Node::String(Cow::Borrowed(text)))
        }
        Kind::Json | Kind::Text | Kind::PlainText => plain(text),
        Kind::Undeclared => Err(Note::NoContentType),
        Kind::Multipart | Kind::GrpcWeb | Kind::Page | Kind::Unsupported => {
            Err(Note::UnsupportedContentType)
        }
    };
    Ok((node?, Layout::One))
}

/// Text that is recorded as one string. With NUL in it, it is none.
pub(super) fn plain(text: &str) -> Result<Node<'_>, Note> {
    if text.contains('\0') {
        return Err(Note::UnsupportedContentType);
    }
    Ok(Node::String(Cow::Borrowed(text)))
}

/// The JSON behind what keeps it from being run as a script.
fn unguarded(text: &str) -> &str {
    GUARDS.iter().find_map(|guard| text.strip_prefix(guard)).unwrap_or(text)
}

/// What may stand before a document.
const BLANKS: [char; 5] = ['\u{feff}', ' ', '\t', '\r', '\n'];

fn looks_like_json(text: &str) -> bool {
    text.trim_start_matches(BLANKS).starts_with(['{', '['])
}

/// Whether a list or an object of JSON may begin so: `[db]` and `{'a': 1}` are other things, and so is
/// `[100]` at the head of more.
fn begins_as_json(text: &str) -> bool {
    const LITERALS: [&str; 3] = ["true", "false", "null"];
    let text = text.trim_start_matches(BLANKS);
    if let Some(rest) = text.strip_prefix('{') {
        return rest.trim_start_matches(BLANKS).starts_with(['"', '}']);
    }
    if is_head(text) {
        return false;
    }
    text.strip_prefix('[').map(|rest| rest.trim_start_matches(BLANKS)).is_some_and(|rest| {
        rest.starts_with(['"', '[', '{', ']', '-'])
            || rest.starts_with(|c: char| c.is_ascii_digit())
            || LITERALS.iter().any(|literal| rest.starts_with(literal))
    })
}

/// Whether one word or a time stands in the brackets and more behind them, as at the head of a section or a
/// line: `[100]`, `[2026-11-24 10:00]`.
fn is_head(text: &str) -> bool {
    let in_head = |c: char| c.is_ascii_alphanumeric() || " :._/+-".contains(c);
    let rest = text.strip_prefix('[').map(|rest| rest.trim_start_matches(in_head));
    rest.and_then(|rest| rest.strip_prefix(']')).is_some_and(|rest| !rest.trim().is_empty())
}

fn looks_like_xml(text: &str) -> bool {
    let text = text.trim_start_matches(BLANKS);
    text.strip_prefix('<').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '?' | '!' | '_'))
    })
}
