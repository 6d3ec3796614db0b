//! Events by their age, oldest first: what retention looks through.

use rusqlite::params;

use super::{Condition, Index, IndexError, Row, matches, schema};
use crate::record::Stored;

impl Index {
    /// Rows of a writer that stand after a place, in hours up to that of a time, oldest hour first, at
    /// most so many, each with its place. Before all rows is the place 0.
    pub async fn aged(
        &mut self,
        writer: &str,
        before_ms: i64,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Row)>, IndexError> {
        let writer = writer.to_owned();
        self.run(move |core| {
            let _snapshot = core.snapshot()?;
            let end = Self::place_at(before_ms.saturating_add(schema::HOUR_MS));
            let sql = "SELECT n FROM events WHERE n > ?1 AND n < ?2 AND writer = ?3 \
                       ORDER BY n LIMIT ?4";
            let mut statement = core.conn.prepare_cached(sql).map_err(IndexError::of_search)?;
            let places = statement
                .query_map(params![after, end, writer, limit], |row| row.get(0))
                .and_then(Iterator::collect::<rusqlite::Result<Vec<i64>>>)
                .map_err(IndexError::of_search)?;
            let mut rows = Vec::with_capacity(places.len());
            for n in places {
                core.go_on()?;
                rows.extend(schema::read(&core.conn, n)?.map(|row| (n, row)));
            }
            Ok(rows)
        })
        .await
    }

    /// The events about purges, by writer and number, that took events of a time: the newest of them,
    /// at most so many.
    pub async fn purges_of(
        &mut self,
        time_ms: i64,
        limit: u32,
    ) -> Result<Vec<(String, u64)>, IndexError> {
        self.run(move |core| {
            let sql = "SELECT writer, seq FROM purges WHERE from_ms <= ?1 AND to_ms >= ?1 \
                       ORDER BY to_ms DESC, seq DESC LIMIT ?2";
            core.conn
                .prepare_cached(sql)
                .and_then(|mut found| {
                    let read = |row: &rusqlite::Row<'_>| {
                        let seq = schema::unsigned(Some(row.get(1)?)).unwrap_or_default();
                        Ok((row.get(0)?, seq))
                    };
                    found.query_map(params![time_ms, limit], read)?.collect()
                })
                .map_err(IndexError::of_search)
        })
        .await
    }

    /// Up to when events of a stretch of time were purged, if any were.
    pub async fn purged_between(
        &mut self,
        since_ms: i64,
        until_ms: i64,
    ) -> Result<Option<i64>, IndexError> {
        self.run(move |core| {
            let sql = "SELECT max(to_ms) FROM purges WHERE from_ms < ?2 AND to_ms >= ?1";
            core.conn
                .prepare_cached(sql)
                .and_then(|mut found| {
                    found.query_row(params![since_ms, until_ms], |row| row.get(0))
                })
                .map_err(IndexError::of_search)
        })
        .await
    }

    /// The place before all rows of the hour of a time, and after all that are older.
    pub fn place_at(time_ms: i64) -> i64 {
        schema::number(schema::hour_of(time_ms) * schema::HOUR_BLOCKS, 0).saturating_sub(1)
    }
}

impl Row {
    /// The rows that entries of one event come to: one, or one an act.
    pub fn of(first: &Stored, second: Option<&Stored>) -> Vec<Self> {
        let rows = Self::begin(first);
        match second {
            Some(second) => Self::complete(rows, second),
            None => rows,
        }
    }
}

impl Condition {
    /// Whether a row is what this asks for.
    pub fn is_met_by(&self, row: &Row) -> bool {
        matches::meets(self, row)
    }
}
