//! Going through a question's hours, newest first: which rows fulfil all clauses.
//!
//! Several hours are looked at together, more of them each time: of the clause with the fewest rows all sets
//! are read, of the next one those of blocks in which something is left, and so on. A page is full after
//! few hours or needs many; so no hour costs a look of its own for each term.
//!
//! A reader who may not see everything could tell from the time that it takes what there is beyond: then
//! clauses that say what may be seen come first and alone say where to look next, the others follow in an
//! order that no row has a part in, and the terms that are asked for are looked up in each block that is left
//! whether there are any or not.

use std::collections::BTreeMap;
use std::mem;

use rusqlite::{Connection, OptionalExtension};

use super::bits::Bits;
use super::columns::{self, Column};
use super::plan::{Clause, Plan, hours};
use super::schema::{self, HOUR_BLOCKS, hour_of_block};
use super::source::{Source, Way};
use super::{Core, IndexError, matches};

/// Rows of one hour or several, by block.
pub(super) type Parts = BTreeMap<i64, Bits>;

/// Hours that are looked at first: the newest one has perhaps only begun.
const HOURS: i64 = 2;
/// How much more each time.
const MORE: usize = 4;
/// Hours that are looked at together at most.
const HOURS_MOST: i64 = if cfg!(test) { 3 } else { 2048 };
/// Blocks that may be in memory for each clause, unless events are spread very unevenly.
const BLOCKS: usize = 1024;
/// Terms of a clause that says where to look next.
const LEADING: usize = 8;
/// Terms that are looked up in every block of somebody who may not see everything. More are followed.
const LOOKED_UP: usize = 8;

pub(super) struct Scan<'c> {
    core: &'c Core,
    plan: Plan,
    sources: Vec<Source>,
    /// What was found in hours that have not been given away.
    found: Parts,
    /// The next hour to look at, and the last one.
    hour: i64,
    last: i64,
    /// Hours that are looked at together.
    span: i64,
    /// Which clauses have few rows is not known yet.
    is_learning: bool,
}

impl<'c> Scan<'c> {
    pub(super) fn new(core: &'c Core, plan: Plan) -> Self {
        // Without time between there is no hour.
        let (hour, last) = hours(&plan).unwrap_or((-1, 0));
        let is_limited = plan.of_view > 0;
        let mut sources = Vec::new();
        for (place, clause) in plan.clauses.iter().enumerate() {
            let Clause::Any(terms, rows) = clause else { continue };
            let leads = match is_limited {
                true => place < plan.of_view || terms.is_empty(),
                false => terms.len() <= LEADING,
            };
            let way = match is_limited {
                true if terms.len() <= LOOKED_UP => Way::LookingUp,
                true => Way::Jumping,
                false => Way::ReadingOn,
            };
            sources.push(Source::new(terms, rows, way, leads));
        }
        // What may be seen first, then those with the fewest terms.
        if let Some((_, others)) = sources.split_at_mut_checked(plan.of_view) {
            others.sort_by_key(Source::parts);
        }
        let (found, is_learning) = (Parts::new(), !is_limited && sources.len() > 1);
        Self { core, plan, sources, found, hour, last, span: HOURS, is_learning }
    }

    /// The next hour in which there are rows; they are not yet checked.
    pub(super) fn next(&mut self) -> Result<Option<(i64, Parts)>, IndexError> {
        loop {
            if let Some((block, _)) = self.found.last_key_value() {
                let hour = hour_of_block(*block);
                let mut parts = self.found.split_off(&(hour * HOUR_BLOCKS));
                // Not before somebody wants to have it: the page may be full.
                self.narrow(&mut parts)?;
                parts.retain(|_, rows| !rows.is_empty());
                if !parts.is_empty() {
                    return Ok(Some((hour, parts)));
                }
                continue;
            }
            self.core.go_on()?;
            let Some(hour) = self.seek()? else { return Ok(None) };
            let first = (hour + 1 - self.span).max(self.last);
            self.hour = first - 1;
            self.found = self.look(first, hour)?;
        }
    }

    /// The latest hour in which there may be something.
    fn seek(&self) -> Result<Option<i64>, IndexError> {
        let conn = &self.core.conn;
        let mut hour = self.hour;
        for source in self.sources.iter().filter(|source| source.leads) {
            match source.newest(conn, self.last, hour)? {
                Some(newest) => hour = newest,
                None => return Ok(None),
            }
        }
        if self.sources.iter().any(|source| source.leads) {
            return Ok(Some(hour));
        }
        let sql = "SELECT max(block) FROM blocks WHERE block BETWEEN ?1 AND ?2";
        let blocks = [self.last * HOUR_BLOCKS, (hour + 1) * HOUR_BLOCKS - 1];
        let newest: rusqlite::Result<Option<i64>> = conn
            .prepare_cached(sql)
            .and_then(|mut newest| newest.query_row(blocks, |row| row.get(0)));
        Ok(newest.map_err(IndexError::of_search)?.map(hour_of_block))
    }

    /// What there is in these hours, as far as sets can tell.
    fn look(&mut self, first: i64, last: i64) -> Result<Parts, IndexError> {
        let (first, last) = (first * HOUR_BLOCKS, (last + 1) * HOUR_BLOCKS - 1);
        if self.is_learning {
            self.is_learning = false;
            return self.learn(first, last);
        }
        let mut sources = self.sources.iter();
        let Some(source) = sources.next() else { return Ok(Parts::new()) };
        let mut parts = source.all(self.core, first, last)?;
        let loaded = parts.len();
        for source in sources {
            source.narrow(self.core, &mut parts)?;
        }
        self.adjust(loaded);
        Ok(parts)
    }

    /// Puts those first that have the fewest rows.
    fn learn(&mut self, first: i64, last: i64) -> Result<Parts, IndexError> {
        let mut all = Vec::with_capacity(self.sources.len());
        for source in mem::take(&mut self.sources) {
            let parts = source.all(self.core, first, last)?;
            let count: u64 = parts.values().map(Bits::count).sum();
            all.push((count, parts, source));
        }
        all.sort_by_key(|(count, ..)| *count);
        let mut common: Option<Parts> = None;
        for (_, parts, source) in all {
            self.sources.push(source);
            common = Some(match common {
                None => parts,
                Some(common) => self::common(common, &parts),
            });
        }
        Ok(common.unwrap_or_default())
    }

    /// More hours next time, as far as there is memory for them.
    fn adjust(&mut self, loaded: usize) {
        if loaded.saturating_mul(MORE) <= BLOCKS {
            self.span = (self.span * MORE as i64).min(HOURS_MOST);
        } else if loaded > 2 * BLOCKS {
            self.span = (self.span / MORE as i64).max(1);
        }
    }

    /// Keeps what columns and times allow.
    fn narrow(&mut self, parts: &mut Parts) -> Result<(), IndexError> {
        let conn = &self.core.conn;
        for clause in &mut self.plan.clauses {
            let Clause::Column(likely, or) = clause else { continue };
            for (block, rows) in parts.iter_mut() {
                let values = columns::of_rows(conn, likely.column, *block, rows)?;
                let others = or.iter().map(|or| stored(conn, *or, *block));
                let others = others.collect::<Result<Vec<_>, _>>()?;
                for row in rows.rows().collect::<Vec<_>>() {
                    let value = values.get(usize::from(row)).copied().unwrap_or_default();
                    let is_other = others.iter().any(|others| others.contains(row));
                    if !is_other && !likely.has(conn, value)? {
                        rows.clear(row);
                    }
                }
                self.core.go_on()?;
            }
            parts.retain(|_, rows| !rows.is_empty());
        }
        for (block, rows) in parts.iter_mut() {
            let hour = hour_of_block(*block);
            let begins = schema::hour_begins(hour);
            if self.plan.since <= begins && schema::hour_begins(hour + 1) <= self.plan.until {
                continue;
            }
            let times = columns::of_rows(conn, Column::Times, *block, rows)?;
            for row in rows.rows().collect::<Vec<_>>() {
                let time = times.get(usize::from(row)).map(|time| begins + i64::from(*time));
                if time.is_none_or(|time| time < self.plan.since || time >= self.plan.until) {
                    rows.clear(row);
                }
            }
        }
        Ok(())
    }

    /// The next hour in which there are rows for which everything holds.
    pub(super) fn next_checked(&mut self) -> Result<Option<(i64, Parts)>, IndexError> {
        while let Some((hour, mut parts)) = self.next()? {
            if self.plan.checks.is_empty() {
                return Ok(Some((hour, parts)));
            }
            for (block, rows) in &mut parts {
                for row in rows.rows().collect::<Vec<_>>() {
                    if self.read(schema::number(*block, row))?.is_none() {
                        rows.clear(row);
                    }
                }
                self.core.go_on()?;
            }
            parts.retain(|_, rows| !rows.is_empty());
            if !parts.is_empty() {
                return Ok(Some((hour, parts)));
            }
        }
        Ok(None)
    }

    /// The row, if everything that has to be checked holds for it.
    pub(super) fn read(&self, n: i64) -> Result<Option<super::Row>, IndexError> {
        let row = schema::read(&self.core.conn, n)?;
        Ok(row.filter(|row| self.plan.checks.iter().all(|check| matches::meets(check, row))))
    }

    pub(super) fn has_checks(&self) -> bool {
        !self.plan.checks.is_empty()
    }
}

fn common(mut parts: Parts, others: &Parts) -> Parts {
    parts.retain(|block, rows| {
        let Some(others) = others.get(block) else { return false };
        rows.keep(others);
        !rows.is_empty()
    });
    parts
}

/// The rows of a block that have a term.
pub(super) fn stored(conn: &Connection, term: u32, block: i64) -> Result<Bits, IndexError> {
    let found =
        conn.prepare_cached("SELECT bits FROM postings WHERE key = ?1").and_then(|mut bits| {
            let key = schema::key(term, block);
            bits.query_row([key], |row| Ok(Bits::of(row.get_ref(0)?.as_blob()?))).optional()
        });
    Ok(found.map_err(IndexError::of_search)?.unwrap_or_default())
}
