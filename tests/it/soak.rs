//! Random `kill -9` under load: after each, what clients were told, what the upstream did and what
//! is on record must agree.
//!
//! `COUNTERSIGN_SOAK_SEED` repeats a run's pauses, `COUNTERSIGN_SOAK_KILLS` changes its length.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::support::{Proxy, Reply, Row, Upstream, exchange_on, rows_after};

const CLIENTS: usize = 6;

/// What a client was told: the event, and the item that it had asked for.
type Released = (String, String);

struct Random(u64);

impl Random {
    /// From the environment, or by chance; printed, so that a run can be repeated.
    fn seeded() -> Self {
        let chance = || RandomState::new().hash_one(0);
        let seed = number("COUNTERSIGN_SOAK_SEED").unwrap_or_else(chance).max(1);
        eprintln!("COUNTERSIGN_SOAK_SEED={seed}");
        Self(seed)
    }

    /// xorshift64.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    fn pause(&mut self, least: u64, most: u64) {
        thread::sleep(Duration::from_millis(least + self.below(most - least)));
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Sends one item after the other on a kept connection until the proxy is gone.
fn load(address: SocketAddr, items: &AtomicU64, released: &Mutex<Vec<Released>>) {
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    loop {
        let item = format!("item-{}", items.fetch_add(1, Ordering::Relaxed));
        let body = format!(r#"{{"name":"{item}"}}"#);
        let mut request = String::new();
        write!(
            request,
            "POST /items/{item} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let answer = exchange_on(&mut stream, request.as_bytes());
        match answer.status {
            0 => return,
            200 => {
                let event = answer.header("countersign-event").unwrap().to_owned();
                released.lock().unwrap().push((event, item));
                // The connection may break behind the head.
                assert!(body.starts_with(&answer.text()), "{}", answer.text());
                if answer.body.len() < body.len() {
                    return;
                }
            }
            other => panic!("{item}: {other} {}", answer.text()),
        }
    }
}

/// What is known of all rounds so far.
#[derive(Default)]
struct Known {
    last: i64,
    /// Item and completion of each intent, by event.
    events: HashMap<String, (String, Option<Row>)>,
    by_seq: HashMap<i64, String>,
    released: usize,
    executed: HashSet<String>,
    unknown: usize,
}

impl Known {
    /// Reads what is new in the ledger. All of it is closed, each intent once.
    fn read(&mut self, proxy: &Proxy) {
        for row in rows_after(&proxy.data(), self.last) {
            assert_eq!(row.seq, self.last + 1, "the sequence is dense");
            self.last = row.seq;
            if row.is_system() {
                continue;
            }
            if row.kind == "intent" {
                let path = row.doc["request"]["path"].as_str().unwrap();
                let item = path.rsplit('/').next().unwrap().to_owned();
                let doubled = self.events.insert(row.id.clone(), (item, None));
                assert!(doubled.is_none(), "two intents of {}", row.id);
                self.by_seq.insert(row.seq, row.id);
                continue;
            }
            assert_eq!(self.by_seq.get(&row.intent.unwrap()), Some(&row.id), "{row:?}");
            if row.doc["outcome"] == "unknown" {
                assert_eq!(row.doc["reason"], "proxy_restarted", "{row:?}");
                self.unknown += 1;
            } else {
                assert_eq!(row.doc["outcome"], "success", "{row:?}");
            }
            let (_, completion) = self.events.get_mut(&row.id).unwrap();
            assert!(completion.is_none(), "two completions of {}", row.id);
            *completion = Some(row);
        }
        let open: Vec<_> = self.events.iter().filter(|(_, (_, done))| done.is_none()).collect();
        assert!(open.is_empty(), "not closed after the restart: {open:?}");
    }

    /// Every success that a client received is on record as such.
    fn check_released(&mut self, released: Vec<Released>) {
        for (event, item) in released {
            let (of, completion) = self.events.get(&event).expect("a released event is on record");
            assert_eq!(*of, item);
            assert_eq!(completion.as_ref().unwrap().doc["outcome"], "success", "{item}");
            self.released += 1;
        }
    }

    /// Everything that the upstream executed has an intent, and was executed once.
    fn check_executed(&mut self, executed: Vec<(String, String)>) {
        for (event, item) in executed {
            let intent = self.events.get(&event).map(|(of, _)| of);
            assert_eq!(intent, Some(&item), "executed without an intent");
            assert!(self.executed.insert(item.clone()), "{item} was executed twice");
        }
    }

    /// Nothing counts as a success that the upstream did not execute.
    fn check_successes(&self) {
        for (item, completion) in self.events.values() {
            let success = completion.as_ref().is_some_and(|row| row.doc["outcome"] == "success");
            assert!(!success || self.executed.contains(item), "{item} never reached the upstream");
        }
    }
}

#[test]
fn random_kills_under_load_leave_the_record_whole() {
    let kills = number("COUNTERSIGN_SOAK_KILLS").unwrap_or(200);
    let mut random = Random::seeded();
    let executed = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&executed);
    let upstream = Upstream::start(move |seen| {
        let item = seen.line().split(['/', ' ']).nth(3).unwrap().to_owned();
        let event = seen.header("countersign-request").unwrap().to_owned();
        let slow = item.ends_with('7');
        record.lock().unwrap().push((event, item));
        let body = String::from_utf8(seen.body.clone()).unwrap();
        match Reply::response("200 OK", "application/json", &body) {
            Reply::Bytes(bytes) if slow => Reply::Later(Duration::from_millis(20), bytes),
            reply => reply,
        }
    });
    let mut proxy = Proxy::start(upstream.address);
    let address = proxy.address;
    let items = AtomicU64::new(0);
    let mut known = Known::default();
    let mut killed = 0;
    while killed < kills {
        let released = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..CLIENTS {
                scope.spawn(|| load(address, &items, &released));
            }
            random.pause(50, 300);
            proxy.kill();
        });
        killed += 1;
        // Sometimes it is killed again while it starts, and closes what the last run left open.
        while killed < kills && random.below(4) == 0 {
            proxy.respawn();
            random.pause(1, 150);
            proxy.kill();
            killed += 1;
        }
        proxy.restart();
        known.read(&proxy);
        known.check_released(released.into_inner().unwrap());
        known.check_executed(std::mem::take(&mut *executed.lock().unwrap()));
    }
    known.check_successes();
    eprintln!(
        "{killed} kills: {} events, {} released, {} executed, {} unknown",
        known.events.len(),
        known.released,
        known.executed.len(),
        known.unknown
    );
    assert!(known.released > 0 && known.unknown > 0, "the kills met no load");
}
