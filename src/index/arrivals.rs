//! What has come in since: events in the order in which the index learnt how they ended.
//!
//! Rows get a number when they end, above all others. So whoever has seen a number has seen what there
//! is below it, until the index is built again. Only the newest are kept.

use rusqlite::{Connection, params};

use super::{Condition, Core, Index, IndexError, Row, View, matches, schema, terms};

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
        self.run(|core| Ok(Place { n: bounds(&core.conn)?.1, seen: None })).await
    }

    /// The place behind an event, or one of its acts; none where it is not there, not over yet, not
    /// to be seen, or long ago.
    pub async fn place_of(
        &mut self,
        view: &View,
        id: &str,
        act: u32,
    ) -> Result<Option<Place>, IndexError> {
        let (view, id) = (view.clone(), id.to_owned());
        self.run(move |core| {
            let _snapshot = core.snapshot()?;
            let Some(key) = terms::key(&id) else { return Ok(None) };
            let sql = "SELECT number, n FROM ids JOIN arrivals USING (n) WHERE key = ?1";
            for (number, n) in numbers(&core.conn, sql, params![key])? {
                let row = schema::read(&core.conn, n)?;
                let row = row.filter(|row| row.id == id && row.act == act);
                let Some(row) = row.filter(|row| matches::may_see(&view, row)) else { continue };
                if let Some(completion) = row.completion {
                    let seen = Some((row.writer, schema::signed(completion)));
                    return Ok(Some(Place { n: number, seen }));
                }
            }
            Ok(None)
        })
        .await
    }

    /// What has ended between two places, oldest first, at most `limit`, and the place behind it. None
    /// where the index was built again since `after`, or too much has ended: then nobody can say what
    /// is new.
    pub async fn arrivals(
        &mut self,
        view: &View,
        conditions: &[Condition],
        after: &Place,
        limit: u32,
    ) -> Result<Option<(Vec<Row>, Place)>, IndexError> {
        let (view, conditions, after) = (view.clone(), conditions.to_vec(), after.clone());
        self.run(move |core| {
            let _snapshot = core.snapshot()?;
            let (first, latest) = bounds(&core.conn)?;
            if latest < after.n || (first > 1 && after.n < first - 1) {
                return Ok(None);
            }
            let meets = |row: &Row| {
                matches::may_see(&view, row)
                    && conditions.iter().all(|condition| matches::meets(condition, row))
            };
            let (rows, n) = ended(core, &after, latest, limit, &meets)?;
            // Behind a full page of what may have been seen, some rows come twice.
            Ok(Some((rows, Place { n, seen: None })))
        })
        .await
    }
}

/// The first and the last number.
fn bounds(conn: &Connection) -> Result<(i64, i64), IndexError> {
    // Each by itself is a look at one end; together they would be a look at all.
    conn.prepare_cached(
        "SELECT (SELECT min(number) FROM arrivals), (SELECT max(number) FROM arrivals)",
    )
    .and_then(|mut bounds| {
        bounds.query_row([], |row| {
            let number = |column| row.get::<_, Option<i64>>(column).map(Option::unwrap_or_default);
            Ok((number(0)?, number(1)?))
        })
    })
    .map_err(IndexError::of_search)
}

fn numbers(
    conn: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<(i64, i64)>, IndexError> {
    conn.prepare_cached(sql)
        .and_then(|mut numbers| {
            numbers.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .map_err(IndexError::of_search)
}

/// Rows that have ended after a place, and how far was looked.
fn ended(
    core: &Core,
    after: &Place,
    latest: i64,
    limit: u32,
    meets: &dyn Fn(&Row) -> bool,
) -> Result<(Vec<Row>, i64), IndexError> {
    let first = if after.seen.is_some() { after.n.saturating_sub(DISORDER) } else { after.n };
    let sql = "SELECT number, n FROM arrivals WHERE number > ?1 AND number <= ?2 ORDER BY number";
    let mut rows = Vec::new();
    for (number, n) in numbers(&core.conn, sql, [first, latest])? {
        core.go_on()?;
        let Some(row) = schema::read(&core.conn, n)? else { continue };
        if is_news(after, number, &row) && meets(&row) {
            rows.push(row);
        }
        if rows.len() >= limit as usize {
            return Ok((rows, number));
        }
    }
    Ok((rows, latest))
}

/// Whether somebody at that place has not seen the row.
fn is_news(after: &Place, number: i64, row: &Row) -> bool {
    let Some((writer, seen)) = &after.seen else { return true };
    if number == after.n {
        return false;
    }
    let completion = row.completion.map(schema::signed);
    if row.writer != *writer {
        return number > after.n;
    }
    // The other acts of that event come with the same entry, in order.
    completion > Some(*seen) || completion == Some(*seen) && number > after.n
}
