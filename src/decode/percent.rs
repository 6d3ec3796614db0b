//! Percent-encoding (RFC 3986, section 2.1), decoded leniently: what is no escape stays.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

/// The bytes that `text` stands for.
pub fn percent_decode(text: &str) -> Cow<'_, [u8]> {
    decode(text, false)
}

/// As [`percent_decode`], with U+FFFD for what is not UTF-8.
pub fn percent_decode_lossy(text: &str) -> Cow<'_, str> {
    match percent_decode(text) {
        // Nothing of it was an escape.
        Cow::Borrowed(_) => Cow::Borrowed(text),
        bytes => lossy(bytes).0,
    }
}

/// Decodes a component of a form or query, where `+` is a space. The flag: it had bytes that the
/// encoding does not have.
pub(super) fn component<'a>(text: &'a str, encoding: &'static Encoding) -> (Cow<'a, str>, bool) {
    match decode(text, true) {
        Cow::Owned(bytes) if encoding != UTF_8 => {
            let (text, lossy) = encoding.decode_without_bom_handling(&bytes);
            (Cow::Owned(text.into_owned()), lossy)
        }
        Cow::Borrowed(_) => (Cow::Borrowed(text), false),
        bytes => lossy(bytes),
    }
}

fn lossy(bytes: Cow<'_, [u8]>) -> (Cow<'_, str>, bool) {
    match bytes {
        Cow::Borrowed(bytes) => match String::from_utf8_lossy(bytes) {
            Cow::Borrowed(text) => (Cow::Borrowed(text), false),
            Cow::Owned(text) => (Cow::Owned(text), true),
        },
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(text) => (Cow::Owned(text), false),
            Err(error) => {
                (Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()), true)
            }
        },
    }
}

fn decode(text: &str, plus_is_space: bool) -> Cow<'_, [u8]> {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|byte| *byte == b'%' || (plus_is_space && *byte == b'+')) {
        return Cow::Borrowed(bytes);
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'%', [high, low, tail @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = tail;
                }
                _ => out.push(b'%'),
            },
            (b'+', _) if plus_is_space => out.push(b' '),
            _ => out.push(first),
        }
    }
    Cow::Owned(out)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
