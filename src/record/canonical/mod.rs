//! Canonical bytes (RFC 8785) and leaf hashes (RFC 6962, section 2.1).
//!
//! The parts of an event declare their fields in the order that RFC 8785 asks for, so that their
//! canonical text is what is written in one pass. That pass checks the order of every member that
//! it writes; where it is not the canonical one, the text is made anew by sorting.

mod ordered;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::redact::Redacted;
use ordered::in_order;

/// A value that has no canonical form.
#[derive(Debug, thiserror::Error)]
#[error("the event has no canonical JSON form")]
pub struct CanonicalError(#[from] serde_json::Error);

/// The canonical JSON text of a redacted value.
pub fn canonical<T: Serialize>(value: &Redacted<T>) -> Result<Redacted<String>, CanonicalError> {
    value.as_ref().try_map(text)
}

/// The canonical JSON text of a value.
pub fn text<T: Serialize>(value: &T) -> Result<String, CanonicalError> {
    match in_order(value)? {
        Some(text) => Ok(text),
        None => Ok(serde_json_canonicalizer::to_string(&serde_json::to_value(value)?)?),
    }
}

/// The order of names by their UTF-16 units (RFC 8785, section 3.2.3). It is that of their bytes,
/// but for U+E000 to U+FFFF, which come after all characters beyond them.
pub(crate) fn by_utf16(a: &[u8], b: &[u8]) -> Ordering {
    let is_late = |byte: u8| matches!(byte, 0xee | 0xef);
    let is_beyond = |byte: u8| byte >= 0xf0;
    match a.iter().zip(b).find(|(a, b)| a != b) {
        Some((a, b)) if is_beyond(*a) && is_late(*b) => Ordering::Less,
        Some((a, b)) if is_late(*a) && is_beyond(*b) => Ordering::Greater,
        Some((a, b)) => a.cmp(b),
        None => a.len().cmp(&b.len()),
    }
}

/// The Merkle leaf hash of a document: SHA-256 over a zero byte and the text.
pub fn leaf_hash(document: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update([0]);
    digest.update(document.as_bytes());
    digest.finalize().into()
}
