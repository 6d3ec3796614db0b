//! The members of an object, in the order of their names: as canonical documents have them, so that
//! nothing has to be sorted.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Members of a document, as a rule.
const USUAL: usize = 32;

/// Each name once. Names are borrowed wherever no escapes are in them.
#[derive(Debug)]
pub(super) struct Members<'e, V>(Vec<(Cow<'e, str>, V)>);

impl<V> Default for Members<'_, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'e, V> Members<'e, V> {
    /// Of each name the last one, in order.
    fn of(mut members: Vec<(Cow<'e, str>, V)>) -> Self {
        if !members.is_sorted_by(|(one, _), (other, _)| one < other) {
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            members.dedup_by(|later, first| {
                let is_same = later.0 == first.0;
                if is_same {
                    std::mem::swap(later, first);
                }
                is_same
            });
        }
        Self(members)
    }

    /// Where the name is, or would be.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| (**other).cmp(name))
    }

    pub(super) fn get(&self, name: &str) -> Option<&V> {
        let place = self.place(name).ok()?;
        self.0.get(place).map(|(_, value)| value)
    }

    /// In the place of what has this name.
    pub(super) fn insert(&mut self, name: Cow<'e, str>, value: V) {
        match self.place(&name) {
            Ok(place) => {
                if let Some((_, known)) = self.0.get_mut(place) {
                    *known = value;
                }
            }
            Err(place) => self.0.insert(place, (name, value)),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<V> {
        let place = self.place(name).ok()?;
        Some(self.0.remove(place).1)
    }

    /// Takes in others, which win.
    pub(super) fn extend(&mut self, others: impl IntoIterator<Item = (Cow<'e, str>, V)>) {
        let mut members = std::mem::take(&mut self.0);
        members.extend(others);
        *self = Self::of(members);
    }

    /// The same members with other values.
    pub(super) fn map<W>(self, each: impl Fn(V) -> W) -> Members<'e, W> {
        Members(self.0.into_iter().map(|(name, value)| (name, each(value))).collect())
    }
}

impl<'e, V> IntoIterator for Members<'e, V> {
    type Item = (Cow<'e, str>, V);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<V: Serialize> Serialize for Members<'_, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de: 'e, 'e, V: Deserialize<'de>> Deserialize<'de> for Members<'e, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

struct Reader<'e, V>(PhantomData<Members<'e, V>>);

impl<'de: 'e, 'e, V: Deserialize<'de>> Visitor<'de> for Reader<'e, V> {
    type Value = Members<'e, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(USUAL);
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            members.push((name, map.next_value()?));
        }
        Ok(Members::of(members))
    }
}

#[derive(Deserialize)]
struct Name<'e>(#[serde(borrow)] Cow<'e, str>);

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::value::RawValue;

    use super::Members;

    #[test]
    fn members_are_in_order_and_the_last_of_a_name_wins() {
        let text = r#"{"b": 1, "a": [2], "c\u0064": null, "b": {"x": 3}}"#;
        let mut members: Members<'_, &RawValue> = serde_json::from_str(text).unwrap();
        let written = |members: &Members<'_, &RawValue>| serde_json::to_string(members).unwrap();
        assert_eq!(written(&members), r#"{"a":[2],"b":{"x": 3},"cd":null}"#);
        assert_eq!(members.get("cd").map(|value| value.get()), Some("null"));
        assert!(members.get("c").is_none() && members.get("z").is_none());
        assert!(members.remove("b").is_some() && members.remove("b").is_none());
        let others: Members<'_, &RawValue> = serde_json::from_str(r#"{"cd": 4, "0": 5}"#).unwrap();
        members.extend(others);
        assert_eq!(written(&members), r#"{"0":5,"a":[2],"cd":4}"#);
        let names: Vec<Cow<'_, str>> = members.into_iter().map(|(name, _)| name).collect();
        assert!(
            matches!(names[..], [Cow::Borrowed("0"), Cow::Borrowed("a"), Cow::Borrowed("cd")]),
            "{names:?}"
        );
        assert!(serde_json::from_str::<Members<'_, &RawValue>>("[1]").is_err());
    }
}
