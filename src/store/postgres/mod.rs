//! The ledger in a PostgreSQL database, with any number of writers.
//!
//! `docs/postgres.md` describes schema and roles; `schema/1.sql` is the schema.
//!
//! - An append is one statement, `countersign.append`, in one round trip. It locks the writer's row,
//!   which says who may append and at which number; so numbers are dense, and whoever has lost the
//!   claim appends nothing.
//! - To open is to claim: the epoch of the writer's row goes up by one. An append of an earlier epoch
//!   that is still on its way then comes to nothing, which is how it is settled what became of it.
//! - A claim is refused while another process holds it whose heart beat within `dead_after`, unless that
//!   one had the lock that the claimant has now: then it is gone.
//! - Time is the database's, so clocks that differ between proxies do no harm.

mod guard;
mod instance;
mod migrate;
mod reader;
mod session;
mod sqlstate;
mod statements;
mod target;
mod writer;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};

use super::files::{DirLock, create_dir};
use super::{Opening, Store, StoreError};
use instance::Instance;
use writer::PostgresStore;

pub use migrate::{Migration, POSTGRES_SCHEMA_VERSION, migrate, print_schema, set_reader};
pub(super) use reader::PostgresReader;
pub use target::{PostgresHost, PostgresTarget, PostgresTlsMode};

/// Where the ledger is, who writes it, and how long things may take.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The database.
    pub target: PostgresTarget,
    /// The directory of what this process keeps for itself; one process at a time has it.
    pub dir: PathBuf,
    /// The name of this writer.
    pub writer: String,
    /// The deadline of an append.
    pub timeout: Duration,
    /// A writer whose heart has not beaten for so long is gone.
    pub dead_after: Duration,
    /// How long this one may be silent before others take it for gone, if that is longer: what it has
    /// spooled comes later.
    pub silence: Duration,
}

impl PostgresOptions {
    /// A maker of connections, one after the other. Each of them claims the writer anew.
    pub fn opener(self) -> impl FnMut() -> Opening + Send + 'static {
        let mut held: Option<(Arc<DirLock>, Instance)> = None;
        let mut first = true;
        move || {
            let taken = match held.take() {
                Some(held) => Ok(held),
                None => create_dir(&self.dir)
                    .and_then(|()| DirLock::acquire(&self.dir))
                    .and_then(|lock| Instance::begin(&self.dir, &lock).map(|it| (lock, it)))
                    .map(|(lock, instance)| (Arc::new(lock), instance)),
            };
            let (lock, instance) = match taken {
                Ok(taken) => taken,
                Err(error) => return Box::pin(std::future::ready(Err(error))),
            };
            held = Some((Arc::clone(&lock), instance.clone()));
            let options = self.clone();
            // Only the start may make a schema: one that has vanished is not begun anew.
            let may_begin = std::mem::take(&mut first);
            Box::pin(async move {
                let store = PostgresStore::open(options, instance, lock, may_begin).await?;
                Ok(Box::new(store) as Box<dyn Store>)
            })
        }
    }
}

/// A column of the first row, where there is one.
fn value<'r, T>(rows: &'r [PgRow], column: usize) -> Result<Option<T>, StoreError>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    match rows.first() {
        Some(row) => row
            .try_get::<Option<T>, _>(column)
            .map_err(|error| StoreError::Failed(sqlstate::cause(error))),
        None => Ok(None),
    }
}
