//! A run that ends anywhere, and places that do not take what they should.

use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::task::Poll;

use sqlx::{Connection, SqliteConnection};

use super::*;
use crate::seal::Sealer;

/// Gives a run up after so many steps, as a crash would; whether it came to its end before.
async fn cut_off(bench: &Bench, policy: &Policy, steps: usize) -> bool {
    let mut index = Index::open(&bench.data()).await.unwrap();
    let mut run = Box::pin(bench.retention.run(policy, &mut index));
    let mut left = steps;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        run.as_mut().poll(context).map(|done| done.is_ok())
    })
    .await
}

/// The numbers of all entries, and of those that are archived.
async fn numbers(bench: &Bench) -> (BTreeSet<u64>, BTreeSet<u64>) {
    let left = bench.entries().await.iter().map(|entry| entry.seq).collect();
    let archived = match bench.archives().exists() {
        true => bench.archived().await.iter().map(|entry| entry.seq).collect(),
        false => BTreeSet::new(),
    };
    (left, archived)
}

#[tokio::test]
async fn wherever_a_run_is_cut_off_nothing_is_lost_and_the_next_one_ends_it() {
    const EVENTS: u64 = 140;
    let mut steps = 1;
    loop {
        let bench = Bench::new();
        bench.events(EVENTS as usize).await;
        bench.pass(31);
        let policy = bench.policy(30);
        let ended = cut_off(&bench, &policy, steps).await;
        let bench = bench.restart("w").await;
        let (left, archived) = numbers(&bench).await;
        let gone: BTreeSet<u64> = (1..=2 * EVENTS).filter(|seq| !left.contains(seq)).collect();
        assert!(gone.is_subset(&archived), "after {steps} steps");
        assert!(gone.is_empty() || bench.entries().await.iter().any(|it| Purge::of(it).is_some()));
        let orphans: Vec<_> = bench
            .entries()
            .await
            .into_iter()
            .filter(|entry| entry.intent.is_some_and(|intent| !left.contains(&intent)))
            .collect();
        assert!(orphans.is_empty(), "halves of an event that is torn apart: {orphans:?}");
        bench.run(&policy).await.unwrap();
        let (left, archived) = numbers(&bench).await;
        assert!((1..=2 * EVENTS).all(|seq| !left.contains(&seq) && archived.contains(&seq)));
        assert_eq!(self::left(&bench).await, [""; 0]);
        if ended {
            break;
        }
        steps += 1 + steps / 3;
    }
    assert!(steps > 10, "it was cut off in many places: {steps}");
}

#[tokio::test]
async fn a_place_that_does_not_take_the_archive_keeps_everything_where_it_is() {
    let bench = Bench::new();
    bench.event("member", "ada").await;
    bench.pass(31);
    let policy = bench.policy(30);
    let before = bench.entries().await;
    // Something else has the name of the directory; where the log of faults says so, a full disk.
    std::fs::write(bench.archives(), b"").unwrap();
    let mut places = vec![bench.archives(), "/proc/countersign".into()];
    places.extend(Path::new("/dev/full").exists().then(|| "/dev/full/archive".into()));
    for place in places {
        let archive = KeptIn::Archive(Place::from(place.as_path()));
        let error = bench.run(&Policy { archive, ..policy.clone() }).await.unwrap_err();
        assert_eq!(error.reason(), "archive", "{error:?}");
        assert_eq!(bench.entries().await, before);
    }
    std::fs::remove_file(bench.archives()).unwrap();
    assert_eq!(bench.run(&policy).await.unwrap().entries, 2);
}

#[tokio::test]
async fn a_ledger_that_lets_nothing_go_is_purged_later() {
    let bench = Bench::new();
    bench.event("member", "ada").await;
    bench.pass(31);
    let policy = bench.policy(30);
    // The event about the purge is on record, and then the ledger takes nothing more.
    let mut other = refusing(&bench).await;
    assert_eq!(bench.run(&policy).await.unwrap_err().reason(), "rejected");
    assert_eq!(bench.entries().await.len(), 3);
    bench.event("member", "ada").await;
    sqlx::raw_sql("DROP TRIGGER no").execute(&mut other).await.unwrap();
    let outcome = bench.run(&policy).await.unwrap();
    assert_eq!((outcome.purges, outcome.entries), (0, 2), "the one that was cut off goes on");
    assert_eq!(bench.manifests().await.len(), 1);
}

#[tokio::test]
async fn an_entry_that_somebody_changed_is_not_taken_out() {
    let bench = Bench::new();
    bench.event("member", "ada").await;
    bench.pass(31);
    let url = format!("sqlite://{}", bench.data().join("ledger.db").display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    let change = "DROP TRIGGER entries_no_update; \
                  UPDATE entries SET doc = replace(doc, 'ada', 'eve')";
    sqlx::raw_sql(change).execute(&mut other).await.unwrap();
    let before = bench.entries().await;
    for archive in [bench.policy(30).archive, KeptIn::Nothing] {
        let policy = Policy { archive, ..bench.policy(30) };
        let error = bench.run(&policy).await.unwrap_err();
        assert_eq!(error.reason(), "damaged_entry", "{error:?}");
        assert_eq!(bench.entries().await, before);
    }
}

#[tokio::test]
async fn an_entry_that_was_made_older_with_its_hash_is_held_against_what_was_sealed() {
    let bench = Bench::new();
    bench.event("member", "ada").await;
    let mut sealer = Sealer::open(&bench.data(), Some("audit.example.com")).await.unwrap();
    let mut reader = bench.source.reader().await.unwrap();
    let heads = Heads::now(&mut *reader).await.unwrap();
    catch_up(&mut *reader, &mut sealer, &heads).await.unwrap();
    sealer.seal(bench.clock.now()).await.unwrap();
    let url = format!("sqlite://{}", bench.data().join("ledger.db").display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("DROP TRIGGER entries_no_update").execute(&mut other).await.unwrap();
    for entry in bench.entries().await {
        let doc = entry.doc.replace("2026-01-01", "2025-01-01");
        sqlx::query("UPDATE entries SET doc = ?, leaf = ? WHERE seq = ?")
            .bind(&doc)
            .bind(leaf_hash(&doc).to_vec())
            .bind(i64::try_from(entry.seq).unwrap())
            .execute(&mut other)
            .await
            .unwrap();
    }
    let before = bench.entries().await;
    assert!(before.iter().any(|entry| entry.doc.contains("2025-01-01")));
    let policy = Policy { archive: KeptIn::Nothing, ..bench.policy(30) };
    assert_eq!(bench.run(&policy).await.unwrap_err().reason(), "damaged_entry");
    assert_eq!(bench.entries().await, before);
}

#[tokio::test]
async fn a_hold_keeps_what_a_purge_that_was_cut_off_was_to_take() {
    let bench = Bench::new();
    bench.event("member", "ada").await;
    bench.event("member", "eve").await;
    bench.pass(31);
    let policy = bench.policy(30);
    let mut other = refusing(&bench).await;
    assert_eq!(bench.run(&policy).await.unwrap_err().reason(), "rejected");
    sqlx::raw_sql("DROP TRIGGER no").execute(&mut other).await.unwrap();
    let hold = Hold::new("case-9".to_owned(), "actor=eve".to_owned(), String::new(), None).unwrap();
    let held = Policy { holds: vec![hold], ..policy.clone() };
    let mut index = Index::open(&bench.data()).await.unwrap();
    let mut reader = bench.source.reader().await.unwrap();
    let survey = held.survey(&mut *reader, &mut index, bench.clock.now()).await.unwrap();
    assert_eq!((survey.cut_off, survey.held["case-9"], survey.events()), (1, 1, 0));
    let outcome = bench.run(&held).await.unwrap();
    assert_eq!((outcome.entries, outcome.survey.cut_off), (2, 1));
    assert_eq!(outcome.survey.held, BTreeMap::from([("case-9".to_owned(), 1)]));
    let left: Vec<String> = bench.entries().await.into_iter().map(|entry| entry.doc).collect();
    assert_eq!(left.iter().filter(|doc| doc.contains("\"eve\"")).count(), 1, "{left:?}");
    // Once nothing holds it, it goes with the next run.
    assert_eq!(bench.run(&policy).await.unwrap().entries, 2);
}

#[tokio::test]
async fn an_archive_that_is_gone_stops_a_purge_that_was_cut_off() {
    let bench = Bench::new();
    bench.event("member", "ada").await;
    bench.pass(31);
    let policy = bench.policy(30);
    // The purge is on record, and nothing of it is done.
    let mut other = refusing(&bench).await;
    assert_eq!(bench.run(&policy).await.unwrap_err().reason(), "rejected");
    sqlx::raw_sql("DROP TRIGGER no").execute(&mut other).await.unwrap();
    let away = bench.dir.path().join("away");
    std::fs::rename(bench.archives(), &away).unwrap();
    assert_eq!(bench.run(&policy).await.unwrap_err().reason(), "archive");
    assert_eq!(bench.entries().await.len(), 3);
    std::fs::rename(&away, bench.archives()).unwrap();
    bench.run(&policy).await.unwrap();
    assert_eq!(bench.entries().await.len(), 1);
}

/// From here on, until the trigger is gone, the ledger lets nothing go.
async fn refusing(bench: &Bench) -> SqliteConnection {
    let url = format!("sqlite://{}", bench.data().join("ledger.db").display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    let trigger = "CREATE TRIGGER no BEFORE INSERT ON purged BEGIN SELECT RAISE(ABORT, 'no'); END";
    sqlx::raw_sql(trigger).execute(&mut other).await.unwrap();
    other
}

#[tokio::test]
async fn appends_that_come_meanwhile_are_all_there() {
    let bench = Bench::new();
    bench.events(500).await;
    bench.pass(31);
    let policy = bench.policy(30);
    let (run, young) = tokio::join!(bench.run(&policy), async {
        let mut ids = Vec::new();
        for _ in 0..50 {
            ids.push(bench.event("member", "eve").await.to_string());
        }
        ids
    });
    assert_eq!(run.unwrap().entries, 1000);
    let mut young = young;
    young.sort();
    assert_eq!(left(&bench).await, young);
}

#[tokio::test]
async fn a_run_that_fails_is_told_only_where_something_could_be_purged() {
    let bench = Bench::new();
    // Nothing is there, and nothing comes.
    let source = LedgerSource::directory(bench.dir.path().join("nowhere"));
    let orders = Orders::new(bench.dir.path().join("nowhere"));
    let interval = Duration::from_millis(1);
    let days = Policy { default: Keep::Days(30), interval, ..Policy::default() };
    let forever = Policy { interval, ..Policy::default() };
    for (policy, expected) in [(forever, None), (days, Some("missing"))] {
        let retention = Retention::new(
            source.clone(),
            bench.recorder.clone(),
            bench.clock.clone(),
            orders.clone(),
        );
        let status = RetainStatus::default();
        let (stop, stopping) = tokio::sync::watch::channel(false);
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let ask = || {
            // Once at the start, once for each run: by now two have failed.
            if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 3 {
                assert_eq!(status.failing(), expected);
                stop.send(true).ok();
            }
            policy.clone()
        };
        let metrics = Arc::new(Metrics::default());
        let dir = bench.data();
        keep_to(retention, ask, dir, status.clone(), metrics, stopping).await;
        assert_eq!(status.failing(), expected);
    }
}

#[tokio::test]
async fn what_somebody_else_has_said_to_be_purged_stays_and_keeps_nothing_from_going() {
    let bench = Bench::new();
    for _ in 0..4 {
        bench.event("member", "ada").await;
    }
    bench.pass(31);
    let conn = rusqlite::Connection::open(bench.data().join("ledger.db")).unwrap();
    conn.execute_batch(
        "DROP TRIGGER purged_by_an_event; \
         INSERT INTO purged SELECT writer, seq, leaf, 8 FROM entries WHERE seq = 3",
    )
    .unwrap();
    let outcome = bench.run(&bench.policy(30)).await.unwrap();
    assert_eq!((outcome.purges, outcome.entries), (1, 6));
    let seqs: Vec<u64> = bench.entries().await.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, [3, 4, 9]);
    assert_eq!(left(&bench).await.len(), 1, "it is found as before");
    assert_eq!(bench.run(&bench.policy(30)).await.unwrap().purges, 0);
}
