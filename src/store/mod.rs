//! The ledger: durable append and ordered read.
//!
//! Owns the append-only table of entries and what is needed to be its only writer. Knows nothing
//! of HTTP and nothing of what an entry means.
//!
//! Invariants:
//! - An append is one atomic, durable commit of a dense run of sequence numbers, or nothing.
//! - Every error says whether its effect is known ([`StoreError::effect_is_known`]).
//! - Nothing is updated, and nothing is deleted but what was purged by an event that says so, whose
//!   leaf then stays; the database itself refuses everything else.
//! - After [`Store::close`] and a new opening, no earlier append can take effect any more.
//!
//! `sqlite` documents the schema.

mod connect;
mod copy;
mod error;
mod files;
mod guard;
mod postgres;
mod reader;
mod rows;
mod schema;
mod spool;
mod sqlite;

#[cfg(test)]
mod tests;

use std::future::Future;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Timestamp;
use crate::record::{Entry, EventId, Stored};

pub use connect::connect_read_only;
pub use copy::{Copied, CopyError, compare, copy};
pub use error::{Cause, StoreError};
pub use files::{
    ACCESS_FILE, INDEX_FILE, LEDGER_FILE, LOCK_FILE, SPOOL_FILE, create_dir, create_file,
    inherit_owner, parent,
};
pub use guard::{Breach, Unguarded};
pub use postgres::{
    Migration, POSTGRES_SCHEMA_VERSION, PostgresHost, PostgresOptions, PostgresTarget,
    PostgresTlsMode, migrate, print_schema, set_reader,
};
pub use schema::SCHEMA_VERSION;
pub use spool::{
    Damage, Flaw, SpoolOptions, SpoolShared, SpoolStatus, spooled, unspooled, waiting,
};
pub use sqlite::{SqliteOptions, SqliteStore};

/// An intent that has no completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orphan {
    /// Its sequence number.
    pub seq: u64,
    /// The event's id.
    pub id: EventId,
    /// Canonical JSON of its scope.
    pub scope: String,
}

/// An entry that is no longer there: retention took it, and its leaf stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// Its sequence number.
    pub seq: u64,
    /// Its leaf hash, so that the log's tree can still be computed.
    pub leaf: Vec<u8>,
    /// The number of the event that purged it: an entry of the same log, later, of one entry.
    pub by: u64,
}

/// A store that is being opened.
pub type Opening = Pin<Box<dyn Future<Output = Result<Box<dyn Store>, StoreError>> + Send>>;

/// The durable end of the recorder. One connection, one caller at a time.
///
/// The names of writers are explicit where more than the own one makes sense: orphans of a writer
/// that is gone are completed in that writer's log.
#[async_trait]
pub trait Store: Send {
    /// The name of this writer.
    fn writer(&self) -> &str;

    /// Every writer that this store may append for: this one, and those that are known to be
    /// gone.
    async fn writers(&mut self) -> Result<Vec<String>, StoreError>;

    /// The last sequence number of `writer`; 0 where there is none.
    async fn head(&mut self, writer: &str) -> Result<u64, StoreError>;

    /// Appends `batch` to the log of `writer` as `first_seq`, `first_seq + 1`, … in one atomic
    /// transaction. When this returns `Ok`, all of it survives a crash and a power loss. An error
    /// whose effect is known means that nothing of it was written.
    async fn append(
        &mut self,
        writer: &str,
        first_seq: u64,
        batch: &[Entry],
    ) -> Result<(), StoreError>;

    /// Takes entries out of the log of `writer`, all or none: their numbers and leaves stay. The event
    /// that says so must be on record, and of an event both halves must be there or go together. What
    /// was purged by the same event before is passed over. A number that was never in the log must be the
    /// next one: so a log is carried over from elsewhere.
    async fn purge(&mut self, writer: &str, purged: &[Purged]) -> Result<(), StoreError>;

    /// Intents of `writer` after `after` without a completion, in order, at most `limit`.
    async fn orphans(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Orphan>, StoreError>;

    /// Entries of `writer` after `after`, in order, at most `limit`, and fewer where their documents
    /// are large; none only where there is none. Numbers that are missing were purged.
    async fn read_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError>;

    /// The number up to which every intent of `writer` is known to have its completion.
    async fn closed_up_to(&mut self, writer: &str) -> Result<u64, StoreError>;

    /// Remembers, durably, that every intent of `writer` up to `seq` has its completion. It never
    /// moves backwards.
    async fn mark_closed(&mut self, writer: &str, seq: u64) -> Result<(), StoreError>;

    /// Writes as much as documents of so many bytes take, durably, and leaves nothing of it: whether there is
    /// room for them. Where others keep the files, they know.
    async fn has_room(&mut self, _bytes: usize) -> Result<(), StoreError> {
        Ok(())
    }

    /// Whether another process may close intents of this writer while it lives: one that has taken it
    /// for gone.
    fn may_be_closed(&self) -> bool {
        true
    }

    /// Shows others that this writer lives, where there are others.
    async fn heartbeat(&mut self) -> Result<(), StoreError>;

    /// Looks whether what guards the ledger in the database is all there, and makes it again where that can
    /// be. Tells what was found wrong since it was last asked.
    async fn guard(&mut self) -> Result<Vec<Unguarded>, StoreError> {
        Ok(Vec::new())
    }

    /// Closes the connection. When this returns, whatever it was doing has taken effect or never
    /// will.
    async fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// How it stands with the proxies that share a ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fleet {
    /// Writers with a spool that have not been heard of for a while: what they spooled comes later.
    pub silent: Vec<String>,
    /// How far the clock of a proxy that was heard of lately is from the ledger's, at most.
    pub skew: Duration,
}

/// Writers that are named, of those that are silent.
const NAMED: usize = 5;

impl Fleet {
    /// What a reader should know of silent writers; which these are is for those alone who see everything.
    pub fn warning(&self, names: bool) -> Option<String> {
        let (named, more) = self.silent.split_at_checked(NAMED).unwrap_or((&self.silent, &[]));
        let others = match (named, more.len()) {
            ([], _) => return None,
            ([one], _) if names => {
                return Some(format!(
                    "the proxy `{one}` has not been heard of for a while: its newest events may be \
                     missing"
                ));
            }
            _ if !names => {
                let text = "another proxy has not been heard of for a while: its newest events may \
                            be missing";
                return Some(text.to_owned());
            }
            (_, 0) => String::new(),
            (_, more) => format!(", and {more} more,"),
        };
        let named: Vec<String> = named.iter().map(|writer| format!("`{writer}`")).collect();
        Some(format!(
            "the proxies {}{others} have not been heard of for a while: their newest events may be \
             missing",
            named.join(", ")
        ))
    }
}

/// Ordered reads of a ledger, from any process, without ever writing to it.
#[async_trait]
pub trait LedgerReader: Send {
    /// All writers of the ledger.
    async fn writers(&mut self) -> Result<Vec<String>, StoreError>;

    /// The last sequence number of `writer`; 0 where there is none.
    async fn head(&mut self, writer: &str) -> Result<u64, StoreError>;

    /// All writers and their heads.
    async fn heads(&mut self) -> Result<Vec<(String, u64)>, StoreError> {
        let mut heads = Vec::new();
        for writer in self.writers().await? {
            let head = self.head(&writer).await?;
            heads.push((writer, head));
        }
        Ok(heads)
    }

    /// Entries of `writer` after `after`, in order, at most `limit`, and fewer where their documents
    /// are large; none only where there is none. Numbers that are missing were purged.
    async fn read_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError>;

    /// One entry.
    async fn entry(&mut self, writer: &str, seq: u64) -> Result<Option<Stored>, StoreError>;

    /// The entries of `writer` with these numbers, as many of the first of them as can be read in one
    /// go, but at least two.
    async fn entries(&mut self, writer: &str, seqs: &[u64]) -> Result<Vec<Stored>, StoreError>;

    /// Events of `writer` whose intent is at or before `head`, and whose completion is after the one
    /// end of `range` and not after the other; at most `limit`.
    async fn ended(
        &mut self,
        writer: &str,
        head: u64,
        range: Range<u64>,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError>;

    /// What was purged of the log of `writer` after `after`, in order, at most `limit`.
    async fn purged_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Purged>, StoreError>;

    /// Numbers of `writer` in a range, at most `limit`, that are said to be purged and are there all the same:
    /// both are done at once, so that somebody else has said so.
    async fn said_to_be_purged(
        &mut self,
        writer: &str,
        range: RangeInclusive<u64>,
        limit: u32,
    ) -> Result<Vec<u64>, StoreError> {
        let _nothing_is = (writer, range, limit);
        Ok(Vec::new())
    }

    /// What is wrong with what guards the ledger in the database.
    async fn unguarded(&mut self) -> Result<Vec<Unguarded>, StoreError> {
        Ok(Vec::new())
    }

    /// The completion of the intent `seq` of `writer`.
    async fn completion_of(&mut self, writer: &str, seq: u64)
    -> Result<Option<Stored>, StoreError>;

    /// Rows that no count has, which no version of countersign writes: of each writer that has such, the
    /// number of one. They are of a writer that nothing else names, come before the first number, or
    /// after the head.
    async fn strays(&mut self) -> Result<Vec<(String, i64)>, StoreError> {
        Ok(Vec::new())
    }

    /// What the clock of the ledger says, where it has one of its own.
    async fn time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    /// How it stands with the proxies that share the ledger.
    async fn fleet(&mut self) -> Result<Fleet, StoreError> {
        Ok(Fleet::default())
    }

    /// Closes the connection.
    async fn close(self: Box<Self>) -> Result<(), StoreError>;
}

/// Where a ledger is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerSource {
    /// In the SQLite file of a directory.
    Sqlite(PathBuf),
    /// In a PostgreSQL database.
    Postgres(Box<PostgresTarget>),
}

impl LedgerSource {
    /// The ledger in the SQLite file of `dir`.
    pub fn directory(dir: impl Into<PathBuf>) -> Self {
        Self::Sqlite(dir.into())
    }

    /// A connection to read it; it must exist.
    pub async fn reader(&self) -> Result<Box<dyn LedgerReader>, StoreError> {
        match self {
            Self::Sqlite(dir) => Ok(Box::new(reader::SqliteReader::open(dir).await?)),
            Self::Postgres(target) => Ok(Box::new(postgres::PostgresReader::open(target).await?)),
        }
    }

    /// Whether others than the own recorder may write to it.
    pub fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}
