//! Sealing and verifying a ledger in SQLite.

mod attacks;
mod bundles;
mod evidence;
mod hostile;
mod keys;
mod proofs;
mod purges;
mod sealing;
mod tree;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::keep::take_in;
use super::verify::{Evidence, Report, verify};
use super::{Kept, Sealed, Sealer, VerifierKey, key_file};
use crate::clock::{Clock, SystemClock};
use crate::follow::Heads;
use crate::record::{Entry, EntryKind, EventId, Scope, canonical};
use crate::redact::Redacted;
use crate::store::{LEDGER_FILE, LedgerSource, SqliteOptions};

/// The one writer of these ledgers.
const WRITER: &str = "countersign";

/// A ledger with events as a proxy writes them.
struct Ledger {
    dir: tempfile::TempDir,
    next: u64,
}

impl Ledger {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), next: 1 }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Appends `events` events: requests of two halves, of which two are open at one time, and events
    /// that are whole.
    async fn append(&mut self, events: usize) {
        let mut batch = Vec::new();
        let mut open: Vec<(u64, EventId, Scope)> = Vec::new();
        for number in 0..events {
            let (id, pool) = (EventId::new(SystemClock.now()), format!("pool-{}", number % 3));
            let scope = Scope::from([("pool".to_owned(), pool)]);
            let seq = self.next + batch.len() as u64;
            let (first, second) = halves(id, &scope);
            if number % 4 == 3 {
                batch.push(entry(EntryKind::Completion, id, None, &scope, whole(first, second)));
            } else {
                batch.push(entry(EntryKind::Intent, id, None, &scope, first));
                open.push((seq, id, scope));
            }
            if open.len() > 2 {
                batch.push(completion(open.remove(0)));
            }
        }
        batch.extend(open.into_iter().map(completion));
        self.add(&batch).await;
    }

    async fn add(&mut self, batch: &[Entry]) {
        let options = SqliteOptions::new(self.path(), WRITER, Duration::from_secs(5));
        let mut store = options.opener()().await.unwrap();
        store.append(WRITER, self.next, batch).await.unwrap();
        store.close().await.unwrap();
        self.next += batch.len() as u64;
    }

    async fn sealer(&self) -> Sealer {
        Sealer::open(self.path(), Some("audit.example.com")).await.unwrap()
    }

    /// Seals what there is.
    async fn seal(&self) -> Vec<Sealed> {
        let mut sealer = self.sealer().await;
        self.seal_with(&mut sealer).await
    }

    async fn seal_with(&self, sealer: &mut Sealer) -> Vec<Sealed> {
        let mut reader = self.source().reader().await.unwrap();
        let heads = Heads::now(&mut *reader).await.unwrap();
        let heads = sealer.trusted(heads).await.unwrap();
        take_in(&mut *reader, sealer, heads).await.unwrap();
        reader.close().await.unwrap();
        sealer.seal(SystemClock.now()).await.unwrap()
    }

    fn source(&self) -> LedgerSource {
        LedgerSource::directory(self.path())
    }

    fn key(&self) -> VerifierKey {
        key_file::read(self.path()).unwrap().unwrap().verifier().clone()
    }

    /// Verifies as somebody who knows the key, and has files with checkpoints.
    async fn verify(&self, key: VerifierKey, files: &[&str]) -> Report {
        let mut kept = Kept::open_read_only(self.path()).unwrap();
        let mut evidence = Evidence::new(vec![key]);
        if let Some(kept) = &kept {
            evidence.add_kept(kept).unwrap();
        }
        for file in files {
            evidence.add_file("published.jsonl", file);
        }
        let mut reader = self.source().reader().await.unwrap();
        let evidence = evidence.judged();
        let report = verify(&mut *reader, &evidence, kept.as_mut(), &mut |_| {}).await.unwrap();
        reader.close().await.unwrap();
        report
    }

    /// What is wrong first, in words.
    async fn wrong(&self) -> String {
        first_wrong(&self.verify(self.key(), &[]).await)
    }

    /// Full access to the database, in which nothing stops the attacker any more.
    fn attack(&self) -> Connection {
        let conn = Connection::open(self.path().join(LEDGER_FILE)).unwrap();
        let triggers: Vec<String> = {
            let sql = "SELECT name FROM sqlite_schema WHERE type = 'trigger'";
            let mut triggers = conn.prepare(sql).unwrap();
            triggers.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        for trigger in triggers {
            conn.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
        }
        conn.execute_batch(
            "PRAGMA ignore_check_constraints = ON; DROP INDEX IF EXISTS entries_one_completion",
        )
        .unwrap();
        conn
    }

    /// The same ledger elsewhere.
    fn fork(&self) -> Self {
        Self { dir: self.copy(), next: self.next }
    }

    /// The directory as it is now.
    fn copy(&self) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_files(self.path(), copy.path());
        copy
    }
}

fn copy_files(from: &Path, to: &Path) {
    let files: Vec<PathBuf> =
        std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).collect();
    for file in files {
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
}

fn first_wrong(report: &Report) -> String {
    let evidence = report.evidence.iter().map(|(_, found)| found);
    let found = report.logs.iter().filter_map(|log| log.found.as_ref()).chain(evidence).next();
    found.map_or_else(|| "nothing".to_owned(), |found| format!("{}: {found}", found.fault.code()))
}

fn entry(
    kind: EntryKind,
    id: EventId,
    intent: Option<u64>,
    scope: &Scope,
    document: Value,
) -> Entry {
    let doc = canonical(&Redacted::system(document)).unwrap();
    Entry { kind, id, intent, scope: scope.clone(), doc }
}

fn completion((seq, id, scope): (u64, EventId, Scope)) -> Entry {
    entry(EntryKind::Completion, id, Some(seq), &scope, halves(id, &scope).1)
}

fn halves(id: EventId, scope: &Scope) -> (Value, Value) {
    let first = json!({
        "id": id, "time": "2026-11-21T20:00:00.000Z", "scope": scope, "action": "api_key.create",
        "request": {"method": "POST", "body": {"name": "ci \"deploy\""}},
    });
    (first, json!({"id": id, "outcome": "success", "completed_at": "2026-11-21T20:00:00.004Z"}))
}

fn whole(mut first: Value, second: Value) -> Value {
    let (Some(all), Value::Object(more)) = (first.as_object_mut(), second) else { return first };
    all.extend(more);
    first
}

/// A published file with these checkpoints.
fn published(sealed: &[Sealed]) -> String {
    let record = |sealed: &Sealed| json!({"checkpoint": sealed.checkpoint.note}).to_string() + "\n";
    sealed.iter().map(record).collect()
}
