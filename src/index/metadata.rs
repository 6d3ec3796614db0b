//! What a document says beside its fields, as text to be searched: names and values of bodies, headers,
//! query, changes and the like.
//!
//! Owns which parts of a document that is, and how much of it. Knows nothing of words or terms.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Text that is taken of one part of a document, in bytes.
const PART_BYTES: usize = 2 * 1024;

/// Headers that differ with every message and are not looked for.
const PASSING: [&str; 3] = ["content-length", "date", "age"];

/// The texts of a part of a document, whatever its shape; a bounded beginning of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Texts {
    text: String,
    full: bool,
}

impl Texts {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    fn push(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let room = PART_BYTES.saturating_sub(self.text.len());
        let end = text.floor_char_boundary(room);
        self.text.push_str(text.get(..end).unwrap_or_default());
        self.text.push('\n');
        self.full |= end < text.len() || self.text.len() >= PART_BYTES;
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut texts = Self::default();
        Collect(&mut texts).deserialize(deserializer)?;
        Ok(texts)
    }
}

/// Adds all texts of a value.
struct Collect<'t>(&'t mut Texts);

impl<'de> DeserializeSeed<'de> for Collect<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.0.full {
            true => IgnoredAny::deserialize(deserializer).map(drop),
            false => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Collect<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.0.push(&number.to_string());
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.0.push(&number.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.0.push(&number.to_string());
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        while all.next_element_seed(Collect(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<(), A::Error> {
        while all.next_key_seed(Collect(self.0))?.is_some() {
            all.next_value_seed(Collect(self.0))?;
        }
        Ok(())
    }
}

/// The texts of headers, without those that are not looked for and without the names of the rest.
#[derive(Debug, Clone, Default)]
pub(super) struct HeaderTexts(pub(super) Texts);

impl<'de> Deserialize<'de> for HeaderTexts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Headers;

        impl<'de> Visitor<'de> for Headers {
            type Value = HeaderTexts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("headers")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut all: A) -> Result<HeaderTexts, A::Error> {
                let mut texts = Texts::default();
                while let Some(name) = all.next_key::<String>()? {
                    match PASSING.contains(&name.as_str()) {
                        true => all.next_value::<IgnoredAny>().map(drop)?,
                        false => all.next_value_seed(Collect(&mut texts))?,
                    }
                }
                Ok(HeaderTexts(texts))
            }

            fn visit_unit<E>(self) -> Result<HeaderTexts, E> {
                Ok(HeaderTexts::default())
            }
        }

        deserializer.deserialize_any(Headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded_whatever_they_are_made_of() {
        let bodies = [
            format!("[{}\"\"]", r#""","#.repeat(100_000)),
            format!("[{}1]", "1,".repeat(100_000)),
            format!("[{}\"\"]", r#"{"":""},"#.repeat(100_000)),
            format!("[\"{}\"]", "é".repeat(100_000)),
        ];
        for body in bodies {
            let texts: Texts = serde_json::from_str(&body).unwrap();
            assert!(texts.as_str().len() <= PART_BYTES + 1, "{}", texts.as_str().len());
        }
        let texts: Texts = serde_json::from_str(r#"["", {"name": "", "age": 3}]"#).unwrap();
        assert_eq!(texts.as_str(), "name\nage\n3\n");
    }
}
