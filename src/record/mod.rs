//! The domain: what an event is, and its canonical bytes.
//!
//! Knows nothing of HTTP libraries and nothing of SQL. Everything here is built from redacted
//! views only; an [`Entry`] can hold nothing but a [`Redacted`] document.

mod canonical;
mod columns;
mod entry;
mod event;
mod ids;
mod meanings;
mod purge;
mod read;
mod system;
mod tree;
mod written;

pub(crate) use canonical::by_utf16;
pub use canonical::{CanonicalError, canonical, leaf_hash, text as canonical_text};
pub use columns::{Column, Unlike};
pub use entry::{Entry, EntryKind, Stored};
pub use event::{
    Act, Actor, ActorKind, AuthMethod, Change, ChangesSource, Claim, Completion, Intent, Observer,
    Outcome, Receipt, RequestRecord, ResponseRecord, Severity, Source, Target,
};
pub use ids::EventId;
pub(crate) use meanings::meaning;
pub use purge::{Archived, PURGE_ACTION, Purge, Ranges};
pub use system::{SystemEvent, system_entry};
pub use tree::{BodyRecord, Tree};
pub use written::{Run, RunDigest, Written};

use crate::redact::Redacted;

/// Names of a scope and their values, such as `organization`, `project`, `pool`.
pub type Scope = std::collections::BTreeMap<String, String>;

/// A canonical JSON document that may be stored.
pub type Document = Redacted<String>;
