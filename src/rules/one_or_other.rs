//! What can be written in two ways: a text or something with more to it.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

/// One text, or a list of them.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum PathFile {
    /// One.
    One(String),
    /// Several.
    Many(#[schemars(with = "Vec<String>")] Vec<Spanned<String>>),
}

/// One example.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum ExampleFile {
    /// A name, a `name=value`, or a text.
    Text(String),
    /// A body.
    Body(BodyFile),
}

/// A body that a rule is tried on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BodyFile {
    /// The body: as a text, exactly as it is sent, or, for JSON, as YAML.
    #[schemars(example = serde_json::json!({"messages": [{"role": "user", "content": "hello"}]}))]
    pub body: serde_json::Value,
    /// Its `Content-Type`; `application/json` if not given.
    #[serde(default, rename = "type")]
    #[schemars(example = serde_json::json!("text/event-stream"))]
    pub media_type: Option<String>,
    /// Texts that must not be in what is recorded of it.
    #[serde(default)]
    #[schemars(example = serde_json::json!(["hello"]))]
    pub gone: Vec<String>,
    /// Texts that must still be in what is recorded of it.
    #[serde(default)]
    #[schemars(example = serde_json::json!(["user"]))]
    pub stays: Vec<String>,
}

impl<'de> Deserialize<'de> for PathFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Paths;
        impl<'de> Visitor<'de> for Paths {
            type Value = PathFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<PathFile, E> {
                Ok(PathFile::One(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<PathFile, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(list)).map(PathFile::Many)
            }
        }
        deserializer.deserialize_any(Paths)
    }
}

impl<'de> Deserialize<'de> for ExampleFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Example;
        impl<'de> Visitor<'de> for Example {
            type Value = ExampleFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text (in quotes if it is a number or a word of YAML) or a `body`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ExampleFile, E> {
                Ok(ExampleFile::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ExampleFile, A::Error> {
                Deserialize::deserialize(MapAccessDeserializer::new(map)).map(ExampleFile::Body)
            }
        }
        deserializer.deserialize_any(Example)
    }
}
