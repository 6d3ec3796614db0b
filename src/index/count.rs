//! Counting what is found: by value, and over time.

use std::collections::BTreeMap;

use foldhash::HashMap;
use rusqlite::params;

use super::bits::Bits;
use super::columns::{self, Column};
use super::plan::Plan;
use super::scan::{Parts, Scan, stored};
use super::terms::{self, Kind};
use super::{Condition, Core, Index, IndexError, View, schema};

/// Blocks that are counted at one time.
const BLOCKS: usize = 2048;

/// By what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facet {
    /// The action.
    Action,
    /// The category.
    Category,
    /// The kind of actor.
    ActorType,
    /// Who: an id if there is one, else an address or a name; the label is what people call them.
    Actor,
    /// The outcome; none is an event that is pending.
    Outcome,
    /// The severity.
    Severity,
    /// The type of any target.
    ResourceType,
    /// Name (as value) and value (as label) of any scope.
    Scope,
}

/// How often a value occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The value.
    pub value: Option<String>,
    /// More about it.
    pub label: Option<String>,
    /// In so many events and acts.
    pub count: u64,
}

/// How many events of one kind there are in one stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// Which stretch, from 0.
    pub number: u64,
    /// Their severity.
    pub severity: Option<String>,
    /// Their outcome.
    pub outcome: Option<String>,
    /// So many events and acts.
    pub count: u64,
}

/// What an actor is called, the better ones last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Called {
    Id(String),
    Email(String),
    Name(String),
}

impl Called {
    fn into_text(self) -> String {
        match self {
            Self::Id(text) | Self::Email(text) | Self::Name(text) => text,
        }
    }
}

/// The most frequent of the best: a name rather than an address, and an id if there is nothing else.
fn best(called: HashMap<Called, u64>) -> Option<String> {
    let best = called.into_iter().max_by(|(one, one_count), (two, two_count)| {
        let kind = |called: &Called| std::mem::discriminant(called);
        match kind(one) == kind(two) {
            true => one_count.cmp(two_count).then_with(|| one.cmp(two)),
            false => one.cmp(two),
        }
    });
    best.map(|(called, _)| called.into_text())
}

impl Facet {
    /// Of which terms its values are; those of actors stand in a column, too.
    fn kind(self) -> Kind {
        match self {
            Self::Action => Kind::Action,
            Self::Category => Kind::Category,
            Self::ActorType => Kind::ActorType,
            Self::Actor => Kind::Actor,
            Self::Outcome => Kind::Outcome,
            Self::Severity => Kind::Severity,
            Self::ResourceType => Kind::ResourceType,
            Self::Scope => Kind::Scope,
        }
    }

    /// Value and label of a term, other than of actors.
    fn shown(self, value: String) -> (Option<String>, Option<String>) {
        match self {
            Self::Outcome => (Some(value).filter(|value| !value.is_empty()), None),
            Self::Scope => {
                let mut parts = terms::parts(&value).into_iter();
                (parts.next().flatten(), parts.next().flatten())
            }
            _ => (Some(value), None),
        }
    }
}

/// Who is meant by a term, and what they are called in it.
fn actor(term: &str) -> (Option<String>, Option<Called>) {
    let mut parts = terms::parts(term).into_iter();
    let mut next = || parts.next().flatten();
    let (id, name, email) = (next(), next(), next());
    let value = id.clone().or_else(|| email.clone()).or_else(|| name.clone());
    let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let name = said(name).map(Called::Name);
    let called = name.or_else(|| said(email).map(Called::Email)).or_else(|| id.map(Called::Id));
    (value, called)
}

impl Index {
    /// The most frequent values among what is found, at most `limit`.
    pub async fn facet(
        &mut self,
        facet: Facet,
        view: &View,
        conditions: &[Condition],
        limit: u32,
    ) -> Result<Vec<Counted>, IndexError> {
        let (view, conditions) = (view.clone(), conditions.to_vec());
        self.run(move |core| {
            let _snapshot = core.snapshot()?;
            let plan = Plan::new(core, &view, &conditions)?;
            let counts = match facet {
                Facet::Actor => actors(core, plan)?,
                _ => tally(core, plan, facet.kind())?,
            };
            let mut counted = shown(core, facet, counts)?;
            counted.sort_by(|one, two| {
                let key = |it: &Counted| (it.value.clone(), it.label.clone());
                two.count.cmp(&one.count).then_with(|| key(one).cmp(&key(two)))
            });
            counted.truncate(limit as usize);
            Ok(counted)
        })
        .await
    }

    /// How many of what is found lie in each stretch of `width_ms` milliseconds from `since_ms` on,
    /// before which the conditions must let nothing lie. Stretches without any are left out.
    pub async fn histogram(
        &mut self,
        view: &View,
        conditions: &[Condition],
        since_ms: i64,
        width_ms: i64,
    ) -> Result<Vec<Bar>, IndexError> {
        let (view, conditions) = (view.clone(), conditions.to_vec());
        self.run(move |core| {
            let _snapshot = core.snapshot()?;
            let plan = Plan::new(core, &view, &conditions)?;
            bars(core, plan, since_ms, width_ms.max(1))
        })
        .await
    }
}

/// The terms of a kind.
pub(super) fn all_terms(core: &Core, kind: Kind) -> Result<Vec<(u32, String)>, IndexError> {
    core.conn
        .prepare_cached("SELECT id, value FROM terms WHERE kind = ?1")
        .and_then(|mut all| {
            all.query_map([kind as u8], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .map_err(IndexError::of_search)
}

/// How many of the rows that the plan finds have each of the terms of a kind.
pub(super) fn tally(core: &Core, plan: Plan, kind: Kind) -> Result<HashMap<u32, u64>, IndexError> {
    let terms = all_terms(core, kind)?;
    let mut scan = Scan::new(core, plan);
    let mut counts = HashMap::default();
    let mut rows = Parts::new();
    loop {
        let next = scan.next_checked()?;
        let ended = next.is_none();
        rows.extend(next.into_iter().flat_map(|(_, parts)| parts));
        if ended || rows.len() >= BLOCKS {
            count_terms(core, &terms, &rows, &mut counts)?;
            rows.clear();
        }
        if ended {
            return Ok(counts);
        }
    }
}

fn count_terms(
    core: &Core,
    terms: &[(u32, String)],
    rows: &Parts,
    counts: &mut HashMap<u32, u64>,
) -> Result<(), IndexError> {
    let (Some((first, _)), Some((last, _))) = (rows.first_key_value(), rows.last_key_value())
    else {
        return Ok(());
    };
    let mut select = core
        .conn
        .prepare_cached("SELECT key, bits FROM postings WHERE key BETWEEN ?1 AND ?2")
        .map_err(IndexError::of_search)?;
    for (term, _) in terms {
        let keys = params![schema::key(*term, *first), schema::key(*term, *last)];
        let mut found = select.query(keys).map_err(IndexError::of_search)?;
        let mut count = 0;
        while let Some(row) = found.next().map_err(IndexError::of_search)? {
            let block = schema::block_of_key(row.get(0).map_err(IndexError::of_search)?);
            let Some(rows) = rows.get(&block) else { continue };
            let bits = row.get_ref(1).and_then(|bits| Ok(bits.as_blob()?));
            count += rows.count_common(bits.map_err(IndexError::of_search)?);
        }
        if count > 0 {
            *counts.entry(*term).or_default() += count;
        }
        core.go_on()?;
    }
    Ok(())
}

/// How many of the rows that the plan finds each actor has.
fn actors(core: &Core, plan: Plan) -> Result<HashMap<u32, u64>, IndexError> {
    let mut scan = Scan::new(core, plan);
    let mut counts: HashMap<u32, u64> = HashMap::default();
    while let Some((_, parts)) = scan.next_checked()? {
        for (block, rows) in &parts {
            let actors = columns::of_rows(&core.conn, Column::Actors, *block, rows)?;
            for row in rows.rows() {
                let actor = actors.get(usize::from(row)).filter(|actor| **actor > 0);
                if let Some(actor) = actor {
                    *counts.entry(*actor).or_default() += 1;
                }
            }
        }
    }
    Ok(counts)
}

/// Counts by what is shown: an actor who goes by two names is one.
fn shown(core: &Core, facet: Facet, counts: HashMap<u32, u64>) -> Result<Vec<Counted>, IndexError> {
    let mut value = core
        .conn
        .prepare_cached("SELECT value FROM terms WHERE id = ?1")
        .map_err(IndexError::of_search)?;
    let mut terms = Vec::with_capacity(counts.len());
    for (term, count) in counts {
        let term: String =
            value.query_row([term], |row| row.get(0)).map_err(IndexError::of_search)?;
        terms.push((term, count));
    }
    if facet == Facet::Actor {
        return Ok(by_actor(terms));
    }
    let mut all: HashMap<(Option<String>, Option<String>), u64> = HashMap::default();
    for (term, count) in terms {
        *all.entry(facet.shown(term)).or_default() += count;
    }
    Ok(all.into_iter().map(|((value, label), count)| Counted { value, label, count }).collect())
}

fn by_actor(terms: Vec<(String, u64)>) -> Vec<Counted> {
    let mut all: HashMap<Option<String>, (u64, HashMap<Called, u64>)> = HashMap::default();
    for (term, count) in terms {
        let (value, called) = actor(&term);
        let (total, names) = all.entry(value).or_default();
        *total += count;
        if let Some(called) = called {
            *names.entry(called).or_default() += count;
        }
    }
    let counted = |(value, (count, names))| Counted { value, label: best(names), count };
    all.into_iter().map(counted).collect()
}

fn bars(core: &Core, plan: Plan, since_ms: i64, width_ms: i64) -> Result<Vec<Bar>, IndexError> {
    let endings = all_terms(core, Kind::Ending)?;
    let mut scan = Scan::new(core, plan);
    let mut counts: BTreeMap<(i64, u32), u64> = BTreeMap::new();
    let bar = |time: i64| time.saturating_sub(since_ms).max(0) / width_ms;
    while let Some((hour, parts)) = scan.next_checked()? {
        let (begins, ends) = (schema::hour_begins(hour), schema::hour_begins(hour + 1) - 1);
        for (block, rows) in &parts {
            let times = match bar(begins) == bar(ends) {
                true => None,
                false => Some(columns::of_rows(&core.conn, Column::Times, *block, rows)?),
            };
            for (ending, _) in &endings {
                let mut common: Bits = stored(&core.conn, *ending, *block)?;
                common.keep(rows);
                let Some(times) = &times else {
                    *counts.entry((bar(begins), *ending)).or_default() += common.count();
                    continue;
                };
                for row in common.rows() {
                    let time = times.get(usize::from(row)).copied().unwrap_or_default();
                    *counts.entry((bar(begins + i64::from(time)), *ending)).or_default() += 1;
                }
            }
        }
    }
    let endings: HashMap<u32, terms::Parts> =
        endings.into_iter().map(|(id, value)| (id, terms::parts(&value))).collect();
    let mut bars: Vec<Bar> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|((number, ending), count)| {
            let mut parts = endings.get(&ending).cloned().unwrap_or_default().into_iter();
            let (severity, outcome) = (parts.next().flatten(), parts.next().flatten());
            Bar { number: number.unsigned_abs(), severity, outcome, count }
        })
        .collect();
    bars.sort_by(|one, two| {
        let key = |bar: &Bar| (bar.number, bar.severity.clone(), bar.outcome.clone());
        key(one).cmp(&key(two))
    });
    Ok(bars)
}
