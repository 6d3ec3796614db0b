//! Messages of AWS's binary event streams: length, headers, payload, checksums.
//!
//!   <https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream>
//!   <https://smithy.io/2.0/aws/amazon-eventstream.html>

use serde_json::{Value, json};

/// Lengths of the message and of its headers, and their checksum.
const PRELUDE_BYTES: usize = 12;

/// The checksum at the end.
const CHECKSUM_BYTES: usize = 4;

/// The type of a header that is a text.
const TEXT: u8 = 7;

/// The length of the message that begins here, once that much of it is there.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(*bytes.first_chunk::<4>()?);
    // What is shorter is no message, and leads nowhere.
    Some(usize::try_from(length).unwrap_or(usize::MAX).max(PRELUDE_BYTES + CHECKSUM_BYTES))
}

/// The error of which a whole message tells, as a document.
pub(super) fn error(message: &[u8]) -> Option<Vec<u8>> {
    let headers_length = u32::from_be_bytes(*message.get(4..)?.first_chunk::<4>()?);
    let headers_end = PRELUDE_BYTES.checked_add(usize::try_from(headers_length).ok()?)?;
    let headers = message.get(PRELUDE_BYTES..headers_end)?;
    let payload = message.get(headers_end..message.len().checked_sub(CHECKSUM_BYTES)?)?;
    let kind = text(headers, b":exception-type").or_else(|| text(headers, b":error-code"))?;
    let payload: Value = serde_json::from_slice(payload).unwrap_or_default();
    serde_json::to_vec(&json!({"type": kind, "error": payload})).ok()
}

/// The value of a header that is a text; others are not looked for.
fn text(mut headers: &[u8], wanted: &[u8]) -> Option<String> {
    loop {
        let (name_length, rest) = headers.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*name_length))?;
        let (kind, rest) = rest.split_first()?;
        let length = match *kind {
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            5 | 8 => 8,
            9 => 16,
            6 | TEXT => {
                2_usize.checked_add(usize::from(u16::from_be_bytes(*rest.first_chunk()?)))?
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        if name == wanted && *kind == TEXT {
            return std::str::from_utf8(value.get(2..)?).ok().map(ToOwned::to_owned);
        }
        headers = rest;
    }
}
