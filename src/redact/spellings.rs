//! How a text may be written where it comes back: escaped as URLs, JSON, SQL, CSV and shells do.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD as STANDARD_NO_PAD;

/// The text in every other spelling in which it is looked for, the same one perhaps twice. Of letters and
/// digits alone there is none.
pub fn spellings(text: &str) -> Vec<String> {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
        return Vec::new();
    }
    let percent = percent_encoded(text);
    let plus = percent.replace("%20", "+");
    let lower = lower_escapes(&percent);
    let mut spellings = vec![percent, plus, lower, json_escaped(text)];
    if text.contains('\'') {
        // Between quotes of its kind: in SQL and YAML, and in a shell.
        spellings.push(text.replace('\'', "''"));
        spellings.push(text.replace('\'', r"'\''"));
    }
    if text.contains('"') {
        // In CSV and SQL.
        spellings.push(text.replace('"', "\"\""));
    }
    spellings
}

/// The text in other cases, as programs show it that compare secrets.
pub(super) fn in_cases(text: &str) -> [String; 4] {
    let swapped = text.chars().map(|c| {
        if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
    });
    let mut in_word = false;
    let titled = text.chars().map(|c| {
        let first = !std::mem::replace(&mut in_word, c.is_alphabetic());
        if first { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
    });
    let long = text.len();
    [text.to_lowercase(), text.to_uppercase(), as_long(long, swapped), as_long(long, titled)]
}

/// A text of so many bytes, made in one piece of memory.
fn as_long(bytes: usize, chars: impl Iterator<Item = char>) -> String {
    let mut text = String::with_capacity(bytes);
    text.extend(chars);
    text
}

/// The text backwards and in hex.
pub(super) fn disguises(text: &str) -> [String; 3] {
    let hex = hex::encode(text);
    [as_long(text.len(), text.chars().rev()), hex.to_ascii_uppercase(), hex]
}

/// What of the text stands in base64, in either alphabet, wherever in what was encoded it begins: the letters
/// that depend on nothing else.
pub(super) fn base64_cores(text: &str) -> Vec<String> {
    let core = |before: usize| {
        let bytes = [b"\0\0".get(..before).unwrap_or_default(), text.as_bytes()].concat();
        let whole = bytes.len() / 3 * 4;
        // The first letters are of what stands before, too.
        let from = before.div_ceil(3) + before;
        STANDARD_NO_PAD.encode(bytes).get(from..whole).map(str::to_owned)
    };
    let mut cores: Vec<String> = (0..3).filter_map(core).collect();
    let url_safe =
        |core: &String| core.contains(['+', '/']).then(|| core.replace('+', "-").replace('/', "_"));
    cores.extend(cores.iter().filter_map(url_safe).collect::<Vec<_>>());
    cores
}

fn percent_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else if write!(out, "%{byte:02X}").is_err() {
            // Writing to a `String` cannot fail.
            return out;
        }
    }
    out
}

/// The escapes in lower case, the rest as it is.
fn lower_escapes(percent: &str) -> String {
    let mut escape = 0;
    percent
        .chars()
        .map(|c| {
            if c == '%' {
                escape = 2;
                c
            } else if escape > 0 {
                escape -= 1;
                c.to_ascii_lowercase()
            } else {
                c
            }
        })
        .collect()
}

/// The text as it stands in a document of JSON, without the quotes around it.
pub fn json_escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .map_or_else(|| text.to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{base64_cores, disguises, in_cases, spellings};

    #[test]
    fn what_of_a_text_stands_in_base64() {
        // Of `Zq7-rT2x`, `:Zq7-rT2x` and `a:Zq7-rT2x`.
        assert_eq!(base64_cores("Zq7-rT2x"), ["WnE3LXJU", "pxNy1yVDJ4", "acTctclQy"]);
        assert_eq!(
            base64_cores("?>?>?>"),
            ["Pz4/Pj8+", "8+Pz4/", "/Pj8+", "Pz4_Pj8-", "8-Pz4_", "_Pj8-"]
        );
    }

    #[test]
    fn a_text_is_turned_as_others_do() {
        assert_eq!(in_cases("aB-3ä"), ["ab-3ä", "AB-3Ä", "Ab-3ä", "Ab-3ä"]);
        assert_eq!(disguises("aB-3ä"), ["ä3-Ba", "61422D33C3A4", "61422d33c3a4"]);
    }

    #[test]
    fn a_text_is_escaped_as_others_do() {
        assert!(spellings("aB-3._~").is_empty());
        assert_eq!(
            spellings("a'b \"c/"),
            [
                "a%27b%20%22c%2F",
                "a%27b+%22c%2F",
                "a%27b%20%22c%2f",
                r#"a'b \"c/"#,
                "a''b \"c/",
                r#"a'\''b "c/"#,
                r#"a'b ""c/"#,
            ]
        );
    }
}
