//! Tells what people write from what machines make, where a name says that it is harmless: a text
//! that looks random is taken for a secret all the same.

use super::letters::are_random;
use super::pattern::Validator;

/// Longer texts are not shown.
const TEXT_BYTES_MAX: usize = 2048;

/// Shorter parts of words are not random.
const PART_BYTES_MIN: usize = 10;
/// Parts of letters and digits are random from this length, and any others from that one.
const MIXED_BYTES_MIN: usize = 20;
const LONG_BYTES_MIN: usize = 40;

/// Shorter parts of names may be a mixture: `eu1b`.
const MIXTURE_BYTES_MIN: usize = 6;
/// Longer names are none.
const NAME_BYTES_MAX: usize = 64;

/// A random text changes between small letters, capitals and digits at every so many characters.
const CHARS_A_CHANGE: usize = 4;

/// Ids of Crockford's base 32 (ULID), and of 12 bytes in hexadecimal.
const ULID_BYTES: usize = 26;
const OBJECT_ID_BYTES: usize = 24;
/// UUIDs without dashes.
const HEX_ID_BYTES: usize = 32;
/// Longer numbers are no ids.
const DIGITS_MAX: usize = 20;

/// Whether a text is no secret by what it looks like; where UUIDs are secrets, it is none of them.
pub(super) fn is_ordinary(text: &str, uuids_are_secret: bool) -> bool {
    let is_link = || text.contains("://") && text.contains(['?', '#', '@']);
    let is_uuid = |word: &str| !Validator::NotUuid.accepts(word);
    text.len() <= TEXT_BYTES_MAX
        && !text.trim_start().starts_with(['{', '[', '<'])
        && !is_link()
        && text.split_whitespace().all(|word| {
            let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
            if is_uuid(bare) { !uuids_are_secret } else { !has_machine_made(word) }
        })
}

/// Whether a text has the form of an id that no credential can be told by: a number, a UUID, a ULID, an
/// ObjectId.
pub(super) fn is_id(text: &str) -> bool {
    let is_number =
        || (1..=DIGITS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number() || !Validator::NotUuid.accepts(text) || is_ulid(text) || is_object_id(text)
}

/// Whether a text is an id, or a name of parts that are words, numbers or ids: `blue-2026`, `ada@example.com`.
pub(super) fn is_name(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_short = part.len() < PART_BYTES_MIN;
        is_id(part) || !(is_machine_made(part) || is_short && is_mixture(part))
    };
    text.len() <= NAME_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~@+:".contains(&byte))
        && (is_id(text) || text.split(|c: char| !c.is_ascii_alphanumeric()).all(is_part))
}

/// Whether a text is a number, a word in small letters, or made of words and numbers with something between
/// them: `prod-eu1`.
pub(super) fn is_slug(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let is_between = |c: char| matches!(c, '-' | '_' | '.');
    let is_part = |part: &str| {
        let word = part.trim_end_matches(|c: char| c.is_ascii_digit());
        part.bytes().all(is_digit) || word.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let is_joined = text.contains(is_between);
    is_name(text)
        && text.split(is_between).all(is_part)
        && (is_joined || text.bytes().all(is_digit) || text.bytes().all(|c| c.is_ascii_lowercase()))
}

/// Whether a word has a part that looks random.
pub(super) fn has_machine_made(word: &str) -> bool {
    word.split(|c: char| !c.is_alphanumeric()).any(is_machine_made)
}

fn is_machine_made(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    if part.len() < PART_BYTES_MIN {
        return false;
    }
    if digits == part.len() {
        return digits > DIGITS_MAX;
    }
    if is_object_id(part) || is_ulid(part) {
        return false;
    }
    part.len() >= LONG_BYTES_MIN
        || digits > 0 && part.len() >= MIXED_BYTES_MIN
        || changes(part) * CHARS_A_CHANGE > part.len()
        || are_random(part)
}

/// Whether a short part changes as often as random ones do.
fn is_mixture(part: &str) -> bool {
    part.len() >= MIXTURE_BYTES_MIN && changes(part) * CHARS_A_CHANGE > part.len()
}

/// How often kinds of characters change; a capital at the front of a word is none.
fn changes(part: &str) -> usize {
    let kind = |byte: u8| match byte {
        b'0'..=b'9' => 0_u8,
        b'A'..=b'Z' => 1,
        _ => 2,
    };
    let pairs = part.bytes().zip(part.bytes().skip(1));
    pairs
        .map(|(one, next)| (kind(one), kind(next)))
        .filter(|(one, next)| one != next && (*one, *next) != (1, 2))
        .count()
}

fn is_object_id(part: &str) -> bool {
    part.len() == OBJECT_ID_BYTES
        && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_ulid(part: &str) -> bool {
    part.len() == ULID_BYTES
        && part.starts_with(|c: char| ('0'..='7').contains(&c))
        && part.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// A UUID without its dashes, as OpenStack has them; a token may look the same.
pub(super) fn is_hex_id(part: &str) -> bool {
    part.len() == HEX_ID_BYTES
        && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Names of errors and states: `INVALID_PASSWORD`. What people type in has no such form.
pub(super) fn is_code(text: &str) -> bool {
    text.contains('_')
        && text
            .split('_')
            .all(|word| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// Several words.
pub(super) fn is_prose(text: &str) -> bool {
    text.split_whitespace().count() > 2
}

#[cfg(test)]
mod tests {
    use super::{is_code, is_ordinary};

    #[test]
    fn what_machines_make_is_told_from_what_people_write() {
        for text in [
            "",
            "ci",
            "Deploys the shop, every night at 02:55",
            "read:users write:users",
            "gid://shopify/StorefrontAccessToken/5",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-AbCdEf",
            "org_Hd3kQ1",
            "uinv_0000000000000001",
            "01HZXV4G7Q2M3N4P5R6S7T8V9W",
            "key_01HZXV4G7Q2M3N4P5R6S7T8V9W",
            "507f1f77bcf86cd799439011",
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            "key_abc123def456",
            "myKey2025Prod",
            "2026-11-22T02:55:02.199Z",
            "jo.doe@acme.example",
            "https://acme.example/tokens/42",
            "PersonalAccessToken",
            "INTERNALSERVERERROR",
        ] {
            assert!(is_ordinary(text, false), "{text}");
        }
        for text in [
            "q7Rt2xZp0Lm4Vb9K",
            "gSkPd7YWDjwDgFqcDN7RrjSYGUmPRT4D",
            "ciHwMPPtbBLiwAyypXAQ",
            "it is SVOKHQTXBAFJOKZV",
            "the key is q7Rt2xZp0Lm4",
            "b00db39f948d13ea1e59b4d6fce56389",
            "eyJhbGciOiJIUzI1NiJ9.e30.abc",
            "https://acme.example/i/3nX9fQ2mZ8kLw4tYvB7f",
            "https://acme.example/reset?code=abc",
            "https://ada:x@acme.example/",
            "{\"value\": \"x\"}",
            "correcthorsebatterystaplecorrecthorsebattery",
        ] {
            assert!(!is_ordinary(text, false), "{text}");
        }
        assert!(!is_ordinary("0f8fad5b-d9cb-469f-a165-70867728950e", true));
    }

    #[test]
    fn codes_have_words_between_lines() {
        for (text, expected) in [
            ("INVALID_CREDENTIALS", true),
            ("not_found", true),
            ("TAKEN", false),
            ("abcd1_efgh", false),
            ("a_b", false),
            ("", false),
        ] {
            assert_eq!(is_code(text), expected, "{text}");
        }
    }
}
