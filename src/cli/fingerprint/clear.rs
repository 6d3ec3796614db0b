//! The value itself, where it stands in the log as text: no rule has taken it out.

use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use crate::redact::{bare, is_guessable, json_escaped, spellings};

/// Shorter values occur everywhere by chance.
pub(super) const CHARS_MIN: usize = 4;

/// Documents in texts are escaped so many times over.
const TIMES: usize = 2;

/// What stands for the value where it would be shown.
const HIDDEN: &str = "***";

/// A value in the spellings in which it may stand in the log.
pub(super) struct Clear {
    /// As the texts of a document have it.
    texts: Vec<Zeroizing<String>>,
    /// As it stands in documents, which are JSON.
    written: Vec<Zeroizing<String>>,
    /// It is short: it counts only where no letter or digit stands beside it.
    is_short: bool,
}

impl Clear {
    /// Of a value that can be told from what occurs by chance.
    pub(super) fn of(value: &str) -> Option<Self> {
        let value = bare(value).trim_matches('"');
        if value.chars().count() < CHARS_MIN {
            return None;
        }
        let mut texts = vec![Zeroizing::new(value.to_owned())];
        texts.extend(spellings(value).into_iter().map(Zeroizing::new));
        let mut escaped = Zeroizing::new(value.to_owned());
        for _ in 0..TIMES {
            escaped = Zeroizing::new(json_escaped(&escaped));
            texts.push(escaped.clone());
        }
        // The longest first: a spelling may have another one in it.
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.as_str().cmp(b.as_str())));
        texts.dedup();
        let written = texts.iter().map(|text| Zeroizing::new(json_escaped(text))).collect();
        Some(Self { texts, written, is_short: is_guessable(value) })
    }

    /// What to look for in documents. Where one of them is, the value may be.
    pub(super) fn written(&self) -> impl Iterator<Item = &[u8]> {
        self.written.iter().map(|text| text.as_bytes())
    }

    /// Whether a text has the value in it.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.texts.iter().any(|own| {
            text.match_indices(own.as_str()).any(|(at, _)| self.counts(text, at, own.len()))
        })
    }

    fn counts(&self, text: &str, at: usize, length: usize) -> bool {
        let ends = |part: Option<&str>, of: fn(&str) -> Option<char>| {
            part.and_then(of).is_some_and(char::is_alphanumeric)
        };
        let before = ends(text.get(..at), |part| part.chars().next_back());
        let after = ends(text.get(at + length..), |part| part.chars().next());
        !(self.is_short && (before || after))
    }

    /// Masks the value wherever it is in what is about to be shown.
    pub(super) fn hide(&self, node: &mut Value) {
        match node {
            Value::String(text) => {
                if let Some(shown) = self.hidden(text) {
                    text.zeroize();
                    *text = shown;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.hide(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A text with the value masked, if it is in it.
    pub(super) fn hidden(&self, text: &str) -> Option<String> {
        let hide = |text: String, own: &Zeroizing<String>| text.replace(own.as_str(), HIDDEN);
        self.is_in(text).then(|| self.texts.iter().fold(text.to_owned(), hide))
    }
}

/// A rule that would take out what stands at a location, if that is under a name of a field.
pub(super) fn rule_for(location: &str) -> Option<String> {
    let (side, rest) = location.split_once('.')?;
    let is_named = ["header.", "body.$", "query."].iter().any(|part| rest.starts_with(part));
    let name = rest.rsplit('.').next()?.trim_end_matches("[*]");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_plain = name.bytes().all(plain) && name.bytes().any(|byte| byte.is_ascii_alphabetic());
    let id = name.to_ascii_lowercase();
    (matches!(side, "request" | "response") && is_named && is_plain)
        .then(|| format!("redact:\n  - {{id: own.{id}, keys: [{name}], do: fingerprint}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_told_in_its_spellings_and_not_by_chance() {
        let clear = |value| Clear::of(value).unwrap();
        for (value, text, expected) in [
            ("swordfish-7", "xswordfish-7x", true),
            ("Bearer swordfish-7", "swordfish-7", true),
            ("sword/fish 7", "/x?y=sword%2Ffish%207", true),
            ("sword\"fish-7", r#"{\"a\":\"sword\\\"fish-7\"}"#, true),
            ("sword\"fish-7", r#"{"a":"sword\"fish-7"}"#, true),
            ("O'Neil2024x", "near 'O''Neil2024x'", true),
            ("4711", "code 4711.", true),
            ("4711", "2026-11-22T10:47:11.47112Z", false),
            ("hunter2", "hunter23 and xhunter2", false),
            ("hunter2", "is hunter2", true),
        ] {
            assert_eq!(clear(value).is_in(text), expected, "{value}: {text}");
        }
        assert!(Clear::of("abc").is_none() && Clear::of("Bearer a").is_none());
        let mut row = serde_json::json!({"actor": ["a swordfish-7", 5]});
        clear("swordfish-7").hide(&mut row);
        assert_eq!(row, serde_json::json!({"actor": ["a ***", 5]}));
    }

    #[test]
    fn a_rule_is_told_for_the_name_of_a_field() {
        let rule = |name: &str| {
            Some(format!(
                "redact:\n  - {{id: own.{}, keys: [{name}], do: fingerprint}}",
                name.to_lowercase()
            ))
        };
        assert_eq!(rule_for("response.body.$.sha1"), rule("sha1"));
        assert_eq!(rule_for("response.body.$.a[*].Key[*]"), rule("Key"));
        assert_eq!(rule_for("request.header.x-mine"), rule("x-mine"));
        assert_eq!(rule_for("request.query.k"), rule("k"));
        for location in [
            "request.path",
            "actor.name",
            "description",
            "response.body.$",
            "response.body.$['a b']",
            "targets[*].id",
        ] {
            assert_eq!(rule_for(location), None, "{location}");
        }
    }
}
