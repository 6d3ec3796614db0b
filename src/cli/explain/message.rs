//! Requests and responses as text: HTTP/1.1 messages as `curl -i` saves them, `.http` files, and
//! transcripts of `curl -v`.

use std::path::Path;
use std::time::Duration;

use http::HeaderMap;
use http::header::CONTENT_LENGTH;

use super::body::{self, Found};
use super::curl;
use super::exchange::{Exchange, Reply, fields, split_target, visible};
use crate::problem::Problem;

/// A head, and where its body begins.
struct Head<'t> {
    /// The first line, and its number in the file.
    first: (&'t str, u64),
    fields: Vec<(&'t str, &'t [u8])>,
    body: usize,
}

/// The lines of a file with their numbers, from an offset on.
struct Lines<'t> {
    bytes: &'t [u8],
    offset: usize,
    number: u64,
}

impl<'t> Iterator for Lines<'t> {
    type Item = (u64, &'t [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.offset..).filter(|rest| !rest.is_empty())?;
        let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
        let line = rest.get(..end)?;
        self.offset += end;
        self.number += 1;
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Some((self.number, line.strip_suffix(b"\r").unwrap_or(line)))
    }
}

fn lines(bytes: &[u8]) -> Lines<'_> {
    Lines { bytes, offset: 0, number: 0 }
}

pub(super) fn problem(file: &Path, line: u64, message: &str, remedy: &str) -> Problem {
    Problem {
        file: file.to_owned(),
        line,
        column: 1,
        message: message.to_owned(),
        remedy: remedy.to_owned(),
    }
}

/// The exchange of a request's file and, if there is one, a response's.
pub(super) fn read(
    (file, request): (&Path, &[u8]),
    response: Option<(&Path, &[u8])>,
) -> Result<Exchange, Problem> {
    let mut notes = Vec::new();
    let is_script = file.extension().is_some_and(|end| end == "http" || end == "rest");
    let request = match first_of_several(request, is_script) {
        Some(first) => {
            notes.push("the file has more requests, behind `###`: only the first is explained");
            first
        }
        None => request,
    };
    let transcript = transcript(request);
    let (request, answered) = match &transcript {
        Some(parts) => (parts.request.as_slice(), Some(parts.response.as_slice())),
        None if response.is_none() => both(request),
        None => (request, None),
    };
    let command = match &transcript {
        None => curl::message(file, request).transpose()?,
        Some(_) => None,
    };
    let request = command.as_deref().unwrap_or(request);
    let answered = answered.filter(|bytes| !bytes.is_empty()).map(|bytes| (file, bytes));
    let mut exchange = self::request(file, request, &mut notes)?;
    if let Some((file, bytes)) = response.or(answered) {
        exchange.reply = Some(self::response(file, bytes, &mut notes)?);
    }
    exchange.notes = notes;
    Ok(exchange)
}

/// The first request of a file that has several, with a line of `###` between them; whatever stands behind it
/// in a `.http` file, and what begins as a request does elsewhere.
fn first_of_several(bytes: &[u8], is_script: bool) -> Option<&[u8]> {
    let mut all = lines(bytes);
    let mut has_begun = false;
    let mut start = all.offset;
    while let Some((_, line)) = all.next() {
        if has_begun && line.starts_with(b"###") {
            let first = bytes.get(..start)?;
            // The empty line before the next one belongs to neither.
            let more = bytes.get(all.offset..).unwrap_or_default();
            let body = first.trim_ascii_end();
            let mut next = lines(more).map(|(_, line)| line).filter(|line| !is_comment(line));
            let is_request =
                |line: &[u8]| str::from_utf8(line).is_ok_and(|line| parts(line).is_some());
            let is_one = next.next().is_some_and(|line| is_script || is_request(line));
            return is_one.then_some(body);
        }
        has_begun = has_begun || !is_comment(line);
        start = all.offset;
    }
    None
}

/// Whether a line of a `.http` file says nothing of the request.
fn is_comment(line: &[u8]) -> bool {
    line.is_empty() || [b"#".as_slice(), b"@", b"//"].iter().any(|mark| line.starts_with(mark))
}

/// Method, target and version of a request's first line. Commands of other programs begin with words as well:
/// `http POST a/b x=1`.
fn parts(line: &str) -> Option<(&str, &str, Option<&str>)> {
    let mut words = line.split_ascii_whitespace();
    let (method, target, version) = (words.next()?, words.next()?, words.next());
    let is_token = http::Method::from_bytes(method.as_bytes()).is_ok();
    let is_target = !target.starts_with('-') && target.contains(['/', '.', ':', '*']);
    let is_version = version.is_none_or(|version| version.starts_with("HTTP/"));
    (is_token && is_target && is_version).then_some((method, target, version))
}

/// Whether the body in the file is not as long as its head says.
fn is_cut(body: &[u8], rest: &[u8], headers: &HeaderMap) -> bool {
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let declared = declared.and_then(|length| length.trim().parse::<usize>().ok());
    // Editors put a line end behind it.
    let more = rest.len().saturating_sub(body.len());
    declared.is_some_and(|declared| declared != body.len() || more > 2)
}

/// A request, and its response if that stands behind it in the same file, after an empty line.
fn both(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    let is_status = |line: &[u8]| {
        let mut words = line.split(|byte| *byte == b' ');
        let version = words.next().is_some_and(|word| word.starts_with(b"HTTP/"));
        let status = words.next().unwrap_or_default();
        version && status.len() == 3 && status.iter().all(u8::is_ascii_digit)
    };
    let mut all = lines(bytes);
    let mut is_after_empty = false;
    let mut start = all.offset;
    while let Some((_, line)) = all.next() {
        if is_after_empty && is_status(line) {
            let (request, response) = bytes.split_at_checked(start).unwrap_or((bytes, b""));
            let end = request.strip_suffix(b"\n").unwrap_or(request);
            return (end.strip_suffix(b"\r").unwrap_or(end), Some(response));
        }
        is_after_empty = line.is_empty();
        start = all.offset;
    }
    (bytes, None)
}

/// What a GET of a state was answered.
pub(super) fn state(file: &Path, bytes: &[u8]) -> Result<Reply, Problem> {
    response(file, bytes, &mut Vec::new())
}

fn request(file: &Path, bytes: &[u8], notes: &mut Vec<&'static str>) -> Result<Exchange, Problem> {
    let head = head(file, bytes)?;
    let (line, number) = head.first;
    let Some((method, target, version)) = parts(line) else {
        let message = "a request begins with a line such as `POST /admin/users HTTP/1.1`";
        let remedy = "save the request as it was sent: request line, header fields, an empty line, \
                      the body; or give a HAR file";
        return Err(problem(file, number, message, remedy));
    };
    let headers = fields(head.fields.into_iter(), notes);
    let (authority, target) = match target.split_once("://") {
        Some((_, rest)) => split_target(rest),
        None => (String::new(), visible(target)),
    };
    let host = headers.get("host").and_then(|host| host.to_str().ok());
    let host = host.map_or(authority, ToOwned::to_owned);
    let rest = bytes.get(head.body..).unwrap_or_default();
    let body = message_body(rest, &headers);
    if body.is_empty() && headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0") {
        notes.push("the file does not have the request's body");
    } else if is_cut(&body, rest, &headers) {
        notes.push("the request's body in the file is not as long as its Content-Length says");
    }
    let version = match version {
        Some("HTTP/1.0") => "1.0",
        Some("HTTP/2" | "HTTP/2.0" | "HTTP/3") => "2",
        _ => "1.1",
    };
    Ok(Exchange {
        number: 1,
        line: number,
        time: None,
        duration: Duration::ZERO,
        method: method.to_owned(),
        target,
        host,
        version,
        body: body::as_sent(&headers, body, Found::Unknown),
        headers,
        reply: None,
        before: None,
        after: None,
        notes: Vec::new(),
    })
}

/// The final response: interim ones, and that of a proxy to `CONNECT`, stand before it.
fn response(file: &Path, bytes: &[u8], notes: &mut Vec<&'static str>) -> Result<Reply, Problem> {
    let mut bytes = bytes;
    let mut before = 0;
    loop {
        let head = head(file, bytes)?;
        let (line, number) = head.first;
        let mut words = line.splitn(3, ' ');
        let version = words.next().filter(|version| version.starts_with("HTTP/"));
        let status = words.next().and_then(|status| status.parse::<u16>().ok());
        let status = status.filter(|status| (100..=999).contains(status));
        let (Some(_), Some(status)) = (version, status) else {
            let message = "a response begins with a line such as `HTTP/1.1 201 Created`";
            let remedy =
                "save it with `curl -i`: status line, header fields, an empty line, the body";
            return Err(problem(file, before + number, message, remedy));
        };
        let rest = bytes.get(head.body..).unwrap_or_default();
        let interim = status < 200 && status != 101;
        if (interim || line.ends_with("Connection established")) && rest.starts_with(b"HTTP/") {
            before += lines(bytes.get(..head.body).unwrap_or_default()).count() as u64;
            bytes = rest;
            continue;
        }
        let headers = fields(head.fields.into_iter(), notes);
        let body = message_body(rest, &headers);
        if !body.is_empty() && is_cut(&body, rest, &headers) {
            notes.push("the response's body in the file is not as long as its Content-Length says");
        }
        return Ok(Reply {
            status,
            size: None,
            body: body::as_sent(&headers, body, Found::Unknown),
            headers,
        });
    }
}

/// Reads a head. Comments and settings, as `.http` files have them, may stand before it.
fn head<'t>(file: &Path, bytes: &'t [u8]) -> Result<Head<'t>, Problem> {
    let mut lines = lines(bytes);
    let mut first = None;
    let mut fields = Vec::new();
    for (number, line) in lines.by_ref() {
        let Ok(text) = std::str::from_utf8(line.split(|byte| *byte == b':').next().unwrap_or(line))
        else {
            let remedy = "save the message as text; the head comes first, then an empty line";
            return Err(problem(file, number, "this is no head of an HTTP message", remedy));
        };
        let skipped = text.is_empty() || text.starts_with(['#', '@']) || text.starts_with("//");
        match first {
            None if skipped => {}
            None => {
                let line = std::str::from_utf8(line).unwrap_or_default();
                first = Some((line.trim(), number));
            }
            Some(_) if line.is_empty() => break,
            Some(_) => match line.get(text.len()..).and_then(|rest| rest.strip_prefix(b":")) {
                Some(value) => fields.push((text.trim(), value)),
                None => {
                    let remedy =
                        "header fields are `Name: value`; the body comes after an empty line";
                    return Err(problem(file, number, "this is no header field", remedy));
                }
            },
        }
    }
    let Some(first) = first else {
        let remedy = "give a HAR file, or a request as it was sent";
        return Err(problem(file, 1, "there is no HTTP message in the file", remedy));
    };
    Ok(Head { first, fields, body: lines.offset })
}

/// The body as its length says; without one, less the line end that editors put behind it.
fn message_body(bytes: &[u8], headers: &HeaderMap) -> Vec<u8> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let declared = declared.and_then(|length| length.trim().parse::<usize>().ok());
    if let Some(body) = declared.and_then(|length| bytes.get(..length)) {
        return body.to_vec();
    }
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    body.strip_suffix(b"\r").unwrap_or(body).to_vec()
}

/// The two messages in a transcript of `curl -v`.
struct Transcript {
    request: Vec<u8>,
    response: Vec<u8>,
}

/// Takes a transcript apart: `> ` stands before the request's head, `< ` before the response's; `* `
/// and `{ [5 bytes data]` are curl's own words, and the rest is the response's body. The last
/// exchange counts.
fn transcript(bytes: &[u8]) -> Option<Transcript> {
    let is_request = |line: &[u8]| {
        line.strip_prefix(b"> ").is_some_and(|line| line.windows(6).any(|word| word == b" HTTP/"))
    };
    let (start, _) = lines(bytes).filter(|(_, line)| is_request(line)).last()?;
    let blank = usize::try_from(start).unwrap_or(1).saturating_sub(1);
    let mut parts = Transcript { request: vec![b'\n'; blank], response: Vec::new() };
    let mut in_body = false;
    for (number, line) in lines(bytes) {
        let marked = |mark: &[u8]| {
            let bare = mark.trim_ascii_end();
            (line == bare).then_some(&b""[..]).or_else(|| line.strip_prefix(mark))
        };
        let (request, response) = match (number >= start, marked(b"> "), marked(b"< ")) {
            (true, Some(line), _) if !in_body => (line, &b""[..]),
            (true, None, Some(line)) => {
                in_body = in_body || line.is_empty();
                (&b""[..], line)
            }
            (true, _, None) if in_body && !is_remark(line) => (&b""[..], line),
            _ => continue,
        };
        if in_body || marked(b"< ").is_some() {
            parts.response.extend_from_slice(response);
            parts.response.push(b'\n');
        } else {
            parts.request.extend_from_slice(request);
            parts.request.push(b'\n');
        }
    }
    // What curl says last stands behind a body without a line end.
    let body = parts.response.trim_ascii_end();
    if let Some(at) = memchr::memmem::rfind(body, b"* Connection #")
        && body.ends_with(b"left intact")
    {
        parts.response.truncate(at);
    }
    Some(parts)
}

/// Whether curl says it, and not the server.
fn is_remark(line: &[u8]) -> bool {
    line.starts_with(b"* ")
        || ((line.starts_with(b"{ [") || line.starts_with(b"} ["))
            && line.ends_with(b" bytes data]"))
}
