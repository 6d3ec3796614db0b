//! Errors inside of answers that began well: events of a stream, lines of one, and bodies that say
//! with status 200 what went wrong.
//!
//! Looks at what has passed already and delays nothing. What it cannot look into (a content encoding, a
//! line that is too long) it lets pass unseen.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::frames;
use crate::capture::{Body, Release, Response};

/// Longer lines, and whole bodies, are not looked into.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// Names of events that tell of an error.
///   Anthropic: <https://docs.anthropic.com/en/docs/build-with-claude/streaming#error-events>
///   OpenAI: <https://platform.openai.com/docs/api-reference/responses-streaming>
const ERROR_EVENTS: [&str; 3] = ["error", "response.failed", "exception"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Events,
    Lines,
    /// Bedrock's.
    Frames,
    Whole,
}

/// A watch over one answer.
pub struct Watch {
    kind: Kind,
    /// What there is of a line that has not ended.
    line: Vec<u8>,
    /// The line is too long.
    is_skipped: bool,
    /// So many bytes are still to come of a message that is too long.
    skip: usize,
    /// The event is called an error.
    is_error: bool,
    /// The data of the event so far, and how many lines of it there are.
    data: Vec<u8>,
    data_lines: usize,
    /// A line has been read.
    is_begun: bool,
    /// The last byte was a carriage return, which ends a line, as does the line feed that may follow.
    is_returned: bool,
    is_done: bool,
}

impl Watch {
    /// A watch over an answer with these fields, if it can be looked into.
    pub fn over(headers: &HeaderMap) -> Option<Self> {
        if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return None;
        }
        let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let kind = match kind.as_str() {
            "text/event-stream" => Kind::Events,
            "application/x-ndjson" | "application/jsonl" | "application/x-jsonlines" => Kind::Lines,
            "application/vnd.amazon.eventstream" => Kind::Frames,
            "application/json" => Kind::Whole,
            _ => return None,
        };
        Some(Self {
            kind,
            line: Vec::new(),
            is_skipped: false,
            skip: 0,
            is_error: false,
            data: Vec::new(),
            data_lines: 0,
            is_begun: false,
            is_returned: false,
            is_done: false,
        })
    }

    /// Looks at what has passed: the first error in it, as a document of JSON.
    pub fn passed(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        if self.is_done {
            return None;
        }
        if self.kind == Kind::Frames {
            return self.frames(chunk);
        }
        if self.kind == Kind::Whole {
            self.keep(chunk);
            return None;
        }
        if self.kind == Kind::Events {
            return self.events(chunk);
        }
        let mut lines = chunk.split(|byte| *byte == b'\n');
        let last = lines.next_back().unwrap_or_default();
        for rest in lines {
            if let Some(error) = self.line_ends(rest) {
                return self.done(error);
            }
        }
        self.keep(last);
        None
    }

    /// The answer has ended: an error in what was not told yet.
    pub fn ended(&mut self) -> Option<Vec<u8>> {
        if self.is_done || self.kind == Kind::Frames {
            return None;
        }
        let error = self.line_ends(b"").or_else(|| self.event_ends());
        self.done(error?)
    }

    /// Lines of events end in any of three ways.
    ///
    ///   <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>
    fn events(&mut self, mut chunk: &[u8]) -> Option<Vec<u8>> {
        while let Some(at) = memchr::memchr2(b'\n', b'\r', chunk) {
            let (line, rest) = chunk.split_at_checked(at)?;
            let (end, rest) = rest.split_first()?;
            chunk = rest;
            let is_second = *end == b'\n' && line.is_empty() && self.is_returned;
            self.is_returned = *end == b'\r';
            if is_second {
                continue;
            }
            if let Some(error) = self.line_ends(line) {
                return self.done(error);
            }
        }
        self.is_returned &= chunk.is_empty();
        self.keep(chunk);
        None
    }

    /// An event has ended: an error in its data, where a line alone did not tell of it.
    fn event_ends(&mut self) -> Option<Vec<u8>> {
        let (lines, is_error) =
            (std::mem::take(&mut self.data_lines), std::mem::take(&mut self.is_error));
        let data = std::mem::take(&mut self.data);
        (lines > 1 || is_error && lines > 0).then(|| error(&data, is_error))?
    }

    /// Takes a line of an event's data; an error in it alone, since not all who write events end them.
    fn data(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        self.data_lines += 1;
        if self.data_lines > 1 {
            self.data.push(b'\n');
        }
        if self.data.len().saturating_add(line.len()) > LINE_BYTES_MAX {
            // What is longer is no document of an error.
            self.data = Vec::new();
        } else {
            self.data.extend_from_slice(line);
        }
        error(line, self.is_error)
    }

    fn frames(&mut self, mut chunk: &[u8]) -> Option<Vec<u8>> {
        while !chunk.is_empty() {
            let skipped = self.skip.min(chunk.len());
            self.skip -= skipped;
            chunk = chunk.get(skipped..).unwrap_or_default();
            // First as much as tells how long it is.
            let wanted = frames::length(&self.line).unwrap_or(4);
            if wanted > LINE_BYTES_MAX {
                self.skip = wanted.saturating_sub(self.line.len());
                self.line = Vec::new();
                continue;
            }
            let (head, rest) = chunk
                .split_at_checked(wanted.saturating_sub(self.line.len()))
                .unwrap_or((chunk, &[]));
            self.line.extend_from_slice(head);
            chunk = rest;
            if frames::length(&self.line) == Some(self.line.len()) {
                let message = std::mem::take(&mut self.line);
                if let Some(error) = frames::error(&message) {
                    return self.done(error);
                }
            }
        }
        None
    }

    fn done(&mut self, error: Vec<u8>) -> Option<Vec<u8>> {
        self.is_done = true;
        self.line = Vec::new();
        Some(error)
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.is_skipped || self.line.len().saturating_add(bytes.len()) > LINE_BYTES_MAX {
            self.is_skipped = true;
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn line_ends(&mut self, rest: &[u8]) -> Option<Vec<u8>> {
        if self.line.is_empty() && !self.is_skipped && rest.len() <= LINE_BYTES_MAX {
            return self.read(rest);
        }
        self.keep(rest);
        let line = std::mem::take(&mut self.line);
        if std::mem::take(&mut self.is_skipped) {
            return None;
        }
        self.read(&line)
    }

    fn read(&mut self, line: &[u8]) -> Option<Vec<u8>> {
        let begun = std::mem::replace(&mut self.is_begun, true);
        // A mark of the order of bytes is no part of the first line.
        let line = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| !begun).unwrap_or(line);
        let line = line.trim_ascii();
        if self.kind != Kind::Events {
            return error(line, false);
        }
        if let Some(name) = line.strip_prefix(b"event:") {
            let name = name.trim_ascii();
            self.is_error = ERROR_EVENTS.iter().any(|known| known.as_bytes() == name);
            return None;
        }
        if line.is_empty() {
            return self.event_ends();
        }
        self.data(line.strip_prefix(b"data:")?.trim_ascii_start())
    }
}

/// An answer with this status and these fields, as it is told by an error that was found in it.
pub fn told(status: u16, mut headers: HeaderMap, error: Vec<u8>) -> Response {
    // What was found is a document of JSON, whatever it stood in.
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let body = Body { size: None, ..Body::whole(error) };
    Response { status, headers, body, release: Release::Streaming }
}

/// The error that a document tells of, as a document.
fn error(document: &[u8], is_error: bool) -> Option<Vec<u8>> {
    const NAME: &[u8] = b"\"error\"";
    const FAILED: &[u8] = b"\"response.failed\"";
    let has = |name: &[u8]| memchr::memmem::find(document, name).is_some();
    // In a text within the document its quotes would be escaped.
    if !is_error && !has(NAME) && !has(FAILED) {
        return None;
    }
    let value: Value = serde_json::from_slice(document).ok()?;
    let value = match value {
        Value::Array(mut items) => items.pop()?,
        value => value,
    };
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    let is_some = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    if kind == "response.failed" {
        let error = value.get("response").and_then(|response| response.get("error"));
        return serde_json::to_vec(&serde_json::json!({"error": error})).ok();
    }
    // OpenRouter's, of the provider behind it.
    let choices = value.get("choices").and_then(Value::as_array).into_iter().flatten();
    let mut failed = choices.filter_map(|choice| choice.get("error"));
    if let Some(error) = failed.find(|error| error.is_object()) {
        return serde_json::to_vec(&serde_json::json!({"error": error})).ok();
    }
    (is_error || kind == "error" || is_some(value.get("error")))
        .then(|| serde_json::to_vec(&value).ok())?
}
