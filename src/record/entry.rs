//! Entries: the rows of the ledger, before and after they were given their sequence number.

use serde_json::Value;

use super::canonical::text;
use super::{CanonicalError, Document, EventId, Scope};

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// The first half of an event.
    Intent,
    /// The second half, or the whole of an event that has only one.
    Completion,
}

impl EntryKind {
    /// The name in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Completion => "completion",
        }
    }
}

/// An entry that waits to be appended.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Intent or completion.
    pub kind: EntryKind,
    /// The event's id.
    pub id: EventId,
    /// The sequence number of the intent that this completes.
    pub intent: Option<u64>,
    /// Who may see it.
    pub scope: Scope,
    /// The canonical document.
    pub doc: Document,
}

impl Entry {
    /// Adds a note to what the document says, once. The rest of it stays as it is.
    pub fn note(&mut self, note: &str) -> Result<(), CanonicalError> {
        self.doc = self.doc.as_ref().try_map(|doc| {
            let mut document: Value = serde_json::from_str(doc)?;
            if let Value::Object(members) = &mut document
                && let notes = members.entry("notes").or_insert_with(|| Value::Array(Vec::new()))
                && let Value::Array(notes) = notes
                && !notes.iter().any(|other| other == note)
            {
                notes.push(note.into());
            }
            text(&document)
        })?;
        Ok(())
    }
}

/// An entry as the ledger holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Which proxy wrote it.
    pub writer: String,
    /// Its dense sequence number in that writer's log, from 1.
    pub seq: u64,
    /// Intent or completion.
    pub kind: EntryKind,
    /// The event's id.
    pub id: EventId,
    /// The sequence number of the intent that it completes.
    pub intent: Option<u64>,
    /// Canonical JSON of the scope.
    pub scope: String,
    /// The canonical document, exactly as hashed.
    pub doc: String,
    /// The leaf hash.
    pub leaf: Vec<u8>,
}

impl Stored {
    /// The entry as it was before it had its number; none where its scope is no scope. What a ledger
    /// holds was redacted before it got there.
    pub fn into_entry(self) -> Option<Entry> {
        let scope = serde_json::from_str(&self.scope).ok()?;
        let doc = Document::recorded(self.doc);
        Some(Entry { kind: self.kind, id: self.id, intent: self.intent, scope, doc })
    }
}
