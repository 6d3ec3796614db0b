//! Partitions: made ahead of time, never in the way of an append, dropped when nothing is left.

use countersign::clock::Timestamp;
use countersign::record::{Entry, EventId};
use countersign::store::Store;

use crate::conformance::{completion, intent, postgres_options};
use crate::support::Postgres;

const PARTITIONS: &str = "SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_inherits i \
    JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'countersign.entries'::regclass";

/// An intent of some time.
fn at(time: &str) -> Entry {
    let time: Timestamp = time.parse().unwrap();
    Entry { id: EventId::new(time), ..intent() }
}

#[tokio::test]
async fn months_are_there_before_they_begin_and_odd_clocks_do_no_harm() {
    let server = Postgres::start();
    let database = server.ledger();
    let home = tempfile::tempdir().unwrap();
    let options = postgres_options(&server.target("proxy", &database), home.path(), "w");
    let mut store: Box<dyn Store> = options.clone().opener()().await.unwrap();
    let partitions = server.sql(&database, PARTITIONS);
    assert_eq!(partitions.split(' ').count(), 5, "{partitions}");
    assert!(partitions.ends_with("entries_rest"), "{partitions}");
    let odd =
        [at("1970-01-01T00:00:00.001Z"), at("2019-02-03T00:00:00Z"), at("9999-12-31T23:59:59Z")];
    store.append("w", 1, &odd).await.unwrap();
    let ends: Vec<Entry> = (1..).zip(&odd).map(|(seq, intent)| completion(intent, seq)).collect();
    store.append("w", 4, &ends).await.unwrap();
    assert_eq!(store.orphans("w", 0, 9).await.unwrap(), []);
    let rest = "SELECT count(*), min(at)::text FROM countersign.entries_rest";
    assert_eq!(server.sql(&database, rest), "6|1970-01-01 00:00:00.001+00");
    // A month that is missing is made again by a heartbeat, and by a start.
    let last = partitions.split(' ').nth(2).unwrap();
    server.sql(&database, &format!("DROP TABLE countersign.{last}"));
    store.heartbeat().await.unwrap();
    assert_eq!(server.sql(&database, PARTITIONS), partitions);
    // What keeps it from being made, keeps nobody from writing.
    server.sql(&database, &format!("DROP TABLE countersign.{last}"));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let read = "BEGIN; SELECT count(*) FROM countersign.entries; SELECT pg_sleep(60)";
            server.try_sql("proxy", &database, read).ok();
        });
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        crate::support::wait_until("somebody reads", || server.sql(&database, sleeping) == "1");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let written = scope.spawn(move || {
            runtime.block_on(async {
                store.heartbeat().await.unwrap();
                store.append("w", 7, &[intent()]).await.unwrap();
                drop(store);
                let mut store = options.opener()().await.unwrap();
                store.append("w", 8, &[intent()]).await.unwrap();
                store.close().await.unwrap();
            });
        });
        written.join().unwrap();
        assert_ne!(server.sql(&database, PARTITIONS), partitions, "it was in the way");
        server.sql(
            &database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
        );
    });
}

#[tokio::test]
async fn a_month_of_which_nothing_is_left_is_dropped_and_no_other() {
    let server = Postgres::start();
    let database = server.ledger();
    for month in ["2019_02", "2019_03"] {
        let (from, to) = match month {
            "2019_02" => ("2019-02-01", "2019-03-01"),
            _ => ("2019-03-01", "2019-04-01"),
        };
        server.sql(
            &database,
            &format!(
                "CREATE TABLE countersign.entries_{month} PARTITION OF countersign.entries \
                 FOR VALUES FROM ('{from} 00:00:00+00') TO ('{to} 00:00:00+00'); \
                 ALTER TABLE countersign.entries_{month} OWNER TO owner"
            ),
        );
    }
    let home = tempfile::tempdir().unwrap();
    let options = postgres_options(&server.target("proxy", &database), home.path(), "w");
    let mut store: Box<dyn Store> = options.clone().opener()().await.unwrap();
    let partitions = server.sql(&database, PARTITIONS);
    assert!(!partitions.contains("2019"), "both were empty: {partitions}");
    server.sql(
        &database,
        "CREATE TABLE countersign.entries_2019_02 PARTITION OF countersign.entries \
         FOR VALUES FROM ('2019-02-01 00:00:00+00') TO ('2019-03-01 00:00:00+00'); \
         ALTER TABLE countersign.entries_2019_02 OWNER TO owner",
    );
    store.append("w", 1, &[at("2019-02-03T00:00:00Z")]).await.unwrap();
    store.close().await.unwrap();
    options.opener()().await.unwrap().close().await.unwrap();
    assert!(server.sql(&database, PARTITIONS).contains("entries_2019_02"), "there is something");
}
