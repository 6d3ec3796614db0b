//! A token: 256 random bits behind a prefix that tells what it is.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

/// What every token begins with, so that it is known for one where it is found.
const PREFIX: &str = "countersign_";
/// Random bytes of a token.
pub(super) const SECRET_BYTES: usize = 32;
/// The longest text that is worth a look.
const TEXT_MAX: usize = 64;

/// A token in the clear.
pub struct Token(String);

/// Not the token.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl Token {
    /// A new one.
    pub(super) fn random() -> io::Result<Self> {
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random()?))))
    }

    /// Whether the text says that it is one, which may be wrong, or cut short.
    pub fn is_named(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// A text that may be one.
    pub fn parse(text: &str) -> Option<Self> {
        let secret = text.strip_prefix(PREFIX).filter(|_| text.len() <= TEXT_MAX)?;
        let bytes = URL_SAFE_NO_PAD.decode(secret).ok()?;
        (bytes.len() == SECRET_BYTES).then(|| Self(text.to_owned()))
    }

    /// The text, for whoever made it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// SHA-256. What has 256 random bits needs no slow hash: there is nothing to guess.
    pub(super) fn hash(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.0.as_bytes()).as_ref().to_vec()
    }
}

/// Bytes that nobody can guess.
pub fn random() -> io::Result<[u8; SECRET_BYTES]> {
    let mut secret = [0; SECRET_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut secret)?;
    Ok(secret)
}
