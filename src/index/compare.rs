//! Whether the index says what the ledger does: every row, and everything that rows are found by.
//!
//! What every row should be is made of the ledger once more, the way the follower makes it. Then each is
//! looked for, and all tables are counted, so that nothing is in them that should not be. What is kept to
//! find parts of names (`names`) and the order in which events ended (`arrivals`) are not compared.

mod state;

use std::collections::BTreeMap;
use std::mem;

use async_trait::async_trait;
use rusqlite::Connection;

use self::state::State;
use super::{Index, IndexError, schema};
use crate::follow::{FollowError, Follower, Gap, Heads, catch_up};
use crate::record::Stored;
use crate::store::LedgerReader;

/// What was found out.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Events of the ledger that were compared, with all their acts.
    pub events: u64,
    /// Entries of the ledger that the index has not taken in yet.
    pub behind: u64,
    /// What does not agree, as far as it is kept, in the order of the ledger.
    pub disagreements: Vec<Disagreement>,
    /// How many disagreements there are.
    pub count: u64,
}

/// Something in the index that is not as the ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    /// Of which event; none if it is of none.
    pub event: Option<EventPlace>,
    /// What it is.
    pub what: What,
}

/// Where an event begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPlace {
    /// The event's id.
    pub id: String,
    /// In whose log.
    pub writer: String,
    /// Which entry.
    pub seq: u64,
}

/// What does not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The event, or one of its acts, is not there.
    Missing,
    /// It is there twice.
    Twice,
    /// This field of it is another one.
    Field(&'static str),
    /// It is not found by this.
    Unfindable(&'static str),
    /// In this table there is something that belongs to no event.
    Surplus(&'static str),
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => write!(f, "is missing"),
            Self::Twice => write!(f, "is there twice"),
            Self::Field(name) => write!(f, "has another `{name}`"),
            Self::Unfindable(name) => write!(f, "is not found by its {name}"),
            Self::Surplus(table) => {
                write!(f, "the table `{table}` holds something that belongs to no event")
            }
        }
    }
}

impl Index {
    /// Holds all that the index has taken in against the ledger; `tell` is told how many entries were
    /// compared so far. While somebody purges, what is purged may be taken for a disagreement.
    pub async fn compare(
        &mut self,
        reader: &mut dyn LedgerReader,
        tell: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Compared, FollowError> {
        self.freeze().await.map_err(failed)?;
        let cursors = self.run(|core| cursors(&core.conn)).await.map_err(failed)?;
        let heads = Heads::now(reader).await?;
        let reached = |writer: &String| cursors.get(writer).copied().unwrap_or_default();
        let behind = heads.0.iter().map(|(writer, head)| head.saturating_sub(reached(writer)));
        let behind = behind.sum();
        let up_to = Heads(cursors.into_iter().collect());
        let (cursors, state) = (BTreeMap::new(), State::default());
        let mut comparing = Comparing { index: self, up_to: &up_to, cursors, state, tell };
        catch_up(reader, &mut comparing, &up_to).await?;
        let mut state = comparing.state;
        state.found.behind = behind;
        let finished = self.run(move |core| {
            state.finish(core)?;
            Ok(state.found)
        });
        finished.await.map_err(failed)
    }
}

/// The comparison as a follower that takes in what the index has.
struct Comparing<'i> {
    index: &'i mut Index,
    up_to: &'i Heads,
    cursors: BTreeMap<String, u64>,
    state: State,
    tell: &'i mut (dyn FnMut(u64) + Send),
}

#[async_trait]
impl Follower for Comparing<'_> {
    fn name(&self) -> &'static str {
        "comparison"
    }

    async fn cursor(&mut self, writer: &str) -> Result<u64, FollowError> {
        Ok(self.cursors.get(writer).copied().unwrap_or_default())
    }

    async fn apply(&mut self, mut entries: Vec<Stored>) -> Result<(), FollowError> {
        let Some(last) = entries.last() else { return Ok(()) };
        self.cursors.insert(last.writer.clone(), last.seq);
        let head = self.up_to.0.iter().find(|(writer, _)| *writer == last.writer);
        let head = head.map(|(_, head)| *head).unwrap_or_default();
        entries.retain(|entry| entry.seq <= head);
        let mut state = mem::take(&mut self.state);
        let taken = self.index.run(move |core| {
            for entry in &entries {
                state.take(core, entry)?;
            }
            Ok(state)
        });
        self.state = taken.await.map_err(failed)?;
        (self.tell)(self.cursors.values().sum());
        Ok(())
    }

    async fn pass_over(&mut self, writer: &str, gap: &Gap) -> Result<(), FollowError> {
        self.cursors.insert(writer.to_owned(), gap.up_to);
        Ok(())
    }

    async fn is_of(&mut self, reader: &mut dyn LedgerReader) -> Result<bool, FollowError> {
        self.index.is_of(reader).await
    }

    async fn start_over(&mut self) -> Result<(), FollowError> {
        Err(failed(IndexError::Foreign))
    }
}

fn failed(error: IndexError) -> FollowError {
    FollowError::Follower { name: "comparison", source: Box::new(error) }
}

fn cursors(conn: &Connection) -> Result<BTreeMap<String, u64>, IndexError> {
    let mut statement =
        conn.prepare("SELECT writer, seq FROM cursors").map_err(IndexError::of_search)?;
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, schema::unsigned(row.get(1)?).unwrap_or_default())));
    rows.and_then(Iterator::collect).map_err(IndexError::of_search)
}
