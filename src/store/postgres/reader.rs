//! Reading the ledger in PostgreSQL.

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Row};

use super::session::{Purpose, Session};
use super::target::PostgresTarget;
use super::{guard, migrate, sqlstate, value};
use crate::clock::Timestamp;
use crate::record::{EventId, Stored};
use crate::store::rows::{Fields, READ_BYTES, seq_to_sql, sql_to_seq};
use crate::store::{Fleet, LedgerReader, Purged, StoreError, Unguarded};

/// How long a read may take.
const READ_LIMIT: Duration = Duration::from_secs(30);

/// A connection that only reads.
pub(in crate::store) struct PostgresReader {
    session: Session,
}

impl PostgresReader {
    /// Connects; the ledger must exist.
    pub(in crate::store) async fn open(target: &PostgresTarget) -> Result<Self, StoreError> {
        let mut session = Session::connect(target, Purpose::Read, READ_LIMIT).await?;
        migrate::require(&mut session, target).await?;
        let rows = session.rows(sqlx::query(IS_LIMITED)).await?;
        if value::<bool>(&rows, 0)?.unwrap_or_default() {
            let (login, database) = (target.user.clone(), target.to_string());
            return Err(StoreError::NotAll { login, database });
        }
        Ok(Self { session })
    }
}

/// The columns of [`Fields`], in their order, and the time of the partition.
macro_rules! entries_where {
    ($condition:literal) => {
        concat!(
            "SELECT writer, seq, kind, id::text, intent, scope, doc, leaf, \
                    (extract(epoch FROM at) * 1000)::bigint \
             FROM countersign.entries e WHERE ",
            $condition
        )
    };
}

/// Whether row-level security hides something: then nothing that is read here would be true.
const IS_LIMITED: &str = "SELECT row_security_active('countersign.entries') \
                          AND countersign.my_view() IS DISTINCT FROM '\"everything\"'::jsonb";
const SELECT_WRITERS: &str = "SELECT writer FROM countersign.writers ORDER BY writer";
const SELECT_HEADS: &str = "SELECT writer, head FROM countersign.writers ORDER BY writer";
pub(super) const SELECT_HEAD: &str = "SELECT head FROM countersign.writers WHERE writer = $1";
const SELECT_ENTRY: &str = entries_where!("writer = $1 AND seq = $2");
const SELECT_COMPLETION: &str = entries_where!("writer = $1 AND intent = $2");
/// As many as their sizes allow, which are known without loading the documents.
const SELECT_AFTER: &str = entries_where!(
    "writer = $1 AND seq > $2 AND seq <= (\
         SELECT max(s.seq) FROM (\
             SELECT seq, row_number() OVER w AS n, sum(bytes) OVER w AS total FROM (\
                 SELECT seq, octet_length(doc) AS bytes FROM countersign.entries \
                 WHERE writer = $1 AND seq > $2 ORDER BY seq LIMIT $3) AS sizes \
             WINDOW w AS (ORDER BY seq)) AS s \
         WHERE s.n = 1 OR s.total <= $4) \
     ORDER BY seq"
);
const SELECT_SIZES_OF: &str = "SELECT seq, octet_length(doc)::bigint FROM countersign.entries \
                               WHERE writer = $1 AND seq = ANY ($2)";
const SELECT_ENTRIES_OF: &str = entries_where!("writer = $1 AND seq = ANY ($2)");
const SELECT_PURGED: &str = "SELECT seq, leaf, by FROM countersign.purged \
                             WHERE writer = $1 AND seq > $2 ORDER BY seq LIMIT $3";
const SELECT_SAID_TO_BE_PURGED: &str = "SELECT p.seq FROM countersign.purged p WHERE p.writer = $1 \
     AND p.seq BETWEEN $2 AND $3 \
     AND EXISTS (SELECT FROM countersign.entries e WHERE e.writer = $1 AND e.seq = p.seq) \
     ORDER BY p.seq LIMIT $4";
const SELECT_ENDED: &str = "SELECT seq, id::text FROM countersign.entries \
                            WHERE writer = $1 AND seq > $2 AND seq <= $3 AND intent <= $4 LIMIT $5";

/// One row of each writer, by a jump in the index from one to the next; then two more looks in it. The
/// heads are computed first: row-level security lets only plain comparisons use an index.
const SELECT_STRAYS: &str = "WITH RECURSIVE found (writer) AS (\
         (SELECT writer FROM countersign.entries ORDER BY writer LIMIT 1) \
         UNION ALL \
         SELECT (SELECT e.writer FROM countersign.entries e WHERE e.writer > f.writer \
                 ORDER BY e.writer LIMIT 1) FROM found f WHERE f.writer IS NOT NULL), \
     heads AS MATERIALIZED (\
         SELECT f.writer, coalesce(w.head, 0) AS head FROM found f \
         LEFT JOIN countersign.writers w ON w.writer = f.writer WHERE f.writer IS NOT NULL) \
     SELECT h.writer, s.seq FROM heads h CROSS JOIN LATERAL (\
         (SELECT seq FROM countersign.entries e WHERE e.writer = h.writer AND e.seq > h.head \
              ORDER BY e.seq LIMIT 1) \
         UNION ALL \
         (SELECT seq FROM countersign.entries e WHERE e.writer = h.writer AND e.seq < 1 \
              ORDER BY e.seq LIMIT 1) \
         LIMIT 1) AS s";

/// Entries after one; also used by the writer.
pub(super) async fn read_after(
    session: &mut Session,
    writer: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<Stored>, StoreError> {
    let query = sqlx::query(SELECT_AFTER)
        .bind(writer)
        .bind(seq_to_sql(after))
        .bind(i64::from(limit))
        .bind(READ_BYTES);
    let entries = stored(&session.rows(query).await?)?;
    // The key holds the time as well: only the owner can have put two of one number there.
    let twice = entries.iter().zip(entries.iter().skip(1)).find(|(one, next)| one.seq == next.seq);
    match twice {
        Some((entry, _)) => {
            let (writer, seq) = (writer.to_owned(), seq_to_sql(entry.seq));
            Err(StoreError::Damaged { writer, seq, column: None })
        }
        None => Ok(entries),
    }
}

/// A writer with a spool shows every few seconds that it lives. One that comes back later than its
/// silence is taken for gone. What a clock said long ago says nothing of it now.
const SELECT_TIME: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
const FLEET: &str = "SELECT \
    coalesce(array_agg(writer ORDER BY writer) FILTER (WHERE silence_ms > 0 \
        AND heartbeat < clock_timestamp() - interval '30 seconds' \
        AND heartbeat > clock_timestamp() - make_interval(secs => silence_ms / 1000.0)), '{}'), \
    coalesce(max(abs(skew_ms)) FILTER ( \
        WHERE heartbeat > clock_timestamp() - interval '5 minutes'), 0) \
    FROM countersign.writers WHERE instance <> ''";

pub(super) fn stored(rows: &[PgRow]) -> Result<Vec<Stored>, StoreError> {
    rows.iter().map(one).collect()
}

/// What belongs in one month and stands in another was moved, or has the id of another event.
fn one(row: &PgRow) -> Result<Stored, StoreError> {
    let fields = Fields::from_row(row).map_err(|error| misshaped(row, error))?;
    let stored = fields.stored()?;
    match row.try_get::<i64, _>(8) {
        Ok(at) if Some(at) == stored.id.time_ms() => Ok(stored),
        _ => {
            // Documents are canonical: there is one way to say it.
            let is_its = stored.doc.contains(&format!("\"id\":\"{}\"", stored.id));
            let column = Some(if is_its { "at" } else { "id" });
            let (writer, seq) = (stored.writer, seq_to_sql(stored.seq));
            Err(StoreError::Damaged { writer, seq, column })
        }
    }
}

/// A column that holds nothing, or what no schema of countersign lets it hold.
fn misshaped(row: &PgRow, error: sqlx::Error) -> StoreError {
    match (row.try_get(0), row.try_get(1)) {
        (Ok(writer), Ok(seq)) => StoreError::Damaged { writer, seq, column: None },
        _ => shape(error),
    }
}

/// Rows of two columns.
pub(super) fn pairs<A, B>(rows: &[PgRow]) -> Result<Vec<(A, B)>, StoreError>
where
    (A, B): for<'r> FromRow<'r, PgRow>,
{
    rows.iter().map(|row| <(A, B)>::from_row(row).map_err(shape)).collect()
}

fn shape(error: sqlx::Error) -> StoreError {
    StoreError::Failed(sqlstate::cause(error))
}

#[async_trait]
impl LedgerReader for PostgresReader {
    async fn writers(&mut self) -> Result<Vec<String>, StoreError> {
        let rows = self.session.rows(sqlx::query(SELECT_WRITERS)).await?;
        rows.iter().map(|row| row.try_get(0).map_err(shape)).collect()
    }

    async fn head(&mut self, writer: &str) -> Result<u64, StoreError> {
        let rows = self.session.rows(sqlx::query(SELECT_HEAD).bind(writer)).await?;
        Ok(value(&rows, 0)?.map_or(0, sql_to_seq))
    }

    async fn heads(&mut self) -> Result<Vec<(String, u64)>, StoreError> {
        let heads: Vec<(String, i64)> =
            pairs(&self.session.rows(sqlx::query(SELECT_HEADS)).await?)?;
        Ok(heads.into_iter().map(|(writer, head)| (writer, sql_to_seq(head))).collect())
    }

    async fn read_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        read_after(&mut self.session, writer, after, limit).await
    }

    async fn entry(&mut self, writer: &str, seq: u64) -> Result<Option<Stored>, StoreError> {
        let query = sqlx::query(SELECT_ENTRY).bind(writer).bind(seq_to_sql(seq));
        Ok(stored(&self.session.rows(query).await?)?.into_iter().next())
    }

    async fn entries(&mut self, writer: &str, seqs: &[u64]) -> Result<Vec<Stored>, StoreError> {
        let list: Vec<i64> = seqs.iter().copied().map(seq_to_sql).collect();
        let query = sqlx::query(SELECT_SIZES_OF).bind(writer).bind(&list);
        let sizes: HashMap<i64, i64> =
            pairs(&self.session.rows(query).await?)?.into_iter().collect();
        let mut bytes = 0_i64;
        let fit: Vec<i64> = list
            .into_iter()
            .enumerate()
            .take_while(|(position, seq)| {
                bytes = bytes.saturating_add(sizes.get(seq).copied().unwrap_or(0));
                *position < 2 || bytes <= READ_BYTES
            })
            .map(|(_, seq)| seq)
            .collect();
        let query = sqlx::query(SELECT_ENTRIES_OF).bind(writer).bind(&fit);
        stored(&self.session.rows(query).await?)
    }

    async fn ended(
        &mut self,
        writer: &str,
        head: u64,
        range: Range<u64>,
        limit: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        let query = sqlx::query(SELECT_ENDED)
            .bind(writer)
            .bind(seq_to_sql(range.start))
            .bind(seq_to_sql(range.end))
            .bind(seq_to_sql(head))
            .bind(i64::from(limit));
        let rows: Vec<(i64, String)> = pairs(&self.session.rows(query).await?)?;
        let id = |(seq, id): (i64, String)| {
            id.parse().map_err(|_| StoreError::Damaged {
                writer: writer.to_owned(),
                seq,
                column: Some("id"),
            })
        };
        rows.into_iter().map(id).collect()
    }

    async fn purged_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Purged>, StoreError> {
        let query =
            sqlx::query(SELECT_PURGED).bind(writer).bind(seq_to_sql(after)).bind(i64::from(limit));
        let rows = self.session.rows(query).await?;
        let purged = |row: &PgRow| {
            let (seq, leaf, by) = <(i64, Vec<u8>, i64)>::from_row(row).map_err(shape)?;
            Ok(Purged { seq: sql_to_seq(seq), leaf, by: sql_to_seq(by) })
        };
        rows.iter().map(purged).collect()
    }

    async fn said_to_be_purged(
        &mut self,
        writer: &str,
        range: RangeInclusive<u64>,
        limit: u32,
    ) -> Result<Vec<u64>, StoreError> {
        let query = sqlx::query(SELECT_SAID_TO_BE_PURGED)
            .bind(writer)
            .bind(seq_to_sql(*range.start()))
            .bind(seq_to_sql(*range.end()))
            .bind(i64::from(limit));
        let rows = self.session.rows(query).await?;
        rows.iter().map(|row| row.try_get(0).map(sql_to_seq).map_err(shape)).collect()
    }

    async fn unguarded(&mut self) -> Result<Vec<Unguarded>, StoreError> {
        guard::unguarded(&mut self.session).await
    }

    async fn completion_of(
        &mut self,
        writer: &str,
        seq: u64,
    ) -> Result<Option<Stored>, StoreError> {
        let query = sqlx::query(SELECT_COMPLETION).bind(writer).bind(seq_to_sql(seq));
        Ok(stored(&self.session.rows(query).await?)?.into_iter().next())
    }

    async fn strays(&mut self) -> Result<Vec<(String, i64)>, StoreError> {
        pairs(&self.session.rows(sqlx::query(SELECT_STRAYS)).await?)
    }

    async fn time(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let rows = self.session.rows(sqlx::query(SELECT_TIME)).await?;
        Ok(value::<i64>(&rows, 0)?.and_then(Timestamp::from_timestamp_millis))
    }

    async fn fleet(&mut self) -> Result<Fleet, StoreError> {
        let rows = self.session.rows(sqlx::query(FLEET)).await?;
        let (silent, skew_ms) = pairs::<Vec<String>, i64>(&rows)?.pop().unwrap_or_default();
        Ok(Fleet { silent, skew: Duration::from_millis(skew_ms.unsigned_abs()) })
    }

    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.session.close().await
    }
}

impl<'r> FromRow<'r, PgRow> for Fields<'r> {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            writer: row.try_get(0)?,
            seq: row.try_get(1)?,
            kind: row.try_get(2)?,
            id: row.try_get(3)?,
            intent: row.try_get(4)?,
            scope: row.try_get(5)?,
            doc: row.try_get(6)?,
            leaf: row.try_get(7)?,
        })
    }
}
