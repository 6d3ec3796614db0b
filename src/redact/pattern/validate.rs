//! Checks that tell real secrets from texts of the same form.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use super::numbers::Scheme;
use crate::redact::letters::are_random;
use crate::redact::ordinary::has_machine_made;
use crate::redact::subprotocols::has_credential;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Digits of GitHub's checksum at the end of a token.
const CHECKSUM_DIGITS: usize = 6;

/// Shorter runs of base64 are no key.
const PEM_LINE_BYTES_MIN: usize = 24;

/// No name of an algorithm is longer, or has more digits.
const ALGORITHM_BYTES_MAX: usize = 20;
const ALGORITHM_DIGITS_MAX: usize = 3;

/// Of what is joined: parts, letters of a word and from how many it is one, digits of a number, and of
/// what has a letter or two before it, as versions have.
const LABEL_PARTS_MAX: usize = 8;
const LABEL_LETTERS_MAX: usize = 20;
const LABEL_WORD_MIN: usize = 3;
const LABEL_DIGITS_MAX: usize = 8;
const LABEL_VERSION_MAX: usize = 5;

/// Types of files that are no domains at the top: <https://data.iana.org/TLD/tlds-alpha-by-domain.txt>.
const FILE_TYPES: [&str; 44] = [
    "png", "jpg", "jpeg", "gif", "webp", "svg", "avif", "ico", "bmp", "tif", "tiff", "heic", "psd",
    "pdf", "css", "scss", "less", "js", "mjs", "cjs", "jsx", "tsx", "json", "map", "html", "htm",
    "xml", "yaml", "yml", "toml", "txt", "csv", "tgz", "gz", "xz", "tar", "whl", "jar", "exe",
    "dll", "woff", "ttf", "otf", "lock",
];

/// What is said of secrets where they are not told, and how titles of changes begin.
const STATEMENTS: [&str; 93] = [
    "add",
    "added",
    "allow",
    "cannot",
    "change",
    "changed",
    "check",
    "completed",
    "contact",
    "deleted",
    "disabled",
    "does",
    "enabled",
    "encrypted",
    "enforce",
    "erforderlich",
    "exceeds",
    "expired",
    "failed",
    "false",
    "field",
    "fix",
    "forgotten",
    "hashed",
    "hidden",
    "hide",
    "incorrect",
    "invalid",
    "is",
    "leave",
    "length",
    "mandatory",
    "maximum",
    "may",
    "min",
    "minimum",
    "missing",
    "mismatch",
    "must",
    "needs",
    "never",
    "none",
    "not",
    "null",
    "obligatoire",
    "obligatoria",
    "obligatorio",
    "omitted",
    "optional",
    "passed",
    "pending",
    "please",
    "protected",
    "provided",
    "redacted",
    "rejected",
    "removed",
    "required",
    "requis",
    "requerida",
    "requerido",
    "reset",
    "see",
    "sent",
    "set",
    "should",
    "show",
    "shown",
    "skipped",
    "stored",
    "string",
    "strip",
    "succeeded",
    "success",
    "supplied",
    "support",
    "that",
    "the",
    "this",
    "too",
    "trim",
    "unchanged",
    "unknown",
    "unset",
    "update",
    "updated",
    "use",
    "validate",
    "verify",
    "weak",
    "will",
    "wrong",
    "yes",
];

/// What a value must be, or must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Validator {
    /// Digits whose last one is right (ISO/IEC 7812-1, annex B): payment cards.
    Luhn,
    /// A country, two check digits that are right, an account (ISO 13616).
    Iban,
    /// Its first part decodes to a JSON object, as in JWS and JWE (RFC 7515, RFC 7516).
    Jwt,
    /// It holds a line of base64, as keys in PEM do (RFC 7468).
    Pem,
    /// Its last six characters are the CRC-32 of what stands before them and after the prefix, in
    /// base 62: GitHub's and npm's tokens.
    GithubCrc,
    /// It is base64, of either alphabet.
    Base64,
    /// Letters and digits both occur, or letters in an order that no words have: `rKfXwPqTzLmNbVcDgHjs`.
    Mixed,
    /// It is more than a word: not letters of one case, `-` and `_` alone, in an order that words have.
    NotWord,
    /// It is more than words and numbers that are joined: `job-20261122-001`.
    NotLabel,
    /// It is no UUID.
    NotUuid,
    /// It is not hexadecimal throughout.
    NotHex,
    /// A part of it looks random, and is no id: of 12 bytes in hexadecimal, or a ULID.
    Random,
    /// It is no word that says something of a secret: `required`, `expired`.
    NotStatement,
    /// Its last part, behind a dot, is no type of files: `logo@2x.png` is no address.
    NotFile,
    /// A list of names of subprotocols in which a credential stands, or something else that is no name.
    Subprotocol,
    /// A number that a state or an issuer gives, with its check digits.
    Number(Scheme),
}

impl Validator {
    /// Whether the value is what it should be.
    pub(in crate::redact) fn accepts(self, value: &str) -> bool {
        match self {
            Self::Luhn => luhn(value),
            Self::Iban => iban(value),
            Self::Jwt => jwt(value),
            Self::Pem => pem(value),
            Self::GithubCrc => github_crc(value),
            Self::Base64 => {
                !value.is_empty()
                    && (STANDARD.decode(value).is_ok() || URL_SAFE.decode(value).is_ok())
            }
            Self::Mixed => {
                value.bytes().any(|byte| byte.is_ascii_alphabetic())
                    && value.bytes().any(|byte| byte.is_ascii_digit())
                    || are_random(value)
            }
            Self::NotWord => !is_word(value) || are_random(value),
            Self::NotLabel => !is_label(value),
            Self::NotUuid => !is_uuid(value),
            Self::NotHex => !value.bytes().all(|byte| byte.is_ascii_hexdigit()),
            Self::Random => has_machine_made(value),
            Self::NotStatement => !is_statement(value),
            Self::NotFile => !is_file(value),
            Self::Subprotocol => has_credential(value),
            Self::Number(scheme) => scheme.accepts(value),
        }
    }
}

fn is_file(value: &str) -> bool {
    value.rsplit_once('.').is_some_and(|(_, end)| {
        FILE_TYPES.iter().any(|file_type| file_type.eq_ignore_ascii_case(end))
    })
}

fn is_statement(value: &str) -> bool {
    let word = value.trim_matches(|c: char| c.is_ascii_punctuation());
    STATEMENTS.iter().any(|statement| statement.eq_ignore_ascii_case(word))
}

fn luhn(value: &str) -> bool {
    let mut sum = 0;
    let mut digits = 0_usize;
    for c in value.chars().rev().filter(|c| !matches!(c, ' ' | '-')) {
        let Some(digit) = c.to_digit(10) else { return false };
        sum += match (digits % 2 == 1, digit) {
            (false, digit) => digit,
            (true, digit) if digit > 4 => digit * 2 - 9,
            (true, digit) => digit * 2,
        };
        digits += 1;
    }
    (12..=19).contains(&digits) && sum % 10 == 0 && sum > 0
}

fn iban(value: &str) -> bool {
    let text: String = value.chars().filter(|c| *c != ' ').collect();
    let (Some(head), Some(account)) = (text.get(..4), text.get(4..)) else { return false };
    let well_formed = (15..=34).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && head.bytes().take(2).all(|byte| byte.is_ascii_alphabetic())
        && head.bytes().skip(2).all(|byte| byte.is_ascii_digit());
    let rest = account.chars().chain(head.chars()).try_fold(0_u32, |rest, c| {
        let digit = c.to_digit(36)?;
        Some(if digit < 10 { rest * 10 + digit } else { rest * 100 + digit } % 97)
    });
    well_formed && rest == Some(1)
}

fn jwt(value: &str) -> bool {
    let header = value.split('.').next().unwrap_or_default();
    let Ok(bytes) = URL_SAFE.decode(header).or_else(|_| STANDARD.decode(header)) else {
        return false;
    };
    serde_json::from_slice::<Map<String, Value>>(&bytes).is_ok_and(|header| !header.is_empty())
}

fn pem(value: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    let mut run = 0;
    value.bytes().any(|byte| {
        run = if is_base64(byte) { run + 1 } else { 0 };
        run >= PEM_LINE_BYTES_MIN
    })
}

fn github_crc(value: &str) -> bool {
    let token = value.rsplit('_').next().unwrap_or(value);
    let Some(at) = token.len().checked_sub(CHECKSUM_DIGITS).filter(|at| *at > 0) else {
        return false;
    };
    let (Some(random), Some(checksum)) = (token.get(..at), token.get(at..)) else { return false };
    let declared = checksum.bytes().try_fold(0_u64, |sum, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        Some(sum * 62 + u64::from(digit))
    });
    declared == Some(u64::from(crc32(random.as_bytes())))
}

/// CRC-32 (IEEE 802.3), bit by bit: it is needed for a few dozen bytes at a time.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 }
        })
    })
}

/// Letters of one case, perhaps with a capital at the front, `-` and `_`.
fn is_word(value: &str) -> bool {
    let joins = |byte: u8| b"-_".contains(&byte);
    let tail = || value.bytes().skip(1);
    value.bytes().next().is_none_or(|byte| byte.is_ascii_alphabetic() || joins(byte))
        && (tail().all(|byte| byte.is_ascii_lowercase() || joins(byte))
            || value.bytes().all(|byte| byte.is_ascii_uppercase() || joins(byte))
            || is_algorithm(value))
}

/// A name such as `SCRAM-SHA-256`: capitals, joined by `-`, each with a few digits after them.
fn is_algorithm(value: &str) -> bool {
    let is_part = |part: &str| {
        let letters = part.trim_end_matches(|c: char| c.is_ascii_digit());
        letters.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    value.len() <= ALGORITHM_BYTES_MAX
        && value.contains('-')
        && value.bytes().filter(u8::is_ascii_digit).count() <= ALGORITHM_DIGITS_MAX
        && value.split('-').all(is_part)
}

/// Words, numbers and versions, joined as people join them. Groups of one length are those of a code.
fn is_label(value: &str) -> bool {
    let parts: Vec<&str> = value.split(['-', '_', '.', ':', '/']).collect();
    let (mut words, mut versions) = (0, 0);
    for part in &parts {
        let tail = part.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let letters = part.len() - tail.len();
        let cased = part.bytes().skip(1).take(letters.saturating_sub(1));
        let is_cased = cased.clone().all(|byte| byte.is_ascii_lowercase())
            || part.bytes().take(letters).all(|byte| byte.is_ascii_uppercase());
        if !is_cased || !tail.bytes().all(|byte| byte.is_ascii_digit()) || part.is_empty() {
            return false;
        }
        match (letters, tail.len()) {
            (0, 1..=LABEL_DIGITS_MAX) => {}
            (1..=LABEL_LETTERS_MAX, 0) => words += usize::from(letters >= LABEL_WORD_MIN),
            (1..=2, 1..=LABEL_VERSION_MAX) => versions += 1,
            _ => return false,
        }
    }
    let lengths = parts.iter().map(|part| part.len());
    let is_grouped = lengths.clone().max() == lengths.min();
    (2..=LABEL_PARTS_MAX).contains(&parts.len()) && words > 0 && versions < 2 && !is_grouped
}

fn is_uuid(value: &str) -> bool {
    let mut groups = value.split('-');
    let sized = [8, 4, 4, 4, 12].iter().all(|length| {
        groups.next().is_some_and(|group| {
            group.len() == *length && group.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    });
    sized && groups.next().is_none()
}
