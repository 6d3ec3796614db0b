//! What a client is sent otherwise than Pingora 0.9 writes it: it puts the present moment into each final
//! head, and a proxy may add a date and must not replace one (RFC 9110, section 6.6.1); and it ends each
//! body in chunks without trailers. Both are put right where the bytes pass.
//!
//! Invariants: nothing but the value of `Date` and the end of a body is changed; what was begun is written
//! before anything else.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, BytesMut};
use http::HeaderValue;
use pingora::protocols::Stream;
use tokio::io::AsyncWrite;

use super::trailers::Trailers;

/// What is put right of the response that is written.
#[derive(Default)]
pub(super) struct Rewrite {
    /// When the application gave the answer whose head comes next.
    pub(super) date: Option<HeaderValue>,
    /// What stands behind the body whose last chunk comes next.
    pub(super) trailers: Option<Trailers>,
    /// What was put right, as far as it was not written yet.
    out: BytesMut,
}

impl Rewrite {
    /// Another request comes.
    pub(super) fn begin(&mut self) {
        (self.date, self.trailers) = (None, None);
    }

    /// Takes over a head whose date is another one, or a last chunk with trailers; whether it did.
    pub(super) fn take(&mut self, bytes: &[u8]) -> bool {
        if let Some(out) = self.date.as_ref().and_then(|date| dated(bytes, date)) {
            (self.out, self.date) = (out, None);
            return true;
        }
        if let Some(out) = self.trailers.as_ref().and_then(|trailers| trailers.put_into(bytes)) {
            (self.out, self.trailers) = (out, None);
            return true;
        }
        false
    }

    /// What was taken over and is not written yet.
    pub(super) fn rest(&self) -> &[u8] {
        &self.out
    }

    /// Writes what is left of it.
    pub(super) fn poll_out(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut Stream,
    ) -> Poll<io::Result<()>> {
        while !self.out.is_empty() {
            match ready!(Pin::new(&mut *stream).poll_write(cx, &self.out))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.out.advance(written),
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// What stands before the date in a head.
const FIELD: &[u8] = b"\r\ndate: ";

/// These bytes with this date, if they are a final head that has one.
fn dated(head: &[u8], date: &HeaderValue) -> Option<BytesMut> {
    if !head.starts_with(b"HTTP/1.") || head.get(9) == Some(&b'1') {
        return None;
    }
    let at = head.windows(FIELD.len()).position(|bytes| bytes.eq_ignore_ascii_case(FIELD))?;
    let (before, rest) = head.split_at_checked(at + FIELD.len())?;
    let end = rest.iter().position(|byte| *byte == b'\r')?;
    let mut out = BytesMut::with_capacity(head.len() + date.len());
    out.put_slice(before);
    out.put_slice(date.as_bytes());
    out.put_slice(rest.get(end..).unwrap_or_default());
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_date_of_a_final_head_is_replaced() {
        let old = HeaderValue::from_static("Thu, 01 Jan 2015 00:00:00 GMT");
        let odd = HeaderValue::from_static("yesterday");
        for (head, date, out) in [
            (
                "HTTP/1.1 200 OK\r\nA: date: x\r\nDate: now\r\nB: 1\r\n\r\n",
                &old,
                Some(
                    "HTTP/1.1 200 OK\r\nA: date: x\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\nB: 1\r\n\r\n",
                ),
            ),
            (
                "HTTP/1.0 404 \r\ndate: now\r\n\r\n",
                &odd,
                Some("HTTP/1.0 404 \r\ndate: yesterday\r\n\r\n"),
            ),
            ("HTTP/1.1 200 OK\r\nA: b\r\n\r\n", &old, None),
            ("HTTP/1.1 103 Early Hints\r\nDate: now\r\n\r\n", &old, None),
            ("a body\r\nDate: now\r\n\r\n", &old, None),
            ("", &old, None),
        ] {
            let got = dated(head.as_bytes(), date);
            assert_eq!(got.as_deref(), out.map(str::as_bytes), "{head:?}");
        }
    }
}
