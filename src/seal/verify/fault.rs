//! What can be wrong, in plain words. None of them carries anything that was captured.

use std::fmt::{self, Display, Formatter};
use std::ops::RangeInclusive;

pub use crate::record::Column;

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Rows are not there, though later ones are that were sealed.
    Missing,
    /// Rows are not there, and what comes behind them was never sealed.
    Apart {
        /// The number of the next row that is there.
        number: u64,
    },
    /// The ledger's own count of the log is another than what is there.
    Count {
        /// What it counts.
        counted: u64,
        /// What is there.
        there: u64,
    },
    /// The proxy whose log it is has noted that it has not written these.
    Foreign,
    /// It belongs to the event of an earlier entry, and is not its completion.
    Twice {
        /// The earlier entry.
        other: u64,
    },
    /// The row has a form that no version of countersign writes.
    Unreadable,
    /// Document and leaf hash do not belong together.
    Leaf,
    /// The document is none of an event.
    Document,
    /// A column says something else than the document.
    Column(Column),
    /// It completes an entry that is no intent, or has its completion.
    NoIntent {
        /// The entry that it says to complete.
        intent: u64,
    },
    /// It completes the intent of another event.
    OtherEvent {
        /// The intent.
        intent: u64,
    },
    /// Its leaf stands among those that were purged, and no purge on record names it.
    NotPurged {
        /// The entry that should.
        by: u64,
    },
    /// It was purged by an event that nobody signed who may.
    NotOrdered {
        /// The event.
        by: u64,
        /// It has an order, signed with a key that is not known.
        by_others: bool,
    },
    /// It is another entry than the one that was sealed.
    Replaced {
        /// The checkpoint that shows it.
        size: u64,
    },
    /// Somewhere among these, an entry is another one than was sealed.
    Root {
        /// The checkpoint that shows it.
        size: u64,
    },
    /// The newest entries are not there.
    Truncated {
        /// The checkpoint that shows it.
        size: u64,
    },
    /// A checkpoint that no trusted key signed.
    Signature {
        /// Where it is.
        origin: String,
        /// Who signed it, by their own account.
        signers: Vec<String>,
    },
    /// Something that should be a checkpoint, and is none.
    Form {
        /// Where it is.
        origin: String,
    },
    /// A row that no count has.
    Stray {
        /// Its number.
        number: i64,
    },
    /// Two checkpoints of one size have different roots.
    Fork {
        /// Where the second is.
        origin: String,
    },
}

impl Fault {
    /// A name from a closed set, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Apart { .. } => "apart",
            Self::Count { .. } => "count",
            Self::Foreign => "foreign",
            Self::Twice { .. } => "twice",
            Self::Unreadable => "unreadable",
            Self::Leaf => "leaf",
            Self::Document => "document",
            Self::Column(Column::Kind) => "column_kind",
            Self::Column(Column::Id) => "column_id",
            Self::Column(Column::Intent) => "column_intent",
            Self::Column(Column::Scope) => "column_scope",
            Self::Column(Column::At) => "column_at",
            Self::NoIntent { .. } => "no_intent",
            Self::OtherEvent { .. } => "other_event",
            Self::NotPurged { .. } => "not_purged",
            Self::NotOrdered { .. } => "not_ordered",
            Self::Replaced { .. } => "replaced",
            Self::Root { .. } => "root",
            Self::Truncated { .. } => "truncated",
            Self::Signature { .. } => "signature",
            Self::Form { .. } => "form",
            Self::Stray { .. } => "stray",
            Self::Fork { .. } => "fork",
        }
    }
}

/// Something that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The entries that it regards; of a checkpoint, its size.
    pub entries: RangeInclusive<u64>,
    /// What.
    pub fault: Fault,
}

impl Found {
    /// Whether another proxy may have done this, as it should: its key, which is not known, would tell.
    pub fn may_be_of_others(&self) -> bool {
        matches!(self.fault, Fault::NotOrdered { by_others: true, .. })
    }

    /// Something that is wrong with one entry.
    pub fn at(seq: u64, fault: Fault) -> Self {
        Self { entries: seq..=seq, fault }
    }
}

impl Display for Found {
    #[expect(clippy::too_many_lines, reason = "a sentence for each fault, and nothing else")]
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (first, last) = (self.entries.start(), self.entries.end());
        let (entries, verb) = match first == last {
            true => (format!("entry {first}"), "is"),
            false => (format!("entries {first} to {last}"), "are"),
        };
        match &self.fault {
            Fault::Missing => write!(out, "{entries} {verb} missing: rows were deleted"),
            Fault::Apart { number } => write!(
                out,
                "{entries} {verb} missing before a row with the number {number}: that one was inserted, or \
                 rows were deleted"
            ),
            Fault::Count { counted, there } if counted < there => write!(
                out,
                "the table `writers` counts {counted} entries of this log (0 also where it has no row), but \
                 a checkpoint proves that there are more: that table was changed"
            ),
            Fault::Count { counted, there } => write!(
                out,
                "the table `writers` counts {counted} entries of this log, but there are {there}: the table \
                 was changed, or rows were deleted at the end"
            ),
            Fault::Foreign => write!(
                out,
                "{entries} {verb} not what the proxy has written whose log it is: it noticed that itself, \
                 and has sealed nothing since (noted in seal.db)"
            ),
            Fault::Twice { other } => write!(
                out,
                "{entries} {verb} of the same event as entry {other}, and not its completion: one of the \
                 two was inserted"
            ),
            Fault::Unreadable => {
                write!(out, "{entries} cannot be read: no version of countersign writes such a row")
            }
            Fault::Leaf => write!(
                out,
                "{entries}: the document does not have the hash in the column `leaf`: one of the two \
                 was changed"
            ),
            Fault::Document => write!(out, "{entries}: the document is not that of an event"),
            Fault::Column(column) => write!(
                out,
                "{entries}: the column `{}` does not say what the document says: one of the two was \
                 changed",
                column.name()
            ),
            Fault::NoIntent { intent } => write!(
                out,
                "{entries} completes entry {intent}, which is no intent, or was completed before"
            ),
            Fault::OtherEvent { intent } => write!(
                out,
                "{entries} completes entry {intent}, which is the intent of another event"
            ),
            Fault::NotPurged { by } => write!(
                out,
                "{entries} {verb} missing, and said to be purged by entry {by}, which is no purge of it: \
                 it was deleted"
            ),
            Fault::NotOrdered { by, .. } => write!(
                out,
                "{entries} {verb} missing, and said to be purged by entry {by}, which no trusted key has \
                 signed: deleted, unless another proxy purged it, whose key then has to be given as well"
            ),
            Fault::Replaced { size } => write!(
                out,
                "{entries} is another one than was sealed: it was changed, moved or inserted, with \
                 its hash (shown by the checkpoint of size {size})"
            ),
            Fault::Root { size } => write!(
                out,
                "one of the {entries} was changed, moved or inserted, with its hash: the checkpoint \
                 of size {size} has another root"
            ),
            Fault::Truncated { size } => write!(
                out,
                "{entries} {verb} missing at the end: a checkpoint says that there were {size}"
            ),
            Fault::Signature { origin, signers } => write!(
                out,
                "the checkpoint of size {last} {origin} was signed by {}, and by no key that is trusted \
                 here: the key was replaced, or give its verifier key with --key",
                if signers.is_empty() { "nobody".to_owned() } else { signers.join(", ") }
            ),
            Fault::Form { origin } => {
                write!(out, "what should be a checkpoint {origin} is none, or was damaged")
            }
            Fault::Stray { number } => write!(
                out,
                "a row with the number {number} is in no log, since the table `writers` counts none there: \
                 it was inserted by somebody else than countersign, or that table was changed"
            ),
            Fault::Fork { origin } => write!(
                out,
                "the checkpoint of size {last} {origin} has another root than one of the same size \
                 elsewhere: there were two versions of this log"
            ),
        }
    }
}
