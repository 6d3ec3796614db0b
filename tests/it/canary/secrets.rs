//! Random secrets of every kind, and the spellings under which one could be found again.

use std::fmt::Write as _;
use std::hash::{BuildHasher, Hasher, RandomState};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};

/// The variable that repeats a run.
pub(super) const SEED: &str = "CANARY_SEED";

/// Shorter needles occur by chance.
const NEEDLE_BYTES_MIN: usize = 8;

/// Random numbers from a seed (splitmix64).
pub(super) struct Random(u64);

impl Random {
    /// The seed is printed; the variable `CANARY_SEED` repeats it.
    pub(super) fn fresh() -> Self {
        let given = std::env::var(SEED).ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        eprintln!("{SEED}={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn of(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        let count = u64::try_from(alphabet.len()).unwrap();
        (0..length).map(|_| alphabet[usize::try_from(self.next() % count).unwrap()]).collect()
    }
}

impl Random {
    /// A word of small letters: nothing about it is odd.
    pub(super) fn word(&mut self) -> String {
        self.of("abcdefghijklmnopqrstuvwxyz", 22)
    }
}

const DIGITS: &str = "0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ALNUM: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const SPECIALS: &str = "!#$%&*+/<>?@^~\"'\\;,:|=()[]{}";

/// What a secret looks like, and the name under which it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// What people type: letters, digits and specials.
    Password,
    /// What machines make, of no known form.
    Token,
    /// Ten digits.
    Pin,
    /// Letters of several scripts.
    Unicode,
    /// Letters that ISO 8859-1 has.
    Latin,
    /// A private key of several lines.
    Pem,
    /// Tokens of providers, under names that say nothing.
    Github,
    Stripe,
    Slack,
    Gitlab,
    /// Three parts of base64.
    Jwt,
}

/// All of them.
pub(super) const KINDS: [Kind; 11] = [
    Kind::Password,
    Kind::Token,
    Kind::Pin,
    Kind::Unicode,
    Kind::Latin,
    Kind::Pem,
    Kind::Github,
    Kind::Stripe,
    Kind::Slack,
    Kind::Gitlab,
    Kind::Jwt,
];

impl Kind {
    /// The name under which a secret of this kind stands.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Token => "client_secret",
            Self::Pin => "pin",
            Self::Unicode => "newPassword",
            Self::Latin => "passphrase",
            Self::Pem => "private_key",
            Self::Github | Self::Stripe | Self::Slack | Self::Gitlab | Self::Jwt => "remark",
        }
    }

    /// It is one word of letters, digits and `-_`.
    pub(super) fn is_word(self) -> bool {
        !matches!(self, Self::Password | Self::Unicode | Self::Latin | Self::Pem)
    }

    /// A secret that nobody has seen before.
    pub(super) fn make(self, random: &mut Random) -> Secret {
        let text = match self {
            Self::Password => {
                let (a, b) = (random.of(ALNUM, 6), random.of(ALNUM, 6));
                format!("{a}{}{b}{}Q7", random.of(SPECIALS, 2), random.of(SPECIALS, 1))
            }
            // One of letters alone may be a word.
            Self::Token => format!("{}7{}", random.of(ALNUM, 20), random.of(ALNUM, 19)),
            // No zero comes first, so that it can be a number.
            Self::Pin => format!("{}{}", random.of("123456789", 1), random.of(DIGITS, 9)),
            Self::Unicode => format!("{}Ж{}é🔑7", random.of("αβγδεζηθ", 6), random.of(ALNUM, 5)),
            Self::Latin => format!("{}ß{}x7", random.of("äöüéèñçå", 5), random.of(ALNUM, 6)),
            Self::Pem => {
                let lines: Vec<String> = (0..4).map(|_| random.of(BASE64, 64)).collect();
                format!(
                    "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                    lines.join("\n")
                )
            }
            Self::Github => format!("ghp_{}", random.of(ALNUM, 36)),
            Self::Stripe => format!("sk_live_{}", random.of(ALNUM, 32)),
            Self::Slack => {
                let (a, b) = (random.of(DIGITS, 12), random.of(DIGITS, 12));
                format!("xoxb-{a}-{b}-{}", random.of(ALNUM, 24))
            }
            Self::Gitlab => format!("glpat-{}{}", random.of(UPPER, 2), random.of(ALNUM, 18)),
            Self::Jwt => {
                let claims = format!("{{\"jti\":\"{}\",\"sub\":\"ada\"}}", random.of(ALNUM, 12));
                let parts =
                    [r#"{"alg":"HS256","typ":"JWT"}"#, &claims].map(|p| URL_SAFE_NO_PAD.encode(p));
                format!("{}.{}", parts.join("."), random.of(ALNUM, 43))
            }
        };
        Secret { kind: self, text }
    }
}

/// A secret that was made for one case.
#[derive(Debug, Clone)]
pub(super) struct Secret {
    /// What it looks like.
    pub(super) kind: Kind,
    /// The secret.
    pub(super) text: String,
}

impl Secret {
    /// The name under which it stands.
    pub(super) fn key(&self) -> &'static str {
        self.kind.key()
    }

    /// What gives it away, in every spelling.
    pub(super) fn needles(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut needles = Vec::new();
        if self.kind == Kind::Pem {
            for line in self.text.lines().filter(|line| !line.starts_with('-')) {
                needles.extend(spellings(line));
            }
        } else {
            needles.extend(spellings(&self.text));
            let chars: Vec<char> = self.text.chars().collect();
            // A part of a secret is one as well.
            if chars.len() >= 20 {
                let (first, last) = chars.split_at(chars.len() / 2);
                let text = |part: &[char]| part.iter().collect::<String>().into_bytes();
                needles.push(("first half", text(first)));
                needles.push(("last half", text(last)));
            }
        }
        needles.retain(|(_, needle)| needle.len() >= NEEDLE_BYTES_MIN);
        needles
    }
}

/// All spellings of a text; upper and lower case of ASCII are not told apart by the search.
fn spellings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let json = serde_json::to_string(text).unwrap();
    let json = json.trim_start_matches('"').trim_end_matches('"').to_owned();
    let twice = serde_json::to_string(&json).unwrap();
    let units = || text.encode_utf16();
    let escapes = |unit: u16| format!("\\u{unit:04x}");
    let ascii_json: String = units()
        .map(|u| if u < 128 { String::from_utf16_lossy(&[u]) } else { escapes(u) })
        .collect();
    let mut all = vec![
        ("plain", bytes.to_vec()),
        ("reversed", text.chars().rev().collect::<String>().into_bytes()),
        ("upper case", text.to_uppercase().into_bytes()),
        ("lower case", text.to_lowercase().into_bytes()),
        ("UTF-16 LE", units().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16 BE", units().flat_map(u16::to_be_bytes).collect()),
        ("percent", percent(text).into_bytes()),
        (
            "percent, all",
            bytes
                .iter()
                .fold(String::new(), |mut out, byte| {
                    write!(out, "%{byte:02X}").unwrap();
                    out
                })
                .into_bytes(),
        ),
        ("JSON", json.clone().into_bytes()),
        ("JSON in JSON", twice.trim_matches('"').as_bytes().to_vec()),
        ("JSON, ASCII", ascii_json.into_bytes()),
        ("JSON, all escaped", units().map(escapes).collect::<String>().into_bytes()),
        ("XML", xml(text).into_bytes()),
        ("hex", hex::encode(bytes).into_bytes()),
    ];
    for engine in [&STANDARD, &URL_SAFE] {
        for offset in 0..3 {
            let mut shifted = vec![0; offset];
            shifted.extend_from_slice(bytes);
            let encoded = engine.encode(&shifted);
            // Characters that depend on the secret alone.
            let (from, to) = ((offset * 8).div_ceil(6), shifted.len() * 8 / 6);
            all.push(("base64", encoded.as_bytes()[from..to].to_vec()));
        }
    }
    all.sort_by(|a, b| a.1.cmp(&b.1));
    all.dedup_by(|a, b| a.1 == b.1);
    all
}

/// Percent-encoded, all but unreserved characters.
pub(super) fn percent(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").unwrap();
        }
    }
    out
}

/// Escaped for an element or an attribute.
pub(super) fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&apos;")
}

/// Base64 with padding.
pub(super) fn base64(text: &str) -> String {
    STANDARD.encode(text)
}
