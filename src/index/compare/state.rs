//! What has been compared so far: rows one by one, tables by how much is in them.

use std::borrow::Cow;
use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use foldhash::HashMap;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::bits::Bits;
use super::super::columns::{self, Column};
use super::super::follower::completed;
use super::super::terms::{self, Kind};
use super::super::{Core, IndexError, Row, schema};
use super::{Compared, Disagreement, EventPlace, What};
use crate::record::{Purge, Stored};

/// Disagreements that are kept; the others are counted.
const KEPT: usize = 10_000;
/// Terms, sets and blocks that are remembered.
const TERMS: usize = 50_000;
const SETS: usize = 8_192;
const BLOCKS: usize = 64;
/// With more disagreements than this, nobody looks where a row may be that is not found by its id.
const SOUGHT: usize = 100;

/// What has been compared.
#[derive(Default)]
pub(super) struct State {
    pub(super) found: Compared,
    /// Events that are not over, by where they begin.
    open: BTreeMap<(String, u64), Vec<Row>>,
    /// How much there should be in each table.
    rows: u64,
    pending: u64,
    ids: u64,
    members: u64,
    terms: HashMap<(Kind, String), Option<u32>>,
    sets: HashMap<i64, Vec<u8>>,
    blocks: HashMap<i64, [Vec<u32>; 3]>,
}

impl State {
    /// Takes in one entry.
    pub(super) fn take(&mut self, core: &Core, entry: &Stored) -> Result<(), IndexError> {
        core.go_on()?;
        match entry.intent {
            None => {
                let begun = Row::begin(entry);
                if begun.iter().all(|row| row.completion.is_some()) {
                    self.event(&core.conn, &begun)?;
                } else {
                    self.open.insert((entry.writer.clone(), entry.seq), begun);
                }
            }
            Some(intent) => {
                let begun = self.open.remove(&(entry.writer.clone(), intent)).unwrap_or_default();
                self.event(&core.conn, &completed(begun, entry, intent))?;
            }
        }
        if let Some(purge) = Purge::of(entry) {
            // Where the purge has not reached the ledger yet, the index is ahead of it.
            let before = self.found.disagreements.len();
            self.found.disagreements.retain(|disagreement| {
                let event = disagreement.event.as_ref();
                let is_purged = |event: &EventPlace| {
                    event.writer == entry.writer && purge.ranges.contains(event.seq)
                };
                disagreement.what != What::Missing || !event.is_some_and(is_purged)
            });
            self.found.count -= (before - self.found.disagreements.len()) as u64;
        }
        Ok(())
    }

    fn event(&mut self, conn: &Connection, rows: &[Row]) -> Result<(), IndexError> {
        self.found.events += 1;
        for row in rows {
            if let Some(what) = self.compare(conn, row)? {
                let (id, writer) = (row.id.clone(), row.writer.clone());
                self.disagree(Some(EventPlace { id, writer, seq: row.seq }), what);
            }
        }
        Ok(())
    }

    fn disagree(&mut self, event: Option<EventPlace>, what: What) {
        self.found.count += 1;
        if self.found.disagreements.len() < KEPT {
            self.found.disagreements.push(Disagreement { event, what });
        }
    }

    /// The first thing about a row that is not as it should be.
    fn compare(&mut self, conn: &Connection, row: &Row) -> Result<Option<What>, IndexError> {
        let ids: BTreeSet<i64> = terms::ids(row).iter().filter_map(|id| terms::key(id)).collect();
        let there = stored(conn, row)?;
        let Some((n, found)) = there.first() else {
            let is_there = self.found.disagreements.len() < SOUGHT && is_anywhere(conn, row)?;
            return Ok(Some(if is_there { What::Unfindable("id") } else { What::Missing }));
        };
        let has = terms::terms(row);
        self.rows += 1;
        self.pending += u64::from(row.completion.is_none());
        self.ids += ids.len() as u64;
        self.members += has.len() as u64;
        if there.len() > 1 {
            return Ok(Some(What::Twice));
        }
        if let Some(field) = other_field(found, row) {
            return Ok(Some(What::Field(field)));
        }
        for key in ids {
            let sql = "SELECT EXISTS (SELECT 1 FROM ids WHERE key = ?1 AND n = ?2)";
            if !is_so(conn, sql, [key, *n])? {
                return Ok(Some(What::Unfindable("request id")));
            }
        }
        let place = params![row.writer, schema::signed(row.seq), n];
        let sql = "SELECT EXISTS (SELECT 1 FROM pending WHERE writer = ?1 AND seq = ?2 AND n = ?3)";
        if row.completion.is_none() && !is_so(conn, sql, place)? {
            return Ok(Some(What::Unfindable("intent")));
        }
        self.sets(conn, *n, row, has)
    }

    /// Whether a row is in the sets of all its terms, and in its block.
    fn sets(
        &mut self,
        conn: &Connection,
        n: i64,
        row: &Row,
        has: Vec<(Kind, Cow<'_, str>)>,
    ) -> Result<Option<What>, IndexError> {
        let (block, number) = schema::place(n);
        let (mut actor, mut names) = (0, 0);
        for (kind, value) in has {
            let id = self.term(conn, kind, value.into_owned())?;
            let Some(id) = id.filter(|id| {
                let stored = self.set(conn, schema::key(*id, block));
                stored.is_ok_and(|stored| Bits::has(stored, number))
            }) else {
                return Ok(Some(What::Unfindable(kind.name())));
            };
            match kind {
                Kind::Actor => actor = id,
                Kind::TargetNames => names = id,
                _ => {}
            }
        }
        let [times, actors, of_names] = self.block(conn, block)?;
        let at = |column: &Vec<u32>| column.get(usize::from(number)).copied();
        let is_found = at(times) == Some(schema::within_hour(row.time_ms))
            && at(actors) == Some(actor)
            && at(of_names) == Some(names)
            && schema::hour_of_block(block) == schema::hour_of(row.time_ms);
        Ok((!is_found).then_some(What::Unfindable("time")))
    }

    fn term(
        &mut self,
        conn: &Connection,
        kind: Kind,
        value: String,
    ) -> Result<Option<u32>, IndexError> {
        let term = (kind, value);
        if let Some(id) = self.terms.get(&term) {
            return Ok(*id);
        }
        let id = conn
            .prepare_cached("SELECT id FROM terms WHERE kind = ?1 AND value = ?2")
            .and_then(|mut id| {
                id.query_row(params![kind as u8, term.1], |row| row.get(0)).optional()
            })
            .map_err(IndexError::of_search)?;
        if self.terms.len() >= TERMS {
            self.terms.clear();
        }
        self.terms.insert(term, id);
        Ok(id)
    }

    fn set(&mut self, conn: &Connection, key: i64) -> Result<&[u8], IndexError> {
        if !self.sets.contains_key(&key) {
            let stored = conn
                .prepare_cached("SELECT bits FROM postings WHERE key = ?1")
                .and_then(|mut bits| bits.query_row([key], |row| row.get(0)).optional())
                .map_err(IndexError::of_search)?;
            if self.sets.len() >= SETS {
                self.sets.clear();
            }
            self.sets.insert(key, stored.unwrap_or_default());
        }
        Ok(self.sets.get(&key).map(Vec::as_slice).unwrap_or_default())
    }

    fn block(&mut self, conn: &Connection, block: i64) -> Result<&[Vec<u32>; 3], IndexError> {
        if self.blocks.len() > BLOCKS {
            self.blocks.clear();
        }
        match self.blocks.entry(block) {
            MapEntry::Occupied(known) => Ok(known.into_mut()),
            MapEntry::Vacant(new) => {
                let all = Column::ALL.map(|column| columns::all(conn, column, block));
                let [times, actors, names] = all;
                Ok(new.insert([times?, actors?, names?]))
            }
        }
    }

    /// What is not over, and what belongs to nothing that was compared.
    pub(super) fn finish(&mut self, core: &Core) -> Result<(), IndexError> {
        for rows in mem::take(&mut self.open).into_values() {
            self.event(&core.conn, &rows)?;
        }
        let mut members = 0;
        let mut sets =
            core.conn.prepare("SELECT bits FROM postings").map_err(IndexError::of_search)?;
        let mut sets = sets.query([]).map_err(IndexError::of_search)?;
        while let Some(set) = sets.next().map_err(IndexError::of_search)? {
            core.go_on()?;
            let stored = set.get_ref(0).and_then(|set| Ok(set.as_blob()?));
            members += Bits::of(stored.map_err(IndexError::of_search)?).count();
        }
        // What has not been found is told already, and may be there all the same.
        if self.found.count > 0 {
            return Ok(());
        }
        let count = |table: &str| -> Result<u64, IndexError> {
            let count = format!("SELECT count(*) FROM {table}");
            let count = core.conn.query_row(&count, [], |row| row.get(0));
            Ok(schema::unsigned(count.map_err(IndexError::of_search)?).unwrap_or_default())
        };
        for (table, there, due) in [
            ("events", count("events")?, self.rows),
            ("ids", count("ids")?, self.ids),
            ("pending", count("pending")?, self.pending),
            ("postings", members, self.members),
        ] {
            if there != due {
                self.disagree(None, What::Surplus(table));
            }
        }
        Ok(())
    }
}

/// The rows in the place of this one, by its id.
fn stored(conn: &Connection, row: &Row) -> Result<Vec<(i64, Row)>, IndexError> {
    let Some(key) = terms::key(&row.id) else { return Ok(Vec::new()) };
    let mut statement =
        conn.prepare_cached("SELECT n FROM ids WHERE key = ?1").map_err(IndexError::of_search)?;
    let found = statement.query_map([key], |row| row.get(0));
    let found: Vec<i64> = found.and_then(Iterator::collect).map_err(IndexError::of_search)?;
    let mut rows = Vec::with_capacity(1);
    for n in found {
        let Some(other) = schema::read(conn, n)? else { continue };
        if other.id == row.id && other.act == row.act {
            rows.push((n, other));
        }
    }
    Ok(rows)
}

/// Whether there is such a row that is not found by its id.
fn is_anywhere(conn: &Connection, row: &Row) -> Result<bool, IndexError> {
    let (first, last) = schema::blocks_of_hour_at(row.time_ms);
    let (first, last) = (schema::number(first, 0), schema::number(last + 1, 0) - 1);
    let sql = "SELECT EXISTS (SELECT 1 FROM events \
               WHERE n BETWEEN ?1 AND ?2 AND writer = ?3 AND seq = ?4 AND act = ?5)";
    is_so(conn, sql, params![first, last, row.writer, schema::signed(row.seq), row.act])
}

fn is_so(conn: &Connection, sql: &str, values: impl rusqlite::Params) -> Result<bool, IndexError> {
    conn.prepare_cached(sql)
        .and_then(|mut is_so| is_so.query_row(values, |row| row.get(0)))
        .map_err(IndexError::of_search)
}

/// The first field that two rows do not have in common.
fn other_field(one: &Row, other: &Row) -> Option<&'static str> {
    let fields = [
        ("writer", one.writer == other.writer),
        ("seq", one.seq == other.seq),
        ("acts", one.acts == other.acts),
        ("completion", one.completion == other.completion),
        ("time", one.time_ms == other.time_ms),
        ("action", one.action == other.action),
        ("category", one.category == other.category),
        ("description", one.description == other.description),
        ("actor.type", one.actor_type == other.actor_type),
        ("actor.id", one.actor_id == other.actor_id),
        ("actor.name", one.actor_name == other.actor_name),
        ("actor.email", one.actor_email == other.actor_email),
        ("actor.credential", one.actor_credential == other.actor_credential),
        ("actor.verified", one.actor_verified == other.actor_verified),
        ("source.ip", one.source_ip == other.source_ip),
        ("outcome", one.outcome == other.outcome),
        ("severity", one.severity == other.severity),
        ("reason", one.reason == other.reason),
        ("targets", one.targets == other.targets),
        ("scope", one.scope == other.scope),
        ("request_id", one.request_id == other.request_id),
        ("request.method", one.method == other.method),
        ("request.path", one.path == other.path),
        ("request.route", one.route == other.route),
        ("rule", one.rule == other.rule),
        ("response.status", one.status == other.status),
        ("duration_ms", one.duration_ms == other.duration_ms),
        ("words", one.words == other.words),
    ];
    fields.into_iter().find(|(_, is_same)| !is_same).map(|(name, _)| name)
}
