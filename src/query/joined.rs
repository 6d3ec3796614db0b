//! An event, joined from the entries of the ledger: as text, as the ledger has it, wherever nothing needs
//! to be known of it.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::EventError;
use super::PENDING;
use super::members::Members;
use crate::index::{Row, View};
use crate::record::Stored;

/// What tells of other events: where in the ledger an event stands, from which those who see only some
/// could count the others.
pub(super) const POSITION: [&str; 3] = ["writer", "seq", "intent"];

/// An event, by its members.
#[derive(Debug)]
pub struct Joined<'e> {
    members: Members<'e, Member<'e>>,
    writer: &'e str,
    seq: u64,
}

type Texts<'e> = Members<'e, &'e RawValue>;

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Member<'e> {
    Text(&'e RawValue),
    Object(Members<'e, Member<'e>>),
    Array(Vec<&'e RawValue>),
    Made(Value),
}

impl<'e> Joined<'e> {
    /// Joins an intent and its completion, or takes an event of one entry as it is.
    ///
    /// What the completion says wins; redaction receipts and notes of both are kept, and what it
    /// says of the request's body goes to the request. `writer`, `seq` and `intent` are added, and
    /// `outcome` is [`PENDING`] while there is no completion.
    pub fn of(first: &'e Stored, second: Option<&'e Stored>) -> Result<Self, EventError> {
        let mut members = members(first)?.map(Member::Text);
        if let Some(second) = second {
            let others = self::members(second)?.into_iter();
            let others: Vec<_> =
                others.map(|(name, value)| joined(&members, name, value)).collect();
            members.extend(others);
        }
        let last = second.unwrap_or(first);
        members.insert("writer".into(), Member::Made(last.writer.as_str().into()));
        members.insert("seq".into(), Member::Made(last.seq.into()));
        members.insert("intent".into(), Member::Made(last.intent.into()));
        if members.get("outcome").is_none() {
            members.insert("outcome".into(), Member::Made(PENDING.into()));
        }
        Ok(Self { members, writer: &last.writer, seq: last.seq })
    }

    /// The event, or the act of it, that a row stands for, from the entries that the row knows of: what
    /// was added to the ledger later does not count.
    pub fn of_row(row: &Row, entries: &'e [Stored]) -> Result<Self, EventError> {
        let first = entries.first().filter(|first| first.id.is_written(&row.id));
        let mut event =
            Self::of(first.ok_or_else(|| EventError::of_missing(row))?, entries.get(1))?;
        event.single_out(row.act);
        Ok(event)
    }

    /// Puts one act, counted from 1, in the place of the whole; what it does not say is not so.
    pub(super) fn single_out(&mut self, number: u32) {
        let position = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
        let Some(position) = position else { return };
        let Some(Member::Text(acts)) = self.members.remove("acts") else { return };
        let Ok(acts) = serde_json::from_str::<Vec<&RawValue>>(acts.get()) else { return };
        let act = acts.get(position).map(|act| serde_json::from_str::<Texts<'e>>(act.get()));
        let Some(Ok(act)) = act else { return };
        // The end of the whole is that of an act which does not say its own: nobody knows it.
        if act.get("outcome").is_some() {
            self.members.remove("reason");
        }
        self.members.extend(act.map(Member::Text));
        let of = json!({"number": number, "of": acts.len()});
        self.members.insert("act".into(), Member::Made(of));
    }

    /// Leaves out what tells of other events, where not everything may be seen.
    pub fn without_position(&mut self, view: &View) {
        if let View::Scopes(_) = view {
            self.without(&POSITION);
        }
    }

    /// Leaves out some members.
    pub fn without(&mut self, names: &[&str]) {
        for name in names {
            self.members.remove(name);
        }
    }

    /// Leaves out some members of a member, and that itself where nothing is left of it.
    pub fn without_of(&mut self, name: &str, inner: &[&str]) {
        let Some(Member::Text(text)) = self.members.get(name) else { return };
        let Ok(mut left) = serde_json::from_str::<Texts<'e>>(text.get()) else { return };
        for name in inner {
            left.remove(name);
        }
        if left.is_empty() {
            self.members.remove(name);
        } else {
            let left = left.map(Member::Text);
            self.members.insert(name.to_owned().into(), Member::Object(left));
        }
    }

    /// As a tree.
    pub fn into_value(self) -> Result<Value, EventError> {
        serde_json::to_value(&self.members).map_err(|_| self.not_json())
    }

    /// Writes it as JSON, in one line.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), EventError> {
        let start = out.len();
        serde_json::to_writer(&mut *out, &self.members).map_err(|_| self.not_json())?;
        let written = out.get(start..).unwrap_or_default();
        // Within texts they are escaped; between them there are none in what countersign writes.
        if memchr::memchr2(b'\n', b'\r', written).is_some() {
            let tree: Value = serde_json::from_slice(written).map_err(|_| self.not_json())?;
            out.truncate(start);
            serde_json::to_writer(&mut *out, &tree).map_err(|_| self.not_json())?;
        }
        Ok(())
    }

    fn not_json(&self) -> EventError {
        EventError::NotJson { writer: self.writer.to_owned(), seq: self.seq }
    }
}

fn members(entry: &Stored) -> Result<Texts<'_>, EventError> {
    serde_json::from_str(&entry.doc)
        .map_err(|_| EventError::NotJson { writer: entry.writer.clone(), seq: entry.seq })
}

/// What becomes of a member of the completion: it wins, unless both halves have a part of it.
fn joined<'e>(
    event: &Members<'e, Member<'e>>,
    name: Cow<'e, str>,
    value: &'e RawValue,
) -> (Cow<'e, str>, Member<'e>) {
    if name == "request_body"
        && let Some(Member::Text(request)) = event.get("request")
        && let Some(request) = extended(request, value)
    {
        return ("request".into(), request);
    }
    let value = with(event, &name, value);
    (name, value)
}

/// A member that comes to others: it wins, but what lists something is joined to what they have.
fn with<'e>(known: &Members<'e, Member<'e>>, name: &str, value: &'e RawValue) -> Member<'e> {
    let of_both = match (name, known.get(name)) {
        ("redactions" | "notes", Some(Member::Text(known))) => both(known, value),
        _ => None,
    };
    of_both.unwrap_or(Member::Text(value))
}

/// The items of two arrays.
fn both<'e>(one: &'e RawValue, other: &'e RawValue) -> Option<Member<'e>> {
    let mut items: Vec<&RawValue> = serde_json::from_str(one.get()).ok()?;
    items.extend(serde_json::from_str::<Vec<&RawValue>>(other.get()).ok()?);
    Some(Member::Array(items))
}

/// The members of two objects, of which the other one's win; notes of both are kept.
fn extended<'e>(one: &'e RawValue, other: &'e RawValue) -> Option<Member<'e>> {
    let mut members = serde_json::from_str::<Texts<'e>>(one.get()).ok()?.map(Member::Text);
    let others = serde_json::from_str::<Texts<'e>>(other.get()).ok()?.into_iter();
    let others = others.map(|(name, value)| {
        let value = with(&members, &name, value);
        (name, value)
    });
    let others: Vec<_> = others.collect();
    members.extend(others);
    Some(Member::Object(members))
}

/// How tests make one without a ledger.
#[cfg(test)]
mod for_tests {
    use std::borrow::Cow;

    use serde_json::Value;

    use super::{Joined, Member, Members};

    impl From<Value> for Joined<'_> {
        fn from(event: Value) -> Self {
            let Value::Object(object) = event else { panic!("an event is an object") };
            let mut members = Members::default();
            for (name, value) in object {
                members.insert(Cow::Owned(name), Member::Made(value));
            }
            Self { members, writer: "w", seq: 1 }
        }
    }
}
