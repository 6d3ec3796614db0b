//! A question, made ready: conditions → clauses over terms, all of which must hold.
//!
//! Conditions that name values become terms. Those that look for a part of a name, or for the beginning
//! of a word, are answered from the list of terms first: by the sets of the few that fit, or for actors
//! and names of targets by the column that tells each row's. Where so many fit that neither helps, rows
//! are read and looked at: then hits are frequent. In tests few are many, so that all ways are gone.

use foldhash::HashMap;
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::Column;
use super::count::all_terms;
use super::terms::{self, Kind, Wanted, joined};
use super::{Condition, Core, Field, IndexError, Like, View, schema};

/// Terms that a clause intersects by their sets where there is a column instead.
const FEW: usize = if cfg!(test) { 3 } else { 64 };
/// Words that a beginning may stand for.
const WORDS_MAX: u32 = if cfg!(test) { 8 } else { 4096 };
/// Rows that the beginning of an id may stand for.
const IDS_MAX: u32 = if cfg!(test) { 8 } else { 100_000 };
/// Names of targets that a part of one may stand for.
const NAMES: usize = if cfg!(test) { 12 } else { 20_000 };
/// Actors that a part of a name may stand for.
const ACTORS: usize = 500_000;
/// Letters that can be looked up; fewer are looked for in every name.
const TRIGRAM: usize = 3;

/// One that is no term's.
const NOTHING: u32 = 0;

/// Rows of which one of these holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Clause {
    /// They have one of these terms, or are one of these rows.
    Any(Vec<u32>, Vec<i64>),
    /// Their column has one of these terms, or they have one of those terms.
    Column(Likely, Vec<u32>),
}

/// Terms of names that may be as wanted: they have all of its letters, if perhaps not together. A term is
/// read when a row has it; most pages are full before many were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Likely {
    pub(super) column: Column,
    like: Like,
    /// And whether they are, as far as that is known.
    terms: HashMap<u32, Option<bool>>,
}

impl Likely {
    /// Whether this is one of them, and as wanted.
    pub(super) fn has(&mut self, conn: &Connection, term: u32) -> Result<bool, IndexError> {
        let Some(known) = self.terms.get_mut(&term) else { return Ok(false) };
        if let Some(known) = known {
            return Ok(*known);
        }
        let is_met = is_named(conn, term, &self.like)?;
        *known = Some(is_met);
        Ok(is_met)
    }
}

/// A question.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// All must hold.
    pub(super) clauses: Vec<Clause>,
    /// So many of the first say what may be seen.
    pub(super) of_view: usize,
    /// These, too: of every row that is left.
    pub(super) checks: Vec<Condition>,
    pub(super) since: i64,
    /// Before this.
    pub(super) until: i64,
}

impl Plan {
    pub(super) fn new(
        core: &Core,
        view: &View,
        conditions: &[Condition],
    ) -> Result<Self, IndexError> {
        let conn = &core.conn;
        let mut plan = Self { since: 0, until: i64::MAX, ..Self::default() };
        if let View::Scopes(scopes) = view {
            if scopes.is_empty() {
                plan.clauses.push(Clause::Any(Vec::new(), Vec::new()));
            }
            for (name, values) in scopes {
                plan.clauses.push(scope(conn, name, values)?);
            }
        }
        plan.of_view = plan.clauses.len();
        for condition in conditions {
            plan.add(core, condition)?;
        }
        if plan.clauses.iter().all(|clause| matches!(clause, Clause::Column(..))) {
            plan.clauses.push(Clause::Any(vec![term(conn, Kind::All, "")?], Vec::new()));
        }
        Ok(plan)
    }

    /// Adds that rows have this term.
    pub(super) fn must_have(
        &mut self,
        core: &Core,
        kind: Kind,
        value: &str,
    ) -> Result<(), IndexError> {
        let term = term(&core.conn, kind, value)?;
        self.clauses.push(Clause::Any(vec![term], Vec::new()));
        Ok(())
    }

    fn add(&mut self, core: &Core, condition: &Condition) -> Result<(), IndexError> {
        let conn = &core.conn;
        let clause = match condition {
            Condition::AnyOf(field, values) => {
                let kind = match field {
                    Field::Action => Kind::Action,
                    Field::Category => Kind::Category,
                    Field::ActorType => Kind::ActorType,
                    Field::Severity => Kind::Severity,
                };
                match kind {
                    Kind::Action => actions(core, values)?,
                    _ => any_of(conn, kind, values.iter().map(String::as_str))?,
                }
            }
            Condition::Outcome(outcomes) => {
                let values = outcomes.iter().map(|outcome| outcome.as_deref().unwrap_or(""));
                any_of(conn, Kind::Outcome, values)?
            }
            Condition::ResourceType(kinds) => {
                any_of(conn, Kind::ResourceType, kinds.iter().map(String::as_str))?
            }
            Condition::Scope(name, values) => scope(conn, name, values)?,
            Condition::Since(time) => {
                self.since = self.since.max(*time);
                return Ok(());
            }
            Condition::Until(time) => {
                self.until = self.until.min(*time);
                return Ok(());
            }
            Condition::Id(id) => Clause::Any(Vec::new(), rows_of_id(conn, id)?),
            Condition::Text(text) => return self.add_text(core, condition, text),
            Condition::Actor(like) => match named(core, Column::Actors, like, Vec::new())? {
                Some(clause) => clause,
                None => return self.check(condition),
            },
            Condition::Target(like) => {
                let ids = ids_like(conn, like)?;
                match named(core, Column::Names, like, ids)? {
                    Some(clause) => clause,
                    None => return self.check(condition),
                }
            }
        };
        if let Condition::Id(_) = condition {
            // Two ids may have the same half.
            self.checks.push(condition.clone());
        }
        self.clauses.push(clause);
        Ok(())
    }

    fn check(&mut self, condition: &Condition) -> Result<(), IndexError> {
        self.checks.push(condition.clone());
        Ok(())
    }

    fn add_text(
        &mut self,
        core: &Core,
        condition: &Condition,
        text: &str,
    ) -> Result<(), IndexError> {
        let wanted = terms::wanted(text);
        if wanted.is_empty() {
            // Nothing to look for is not found anywhere.
            self.clauses.push(Clause::Any(Vec::new(), Vec::new()));
        }
        let mut check = false;
        for wanted in wanted {
            match words_or_ids(core, &wanted)? {
                Some(clause) => {
                    // Two ids may have the same half.
                    check |= matches!(&clause, Clause::Any(_, rows) if !rows.is_empty());
                    self.clauses.push(clause);
                }
                None => check = true,
            }
        }
        if check { self.check(condition) } else { Ok(()) }
    }
}

/// The number of a term; one that is no term's where there is none.
pub(super) fn term(conn: &Connection, kind: Kind, value: &str) -> Result<u32, IndexError> {
    conn.prepare_cached("SELECT id FROM terms WHERE kind = ?1 AND value = ?2")
        .and_then(|mut term| {
            term.query_row(params![kind as u8, value], |row| row.get(0)).optional()
        })
        .map(|id| id.unwrap_or(NOTHING))
        .map_err(IndexError::of_search)
}

fn any_of<'a>(
    conn: &Connection,
    kind: Kind,
    values: impl Iterator<Item = &'a str>,
) -> Result<Clause, IndexError> {
    let mut ids = values.map(|value| term(conn, kind, value)).collect::<Result<Vec<_>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(Clause::Any(ids, Vec::new()))
}

/// There are few actions, so that those that are meant can be looked for among all.
fn actions(core: &Core, meant: &[String]) -> Result<Clause, IndexError> {
    if !meant.iter().any(|meant| meant.contains(terms::ANYTHING)) {
        return any_of(&core.conn, Kind::Action, meant.iter().map(String::as_str));
    }
    let is_meant = |action: &str| meant.iter().any(|meant| terms::is_action(meant, action));
    let all = all_terms(core, Kind::Action)?.into_iter();
    let found = all.filter(|(_, action)| is_meant(action)).map(|(id, _)| id);
    // Looking for nothing takes the time of looking for what others have.
    Ok(Clause::Any(found.chain([NOTHING]).collect(), Vec::new()))
}

fn scope<'a>(
    conn: &Connection,
    name: &str,
    values: impl IntoIterator<Item = &'a String>,
) -> Result<Clause, IndexError> {
    let joined: Vec<String> =
        values.into_iter().map(|value| joined(&[Some(name), Some(value)])).collect();
    any_of(conn, Kind::Scope, joined.iter().map(String::as_str))
}

/// Rows whose actor or targets have a name like this, or that have one of these terms; none where so many names
/// may be like it that rows are looked at rather.
fn named(
    core: &Core,
    column: Column,
    like: &Like,
    or: Vec<u32>,
) -> Result<Option<Clause>, IndexError> {
    let (kind, most) = match column {
        Column::Names => (Kind::TargetNames, NAMES),
        _ => (Kind::Actor, ACTORS),
    };
    let found = match trigrams(&terms::name_form(like.text())) {
        Some(trigrams) => with_letters(core, kind, &trigrams, most)?,
        None => with_part(core, kind, like, most)?,
    };
    let Some(mut terms) = found else { return Ok(None) };
    if terms.len() > FEW {
        let terms = terms.into_iter().map(|term| (term, None)).collect();
        return Ok(Some(Clause::Column(Likely { column, like: like.clone(), terms }, or)));
    }
    let mut few = Vec::with_capacity(terms.len() + 1);
    for term in terms.drain(..) {
        if is_named(&core.conn, term, like)? {
            few.push(term);
        }
    }
    few.extend(or);
    if few.is_empty() {
        // Looking for nothing takes the time of looking for what others have.
        few.push(NOTHING);
    }
    Ok(Some(Clause::Any(few, Vec::new())))
}

/// Terms of the ids of targets that are meant: parts of ids are not looked for, ids in another case are.
fn ids_like(conn: &Connection, like: &Like) -> Result<Vec<u32>, IndexError> {
    let found = match like {
        Like::Whole(id) => vec![term(conn, Kind::TargetId, id)?],
        Like::Part(id) => {
            let form = terms::name_form(id);
            vec![term(conn, Kind::TargetId, &form)?, term(conn, Kind::IdForm, &form)?]
        }
    };
    Ok(found.into_iter().filter(|term| *term != NOTHING).collect())
}

fn rows_of_id(conn: &Connection, id: &str) -> Result<Vec<i64>, IndexError> {
    let Some(key) = terms::key(id).filter(|_| id.len() == 36) else { return Ok(Vec::new()) };
    conn.prepare_cached("SELECT n FROM ids WHERE key = ?1 ORDER BY n LIMIT 100000")
        .and_then(|mut rows| rows.query_map([key], |row| row.get(0))?.collect())
        .map_err(IndexError::of_search)
}

/// Rows of ids that begin so; none where they are too many.
fn rows_of_begun_id(conn: &Connection, id: &str) -> Result<Option<Vec<i64>>, IndexError> {
    let Some((first, last)) = terms::keys_of_begun(id) else { return Ok(None) };
    let rows: Vec<i64> = conn
        .prepare_cached("SELECT DISTINCT n FROM ids WHERE key BETWEEN ?1 AND ?2 LIMIT ?3")
        .and_then(|mut rows| {
            rows.query_map(params![first, last, IDS_MAX], |row| row.get(0))?.collect()
        })
        .map_err(IndexError::of_search)?;
    Ok(Some(rows).filter(|rows| rows.len() < IDS_MAX as usize))
}

/// The words that are meant, and the rows of ids that are; none where they are too many.
fn words_or_ids(core: &Core, wanted: &Wanted) -> Result<Option<Clause>, IndexError> {
    let mut rows = rows_of_id(&core.conn, &wanted.word)?;
    let Some(mut found) = words(core, &wanted.word, wanted.beginning)? else { return Ok(None) };
    if let Some(id) = &wanted.id {
        let begun = rows_of_begun_id(&core.conn, id)?.zip(words(core, id, true)?);
        let Some((more_rows, more)) = begun else { return Ok(None) };
        rows.extend(more_rows);
        found.extend(more);
        found.sort_unstable();
        found.dedup();
    }
    Ok(Some(Clause::Any(found, rows)))
}

/// The words that are meant; none where they are too many.
fn words(core: &Core, word: &str, beginning: bool) -> Result<Option<Vec<u32>>, IndexError> {
    if !beginning {
        return term(&core.conn, Kind::Word, word).map(|id| Some(vec![id]));
    }
    let sql = "SELECT id FROM terms WHERE kind = ?1 AND value >= ?2 AND value < ?3 LIMIT ?4";
    let end = format!("{word}\u{10ffff}");
    let mut words = core
        .conn
        .prepare_cached(sql)
        .and_then(|mut words| {
            let values = params![Kind::Word as u8, word, end, WORDS_MAX];
            words.query_map(values, |row| row.get(0))?.collect::<rusqlite::Result<Vec<u32>>>()
        })
        .map_err(IndexError::of_search)?;
    if words.is_empty() {
        words.push(NOTHING);
    }
    Ok(Some(words).filter(|words| words.len() < WORDS_MAX as usize))
}

/// Terms of names with all of these letters; none where they are too many.
fn with_letters(
    core: &Core,
    kind: Kind,
    trigrams: &str,
    most: usize,
) -> Result<Option<Vec<u32>>, IndexError> {
    let Some(table) = schema::names_table(kind as u8) else { return Ok(None) };
    let sql = format!("SELECT rowid FROM {table} WHERE {table} MATCH ?1");
    let mut statement = core.conn.prepare_cached(&sql).map_err(IndexError::of_search)?;
    let found = statement.query_map([trigrams], |row| row.get(0)).map_err(IndexError::of_search)?;
    let found: rusqlite::Result<Vec<u32>> = found.take(most + 1).collect();
    Ok(Some(found.map_err(IndexError::of_search)?).filter(|found| found.len() <= most))
}

/// Terms of names with a part that is too short to be looked up; none where they are too many.
fn with_part(
    core: &Core,
    kind: Kind,
    like: &Like,
    most: usize,
) -> Result<Option<Vec<u32>>, IndexError> {
    let mut statement = core
        .conn
        .prepare_cached("SELECT id, value FROM terms WHERE kind = ?1")
        .map_err(IndexError::of_search)?;
    let mut found = statement.query([kind as u8]).map_err(IndexError::of_search)?;
    let mut named = Vec::new();
    while let Some(row) = found.next().map_err(IndexError::of_search)? {
        let value = row.get_ref(1).and_then(|value| Ok(value.as_str()?));
        if !has_part(value.map_err(IndexError::of_search)?, like) {
            continue;
        }
        if named.len() >= most {
            return Ok(None);
        }
        named.push(row.get(0).map_err(IndexError::of_search)?);
        if named.len() % 1024 == 0 {
            core.go_on()?;
        }
    }
    Ok(Some(named))
}

/// Whether a name that a term has is as wanted.
fn is_named(conn: &Connection, term: u32, like: &Like) -> Result<bool, IndexError> {
    conn.prepare_cached("SELECT value FROM terms WHERE id = ?1")
        .and_then(|mut value| {
            let is_named = |row: &rusqlite::Row<'_>| Ok(has_part(row.get_ref(0)?.as_str()?, like));
            value.query_row([term], is_named).optional()
        })
        .map(Option::unwrap_or_default)
        .map_err(IndexError::of_search)
}

fn has_part(value: &str, like: &Like) -> bool {
    terms::parts(value).iter().flatten().any(|part| like.is_met_by(part))
}

/// Every three characters of the text, each in quotes, in which nothing is syntax.
fn trigrams(text: &str) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let usable = chars.len() >= TRIGRAM && !chars.contains(&'\0');
    usable.then(|| {
        let quoted = chars.windows(TRIGRAM).take(32).map(|window| {
            let trigram: String = window.iter().collect();
            format!("\"{}\"", trigram.replace('"', "\"\""))
        });
        quoted.collect::<Vec<_>>().join(" AND ")
    })
}

/// The hours that are asked about, newest first; none where there is no time between.
pub(super) fn hours(plan: &Plan) -> Option<(i64, i64)> {
    let last = plan.until.checked_sub(1).filter(|last| *last >= plan.since && *last >= 0)?;
    Some((schema::hour_of(last), schema::hour_of(plan.since)))
}
