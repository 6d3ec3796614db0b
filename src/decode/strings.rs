//! What strings hold: JSON and XML, base64, percent-encoding, and `data:` URLs.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::budget::Budget;
use super::charset::{convert, encoding_of};
use super::encoding::{has_zlib_header, inflated};
use super::percent::percent_decode;
use super::xml::xml;
use super::yaml::yaml;
use super::{Node, Note, json};

/// Shorter strings of base64 are words, or hold nothing that could be told apart from chance.
pub const BASE64_BYTES_MIN: usize = 12;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The tree of a string that holds a JSON object or list, a string as JSON writes it, or an XML
/// document; blanks and a byte order mark may stand before it.
pub fn embedded(text: &str) -> Option<Node<'_>> {
    let text = without_blanks(text);
    match text.as_bytes() {
        [b'{' | b'[', _, ..] => json(text).ok(),
        [b'"', .., b'"'] => json(text).ok(),
        [b'<', b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'?' | b'!', ..] => {
            xml(text, &mut Budget::of(text.len())).ok()
        }
        _ => None,
    }
}

/// Longer texts are no settings.
const YAML_BYTES_MAX: usize = 256 * 1024;

/// The tree of a text of several lines that is YAML and names something: settings, manifests.
pub fn embedded_yaml(text: &str) -> Option<Node<'_>> {
    if text.len() > YAML_BYTES_MAX || !text.contains('\n') {
        return None;
    }
    let is_told = |line: &&str| !line.is_empty() && !line.starts_with(['#', '%']) && *line != "---";
    let first = text.lines().map(str::trim).find(is_told)?;
    let first = first.trim_start_matches(['-', ' ']);
    let (name, rest) = first.split_once(':')?;
    let is_name = |c: char| c.is_alphanumeric() || "_-./\"' ".contains(c);
    if name.is_empty() || !name.chars().all(is_name) || !(rest.is_empty() || rest.starts_with(' '))
    {
        return None;
    }
    let mut node = yaml(text, &mut Budget::of(text.len())).ok()?;
    if let Node::Object(members) = &mut node {
        // LDIF has two colons before what is base64.
        for (name, _) in members {
            if let Some(bare) = name.strip_suffix(':') {
                *name = Cow::Owned(bare.to_owned());
            }
        }
    }
    matches!(node, Node::Object(_) | Node::Array(_)).then_some(node)
}

/// Whether a text neither begins nor ends with a blank or anything like it.
fn is_trimmed(text: &str) -> bool {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    is_plain(text.as_bytes().first()) && is_plain(text.as_bytes().last())
}

/// The text without blanks around it.
fn trimmed(text: &str) -> &str {
    if is_trimmed(text) { text } else { text.trim() }
}

/// The text without blanks before it.
fn trimmed_start(text: &str) -> &str {
    if text.as_bytes().first().is_some_and(u8::is_ascii_graphic) {
        return text;
    }
    text.trim_start()
}

/// The text without blanks and byte order marks before it, and without blanks and zeros behind.
fn without_blanks(text: &str) -> &str {
    if is_trimmed(text) {
        return text;
    }
    let is_blank = |c: char| c.is_whitespace() || c == '\u{feff}';
    text.trim_start_matches(is_blank).trim_end_matches(|c: char| c.is_whitespace() || c == '\0')
}

/// The text that a string of base64 stands for, in either alphabet, padded or not. `None` where
/// the string is too short, is no base64, or stands for anything but text.
pub fn base64_text(text: &str) -> Option<String> {
    base64_content(text).unwrap_or_default()
}

/// The same, and why nobody can say what it stands for, where that is compressed.
pub fn base64_content(text: &str) -> Result<Option<String>, Note> {
    let text = trimmed(text);
    if !text.as_bytes().first_chunk().is_some_and(may_be_text) {
        return Ok(None);
    }
    // Encoders break lines at 64 or 76 characters, and what holds them may indent them.
    let joined = text.contains('\n').then(|| text.replace([' ', '\t', '\r', '\n'], ""));
    let text = joined.as_deref().unwrap_or(text);
    let Ok(bytes) = engine_of(text.as_bytes()).decode(text) else { return Ok(None) };
    let bytes = inflated(&bytes)?.unwrap_or(bytes);
    Ok(wide_text(&bytes).or_else(|| into_text(bytes)))
}

/// The text of UTF-16, with a mark or without one.
fn wide_text(bytes: &[u8]) -> Option<String> {
    if !begins_as_wide_text(bytes) {
        return None;
    }
    let (encoding, mark) = encoding_of(bytes, None).ok()?;
    let text = convert(bytes.get(mark..)?, encoding).ok()?;
    into_text(text.into_owned().into_bytes())
}

/// Whether these may be the first bytes of UTF-16: a mark, or two characters of ASCII.
fn begins_as_wide_text(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xff, 0xfe, ..]
            | [0xfe, 0xff, ..]
            | [1..=0x7f, 0, 1..=0x7f, 0, ..]
            | [0, 1..=0x7f, 0, 1..=0x7f, ..]
    )
}

/// Whether this is base64 of what text, or what is compressed, may begin with: most words and digests
/// are not.
fn may_be_text(head: &[u8; BASE64_BYTES_MIN]) -> bool {
    let mut decoded = [0; BASE64_BYTES_MIN / 4 * 3];
    let quads = head.as_chunks::<4>().0.iter().zip(decoded.as_chunks_mut::<3>().0);
    for (quad, decoded) in quads {
        let mut bits = 0;
        for byte in quad {
            match SEXTETS.get(usize::from(*byte)) {
                Some(Some(sextet)) => bits = bits << 6 | u32::from(*sextet),
                // Nothing but padding comes after padding: that is for the decoder to say.
                _ => return *byte == b'=',
            }
        }
        let [_, bytes @ ..] = bits.to_be_bytes();
        *decoded = bytes;
    }
    let packed = decoded.starts_with(&[0x1f, 0x8b, 8])
        || decoded.starts_with(&[0x28, 0xb5, 0x2f, 0xfd])
        || has_zlib_header(&decoded);
    packed || begins_as_text(&decoded) || begins_as_wide_text(&decoded)
}

/// What the characters of both alphabets stand for.
#[expect(clippy::indexing_slicing, reason = "it is evaluated by the compiler")]
const SEXTETS: [Option<u8>; 256] = {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut sextets = [None; 256];
    let mut sextet = 0;
    while sextet < ALPHABET.len() {
        sextets[ALPHABET[sextet] as usize] = Some(sextet as u8);
        sextet += 1;
    }
    sextets[b'-' as usize] = Some(62);
    sextets[b'_' as usize] = Some(63);
    sextets
};

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
    let text = trimmed_start(text);
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

/// Text has no control characters but those of lines, and zeros where it ends.
fn into_text(bytes: Vec<u8>) -> Option<String> {
    let mut text = String::from_utf8(bytes).ok()?;
    text.truncate(text.trim_end_matches('\0').len().max(1));
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
