//! What was done to tokens, from whatever process, until it is on record in the ledger.
//!
//! A change and its note are one transaction. A token lets nobody in before the note of its making is
//! in the ledger; a revocation holds at once, and its note waits for whoever writes the ledger.

use chrono::DateTime;
use rusqlite::{Row, Transaction, params};

use super::store::{KEPT, kept};
use super::{Access, AccessError, Kept};
use crate::clock::Timestamp;
use crate::record::EventId;

/// Notes that are looked at in one go.
const NOTES_MAX: usize = 100;

/// What was done to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It was made.
    Made,
    /// It was revoked.
    Revoked,
}

impl Done {
    fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Revoked => "revoked",
        }
    }
}

/// A change that is not yet known to be on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The event's id.
    pub id: EventId,
    /// What was done.
    pub done: Done,
    /// When.
    pub at: Timestamp,
    /// The user of the system whose process did it.
    pub user: u32,
    /// The token as it is now.
    pub token: Kept,
    /// The head of the ledger before the first try to record it; it may be there behind that.
    pub tried: Option<u64>,
}

/// Puts a note beside what is done in the same transaction.
pub(super) fn note(
    transaction: &Transaction<'_>,
    token: &str,
    done: Done,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let id = EventId::new(now).to_string();
    let user = rustix::process::getuid().as_raw();
    let note = params![id, token, done.as_str(), user, now.timestamp_millis()];
    transaction
        .execute(
            "INSERT INTO changes (id, token, done, user, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
            note,
        )
        .map(drop)
}

impl Access {
    /// Changes that are to be recorded, oldest first; there may be more.
    pub fn to_record(&self) -> Result<Vec<Change>, AccessError> {
        let sql = format!(
            "SELECT {KEPT}, c.id, c.done, c.user, c.at_ms, c.tried \
             FROM changes c JOIN tokens ON tokens.id = c.token \
             WHERE c.recorded = 0 ORDER BY c.n LIMIT {NOTES_MAX}"
        );
        let found = || -> rusqlite::Result<Vec<Option<Change>>> {
            self.conn.prepare_cached(&sql)?.query_map([], change)?.collect()
        };
        let found = found().map_err(|source| self.failed(source))?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Remembers how far the ledger was before a change was first tried to be recorded.
    pub fn recording(&mut self, id: EventId, head: u64) -> Result<(), AccessError> {
        let head = i64::try_from(head).unwrap_or(i64::MAX);
        let sql = "UPDATE changes SET tried = ?2 WHERE id = ?1 AND tried IS NULL";
        let done = self.conn.execute(sql, params![id.to_string(), head]);
        done.map(drop).map_err(|source| self.failed(source))
    }

    /// Remembers that a change is on record.
    pub fn recorded(&mut self, id: EventId) -> Result<(), AccessError> {
        let done =
            self.conn.execute("UPDATE changes SET recorded = 1 WHERE id = ?1", [id.to_string()]);
        done.map(drop).map_err(|source| self.failed(source))
    }
}

/// A note, unless it cannot be understood.
fn change(row: &Row<'_>) -> rusqlite::Result<Option<Change>> {
    let Some(token) = kept(row)? else { return Ok(None) };
    let (id, done): (String, String) = (row.get(7)?, row.get(8)?);
    let done = if done == Done::Made.as_str() { Done::Made } else { Done::Revoked };
    let tried: Option<i64> = row.get(11)?;
    let at = DateTime::from_timestamp_millis(row.get(10)?).unwrap_or_default();
    let Ok(id) = id.parse() else { return Ok(None) };
    let tried = tried.map(|head| u64::try_from(head).unwrap_or(0));
    Ok(Some(Change { id, done, at, user: row.get(9)?, token, tried }))
}
