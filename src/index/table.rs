//! The tables: their schema, and rows on their way in and out.
//!
//! Rows are written by a few statements with many rows each: every statement is a round trip to
//! the database's thread.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::{IndexError, Row};

pub(super) const SCHEMA: &str = "
CREATE TABLE cursors (
    writer TEXT    NOT NULL PRIMARY KEY,
    seq    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    n           INTEGER PRIMARY KEY,
    writer      TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    act         INTEGER NOT NULL,
    completion  INTEGER,
    id          TEXT    NOT NULL,
    time_ms     INTEGER NOT NULL,
    action      TEXT,
    category    TEXT,
    description TEXT,
    actor_type  TEXT,
    actor_id    TEXT,
    actor_name  TEXT,
    actor_email TEXT,
    actor_verified INTEGER NOT NULL,
    route       TEXT,
    rule        TEXT,
    outcome     TEXT,
    severity    TEXT,
    reason      TEXT,
    request_id  TEXT,
    method      TEXT,
    path        TEXT,
    status      INTEGER,
    duration_ms INTEGER,
    targets     TEXT    NOT NULL,
    scope       TEXT    NOT NULL,
    UNIQUE (writer, seq, act)
) STRICT;
CREATE INDEX events_newest ON events (time_ms, id, act);
CREATE INDEX events_id ON events (id);
CREATE INDEX events_coverage ON events (rule, method, route, action, time_ms, act) WHERE act < 2;

CREATE TABLE targets (
    n    INTEGER NOT NULL,
    type TEXT    NOT NULL,
    id   TEXT    NOT NULL,
    name TEXT    NOT NULL,
    PRIMARY KEY (n, type, id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE scopes (
    n     INTEGER NOT NULL,
    name  TEXT    NOT NULL,
    value TEXT    NOT NULL,
    PRIMARY KEY (n, name)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE texts USING fts5(text, content = '', contentless_delete = 1);
";

pub(super) const DROP: &str = "
DROP TABLE IF EXISTS cursors;
DROP TABLE IF EXISTS events;
DROP TABLE IF EXISTS targets;
DROP TABLE IF EXISTS scopes;
DROP TABLE IF EXISTS texts;
";

/// The columns of `events` in the order in which they are read and written.
pub(super) const COLUMNS: &str = "n, writer, seq, completion, id, time_ms, action, category, \
    description, actor_type, actor_id, actor_name, actor_email, outcome, severity, reason, \
    request_id, method, path, status, duration_ms, targets, scope, actor_verified, act, route, rule";

/// Rows of one statement. SQLite allows 32,766 parameters.
const ROWS_MAX: usize = 1000;

/// The events of a batch, with the rows of each, and the numbers of rows that the tables hold already.
pub(super) struct Numbered {
    events: BTreeMap<u64, Vec<Row>>,
    /// Those that were there before.
    known: Vec<i64>,
    next: i64,
}

impl Numbered {
    /// Loads the events of `writer` that begin at `seqs`.
    pub(super) async fn load(
        conn: &mut SqliteConnection,
        writer: &str,
        seqs: &[u64],
    ) -> Result<Self, IndexError> {
        let last: Option<i64> = sqlx::query_scalar("SELECT max(n) FROM events")
            .fetch_one(&mut *conn)
            .await
            .map_err(IndexError::Update)?;
        let mut numbered =
            Self { events: BTreeMap::new(), known: Vec::new(), next: last.unwrap_or(0) + 1 };
        for seqs in seqs.chunks(ROWS_MAX) {
            let mut query = QueryBuilder::<Sqlite>::new(format!("SELECT {COLUMNS} FROM events"));
            query.push(" WHERE writer = ").push_bind(writer).push(" AND seq IN (");
            let mut separated = query.separated(", ");
            for seq in seqs {
                separated.push_bind(signed(*seq));
            }
            query.push(") ORDER BY seq, act");
            let rows = query.build().persistent(false).fetch_all(&mut *conn).await;
            for row in rows.map_err(IndexError::Update)? {
                numbered.known.push(row.try_get(0).map_err(IndexError::Update)?);
                let row = read(&row)?;
                numbered.events.entry(row.seq).or_default().push(row);
            }
        }
        Ok(numbered)
    }

    /// Takes the rows of an event out, if it is there.
    pub(super) fn take(&mut self, seq: u64) -> Option<Vec<Row>> {
        self.events.remove(&seq)
    }

    pub(super) fn insert(&mut self, seq: u64, rows: Vec<Row>) {
        self.events.insert(seq, rows);
    }

    /// Writes all of them, in place of what was there.
    pub(super) async fn write(self, conn: &mut SqliteConnection) -> Result<(), IndexError> {
        for known in self.known.chunks(ROWS_MAX) {
            for (table, n) in
                [("events", "n"), ("targets", "n"), ("scopes", "n"), ("texts", "rowid")]
            {
                let mut query =
                    QueryBuilder::<Sqlite>::new(format!("DELETE FROM {table} WHERE {n} IN ("));
                let mut separated = query.separated(", ");
                for n in known {
                    separated.push_bind(*n);
                }
                query.push(")");
                execute(conn, query).await?;
            }
        }
        let rows: Vec<(i64, Row)> =
            (self.next..).zip(self.events.into_values().flatten()).collect();
        for rows in rows.chunks(ROWS_MAX) {
            write_events(conn, rows).await?;
            let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO texts (rowid, text) ");
            query.push_values(rows, |mut values, (n, row)| {
                values.push_bind(*n).push_bind(row.text());
            });
            execute(conn, query).await?;
        }
        let targets = rows.iter().flat_map(|(n, row)| row.targets.iter().map(move |t| (*n, t)));
        let targets: Vec<_> = targets.collect();
        for targets in targets.chunks(ROWS_MAX) {
            let insert = "INSERT OR IGNORE INTO targets (n, type, id, name) ";
            let mut query = QueryBuilder::<Sqlite>::new(insert);
            query.push_values(targets, |mut values, (n, target)| {
                values.push_bind(*n).push_bind(target.kind.as_str());
                values.push_bind(target.id.as_str()).push_bind(target.name.as_str());
            });
            execute(conn, query).await?;
        }
        let scopes = rows.iter().flat_map(|(n, row)| row.scope.iter().map(move |s| (*n, s)));
        let scopes: Vec<_> = scopes.collect();
        for scopes in scopes.chunks(ROWS_MAX) {
            let insert = "INSERT OR IGNORE INTO scopes (n, name, value) ";
            let mut query = QueryBuilder::<Sqlite>::new(insert);
            query.push_values(scopes, |mut values, (n, (name, value))| {
                values.push_bind(*n).push_bind(name.as_str()).push_bind(value.as_str());
            });
            execute(conn, query).await?;
        }
        Ok(())
    }
}

async fn execute(
    conn: &mut SqliteConnection,
    mut query: QueryBuilder<Sqlite>,
) -> Result<(), IndexError> {
    let done = query.build().persistent(false).execute(conn).await;
    done.map(drop).map_err(IndexError::Update)
}

async fn write_events(conn: &mut SqliteConnection, rows: &[(i64, Row)]) -> Result<(), IndexError> {
    let mut documents = Vec::with_capacity(rows.len());
    for (_, row) in rows {
        let targets = serde_json::to_string(&row.targets).map_err(IndexError::Row)?;
        let scope = serde_json::to_string(&row.scope).map_err(IndexError::Row)?;
        documents.push((targets, scope));
    }
    let mut query = QueryBuilder::<Sqlite>::new(format!("INSERT INTO events ({COLUMNS}) "));
    query.push_values(rows.iter().zip(documents), |mut values, ((n, row), (targets, scope))| {
        values.push_bind(*n).push_bind(row.writer.as_str()).push_bind(signed(row.seq));
        values.push_bind(row.completion.map(signed)).push_bind(row.id.as_str());
        values.push_bind(row.time_ms);
        for text in [
            &row.action,
            &row.category,
            &row.description,
            &row.actor_type,
            &row.actor_id,
            &row.actor_name,
            &row.actor_email,
            &row.outcome,
            &row.severity,
            &row.reason,
            &row.request_id,
            &row.method,
            &row.path,
        ] {
            values.push_bind(text.as_deref());
        }
        values.push_bind(row.status).push_bind(row.duration_ms.map(signed));
        values.push_bind(targets).push_bind(scope).push_bind(row.actor_verified);
        values.push_bind(row.act);
        values.push_bind(row.route.as_deref()).push_bind(row.rule.as_deref());
    });
    execute(conn, query).await
}

/// A row as it is in `events`.
pub(super) fn read(row: &SqliteRow) -> Result<Row, IndexError> {
    let unusable = IndexError::Search;
    let text = |column: usize| row.try_get::<Option<String>, _>(column).map_err(unusable);
    let number = |column: usize| row.try_get::<Option<i64>, _>(column).map_err(unusable);
    let json = |column: usize| row.try_get::<&str, _>(column).map_err(unusable);
    Ok(Row {
        writer: text(1)?.unwrap_or_default(),
        seq: unsigned(number(2)?).unwrap_or_default(),
        act: number(24)?.and_then(|act| u32::try_from(act).ok()).unwrap_or_default(),
        completion: unsigned(number(3)?),
        id: text(4)?.unwrap_or_default(),
        time_ms: number(5)?.unwrap_or_default(),
        action: text(6)?,
        category: text(7)?,
        description: text(8)?,
        actor_type: text(9)?,
        actor_id: text(10)?,
        actor_name: text(11)?,
        actor_email: text(12)?,
        actor_verified: number(23)?.is_some_and(|verified| verified != 0),
        outcome: text(13)?,
        severity: text(14)?,
        reason: text(15)?,
        request_id: text(16)?,
        method: text(17)?,
        path: text(18)?,
        status: number(19)?.and_then(|status| u16::try_from(status).ok()),
        duration_ms: unsigned(number(20)?),
        targets: serde_json::from_str(json(21)?).map_err(IndexError::Row)?,
        scope: serde_json::from_str(json(22)?).map_err(IndexError::Row)?,
        route: text(25)?,
        rule: text(26)?,
    })
}

/// Numbers stay below 2^63.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: Option<i64>) -> Option<u64> {
    number.and_then(|number| u64::try_from(number).ok())
}
