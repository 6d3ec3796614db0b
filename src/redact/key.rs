//! Keyed fingerprints: the same secret can be recognised without being stored.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The installation's key. Its `Debug` prints nothing of it.
#[derive(Clone)]
pub struct FingerprintKey(Hmac<Sha256>);

impl FingerprintKey {
    /// Makes the key from the installation's secret bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        // HMAC pads a shorter key with zeroes to the block length (RFC 2104); doing it here
        // leaves nothing that can fail.
        let mut block = [0; 64];
        for (slot, byte) in block.iter_mut().zip(secret) {
            *slot = *byte;
        }
        Self(Hmac::new(&block.into()))
    }

    /// HMAC-SHA-256 over the value, truncated to 64 bits, as `hmac:` and 16 hex digits. The
    /// domain is part of what is hashed, so that fingerprints of different uses never coincide.
    pub fn fingerprint(&self, domain: &str, value: &[u8]) -> String {
        Self::shown(&self.digest(domain, value))
    }

    /// The whole of what a fingerprint shows the beginning of.
    pub fn digest(&self, domain: &str, value: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(&(domain.len() as u64).to_be_bytes());
        mac.update(domain.as_bytes());
        mac.update(value);
        mac.finalize().into_bytes().into()
    }

    /// A digest as a fingerprint.
    pub fn shown(digest: &[u8; 32]) -> String {
        let [a, b, c, d, e, f, g, h, ..] = digest;
        format!("hmac:{}", hex::encode([*a, *b, *c, *d, *e, *f, *g, *h]))
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(…)")
    }
}
