//! What every store of the ledger must do: the same cases on SQLite and on PostgreSQL.

pub(crate) mod cases;

use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign::clock::{Clock, SystemClock};
use countersign::record::{Entry, EntryKind, EventId, Scope, Stored};
use countersign::redact::Redacted;
use countersign::store::{
    LedgerReader, LedgerSource, Opening, PostgresOptions, PostgresTarget, Purged, SqliteOptions,
    Store,
};
use tempfile::TempDir;

use crate::support::Postgres;

const TIMEOUT: Duration = Duration::from_secs(5);

/// A ledger of a kind, empty at first.
pub(crate) struct Ledger {
    pub(crate) source: LedgerSource,
    home: TempDir,
}

impl Ledger {
    fn sqlite() -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { source: LedgerSource::directory(home.path()), home }
    }

    pub(crate) fn postgres(target: PostgresTarget) -> Self {
        Self {
            source: LedgerSource::Postgres(Box::new(target)),
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// A maker of connections, as the writer `name`.
    pub(crate) fn opener(&self, name: &str) -> Box<dyn FnMut() -> Opening + Send> {
        match &self.source {
            LedgerSource::Sqlite(dir) => Box::new(SqliteOptions::new(dir, name, TIMEOUT).opener()),
            LedgerSource::Postgres(target) => {
                Box::new(postgres_options(target, &self.dir(name), name).opener())
            }
        }
    }

    /// A store of the writer `name`.
    pub(crate) async fn store(&self, name: &str) -> Box<dyn Store> {
        self.opener(name)().await.unwrap()
    }

    pub(crate) async fn reader(&self) -> Box<dyn LedgerReader> {
        self.source.reader().await.unwrap()
    }

    /// Where a writer in PostgreSQL keeps what is its own.
    pub(crate) fn dir(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

pub(crate) fn postgres_options(
    target: &PostgresTarget,
    dir: &Path,
    writer: &str,
) -> PostgresOptions {
    PostgresOptions {
        target: target.clone(),
        dir: dir.to_owned(),
        writer: writer.to_owned(),
        timeout: TIMEOUT,
        dead_after: Duration::from_secs(30),
        silence: Duration::ZERO,
    }
}

pub(crate) fn intent() -> Entry {
    let id = EventId::new(SystemClock.now());
    let doc = Redacted::system(format!(r#"{{"id":"{id}"}}"#));
    Entry { kind: EntryKind::Intent, id, intent: None, scope: Scope::new(), doc }
}

pub(crate) fn completion(of: &Entry, seq: u64) -> Entry {
    Entry { kind: EntryKind::Completion, intent: Some(seq), ..of.clone() }
}

fn with_doc(doc: &str) -> Entry {
    Entry { doc: Redacted::system(doc.to_owned()), ..intent() }
}

#[tokio::test]
async fn sqlite() {
    cases::all(&|| Ledger::sqlite()).await;
}

#[tokio::test]
async fn postgres() {
    let server = Postgres::start();
    cases::all(&|| Ledger::postgres(server.target("proxy", &server.ledger()))).await;
}

#[tokio::test]
async fn postgres_without_prepared_statements() {
    let server = Postgres::start();
    cases::all(&|| {
        let target = server.target("proxy", &server.ledger());
        Ledger::postgres(PostgresTarget { prepared_statements: false, ..target })
    })
    .await;
}
