//! What can be wrong with what waits: each entry is looked at before it drains.

use std::fmt;

use crate::record::{Column, Scope, Stored, Unlike, leaf_hash};

/// What is wrong in a spool, and from which entry on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Damage {
    /// The entry.
    pub seq: u64,
    /// What is wrong.
    pub flaw: Flaw,
}

/// What is wrong with an entry that waits, or should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The document does not have its hash.
    Hash,
    /// The document is none, or the row cannot be read.
    Row,
    /// A column does not say what the document, or the first half of the event, says.
    Column(Column),
    /// It and those up to this one were acknowledged, and are neither here nor in the ledger.
    Missing {
        /// The last of them.
        last: u64,
    },
    /// The ledger refuses it.
    Refused,
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seq = self.seq;
        match self.flaw {
            Flaw::Hash => write!(out, "the document of entry {seq} does not have its hash"),
            Flaw::Row => write!(out, "entry {seq} cannot be read"),
            Flaw::Column(column) => {
                let name = column.name();
                write!(out, "the column `{name}` of entry {seq} does not say what its event says")
            }
            Flaw::Missing { last } if last == seq => {
                write!(out, "entry {seq} is neither in it nor in the ledger")
            }
            Flaw::Missing { last } => {
                write!(out, "entries {seq} to {last} are neither in it nor in the ledger")
            }
            Flaw::Refused => write!(out, "the ledger refuses entry {seq} as it stands there"),
        }
    }
}

/// What is wrong with a row alone, of which nothing but its place in the log is known to be right.
pub(super) fn flaw(row: &Stored) -> Option<Flaw> {
    if *row.leaf != leaf_hash(&row.doc) {
        return Some(Flaw::Hash);
    }
    match row.unlike() {
        Some(Unlike::Document) => Some(Flaw::Row),
        Some(Unlike::Column(column)) => Some(Flaw::Column(column)),
        None if serde_json::from_str::<Scope>(&row.scope).is_err() => {
            Some(Flaw::Column(Column::Scope))
        }
        None => None,
    }
}
