//! Rows of the ledger, as a database gives them, and what they must look like to be entries.

use rusqlite::types::FromSqlError;
use rusqlite::{Connection, Params};

use super::StoreError;
use crate::record::{EntryKind, EventId, Stored};

/// Documents that are read in one go, in bytes; of one entry alone they may be larger.
pub(super) const READ_BYTES: i64 = 1024 * 1024;

/// The columns of [`Fields`], in their order, of SQLite's rows.
macro_rules! entries_where {
    ($condition:literal) => {
        concat!(
            "SELECT writer, seq, kind, id, intent, scope, doc, leaf FROM entries WHERE ",
            $condition
        )
    };
}
pub(super) use entries_where;

/// A row of `entries`, where the database's library has it.
pub(super) struct Fields<'r> {
    pub(super) writer: &'r str,
    pub(super) seq: i64,
    pub(super) kind: &'r str,
    pub(super) id: &'r str,
    pub(super) intent: Option<i64>,
    pub(super) scope: &'r str,
    pub(super) doc: &'r str,
    pub(super) leaf: &'r [u8],
}

impl<'r> Fields<'r> {
    /// From a row of SQLite, its columns in this order.
    pub(super) fn of(row: &'r rusqlite::Row<'_>) -> Result<Self, StoreError> {
        let writer: String = row.get(0).map_err(StoreError::from_rusqlite)?;
        // Numbers that are none: only a table without its checks can have them.
        let Ok(seq) = row.get::<_, i64>(1) else {
            return Err(StoreError::Damaged { writer, seq: -1, column: None });
        };
        // Texts that are none, and the like.
        Self::read(row, seq).map_err(|_| StoreError::Damaged { writer, seq, column: None })
    }

    fn read(row: &'r rusqlite::Row<'_>, seq: i64) -> Result<Self, FromSqlError> {
        let column =
            |number| row.get_ref(number).map_err(|error| FromSqlError::Other(error.into()));
        Ok(Self {
            writer: column(0)?.as_str()?,
            seq,
            kind: column(2)?.as_str()?,
            id: column(3)?.as_str()?,
            intent: column(4)?.as_i64_or_null()?,
            scope: column(5)?.as_str()?,
            doc: column(6)?.as_str()?,
            leaf: column(7)?.as_blob()?,
        })
    }

    /// The entry, unless no version of countersign writes such a row.
    pub(super) fn stored(self) -> Result<Stored, StoreError> {
        let kind = match self.kind {
            "intent" => Some(EntryKind::Intent),
            "completion" => Some(EntryKind::Completion),
            _ => None,
        };
        // Ids can be written in several ways, of which countersign writes one.
        let id = self.id.parse().ok().filter(|id: &EventId| id.is_written(self.id));
        let (Some(kind), Some(id)) = (kind, id) else {
            let column = Some(if kind.is_none() { "kind" } else { "id" });
            let (writer, seq) = (self.writer.to_owned(), self.seq);
            return Err(StoreError::Damaged { writer, seq, column });
        };
        Ok(Stored {
            kind,
            id,
            seq: sql_to_seq(self.seq),
            intent: self.intent.map(sql_to_seq),
            scope: self.scope.to_owned(),
            doc: self.doc.to_owned(),
            leaf: self.leaf.to_owned(),
            writer: self.writer.to_owned(),
        })
    }
}

/// An entry, from a row of SQLite.
pub(super) fn stored(row: &rusqlite::Row<'_>) -> Result<Stored, StoreError> {
    Fields::of(row)?.stored()
}

/// What an entry takes of [`READ_BYTES`].
pub(super) fn size(entry: &Stored) -> i64 {
    i64::try_from(entry.doc.len()).unwrap_or(i64::MAX)
}

/// How much of what is asked for can be read in one go.
pub(super) struct Portion {
    entries: Vec<Stored>,
    bytes: i64,
    /// So many are read however large they are.
    at_least: usize,
}

impl Portion {
    pub(super) fn new(at_least: usize) -> Self {
        Self { entries: Vec::new(), bytes: 0, at_least }
    }

    /// Takes one more; false if it does not fit any more. `position` counts what was asked for.
    pub(super) fn take(&mut self, position: usize, entry: Stored) -> bool {
        self.bytes = self.bytes.saturating_add(size(&entry));
        let fits = position < self.at_least || self.bytes <= READ_BYTES;
        if fits {
            self.entries.push(entry);
        }
        fits
    }

    pub(super) fn entries(self) -> Vec<Stored> {
        self.entries
    }
}

/// Runs a query for entries, and reads them as far as that may be done in one go; the first one always
/// may.
pub(super) fn read(
    conn: &Connection,
    sql: &str,
    parameters: impl Params,
) -> Result<Vec<Stored>, StoreError> {
    let mut query = conn.prepare_cached(sql).map_err(StoreError::from_rusqlite)?;
    let mut rows = query.query(parameters).map_err(StoreError::from_rusqlite)?;
    let mut portion = Portion::new(1);
    for position in 0.. {
        let Some(row) = rows.next().map_err(StoreError::from_rusqlite)? else { break };
        if !portion.take(position, stored(row)?) {
            break;
        }
    }
    Ok(portion.entries())
}

/// All that a query gives, each row as `each` reads it.
pub(super) fn all<T>(
    conn: &Connection,
    sql: &str,
    parameters: impl Params,
    each: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    conn.prepare_cached(sql)
        .and_then(|mut query| query.query_map(parameters, each)?.collect())
        .map_err(StoreError::from_rusqlite)
}

/// Sequence numbers stay below 2^63: at a million entries a second that takes 290,000 years.
pub(super) fn seq_to_sql(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// The schema's checks keep them positive.
pub(super) fn sql_to_seq(seq: i64) -> u64 {
    u64::try_from(seq).unwrap_or(0)
}
