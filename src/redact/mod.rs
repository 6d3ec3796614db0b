//! The redaction engine: the only maker of [`Redacted`].
//!
//! Knows nothing of YAML and nothing of stores. Whatever it cannot finish is recorded as metadata
//! only, never as the raw value.

mod key;
mod redacted;

pub use key::FingerprintKey;
pub use redacted::Redacted;
