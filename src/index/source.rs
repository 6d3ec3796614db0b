//! What a clause has: the rows of its terms, in many blocks at a time.
//!
//! The sets of one term stand together, block by block, so that one look finds the first of a stretch and
//! the others are read on from there: what a clause costs is mostly the number of its terms, and of the
//! stretches that are asked for.

use rusqlite::{Connection, OptionalExtension, Statement};

use super::bits::Bits;
use super::scan::Parts;
use super::schema::{self, HOUR_BLOCKS, hour_of_block};
use super::{Core, IndexError};

/// Sets that are read over to come to one that is wanted: more cost as much as another look.
const PASSED: usize = if cfg!(test) { 1 } else { 8 };

/// How the sets of wanted blocks are come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By reading on over a few that are not wanted.
    ReadingOn,
    /// By a look for the next one that is wanted, wherever there are others before it: nothing is read of what
    /// the reader may not see.
    Jumping,
    /// By a look for each, whether it is there or not: it takes the time that it takes where nothing is.
    LookingUp,
}

/// A clause over terms.
pub(super) struct Source {
    terms: Vec<u32>,
    /// In order.
    rows: Vec<i64>,
    way: Way,
    /// It says where to look next.
    pub(super) leads: bool,
}

impl Source {
    pub(super) fn new(terms: &[u32], rows: &[i64], way: Way, leads: bool) -> Self {
        let (terms, mut rows) = (terms.to_vec(), rows.to_vec());
        rows.sort_unstable();
        Self { terms, rows, way, leads }
    }

    /// How many terms and rows it is made of.
    pub(super) fn parts(&self) -> usize {
        self.terms.len() + self.rows.len()
    }

    /// The latest hour between these in which it has something.
    pub(super) fn newest(
        &self,
        conn: &Connection,
        first: i64,
        last: i64,
    ) -> Result<Option<i64>, IndexError> {
        let (start, end) = (first * HOUR_BLOCKS, (last + 1) * HOUR_BLOCKS);
        let before = self.rows.partition_point(|n| *n < schema::number(end, 0));
        let row = before.checked_sub(1).and_then(|place| self.rows.get(place));
        let mut newest = row.map(|n| schema::place(*n).0).filter(|block| *block >= start);
        let sql = "SELECT key FROM postings WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1";
        let mut select = conn.prepare_cached(sql).map_err(IndexError::of_search)?;
        for term in &self.terms {
            let keys = [schema::key(*term, newest.unwrap_or(start)), schema::key(*term, end - 1)];
            let key = select.query_row(keys, |row| row.get(0)).optional();
            let block = key.map_err(IndexError::of_search)?.map(schema::block_of_key);
            newest = newest.max(block);
        }
        Ok(newest.map(hour_of_block))
    }

    /// All its rows of the blocks between these.
    pub(super) fn all(&self, core: &Core, first: i64, last: i64) -> Result<Parts, IndexError> {
        let mut parts = Parts::new();
        let mut select = select(&core.conn)?;
        for term in &self.terms {
            let keys = [schema::key(*term, first), schema::key(*term, last)];
            let mut found = select.query(keys).map_err(IndexError::of_search)?;
            while let Some(row) = found.next().map_err(IndexError::of_search)? {
                let block = schema::block_of_key(row.get(0).map_err(IndexError::of_search)?);
                add(row, parts.entry(block).or_default())?;
            }
            core.go_on()?;
        }
        for (block, row) in self.rows_of(first, last) {
            parts.entry(block).or_default().set(row);
        }
        Ok(parts)
    }

    /// Keeps those that it has as well.
    pub(super) fn narrow(&self, core: &Core, parts: &mut Parts) -> Result<(), IndexError> {
        let (Some((first, _)), Some((last, _))) = (parts.first_key_value(), parts.last_key_value())
        else {
            return Ok(());
        };
        let (first, last) = (*first, *last);
        let mut own: Parts = parts.keys().map(|block| (*block, Bits::default())).collect();
        let mut select = select(&core.conn)?;
        for term in &self.terms {
            match self.way {
                Way::ReadingOn => wanted(&mut select, *term, &mut own, PASSED)?,
                Way::Jumping => wanted(&mut select, *term, &mut own, 0)?,
                Way::LookingUp => each(&mut select, *term, &mut own)?,
            }
            core.go_on()?;
        }
        for (block, row) in self.rows_of(first, last) {
            if let Some(rows) = own.get_mut(&block) {
                rows.set(row);
            }
        }
        for (rows, own) in parts.values_mut().zip(own.values()) {
            rows.keep(own);
        }
        parts.retain(|_, rows| !rows.is_empty());
        Ok(())
    }

    /// Its rows that are no terms', by block.
    fn rows_of(&self, first: i64, last: i64) -> impl Iterator<Item = (i64, u16)> {
        let from = self.rows.partition_point(|n| *n < schema::number(first, 0));
        let rows = self.rows.get(from..).unwrap_or_default().iter().map(|n| schema::place(*n));
        rows.take_while(move |(block, _)| *block <= last)
    }
}

fn select(conn: &Connection) -> Result<rusqlite::CachedStatement<'_>, IndexError> {
    conn.prepare_cached("SELECT key, bits FROM postings WHERE key BETWEEN ?1 AND ?2")
        .map_err(IndexError::of_search)
}

fn add(row: &rusqlite::Row<'_>, rows: &mut Bits) -> Result<(), IndexError> {
    let bits = row.get_ref(1).and_then(|bits| Ok(bits.as_blob()?));
    rows.add(bits.map_err(IndexError::of_search)?);
    Ok(())
}

/// Adds the sets of a term for the blocks that there are.
fn wanted(
    select: &mut Statement<'_>,
    term: u32,
    blocks: &mut Parts,
    most_passed: usize,
) -> Result<(), IndexError> {
    let Some((last, _)) = blocks.last_key_value() else { return Ok(()) };
    let last = schema::key(term, *last);
    let mut wanted = blocks.iter_mut().peekable();
    while let Some((from, _)) = wanted.peek() {
        let keys = [schema::key(term, **from), last];
        let mut found = select.query(keys).map_err(IndexError::of_search)?;
        let mut passed = 0;
        while passed <= most_passed {
            let Some(row) = found.next().map_err(IndexError::of_search)? else { return Ok(()) };
            let block = schema::block_of_key(row.get(0).map_err(IndexError::of_search)?);
            while wanted.next_if(|(wanted, _)| **wanted < block).is_some() {}
            match wanted.next_if(|(wanted, _)| **wanted == block) {
                Some((_, rows)) => add(row, rows)?,
                None => passed += 1,
            }
            if wanted.peek().is_none() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// The same, block by block.
fn each(select: &mut Statement<'_>, term: u32, blocks: &mut Parts) -> Result<(), IndexError> {
    for (block, rows) in blocks {
        let key = schema::key(term, *block);
        let mut found = select.query([key, key]).map_err(IndexError::of_search)?;
        if let Some(row) = found.next().map_err(IndexError::of_search)? {
            add(row, rows)?;
        }
    }
    Ok(())
}
