//! What rules named, and what none did: counts by route and by rule.
//!
//! Events are counted, not acts: a request that does several things is counted with the first of
//! them, under that one's action.

use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::search::push_condition;
use super::{Condition, Index, IndexError, Row, table};

/// More rules than this are in no ledger.
const RULES_MAX: i64 = 100_000;

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
        let mut query = unnamed("", conditions, limit);
        let rows = query.build().persistent(false).fetch_all(&mut self.conn).await;
        let rows = rows.map_err(IndexError::Search)?;
        let unnamed = rows.iter().map(|row| {
            let text =
                |column| row.try_get::<Option<String>, _>(column).map(Option::unwrap_or_default);
            Ok(Unnamed {
                method: text(0)?,
                route: text(1)?,
                action: text(2)?,
                events: row.try_get::<i64, _>(3)?.unsigned_abs(),
                last_ms: row.try_get(4)?,
            })
        });
        unnamed.collect::<Result<_, _>>().map_err(IndexError::Search)
    }

    /// The newest of the events of a route.
    pub async fn example(
        &mut self,
        of: &Unnamed,
        conditions: &[Condition],
    ) -> Result<Option<Row>, IndexError> {
        let mut query = QueryBuilder::<Sqlite>::new(format!(
            "SELECT {} FROM events INDEXED BY events_coverage \
             WHERE act < 2 AND rule IS NULL",
            table::COLUMNS
        ));
        query.push(" AND method = ").push_bind(&of.method);
        query.push(" AND route = ").push_bind(&of.route);
        let action = Some(of.action.as_str()).filter(|action| !action.is_empty());
        query.push(" AND action IS ").push_bind(action);
        push_all(&mut query, conditions);
        query.push(" ORDER BY time_ms DESC LIMIT 1");
        let row = query.build().persistent(false).fetch_optional(&mut self.conn).await;
        row.map_err(IndexError::Search)?.as_ref().map(table::read).transpose()
    }

    /// The rules that named events.
    pub async fn named(&mut self, conditions: &[Condition]) -> Result<Vec<Named>, IndexError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT rule, count(*), max(time_ms) FROM events INDEXED BY events_coverage \
             WHERE act < 2 AND rule IS NOT NULL",
        );
        push_all(&mut query, conditions);
        query.push(" GROUP BY rule ORDER BY rule LIMIT ").push_bind(RULES_MAX);
        let rows = query.build().persistent(false).fetch_all(&mut self.conn).await;
        let rows = rows.map_err(IndexError::Search)?;
        let named = rows.iter().map(|row| {
            Ok(Named {
                rule: row.try_get(0)?,
                events: row.try_get::<i64, _>(1)?.unsigned_abs(),
                last_ms: row.try_get(2)?,
            })
        });
        named.collect::<Result<_, _>>().map_err(IndexError::Search)
    }
}

/// The question for routes that no rule named; answered in the order of the index, so that what is
/// grouped need not be held. What begins it, before `SELECT`, is for tests.
pub(super) fn unnamed(begin: &str, conditions: &[Condition], limit: u32) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::<Sqlite>::new(format!(
        "{begin}SELECT method, route, action, count(*), max(time_ms) FROM events \
         INDEXED BY events_coverage \
         WHERE act < 2 AND rule IS NULL AND method IS NOT NULL AND route IS NOT NULL"
    ));
    push_all(&mut query, conditions);
    query.push(" GROUP BY method, route, action ");
    query.push("ORDER BY count(*) DESC, method, route, action LIMIT ").push_bind(i64::from(limit));
    query
}

fn push_all(query: &mut QueryBuilder<Sqlite>, conditions: &[Condition]) {
    for condition in conditions {
        query.push(" AND ");
        push_condition(query, condition);
    }
}
