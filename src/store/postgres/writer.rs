//! The writing connection.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::Row;

use super::instance::Instance;
use super::migrate::{UTF8, migrate, require};
use super::reader::{SELECT_HEAD, read_after};
use super::session::{Purpose, Session};
use super::{PostgresOptions, guard, sqlstate, value};
use crate::clock::{Clock, SystemClock};
use crate::record::{Entry, Stored, leaf_hash};
use crate::store::files::DirLock;
use crate::store::rows::{seq_to_sql, sql_to_seq};
use crate::store::sqlite::scope_json;
use crate::store::{Orphan, Purged, Store, StoreError, Unguarded};

/// Months whose partitions are made ahead of time.
const MONTHS_AHEAD: i32 = 3;

const APPEND: &str =
    "SELECT countersign.append($1, $2, $3, $4, $5::text[]::uuid[], $6, $7, $8, $9)";
const CLAIM: &str =
    "SELECT claimed_epoch, claimed_head FROM countersign.claim($1, $2, $3, $4, $5, $6, $7)";
const TAKE_OVER: &str = "SELECT countersign.take_over($1, $2)";
const BEAT: &str = "SELECT countersign.beat($1, $2, $3, $4), \
                    to_regclass('countersign.entries_' || to_char( \
                        now() AT TIME ZONE 'UTC' + interval '2 months', 'YYYY_MM')) IS NULL";
const RELEASE: &str = "SELECT countersign.release($1, $2)";
const MAKE_PARTITIONS: &str =
    "SELECT countersign.make_partitions($1), countersign.drop_empty_partitions()";
const PURGE: &str = "SELECT countersign.purge($1, $2, $3, $4, $5)";
const SELECT_HOLDER: &str = "SELECT holder, \
     greatest(0, extract(epoch FROM clock_timestamp() - heartbeat))::bigint, \
     CASE WHEN instance = ANY ($2) THEN 0 ELSE silence_ms / 1000 END \
     FROM countersign.writers WHERE writer = $1";
const SELECT_CLOSED: &str = "SELECT closed FROM countersign.writers WHERE writer = $1";
/// This writer, and those that are gone.
const SELECT_GONE: &str = "SELECT writer FROM countersign.writers WHERE writer = $1 OR instance = '' \
     OR heartbeat < clock_timestamp() - make_interval(secs => greatest($2::bigint, silence_ms) / 1000.0) ORDER BY writer";
const SELECT_ORPHANS: &str = "SELECT seq, id::text, scope FROM countersign.entries i \
     WHERE writer = $1 AND seq > $2 AND kind = 'intent' AND NOT EXISTS \
         (SELECT FROM countersign.entries c WHERE c.writer = $1 AND c.intent = i.seq AND c.at = i.at) \
     ORDER BY seq LIMIT $3";
const SELECT_SETTINGS: &str = "SELECT current_setting('synchronous_commit'), \
                               coalesce(current_setting('fsync', true), 'on'), \
                               current_setting('server_encoding')";

/// A claimed writer.
pub(super) struct PostgresStore {
    session: Session,
    options: PostgresOptions,
    /// The epoch of the claim on each writer that is appended for.
    epochs: HashMap<String, i64>,
    _lock: Arc<DirLock>,
}

impl PostgresStore {
    pub(super) async fn open(
        options: PostgresOptions,
        mut instance: Instance,
        lock: Arc<DirLock>,
        may_begin: bool,
    ) -> Result<Self, StoreError> {
        let target = &options.target;
        let mut session = Session::connect(target, Purpose::Write, options.timeout).await?;
        require_durability(&mut session, target.to_string()).await?;
        match require(&mut session, target).await {
            Err(StoreError::NoSchema { .. }) if may_begin && may_create(&mut session).await? => {
                let made = migrate(target).await?;
                tracing::info!(
                    version = made.to,
                    "made the ledger's schema; its owner is this login, which is for trying out: \
                     see `countersign migrate`"
                );
            }
            required => required?,
        }
        let epoch = claim(&mut session, &options, &instance).await?;
        instance.claimed()?;
        let epochs = HashMap::from([(options.writer.clone(), epoch)]);
        let mut store = Self { session, options, epochs, _lock: lock };
        store.make_partitions().await?;
        Ok(store)
    }

    /// Where that does not come about, entries go to the partition that takes all.
    async fn make_partitions(&mut self) -> Result<(), StoreError> {
        let made = self.session.rows(sqlx::query(MAKE_PARTITIONS).bind(MONTHS_AHEAD)).await;
        if let Err(error) = made {
            tracing::warn!(reason = error.reason(), "the months' partitions cannot be made");
            if !self.session.is_sound() {
                return Err(error);
            }
        }
        Ok(())
    }

    fn dead_after_ms(&self) -> i64 {
        i64::try_from(self.options.dead_after.as_millis()).unwrap_or(i64::MAX)
    }

    /// The epoch in which this process may append for `writer`. Another writer is taken over for
    /// it, if it is gone.
    async fn epoch(&mut self, writer: &str) -> Result<i64, StoreError> {
        if let Some(epoch) = self.epochs.get(writer) {
            return Ok(*epoch);
        }
        let query = sqlx::query(TAKE_OVER).bind(writer).bind(self.dead_after_ms());
        let epoch: Option<i64> = value(&self.session.rows(query).await?, 0)?;
        let epoch = epoch.ok_or_else(|| superseded(writer))?;
        self.epochs.insert(writer.to_owned(), epoch);
        Ok(epoch)
    }

    /// Learns from an error, and gives it the writer's name.
    fn noted(&mut self, writer: &str, error: StoreError) -> StoreError {
        if writer != self.options.writer {
            self.epochs.remove(writer);
        }
        match error {
            StoreError::Superseded { .. } => superseded(writer),
            error => error,
        }
    }

    async fn beat(
        &mut self,
        writer: &str,
        closed: Option<u64>,
        clock_ms: Option<i64>,
    ) -> Result<(), StoreError> {
        let epoch = self.epoch(writer).await?;
        let query =
            sqlx::query(BEAT).bind(writer).bind(epoch).bind(closed.map(seq_to_sql)).bind(clock_ms);
        let rows = match self.session.rows(query).await {
            Ok(rows) => rows,
            Err(error) => return Err(self.noted(writer, error)),
        };
        if value::<i64>(&rows, 0)?.is_none() {
            return Err(self.noted(writer, superseded(writer)));
        }
        match value::<bool>(&rows, 1)? {
            Some(true) => self.make_partitions().await,
            _ => Ok(()),
        }
    }
}

fn superseded(writer: &str) -> StoreError {
    StoreError::Superseded { writer: writer.to_owned() }
}

/// What the database does with a commit must outlive a power loss, and it must hold any text.
async fn require_durability(session: &mut Session, database: String) -> Result<(), StoreError> {
    let rows = session.rows(sqlx::query(SELECT_SETTINGS)).await?;
    let said = |column| Ok::<_, StoreError>(value::<String>(&rows, column)?.unwrap_or_default());
    let commit = said(0)?;
    for (column, setting, wanted) in [(1, "fsync", "on"), (2, "server_encoding", UTF8)] {
        let value = said(column)?;
        if value != wanted {
            return Err(StoreError::NotDurableServer { database, setting, value, wanted });
        }
    }
    // What is more than `on` is what somebody wants who has standbys that are read.
    if commit == "remote_apply" {
        return Ok(());
    }
    session.set("synchronous_commit", "on").await
}

/// Whether this login could make the schema.
async fn may_create(session: &mut Session) -> Result<bool, StoreError> {
    const MAY_CREATE: &str = "SELECT has_database_privilege(current_database(), 'CREATE')";
    Ok(value(&session.rows(sqlx::query(MAY_CREATE)).await?, 0)?.unwrap_or_default())
}

/// Makes this process the writer, or says who is.
async fn claim(
    session: &mut Session,
    options: &PostgresOptions,
    instance: &Instance,
) -> Result<i64, StoreError> {
    let dead_after = i64::try_from(options.dead_after.as_millis()).unwrap_or(i64::MAX);
    let query = sqlx::query(CLAIM)
        .bind(&options.writer)
        .bind(&instance.known)
        .bind(&instance.token)
        .bind(&instance.place)
        .bind(holder())
        .bind(dead_after)
        .bind(i64::try_from(options.silence.as_millis()).unwrap_or(i64::MAX));
    let rows = session.rows(query).await?;
    if let Some(epoch) = value(&rows, 0)? {
        return Ok(epoch);
    }
    let query = sqlx::query(SELECT_HOLDER).bind(&options.writer).bind(&instance.known);
    let rows = session.rows(query).await?;
    Err(StoreError::Claimed {
        writer: options.writer.clone(),
        holder: value(&rows, 0)?.unwrap_or_default(),
        seconds: value(&rows, 1)?.unwrap_or_default(),
        dead_after: options.dead_after.as_secs(),
        silence: value::<i64>(&rows, 2)?.unwrap_or_default().unsigned_abs(),
    })
}

/// Who this is, for people.
fn holder() -> String {
    let host = rustix::system::uname();
    format!("process {} on {}", std::process::id(), host.nodename().to_string_lossy())
}

#[async_trait]
impl Store for PostgresStore {
    fn writer(&self) -> &str {
        &self.options.writer
    }

    async fn writers(&mut self) -> Result<Vec<String>, StoreError> {
        let query = sqlx::query(SELECT_GONE).bind(&self.options.writer).bind(self.dead_after_ms());
        let rows = self.session.rows(query).await?;
        rows.iter()
            .map(|row| row.try_get(0).map_err(|error| StoreError::Failed(sqlstate::cause(error))))
            .collect()
    }

    async fn head(&mut self, writer: &str) -> Result<u64, StoreError> {
        let rows = self.session.rows(sqlx::query(SELECT_HEAD).bind(writer)).await?;
        Ok(value(&rows, 0)?.map_or(0, sql_to_seq))
    }

    async fn append(
        &mut self,
        writer: &str,
        first_seq: u64,
        batch: &[Entry],
    ) -> Result<(), StoreError> {
        let epoch = self.epoch(writer).await?;
        let base = seq_to_sql(first_seq).saturating_sub(1);
        let kinds: Vec<&str> = batch.iter().map(|entry| entry.kind.as_str()).collect();
        let ids: Vec<String> = batch.iter().map(|entry| entry.id.to_string()).collect();
        let intents: Vec<Option<i64>> =
            batch.iter().map(|entry| entry.intent.map(seq_to_sql)).collect();
        let scopes = batch.iter().map(scope_json).collect::<Result<Vec<_>, _>>()?;
        let docs: Vec<&str> = batch.iter().map(|entry| entry.doc.get().as_str()).collect();
        let leaves: Vec<Vec<u8>> = docs.iter().map(|doc| leaf_hash(doc).to_vec()).collect();
        let query = sqlx::query(APPEND)
            .bind(writer)
            .bind(epoch)
            .bind(base)
            .bind(kinds)
            .bind(ids)
            .bind(intents)
            .bind(scopes)
            .bind(docs)
            .bind(leaves);
        match self.session.rows(query).await {
            Ok(_) => Ok(()),
            Err(StoreError::Swallowed { .. }) => {
                let error = StoreError::Swallowed { writer: writer.to_owned(), seq: base + 1 };
                Err(self.noted(writer, error))
            }
            Err(error) => Err(self.noted(writer, error)),
        }
    }

    async fn purge(&mut self, writer: &str, purged: &[Purged]) -> Result<(), StoreError> {
        let epoch = self.epoch(writer).await?;
        let seqs: Vec<i64> = purged.iter().map(|purged| seq_to_sql(purged.seq)).collect();
        let leaves: Vec<&[u8]> = purged.iter().map(|purged| purged.leaf.as_slice()).collect();
        let bys: Vec<i64> = purged.iter().map(|purged| seq_to_sql(purged.by)).collect();
        let query = sqlx::query(PURGE).bind(writer).bind(epoch).bind(seqs).bind(leaves).bind(bys);
        match self.session.rows(query).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.noted(writer, error)),
        }
    }

    async fn orphans(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Orphan>, StoreError> {
        let query =
            sqlx::query(SELECT_ORPHANS).bind(writer).bind(seq_to_sql(after)).bind(i64::from(limit));
        let rows = self.session.rows(query).await?;
        rows.iter()
            .map(|row| {
                let column = |error| StoreError::Failed(sqlstate::cause(error));
                let seq: i64 = row.try_get(0).map_err(column)?;
                let id: String = row.try_get(1).map_err(column)?;
                let id = id.parse().map_err(|_| StoreError::Damaged {
                    writer: writer.to_owned(),
                    seq,
                    column: Some("id"),
                })?;
                Ok(Orphan { seq: sql_to_seq(seq), id, scope: row.try_get(2).map_err(column)? })
            })
            .collect()
    }

    async fn read_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        read_after(&mut self.session, writer, after, limit).await
    }

    async fn closed_up_to(&mut self, writer: &str) -> Result<u64, StoreError> {
        let rows = self.session.rows(sqlx::query(SELECT_CLOSED).bind(writer)).await?;
        Ok(value(&rows, 0)?.map_or(0, sql_to_seq))
    }

    async fn mark_closed(&mut self, writer: &str, seq: u64) -> Result<(), StoreError> {
        let own = writer == self.options.writer;
        match self.beat(writer, Some(seq), own.then(clock_ms)).await {
            // It lives again, or somebody else looks after it, and will know better.
            Err(StoreError::Superseded { .. }) if !own => Ok(()),
            marked => marked,
        }
    }

    async fn heartbeat(&mut self) -> Result<(), StoreError> {
        let writer = self.options.writer.clone();
        self.beat(&writer, None, Some(clock_ms())).await
    }

    async fn guard(&mut self) -> Result<Vec<Unguarded>, StoreError> {
        guard::unguarded(&mut self.session).await
    }

    async fn close(mut self: Box<Self>) -> Result<(), StoreError> {
        // Without trouble this is the end of the process, and the next one need not wait.
        if self.session.is_sound()
            && let Some(epoch) = self.epochs.get(&self.options.writer)
        {
            let query = sqlx::query(RELEASE).bind(&self.options.writer).bind(epoch);
            self.session.rows(query).await?;
        }
        self.session.close().await
    }
}

/// What our clock says, so that others see how far it is from the database's.
fn clock_ms() -> i64 {
    SystemClock.now().timestamp_millis()
}
