//! What a secret looks like, and what only looks like one: words, counts, kinds, mixtures.

use super::glob::squash;
use super::pattern::Validator;

/// Shorter pieces of a credential are not remembered by themselves.
const PIECE_BYTES_MIN: usize = 8;

/// What may stand around a secret.
const QUOTES: &str = "\"'`()[]{}<>.,;:";

/// Longer words are secrets all the same.
const PLAIN_BYTES_MAX: usize = 16;

/// Counts are rounded: these digits at their end tell that a number is one,
const ROUND: &str = "000";

/// if no more digits stand before its zeros.
const ROUND_DIGITS_MAX: usize = 3;

/// Words that only say what kind of credential something is, without what joins their parts.
const KINDS: [&str; 34] = [
    "accesskey",
    "accesstoken",
    "apikey",
    "apitoken",
    "authorization",
    "authtoken",
    "basic",
    "bearer",
    "bearertoken",
    "certificate",
    "clientcredentials",
    "clientsecret",
    "cookie",
    "credential",
    "credentials",
    "encryptionkey",
    "idtoken",
    "jwt",
    "keytab",
    "oauth",
    "onetimepassword",
    "otp",
    "passkey",
    "passphrase",
    "password",
    "privatekey",
    "publickey",
    "recoverycode",
    "refreshtoken",
    "secret",
    "secretkey",
    "sshkey",
    "token",
    "totp",
];

/// Names from here on, made of letters and digits, may be secrets themselves.
const RANDOM_NAME_BYTES_MIN: usize = 12;

/// The words of a name: `X-Org-ID`, `projectId`, `PHPSESSID`.
pub(super) fn words(name: &str) -> impl Iterator<Item = &str> {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    parts.flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            let bytes = rest.as_bytes();
            let begins = |at: usize| {
                let is = |at: usize, is: fn(&u8) -> bool| bytes.get(at).is_some_and(is);
                is(at, u8::is_ascii_uppercase)
                    && (!is(at - 1, u8::is_ascii_uppercase) || is(at + 1, u8::is_ascii_lowercase))
            };
            let end = (1..bytes.len()).find(|at| begins(*at)).unwrap_or(bytes.len());
            let (word, after) = rest.split_at_checked(end)?;
            rest = after;
            (!word.is_empty()).then_some(word)
        })
    })
}

/// Whether digits tell a count.
pub(super) fn is_round(digits: &str) -> bool {
    digits.ends_with(ROUND) && digits.trim_end_matches('0').len() <= ROUND_DIGITS_MAX
}

/// What may stand around a secret, and is no part of it.
pub(super) fn is_around(c: char) -> bool {
    c.is_whitespace() || QUOTES.contains(c)
}

/// A word that only says what kind of credential it is: `{"secretKey": "password"}`.
pub(super) fn is_kind(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-';
    text.bytes().all(is_plain) && {
        let mut squashed = String::new();
        squash(text, &mut squashed);
        KINDS.contains(&squashed.as_str())
    }
}

/// Letters and digits in a mixture that no name has.
pub(super) fn is_random(name: &str) -> bool {
    name.len() >= RANDOM_NAME_BYTES_MIN
        && Validator::Mixed.accepts(name)
        && Validator::NotUuid.accepts(name)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(&byte))
        && name
            .split(['.', '-', '_', '/'])
            .any(|part| part.len() >= RANDOM_NAME_BYTES_MIN && Validator::Mixed.accepts(part))
}

/// A piece of a credential that is neither a name nor an address.
pub(super) fn is_mixed(piece: &str) -> bool {
    piece.len() >= PIECE_BYTES_MIN
        && !piece.starts_with('/')
        && !piece.contains('@')
        && piece.bytes().any(|byte| !byte.is_ascii_lowercase() && byte != b'_' && byte != b'-')
}

/// A word as texts are made of: of small letters alone.
pub(super) fn is_plain_word(text: &str) -> bool {
    text.len() <= PLAIN_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-')
}
