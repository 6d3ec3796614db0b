//! Following a ledger, with errors in between.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;

use super::{FollowError, Follower, Gap, Heads, catch_up, follow};
use crate::clock::{Clock, SystemClock};
use crate::record::{Entry, EntryKind, EventId, Scope, Stored};
use crate::redact::Redacted;
use crate::store::{LedgerSource, Purged, SqliteOptions, Store};

/// Remembers what it saw, and fails when told.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    seqs: Vec<u64>,
    fail_next: bool,
    started_over: usize,
    wants_leaves: bool,
    leaves: Vec<u64>,
}

#[async_trait]
impl Follower for Witness {
    fn name(&self) -> &'static str {
        "witness"
    }

    async fn cursor(&mut self, _: &str) -> Result<u64, FollowError> {
        Ok(self.0.lock().unwrap().seqs.last().copied().unwrap_or(0))
    }

    async fn apply(&mut self, entries: Vec<Stored>) -> Result<(), FollowError> {
        let mut seen = self.0.lock().unwrap();
        if std::mem::take(&mut seen.fail_next) {
            let source = Box::new(std::io::Error::other("told to"));
            return Err(FollowError::Follower { name: "witness", source });
        }
        seen.seqs.extend(entries.iter().map(|entry| entry.seq));
        Ok(())
    }

    fn wants_leaves(&self) -> bool {
        self.0.lock().unwrap().wants_leaves
    }

    async fn pass_over(&mut self, _: &str, gap: &Gap) -> Result<(), FollowError> {
        let mut seen = self.0.lock().unwrap();
        assert_eq!(seen.seqs.last().copied().unwrap_or(0), gap.after);
        seen.leaves.extend(gap.purged.iter().map(|purged| purged.seq));
        seen.seqs.push(gap.up_to);
        Ok(())
    }

    async fn start_over(&mut self) -> Result<(), FollowError> {
        let mut seen = self.0.lock().unwrap();
        seen.seqs.clear();
        seen.started_over += 1;
        Ok(())
    }
}

async fn ledger(dir: &Path) -> Box<dyn Store> {
    SqliteOptions::new(dir, "w", Duration::from_secs(5)).opener()().await.unwrap()
}

async fn append(store: &mut dyn Store, count: usize, doc_bytes: usize) -> u64 {
    let entries: Vec<_> = (0..count)
        .map(|_| Entry {
            kind: EntryKind::Completion,
            id: EventId::new(SystemClock.now()),
            intent: None,
            scope: Scope::new(),
            doc: Redacted::system(format!(r#"{{"x":"{}"}}"#, "y".repeat(doc_bytes))),
        })
        .collect();
    let head = store.head("w").await.unwrap();
    store.append("w", head + 1, &entries).await.unwrap();
    head + count as u64
}

#[tokio::test]
async fn catching_up_stops_at_the_given_heads() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ledger(dir.path()).await;
    append(store.as_mut(), 1500, 10).await;
    let mut reader = LedgerSource::directory(dir.path()).reader().await.unwrap();
    let heads = Heads::now(&mut *reader).await.unwrap();
    assert_eq!(heads, Heads(vec![("w".to_owned(), 1500)]));
    let mut witness = Witness::default();
    catch_up(&mut *reader, &mut witness, &heads).await.unwrap();
    let expected: Vec<u64> = (1..=1500).collect();
    assert_eq!(witness.0.lock().unwrap().seqs, expected);
    catch_up(&mut *reader, &mut witness, &heads).await.unwrap();
    assert_eq!(witness.0.lock().unwrap().seqs, expected, "nothing twice without need");
}

#[tokio::test]
async fn large_documents_come_in_small_steps() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ledger(dir.path()).await;
    append(store.as_mut(), 10, 1024 * 1024).await;
    let mut reader = LedgerSource::directory(dir.path()).reader().await.unwrap();
    let rows = reader.read_after("w", 0, 100).await.unwrap();
    assert!((1..=4).contains(&rows.len()), "{} rows of 1 MiB at once", rows.len());
    let heads = Heads::now(&mut *reader).await.unwrap();
    let mut witness = Witness::default();
    catch_up(&mut *reader, &mut witness, &heads).await.unwrap();
    assert_eq!(witness.0.lock().unwrap().seqs, (1..=10).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_shorter_ledger_is_another_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ledger(dir.path()).await;
    append(store.as_mut(), 3, 10).await;
    let mut reader = LedgerSource::directory(dir.path()).reader().await.unwrap();
    let heads = Heads::now(&mut *reader).await.unwrap();
    let mut witness = Witness::default();
    witness.0.lock().unwrap().seqs.push(77);
    catch_up(&mut *reader, &mut witness, &heads).await.unwrap();
    let seen = witness.0.lock().unwrap();
    assert_eq!((seen.seqs.as_slice(), seen.started_over), (&[1, 2, 3][..], 1));
}

#[tokio::test]
async fn follows_while_entries_arrive_and_goes_on_after_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ledger(dir.path()).await;
    let (head, heads) = watch::channel(append(store.as_mut(), 5, 10).await);
    let (stop, stopped) = watch::channel(false);
    let witness = Witness::default();
    witness.0.lock().unwrap().fail_next = true;
    let task = tokio::spawn({
        let (source, mut witness) = (LedgerSource::directory(dir.path()), witness.clone());
        async move { follow(&source, &mut witness, heads, stopped, &Gauge::default()).await }
    });
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        head.send_replace(append(store.as_mut(), 3, 10).await);
    }
    let started = std::time::Instant::now();
    while witness.0.lock().unwrap().seqs.len() < 65 {
        assert!(started.elapsed() < Duration::from_secs(5), "in vain");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(witness.0.lock().unwrap().seqs, (1..=65).collect::<Vec<u64>>());
    stop.send_replace(true);
    tokio::time::timeout(Duration::from_secs(1), task).await.unwrap().unwrap();
}

#[tokio::test]
async fn ends_with_the_recorder_after_a_last_round() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ledger(dir.path()).await;
    let (head, heads) = watch::channel(append(store.as_mut(), 5, 10).await);
    let (_stop, stopped) = watch::channel(false);
    let mut witness = Witness::default();
    drop(head);
    let lag = Gauge::default();
    let source = LedgerSource::directory(dir.path());
    let all = follow(&source, &mut witness, heads, stopped, &lag);
    tokio::time::timeout(Duration::from_secs(1), all).await.unwrap();
    assert_eq!(witness.0.lock().unwrap().seqs.len(), 5);
}

#[tokio::test]
async fn steps_over_what_was_purged_and_gives_its_leaves_to_who_wants_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = ledger(dir.path()).await;
    append(store.as_mut(), 9, 10).await;
    let purge = Entry {
        kind: EntryKind::Completion,
        id: EventId::new(SystemClock.now()),
        intent: None,
        scope: Scope::new(),
        doc: Redacted::system(r#"{"action":"audit.purge","x":""}"#.to_owned()),
    };
    store.append("w", 10, &[purge]).await.unwrap();
    let rows = store.read_after("w", 0, 10).await.unwrap();
    let purged = |seqs: &[u64]| -> Vec<Purged> {
        let purged = seqs.iter().map(|seq| Purged {
            seq: *seq,
            leaf: rows[*seq as usize - 1].leaf.clone(),
            by: 10,
        });
        purged.collect()
    };
    store.purge("w", &purged(&[1, 2, 5, 7, 8])).await.unwrap();
    let mut reader = LedgerSource::directory(dir.path()).reader().await.unwrap();
    let cases: [(bool, Heads, &[u64], &[u64]); 3] = [
        (false, Heads(vec![("w".to_owned(), 10)]), &[2, 3, 4, 6, 9, 10], &[]),
        // Behind a head that is purged itself.
        (true, Heads(vec![("w".to_owned(), 8)]), &[2, 3, 4, 5, 6, 8, 9, 10], &[1, 2, 5, 7, 8]),
        (true, Heads(vec![("w".to_owned(), 10)]), &[2, 3, 4, 5, 6, 8, 9, 10], &[1, 2, 5, 7, 8]),
    ];
    for (wants_leaves, heads, seqs, leaves) in cases {
        let mut witness = Witness::default();
        witness.0.lock().unwrap().wants_leaves = wants_leaves;
        catch_up(&mut *reader, &mut witness, &heads).await.unwrap();
        let seen = witness.0.lock().unwrap();
        assert_eq!((seen.seqs.as_slice(), seen.leaves.as_slice()), (seqs, leaves));
    }
}
