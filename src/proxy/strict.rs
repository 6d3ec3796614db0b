//! Is this request head beyond doubt? Pure: bytes in, verdict out.
//!
//! A head that two parsers could read differently is how a mutation slips past an auditor, so
//! nothing here is lenient where RFC 9110 and RFC 9112 would allow leniency. Only the exact bytes
//! of the wire are judged, before any parser has mended them.

use std::str;

use http::{StatusCode, Uri};

/// What the door accepts of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeadLimits {
    /// The whole head, in bytes.
    pub(super) head_bytes: usize,
    /// Header fields.
    pub(super) fields: usize,
    /// The request target, in bytes.
    pub(super) target_bytes: usize,
}

/// Why a head is refused: a status, a name for metrics, and a sentence for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    /// 400, 405, 414, 431, 501 or 505.
    pub(super) status: StatusCode,
    /// From a closed set.
    pub(super) reason: &'static str,
    /// What the client did, without repeating anything it sent.
    pub(super) detail: &'static str,
}

const fn refuse(status: StatusCode, reason: &'static str, detail: &'static str) -> Refusal {
    Refusal { status, reason, detail }
}

const BAD_LINE_END: Refusal = refuse(
    StatusCode::BAD_REQUEST,
    "line_end",
    "every line of a request head must end in CR LF, and neither may stand alone",
);
const BAD_REQUEST_LINE: Refusal = refuse(
    StatusCode::BAD_REQUEST,
    "request_line",
    "the request line must be a method, a target and a version, with one space between them",
);
const BAD_TARGET: Refusal = refuse(
    StatusCode::BAD_REQUEST,
    "target",
    "the request target must be a path, or an http URL, in visible characters without a fragment; \
     `<` and `>`, in a path a backtick, and in a query `\"`, must be percent-encoded",
);
const BAD_FIELD: Refusal = refuse(
    StatusCode::BAD_REQUEST,
    "field",
    "a header field must be a name, a colon directly behind it, and a value without control characters",
);
const OBS_FOLD: Refusal =
    refuse(StatusCode::BAD_REQUEST, "obs_fold", "a header field must not go on in the next line");
pub(super) const BAD_LENGTH: Refusal = refuse(
    StatusCode::BAD_REQUEST,
    "content_length",
    "Content-Length must be given once, as a plain number",
);
const BAD_CODING: Refusal = refuse(
    StatusCode::BAD_REQUEST,
    "transfer_encoding",
    "Transfer-Encoding must be given once, as `chunked`, and not in HTTP/1.0",
);
const AMBIGUOUS: Refusal = refuse(
    StatusCode::BAD_REQUEST,
    "ambiguous_framing",
    "Content-Length and Transfer-Encoding exclude each other",
);
const BAD_HOST: Refusal = refuse(
    StatusCode::BAD_REQUEST,
    "host",
    "Host must be given once and agree with the request target",
);
const UNSUPPORTED_CODING: Refusal = refuse(
    StatusCode::NOT_IMPLEMENTED,
    "transfer_encoding",
    "the only transfer coding that is understood is `chunked`",
);
pub(super) const BAD_METHOD: Refusal = refuse(
    StatusCode::METHOD_NOT_ALLOWED,
    "method",
    "TRACE and CONNECT are not passed on by an audit proxy",
);
const BAD_VERSION: Refusal = refuse(
    StatusCode::HTTP_VERSION_NOT_SUPPORTED,
    "version",
    "the version must be HTTP/1.0, HTTP/1.1 or HTTP/2",
);
pub(super) const LONG_TARGET: Refusal =
    refuse(StatusCode::URI_TOO_LONG, "target_too_long", "the request target is too long");
pub(super) const LARGE_HEAD: Refusal = refuse(
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "head_too_large",
    "the request head is too large",
);
pub(super) const MANY_FIELDS: Refusal = refuse(
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "too_many_fields",
    "the request head has too many fields",
);

/// How the body behind a head is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyFraming {
    /// By its length; 0 if there is none.
    Length(u64),
    /// By chunks.
    Chunked,
}

/// Where a head stands in what was read so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    /// It is complete, ends before this offset, and has such a body behind it.
    Complete(usize, BodyFraming),
    /// More must be read.
    Partial,
}

/// Judges what was read of a head so far. `seen` is how much of `bytes` earlier calls have looked
/// at in vain for the end.
pub(super) fn check(bytes: &[u8], seen: usize, limits: &HeadLimits) -> Result<Head, Refusal> {
    let from = seen.saturating_sub(3);
    let rest = bytes.get(from..).unwrap_or_default();
    let Some(end) = rest.windows(4).position(|window| window == b"\r\n\r\n") else {
        return partial(bytes, limits);
    };
    let end = from + end + 4;
    if end > limits.head_bytes {
        return Err(LARGE_HEAD);
    }
    let head = bytes.get(..end - 4).unwrap_or_default();
    Ok(Head::Complete(end, check_lines(head, limits)?))
}

/// A head without an end may already be beyond rescue: a bare LF pair would otherwise be waited
/// for until the deadline.
fn partial(bytes: &[u8], limits: &HeadLimits) -> Result<Head, Refusal> {
    if bytes.len() >= limits.head_bytes {
        return Err(LARGE_HEAD);
    }
    let bare = bytes.iter().enumerate().any(|(at, byte)| {
        *byte == b'\n' && (at == 0 || bytes.get(at - 1).is_none_or(|before| *before != b'\r'))
    });
    if bare { Err(BAD_LINE_END) } else { Ok(Head::Partial) }
}

/// What the fields said that only makes sense together.
#[derive(Default)]
struct Framing<'a> {
    length: Option<u64>,
    chunked: bool,
    host: Option<&'a [u8]>,
}

fn check_lines(head: &[u8], limits: &HeadLimits) -> Result<BodyFraming, Refusal> {
    let mut lines = Lines(Some(head));
    let line = lines.next().ok_or(BAD_REQUEST_LINE)??;
    let (target, http10) = request_line(line, limits)?;
    let mut framing = Framing::default();
    for (count, line) in lines.enumerate() {
        if count >= limits.fields {
            return Err(MANY_FIELDS);
        }
        field(line?, &mut framing, http10)?;
    }
    authority(target, framing.host, http10)?;
    match (framing.length, framing.chunked) {
        (Some(_), true) => Err(AMBIGUOUS),
        (None, true) => Ok(BodyFraming::Chunked),
        (length, false) => Ok(BodyFraming::Length(length.unwrap_or(0))),
    }
}

/// Lines between CR LF; a CR or LF of any other kind is an error.
struct Lines<'a>(Option<&'a [u8]>);

impl<'a> Iterator for Lines<'a> {
    type Item = Result<&'a [u8], Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.take()?;
        let Some(at) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            return Some(Ok(rest));
        };
        let (line, end) = rest.split_at(at);
        match end.strip_prefix(b"\r\n") {
            Some(more) => {
                self.0 = Some(more);
                Some(Ok(line))
            }
            None => Some(Err(BAD_LINE_END)),
        }
    }
}

fn request_line<'a>(line: &'a [u8], limits: &HeadLimits) -> Result<(&'a [u8], bool), Refusal> {
    let mut parts = line.split(|byte| *byte == b' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(BAD_REQUEST_LINE);
    };
    if !is_token(method) {
        return Err(BAD_REQUEST_LINE);
    }
    let http10 = match version {
        b"HTTP/1.1" => false,
        b"HTTP/1.0" => true,
        other if other.starts_with(b"HTTP/") => return Err(BAD_VERSION),
        _ => return Err(BAD_REQUEST_LINE),
    };
    if method.eq_ignore_ascii_case(b"TRACE") || method.eq_ignore_ascii_case(b"CONNECT") {
        return Err(BAD_METHOD);
    }
    if target.len() > limits.target_bytes {
        return Err(LONG_TARGET);
    }
    // Beyond ASCII it is UTF-8, or no URI.
    let is_visible = |byte: &u8| !matches!(byte, 0..=0x20 | b'#' | 0x7f);
    let visible = target.iter().all(is_visible);
    let form_known = target.starts_with(b"/")
        || absolute(target).is_some()
        || (target == b"*" && method == b"OPTIONS");
    // What the parser behind the door would refuse is refused here, with an explanation.
    if target.is_empty() || !visible || !form_known || Uri::try_from(target).is_err() {
        return Err(BAD_TARGET);
    }
    Ok((target, http10))
}

/// The authority of an absolute-form target.
fn absolute(target: &[u8]) -> Option<&[u8]> {
    let rest = strip_prefix_ignoring_case(target, b"http://")
        .or_else(|| strip_prefix_ignoring_case(target, b"https://"))?;
    let authority = rest.split(|byte| matches!(byte, b'/' | b'?')).next()?;
    (!authority.is_empty()).then_some(authority)
}

fn strip_prefix_ignoring_case<'a>(text: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn field<'a>(line: &'a [u8], framing: &mut Framing<'a>, http10: bool) -> Result<(), Refusal> {
    if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return Err(OBS_FOLD);
    }
    let colon = line.iter().position(|byte| *byte == b':').ok_or(BAD_FIELD)?;
    let (name, value) = line.split_at(colon);
    let value = value.get(1..).unwrap_or_default();
    if !is_token(name) || !value.iter().copied().all(is_value_byte) {
        return Err(BAD_FIELD);
    }
    let value = value.trim_ascii();
    if name.eq_ignore_ascii_case(b"content-length") {
        let plain = (1..=18).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
        let length = str::from_utf8(value).ok().and_then(|length| length.parse().ok());
        if framing.length.is_some() || !plain || length.is_none() {
            return Err(BAD_LENGTH);
        }
        framing.length = length;
    } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
        if framing.chunked || http10 || value.is_empty() {
            return Err(BAD_CODING);
        }
        if !value.eq_ignore_ascii_case(b"chunked") {
            return Err(UNSUPPORTED_CODING);
        }
        framing.chunked = true;
    } else if name.eq_ignore_ascii_case(b"host") && framing.host.replace(value).is_some() {
        return Err(BAD_HOST);
    }
    Ok(())
}

/// Host is there once, is made of the bytes of a host and port, and agrees with an absolute target.
fn authority(target: &[u8], host: Option<&[u8]>, http10: bool) -> Result<(), Refusal> {
    let Some(host) = host else {
        return if http10 && absolute(target).is_none() { Ok(()) } else { Err(BAD_HOST) };
    };
    let plausible = host
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:[]%!$&'()*+;=".contains(byte));
    let agrees = absolute(target).is_none_or(|authority| authority.eq_ignore_ascii_case(host));
    if plausible && agrees { Ok(()) } else { Err(BAD_HOST) }
}

/// A token of RFC 9110, section 5.6.2.
fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().copied().all(is_token_byte)
}

/// A byte of a token.
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A byte of a field's value.
pub(super) fn is_value_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= 0x20 && byte != 0x7f)
}

#[cfg(test)]
mod tests;
