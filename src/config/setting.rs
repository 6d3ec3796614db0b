//! One setting of the file: left out, wrong, or given and where.
//!
//! Serde ends at the first error. Here every field of a `…File` struct is a [`Setting`], which takes
//! what does not fit as [`Setting::Wrong`] and lets reading go on.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};

use super::tree::Place;

/// What the file says about one setting.
#[derive(Debug, Clone, Default)]
pub(super) enum Setting<T> {
    /// Nothing: the default applies.
    #[default]
    Unset,
    /// Something that does not fit, and was reported.
    Wrong,
    /// A value.
    Given(T, Place),
}

impl<T> Setting<T> {
    /// The value, if there is one.
    pub(super) fn value(&self) -> Option<&T> {
        match self {
            Self::Given(value, _) => Some(value),
            Self::Unset | Self::Wrong => None,
        }
    }

    /// The value and where it stands, if there is one.
    pub(super) fn given(&self) -> Option<(&T, Place)> {
        match self {
            Self::Given(value, place) => Some((value, *place)),
            Self::Unset | Self::Wrong => None,
        }
    }

    /// Where it stands, or else `outer`.
    pub(super) fn place_or(&self, outer: Place) -> Place {
        self.given().map_or(outer, |(_, place)| place)
    }

    /// Nothing was said.
    pub(super) fn is_unset(&self) -> bool {
        matches!(self, Self::Unset)
    }
}

/// By this name the reader knows that it is to give line, column and, if it fits, the value.
pub(super) const SETTING: &str = "countersign::Setting";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Setting<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SettingVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for SettingVisitor<T> {
            type Value = Setting<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a setting")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Setting<T>, A::Error> {
                let line = parts.next_element()?.unwrap_or_default();
                let column = parts.next_element()?.unwrap_or_default();
                Ok(parts.next_element()?.map_or(Setting::Wrong, |value| {
                    Setting::Given(value, Place::File { line, column })
                }))
            }
        }
        deserializer.deserialize_newtype_struct(SETTING, SettingVisitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Setting<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}
