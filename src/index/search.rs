//! Searching the index: conditions → rows, newest first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use foldhash::HashMap;

use super::columns::{self, Column};
use super::plan::Plan;
use super::scan::{Parts, Scan};
use super::{Core, Index, IndexError, Row, schema};

/// Rows that are read in one go.
const AHEAD: usize = if cfg!(test) { 3 } else { 512 };

/// A field with a closed way of comparing: equal to one of several values, in which for actions `*` stands
/// for any characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `noun.verb`.
    Action,
    /// The area.
    Category,
    /// What kind of actor.
    ActorType,
    /// The severity.
    Severity,
}

/// What an event must fulfil. Several conditions must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The field is one of these.
    AnyOf(Field, Vec<String>),
    /// The outcome is one of these; `None` is an event that is still pending.
    Outcome(Vec<Option<String>>),
    /// Some target is of one of these types.
    ResourceType(Vec<String>),
    /// Some target has this id, whatever its case unless it is meant to the letter, or a name like this.
    Target(Like),
    /// The actor has an id, a name or an address like this.
    Actor(Like),
    /// The scope of this name has one of these values.
    Scope(String, Vec<String>),
    /// At or after this time, in milliseconds since 1970.
    Since(i64),
    /// Before this time.
    Until(i64),
    /// Every word of this occurs.
    Text(String),
    /// The event's id is this.
    Id(String),
}

/// How names are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Like {
    /// They contain this, whatever its case, and however accents are written.
    Part(String),
    /// They are this, to the letter.
    Whole(String),
}

impl Like {
    /// What they contain in any case.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Part(text) | Self::Whole(text) => text,
        }
    }

    /// Whether they are this, and not only contain it.
    pub(super) fn is(&self, name: &str) -> bool {
        match self {
            Self::Part(text) => super::terms::name_form(name) == super::terms::name_form(text),
            Self::Whole(text) => name == text,
        }
    }

    pub(super) fn is_met_by(&self, name: &str) -> bool {
        match self {
            Self::Part(text) => super::terms::contains(name, text),
            Self::Whole(text) => name == text,
        }
    }
}

/// What the one who asks may see. It holds beside all conditions, which can only narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum View {
    /// Every event.
    #[default]
    Everything,
    /// Events that have, for each of these names of scopes, one of its values. Without any name,
    /// none.
    Scopes(BTreeMap<String, BTreeSet<String>>),
}

/// A place between two events of a list; it stays where it is while events arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    time_ms: i64,
    id: String,
    act: u32,
}

/// A cursor that was not made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor")]
pub struct NoCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.time_ms, self.id)?;
        if self.act > 0 { write!(f, ".{}", self.act) } else { Ok(()) }
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (time, id) = text.split_once('.').ok_or(NoCursor)?;
        let time_ms = time.parse().map_err(|_| NoCursor)?;
        let (id, act) = id.split_once('.').unwrap_or((id, "0"));
        let act = act.parse().map_err(|_| NoCursor)?;
        let id = crate::record::EventId::from_str(id).map_err(|_| NoCursor)?.to_string();
        Ok(Self { time_ms, id, act })
    }
}

/// A question to the index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// What can be found at all.
    pub view: View,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Only events older than this place.
    pub after: Option<Cursor>,
    /// So many are skipped first.
    pub offset: u32,
    /// At most so many are returned.
    pub limit: u32,
}

/// A part of the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The events and acts, newest first.
    pub rows: Vec<Row>,
    /// Where the next page begins; `None` where there is none.
    pub next: Option<Cursor>,
}

impl Index {
    /// Searches, newest first.
    pub async fn search(&mut self, search: &Search) -> Result<Page, IndexError> {
        let search = search.clone();
        self.run(move |core| {
            let _snapshot = core.snapshot()?;
            let plan = Plan::new(core, &search.view, &search.conditions)?;
            page(core, plan, &search)
        })
        .await
    }
}

/// What is found by the plan, from the place on that the search names.
pub(super) fn page(core: &Core, mut plan: Plan, search: &Search) -> Result<Page, IndexError> {
    if let Some(after) = &search.after {
        plan.until = plan.until.min(schema::clamped(after.time_ms) + 1);
    }
    let limit = search.limit as usize;
    // One more than asked for, to know whether there is more.
    let (after, skip) = (search.after.as_ref(), search.offset);
    let mut found = Found { after, skip, want: limit + 1, rows: vec![], ahead: HashMap::default() };
    let mut scan = Scan::new(core, plan);
    while let Some((hour, parts)) = scan.next()? {
        found.take_hour(core, &scan, hour, &parts)?;
        if found.is_full() {
            break;
        }
    }
    let mut rows = found.rows;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| Cursor {
        time_ms: row.time_ms,
        id: row.id.clone(),
        act: row.act,
    });
    Ok(Page { rows, next })
}

/// A page on its way to be full.
struct Found<'s> {
    after: Option<&'s Cursor>,
    skip: u32,
    want: usize,
    rows: Vec<Row>,
    /// Rows that were read already, by their numbers.
    ahead: HashMap<i64, Row>,
}

impl Found<'_> {
    fn is_full(&self) -> bool {
        self.rows.len() >= self.want
    }

    /// Adds rows of an hour, newest first. Its blocks may overlap in time: what is newer than all
    /// that is left in the others comes first.
    fn take_hour(
        &mut self,
        core: &Core,
        scan: &Scan<'_>,
        hour: i64,
        parts: &Parts,
    ) -> Result<(), IndexError> {
        let cut = self.after.is_some_and(|after| schema::hour_of(after.time_ms) == hour);
        if self.skip > 0 && !cut && !scan.has_checks() {
            let count: u64 = parts.values().map(super::bits::Bits::count).sum();
            if let Some(left) = u32::try_from(count).ok().and_then(|it| self.skip.checked_sub(it)) {
                self.skip = left;
                return Ok(());
            }
        }
        let mut blocks = Vec::with_capacity(parts.len());
        for (block, rows) in parts {
            blocks.push((newest(core, *block)?, *block, rows));
        }
        blocks.sort_by_key(|(newest, ..)| *newest);
        let mut waiting: Vec<(u32, i64)> = Vec::new();
        self.ahead.clear();
        while let Some((_, block, rows)) = blocks.pop() {
            let times = columns::of_rows(&core.conn, Column::Times, block, rows)?;
            let time = |row: u16| times.get(usize::from(row)).copied().unwrap_or_default();
            waiting.extend(rows.rows().map(|row| (time(row), schema::number(block, row))));
            waiting.sort_unstable();
            let others = blocks.last().map(|(newest, ..)| *newest);
            while let Some((time, _)) = waiting.last().copied()
                && others.is_none_or(|others| time > others)
            {
                let first = waiting.partition_point(|(other, _)| *other < time);
                self.read_ahead(core, scan, &waiting)?;
                let same = waiting.split_off(first);
                self.take_moment(scan, &same)?;
                if self.is_full() {
                    return Ok(());
                }
            }
            core.go_on()?;
        }
        Ok(())
    }

    /// Reads as many rows as are still wanted in one go, in the order in which they lie there. Where each
    /// has to be checked, nobody knows how many that is.
    fn read_ahead(
        &mut self,
        core: &Core,
        scan: &Scan<'_>,
        waiting: &[(u32, i64)],
    ) -> Result<(), IndexError> {
        if !self.ahead.is_empty() || scan.has_checks() {
            return Ok(());
        }
        let wanted = self.want.saturating_sub(self.rows.len());
        let wanted = wanted.saturating_add(self.skip as usize).min(AHEAD);
        let newest = waiting.get(waiting.len().saturating_sub(wanted)..).unwrap_or_default();
        let mut numbers: Vec<i64> = newest.iter().map(|(_, n)| *n).collect();
        numbers.sort_unstable();
        self.ahead.extend(schema::read_all(&core.conn, &numbers)?);
        Ok(())
    }

    /// Adds rows of one millisecond.
    fn take_moment(&mut self, scan: &Scan<'_>, same: &[(u32, i64)]) -> Result<(), IndexError> {
        let mut rows = Vec::with_capacity(same.len());
        for (_, n) in same {
            match self.ahead.remove(n) {
                Some(row) => rows.push(row),
                None => rows.extend(scan.read(*n)?),
            }
        }
        if let Some(after) = self.after {
            let is_after = |row: &Row| {
                let (time, place) = (schema::clamped(row.time_ms), schema::clamped(after.time_ms));
                (time, &row.id, row.act) < (place, &after.id, after.act)
            };
            rows.retain(is_after);
        }
        rows.sort_by(|one, two| (&two.id, two.act).cmp(&(&one.id, one.act)));
        for row in rows {
            if self.skip > 0 {
                self.skip -= 1;
            } else if !self.is_full() {
                self.rows.push(row);
            }
        }
        Ok(())
    }
}

/// When in its hour the newest row of a block arrived.
fn newest(core: &Core, block: i64) -> Result<u32, IndexError> {
    core.conn
        .prepare_cached("SELECT last FROM blocks WHERE block = ?1")
        .and_then(|mut last| last.query_row([block], |row| row.get(0)))
        .map_err(IndexError::of_search)
}
