//! What the body of a call to a model says of itself, found without reading all of it as a tree.

use std::fmt;

use http::header::CONTENT_TYPE;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::Shape;
use crate::capture::{Body, Request};

/// More members than this are looked at no more.
const MEMBERS_MAX: usize = 256;

/// A longer model is no name of one.
const MODEL_BYTES_MAX: usize = 128;

/// What watsonx calls the model.
const MODEL_ID: &str = "model_id";

/// The names of a body's members, and the model that it asks for.
#[derive(Default)]
pub struct Call {
    names: Vec<String>,
    model: Option<String>,
    /// There may be more.
    is_cut: bool,
    /// There are more than are looked at.
    is_over: bool,
    /// An object, or a form of several parts.
    is_one: bool,
}

/// Names by which a body says what is to be done, to applications that do not go by the path.
const OPERATIONS: [&str; 8] = [
    "_method",
    "_http_method",
    "jsonrpc",
    "method",
    "action",
    "operationName",
    "mutation",
    "query",
];

/// Header fields that say what is to be done.
const OPERATION_HEADERS: [&str; 2] = ["soapaction", "x-amz-target"];

impl Call {
    /// Reads the body of a request.
    pub fn of(request: &Request) -> Self {
        let kind = request.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if OPERATION_HEADERS.iter().any(|name| request.headers.contains_key(*name)) {
            return Self::default();
        }
        let Body { bytes, truncated, .. } = &request.body;
        Self::read(kind.unwrap_or_default(), bytes, *truncated)
    }

    /// Reads a body, which may be cut: an object of JSON, or a form of several parts.
    pub fn read(content_type: &str, body: &[u8], is_cut: bool) -> Self {
        let is_form = content_type
            .get(..19)
            .is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/form-data"));
        let mut call = Self { is_cut, ..Self::default() };
        if is_form {
            call.is_one = true;
            call.form(body);
            return call;
        }
        if is_form_for_some(content_type, body) {
            return Self::default();
        }
        let mut json = serde_json::Deserializer::from_slice(body);
        let whole = Members(&mut call).deserialize(&mut json).is_ok() && json.end().is_ok();
        if !whole && !is_cut {
            // What is broken is no call.
            return Self::default();
        }
        call
    }

    /// The name of the model, if it is one: a word.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Whether it has what the shape asks for. Of a body that is cut, what may be in the rest is
    /// not missed, if something of what is asked, beside the model, was there.
    pub fn has(&self, shape: Shape) -> bool {
        let Shape(lists) = shape;
        let is_there =
            |list: &[&str]| list.iter().any(|name| self.names.iter().any(|own| own == name));
        let is_asked = |name: &str| lists.iter().any(|list| list.contains(&name));
        if !self.is_one
            || self.is_over
            || self.names.iter().any(|name| !is_asked(name) && names_operation(name))
        {
            return false;
        }
        match self.is_cut {
            true => {
                lists.is_empty()
                    || lists.iter().any(|list| {
                        !list.contains(&"model") && !list.contains(&MODEL_ID) && is_there(list)
                    })
            }
            false => lists.iter().all(|list| is_there(list)),
        }
    }

    fn add(&mut self, name: &str, model: Option<&str>) {
        match self.names.len() < MEMBERS_MAX {
            true => self.names.push(name.to_owned()),
            false => self.is_over = true,
        }
        let model = || model.filter(|model| is_model(model)).map(ToOwned::to_owned);
        match name {
            "model" => self.model = model(),
            MODEL_ID if self.model.is_none() => self.model = model(),
            _ => {}
        }
    }

    /// The names of the parts.
    fn form(&mut self, body: &[u8]) {
        for at in memchr::memchr2_iter(b'n', b'N', body) {
            // Not that of a file.
            let before = at.checked_sub(1).and_then(|at| body.get(at));
            if !matches!(before, Some(b' ' | b';' | b'\t' | b'\n')) {
                continue;
            }
            let Some((name, rest)) = body.get(at..).and_then(part_name) else { continue };
            let after = rest.strip_prefix(b"\r\n\r\n");
            let value = after.and_then(|rest| rest.split(|byte| *byte == b'\r').next());
            self.add(name, value.and_then(|value| std::str::from_utf8(value).ok()));
            if self.is_over {
                return;
            }
        }
    }
}

/// The name of a part as a parameter says it, however it is written (`name="a"`, `NAME = 'a'`,
/// `name*=utf-8''a`, `name=a`), and what follows.
fn part_name(parameter: &[u8]) -> Option<(&str, &[u8])> {
    let (name, rest) = parameter.split_at_checked(4)?;
    let rest = rest.strip_prefix(b"*").unwrap_or(rest).trim_ascii_start();
    let rest = rest.strip_prefix(b"=").filter(|_| name.eq_ignore_ascii_case(b"name"))?;
    let rest = rest.trim_ascii_start();
    let (value, rest) = match rest.split_first() {
        Some((quote @ (b'"' | b'\''), rest)) => {
            let end = memchr::memchr(*quote, rest)?;
            (rest.get(..end)?, rest.get(end + 1..)?)
        }
        _ => {
            let end = rest.iter().position(|byte| b";\r\n".contains(byte)).unwrap_or(rest.len());
            rest.split_at_checked(end)?
        }
    };
    let value = value.rsplit(|byte| *byte == b'\'').next().unwrap_or(value);
    Some((std::str::from_utf8(value.trim_ascii()).unwrap_or("_method"), rest))
}

/// Some decoders do not care for case.
fn names_operation(name: &str) -> bool {
    OPERATIONS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether an application that reads a form finds more than one nameless text in the body. `curl -d`
/// says of everything that it is a form.
fn is_form_for_some(content_type: &str, body: &[u8]) -> bool {
    const FORM: &str = "application/x-www-form-urlencoded";
    let is_form =
        content_type.get(..FORM.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(FORM));
    is_form && body.iter().any(|byte| b"&;=".contains(byte))
}

/// Whether a text may be the name of a model, and not of what it was asked.
pub fn is_model(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/@+-".contains(&byte);
    !text.is_empty() && text.len() <= MODEL_BYTES_MAX && text.bytes().all(plain)
}

/// The members of an object, noted as they come, so that those before a cut are known.
struct Members<'c>(&'c mut Call);

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.0.is_one = true;
        while let Some(name) = map.next_key::<String>()? {
            // Before its value: that may be where the body is cut.
            self.0.add(&name, None);
            match map.next_value::<Seen>()? {
                Seen::Nothing => self.0.names.retain(|known| *known != name),
                Seen::Text(text) if name == "model" => self.0.model = Some(text),
                Seen::Text(text) if name == MODEL_ID => {
                    self.0.model.get_or_insert(text);
                }
                Seen::Text(_) | Seen::Something => {}
            }
        }
        Ok(())
    }
}

/// What a member holds, as far as it matters.
enum Seen {
    /// `null`.
    Nothing,
    /// What may be a name.
    Text(String),
    /// Anything else.
    Something,
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Value;
        impl<'de> Visitor<'de> for Value {
            type Value = Seen;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E: Error>(self) -> Result<Seen, E> {
                Ok(Seen::Nothing)
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Seen, E> {
                Ok(Seen::Something)
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Seen, E> {
                Ok(Seen::Something)
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Seen, E> {
                Ok(Seen::Something)
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Seen, E> {
                Ok(Seen::Something)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Seen, E> {
                Ok(if is_model(text) { Seen::Text(text.to_owned()) } else { Seen::Something })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Seen, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Seen::Something)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Seen, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Seen::Something)
            }
        }
        deserializer.deserialize_any(Value)
    }
}
