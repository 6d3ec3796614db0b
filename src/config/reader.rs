//! A located tree → the `…File` structs, without stopping at what does not fit.
//!
//! What does not fit becomes a finding and a [`Setting::Wrong`]; an unknown key becomes a finding and
//! is passed over. So one reading finds all there is to find.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error as _, Expected, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::setting::{SETTING, Setting};
use super::tree::{Findings, Node, Place, Value};
use crate::problem::nearest;

/// The whole file, in which a section whose lines are all comments says nothing.
const WHOLE_FILE: &str = "ConfigFile";

/// The shapes a value can have, as names of variants.
const SHAPES: [&str; 3] = ["text", "list", "mapping"];

/// Reads the whole tree; what does not fit goes to `findings`.
pub(super) fn read<'de, T: Deserialize<'de>>(
    node: &'de Node,
    findings: &mut Findings,
) -> Setting<T> {
    let shared = RefCell::new(findings);
    let reader = Reader { node, place: node.place, findings: &shared };
    // A `Setting` keeps its misfits to itself.
    Setting::deserialize(reader).unwrap_or(Setting::Wrong)
}

/// Why a value does not fit.
#[derive(Debug)]
struct Misfit {
    message: String,
    remedy: String,
    place: Option<Place>,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misfit {}

impl serde::de::Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            remedy: "compare with `countersign schema config`".to_owned(),
            place: None,
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let shown = match found {
            Unexpected::Bool(value) => format!("`{value}`"),
            Unexpected::Unsigned(value) => format!("`{value}`"),
            Unexpected::Signed(value) => format!("`{value}`"),
            Unexpected::Float(value) => format!("`{value}`"),
            Unexpected::Str(value) => format!("`{value}`"),
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Map => "a mapping".to_owned(),
            Unexpected::Unit => "nothing".to_owned(),
            other => other.to_string(),
        };
        let unquoted = match found {
            Unexpected::Str(value) => {
                Some(value).filter(|value| is_quoted(value, &expected.to_string()))
            }
            _ => None,
        };
        let expected = match expected.to_string().as_str() {
            "a boolean" => "`true` or `false`".to_owned(),
            "a string" => "text".to_owned(),
            "a sequence" => "a list".to_owned(),
            "a map" => "a mapping".to_owned(),
            "usize" | "u64" => "a whole number".to_owned(),
            other => other.to_owned(),
        };
        let misfit = Self::expected(&expected, &shown);
        match unquoted {
            Some(value) => Self {
                message: format!("the text `\"{value}\"` stands where {expected} belongs"),
                remedy: format!("remove the quotes: `{value}`"),
                ..misfit
            },
            None => misfit,
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }
}

impl Misfit {
    fn expected(expected: &str, found: &str) -> Self {
        Self {
            message: format!("{found} stands where {expected} belongs"),
            remedy: format!("write {expected}"),
            place: None,
        }
    }

    fn at(self, place: Place) -> Self {
        Self { place: self.place.or(Some(place)), ..self }
    }
}

/// Whether a text is what is expected, but for the quotes around it.
fn is_quoted(text: &str, expected: &str) -> bool {
    match expected {
        "a boolean" => matches!(text, "true" | "false"),
        "usize" | "u64" => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

/// Names in backticks, separated by commas.
fn names(all: &[&str]) -> String {
    all.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[derive(Clone, Copy)]
struct Reader<'r, 'de> {
    node: &'de Node,
    place: Place,
    findings: &'r RefCell<&'r mut Findings>,
}

impl<'r, 'de> Reader<'r, 'de> {
    fn below(self, node: &'de Node) -> Self {
        Self { node, place: node.place, findings: self.findings }
    }

    fn misfit(self, expected: &str) -> Misfit {
        Misfit::expected(expected, &self.node.value.describe()).at(self.place)
    }

    fn report(self, misfit: Misfit) {
        let place = misfit.place.unwrap_or(self.place);
        self.findings.borrow_mut().add(place, misfit.message, misfit.remedy);
    }

    /// Who left `client_ca` empty does not want to do without it.
    fn empty(self, key: &str, place: Place) {
        let remedy = "write what it is to be, or remove the line: then the default applies";
        self.findings.borrow_mut().add(place, format!("`{key}` is empty"), remedy.to_owned());
    }

    fn unknown_key(self, key: &str, place: Place, fields: &'static [&'static str]) {
        let remedy = match nearest(key, fields.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("remove it; known here: {}", names(fields)),
        };
        self.findings.borrow_mut().add(place, format!("unknown setting `{key}`"), remedy);
    }
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.node.value {
            Value::Null | Value::Unreadable => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(text) => match (text.parse(), text.parse()) {
                (Ok(unsigned), _) => visitor.visit_u64(unsigned),
                (_, Ok(signed)) => visitor.visit_i64(signed),
                _ => visitor.visit_f64(text.parse().unwrap_or(f64::NAN)),
            },
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::List(items) => visitor.visit_seq(Items { reader: self, rest: items.iter() }),
            Value::Mapping(entries) => {
                visitor.visit_map(Entries { reader: self, rest: entries.iter().collect(), next: 0 })
            }
        }
        .map_err(|misfit| misfit.at(self.place))
    }

    /// Numbers are text too where text is wanted.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.node.value {
            Value::Number(text) => visitor.visit_borrowed_str(text),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        if name == SETTING {
            visitor.visit_seq(SettingParts { reader: self, given: 0 })
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let Value::Mapping(entries) = &self.node.value else {
            return Err(Misfit {
                remedy: format!("write settings under it; known here: {}", names(fields)),
                ..self.misfit("a mapping")
            });
        };
        let mut known = Vec::with_capacity(entries.len());
        for entry in entries {
            let (key, place, value) = entry;
            if !fields.contains(&key.as_str()) {
                self.unknown_key(key, *place, fields);
            } else if !matches!(value.value, Value::Null) {
                known.push(entry);
            } else if name != WHOLE_FILE {
                self.empty(key, *place);
            }
        }
        visitor.visit_map(Entries { reader: self, rest: known, next: 0 })
    }

    /// An enum whose variants are all named after [`SHAPES`] is chosen by what stands there; any
    /// other by its name.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let shape = match &self.node.value {
            Value::Null | Value::Bool(_) | Value::Unreadable => "",
            Value::Number(_) | Value::Text(_) => "text",
            Value::List(_) => "list",
            Value::Mapping(_) => "mapping",
        };
        if variants.iter().all(|name| SHAPES.contains(name)) {
            let Some(variant) = variants.iter().find(|name| **name == shape) else {
                let shapes = variants.iter().map(|name| match *name {
                    "text" => "text",
                    "list" => "a list",
                    _ => "a mapping",
                });
                return Err(self.misfit(&shapes.collect::<Vec<_>>().join(" or ")));
            };
            return visitor.visit_enum(Chosen { variant, reader: self });
        }
        let (Value::Number(text) | Value::Text(text)) = &self.node.value else {
            return Err(self.misfit(&format!("one of {}", names(variants))));
        };
        let Some(variant) = variants.iter().find(|name| *name == text) else {
            let remedy = match nearest(text, variants.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`? known here: {}", names(variants)),
                None => format!("write one of {}", names(variants)),
            };
            let message = format!("unknown value `{text}`");
            return Err(Misfit { message, remedy, place: Some(self.place) });
        };
        visitor.visit_enum(Chosen { variant, reader: self })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf option unit
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

/// Line, column and value of a [`Setting`]; the value is missing where it does not fit.
struct SettingParts<'r, 'de> {
    reader: Reader<'r, 'de>,
    given: u8,
}

impl<'de> SeqAccess<'de> for SettingParts<'_, 'de> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misfit> {
        let (line, column) = match self.reader.place {
            Place::File { line, column } => (line, column),
            Place::Flag(_) => (0, 0),
        };
        self.given = self.given.saturating_add(1);
        match self.given {
            1 => seed.deserialize(line.into_deserializer()).map(Some),
            2 => seed.deserialize(column.into_deserializer()).map(Some),
            // Reported where it was read.
            _ if matches!(self.reader.node.value, Value::Unreadable) => Ok(None),
            _ => match seed.deserialize(self.reader) {
                Ok(value) => Ok(Some(value)),
                Err(misfit) => {
                    self.reader.report(misfit);
                    Ok(None)
                }
            },
        }
    }
}

struct Items<'r, 'de> {
    reader: Reader<'r, 'de>,
    rest: std::slice::Iter<'de, Node>,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misfit> {
        self.rest.next().map(|node| seed.deserialize(self.reader.below(node))).transpose()
    }
}

struct Entries<'r, 'de> {
    reader: Reader<'r, 'de>,
    rest: Vec<&'de (String, Place, Node)>,
    next: usize,
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misfit> {
        let key = self.rest.get(self.next).map(|(key, ..)| key.as_str());
        key.map(|key| seed.deserialize(StrDeserializer::new(key))).transpose()
    }

    /// What is long stands where its key stands.
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let Some((_, key_place, node)) = self.rest.get(self.next).copied() else {
            return Err(Misfit::custom("a key has no value"));
        };
        self.next = self.next.saturating_add(1);
        let mut reader = self.reader.below(node);
        if matches!(node.value, Value::List(_) | Value::Mapping(_) | Value::Null) {
            reader.place = *key_place;
        }
        seed.deserialize(reader)
    }
}

struct Chosen<'r, 'de> {
    variant: &'static str,
    reader: Reader<'r, 'de>,
}

impl<'de> EnumAccess<'de> for Chosen<'_, 'de> {
    type Error = Misfit;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Misfit> {
        let variant = seed.deserialize(StrDeserializer::<Misfit>::new(self.variant))?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Chosen<'_, 'de> {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.reader.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.reader.deserialize_struct("", fields, visitor)
    }
}
