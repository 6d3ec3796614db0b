//! What strings hold: JSON and XML, base64, percent-encoding, and `data:` URLs.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::budget::Budget;
use super::percent::percent_decode;
use super::xml::xml;
use super::{Node, json};

/// Shorter strings of base64 are words, or hold nothing that could be told apart from chance.
pub const BASE64_BYTES_MIN: usize = 12;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The tree of a string that holds a JSON object or list, or an XML document.
pub fn embedded(text: &str) -> Option<Node<'_>> {
    match text.as_bytes() {
        [b'{' | b'[', _, ..] => json(text).ok(),
        [b'<', b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'?' | b'!', ..] => {
            xml(text, &mut Budget::of(text.len())).ok()
        }
        _ => None,
    }
}

/// The text that a string of base64 stands for, in either alphabet, padded or not. `None` where
/// the string is too short, is no base64, or stands for anything but text.
pub fn base64_text(text: &str) -> Option<String> {
    let text = text.trim();
    let in_alphabet =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=');
    if text.len() < BASE64_BYTES_MIN || !text.bytes().take(BASE64_BYTES_MIN).all(in_alphabet) {
        return None;
    }
    if !text.as_bytes().get(..BASE64_BYTES_MIN).is_some_and(decodes_as_text) {
        return None;
    }
    // Encoders break lines at 64 or 76 characters.
    let joined = text.contains('\n').then(|| text.replace(['\r', '\n'], ""));
    let text = joined.as_deref().unwrap_or(text);
    into_text(engine_of(text.as_bytes()).decode(text).ok()?)
}

/// Whether base64 stands for what text may begin with: most does not.
fn decodes_as_text(head: &[u8]) -> bool {
    let mut buffer = [0; BASE64_BYTES_MIN];
    let length = engine_of(head).decode_slice(head, &mut buffer);
    length.is_ok_and(|length| buffer.get(..length).is_some_and(begins_as_text))
}

fn engine_of(encoded: &[u8]) -> GeneralPurpose {
    if encoded.iter().any(|byte| matches!(byte, b'-' | b'_')) { URL_SAFE } else { STANDARD }
}

/// The text that a string with escapes stands for; `None` where it has none, or is not text.
pub fn percent_text(text: &str) -> Option<String> {
    if !text.contains('%') {
        return None;
    }
    let decoded = into_text(percent_decode(text).into_owned())?;
    (decoded != text).then_some(decoded)
}

/// A `data:` URL (RFC 2397) that holds text: what stands before the comma, and the text.
pub fn data_url(text: &str) -> Option<(&str, String)> {
    let prefix = text.get(..5).filter(|prefix| prefix.eq_ignore_ascii_case("data:"))?;
    let (head, data) = text.split_once(',')?;
    let media_type = head.get(prefix.len()..)?;
    let text = match media_type.rsplit_once(';') {
        Some((_, last)) if last.trim().eq_ignore_ascii_case("base64") => {
            let unescaped = percent_text(data);
            base64_text(unescaped.as_deref().unwrap_or(data))?
        }
        _ => into_text(percent_decode(data).into_owned())?,
    };
    Some((head, text))
}

/// Text has no control characters but those of lines.
fn into_text(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains(is_control)).then_some(text)
}

/// Whether bytes that may end in the middle of a character are text.
fn begins_as_text(bytes: &[u8]) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) if error.error_len().is_none() => {
            bytes.get(..error.valid_up_to()).and_then(|valid| std::str::from_utf8(valid).ok())
        }
        Err(_) => None,
    };
    text.is_some_and(|text| !text.contains(is_control))
}

fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\r' | '\n')
}
