//! The schema's versions, forward only, and who may read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sqlx::{Acquire, Executor, PgConnection};

use super::session::{Purpose, Session};
use super::target::PostgresTarget;
use super::{guard, sqlstate, value};
use crate::store::{StoreError, Unguarded};

/// How long a step may take.
const STEP_LIMIT: Duration = Duration::from_secs(600);

/// One step of the schema.
struct Step {
    sql: &'static str,
    /// The oldest version that a program may know and still work with the schema after this step.
    compatible: i32,
}

/// Each step leads from the version that is its position to the next. Steps are never changed once
/// released, and a step leaves what the version before it needs, so that proxies of that version go
/// on working.
const STEPS: &[Step] = &[Step { sql: include_str!("schema/1.sql"), compatible: 1 }];

/// Roles and grants: after every migration, also where there was nothing to do.
pub(super) const ROLES: &str = include_str!("schema/roles.sql");

/// The version of the schema that this program makes.
pub const POSTGRES_SCHEMA_VERSION: i64 = STEPS.len() as i64;

/// The only encoding in which a ledger can be.
pub(super) const UTF8: &str = "UTF8";

/// Two of them never run at the same time. The number is this product's.
pub(super) const LOCK: &str = "SELECT pg_advisory_xact_lock(7235610953847)";

/// Nobody who appends waits for long because a step waits for somebody who reads.
pub(super) const PATIENCE: &str = "SET LOCAL lock_timeout = '5s'";

const BEGINNING: &str = "
CREATE SCHEMA IF NOT EXISTS countersign;
CREATE TABLE IF NOT EXISTS countersign.migrations (
    version    integer     NOT NULL PRIMARY KEY,
    compatible integer     NOT NULL,
    at         timestamptz NOT NULL DEFAULT now()
);
";

const EXISTS: &str = "SELECT to_regclass('countersign.migrations') IS NOT NULL";
const VERSION: &str = "SELECT max(version), max(compatible) FROM countersign.migrations";
const STEP_DONE: &str = "INSERT INTO countersign.migrations (version, compatible) VALUES ($1, $2)";

/// What a migration came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// The version before.
    pub from: i64,
    /// The version now.
    pub to: i64,
    /// Whether there are roles for proxies and for people; else the login may not make any.
    pub roles: bool,
    /// What guards the ledger and was missing or changed; it is made again.
    pub mended: Vec<Unguarded>,
    /// What is there that is not the schema's own: whoever made it has to take it away.
    pub foreign: Vec<Unguarded>,
}

impl Migration {
    fn new(from: i64, to: i64, roles: bool) -> Self {
        Self { from, to, roles, mended: Vec::new(), foreign: Vec::new() }
    }
}

/// The text of all steps.
pub(super) fn steps_of_schema() -> impl Iterator<Item = &'static str> {
    STEPS.iter().map(|step| step.sql)
}

/// Brings the schema to [`POSTGRES_SCHEMA_VERSION`], each step in a transaction of its own. The login
/// becomes, or is, the owner of everything.
pub async fn migrate(target: &PostgresTarget) -> Result<Migration, StoreError> {
    let mut session = Session::connect(target, Purpose::Write, STEP_LIMIT).await?;
    require_encoding(&mut session, target).await?;
    // There may be no schema yet, or another one.
    let before = guard::unguarded(&mut session).await.unwrap_or_default();
    let migrated = match steps(session.conn(), target).await {
        Ok(migrated) if migrated.to == POSTGRES_SCHEMA_VERSION => {
            mended(&mut session, migrated, before).await
        }
        migrated => migrated,
    };
    let closed = session.close().await;
    let migrated = migrated?;
    closed?;
    Ok(migrated)
}

/// Makes again what guards the ledger, where that is not all there. Some of what was found `before` the steps
/// comes back with them: rights are given each time.
async fn mended(
    session: &mut Session,
    migrated: Migration,
    before: Vec<Unguarded>,
) -> Result<Migration, StoreError> {
    let wrong = guard::unguarded(session).await?;
    let mut foreign = Vec::new();
    if !wrong.is_empty() {
        guard::restore(session.conn(), &wrong).await?;
        foreign = guard::unguarded(session).await?;
    }
    let found = if migrated.from == migrated.to { before } else { wrong };
    let mended = found.into_iter().filter(|it| !foreign.contains(it)).collect();
    Ok(Migration { mended, foreign, ..migrated })
}

async fn steps(conn: &mut PgConnection, target: &PostgresTarget) -> Result<Migration, StoreError> {
    let mut from = None;
    loop {
        let mut transaction = conn.begin().await.map_err(failed)?;
        transaction.execute(PATIENCE).await.map_err(failed)?;
        transaction.execute(LOCK).await.map_err(failed)?;
        let exists: bool = sqlx::query_scalar(EXISTS)
            .persistent(false)
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
        if !exists {
            transaction.execute(sqlx::raw_sql(BEGINNING)).await.map_err(failed)?;
        }
        let (found, compatible): (Option<i32>, Option<i32>) = sqlx::query_as(VERSION)
            .persistent(false)
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
        let found = i64::from(found.unwrap_or(0));
        let first = *from.get_or_insert(found);
        if found > POSTGRES_SCHEMA_VERSION {
            usable(target, found, i64::from(compatible.unwrap_or(0)))?;
            return Ok(Migration::new(first, found, true));
        }
        let Some((version, step)) = (0_i64..).zip(STEPS).nth(usize::try_from(found).unwrap_or(0))
        else {
            transaction.execute(sqlx::raw_sql(ROLES)).await.map_err(failed)?;
            let roles = sqlx::query_scalar(HAS_ROLES)
                .persistent(false)
                .fetch_one(&mut *transaction)
                .await
                .map_err(failed)?;
            transaction.commit().await.map_err(failed)?;
            return Ok(Migration::new(first, found, roles));
        };
        transaction.execute(sqlx::raw_sql(step.sql)).await.map_err(failed)?;
        sqlx::query(STEP_DONE)
            .bind(i32::try_from(version + 1).unwrap_or(i32::MAX))
            .bind(step.compatible)
            .persistent(false)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
    }
}

const HAS_ROLES: &str = "SELECT count(*) = 4 FROM pg_roles \
                         WHERE rolname IN ('countersign_writer', 'countersign_auditor', \
                                           'countersign_reader', 'countersign_sight')";

/// All of the SQL, for whoever runs it by hand.
pub fn print_schema() -> String {
    let mut text = format!("BEGIN;\n{BEGINNING}");
    for (version, step) in (1..).zip(STEPS) {
        text.push_str(&format!(
            "\n-- Version {version}.\n{}\nINSERT INTO countersign.migrations (version, compatible) \
             VALUES ({version}, {});\n",
            step.sql, step.compatible
        ));
    }
    text.push('\n');
    text.push_str(ROLES);
    text.push_str("COMMIT;\n");
    text
}

/// Fails unless there is a schema that this program can work with.
pub(super) async fn require(
    session: &mut Session,
    target: &PostgresTarget,
) -> Result<(), StoreError> {
    let rows = session.rows(sqlx::query(EXISTS)).await?;
    if !value::<bool>(&rows, 0)?.unwrap_or_default() {
        return Err(StoreError::NoSchema { database: target.to_string() });
    }
    let rows = session.rows(sqlx::query(VERSION)).await?;
    let found = i64::from(value::<i32>(&rows, 0)?.unwrap_or(0));
    usable(target, found, i64::from(value::<i32>(&rows, 1)?.unwrap_or(0)))
}

fn usable(target: &PostgresTarget, found: i64, compatible: i64) -> Result<(), StoreError> {
    let (database, known) = (target.to_string(), POSTGRES_SCHEMA_VERSION);
    if found < known {
        return Err(StoreError::OlderSchema { database, found, known });
    }
    if found > known && compatible > known {
        return Err(StoreError::NewerSchema { database, found, known });
    }
    Ok(())
}

/// Lets a login read with SQL: entries of these scopes, or all where there are none. It must exist.
/// What it had before is taken back. Whoever has scopes must not be able to read the tables.
pub async fn set_reader(
    target: &PostgresTarget,
    login: &str,
    scopes: Option<&BTreeMap<String, BTreeSet<String>>>,
) -> Result<(), StoreError> {
    let mut session = Session::connect(target, Purpose::Write, STEP_LIMIT).await?;
    require(&mut session, target).await?;
    let set = set_reader_in(session.conn(), target, login, scopes).await;
    let closed = session.close().await;
    set.and(closed)
}

async fn set_reader_in(
    conn: &mut PgConnection,
    target: &PostgresTarget,
    login: &str,
    scopes: Option<&BTreeMap<String, BTreeSet<String>>>,
) -> Result<(), StoreError> {
    let mut transaction = conn.begin().await.map_err(failed)?;
    let json = scopes.map(|scopes| serde_json::json!(scopes).to_string());
    let (given, taken) = match scopes {
        Some(_) => ("countersign_reader", "countersign_auditor"),
        None => ("countersign_auditor", "countersign_reader"),
    };
    let set = sqlx::query(SET_READER).bind(login).bind(json);
    let named = sqlx::query(NAME_READER).bind(login).bind(given).bind(taken);
    for query in [set, named] {
        query.persistent(false).execute(&mut *transaction).await.map_err(failed)?;
    }
    transaction.execute(sqlx::raw_sql(GRANT_READER)).await.map_err(failed)?;
    let (reads, is_open, logs_in): (bool, bool, bool) = sqlx::query_as(RIGHTS)
        .bind(login)
        .persistent(false)
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
    // Dropped, the transaction is rolled back.
    if scopes.is_some() && !logs_in {
        return Err(StoreError::NoLogin { login: login.to_owned() });
    }
    if scopes.is_some() && is_open {
        return Err(StoreError::Unlimited { login: login.to_owned() });
    }
    if scopes.is_some() && !reads {
        return Err(StoreError::NoSight { database: target.to_string() });
    }
    transaction.commit().await.map_err(failed)
}

const SET_READER: &str = "INSERT INTO countersign.readers (login, scopes) VALUES ($1, $2::jsonb) \
                          ON CONFLICT (login) DO UPDATE SET scopes = excluded.scopes";
const NAME_READER: &str = "SELECT set_config('countersign.login', $1, true), \
                                  set_config('countersign.given', $2, true), \
                                  set_config('countersign.taken', $3, true)";
const GRANT_READER: &str = "DO $$ BEGIN \
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = current_setting('countersign.taken')) THEN \
        EXECUTE format('REVOKE %I FROM %I', current_setting('countersign.taken'), \
                       current_setting('countersign.login')); \
    END IF; \
    EXECUTE format('GRANT %I TO %I', current_setting('countersign.given'), \
                   current_setting('countersign.login')); END $$";
/// Whether it can read what it may see, and whether it, or a role that it can take, can read tables, or
/// come to such a right, or to the files of the server, or to what it sends to its standbys; and whether
/// it is a login.
const RIGHTS: &str = "SELECT \
    has_function_privilege($1::name, \
        'countersign.visible_entries(timestamptz, timestamptz)', 'EXECUTE'), \
    EXISTS (SELECT FROM pg_roles r, pg_class c \
            WHERE pg_has_role($1::name, r.oid, 'MEMBER') \
                  AND c.relnamespace = 'countersign'::regnamespace AND c.relkind IN ('r', 'p') \
                  AND has_any_column_privilege(r.oid, c.oid, 'SELECT')) \
    OR EXISTS (SELECT FROM pg_roles r WHERE pg_has_role($1::name, r.oid, 'MEMBER') \
               AND (r.rolsuper OR r.rolbypassrls OR r.rolreplication OR r.rolcreaterole \
                    OR r.rolname IN ('pg_read_server_files', 'pg_write_server_files', \
                                     'pg_execute_server_program'))), \
    EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND rolcanlogin)";
const ENCODING: &str = "SELECT current_setting('server_encoding')";

/// Not every text can be held in another encoding.
async fn require_encoding(
    session: &mut Session,
    target: &PostgresTarget,
) -> Result<(), StoreError> {
    let rows = session.rows(sqlx::query(ENCODING)).await?;
    let value = value::<String>(&rows, 0)?.unwrap_or_default();
    if value == UTF8 {
        return Ok(());
    }
    let (database, setting) = (target.to_string(), "server_encoding");
    Err(StoreError::NotDurableServer { database, setting, value, wanted: UTF8 })
}

/// Where a step fails, its transaction is rolled back.
pub(super) fn failed(error: sqlx::Error) -> StoreError {
    sqlstate::sort(error, false)
}
