//! Counting what is found: by value, and over time.

use sqlx::{QueryBuilder, Sqlite};

use super::search::{push_conditions, push_view};
use super::{Condition, Index, IndexError, View};

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

impl Facet {
    /// What is selected, up to the condition on events, and what closes it.
    fn sql(self) -> (&'static str, &'static str) {
        match self {
            Self::Action => ("SELECT action, NULL, count(*) FROM events WHERE ", ""),
            Self::Category => ("SELECT category, NULL, count(*) FROM events WHERE ", ""),
            Self::ActorType => ("SELECT actor_type, NULL, count(*) FROM events WHERE ", ""),
            Self::Outcome => ("SELECT outcome, NULL, count(*) FROM events WHERE ", ""),
            Self::Severity => ("SELECT severity, NULL, count(*) FROM events WHERE ", ""),
            Self::Actor => (
                "SELECT coalesce(actor_id, actor_email, actor_name), \
                 max(coalesce(actor_name, actor_email, actor_id)), count(*) FROM events WHERE ",
                "",
            ),
            Self::ResourceType => (
                "SELECT type, NULL, count(*) FROM (SELECT DISTINCT n, type FROM targets \
                 WHERE n IN (SELECT n FROM events WHERE ",
                "))",
            ),
            Self::Scope => (
                "SELECT name, value, count(*) FROM scopes WHERE n IN (SELECT n FROM events WHERE ",
                ")",
            ),
        }
    }

    /// What is one value.
    fn group(self) -> &'static str {
        match self {
            Self::Scope => " GROUP BY 1, 2",
            _ => " GROUP BY 1",
        }
    }
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
        let (select, close) = facet.sql();
        let mut query = QueryBuilder::<Sqlite>::new(select);
        push_view(&mut query, view);
        push_conditions(&mut query, conditions);
        query.push(close).push(facet.group()).push(" ORDER BY 3 DESC, 1, 2 LIMIT ");
        query.push_bind(limit);
        let rows: Vec<(Option<String>, Option<String>, i64)> = query
            .build_query_as()
            .persistent(false)
            .fetch_all(&mut self.conn)
            .await
            .map_err(IndexError::of_search)?;
        let counted = |(value, label, count)| Counted { value, label, count: unsigned(count) };
        Ok(rows.into_iter().map(counted).collect())
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
        let mut query = QueryBuilder::<Sqlite>::new("SELECT (time_ms - ");
        query.push_bind(since_ms).push(") / ").push_bind(width_ms.max(1));
        query.push(", severity, outcome, count(*) FROM events WHERE ");
        push_view(&mut query, view);
        push_conditions(&mut query, conditions);
        query.push(" GROUP BY 1, 2, 3 ORDER BY 1, 2, 3");
        let rows: Vec<(i64, Option<String>, Option<String>, i64)> = query
            .build_query_as()
            .persistent(false)
            .fetch_all(&mut self.conn)
            .await
            .map_err(IndexError::of_search)?;
        let bar = |(number, severity, outcome, count)| Bar {
            number: unsigned(number),
            severity,
            outcome,
            count: unsigned(count),
        };
        Ok(rows.into_iter().map(bar).collect())
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
