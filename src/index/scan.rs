//! Going through a question's hours, newest first: which rows fulfil all clauses.
//!
//! Each clause says which hour it has rows in next, and the scan goes to the latest hour that all of
//! them can agree on. So it jumps over hours in which one of them has nothing.
//!
//! A reader who may not see everything could tell by such a jump, from the time that it saves, what
//! there is beyond: then only clauses that say what may be seen lead, and in each of their hours the terms
//! that are asked for are looked up whether there are any or not.

use std::collections::{BTreeMap, BinaryHeap};

use rusqlite::{Connection, OptionalExtension};

use super::bits::{Bits, numbers};
use super::plan::{Clause, Column, Plan, hours};
use super::schema::{self, HOUR_BLOCKS, hour_of_block};
use super::{Core, IndexError, matches};

/// Rows of an hour, by block.
pub(super) type Parts = BTreeMap<i64, Bits>;

pub(super) struct Scan<'c> {
    core: &'c Core,
    plan: Plan,
    sources: Vec<Source>,
    /// The next hour, and the last one.
    hour: i64,
    last: i64,
}

/// Terms that are looked up in every hour of somebody who may not see everything. More are followed.
const LOOKED_UP: usize = 8;

/// A clause, as far as it has not been gone through.
struct Source {
    /// For each of its terms, its next block.
    terms: BinaryHeap<(i64, u32)>,
    /// Terms that do not lead, and are looked up.
    looked_up: Vec<u32>,
    /// In order; the last one is next.
    rows: Vec<i64>,
}

impl<'c> Scan<'c> {
    pub(super) fn new(core: &'c Core, plan: Plan) -> Result<Self, IndexError> {
        let Some((hour, last)) = hours(&plan) else {
            return Ok(Self { core, plan, sources: Vec::new(), hour: -1, last: 0 });
        };
        let mut sources = Vec::new();
        for (place, clause) in plan.clauses.iter().enumerate() {
            let Clause::Any(terms, rows) = clause else { continue };
            let mut source =
                Source { terms: BinaryHeap::new(), looked_up: Vec::new(), rows: rows.clone() };
            source.rows.sort_unstable();
            if place >= plan.of_view && plan.of_view > 0 && (1..=LOOKED_UP).contains(&terms.len()) {
                source.looked_up.clone_from(terms);
            } else {
                for term in terms {
                    source.next_block(&core.conn, *term, hour, last)?;
                }
            }
            sources.push(source);
        }
        // What may be seen first, then those with the fewest terms.
        if let Some((_, others)) = sources.split_at_mut_checked(plan.of_view) {
            others.sort_by_key(|source| source.terms.len() + source.rows.len());
        }
        Ok(Self { core, plan, sources, hour, last })
    }

    /// The next hour in which there are rows; they are not yet checked.
    pub(super) fn next(&mut self) -> Result<Option<(i64, Parts)>, IndexError> {
        loop {
            self.core.go_on()?;
            let Some(hour) = self.agreed()? else { return Ok(None) };
            self.hour = hour - 1;
            let mut parts: Option<Parts> = None;
            for source in &mut self.sources {
                if parts.as_ref().is_some_and(Parts::is_empty) {
                    break;
                }
                let more = source.load(&self.core.conn, hour, self.last)?;
                parts = Some(match parts {
                    None => more,
                    Some(parts) => common(parts, &more),
                });
            }
            let mut parts = parts.unwrap_or_default();
            self.narrow(hour, &mut parts)?;
            parts.retain(|_, rows| !rows.is_empty());
            if !parts.is_empty() {
                return Ok(Some((hour, parts)));
            }
        }
    }

    /// The latest hour for which every clause has something.
    fn agreed(&mut self) -> Result<Option<i64>, IndexError> {
        let mut hour = self.hour;
        loop {
            let before = hour;
            for source in self.sources.iter_mut().filter(|source| source.looked_up.is_empty()) {
                match source.seek(&self.core.conn, hour, self.last)? {
                    Some(next) => hour = next,
                    None => return Ok(None),
                }
            }
            if hour < self.last || self.sources.is_empty() {
                return Ok(None);
            }
            if hour == before {
                return Ok(Some(hour));
            }
        }
    }

    /// Keeps what columns and times allow.
    fn narrow(&self, hour: i64, parts: &mut Parts) -> Result<(), IndexError> {
        let conn = &self.core.conn;
        for clause in &self.plan.clauses {
            let Clause::Column(column, wanted, or) = clause else { continue };
            for (block, rows) in parts.iter_mut() {
                let values = self::column(conn, *column, *block)?;
                let others = stored(conn, *or, *block)?;
                for row in rows.rows().collect::<Vec<_>>() {
                    let value = values.get(usize::from(row));
                    let is_wanted = value.is_some_and(|value| wanted.contains(value));
                    if !is_wanted && !others.contains(row) {
                        rows.clear(row);
                    }
                }
            }
        }
        let begins = schema::hour_begins(hour);
        if self.plan.since <= begins && schema::hour_begins(hour + 1) <= self.plan.until {
            return Ok(());
        }
        for (block, rows) in parts.iter_mut() {
            let times = times(conn, *block)?;
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

impl Source {
    /// Notes the newest block of the term up to an hour.
    fn next_block(
        &mut self,
        conn: &Connection,
        term: u32,
        hour: i64,
        last: i64,
    ) -> Result<(), IndexError> {
        let sql = "SELECT key FROM postings WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1";
        let from = schema::key(term, last * HOUR_BLOCKS);
        let to = schema::key(term, hour * HOUR_BLOCKS + HOUR_BLOCKS - 1);
        let found = conn
            .prepare_cached(sql)
            .and_then(|mut key| key.query_row([from, to], |row| row.get::<_, i64>(0)).optional())
            .map_err(IndexError::of_search)?;
        self.terms.extend(found.map(|key| (schema::block_of_key(key), term)));
        Ok(())
    }

    /// The latest hour, not after this one, in which it has something.
    fn seek(&mut self, conn: &Connection, hour: i64, last: i64) -> Result<Option<i64>, IndexError> {
        while let Some((block, term)) = self.terms.peek().copied()
            && hour_of_block(block) > hour
        {
            self.terms.pop();
            self.next_block(conn, term, hour, last)?;
        }
        while self.rows.last().is_some_and(|n| hour_of_row(*n) > hour) {
            self.rows.pop();
        }
        let of_terms = self.terms.peek().map(|(block, _)| hour_of_block(*block));
        Ok(of_terms.max(self.rows.last().map(|n| hour_of_row(*n))))
    }

    /// What it has in the hour, which is then behind it.
    fn load(&mut self, conn: &Connection, hour: i64, last: i64) -> Result<Parts, IndexError> {
        let mut parts = Parts::new();
        let mut select = conn
            .prepare_cached("SELECT key, bits FROM postings WHERE key BETWEEN ?1 AND ?2")
            .map_err(IndexError::of_search)?;
        let mut loaded = Vec::new();
        while let Some((block, term)) = self.terms.peek().copied()
            && hour_of_block(block) == hour
        {
            self.terms.pop();
            loaded.push(term);
        }
        let first = hour * HOUR_BLOCKS;
        for term in loaded.iter().chain(&self.looked_up) {
            let keys = [schema::key(*term, first), schema::key(*term, first + HOUR_BLOCKS - 1)];
            let mut found = select.query(keys).map_err(IndexError::of_search)?;
            while let Some(row) = found.next().map_err(IndexError::of_search)? {
                let key = row.get(0).map_err(IndexError::of_search)?;
                let bits = row.get_ref(1).and_then(|bits| Ok(bits.as_blob()?));
                let part = parts.entry(schema::block_of_key(key)).or_default();
                part.add(bits.map_err(IndexError::of_search)?);
            }
        }
        for term in loaded.into_iter().filter(|_| hour > last) {
            self.next_block(conn, term, hour - 1, last)?;
        }
        // Those that do not lead may not have come so far.
        while let Some(n) = self.rows.last().copied().filter(|n| hour_of_row(*n) >= hour) {
            self.rows.pop();
            let (block, row) = schema::place(n);
            if hour_of_block(block) != hour {
                continue;
            }
            parts.entry(block).or_default().set(row);
        }
        Ok(parts)
    }
}

fn hour_of_row(n: i64) -> i64 {
    hour_of_block(schema::place(n).0)
}

fn common(mut parts: Parts, others: &Parts) -> Parts {
    parts.retain(|block, rows| {
        let Some(others) = others.get(block) else { return false };
        rows.keep(others);
        !rows.is_empty()
    });
    parts
}

/// When in its hour each row of a block arrived.
pub(super) fn times(conn: &Connection, block: i64) -> Result<Vec<u32>, IndexError> {
    of_block(conn, "SELECT times FROM blocks WHERE block = ?1", block)
}

/// The term of each row of a block.
pub(super) fn column(
    conn: &Connection,
    column: Column,
    block: i64,
) -> Result<Vec<u32>, IndexError> {
    let sql = match column {
        Column::Actors => "SELECT actors FROM blocks WHERE block = ?1",
        Column::Names => "SELECT names FROM blocks WHERE block = ?1",
    };
    of_block(conn, sql, block)
}

fn of_block(conn: &Connection, sql: &str, block: i64) -> Result<Vec<u32>, IndexError> {
    let found = conn.prepare_cached(sql).and_then(|mut column| {
        column.query_row([block], |row| Ok(numbers(row.get_ref(0)?.as_blob()?))).optional()
    });
    Ok(found.map_err(IndexError::of_search)?.unwrap_or_default())
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
