//! API keys by a table that holds none of them, only digests.

use std::collections::HashMap;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::record::ActorKind;
use crate::redact::FingerprintKey;

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    /// The id.
    pub id: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// What kind of actor.
    pub kind: ActorKind,
}

/// Holders by SHA-256 of their keys, or by the keys' fingerprints as events show them.
#[derive(Default)]
pub struct ApiKeys {
    by_digest: HashMap<[u8; 32], KeyHolder>,
    by_fingerprint: HashMap<String, KeyHolder>,
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeys({})", self.len())
    }
}

impl ApiKeys {
    /// How many keys have a holder.
    pub(super) fn len(&self) -> usize {
        self.by_digest.len() + self.by_fingerprint.len()
    }

    /// Adds a holder by the SHA-256 of the key; false if the key has one.
    pub fn add_digest(&mut self, sha256: [u8; 32], holder: KeyHolder) -> bool {
        self.by_digest.insert(sha256, holder).is_none()
    }

    /// Adds a holder by the key's fingerprint, as events show it; false if the key has one.
    pub fn add_fingerprint(&mut self, fingerprint: String, holder: KeyHolder) -> bool {
        self.by_fingerprint.insert(fingerprint, holder).is_none()
    }

    /// SHA-256 of a key, as the table has it.
    pub fn digest(key: &str) -> [u8; 32] {
        Sha256::digest(key.as_bytes()).into()
    }

    /// The holder of a key with this digest under the installation's key.
    pub(super) fn find(&self, key: &str, digest: &[u8; 32]) -> Option<&KeyHolder> {
        let known = || self.by_digest.get(&Self::digest(key));
        let by_digest = if self.by_digest.is_empty() { None } else { known() };
        if by_digest.is_some() || self.by_fingerprint.is_empty() {
            return by_digest;
        }
        self.by_fingerprint.get(&FingerprintKey::shown(digest))
    }
}
