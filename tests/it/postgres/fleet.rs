//! Three proxies on one database: each has a log of its own, and what one leaves open another closes.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::post;
use crate::support::{Postgres, Proxy, Reply, Setup, Upstream, exchange, wait_until};

/// How often one of them is killed.
const KILLS: usize = 4;

fn setup(url: &str, writer: &str) -> Setup {
    Setup {
        ledger: format!(
            "  timeout: 5s\n  writer: {writer}\n  sweep_interval: 200ms\n\
             \x20 postgres: {{url: \"{url}\", dead_after: 1s}}"
        ),
        ..Setup::default()
    }
}

#[test]
fn one_is_killed_again_and_again_and_the_others_close_what_it_left_exactly_once() {
    let server = Postgres::start();
    let upstream = Upstream::start(|seen| {
        if seen.line().contains("/slow") {
            std::thread::sleep(Duration::from_millis(300));
        }
        Reply::ok()
    });
    let database = server.ledger();
    let url = server.url("proxy", &database);
    let mut proxies: Vec<Proxy> = ["a", "b", "c"]
        .iter()
        .map(|writer| Proxy::with(upstream.address, &setup(&url, writer)))
        .collect();
    let addresses: Vec<_> = proxies.iter().map(|proxy| proxy.address).collect();
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::new(Mutex::new(BTreeSet::new()));
    let load: Vec<_> = addresses
        .iter()
        .enumerate()
        .map(|(of, address)| {
            let (stop, told, address) = (Arc::clone(&stop), Arc::clone(&told), *address);
            std::thread::spawn(move || {
                for n in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    let path = format!("/{}/{of}/{n}", if n % 3 == 0 { "slow" } else { "quick" });
                    let answer = exchange(address, &post(&path));
                    if answer.status == 200 {
                        told.lock().unwrap().insert(path);
                    } else {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                }
            })
        })
        .collect();
    for kill in 0..KILLS {
        let progress = |told: &Mutex<BTreeSet<String>>, of: usize| {
            told.lock().unwrap().iter().filter(|path| path.contains(&format!("/{of}/"))).count()
        };
        let before = [progress(&told, 0), progress(&told, 1), progress(&told, 2)];
        wait_until("all make progress", || (0..3).all(|of| progress(&told, of) > before[of] + 2));
        let victim = kill % 2;
        proxies[victim].kill();
        // The others go on meanwhile.
        let before = progress(&told, 2);
        wait_until("the others go on", || progress(&told, 2) > before + 3);
        wait_until("what it left open is closed by another", || {
            let sql = format!(
                "SELECT count(*) FROM countersign.entries i WHERE kind = 'intent' AND writer = '{}' \
                 AND NOT EXISTS (SELECT FROM countersign.entries c WHERE c.writer = i.writer \
                                 AND c.intent = i.seq)",
                ["a", "b"][victim]
            );
            server.sql(&database, &sql).trim() == "0"
        });
        proxies[victim].restart();
    }
    stop.store(true, Ordering::SeqCst);
    load.into_iter().for_each(|thread| thread.join().unwrap());
    all_is_on_record_once(&server, &database, &proxies[2], &told.lock().unwrap(), &upstream);
    // One is gone for good; what it left, and what others wrote for it, is sealed by those that live.
    proxies[0].kill();
    let config = proxies[2].config();
    let verify = ["verify", "--json", "--config", config.to_str().unwrap()];
    wait_until("all is sealed", || {
        let done = Command::new(env!("CARGO_BIN_EXE_countersign")).args(verify).output().unwrap();
        let report: Value = serde_json::from_slice(&done.stdout).unwrap();
        let logs = report["logs"].as_array().unwrap();
        let is_proven = |log: &Value| log["proven"] == log["entries"];
        assert_ne!(done.status.code(), Some(1), "{report}");
        logs.len() == 3 && logs.iter().all(is_proven)
    });
}

/// Everything that somebody was told is on record, once, and so is everything that was executed.
fn all_is_on_record_once(
    server: &Postgres,
    database: &str,
    reader: &Proxy,
    told: &BTreeSet<String>,
    upstream: &Upstream,
) {
    wait_until("nothing is open", || {
        let sql = "SELECT count(*) FILTER (WHERE kind = 'intent') = count(intent) \
                   FROM countersign.entries";
        server.sql(database, sql).trim() == "t"
    });
    let recorded: Vec<String> = reader
        .all_events()
        .into_iter()
        .filter_map(|event| event["request"]["path"].as_str().map(ToOwned::to_owned))
        .collect();
    let once: BTreeSet<&String> = recorded.iter().collect();
    assert_eq!(once.len(), recorded.len(), "none twice");
    assert!(told.iter().all(|path| once.contains(path)));
    for seen in upstream.seen() {
        let path = seen.line().split(' ').nth(1).unwrap().to_owned();
        assert!(once.contains(&path), "{path} was executed without a record");
    }
    let lost = "SELECT count(*) > 0 FROM countersign.entries WHERE doc LIKE '%\"proxy_lost\"%'";
    assert_eq!(server.sql(database, lost).trim(), "t", "another one closed some of it");
    let dense = "SELECT bool_and(n = m) FROM (SELECT count(*) n, max(seq) m \
                 FROM countersign.entries GROUP BY writer) w";
    assert_eq!(server.sql(database, dense).trim(), "t");
}
