//! Bytes → text, by byte order mark, by the `charset` that was declared, or as UTF-8.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::Note;

/// The encoding of a body, and how many bytes of mark stand before the text.
pub(super) fn encoding_of(
    bytes: &[u8],
    declared: Option<&str>,
) -> Result<(&'static Encoding, usize), Note> {
    if let Some(found) = Encoding::for_bom(bytes) {
        return Ok(found);
    }
    let Some(label) = declared else {
        return Ok((without_label(bytes).unwrap_or(UTF_8), 0));
    };
    let encoding =
        Encoding::for_label_no_replacement(label.as_bytes()).ok_or(Note::UnsupportedCharset)?;
    // `utf-16` alone does not tell the order of bytes.
    let encoding = match without_label(bytes) {
        Some(seen) if encoding == UTF_16LE && label.trim().eq_ignore_ascii_case("utf-16") => seen,
        _ => encoding,
    };
    Ok((encoding, 0))
}

/// UTF-16 without a mark: what is read here begins with an ASCII character.
fn without_label(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        _ if !bytes.len().is_multiple_of(2) => None,
        [0, 1..=0x7f, ..] => Some(UTF_16BE),
        [1..=0x7f, 0, ..] => Some(UTF_16LE),
        _ => None,
    }
}

/// The text, borrowed where nothing has to be converted. Bytes that the encoding does not have are
/// an error.
pub(super) fn convert<'a>(
    bytes: &'a [u8],
    encoding: &'static Encoding,
) -> Result<Cow<'a, str>, Note> {
    if encoding == UTF_8 {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| Note::InvalidUtf8);
    }
    encoding.decode_without_bom_handling_and_without_replacement(bytes).ok_or(Note::InvalidCharset)
}
