//! A value in the ledger, by its fingerprints and as text: which events hold it, and where.
//!
//! The ledger is read from its beginning to the heads that it had at the start, in steps, so that
//! memory does not grow with it and a proxy that runs is not disturbed.

use std::borrow::Cow;
use std::collections::BTreeSet;

use memchr::memmem::{self, Finder};
use serde_json::Value;

use super::super::screen::push_name;
use super::clear::Clear;
use crate::follow::Heads;
use crate::query::{EventError, merge};
use crate::record::{EntryKind, Purge, Stored};
use crate::redact::Print;
use crate::store::LedgerReader;

/// Entries that are read at once; fewer where they are large.
const STEP: u32 = 256;

/// Places that are named for one event; an event has more only if somebody made it so.
const PLACES_MAX: usize = 64;

/// Of more rules it is not said that they leave no fingerprints.
const RULES_MAX: usize = 64;

/// What a document has, which is canonical, where something was taken out.
const RECEIPTS: &[u8] = b"\"redactions\":[{";
/// In the place of a part of a text.
const MASK: &[u8] = b"***";
/// In the place of a value, before the rule's id.
const MARKER: &[u8] = b"\"redacted\":\"";
/// Before that, if there is a fingerprint, and how long it is.
const PRINT: &[u8] = b"\"fingerprint\":\"hmac:";
const PRINT_BYTES: usize = PRINT.len() + 16 + 2;

/// What an event of a start or a stop has in its metadata: the name of the key.
const KEY: &[u8] = b"\"fingerprint_key\":\"hmac:";
/// More keys are not told apart.
const KEYS_MAX: usize = 64;

/// What an event has of its own: nothing of it was captured.
const OWN: [&str; 3] = ["id", "time", "redactions"];

/// An event that holds the value, or one of its fingerprints.
pub(super) struct Found {
    /// The event, joined of its halves.
    pub(super) event: Value,
    /// Where: `request.header.authorization`.
    pub(super) locations: Vec<String>,
    /// In which of these places the value itself stands.
    pub(super) clear: Vec<String>,
    /// In what forms the value stood.
    pub(super) forms: Vec<&'static str>,
}

/// What was read.
#[derive(Default)]
pub(super) struct Looked {
    /// Entries.
    pub(super) entries: u64,
    /// Those of them of which something was taken out that left no fingerprint.
    pub(super) untold: u64,
    /// Rules that did so.
    pub(super) rules: BTreeSet<String>,
    /// Entries that were purged.
    pub(super) purged: u64,
    /// Where the last of these were archived.
    pub(super) archive: Option<String>,
    /// By which keys fingerprints were made, as far as the log says.
    pub(super) keys: BTreeSet<String>,
}

impl Looked {
    /// Notes what was taken out of a document and left no fingerprint: a value in whose place stands
    /// its rule alone, with its length or its ends, and what is masked in a text.
    fn at(&mut self, doc: &str) {
        self.entries += 1;
        if memmem::find(doc.as_bytes(), KEY).is_some() && self.keys.len() < KEYS_MAX {
            self.keys.extend(key_of(doc));
        }
        if memmem::find(doc.as_bytes(), RECEIPTS).is_none() {
            return;
        }
        let raw = doc;
        // In documents inside of texts the same is escaped.
        let doc = if doc.contains('\\') { doc.replace('\\', "").into() } else { Cow::from(doc) };
        let mut untold = memmem::find(doc.as_bytes(), MASK).is_some();
        if untold && self.rules.len() < RULES_MAX {
            self.name_masking(raw);
        }
        for at in memmem::find_iter(doc.as_bytes(), MARKER) {
            let before = doc.as_bytes().get(at.saturating_sub(PRINT_BYTES)..at);
            if before.is_some_and(|before| before.starts_with(PRINT)) {
                continue;
            }
            untold = true;
            let id = doc.get(at + MARKER.len()..).and_then(|rest| rest.split('"').next());
            self.name(id.unwrap_or_default());
        }
        self.untold += u64::from(untold);
    }

    /// Notes the rules that took something out of a document in which a part of a text is masked: what
    /// stands there does not say by which of them.
    fn name_masking(&mut self, doc: &str) {
        let Ok(doc) = serde_json::from_str::<Value>(doc) else { return };
        let receipts = doc.get("redactions").and_then(Value::as_array);
        for receipt in receipts.into_iter().flatten() {
            self.name(receipt.get("rule").and_then(Value::as_str).unwrap_or_default());
        }
    }

    fn name(&mut self, id: &str) {
        if !id.is_empty() && self.rules.len() < RULES_MAX && !self.rules.contains(id) {
            self.rules.insert(id.to_owned());
        }
    }
}

/// The key that an event about countersign itself names.
fn key_of(doc: &str) -> Option<String> {
    let doc: Value = serde_json::from_str(doc).ok()?;
    let is_own = doc.pointer("/actor/type").and_then(Value::as_str) == Some("system")
        && doc.get("category").and_then(Value::as_str) == Some("audit");
    let key = doc.pointer("/metadata/fingerprint_key").and_then(Value::as_str);
    key.filter(|_| is_own).map(str::to_owned)
}

/// Calls `found` for each event, the oldest first; returns what was read.
pub(super) async fn search(
    reader: &mut dyn LedgerReader,
    prints: &[Print],
    clear: Option<&Clear>,
    mut found: impl FnMut(Found) -> anyhow::Result<()>,
) -> anyhow::Result<Looked> {
    let heads = Heads::now(reader).await?;
    let prints_as_bytes = prints.iter().map(|print| print.fingerprint.as_bytes());
    let written = clear.into_iter().flat_map(Clear::written);
    let finders: Vec<_> = prints_as_bytes.chain(written).map(Finder::new).collect();
    let holds = |entry: &Stored| finders.iter().any(|one| one.find(entry.doc.as_bytes()).is_some());
    let mut looked = Looked::default();
    for (writer, head) in &heads.0 {
        let (mut after, before) = (0, looked.entries);
        while after < *head {
            let entries = reader.read_after(writer, after, STEP).await?;
            let Some(last) = entries.last() else { break };
            after = last.seq;
            for entry in &entries {
                looked.at(&entry.doc);
                let archive = Purge::of(entry).and_then(|purge| purge.archive);
                looked.archive = archive.map(|it| it.location).or(looked.archive.take());
            }
            for entry in entries.iter().filter(|entry| holds(entry)) {
                let event = joined(reader, entry, holds).await?;
                let event = event.map(|event| found_in(event, prints, clear));
                // Short values occur in others by chance.
                if let Some(event) = event.filter(|event| !event.locations.is_empty()) {
                    found(event)?;
                }
            }
        }
        looked.purged += head.saturating_sub(looked.entries - before);
    }
    Ok(looked)
}

/// The event of an entry; none for a completion whose intent was found before it.
async fn joined(
    reader: &mut dyn LedgerReader,
    entry: &Stored,
    holds: impl Fn(&Stored) -> bool,
) -> anyhow::Result<Option<Value>> {
    let event: Result<Value, EventError> = match (entry.kind, entry.intent) {
        (EntryKind::Intent, _) => {
            let second = reader.completion_of(&entry.writer, entry.seq).await?;
            merge(entry, second.as_ref())
        }
        (EntryKind::Completion, Some(intent)) => match reader.entry(&entry.writer, intent).await? {
            Some(first) if holds(&first) => return Ok(None),
            Some(first) => merge(&first, Some(entry)),
            None => merge(entry, None),
        },
        (EntryKind::Completion, None) => merge(entry, None),
    };
    Ok(Some(event?))
}

/// What is looked for in the texts of an event.
enum Sought<'s> {
    Print(&'s str),
    Value(&'s Clear),
}

impl Sought<'_> {
    fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Print(print) => text.contains(print),
            Self::Value(clear) => clear.is_in(text),
        }
    }

    /// A name as it may be shown.
    fn shown<'n>(&self, name: &'n str) -> Cow<'n, str> {
        match self {
            Self::Print(_) => Cow::Borrowed(name),
            Self::Value(clear) => clear.hidden(name).map_or(Cow::Borrowed(name), Cow::Owned),
        }
    }
}

/// What an event holds of the fingerprints and of the value.
fn found_in(event: Value, prints: &[Print], clear: Option<&Clear>) -> Found {
    let look = |sought: &Sought<'_>| {
        let mut locations = Vec::new();
        for (name, member) in event.as_object().into_iter().flatten() {
            if !OWN.contains(&name.as_str()) {
                places(member, sought, &mut name.clone(), &mut locations);
            }
        }
        locations.dedup();
        locations
    };
    let (mut locations, mut forms) = (Vec::new(), Vec::new());
    for print in prints {
        let mut own = look(&Sought::Print(&print.fingerprint));
        if !own.is_empty() {
            forms.push(print.form);
        }
        locations.append(&mut own);
    }
    let clear = clear.map(|clear| look(&Sought::Value(clear))).unwrap_or_default();
    if !clear.is_empty() {
        forms.push("in clear");
    }
    locations.extend(clear.iter().cloned());
    locations.dedup();
    forms.dedup();
    Found { event, locations, clear, forms }
}

/// The places of a text in a tree, as receipts name them.
fn places(node: &Value, sought: &Sought<'_>, place: &mut String, found: &mut Vec<String>) {
    let length = place.len();
    match node {
        _ if found.len() >= PLACES_MAX => {}
        Value::String(value) => {
            if sought.is_in(value) {
                found.push(place.clone());
            }
        }
        Value::Number(number) => {
            if sought.is_in(&number.to_string()) {
                found.push(place.clone());
            }
        }
        Value::Array(items) => {
            place.push_str("[*]");
            items.iter().for_each(|item| places(item, sought, place, found));
            place.truncate(length);
        }
        Value::Object(members) => {
            let marker = members.contains_key("redacted") && members.contains_key("fingerprint");
            let is_by_rule = |name: &str, member: &Value| name == "redacted" && member.is_string();
            for (name, member) in members.iter().filter(|(name, member)| !is_by_rule(name, member))
            {
                match (place.as_str(), name.as_str()) {
                    (_, "fingerprint") if marker => {}
                    ("request" | "response", "headers") => place.push_str(".header"),
                    ("request" | "response", "body") => place.push_str(".body.$"),
                    _ => push_name(place, &sought.shown(name)),
                }
                if sought.is_in(name) {
                    found.push(place.clone());
                }
                places(member, sought, place, found);
                place.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}
