//! One connection, with deadlines on both sides.
//!
//! Two ways of using it. By itself a statement is prepared once, and each use of it is one round trip
//! and one transaction. Behind a pooler that gives every transaction another connection, nothing
//! outlives a transaction: each statement runs between `BEGIN` and `COMMIT`, with its settings.

use std::time::Duration;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Postgres};
use tokio::time::timeout;

use super::sqlstate;
use super::target::{PostgresHost, PostgresTarget};
use crate::store::StoreError;

/// The server gives up so much earlier than we do, so that mostly it is known what became of it.
const SERVER_SHARE: f64 = 0.7;
/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(10);
/// How long saying goodbye may take.
const CLOSING: Duration = Duration::from_secs(1);
/// A transaction of ours that does nothing for so many times its limit has lost its client.
const IDLE_TIMES: u32 = 4;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The server must take writes.
    Write,
    /// It need not.
    Read,
}

/// A connection.
pub(super) struct Session {
    conn: PgConnection,
    limit: Duration,
    /// What begins a transaction, where each statement needs one of its own.
    begin: Option<String>,
    sound: bool,
}

impl Session {
    /// Connects to the first of the hosts that will do. No statement on it takes longer than
    /// `limit`, and neither does any attempt to connect.
    pub(super) async fn connect(
        target: &PostgresTarget,
        purpose: Purpose,
        limit: Duration,
    ) -> Result<Self, StoreError> {
        let mut failed = None;
        for host in &target.hosts {
            match Self::connect_to(target, host, purpose, limit).await {
                Ok(session) => return Ok(session),
                // The first one's failure says most, unless it only was not the right one.
                Err(error) if matches!(failed, None | Some(StoreError::Standby { .. })) => {
                    failed = Some(error);
                }
                Err(_) => {}
            }
        }
        Err(failed.unwrap_or(StoreError::Closed))
    }

    async fn connect_to(
        target: &PostgresTarget,
        host: &PostgresHost,
        purpose: Purpose,
        limit: Duration,
    ) -> Result<Self, StoreError> {
        let options = target.options(host);
        let failed = |source| StoreError::Connect { server: host.to_string(), source };
        let connected = timeout(limit.min(CONNECTING), options.connect()).await;
        let conn = connected
            .map_err(|_| failed("the server did not answer in time".into()))?
            .map_err(|error| failed(sqlstate::cause(error)))?;
        let begin = (!target.prepared_statements).then(|| "BEGIN".to_owned());
        let mut session = Self { conn, limit, begin, sound: true };
        for (name, value) in settings(limit) {
            session.set(name, &value).await?;
        }
        if purpose == Purpose::Write {
            let rows = session.rows(sqlx::query(IN_RECOVERY)).await?;
            if super::value::<bool>(&rows, 0)?.unwrap_or_default() {
                session.close().await.ok();
                return Err(StoreError::Standby { server: host.to_string() });
            }
        }
        Ok(session)
    }

    /// Every transaction from now on has this setting as well. Neither may come from anybody else.
    pub(super) async fn set(&mut self, name: &'static str, value: &str) -> Result<(), StoreError> {
        // Not when connecting: poolers do not pass that on.
        if let Some(begin) = &mut self.begin {
            begin.push_str(&format!("; SET LOCAL {name} = {value}"));
            return Ok(());
        }
        let sql = AssertSqlSafe(format!("SET {name} = {value}"));
        match timeout(self.limit, sqlx::raw_sql(sql).execute(&mut self.conn)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(sqlstate::sort(error, false)),
            Err(_) => Err(StoreError::Failed(TIMED_OUT.into())),
        }
    }

    /// Whether nothing has happened on it after which it should be replaced.
    pub(super) fn is_sound(&self) -> bool {
        self.sound
    }

    /// One statement in one transaction; its rows.
    pub(super) async fn rows(
        &mut self,
        query: Query<'_, Postgres, PgArguments>,
    ) -> Result<Vec<PgRow>, StoreError> {
        let limit = self.limit;
        // Without a transaction around it, the statement is its own commit.
        let mut committing = self.begin.is_none();
        let result = match timeout(limit, self.work(query, &mut committing)).await {
            Ok(Ok(rows)) => Ok(rows),
            Ok(Err(error)) => Err(sqlstate::sort(error, committing)),
            Err(_) if committing => Err(StoreError::Uncertain(TIMED_OUT.into())),
            Err(_) => Err(StoreError::Failed(TIMED_OUT.into())),
        };
        self.sound &= match &result {
            Ok(_) => true,
            Err(error) => matches!(
                error,
                StoreError::Busy(_)
                    | StoreError::DiskFull(_)
                    | StoreError::Rejected(_)
                    | StoreError::Superseded { .. }
            ),
        };
        result
    }

    async fn work(
        &mut self,
        query: Query<'_, Postgres, PgArguments>,
        committing: &mut bool,
    ) -> Result<Vec<PgRow>, sqlx::Error> {
        let Some(begin) = &self.begin else {
            return query.fetch_all(&mut self.conn).await;
        };
        sqlx::raw_sql(AssertSqlSafe(begin.as_str())).execute(&mut self.conn).await?;
        match query.persistent(false).fetch_all(&mut self.conn).await {
            Ok(rows) => {
                *committing = true;
                sqlx::raw_sql("COMMIT").execute(&mut self.conn).await?;
                Ok(rows)
            }
            Err(error) => {
                if error.as_database_error().is_some() {
                    sqlx::raw_sql("ROLLBACK").execute(&mut self.conn).await?;
                }
                Err(error)
            }
        }
    }

    /// The connection itself.
    pub(super) fn conn(&mut self) -> &mut PgConnection {
        &mut self.conn
    }

    /// Says goodbye, but does not wait for long.
    pub(super) async fn close(self) -> Result<(), StoreError> {
        match timeout(CLOSING, self.conn.close()).await {
            Ok(closed) => closed.map_err(|error| StoreError::Failed(sqlstate::cause(error))),
            Err(_) => Err(StoreError::Failed(TIMED_OUT.into())),
        }
    }
}

const TIMED_OUT: &str = "the server did not answer in time";

const IN_RECOVERY: &str = "SELECT pg_is_in_recovery()";

/// The server's own limits, in milliseconds; the numbers are ours, so they can stand in SQL.
/// All that is asked for here has an index, whatever the planner thinks of tables that were empty when
/// it was asked first.
fn settings(limit: Duration) -> [(&'static str, String); 5] {
    let ms = |limit: Duration| limit.as_millis().max(1).to_string();
    [
        ("statement_timeout", ms(limit.mul_f64(SERVER_SHARE))),
        ("lock_timeout", ms(limit.mul_f64(SERVER_SHARE / 2.0))),
        ("idle_in_transaction_session_timeout", ms(limit * IDLE_TIMES)),
        ("enable_seqscan", "off".to_owned()),
        // Planning for every month again takes longer than the reading.
        ("plan_cache_mode", "force_generic_plan".to_owned()),
    ]
}
