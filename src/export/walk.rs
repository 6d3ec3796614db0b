//! The events of an export, newest first, as they were on record at one moment.
//!
//! The moment is the snapshot: up to which entry of each writer the log is shown. It outlives the
//! connection, so that an export which was interrupted can go on. It can as long as nothing that it
//! has yet to show has ended since: such an event cannot be shown any more as it was.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::follow::{FollowError, Follower};
use crate::index::{Condition, Cursor, Index, IndexError, Page, Row, Search, View};
use crate::query::EventError;
use crate::record::Stored;
use crate::store::{LedgerReader, Purged, StoreError};

/// Rows of the index that are looked up at one time.
const PAGE: u32 = 500;
/// Events that were pending when an export began, and have ended while it was interrupted: more are
/// not looked at.
const ENDED_MAX: u32 = 10_000;
/// A connection to the index that stays at one moment for longer lets its files grow.
const STALE: Duration = Duration::from_secs(10);

/// Up to which entry of each writer the log is shown.
pub type Snapshot = BTreeMap<String, u64>;

/// Why an export cannot begin, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// The index cannot be searched.
    #[error("the search index cannot be read")]
    Index(#[from] IndexError),
    /// How far the index is cannot be told.
    #[error("how far the search index is cannot be told")]
    Follow(#[from] FollowError),
    /// An event cannot be read.
    #[error("an event cannot be read")]
    Event(#[from] EventError),
    /// The ledger cannot be read.
    #[error("the ledger cannot be read")]
    Ledger(#[from] StoreError),
    /// The index is being built again, and has not come as far as the snapshot.
    #[error("the search index has not come as far as the export: it is being built again")]
    Behind,
    /// What is left of the export is not any more as it was.
    #[error("events that were pending when the export began have ended since")]
    Moved,
}

/// What is left of an export.
pub struct Walk {
    index: Index,
    since: Instant,
    ledger: Box<dyn LedgerReader>,
    search: Search,
    snapshot: Snapshot,
    /// What ended after the snapshot was looked for up to these entries.
    looked: Snapshot,
    rows: VecDeque<Row>,
    is_last: bool,
    /// The index has more than the snapshot.
    is_later: bool,
    /// So that the snapshot ends where less is wanted than there is.
    is_cut: bool,
}

impl Walk {
    /// From the newest event on, as it is on record now. The index must be frozen.
    pub async fn begin(
        mut index: Index,
        mut ledger: Box<dyn LedgerReader>,
        search: Search,
    ) -> Result<Self, WalkError> {
        let snapshot = reach(&mut index, &mut *ledger).await?;
        Ok(Self::at(index, ledger, search, snapshot))
    }

    /// From an event on that was the last of what there is, as of an earlier moment. The index must
    /// be frozen.
    pub async fn go_on(
        mut index: Index,
        mut ledger: Box<dyn LedgerReader>,
        mut search: Search,
        snapshot: Snapshot,
        last: Cursor,
    ) -> Result<Self, WalkError> {
        let reached = reach(&mut index, &mut *ledger).await?;
        let is_behind = |(writer, head): (&String, &u64)| reached.get(writer) < Some(head);
        if snapshot.iter().any(is_behind) {
            return Err(WalkError::Behind);
        }
        search.after = Some(last);
        let mut walk = Self::at(index, ledger, search, snapshot);
        walk.is_later = true;
        match walk.is_as_it_was(None).await? {
            true => Ok(walk),
            false => Err(WalkError::Moved),
        }
    }

    fn at(index: Index, ledger: Box<dyn LedgerReader>, search: Search, snapshot: Snapshot) -> Self {
        let search = Search { limit: PAGE, offset: 0, ..search };
        let looked = snapshot.clone();
        let rows = VecDeque::new();
        Self {
            index,
            since: Instant::now(),
            ledger,
            search,
            snapshot,
            looked,
            rows,
            is_last: false,
            is_later: false,
            is_cut: false,
        }
    }

    /// Shows each log up to this entry only, where it is known here: events that ended later have not
    /// ended yet. Before anything was read.
    pub fn up_to(&mut self, heads: &Snapshot) {
        for (writer, head) in &mut self.snapshot {
            *head = heads.get(writer).map_or(*head, |most| *most.min(head));
        }
        self.is_cut = true;
    }

    /// What was purged of a log after an entry, in order, some of it.
    pub async fn purged(&mut self, writer: &str, after: u64) -> Result<Vec<Purged>, WalkError> {
        Ok(self.ledger.purged_after(writer, after, PAGE).await?)
    }

    /// The moment that is shown.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// What may be seen.
    pub fn view(&self) -> &View {
        &self.search.view
    }

    /// Whether the index has stood still for so long that [`Walk::renew`] should be tried.
    pub fn is_stale(&self) -> bool {
        !self.is_last && self.since.elapsed() >= STALE
    }

    /// Goes on with another connection to the index, frozen at a later moment, unless what is left is
    /// not the same there.
    pub async fn renew(&mut self, mut index: Index) -> Result<(), WalkError> {
        self.since = Instant::now();
        let reached = reach(&mut index, &mut *self.ledger).await?;
        let is_behind = |(writer, head): (&String, &u64)| reached.get(writer) < Some(head);
        if !self.snapshot.iter().any(is_behind) && self.is_as_it_was(Some(&mut index)).await? {
            self.index = index;
            self.is_later = true;
        }
        Ok(())
    }

    /// Whether nothing of what is left has ended since the snapshot.
    async fn is_as_it_was(&mut self, index: Option<&mut Index>) -> Result<bool, WalkError> {
        let index = index.unwrap_or(&mut self.index);
        let reached = reach(index, &mut *self.ledger).await?;
        let mut looked = 0;
        for (writer, head) in &self.snapshot {
            let from = self.looked.get(writer).copied().unwrap_or(*head);
            let to = reached.get(writer).copied().unwrap_or(*head);
            let ended = self.ledger.ended(writer, *head, from..to, ENDED_MAX).await?;
            for id in &ended {
                let left = Search {
                    view: View::Everything,
                    conditions: vec![Condition::Id(id.to_string())],
                    after: self.search.after.clone(),
                    offset: 0,
                    limit: 1,
                };
                if !index.search(&left).await?.rows.is_empty() {
                    return Ok(false);
                }
            }
            looked += ended.len();
        }
        if looked >= ENDED_MAX as usize {
            return Ok(false);
        }
        self.looked = reached;
        Ok(true)
    }

    /// The next events, as many as can be read in one go, with the entries that each is made of as the
    /// ledger has them; none at the end.
    pub async fn entries(&mut self) -> Result<Option<Vec<(Row, Vec<Stored>)>>, WalkError> {
        loop {
            while self.rows.is_empty() {
                if self.is_last {
                    return Ok(None);
                }
                let page = self.index.search(&self.search).await?;
                self.turn(page)?;
            }
            let events = self.together().await?;
            if !events.is_empty() {
                return Ok(Some(events));
            }
            self.pass_over_purged().await?;
        }
    }

    /// What was purged since the export began is in it no more.
    async fn pass_over_purged(&mut self) -> Result<(), WalkError> {
        let left = self.rows.len();
        while let Some(row) = self.rows.front() {
            let purged =
                self.ledger.purged_after(&row.writer, row.seq.saturating_sub(1), 1).await?;
            if purged.first().is_some_and(|purged| purged.seq == row.seq) {
                self.rows.pop_front();
            } else if self.rows.len() == left {
                return Err(EventError::of_missing(row).into());
            } else {
                break;
            }
        }
        Ok(())
    }

    /// The next rows' events of one writer, as far as their entries can be read in one go.
    async fn together(&mut self) -> Result<Vec<(Row, Vec<Stored>)>, WalkError> {
        let Some(writer) = self.rows.front().map(|row| row.writer.clone()) else {
            return Ok(Vec::new());
        };
        let together = self.rows.iter().take_while(|row| row.writer == writer);
        let wanted: Vec<u64> = together.flat_map(entries_of).collect();
        let reading = self.ledger.entries(&writer, &wanted);
        let is_short = !self.is_last && self.rows.len() < PAGE as usize;
        let found = if is_short {
            // Meanwhile the index is asked for the next ones.
            let (found, page) = tokio::join!(reading, self.index.search(&self.search));
            self.turn(page?)?;
            found?
        } else {
            reading.await?
        };
        let mut found: HashMap<u64, Stored> =
            found.into_iter().map(|entry| (entry.seq, entry)).collect();
        let mut events = Vec::new();
        while let Some(row) = self.rows.pop_front_if(|row| {
            row.writer == writer && entries_of(row).all(|seq| found.contains_key(&seq))
        }) {
            // Acts share the entries of their event.
            let entries = entries_of(&row).filter_map(|seq| match row.act {
                0 => found.remove(&seq),
                _ => found.get(&seq).cloned(),
            });
            let entries = entries.collect();
            events.push((row, entries));
        }
        Ok(events)
    }

    /// Takes the next page of the index.
    fn turn(&mut self, page: Page) -> Result<(), WalkError> {
        self.is_last = page.next.is_none();
        self.search.after = page.next.or(self.search.after.take());
        for mut row in page.rows {
            let head = self.snapshot.get(&row.writer).copied().unwrap_or(0);
            if row.seq > head && (self.is_later || self.is_cut) {
                continue;
            }
            row.completion =
                row.completion.filter(|completion| !self.is_cut || *completion <= head);
            if self.is_later && row.completion.is_some_and(|completion| completion > head) {
                return Err(WalkError::Moved);
            }
            self.rows.push_back(row);
        }
        Ok(())
    }
}

/// The entries that an event is made of.
fn entries_of(row: &Row) -> impl Iterator<Item = u64> + use<> {
    let completion = row.completion.filter(|seq| *seq != row.seq);
    std::iter::once(row.seq).chain(completion)
}

/// Up to which entry of each writer the index has come.
async fn reach(index: &mut Index, ledger: &mut dyn LedgerReader) -> Result<Snapshot, WalkError> {
    let mut reached = Snapshot::new();
    for writer in ledger.writers().await? {
        let head = index.cursor(&writer).await?;
        reached.insert(writer, head);
    }
    Ok(reached)
}
