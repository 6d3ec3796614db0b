//! Trailers of responses over HTTP/1, which Pingora 0.9 reads past and does not write: the fields are
//! found where the bytes of an upstream's connection go by, and put back where those of the client's do.
//!
//! Those of requests are not passed on: an application that takes them for fields of the head would act
//! upon what nothing has recorded.
//!
//! Invariants: what goes by is not changed, and what is kept of it is bounded. Where anything is in doubt
//! there are no trailers, and the response is passed on without them.

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use pingora::proxy::Session;

use super::chunks::{Chunks, is_forbidden};
use super::forward::EVENT;
use super::wire::Wire;

/// How an ordinary body in chunks ends, as Pingora writes it in one piece.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";
/// What is looked at of a line of a head; the fields that matter are shorter.
const LINE: usize = 64;

/// The lines of fields behind a body, each with its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trailers(Bytes);

impl Trailers {
    /// These, but for those that may not stand behind a body; none if none is left.
    pub(super) fn of(fields: &HeaderMap) -> Option<Self> {
        let mut lines = BytesMut::new();
        for (name, value) in fields.iter().filter(|(name, _)| may_follow(name)) {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                lines.put_slice(part);
            }
        }
        (!lines.is_empty()).then(|| Self(lines.freeze()))
    }

    /// As they stood behind a body, of which is known that they are well-formed and allowed.
    fn as_seen(lines: Vec<u8>) -> Option<Self> {
        let seen = Self(lines.into());
        let fields = seen.fields();
        if fields.keys().all(may_follow) {
            return (!fields.is_empty()).then_some(seen);
        }
        Self::of(&fields)
    }

    /// The fields.
    fn fields(&self) -> HeaderMap {
        let lines = self.0.split(|byte| *byte == b'\n');
        let pairs = lines.filter_map(|line| {
            let at = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at_checked(at)?;
            let value = value.get(1..)?.trim_ascii();
            Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?))
        });
        let mut fields = HeaderMap::new();
        for (name, value) in pairs {
            fields.append(name, value);
        }
        fields
    }

    /// These bytes with the fields in them, if they are the end of a body in chunks.
    pub(super) fn put_into(&self, bytes: &[u8]) -> Option<BytesMut> {
        if bytes != LAST_CHUNK {
            return None;
        }
        let mut out = BytesMut::with_capacity(LAST_CHUNK.len() + self.0.len());
        for part in [b"0\r\n", &*self.0, b"\r\n"] {
            out.put_slice(part);
        }
        Some(out)
    }
}

/// Whether a field may stand behind a body. The id of the event is ours to give.
fn may_follow(name: &HeaderName) -> bool {
    *name != EVENT && !is_forbidden(name.as_str().as_bytes())
}

/// Writes the end of a response: the last of its body, and its trailers if the client takes them.
pub(super) async fn finish(
    session: &mut Session,
    last: Bytes,
    trailers: Option<Trailers>,
) -> pingora::Result<()> {
    let downstream = session.as_downstream_mut();
    let Some(trailers) = trailers else {
        return downstream.write_response_body(last, true).await;
    };
    downstream.write_response_body(last, false).await?;
    if downstream.is_http2() {
        return downstream.write_response_trailers(trailers.fields()).await;
    }
    Wire::trail(downstream.stream(), trailers);
    downstream.write_response_body(Bytes::new(), true).await
}

/// What goes by on an upstream's connection, as far as it decides about trailers.
#[derive(Debug, Default)]
pub(super) struct Tail(At);

#[derive(Debug, Default)]
enum At {
    /// A head comes.
    Head(Head),
    /// A body in chunks.
    Body(Chunks),
    /// Nothing that could end in trailers.
    #[default]
    Else,
}

impl Tail {
    /// A response comes next, which may have a body or not.
    pub(super) fn begin(&mut self, may_have_body: bool) {
        self.0 = if may_have_body { At::Head(Head::default()) } else { At::Else };
    }

    /// Looks at the next bytes.
    pub(super) fn see(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if let At::Head(head) = &mut self.0 {
            let Some((end, more)) = head.see(rest) else { return };
            rest = more;
            self.0 = if end == End::Chunked { At::Body(Chunks::new()) } else { At::Else };
        }
        if let At::Body(chunks) = &mut self.0
            && chunks.judge(rest).is_err()
        {
            self.0 = At::Else;
        }
    }

    /// The trailers of a response that has come to its end.
    pub(super) fn trailers(&mut self) -> Option<Trailers> {
        match std::mem::take(&mut self.0) {
            At::Body(chunks) => chunks.into_trailers().and_then(Trailers::as_seen),
            At::Head(_) | At::Else => None,
        }
    }
}

/// What follows a head.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Chunked,
    Otherwise,
}

/// How far a head is: the beginning of the line that comes, and what the lines before it have said.
#[derive(Debug)]
struct Head {
    line: [u8; LINE],
    length: usize,
    status: Option<[u8; 3]>,
    chunked: bool,
}

impl Default for Head {
    fn default() -> Self {
        Self { line: [0; LINE], length: 0, status: None, chunked: false }
    }
}

impl Head {
    /// Goes through lines until the final head ends; what stands behind it.
    fn see<'a>(&mut self, bytes: &'a [u8]) -> Option<(End, &'a [u8])> {
        let mut rest = bytes;
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, more) = rest.split_at_checked(at)?;
            self.keep(line);
            rest = more.get(1..).unwrap_or_default();
            if let Some(end) = self.end_line() {
                return Some((end, rest));
            }
        }
        self.keep(rest);
        None
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = self.line.get_mut(self.length.min(LINE)..).unwrap_or_default();
        for (place, byte) in room.iter_mut().zip(bytes) {
            *place = *byte;
        }
        self.length += bytes.len();
    }

    fn end_line(&mut self) -> Option<End> {
        let line = self.line.get(..self.length.min(LINE)).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let cut = self.length > LINE;
        self.length = 0;
        let Some(status) = self.status else {
            // Lines before the first are passed over, as by whoever reads the head.
            let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
            self.status = words.nth(1).and_then(|word| word.try_into().ok());
            return (!line.is_empty() && self.status.is_none()).then_some(End::Otherwise);
        };
        if !line.is_empty() {
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let (name, value) = line.split_at_checked(colon)?;
            if name.eq_ignore_ascii_case(b"transfer-encoding") {
                let value = value.to_ascii_lowercase();
                self.chunked = !cut && value.trim_ascii_end().ends_with(b"chunked");
            }
            return None;
        }
        match (&status, self.chunked) {
            (b"101" | b"204" | b"304", _) => Some(End::Otherwise),
            ([b'1', ..], _) => {
                *self = Self::default();
                None
            }
            (_, true) => Some(End::Chunked),
            (_, false) => Some(End::Otherwise),
        }
    }
}

#[cfg(test)]
mod tests;
