//! Basic credentials (RFC 7617): the user may be shown, the password never.

use super::headers::BASE64;
use super::seen::{is_guessable, is_redacted_text};
use super::walk::Walk;
use base64::Engine as _;

/// Longer users are not shown.
const USER_BYTES_MAX: usize = 64;

/// A user of so many characters that is a mixture of letters and digits is taken for a key.
const KEY_CHARS_MIN: usize = 20;

/// What is sent for a password by those who use a key as the user.
const FILLERS: [&str; 8] =
    ["", "x", "x-oauth-basic", "api_token", "unused", "none", "blank", "anystring"];

/// User and password. It has neither `Debug` nor `Serialize`.
pub(super) struct Basic {
    /// The user, where it may be shown.
    pub(super) shown: Option<String>,
    pub(super) password: String,
}

impl Walk<'_> {
    /// User and password of Basic credentials; both are then known as secrets, together and the
    /// password by itself.
    pub(super) fn basic(
        &mut self,
        scheme: Option<&str>,
        secret: &str,
        rule: usize,
    ) -> Option<Basic> {
        if scheme != Some("Basic") {
            return None;
        }
        let decoded = BASE64.decode(secret).ok()?;
        let pair = String::from_utf8_lossy(&decoded);
        let (user, password) = pair.split_once(':')?;
        self.remember(&pair, rule);
        self.remember(password, rule);
        let key = is_key(user, password) || decoded.len() != pair.len() || user == password;
        if is_key(user, password) {
            self.remember(user, rule);
        }
        let shown = (!key && self.is_shown_user(user)).then(|| user.to_owned());
        Some(Basic { shown, password: password.to_owned() })
    }

    /// Whether this is what is recorded of Basic credentials: `ada ***`.
    pub(super) fn is_redacted_basic(&mut self, scheme: Option<&str>, secret: &str) -> bool {
        let Some((user, rest)) = secret.split_once(' ').filter(|_| scheme == Some("Basic")) else {
            return false;
        };
        is_redacted_text(rest) && !looks_like_key(user) && self.is_shown_user(user)
    }

    /// Whether a user is a plain word or an address, and no credential by its looks.
    fn is_shown_user(&mut self, user: &str) -> bool {
        let plain = |c: char| c.is_alphanumeric() || "._@+-\\/".contains(c);
        if user.is_empty() || user.len() > USER_BYTES_MAX || !user.chars().all(plain) {
            return false;
        }
        let (receipts, notes, cut) = (self.receipts.clone(), self.notes.clone(), self.cut);
        let credential = self.plain(user).is_some();
        (self.receipts, self.notes, self.cut) = (receipts, notes, cut);
        !credential
    }
}

/// Whether the user may be the secret itself, as with APIs that take a key for a user and nothing,
/// or a filler, for a password.
fn is_key(user: &str, password: &str) -> bool {
    let filler = FILLERS.contains(&password.to_ascii_lowercase().as_str());
    (filler && !is_guessable(user)) || looks_like_key(user)
}

fn looks_like_key(user: &str) -> bool {
    user.chars().count() >= KEY_CHARS_MIN
        && !user.contains(['@', '\\'])
        && user.bytes().any(|byte| byte.is_ascii_digit())
}
