//! A store in memory that fails as it is told, at the operation that it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use crate::record::{Entry, EntryKind, Stored, leaf_hash};
use crate::store::{Opening, Orphan, Purged, Store, StoreError};

/// How an operation goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Fails, certainly without effect.
    Busy,
    DiskFull,
    /// The connection is lost, without and with effect.
    Lost,
    LostButWritten,
    /// Takes longer than the deadline and then works.
    Slow,
    /// Takes longer than the deadline and then is lost, without and with effect.
    SlowLost,
    SlowLostButWritten,
    /// A constraint forbids it.
    Rejected,
}

pub(super) const FAULTS: [Fault; 8] = [
    Fault::Busy,
    Fault::DiskFull,
    Fault::Lost,
    Fault::LostButWritten,
    Fault::Slow,
    Fault::SlowLost,
    Fault::SlowLostButWritten,
    Fault::Rejected,
];

#[derive(Default)]
pub(super) struct Disk {
    pub(super) rows: BTreeMap<u64, Stored>,
    /// Numbers of entries that were taken out.
    pub(super) purged: Vec<u64>,
    closed: u64,
    /// Operations so far: opening, reading, appending, marking.
    pub(super) operations: usize,
    pub(super) appends: usize,
    connections: usize,
    /// What happens at which operation.
    plan: BTreeMap<usize, Fault>,
    /// What happens at every append from now on.
    pub(super) every_append: Option<Fault>,
}

/// The disk, which outlives the process.
#[derive(Clone, Default)]
pub(super) struct FakeDisk(pub(super) Arc<Mutex<Disk>>);

pub(super) const SLOW: Duration = Duration::from_millis(120);

impl FakeDisk {
    pub(super) fn failing_at(operation: usize, fault: Fault) -> Self {
        let disk = Self::default();
        disk.0.lock().unwrap().plan.insert(operation, fault);
        disk
    }

    pub(super) fn also_failing_at(self, operation: usize, fault: Fault) -> Self {
        self.0.lock().unwrap().plan.insert(operation, fault);
        self
    }

    pub(super) fn set_every_append(&self, fault: Option<Fault>) {
        self.0.lock().unwrap().every_append = fault;
    }

    /// From now on all goes well.
    pub(super) fn heal(&self) {
        self.0.lock().unwrap().plan.clear();
    }

    /// The next row, by somebody else.
    pub(super) fn write_elsewhere(&self, entry: &Entry) {
        let mut disk = self.0.lock().unwrap();
        let next = disk.rows.keys().max().map_or(1, |last| last + 1);
        insert(&mut disk, "w", next, std::slice::from_ref(entry)).unwrap();
    }

    pub(super) fn rows(&self) -> Vec<Stored> {
        self.0.lock().unwrap().rows.values().cloned().collect()
    }

    pub(super) fn opener(&self) -> impl FnMut() -> Opening + Send + 'static {
        let disk = self.clone();
        move || {
            let disk = disk.clone();
            Box::pin(async move {
                disk.operation(|_| Ok(())).await?;
                let mut inner = disk.0.lock().unwrap();
                assert_eq!(inner.connections, 0, "one connection at a time");
                inner.connections += 1;
                drop(inner);
                Ok(Box::new(FakeStore { disk, broken: false }) as Box<dyn Store>)
            })
        }
    }

    /// Does `work` as the plan says.
    async fn operation<T>(
        &self,
        work: impl FnOnce(&mut Disk) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let fault = {
            let mut disk = self.0.lock().unwrap();
            disk.operations += 1;
            let operation = disk.operations;
            disk.plan.remove(&operation)
        };
        self.run(fault, work).await
    }

    async fn run<T>(
        &self,
        fault: Option<Fault>,
        work: impl FnOnce(&mut Disk) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if matches!(fault, Some(Fault::Slow | Fault::SlowLost | Fault::SlowLostButWritten)) {
            tokio::time::sleep(SLOW).await;
        }
        let mut disk = self.0.lock().unwrap();
        let lost = || Err(StoreError::Uncertain("fake".into()));
        match fault {
            None | Some(Fault::Slow) => work(&mut disk),
            Some(Fault::Busy) => Err(StoreError::Busy("fake".into())),
            Some(Fault::DiskFull) => Err(StoreError::DiskFull("fake".into())),
            Some(Fault::Rejected) => Err(StoreError::Rejected("fake".into())),
            Some(Fault::Lost | Fault::SlowLost) => lost(),
            Some(Fault::LostButWritten | Fault::SlowLostButWritten) => {
                work(&mut disk)?;
                lost()
            }
        }
    }
}

struct FakeStore {
    disk: FakeDisk,
    /// After an uncertain failure the connection is of no use.
    broken: bool,
}

impl FakeStore {
    async fn operation<T>(
        &mut self,
        work: impl FnOnce(&mut Disk) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        assert!(!self.broken, "a lost connection must not be used again");
        let result = self.disk.operation(work).await;
        self.broken = matches!(&result, Err(error) if !error.effect_is_known());
        result
    }
}

impl Drop for FakeStore {
    fn drop(&mut self) {
        if let Ok(mut disk) = self.disk.0.lock() {
            disk.connections -= 1;
        }
    }
}

#[async_trait]
impl Store for FakeStore {
    fn writer(&self) -> &str {
        "w"
    }

    async fn writers(&mut self) -> Result<Vec<String>, StoreError> {
        self.operation(|_| Ok(vec!["w".to_owned()])).await
    }

    async fn head(&mut self, _: &str) -> Result<u64, StoreError> {
        self.operation(|disk| Ok(disk.rows.keys().chain(&disk.purged).max().copied().unwrap_or(0)))
            .await
    }

    async fn append(
        &mut self,
        writer: &str,
        first: u64,
        batch: &[Entry],
    ) -> Result<(), StoreError> {
        let writer = writer.to_owned();
        let batch = batch.to_vec();
        let every = self.disk.0.lock().unwrap().every_append;
        if every.is_some() {
            let disk = self.disk.clone();
            let result = disk.run(every, |disk| insert(disk, &writer, first, &batch)).await;
            self.broken = matches!(&result, Err(error) if !error.effect_is_known());
            return result;
        }
        self.operation(|disk| insert(disk, &writer, first, &batch)).await
    }

    async fn purge(&mut self, _: &str, purged: &[Purged]) -> Result<(), StoreError> {
        let purged = purged.to_vec();
        self.operation(|disk| {
            for Purged { seq, .. } in &purged {
                disk.rows.remove(seq);
            }
            disk.purged.extend(purged.into_iter().map(|purged| purged.seq));
            Ok(())
        })
        .await
    }

    async fn orphans(
        &mut self,
        _: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Orphan>, StoreError> {
        self.operation(|disk| {
            let done: Vec<u64> = disk.rows.values().filter_map(|row| row.intent).collect();
            Ok(disk
                .rows
                .values()
                .filter(|row| row.seq > after && row.kind == EntryKind::Intent)
                .filter(|row| !done.contains(&row.seq))
                .take(limit as usize)
                .map(|row| Orphan { seq: row.seq, id: row.id, scope: row.scope.clone() })
                .collect())
        })
        .await
    }

    async fn read_after(
        &mut self,
        _: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        self.operation(|disk| {
            Ok(disk.rows.range(after + 1..).take(limit as usize).map(|(_, r)| r.clone()).collect())
        })
        .await
    }

    async fn closed_up_to(&mut self, _: &str) -> Result<u64, StoreError> {
        self.operation(|disk| Ok(disk.closed)).await
    }

    async fn mark_closed(&mut self, _: &str, seq: u64) -> Result<(), StoreError> {
        self.operation(|disk| {
            for row in disk.rows.values().filter(|r| r.kind == EntryKind::Intent && r.seq <= seq) {
                assert!(
                    disk.rows.values().any(|r| r.intent == Some(row.seq)),
                    "marked {seq} as closed while {} is open",
                    row.seq
                );
            }
            disk.closed = disk.closed.max(seq);
            Ok(())
        })
        .await
    }

    async fn has_room(&mut self, _: usize) -> Result<(), StoreError> {
        match self.disk.0.lock().unwrap().every_append {
            Some(Fault::DiskFull) => Err(StoreError::DiskFull("fake".into())),
            _ => Ok(()),
        }
    }

    async fn heartbeat(&mut self) -> Result<(), StoreError> {
        self.operation(|_| Ok(())).await
    }

    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What the ledger's constraints allow.
fn insert(disk: &mut Disk, writer: &str, first: u64, batch: &[Entry]) -> Result<(), StoreError> {
    disk.appends += 1;
    let mut rows = disk.rows.clone();
    for (seq, entry) in (first..).zip(batch) {
        let reject = || Err(StoreError::Rejected("fake".into()));
        if let Some(intent) = entry.intent {
            let fits = rows
                .get(&intent)
                .is_some_and(|row| row.kind == EntryKind::Intent && row.id == entry.id);
            if !fits || rows.values().any(|row| row.intent == Some(intent)) {
                return reject();
            }
        }
        let row = Stored {
            writer: writer.to_owned(),
            seq,
            kind: entry.kind,
            id: entry.id,
            intent: entry.intent,
            scope: serde_json::to_string(&entry.scope).unwrap(),
            doc: entry.doc.get().clone(),
            leaf: leaf_hash(entry.doc.get()).to_vec(),
        };
        if rows.insert(seq, row).is_some() {
            return reject();
        }
    }
    disk.rows = rows;
    Ok(())
}
