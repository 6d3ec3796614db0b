//! When the application answered. What writes heads of HTTP/1 puts the present moment into each that
//! is final; a proxy may add a date and must not replace one (RFC 9110, section 6.6.1), so it is put
//! back where the head passes.
//!
//! Invariant: nothing but the value of `Date` is changed. Pure.

use bytes::{BufMut, BytesMut};
use http::HeaderValue;

/// What stands before the date in a head.
const FIELD: &[u8] = b"\r\ndate: ";

/// These bytes with this date, if they are a final head that has one.
pub(super) fn dated(head: &[u8], date: &HeaderValue) -> Option<BytesMut> {
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
