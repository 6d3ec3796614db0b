//! Writing: rows, and for each of their terms, the sets that they are in.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use foldhash::{HashMap, HashMapExt as _, HashSet};
use rusqlite::{CachedStatement, Connection, OptionalExtension, params};

use super::bits::{Bits, ROWS};
use super::columns::{Column, Columns};
use super::follower::Change;
use super::terms::{self, Kind};
use super::{IndexError, Row, schema};
use crate::record::Purge;

/// Terms whose numbers are remembered.
const KNOWN: usize = if cfg!(test) { 50 } else { 50_000 };
/// Rows after which a block is full. In tests an hour has several blocks soon.
const FULL: usize = if cfg!(test) { 23 } else { ROWS as usize };
/// Of so many events the order in which they ended is kept.
pub(super) const ARRIVALS: i64 = 100_000;

/// Numbers of terms, as long as nobody else has written.
#[derive(Debug, Default)]
pub(super) struct Known {
    terms: HashMap<Kind, HashMap<String, u32>>,
    count: usize,
    version: Option<i64>,
}

impl Known {
    /// Forgets everything if another connection has written: it may have started over.
    pub(super) fn check(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let version = conn.query_row("PRAGMA data_version", [], |row| row.get(0))?;
        if self.version != Some(version) {
            *self = Self { version: Some(version), ..Self::default() };
        }
        Ok(())
    }

    fn insert(&mut self, kind: Kind, value: String, id: u32) {
        if self.count >= KNOWN {
            self.terms.clear();
            self.count = 0;
        }
        self.count += 1;
        self.terms.entry(kind).or_default().insert(value, id);
    }
}

/// What is on its way into the index.
pub(super) struct Batch<'c> {
    conn: &'c Connection,
    known: &'c mut Known,
    /// Rows that come into a set, or go.
    sets: HashMap<i64, Vec<(u16, bool)>>,
    blocks: BTreeMap<i64, Columns>,
    /// The block of an hour that new rows go to.
    open: HashMap<i64, i64>,
    /// Rows that have ended, in the order in which they did.
    ended: BTreeMap<(u64, u32), i64>,
    /// Terms and blocks that have lost rows for good, and may have none any more.
    poorer: (BTreeSet<u32>, BTreeSet<i64>),
}

impl<'c> Batch<'c> {
    pub(super) fn new(conn: &'c Connection, known: &'c mut Known) -> Self {
        let (sets, blocks, open) = (HashMap::new(), BTreeMap::new(), HashMap::new());
        let (ended, poorer) = (BTreeMap::new(), Default::default());
        Self { conn, known, sets, blocks, open, ended, poorer }
    }

    /// Writes the rows of one event.
    pub(super) fn change(&mut self, change: Change) -> Result<(), IndexError> {
        let (mut old, mut new) = (change.old.into_iter(), change.new.into_iter());
        loop {
            match (old.next(), new.next()) {
                (Some((n, old)), Some(row)) => self.write(n, Some(&old), &row)?,
                (None, Some(row)) => {
                    let n = self.number_of(&row)?;
                    self.write(n, None, &row)?;
                }
                (Some((n, old)), None) => self.remove(n, &old)?,
                (None, None) => return Ok(()),
            }
        }
    }

    /// A number for a new row.
    fn number_of(&mut self, row: &Row) -> Result<i64, IndexError> {
        let hour = schema::hour_of(row.time_ms);
        let mut block = match self.open.get(&hour) {
            Some(block) => *block,
            None => self.last_block(hour)?,
        };
        if self.block(block)?.rows() >= FULL {
            block += 1;
            if schema::hour_of_block(block) != hour {
                return Err(IndexError::Full);
            }
        }
        self.open.insert(hour, block);
        let stored = self.block(block)?;
        let number = u16::try_from(stored.rows()).map_err(|_| IndexError::Full)?;
        stored.push(schema::within_hour(row.time_ms));
        Ok(schema::number(block, number))
    }

    fn last_block(&self, hour: i64) -> Result<i64, IndexError> {
        let first = hour * schema::HOUR_BLOCKS;
        let mut statement =
            self.cached("SELECT max(block) FROM blocks WHERE block BETWEEN ?1 AND ?2")?;
        let last: Option<i64> = statement
            .query_row([first, first + schema::HOUR_BLOCKS - 1], |row| row.get(0))
            .map_err(IndexError::Update)?;
        Ok(last.unwrap_or(first))
    }

    fn block(&mut self, block: i64) -> Result<&mut Columns, IndexError> {
        if !self.blocks.contains_key(&block) {
            self.blocks.insert(block, Columns::read(self.conn, block)?);
        }
        self.blocks.get_mut(&block).ok_or(IndexError::Full)
    }

    fn write(&mut self, n: i64, old: Option<&Row>, row: &Row) -> Result<(), IndexError> {
        schema::write(self.conn, n, row)?;
        self.replace(n, old, Some(row))?;
        let place = params![row.writer, schema::signed(row.seq), n];
        let Some(completion) = row.completion else {
            let sql = "INSERT OR IGNORE INTO pending (writer, seq, n) VALUES (?1, ?2, ?3)";
            return self.execute(sql, place);
        };
        if old.is_some() {
            let sql = "DELETE FROM pending WHERE writer = ?1 AND seq = ?2 AND n = ?3";
            self.execute(sql, place)?;
        }
        self.ended.insert((completion, row.act), n);
        Ok(())
    }

    fn remove(&mut self, n: i64, old: &Row) -> Result<(), IndexError> {
        self.replace(n, Some(old), None)?;
        let sql = "DELETE FROM pending WHERE writer = ?1 AND seq = ?2 AND n = ?3";
        self.execute(sql, params![old.writer, schema::signed(old.seq), n])?;
        if let Some(completion) = old.completion {
            self.ended.remove(&(completion, old.act));
        }
        self.execute("DELETE FROM arrivals WHERE n = ?1", [n])?;
        self.execute("DELETE FROM events WHERE n = ?1", [n])
    }

    /// Forgets the rows of events that were purged, and terms that only they had.
    pub(super) fn forget(
        &mut self,
        writer: &str,
        seq: u64,
        purge: &Purge,
    ) -> Result<(), IndexError> {
        let times = schema::milliseconds(&purge.from).zip(schema::milliseconds(&purge.to));
        let Some((from, to)) = times else { return Ok(()) };
        self.execute(
            "INSERT OR REPLACE INTO purges (writer, seq, from_ms, to_ms) VALUES (?1, ?2, ?3, ?4)",
            params![writer, schema::signed(seq), from, to],
        )?;
        for n in self.rows_of(writer, purge, from, to)? {
            let Some(row) = schema::read(self.conn, n)? else { continue };
            for (kind, value) in terms::terms(&row) {
                let term = self.term(kind, &value)?;
                self.poorer.0.insert(term);
            }
            self.poorer.1.insert(schema::place(n).0);
            self.remove(n, &row)?;
        }
        Ok(())
    }

    /// Where the events of a purge stand. Their times say in which blocks.
    fn rows_of(
        &self,
        writer: &str,
        purge: &Purge,
        from: i64,
        to: i64,
    ) -> Result<Vec<i64>, IndexError> {
        let (first, last) = (schema::blocks_of_hour_at(from).0, schema::blocks_of_hour_at(to).1);
        let mut statement =
            self.cached("SELECT n, seq FROM events WHERE n BETWEEN ?1 AND ?2 AND writer = ?3")?;
        let (first, last) = (schema::number(first, 0), schema::number(last + 1, 0) - 1);
        let mut rows = statement.query(params![first, last, writer]).map_err(IndexError::Update)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(IndexError::Update)? {
            let of = |column: usize| row.get::<_, i64>(column).map_err(IndexError::Update);
            let seq = schema::unsigned(Some(of(1)?)).unwrap_or_default();
            if purge.ranges.contains(seq) {
                found.push(of(0)?);
            }
        }
        Ok(found)
    }

    /// Takes the row out of the sets that it is in no more, and into those that it is not in yet.
    fn replace(&mut self, n: i64, old: Option<&Row>, new: Option<&Row>) -> Result<(), IndexError> {
        let had = old.map(terms::terms).unwrap_or_default();
        let has = new.map(terms::terms).unwrap_or_default();
        let (block, number) = schema::place(n);
        for (terms, others, comes) in [(&had, &has, false), (&has, &had, true)] {
            let others: HashSet<&(Kind, Cow<'_, str>)> = others.iter().collect();
            for (kind, value) in terms.iter().filter(|term| !others.contains(term)) {
                let id = self.term(*kind, value)?;
                self.sets.entry(schema::key(id, block)).or_default().push((number, comes));
                let column = match kind {
                    Kind::Actor => Column::Actors,
                    Kind::TargetNames => Column::Names,
                    _ => continue,
                };
                self.block(block)?.set(column, number, if comes { id } else { 0 });
            }
        }
        let ids = |row: Option<&Row>| -> BTreeSet<i64> {
            let ids = row.map(terms::ids).unwrap_or_default();
            ids.iter().filter_map(|id| terms::key(id)).collect()
        };
        let (had, has) = (ids(old), ids(new));
        for key in had.difference(&has) {
            self.execute("DELETE FROM ids WHERE key = ?1 AND n = ?2", [*key, n])?;
        }
        for key in has.difference(&had) {
            self.execute("INSERT OR IGNORE INTO ids (key, n) VALUES (?1, ?2)", [*key, n])?;
        }
        Ok(())
    }

    /// The number of a term, which is given one if it is new.
    fn term(&mut self, kind: Kind, value: &str) -> Result<u32, IndexError> {
        if let Some(id) = self.known.terms.get(&kind).and_then(|known| known.get(value)) {
            return Ok(*id);
        }
        let id = self
            .cached("SELECT id FROM terms WHERE kind = ?1 AND value = ?2")?
            .query_row(params![kind as u8, value], |row| row.get(0))
            .optional()
            .map_err(IndexError::Update)?;
        let id = match id {
            Some(id) => id,
            None => self.new_term(kind, value)?,
        };
        self.known.insert(kind, value.to_owned(), id);
        Ok(id)
    }

    fn new_term(&mut self, kind: Kind, value: &str) -> Result<u32, IndexError> {
        let sql = "INSERT INTO terms (kind, value) VALUES (?1, ?2)";
        self.execute(sql, params![kind as u8, value])?;
        let id = self.conn.last_insert_rowid();
        if let Some(table) = schema::names_table(kind as u8) {
            let sql = format!("INSERT INTO {table} (rowid, text) VALUES (?1, ?2)");
            self.execute(&sql, params![id, name_text(value)])?;
        }
        // Keys of sets have room for 31 bits of it.
        u32::try_from(id).ok().filter(|id| *id < 1 << 31).ok_or(IndexError::Full)
    }

    /// Writes the sets and blocks that have changed.
    pub(super) fn finish(mut self) -> Result<(), IndexError> {
        let mut sets: Vec<(i64, Vec<(u16, bool)>)> = self.sets.drain().collect();
        sets.sort_unstable_by_key(|(key, _)| *key);
        let mut select = self.cached("SELECT bits FROM postings WHERE key = ?1")?;
        let mut insert =
            self.cached("INSERT OR REPLACE INTO postings (key, bits) VALUES (?1, ?2)")?;
        let mut delete = self.cached("DELETE FROM postings WHERE key = ?1")?;
        for (key, rows) in sets {
            let changed = select
                .query_row([key], |row| Ok(Bits::changed(Some(row.get_ref(0)?.as_blob()?), &rows)))
                .optional()
                .map_err(IndexError::Update)?;
            let changed = changed.unwrap_or_else(|| Bits::changed(None, &rows));
            let written = match Bits::is_nothing(&changed) {
                true => delete.execute([key]),
                false => insert.execute(params![key, changed]),
            };
            written.map_err(IndexError::Update)?;
        }
        for (number, block) in &self.blocks {
            block.write(self.conn, *number)?;
        }
        for n in std::mem::take(&mut self.ended).into_values() {
            self.execute("INSERT OR REPLACE INTO arrivals (n) VALUES (?1)", [n])?;
        }
        self.execute(
            "DELETE FROM arrivals WHERE number <= (SELECT max(number) FROM arrivals) - ?1",
            [ARRIVALS],
        )?;
        self.clear_up()
    }

    /// Removes terms and blocks that have no row any more.
    fn clear_up(&mut self) -> Result<(), IndexError> {
        let (terms, blocks) = std::mem::take(&mut self.poorer);
        for block in blocks {
            let sql = "DELETE FROM blocks WHERE block = ?1 \
                       AND NOT EXISTS (SELECT 1 FROM events WHERE n >= ?2 AND n < ?3)";
            let values = [block, schema::number(block, 0), schema::number(block + 1, 0)];
            if self.cached(sql)?.execute(values).map_err(IndexError::Update)? > 0 {
                Columns::remove(self.conn, block)?;
            }
        }
        let mut unused = self.cached(
            "DELETE FROM terms WHERE id = ?1 \
             AND NOT EXISTS (SELECT 1 FROM postings WHERE key BETWEEN ?2 AND ?3) \
             RETURNING kind, value",
        )?;
        for id in &terms {
            let range = params![id, schema::key(*id, 0), schema::key(*id, schema::LAST_BLOCK)];
            let gone = unused.query_row(range, |row| Ok((row.get(0)?, row.get(1)?))).optional();
            let Some((kind, value)): Option<(u8, String)> = gone.map_err(IndexError::Update)?
            else {
                continue;
            };
            let Some(table) = schema::names_table(kind) else { continue };
            let sql =
                format!("INSERT INTO {table} ({table}, rowid, text) VALUES ('delete', ?1, ?2)");
            self.execute(&sql, params![id, name_text(&value)])?;
        }
        if !terms.is_empty() {
            *self.known = Known::default();
        }
        Ok(())
    }

    fn cached(&self, sql: &str) -> Result<CachedStatement<'c>, IndexError> {
        self.conn.prepare_cached(sql).map_err(IndexError::Update)
    }

    fn execute(&self, sql: &str, values: impl rusqlite::Params) -> Result<(), IndexError> {
        self.cached(sql)?.execute(values).map(drop).map_err(IndexError::Update)
    }
}

/// What the parts of names are found by.
fn name_text(value: &str) -> String {
    let parts: Vec<String> = terms::parts(value).into_iter().flatten().collect();
    // SQLite's tokenizers take a NUL for the end.
    terms::name_form(&parts.join("\n")).replace('\0', " ")
}
