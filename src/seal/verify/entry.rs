//! What can be said of one entry alone: its hash, and whether its columns are those of its document.

use std::collections::HashMap;

use tlog_tiles::Hash;

use super::fault::{Column, Fault};
use crate::record::{EntryKind, EventId, Purge, Stored, Unlike};
use crate::seal::tree::leaf;
use crate::store::Purged;

/// An entry, as far as the rest of its log has to do with it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Digest {
    /// Its number.
    pub(super) seq: u64,
    /// The hash of its document.
    pub(super) leaf: Hash,
    /// What is wrong with it alone.
    pub(super) fault: Option<Fault>,
    /// Its place in its event.
    pub(super) part: Part,
    /// The event's id.
    pub(super) id: EventId,
    /// Its scope.
    pub(super) scope: String,
    /// What it says was purged.
    pub(super) purge: Option<Box<Purge>>,
}

/// What stands at one number of a log.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    /// An entry.
    Entry(Box<Digest>),
    /// The leaf of one that was purged.
    Purged(Purged),
}

impl Item {
    /// Its number.
    pub(super) fn seq(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.seq,
            Self::Purged(purged) => purged.seq,
        }
    }
}

/// What of an event an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The first half.
    Intent,
    /// The second half, and which first half belongs to it.
    Completion(u64),
    /// The whole of it.
    Whole,
}

impl Digest {
    pub(super) fn of(entry: Stored) -> Self {
        let leaf = leaf(&entry.doc);
        let part = match (entry.kind, entry.intent) {
            (EntryKind::Intent, _) => Part::Intent,
            (EntryKind::Completion, Some(intent)) => Part::Completion(intent),
            (EntryKind::Completion, None) => Part::Whole,
        };
        let fault = match leaf.0.as_slice() == entry.leaf {
            true => entry.unlike().map(|unlike| match unlike {
                Unlike::Document => Fault::Document,
                Unlike::Column(column) => Fault::Column(column),
            }),
            false => Some(Fault::Leaf),
        };
        let purge = Purge::of(&entry).map(Box::new);
        Self { seq: entry.seq, leaf, fault, part, id: entry.id, scope: entry.scope, purge }
    }
}

/// The intents of a log that have no completion yet.
#[derive(Debug, Default)]
pub(super) struct Open(HashMap<u64, (EventId, String)>);

impl Open {
    /// Takes the next entry of the log; says what is wrong with its place in its event.
    pub(super) fn take(&mut self, entry: &mut Digest) -> Option<Fault> {
        match entry.part {
            Part::Whole => None,
            Part::Intent => {
                let scope = std::mem::take(&mut entry.scope);
                self.0.insert(entry.seq, (entry.id, scope));
                None
            }
            Part::Completion(intent) => match self.0.remove(&intent) {
                None => Some(Fault::NoIntent { intent }),
                Some((id, _)) if id != entry.id => Some(Fault::OtherEvent { intent }),
                Some((_, scope)) if scope != entry.scope => Some(Fault::Column(Column::Scope)),
                Some(_) => None,
            },
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
