//! Ids by their shape.

/// Longer segments are no words.
const WORD_BYTES_MAX: usize = 40;

/// Words with digits that are no ids.
const WORDS: &[&str] = &[
    "2fa", "base64", "ec2", "http2", "ipv4", "ipv6", "k8s", "md5", "oauth2", "s3", "sha1",
    "sha256", "sha512", "x509",
];

/// Whether a decoded segment can only be an id (or a name): numbers, UUIDs, ULIDs, hex, prefixed
/// ids, mixed letters and digits, and whatever is not written like a word.
pub(super) fn is_id(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > WORD_BYTES_MAX || !text.chars().all(word) {
        return true;
    }
    if is_word_of_digits(text) {
        return false;
    }
    let count = |is: fn(&u8) -> bool| text.bytes().filter(is).count();
    let (digits, letters) = (count(u8::is_ascii_digit), count(u8::is_ascii_alphabetic));
    letters == 0
        || (text.len() >= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        || is_prefixed(text)
        || (digits >= 2 && text.len() >= 6)
}

/// Whether a text is a word with digits in it that people use: `2fa`, `k8s`.
pub(super) fn is_word_of_digits(text: &str) -> bool {
    WORDS.contains(&text.to_ascii_lowercase().as_str())
}

/// A version of an API: `v1`, `v2beta1`, `v1.41`, `2024-01-01`, and after a prefix also `3`.
pub(super) fn is_version(text: &str, after_prefix: bool) -> bool {
    let dated = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    let number = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_digit())
            && text.len() <= 5
            && text.chars().all(|c| c.is_ascii_digit() || c == '.')
    };
    let tagged = text.strip_prefix(['v', 'V']).is_some_and(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (digits, tag) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let tag = tag.trim_end_matches(|c: char| c.is_ascii_digit());
        number(digits) && matches!(tag, "" | "alpha" | "beta" | "rc" | "preview")
    });
    let monthly = || {
        text.len() == 7
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 => byte == b'-',
                _ => byte.is_ascii_digit(),
            })
    };
    tagged || dated || (after_prefix && (number(text) || text == "latest" || monthly()))
}

/// `key_x1`, `usr-7`, `PROJ-12`: letters, a separator, and something with a digit.
fn is_prefixed(text: &str) -> bool {
    text.split_once(['_', '-']).is_some_and(|(prefix, rest)| {
        (1..=10).contains(&prefix.len())
            && prefix.bytes().all(|byte| byte.is_ascii_alphabetic())
            && !rest.contains(['-', '.'])
            && rest.bytes().any(|byte| byte.is_ascii_digit())
    })
}
