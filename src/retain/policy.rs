//! How long events stay, and which stay longer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::archive::Place;
use crate::clock::Timestamp;
use crate::derive::EventRules;
use crate::index::{Condition, Row};
use crate::problem::Problem;
use crate::query::{self, FilterError, Use};
use crate::record::PURGE_ACTION;

/// For how long events stay, and what becomes of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Of every category that is not named.
    pub default: Keep,
    /// Of these categories.
    pub categories: BTreeMap<String, Keep>,
    /// What becomes of what is purged.
    pub archive: KeptIn,
    /// What stays, however old it is.
    pub holds: Vec<Hold>,
    /// How often it is looked for what is due.
    pub interval: Duration,
    /// Names of which it is likely that no event has them.
    pub strange: Vec<Strange>,
}

/// A name in a policy that no convention gives to events: unless a rule does, what should stay goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strange {
    /// The name.
    pub name: Name,
    /// Where it stands, and what to say of it.
    pub problem: Problem,
    /// The name that was most likely meant; without one, it may be of events of earlier on.
    pub meant: Option<String>,
}

/// What has the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// A category.
    Category(String),
    /// A scope.
    Scope(String),
}

/// What rules give to events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Categories.
    pub categories: BTreeSet<String>,
    /// Names of scopes.
    pub scopes: BTreeSet<String>,
}

impl Given {
    /// What these rules give.
    pub fn of(rules: &EventRules) -> Self {
        let owned = |name: &str| name.to_owned();
        Self {
            categories: rules.categories().map(owned).collect(),
            scopes: rules.scopes().map(owned).collect(),
        }
    }
}

/// The one of some names that another nearly is.
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let name = name.to_lowercase();
    let distance = |known: &str| strsim::osa_distance(known, &name);
    let meant = known.into_iter().min_by_key(|known| distance(known))?;
    let near = if meant.len() < 8 { 1 } else { 2 };
    (distance(meant) <= near).then_some(meant)
}

/// What is to be said of the names in a policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doubts {
    /// Most likely mistakes.
    pub mistakes: Vec<Problem>,
    /// What may be meant so.
    pub hints: Vec<Problem>,
}

impl Default for Policy {
    /// Everything stays.
    fn default() -> Self {
        Self {
            default: Keep::Forever,
            categories: BTreeMap::new(),
            archive: KeptIn::Nothing,
            holds: Vec::new(),
            interval: Duration::from_secs(3600),
            strange: Vec::new(),
        }
    }
}

impl Policy {
    /// What is to be said of its names, where rules give these.
    pub fn doubts(&self, given: &Given) -> Doubts {
        let mut doubts = Doubts::default();
        for Strange { name, problem, meant } in &self.strange {
            let (name, names) = match name {
                Name::Category(name) => (name, &given.categories),
                Name::Scope(name) => (name, &given.scopes),
            };
            if names.contains(name) {
                continue;
            }
            let meant =
                meant.as_deref().or_else(|| nearest(name, names.iter().map(String::as_str)));
            let mut problem = problem.clone();
            match meant {
                Some(meant) => {
                    problem.remedy =
                        format!("did you mean `{meant}`? otherwise let a rule give it to events");
                    doubts.mistakes.push(problem);
                }
                None => doubts.hints.push(problem),
            }
        }
        doubts
    }

    /// Whether nothing is ever purged by it.
    pub fn keeps_all(&self) -> bool {
        self.default == Keep::Forever && self.categories.values().all(|keep| *keep == Keep::Forever)
    }
}

/// How long an event stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keep {
    /// So many days after its request arrived.
    Days(u32),
    /// Always.
    Forever,
}

/// What becomes of what is purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptIn {
    /// It is archived there first.
    Archive(Place),
    /// It is gone.
    Nothing,
}

/// Events that stay until the hold is lifted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Which events, as it was written: `actor=ada&scope.pool=blue`.
    pub filter: String,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    conditions: Vec<Condition>,
}

/// A filter that no hold can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// It is empty, which would hold everything.
    #[error("the filter is empty")]
    Empty,
    /// It says which part of an answer is wanted, or a time that moves.
    #[error("`{0}` has no place in the filter of a hold")]
    OutOfPlace(String),
    /// It holds nothing, whatever is on record.
    #[error("it would hold nothing: {0}")]
    Nothing(String),
    /// Which of two it means cannot be told.
    #[error("`+` is a space there, as in an address, and perhaps a plus was meant")]
    Plus,
    /// It is not understood.
    #[error(transparent)]
    Filter(#[from] FilterError),
}

impl HoldError {
    /// What to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::Empty => {
                "name what must stay, as in the console's address: `actor=ada`; to keep \
                            everything, leave out `days`"
                    .to_owned()
            }
            Self::OutOfPlace(_) => {
                "leave it out; a time is written as RFC 3339, such as 2026-01-31T00:00:00Z"
                    .to_owned()
            }
            Self::Nothing(_) => {
                "name what must stay; the console and the API say what a filter finds".to_owned()
            }
            Self::Plus => "write %2B for a plus, and %20 for a space".to_owned(),
            Self::Filter(error) => error.remedy(),
        }
    }
}

impl Hold {
    /// A hold on what a filter finds.
    pub fn new(
        name: String,
        filter: String,
        reason: String,
        until: Option<Timestamp>,
    ) -> Result<Self, HoldError> {
        let pairs: Vec<(String, String)> =
            form_urlencoded::parse(filter.as_bytes()).into_owned().collect();
        if pairs.is_empty() {
            return Err(HoldError::Empty);
        }
        if filter.contains('+') {
            return Err(HoldError::Plus);
        }
        for (name, value) in &pairs {
            let moves = matches!(name.as_str(), "since" | "until") && query::span(value).is_some();
            if query::use_of(name) == Some(Use::Page) || moves {
                return Err(HoldError::OutOfPlace(name.clone()));
            }
        }
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let search = query::parse(pairs, Timestamp::default())?;
        if let Some(doubt) = query::doubts(&search).into_iter().next() {
            return Err(HoldError::Nothing(doubt));
        }
        Ok(Self { name, reason, filter, until, conditions: search.conditions })
    }

    /// The names of scopes that it asks for.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.conditions.iter().filter_map(|condition| match condition {
            Condition::Scope(name, _) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether it is in force.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    fn holds(&self, row: &Row) -> bool {
        self.conditions.iter().all(|condition| condition.is_met_by(row))
    }
}

/// What the policy says of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'p> {
    /// It is not old enough, or stays always.
    Stays,
    /// It is old enough, and not complete.
    Open,
    /// It is old enough, and held by this.
    Held(&'p Hold),
    /// It may go.
    Due,
}

impl Policy {
    /// Whether anything is ever purged.
    pub fn purges(&self) -> bool {
        !self.all_days().is_empty()
    }

    /// The times that categories have, in days.
    pub(super) fn all_days(&self) -> BTreeSet<u32> {
        let all = self.categories.values().chain([&self.default]);
        all.filter_map(|keep| match keep {
            Keep::Days(days) => Some(*days),
            Keep::Forever => None,
        })
        .collect()
    }

    fn keep(&self, row: &Row) -> Keep {
        let named = row.category.as_ref().and_then(|category| self.categories.get(category));
        named.copied().unwrap_or(self.default)
    }

    /// Decides about an event, by its rows: one, or one an act.
    pub fn verdict(&self, rows: &[Row], now: Timestamp) -> Verdict<'_> {
        let is_purge = |row: &Row| row.action.as_deref() == Some(PURGE_ACTION);
        let is_due = |row: &Row| match self.keep(row) {
            Keep::Days(days) => row.time_ms < cutoff(now, days) && !is_purge(row),
            Keep::Forever => false,
        };
        if rows.is_empty() || !rows.iter().all(is_due) {
            return Verdict::Stays;
        }
        if rows.iter().any(|row| row.completion.is_none()) {
            return Verdict::Open;
        }
        let mut holds = self.holds.iter().filter(|hold| hold.holds_at(now));
        match holds.find(|hold| rows.iter().any(|row| hold.holds(row))) {
            Some(hold) => Verdict::Held(hold),
            None => Verdict::Due,
        }
    }

    /// What is put on record of it.
    pub fn on_record(&self) -> Value {
        let days = |keep: &Keep| match keep {
            Keep::Days(days) => json!(days),
            Keep::Forever => json!("forever"),
        };
        let categories = self.categories.iter().map(|(name, keep)| (name.clone(), days(keep)));
        json!({
            "days": days(&self.default),
            "categories": categories.collect::<serde_json::Map<String, Value>>(),
            "holds": self.holds.iter().map(|hold| &hold.name).collect::<Vec<_>>(),
        })
    }
}

/// Events before this are more than so many days old.
pub(super) fn cutoff(now: Timestamp, days: u32) -> i64 {
    now.timestamp_millis().saturating_sub(TimeDelta::days(i64::from(days)).num_milliseconds())
}
