//! What rules named, and what none did: counts by route and by rule.
//!
//! Events are counted, not acts: a request that does several things is counted with the first of
//! them, under that one's action.

use std::collections::BTreeMap;

use super::count::{all_terms, tally};
use super::plan::Plan;
use super::search::page;
use super::terms::{self, Kind, joined};
use super::{Condition, Core, Index, IndexError, Row, Search, View};

/// Requests of one method and route, of one action, that no rule named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unnamed {
    /// The method.
    pub method: String,
    /// The route template.
    pub route: String,
    /// What they are called by convention.
    pub action: String,
    /// How many there are.
    pub events: u64,
    /// When the last arrived, in milliseconds since 1970.
    pub last_ms: i64,
}

/// Events that a rule named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The rule's id.
    pub rule: String,
    /// How many there are.
    pub events: u64,
    /// When the last arrived, in milliseconds since 1970.
    pub last_ms: i64,
}

impl Index {
    /// Routes that no rule named, those with the most events first, at most so many.
    pub async fn unnamed(
        &mut self,
        conditions: &[Condition],
        limit: u32,
    ) -> Result<Vec<Unnamed>, IndexError> {
        let conditions = conditions.to_vec();
        self.run(move |core| {
            let _snapshot = core.snapshot()?;
            let mut all: Vec<(String, Unnamed)> = routes(core, &conditions)?
                .into_iter()
                .filter_map(|(term, events)| {
                    let [None, Some(method), Some(route), action] = four(&term) else {
                        return None;
                    };
                    let action = action.unwrap_or_default();
                    Some((term, Unnamed { method, route, action, events, last_ms: 0 }))
                })
                .collect();
            let key = |it: &Unnamed| (it.method.clone(), it.route.clone(), it.action.clone());
            all.sort_by_key(|(_, it)| (std::cmp::Reverse(it.events), key(it)));
            all.truncate(limit as usize);
            let with_time = all.into_iter().map(|(term, unnamed)| {
                let last_ms = newest(core, &conditions, &term)?.map_or(0, |row| row.time_ms);
                Ok(Unnamed { last_ms, ..unnamed })
            });
            with_time.collect()
        })
        .await
    }

    /// The newest of the events of a route.
    pub async fn example(
        &mut self,
        of: &Unnamed,
        conditions: &[Condition],
    ) -> Result<Option<Row>, IndexError> {
        let action = Some(of.action.as_str()).filter(|action| !action.is_empty());
        let term = joined(&[None, Some(&of.method), Some(&of.route), action]);
        let conditions = conditions.to_vec();
        self.run(move |core| {
            let _snapshot = core.snapshot()?;
            newest(core, &conditions, &term)
        })
        .await
    }

    /// The rules that named events.
    pub async fn named(&mut self, conditions: &[Condition]) -> Result<Vec<Named>, IndexError> {
        let conditions = conditions.to_vec();
        self.run(move |core| {
            let _snapshot = core.snapshot()?;
            let mut named: BTreeMap<String, Named> = BTreeMap::new();
            for (term, events) in routes(core, &conditions)? {
                let [Some(rule), ..] = four(&term) else { continue };
                let last_ms = newest(core, &conditions, &term)?.map_or(0, |row| row.time_ms);
                let empty = || Named { rule: rule.clone(), events: 0, last_ms };
                let named = named.entry(rule.clone()).or_insert_with(empty);
                named.events += events;
                named.last_ms = named.last_ms.max(last_ms);
            }
            Ok(named.into_values().collect())
        })
        .await
    }
}

/// How many events each route has, by the term that it is, with its rule and action.
fn routes(core: &Core, conditions: &[Condition]) -> Result<Vec<(String, u64)>, IndexError> {
    let plan = Plan::new(core, &View::Everything, conditions)?;
    let counts = tally(core, plan, Kind::Route)?;
    let terms = all_terms(core, Kind::Route)?.into_iter();
    Ok(terms.filter_map(|(id, term)| counts.get(&id).map(|count| (term, *count))).collect())
}

/// Rule, method, route and action.
fn four(term: &str) -> [Option<String>; 4] {
    let mut parts = terms::parts(term).into_iter();
    std::array::from_fn(|_| parts.next().flatten())
}

fn newest(core: &Core, conditions: &[Condition], term: &str) -> Result<Option<Row>, IndexError> {
    let mut plan = Plan::new(core, &View::Everything, conditions)?;
    plan.must_have(core, Kind::Route, term)?;
    let search = Search { limit: 1, ..Search::default() };
    Ok(page(core, plan, &search)?.rows.into_iter().next())
}
