//! What has come in since: events in the order in which the index learnt how they ended.
//!
//! Rows are numbered; one that is written again gets a new number, above all others. So whoever
//! has seen a number has seen what there is below it, until the index is built again.

use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::search::{push_conditions, push_view};
use super::{Condition, Index, IndexError, Row, View, table};

/// By how many rows the order may differ between an index and one that was built again.
const DISORDER: i64 = 4096;

/// How far somebody has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    n: i64,
    /// Of this writer, nothing up to this entry is new, whatever its number.
    seen: Option<(String, i64)>,
}

impl Index {
    /// The place behind all that is there.
    pub async fn latest(&mut self) -> Result<Place, IndexError> {
        let n: Option<i64> = sqlx::query_scalar("SELECT max(n) FROM events")
            .fetch_one(&mut self.conn)
            .await
            .map_err(IndexError::of_search)?;
        Ok(Place { n: n.unwrap_or(0), seen: None })
    }

    /// The place behind an event, or one of its acts; none where it is not there, not over yet, or not
    /// to be seen.
    pub async fn place_of(
        &mut self,
        view: &View,
        id: &str,
        act: u32,
    ) -> Result<Option<Place>, IndexError> {
        let mut query =
            QueryBuilder::<Sqlite>::new("SELECT n, writer, completion FROM events WHERE ");
        push_view(&mut query, view);
        query.push(" AND id = ").push_bind(id.to_owned()).push(" AND act = ").push_bind(act);
        query.push(" AND completion IS NOT NULL");
        let row: Option<(i64, String, i64)> = query
            .build_query_as()
            .persistent(false)
            .fetch_optional(&mut self.conn)
            .await
            .map_err(IndexError::of_search)?;
        Ok(row.map(|(n, writer, completion)| Place { n, seen: Some((writer, completion)) }))
    }

    /// What has ended between two places, oldest first, at most `limit`, and the place behind it. None
    /// where the index was built again since `after`: then nobody can say what is new.
    pub async fn arrivals(
        &mut self,
        view: &View,
        conditions: &[Condition],
        after: &Place,
        limit: u32,
    ) -> Result<Option<(Vec<Row>, Place)>, IndexError> {
        let latest = self.latest().await?;
        if latest.n < after.n {
            return Ok(None);
        }
        let mut query =
            QueryBuilder::<Sqlite>::new(format!("SELECT {} FROM events WHERE ", table::COLUMNS));
        push_view(&mut query, view);
        push_conditions(&mut query, conditions);
        query.push(" AND completion IS NOT NULL AND n <= ").push_bind(latest.n);
        match &after.seen {
            None => {
                query.push(" AND n > ").push_bind(after.n);
            }
            Some((writer, completion)) => {
                query.push(" AND n > ").push_bind(after.n.saturating_sub(DISORDER));
                query.push(" AND n <> ").push_bind(after.n);
                query.push(" AND (n > ").push_bind(after.n).push(" OR writer = ");
                query.push_bind(writer.clone()).push(") AND NOT (writer = ");
                query.push_bind(writer.clone()).push(" AND completion < ");
                query.push_bind(*completion).push(")");
                // The other acts of that event come with the same entry, in order.
                query.push(" AND NOT (completion = ").push_bind(*completion);
                query.push(" AND n < ").push_bind(after.n).push(")");
            }
        }
        query.push(" ORDER BY n LIMIT ").push_bind(limit);
        let rows = query
            .build()
            .persistent(false)
            .fetch_all(&mut self.conn)
            .await
            .map_err(IndexError::of_search)?;
        // With fewer than could be, everything up to the latest was looked at.
        let full = rows.len() >= limit as usize;
        let last = rows.last().filter(|_| full).map(|row| row.try_get(0)).transpose();
        let n = last.map_err(IndexError::of_search)?.unwrap_or(latest.n);
        let rows = rows.iter().map(table::read).collect::<Result<_, _>>()?;
        // Behind a full page of what may have been seen, some rows come twice.
        Ok(Some((rows, Place { n, seen: None })))
    }
}
