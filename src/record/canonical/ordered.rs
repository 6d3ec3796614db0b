//! Writes JSON in one pass and finds out whether what came is canonical as it stands.

use std::cmp::Ordering;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

use super::by_utf16;

/// What most documents fit into.
const DOCUMENT_BYTES: usize = 2048;

/// Integers up to here, of either sign, are written by RFC 8785 as they are; it sees doubles only.
const EXACT_INTEGER_MAX: u64 = 1 << 53;

/// The JSON text of `value`; `None` if its members do not come in the canonical order.
pub(super) fn in_order<T: Serialize>(value: &T) -> Result<Option<String>, serde_json::Error> {
    let mut order = Order::default();
    let mut text = Vec::with_capacity(DOCUMENT_BYTES);
    value.serialize(&mut Serializer::with_formatter(&mut text, Canonical(&mut order)))?;
    // What serde_json writes is always UTF-8.
    Ok(if order.violated { None } else { String::from_utf8(text).ok() })
}

/// The names of the members before, one for each object that is open.
#[derive(Default)]
struct Order {
    /// All of them, one after the other.
    names: Vec<u8>,
    /// Where each begins.
    starts: Vec<Option<usize>>,
    /// Where the name begins that is being written.
    current: Option<usize>,
    violated: bool,
}

impl Order {
    fn enter(&mut self) {
        self.starts.push(None);
    }

    fn leave(&mut self) {
        if let Some(Some(start)) = self.starts.pop() {
            self.names.truncate(start);
        }
    }

    fn fragment(&mut self, fragment: &str) {
        if self.current.is_some() {
            self.names.extend_from_slice(fragment.as_bytes());
        }
    }

    fn name_ends(&mut self) {
        let Some(start) = self.current.take() else { return };
        let Some(last) = self.starts.last_mut() else { return };
        let (before, name) = self.names.split_at(start);
        let previous = last.and_then(|last| before.get(last..));
        if previous.is_some_and(|previous| by_utf16(previous, name) != Ordering::Less) {
            self.violated = true;
        }
        match *last {
            Some(last) => drop(self.names.drain(last..start)),
            None => *last = Some(start),
        }
    }
}

struct Canonical<'o>(&'o mut Order);

impl Canonical<'_> {
    fn integer<W>(writer: &mut W, negative: bool, magnitude: u64) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        if negative {
            writer.write_all(b"-")?;
        }
        if magnitude <= EXACT_INTEGER_MAX {
            return writer.write_all(itoa::Buffer::new().format(magnitude).as_bytes());
        }
        // The loss is what the standard prescribes.
        #[expect(clippy::cast_precision_loss, reason = "RFC 8785 knows doubles only")]
        let double = magnitude as f64;
        writer.write_all(ryu_js::Buffer::new().format_finite(double).as_bytes())
    }
}

impl Formatter for Canonical<'_> {
    fn write_i64<W: ?Sized + Write>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        Self::integer(writer, value < 0, value.unsigned_abs())
    }

    fn write_u64<W: ?Sized + Write>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        Self::integer(writer, false, value)
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if !value.is_finite() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a JSON number"));
        }
        writer.write_all(ryu_js::Buffer::new().format_finite(value).as_bytes())
    }

    fn write_f32<W: ?Sized + Write>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        self.write_f64(writer, f64::from(value))
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.enter();
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.leave();
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.current = Some(self.0.names.len());
        if first { Ok(()) } else { writer.write_all(b",") }
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.0.name_ends();
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        self.0.fragment(fragment);
        writer.write_all(fragment.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        if self.0.current.is_some() {
            // Names are compared without their escapes; this is rare enough to be sorted.
            self.0.violated = true;
        }
        Escapes.write_char_escape(writer, escape)
    }
}

/// What serde_json escapes, and how, is what RFC 8785 prescribes.
struct Escapes;

impl Formatter for Escapes {}
