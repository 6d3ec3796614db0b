//! One try to sign in, from the redirect to the provider until the browser comes back. All of it is in
//! the browser's cookie: nothing here can be filled up.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};

use crate::access::random;
use crate::api::sign_in::browser::Next;
use crate::api::sign_in::token::is_same;

/// How long somebody may take at the provider, in seconds.
pub(super) const ATTEMPT_SECONDS: u64 = 600;
/// The longest page to come back to that fits a cookie, in bytes.
const NEXT_MAX: usize = 2048;

/// A try to sign in.
pub(super) struct Attempt {
    secret: [u8; 32],
    pub(super) next: Next,
}

impl Attempt {
    /// A new one.
    pub(super) fn new(next: Next) -> io::Result<Self> {
        let next = if next.as_str().len() > NEXT_MAX { Next::of("") } else { next };
        Ok(Self { secret: random()?, next })
    }

    /// The one of a browser that comes back.
    pub(super) fn from_cookie(text: &str) -> Option<Self> {
        let (secret, next) = text.split_once('.')?;
        let secret = URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()?;
        let next = String::from_utf8(URL_SAFE_NO_PAD.decode(next).ok()?).ok()?;
        Some(Self { secret, next: Next::of(&next) })
    }

    /// What the browser keeps.
    pub(super) fn to_cookie(&self) -> String {
        let next = URL_SAFE_NO_PAD.encode(self.next.as_str());
        format!("{}.{next}", URL_SAFE_NO_PAD.encode(self.secret))
    }

    /// Comes back with the browser.
    pub(super) fn state(&self) -> String {
        self.derived("state")
    }

    /// Comes back in the token.
    pub(super) fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// Shown to the provider with the code (RFC 7636, section 4.1).
    pub(super) fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// What the provider is told of the verifier before (S256).
    pub(super) fn challenge(&self) -> String {
        let digest = digest::digest(&digest::SHA256, self.verifier().as_bytes());
        URL_SAFE_NO_PAD.encode(digest)
    }

    /// Whether this state is the one that was sent.
    pub(super) fn is_answered_by(&self, state: &str) -> bool {
        is_same(state, &self.state())
    }

    fn derived(&self, purpose: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret);
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, purpose.as_bytes()))
    }
}
