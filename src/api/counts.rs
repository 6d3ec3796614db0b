//! Counts: values for dropdowns, and the log over time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use chrono::{DateTime, SecondsFormat};
use schemars::JsonSchema;
use serde::Serialize;

use super::asked::{Allowed, Asked, Who};
use super::log::{Log, Session};
use super::problem::Problem;
use crate::clock::Timestamp;
use crate::index::{Bar, Condition, Facet, Field, Search};
use crate::query;

const FACETS: Allowed = Allowed { own: &[], page: false, strict: false };
const STATS: Allowed = Allowed { own: &["bars"], page: false, strict: false };

/// What is counted if no time is given.
const WINDOW_MS: i64 = 24 * 60 * 60 * 1000;
/// Values of one facet.
const VALUES: u32 = 100;
/// Bars of a histogram, unless the question says otherwise, and at most.
const BARS: i64 = 48;
const BARS_MAX: i64 = 500;
/// Widths of bars that people can read, in milliseconds; beyond the last one, multiples of it.
const WIDTHS: [i64; 15] = [
    1_000,
    5_000,
    15_000,
    30_000,
    60_000,
    300_000,
    900_000,
    1_800_000,
    3_600_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    604_800_000,
    2_592_000_000,
];

/// The values that occur, by how often; of each field regardless of what was asked of that field.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Facets {
    /// What is counted begins here.
    since: String,
    /// And ends before this.
    until: String,
    /// By field, at most 100 values each.
    pub(crate) facets: FacetValues,
    /// What was not taken into account.
    warnings: Vec<String>,
}

#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct FacetValues {
    pub(crate) action: Vec<ValueCount>,
    pub(crate) category: Vec<ValueCount>,
    pub(crate) resource_type: Vec<ValueCount>,
    pub(crate) actor: Vec<ValueCount>,
    pub(crate) actor_type: Vec<ValueCount>,
    pub(crate) outcome: Vec<ValueCount>,
    pub(crate) severity: Vec<ValueCount>,
    /// `value` is the scope's name, `label` its value.
    pub(crate) scope: Vec<ValueCount>,
}

/// A value, and how often it occurs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ValueCount {
    /// The value, as the filter takes it.
    pub(crate) value: String,
    /// What people call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<String>,
    /// In so many events and acts.
    pub(crate) count: u64,
}

/// The log over time.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Stats {
    /// What is counted begins here.
    pub(crate) since: String,
    /// And ends before this.
    pub(crate) until: String,
    /// All of them together.
    #[serde(flatten)]
    pub(crate) total: Counts,
    /// How long a bar is, in milliseconds.
    pub(crate) bar_ms: i64,
    /// From `since` to `until`, without gaps; the first bar begins at a round time, where it may
    /// lack what came before `since`.
    pub(crate) histogram: Vec<Stretch>,
    /// What was not taken into account.
    warnings: Vec<String>,
}

/// One bar.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Stretch {
    /// It begins here.
    pub(crate) time: String,
    #[serde(flatten)]
    pub(crate) counts: Counts,
}

/// How many events and acts.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub(crate) struct Counts {
    /// All.
    pub(crate) total: u64,
    /// Of severity `warn`.
    pub(crate) warned: u64,
    /// Of severity `fail`.
    pub(crate) failed: u64,
    /// Pending.
    pub(crate) pending: u64,
}

impl Counts {
    fn add(&mut self, bar: &Bar) {
        self.total += bar.count;
        match bar.severity.as_deref() {
            Some("warn") => self.warned += bar.count,
            Some("fail") => self.failed += bar.count,
            _ => {}
        }
        if bar.outcome.is_none() {
            self.pending += bar.count;
        }
    }
}

/// The time that is asked about, which is then among the conditions.
fn window(conditions: &mut Vec<Condition>, now_ms: i64) -> (i64, i64) {
    let (mut since, mut until) = (None, None);
    for condition in conditions.iter() {
        match condition {
            Condition::Since(time) => since = since.max(Some(*time)),
            Condition::Until(time) => {
                until = Some(until.map_or(*time, |known: i64| known.min(*time)));
            }
            _ => {}
        }
    }
    // What arrives in this very millisecond is meant as well.
    let until = until.unwrap_or(now_ms.saturating_add(1));
    let since = since.unwrap_or(until.saturating_sub(WINDOW_MS));
    conditions.push(Condition::Since(since));
    conditions.push(Condition::Until(until));
    (since, until)
}

pub(super) async fn facets(
    State(log): State<Arc<Log>>,
    who: Who,
    uri: Uri,
) -> Result<Json<Facets>, Problem> {
    let now = log.clock.now();
    let Asked { search, mut warnings, .. } = Asked::of(&uri, &who, FACETS, now)?;
    let mut session = log.read().await?;
    let purged = query::purged_in(&mut session.index, &search).await;
    let mut facets = facets_of(&mut session, search, now).await?;
    log.warn_of_lag(who.0.grant().view(), session.fresh, &mut warnings);
    warnings.extend(purged);
    facets.warnings = warnings;
    Ok(Json(facets))
}

/// The values of what a search means, page and limit aside.
pub(crate) async fn facets_of(
    session: &mut Session,
    mut search: Search,
    now: Timestamp,
) -> Result<Facets, Problem> {
    let (since, until) = window(&mut search.conditions, now.timestamp_millis());
    let mut values = FacetValues::default();
    for (facet, into) in [
        (Facet::Action, &mut values.action),
        (Facet::Category, &mut values.category),
        (Facet::ResourceType, &mut values.resource_type),
        (Facet::Actor, &mut values.actor),
        (Facet::ActorType, &mut values.actor_type),
        (Facet::Outcome, &mut values.outcome),
        (Facet::Severity, &mut values.severity),
        (Facet::Scope, &mut values.scope),
    ] {
        let others = search.conditions.iter().filter(|condition| !is_about(condition, facet));
        let others: Vec<Condition> = others.cloned().collect();
        let counted = session.index.facet(facet, &search.view, &others, VALUES).await?;
        for counted in counted {
            let value = match (counted.value, facet) {
                (Some(value), _) => value,
                (None, Facet::Outcome) => query::PENDING.to_owned(),
                (None, _) => continue,
            };
            into.push(ValueCount { value, label: counted.label, count: counted.count });
        }
    }
    let warnings = Vec::new();
    Ok(Facets { since: time(since), until: time(until), facets: values, warnings })
}

/// Whether the condition says which of a facet's values are wanted.
fn is_about(condition: &Condition, facet: Facet) -> bool {
    match condition {
        Condition::AnyOf(field, _) => {
            facet
                == match field {
                    Field::Action => Facet::Action,
                    Field::Category => Facet::Category,
                    Field::ActorType => Facet::ActorType,
                    Field::Severity => Facet::Severity,
                }
        }
        Condition::Outcome(_) => facet == Facet::Outcome,
        Condition::ResourceType(_) => facet == Facet::ResourceType,
        Condition::Actor(_) => facet == Facet::Actor,
        Condition::Scope(..) => facet == Facet::Scope,
        _ => false,
    }
}

pub(super) async fn stats(
    State(log): State<Arc<Log>>,
    who: Who,
    uri: Uri,
) -> Result<Json<Stats>, Problem> {
    let now = log.clock.now();
    let mut asked = Asked::of(&uri, &who, STATS, now)?;
    let wanted = bars(asked.own("bars")?)?;
    let mut session = log.read().await?;
    let purged = query::purged_in(&mut session.index, &asked.search).await;
    let mut stats = stats_of(&mut session, asked.search, wanted, now).await?;
    log.warn_of_lag(who.0.grant().view(), session.fresh, &mut asked.warnings);
    asked.warnings.extend(purged);
    stats.warnings = asked.warnings;
    Ok(Json(stats))
}

/// What a search means over time, page and limit aside, in at most so many bars.
pub(crate) async fn stats_of(
    session: &mut Session,
    mut search: Search,
    wanted: i64,
    now: Timestamp,
) -> Result<Stats, Problem> {
    let (since, until) = window(&mut search.conditions, now.timestamp_millis());
    let bar_ms = width(until.saturating_sub(since), wanted);
    // Bars begin where a clock would have them begin.
    let first = since.saturating_sub(since.rem_euclid(bar_ms));
    let bars = session.index.histogram(&search.view, &search.conditions, first, bar_ms).await?;
    let mut total = Counts::default();
    let count = match since < until {
        true => until.saturating_sub(first).saturating_add(bar_ms - 1) / bar_ms,
        false => 0,
    };
    let mut histogram: Vec<Stretch> = (0..count)
        .map(|number| Stretch {
            time: time(first.saturating_add(number * bar_ms)),
            counts: Counts::default(),
        })
        .collect();
    for bar in &bars {
        total.add(bar);
        let stretch = usize::try_from(bar.number).ok().and_then(|number| histogram.get_mut(number));
        if let Some(stretch) = stretch {
            stretch.counts.add(bar);
        }
    }
    let (since, until, warnings) = (time(since), time(until), Vec::new());
    Ok(Stats { since, until, total, bar_ms, histogram, warnings })
}

fn bars(text: Option<&str>) -> Result<i64, Problem> {
    let Some(text) = text else { return Ok(BARS) };
    text.parse().ok().filter(|bars| (1..=BARS_MAX).contains(bars)).ok_or_else(|| {
        let remedy = "give a whole number from 1 to 500";
        Problem::parameter("bars", "`bars` is not a number of bars that can be shown", remedy)
    })
}

/// The narrowest width of which no more than `bars` are needed.
fn width(span: i64, bars: i64) -> i64 {
    let least = span.max(1).saturating_add(bars - 1) / bars;
    let longest = WIDTHS.last().copied().unwrap_or(1);
    let fits = WIDTHS.into_iter().find(|width| *width >= least);
    fits.unwrap_or_else(|| (least.saturating_add(longest - 1) / longest).saturating_mul(longest))
}

fn time(ms: i64) -> String {
    let time = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
