//! Values that are text with a grammar: durations, sizes, lists of one.

use std::borrow::Cow;
use std::time;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::config::setting::Setting;

/// A duration as text, such as `250ms`, `10s`, `2m`, `1h`.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(in crate::config) struct Duration(pub(in crate::config) String);

impl Duration {
    /// The duration, or a remedy.
    pub(in crate::config) fn parse(&self) -> Result<time::Duration, String> {
        let (digits, unit) = split_number(&self.0);
        let remedy = || "write a whole number and a unit: `250ms`, `10s`, `2m`, `1h`".to_owned();
        let number: u64 = digits.parse().map_err(|_| remedy())?;
        let milliseconds = match unit {
            "ms" => Some(number),
            "s" => number.checked_mul(1000),
            "m" => number.checked_mul(60_000),
            "h" => number.checked_mul(3_600_000),
            "" => return Err(format!("add a unit: `{number}s` or `{number}ms`")),
            _ => None,
        };
        milliseconds.map(time::Duration::from_millis).ok_or_else(remedy)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A duration: a whole number and `ms`, `s`, `m` or `h`.",
            "type": "string",
            "pattern": "^[0-9]+ ?(ms|s|m|h)$",
            "examples": ["250ms", "10s", "2m", "1h"],
        })
    }
}

/// A number of bytes as text, such as `65536`, `64KiB`, `10MB`.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(in crate::config) struct Size(pub(in crate::config) String);

impl Size {
    /// The number of bytes, or a remedy.
    pub(in crate::config) fn parse(&self) -> Result<usize, String> {
        let (digits, unit) = split_number(&self.0);
        let remedy = || {
            "write a whole number of bytes, or one with a unit: `64KiB`, `1MiB`, `10MB`".to_owned()
        };
        let number: usize = digits.parse().map_err(|_| remedy())?;
        let factor = match unit {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "kB" | "KB" => 1_000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return Err(remedy()),
        };
        number.checked_mul(factor).ok_or_else(remedy)
    }
}

impl JsonSchema for Size {
    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of bytes, or a whole number and a unit.",
            "type": ["integer", "string"],
            "minimum": 0,
            "pattern": "^[0-9]+ ?(B|KiB|MiB|GiB|[kK]B|MB|GB)?$",
            "examples": [65536, "64KiB", "1MiB", "10MB"],
        })
    }
}

fn split_number(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(end).unwrap_or((text, ""));
    (digits, unit.trim_start())
}

/// A number of threads as text, or `auto`.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(in crate::config) struct Threads(pub(in crate::config) String);

impl JsonSchema for Threads {
    fn schema_name() -> Cow<'static, str> {
        "Threads".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of threads, or `auto` for one a core.",
            "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 1024 }, { "const": "auto" }],
        })
    }
}

/// A number of days as text, or `forever`.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(in crate::config) struct Days(pub(in crate::config) String);

impl JsonSchema for Days {
    fn schema_name() -> Cow<'static, str> {
        "Days".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of days, or `forever`.",
            "anyOf": [{ "type": "integer", "minimum": 1, "maximum": 36500 }, { "const": "forever" }],
        })
    }
}

/// One value, or a list of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(untagged)]
pub(in crate::config) enum OneOrMany {
    /// One.
    Text(Setting<String>),
    /// Several.
    List(Vec<Setting<String>>),
}

impl OneOrMany {
    /// All of them.
    pub(in crate::config) fn as_slice(&self) -> &[Setting<String>] {
        match self {
            Self::Text(one) => std::slice::from_ref(one),
            Self::List(many) => many,
        }
    }
}
