//! Several addresses: how requests are spread, and what a dead one costs.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::json;

use super::{event_of, executed, pool, post, send};
use crate::support::{Proxy, Reply, Setup, Upstream, completions, exchange, free_address};

#[test]
fn requests_are_spread_as_configured() {
    const REQUESTS: usize = 24;
    // How many requests the busiest of three upstreams gets.
    let rows = [
        ("round_robin", REQUESTS / 3..=REQUESTS / 3),
        ("random", REQUESTS / 3..=REQUESTS - 1),
        ("client_ip", REQUESTS..=REQUESTS),
    ];
    for (balancing, expected) in rows {
        let upstreams: Vec<Upstream> = (0..3).map(|_| Upstream::start(|_| Reply::ok())).collect();
        let rest = [upstreams[1].address, upstreams[2].address];
        let keys = format!("balancing: {balancing}");
        let proxy = pool(upstreams[0].address, &rest, &keys);
        for _ in 0..REQUESTS {
            assert_eq!(post(&proxy).status, 200, "{balancing}");
        }
        let counts: Vec<usize> = executed(&upstreams).iter().map(Vec::len).collect();
        assert_eq!(counts.iter().sum::<usize>(), REQUESTS, "{balancing}");
        assert!(expected.contains(counts.iter().max().unwrap()), "{balancing}: {counts:?}");
        assert_eq!(proxy.events().len(), REQUESTS, "{balancing}");
    }
}

#[test]
fn the_client_that_is_on_record_decides_which_address_it_gets() {
    let upstreams: Vec<Upstream> = (0..3).map(|_| Upstream::start(|_| Reply::ok())).collect();
    let addresses = vec![upstreams[1].address, upstreams[2].address];
    let upstream = "balancing: client_ip".to_owned();
    let more = "trusted_proxies: [\"127.0.0.1\"]".to_owned();
    let setup = Setup { addresses, upstream, more, ..Setup::default() };
    let proxy = Proxy::with(upstreams[0].address, &setup);
    for client in 0..24 {
        for method in ["POST", "GET"] {
            let target = format!("/users/{client}-{method}");
            let fields = format!("X-Forwarded-For: 10.9.{client}.7\r\n");
            assert_eq!(exchange(proxy.address, &send(method, &target, &fields, b"")).status, 200);
        }
    }
    let clients = |upstream: &Upstream| {
        let seen = upstream.seen();
        let targets =
            seen.iter().map(|seen| seen.line().split(['/', '-']).nth(2).unwrap().to_owned());
        (seen.len(), targets.collect::<BTreeSet<String>>().len())
    };
    for upstream in &upstreams {
        let (requests, clients) = clients(upstream);
        assert!(requests > 0 && requests == 2 * clients, "{requests} of {clients} clients");
    }
}

#[test]
fn a_dead_address_among_live_ones_costs_no_request_and_doubles_none() {
    const REQUESTS: usize = 32;
    for balancing in ["round_robin", "random", "client_ip"] {
        for dead in [vec![free_address()], vec![free_address(), free_address()]] {
            let upstreams: Vec<Upstream> =
                (0..2).map(|_| Upstream::start(|_| Reply::ok())).collect();
            let rest = [&dead[1..], &[upstreams[0].address, upstreams[1].address]].concat();
            let proxy = pool(dead[0], &rest, &format!("balancing: {balancing}"));
            let address = proxy.address;
            let clients: Vec<_> = (0..4)
                .map(|client| {
                    std::thread::spawn(move || {
                        let path = |n: usize| format!("/users/{client}-{n}");
                        let of = |n: usize| ["POST", "PUT", "DELETE", "PATCH"][n % 4];
                        (0..REQUESTS / 4)
                            .map(|n| exchange(address, &send(of(n), &path(n), "", b"x")).status)
                            .collect::<Vec<u16>>()
                    })
                })
                .collect();
            let statuses: Vec<u16> = clients.into_iter().flat_map(|c| c.join().unwrap()).collect();
            assert_eq!(statuses, vec![200; REQUESTS], "{balancing}");
            for _ in 0..4 {
                let read = exchange(address, &send("GET", "/users", "", b""));
                assert_eq!(read.status, 200, "{balancing}: reads find a live one too");
            }
            let all: Vec<String> = executed(&upstreams).concat();
            let distinct: BTreeSet<&String> = all.iter().collect();
            assert_eq!((all.len(), distinct.len()), (REQUESTS, REQUESTS), "{balancing}");
            let events = proxy.events();
            assert_eq!(events.len(), REQUESTS, "{balancing}");
            assert!(events.iter().all(|event| event["outcome"] == "success"), "{balancing}");
            let kept = completions(&proxy.data());
            let intents: BTreeSet<Option<i64>> = kept.iter().map(|row| row.intent).collect();
            assert_eq!((kept.len(), intents.len()), (REQUESTS, REQUESTS), "{balancing}");
        }
    }
}

/// An address where nobody answers: connections that nobody accepts take up all the room there is.
struct BlackHole {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl BlackHole {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            waiting.push(stream);
            assert!(waiting.len() < 10_000, "the backlog has no end");
        }
        Self { address, _listener: listener, _waiting: waiting }
    }
}

#[test]
fn an_address_where_nobody_answers_was_not_sent_anything_and_is_left_for_another() {
    let hole = BlackHole::open();
    let more = "timeouts: {connect: 250ms}".to_owned();
    let alone = Proxy::with(hole.address, &Setup { more: more.clone(), ..Setup::default() });
    let answer = post(&alone);
    assert_eq!((answer.status, answer.problem().as_deref()), (504, Some("gateway-timeout")));
    assert!(answer.text().contains("was not executed"), "{}", answer.text());
    let event = event_of(&alone, &answer);
    assert_eq!((&event["outcome"], &event["reason"]), (&json!("failure"), &json!("not_sent")));
    let read = exchange(alone.address, &send("GET", "/users", "", b""));
    assert_eq!(read.status, 504, "{}", read.text());
    // The only address is tried once a request, and not until it is three times as late.
    let failures = "upstream_connect_failures_total{upstream=\"app\",reason=\"timeout\"} 2\n";
    assert!(alone.read("/metrics").1.contains(failures), "{}", alone.read("/metrics").1);

    let upstream = Upstream::start(|_| Reply::ok());
    let addresses = vec![upstream.address];
    let setup = Setup { more, addresses, ..Setup::default() };
    let proxy = Proxy::with(hole.address, &setup);
    for _ in 0..4 {
        assert_eq!(post(&proxy).status, 200);
    }
    assert_eq!((upstream.seen().len(), proxy.events().len()), (4, 4));
}
