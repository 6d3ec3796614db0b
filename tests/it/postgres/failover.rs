//! A primary that is lost, and a standby that takes its place: with synchronous replication nothing
//! that was acknowledged is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{events_of, post, setup, wait_ready};
use crate::support::{Postgres, Programs, Proxy, Reply, Upstream, exchange, wait_until};

#[test]
fn nothing_acknowledged_is_lost_with_a_promoted_standby() {
    let mut primary = Postgres::with(&Programs::newest(), &["synchronous_standby_names=second"]);
    // Until there is a standby, nobody waits for one.
    primary.sql("postgres", "ALTER SYSTEM SET synchronous_commit = 'local'");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    let database = primary.ledger();
    let standby = primary.standby("second", &[]);
    primary.sql("postgres", "ALTER SYSTEM RESET synchronous_commit");
    primary.sql("postgres", "SELECT pg_reload_conf()");
    wait_until("the standby is synchronous", || {
        primary
            .sql("postgres", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
            == "1"
    });
    let upstream = Upstream::start(|_| Reply::ok());
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", primary.port, standby.port);
    let url = format!("postgres://proxy@{hosts}/{database}");
    let proxy = Proxy::with(upstream.address, &setup(&url, ""));
    let (address, stop) = (proxy.address, Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                let mut acknowledged = Vec::new();
                for n in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let path = format!("/load/{client}/{n}");
                    if exchange(address, &post(&path)).status == 200 {
                        acknowledged.push(path);
                    }
                }
                acknowledged
            })
        })
        .collect();
    wait_until("there is load", || upstream.seen().len() > 40);
    primary.crash();
    standby.pg_ctl(&["promote"]);
    let before = upstream.seen().len();
    wait_until("it goes on with the other server", || upstream.seen().len() > before + 20);
    stop.store(true, Ordering::Relaxed);
    let acknowledged: Vec<String> =
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    wait_ready(&proxy);
    let events = proxy.events();
    for path in &acknowledged {
        let of_path: Vec<_> =
            events.iter().filter(|event| event["request"]["path"] == path.as_str()).collect();
        assert_eq!(of_path.len(), 1, "{path}");
        assert_eq!(of_path[0]["outcome"], "success", "{path}");
    }
    assert!(acknowledged.len() > 40);
    assert!(events_of(&proxy, "/never").is_empty());
    // Whatever the upstream did is on record, whether or not its client was told.
    for seen in upstream.seen() {
        let path = seen.line().split(' ').nth(1).unwrap();
        assert!(events.iter().any(|event| event["request"]["path"] == path), "{path}");
    }
}
