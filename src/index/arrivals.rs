//! What has come in since: events in the order in which the index learnt how they ended.
//!
//! Rows get a number when they end, above all others. So whoever has seen a number has seen what there
//! is below it. Another index, or this one built again, may have them in another order: so a place is
//! one of the index that it was found in, and in another nobody can say what is new. Only the newest
//! are kept.

use rusqlite::{Connection, params};

use super::{Condition, Core, Index, IndexError, Row, View, matches, schema, terms};

/// How far somebody has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// In which index.
    index: String,
    n: i64,
}

impl Place {
    /// The index that this is a place of, as it names itself: at random, since its tables were made.
    pub fn index(&self) -> &str {
        &self.index
    }
}

impl Index {
    /// The place behind all that is there.
    pub async fn latest(&mut self) -> Result<Place, IndexError> {
        self.run(|core| {
            let _snapshot = core.snapshot()?;
            Ok(Place { index: own_name(&core.conn)?, n: bounds(&core.conn)?.1 })
        })
        .await
    }

    /// The place before all that is there.
    #[cfg(test)]
    pub(super) async fn beginning(&mut self) -> Result<Place, IndexError> {
        self.latest().await.map(|latest| Place { n: 0, ..latest })
    }

    /// The place behind an event, or one of its acts, that was seen in the index of this name; none
    /// where this is another index, or where the event is not there, not over yet, not to be seen, or
    /// long ago.
    pub async fn place_of(
        &mut self,
        view: &View,
        id: &str,
        act: u32,
        index: &str,
    ) -> Result<Option<Place>, IndexError> {
        let (view, id, index) = (view.clone(), id.to_owned(), index.to_owned());
        self.run(move |core| {
            let _snapshot = core.snapshot()?;
            if own_name(&core.conn)? != index {
                return Ok(None);
            }
            let Some(key) = terms::key(&id) else { return Ok(None) };
            let sql = "SELECT number, n FROM ids JOIN arrivals USING (n) WHERE key = ?1";
            for (number, n) in numbers(&core.conn, sql, params![key])? {
                let row = schema::read(&core.conn, n)?;
                let row = row.filter(|row| row.id == id && row.act == act);
                let Some(row) = row.filter(|row| matches::may_see(&view, row)) else { continue };
                if row.completion.is_some() {
                    return Ok(Some(Place { index, n: number }));
                }
            }
            Ok(None)
        })
        .await
    }

    /// What has ended between two places, oldest first, at most `limit`, and the place behind it. None
    /// where `after` is of another index, or of this one before it was built again, or where too much has
    /// ended: then nobody can say what is new.
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
            let is_here = own_name(&core.conn)? == after.index;
            if !is_here || latest < after.n || (first > 1 && after.n < first - 1) {
                return Ok(None);
            }
            let meets = |row: &Row| {
                matches::may_see(&view, row)
                    && conditions.iter().all(|condition| matches::meets(condition, row))
            };
            let (rows, n) = ended(core, &after, latest, limit, &meets)?;
            Ok(Some((rows, Place { n, ..after })))
        })
        .await
    }
}

/// What the index calls itself.
fn own_name(conn: &Connection) -> Result<String, IndexError> {
    conn.prepare_cached("SELECT name FROM itself")
        .and_then(|mut name| name.query_row([], |row| row.get(0)))
        .map_err(IndexError::of_search)
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
    let sql = "SELECT number, n FROM arrivals WHERE number > ?1 AND number <= ?2 ORDER BY number";
    let mut rows = Vec::new();
    for (number, n) in numbers(&core.conn, sql, [after.n, latest])? {
        core.go_on()?;
        let Some(row) = schema::read(&core.conn, n)? else { continue };
        if meets(&row) {
            rows.push(row);
        }
        if rows.len() >= limit as usize {
            return Ok((rows, number));
        }
    }
    Ok((rows, latest))
}
