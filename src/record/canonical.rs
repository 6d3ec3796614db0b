//! Canonical bytes (RFC 8785) and leaf hashes (RFC 6962, section 2.1).

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::redact::Redacted;

/// A value that has no canonical form.
#[derive(Debug, thiserror::Error)]
#[error("the event has no canonical JSON form")]
pub struct CanonicalError(#[from] serde_json::Error);

/// The canonical JSON text of a redacted value.
pub fn canonical<T: Serialize>(value: &Redacted<T>) -> Result<Redacted<String>, CanonicalError> {
    value.as_ref().try_map(serde_json_canonicalizer::to_string).map_err(CanonicalError)
}

/// The Merkle leaf hash of a document: SHA-256 over a zero byte and the text.
pub fn leaf_hash(document: &str) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update([0]);
    digest.update(document.as_bytes());
    digest.finalize().into()
}
