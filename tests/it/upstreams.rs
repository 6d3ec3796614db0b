//! The ways to an upstream: TLS, client certificates, HTTP/2, several addresses, health checks.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request};
use serde_json::{Value, json};

use super::support::{
    Answer, Authority, Http2Reply, Http2Upstream, Proxy, Reply, Setup, TlsFront, Upstream,
    completions, exchange, free_address, http2_exchange, wait_until,
};

fn send(method: &str, target: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "{method} {target} HTTP/1.1\r\nHost: admin.test\r\nConnection: close\r\n{fields}\
         Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

fn post(proxy: &Proxy) -> Answer {
    let body = br#"{"name":"ada"}"#;
    exchange(proxy.address, &send("POST", "/users", "Content-Type: application/json\r\n", body))
}

fn before(upstream: SocketAddr, keys: String) -> Proxy {
    Proxy::with(upstream, &Setup { upstream: keys, ..Setup::default() })
}

/// A WebSocket handshake.
const UPGRADE: &[u8] = b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// The newest event, which must be that of the answer.
fn event_of(proxy: &Proxy, answer: &Answer) -> Value {
    let event = proxy.events().pop().unwrap();
    assert_eq!(event["id"].as_str(), answer.header("countersign-event"), "{answer:?}");
    event
}

fn assert_not_sent(proxy: &Proxy, answer: &Answer) {
    assert_eq!((answer.status, answer.problem().as_deref()), (502, Some("bad-gateway")));
    assert!(answer.text().contains("was not executed"), "{}", answer.text());
    let event = event_of(proxy, answer);
    assert_eq!((&event["outcome"], &event["reason"]), (&json!("failure"), &json!("not_sent")));
}

#[test]
fn an_upstream_with_a_private_authority_is_verified() {
    let (ours, others) = (Authority::new("ours"), Authority::new("ours"));
    let upstream = Upstream::start(|_| Reply::ok());
    let front = TlsFront::start(upstream.address, &ours.issue("admin.internal"), &[], None);
    let tls = |name: &str, authority: &Authority| {
        format!("tls: {{server_name: {name}, ca: {}}}", authority.certificate().display())
    };
    let rows = [
        ("an authority that did not sign", tls("admin.internal", &others)),
        ("a name that is another's", tls("elsewhere.internal", &ours)),
        ("the name of the address", format!("tls: {{ca: {}}}", ours.certificate().display())),
        ("the system's authorities", "tls: {server_name: admin.internal}".to_owned()),
    ];
    for (what, keys) in rows {
        let routes = "  - {name: default, upstream: app, upgrades: true}".to_owned();
        let setup = Setup { upstream: keys, routes, ..Setup::default() };
        let proxy = Proxy::with(front.address, &setup);
        assert_not_sent(&proxy, &post(&proxy));
        assert_eq!(exchange(proxy.address, UPGRADE).status, 502, "{what}");
        let upgrade = proxy.events().pop().unwrap();
        assert_eq!(upgrade["request"]["path"], "/live", "{what}");
        assert_eq!(upgrade["reason"], "not_sent", "{what}: nor is an upgrade");
        let read = exchange(proxy.address, &send("GET", "/users", "", b""));
        assert_eq!(read.status, 502, "{what}: reads are no less careful");
    }
    assert_eq!((front.handshakes(), upstream.seen().len()), (0, 0));

    let proxy = before(front.address, tls("admin.internal", &ours));
    let answer = post(&proxy);
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"ok":true}"#));
    assert_eq!(event_of(&proxy, &answer)["outcome"], "success");
    assert_eq!(upstream.seen()[0].header("host"), Some("admin.test"));
}

#[test]
fn an_upstream_that_wants_a_client_certificate_gets_it() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let upstream = Upstream::start(|_| Reply::ok());
    let pair = servers.issue("admin.internal");
    let front = TlsFront::start(upstream.address, &pair, &[], Some(&clients));
    let authority = servers.certificate().display().to_string();
    let with = |client: &Authority| {
        let pair = client.issue("countersign");
        format!(
            "tls: {{server_name: admin.internal, ca: {authority}, client_certificate: {}, \
             client_key: {}}}",
            pair.certificate.display(),
            pair.key.display()
        )
    };
    let others = Authority::new("clients");
    let strangers = [
        ("none", format!("tls: {{server_name: admin.internal, ca: {authority}}}")),
        ("another authority's", with(&others)),
    ];
    for (what, keys) in strangers {
        let proxy = before(front.address, keys);
        let answer = post(&proxy);
        assert_eq!(answer.status, 502, "{what}");
        assert_ne!(event_of(&proxy, &answer)["outcome"], "success", "{what}");
    }
    assert_eq!((front.handshakes(), upstream.seen().len()), (0, 0));

    let proxy = before(front.address, with(&clients));
    let answer = post(&proxy);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(event_of(&proxy, &answer)["outcome"], "success");
}

/// Proxies before the same HTTP/2 upstream, over TLS and without.
fn http2_proxies(upstream: &Http2Upstream) -> (TlsFront, Authority, Vec<(&'static str, Proxy)>) {
    let authority = Authority::new("servers");
    let pair = authority.issue("admin.internal");
    let front = TlsFront::start(upstream.address, &pair, &["h2"], None);
    let tls =
        format!("tls: {{server_name: admin.internal, ca: {}}}", authority.certificate().display());
    let proxies = vec![
        ("http", before(upstream.address, "http: \"2\"".to_owned())),
        ("https", before(front.address, format!("{tls}, http: \"2\""))),
        ("https", before(front.address, format!("{tls}, http: auto"))),
    ];
    (front, authority, proxies)
}

#[test]
fn audited_requests_go_to_an_http2_upstream() {
    let upstream = Http2Upstream::start(usize::MAX, |seen| match seen.method.as_str() {
        "DELETE" => Http2Reply { status: 204, ..Http2Reply::default() },
        "PROPFIND" => {
            Http2Reply { status: 207, body: vec![b'y'; 2 << 20], ..Http2Reply::default() }
        }
        _ => {
            let body = format!("{} bytes", seen.body.len()).into_bytes();
            Http2Reply { status: 201, body, ..Http2Reply::default() }
        }
    });
    let (_front, _authority, proxies) = http2_proxies(&upstream);
    let large = vec![b'x'; 3 << 20];
    let mut chunked =
        b"POST /users?page=%7B1%7D HTTP/1.1\r\nHost: admin.test\r\nConnection: close\r\n\
        Transfer-Encoding: chunked\r\n\r\n"
            .to_vec();
    for chunk in large.chunks(1 << 20) {
        chunked.extend(format!("{:x}\r\n", chunk.len()).bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    let rows: [(&str, Vec<u8>, u16, usize); 6] = [
        ("no body", send("POST", "/users?page=%7B1%7D", "", b""), 201, 0),
        ("a small body", send("PUT", "/users?page=%7B1%7D", "", b"name=ada"), 201, 8),
        (
            "a body over the capture limit",
            send("POST", "/users?page=%7B1%7D", "", &large),
            201,
            large.len(),
        ),
        ("chunks over the capture limit", chunked, 201, large.len()),
        ("an answer without content", send("DELETE", "/users?page=%7B1%7D", "", b""), 204, 0),
        (
            "an answer over the capture limit",
            send("PROPFIND", "/users?page=%7B1%7D", "", b""),
            207,
            0,
        ),
    ];
    for (scheme, proxy) in &proxies {
        for (what, bytes, status, size) in &rows {
            let answer = exchange(proxy.address, bytes);
            assert_eq!(answer.status, *status, "{what}: {}", answer.text());
            match status {
                201 => assert_eq!(answer.text(), format!("{size} bytes"), "{what}"),
                204 => assert!(answer.body.is_empty(), "{what}"),
                _ => assert_eq!(answer.body.len(), 2 << 20, "{what}"),
            }
            let event = event_of(proxy, &answer);
            assert_eq!(event["outcome"], "success", "{what}");
            assert_eq!(event["request"]["size"], *size, "{what}");
            let seen = upstream.seen().pop().unwrap();
            assert_eq!(seen.body.len(), *size, "{what}");
            let target = seen.uri.path_and_query().unwrap().as_str();
            assert_eq!(target, "/users?page=%7B1%7D", "{what}");
            assert_eq!(seen.uri.authority().unwrap().as_str(), "admin.test", "{what}");
            assert_eq!(seen.uri.scheme_str(), Some(*scheme), "{what}");
            let id = seen.headers.get("countersign-request").unwrap();
            assert_eq!(event["id"], id.to_str().unwrap(), "{what}");
        }
        assert_eq!(proxy.events().len(), rows.len());
    }
    assert_eq!(upstream.seen().len(), rows.len() * proxies.len());
    assert_eq!(upstream.connections(), proxies.len(), "streams share a connection");
}

#[test]
fn trailers_of_an_http2_upstream_reach_an_http2_client() {
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let reply = Http2Reply { status: 200, body: b"done".to_vec(), trailers: trailers.clone() };
    let upstream = Http2Upstream::start(usize::MAX, move |_| reply.clone());
    let proxy = before(upstream.address, "http: \"2\"".to_owned());
    for method in ["POST", "GET"] {
        let request = Request::builder()
            .method(method)
            .uri("http://admin.test/users.Service/Create")
            .header("te", "trailers")
            .body(if method == "GET" { Vec::new() } else { b"name=ada".to_vec() })
            .unwrap();
        let answer = http2_exchange(proxy.address, request);
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"done"[..]), "{method}");
        assert_eq!(answer.trailers.as_ref(), Some(&trailers), "{method}");
        let audited = answer.headers.contains_key("countersign-event");
        assert_eq!(audited, method == "POST");
    }
    let events = proxy.events();
    assert_eq!(events.len(), 1);
    assert_eq!(
        (&events[0]["outcome"], &events[0]["response"]["size"]),
        (&json!("success"), &json!(4))
    );
    assert_eq!(upstream.seen()[0].headers.get("te").unwrap(), "trailers");
}

#[test]
fn http2_connections_that_take_no_more_are_left_without_a_double() {
    let upstream = Http2Upstream::start(2, |_| Http2Reply { status: 200, ..Http2Reply::default() });
    let proxy = before(upstream.address, "http: \"2\"".to_owned());
    for n in 0..12 {
        let answer = exchange(proxy.address, &send("POST", &format!("/users/{n}"), "", b"x"));
        assert_eq!(answer.status, 200, "{n}: {}", answer.text());
    }
    let paths: Vec<String> =
        upstream.seen().iter().map(|seen| seen.uri.path().to_owned()).collect();
    let expected: Vec<String> = (0..12).map(|n| format!("/users/{n}")).collect();
    assert_eq!(paths, expected);
    assert!(proxy.events().iter().all(|event| event["outcome"] == "success"));
    assert_eq!(proxy.events().len(), 12);
}

#[test]
fn a_stream_that_is_reset_leaves_an_unknown_outcome_and_the_connection() {
    let upstream = Http2Upstream::start(usize::MAX, |seen| {
        let status = if seen.uri.path() == "/reset" { 0 } else { 200 };
        Http2Reply { status, ..Http2Reply::default() }
    });
    let proxy = before(upstream.address, "http: \"2\"".to_owned());
    for method in ["POST", "PUT"] {
        let answer = exchange(proxy.address, &send(method, "/reset", "", b"x"));
        assert_eq!((answer.status, answer.problem().as_deref()), (502, Some("bad-gateway")));
        let event = event_of(&proxy, &answer);
        assert_eq!(
            (&event["outcome"], &event["reason"]),
            (&json!("unknown"), &json!("upstream_lost"))
        );
        assert_eq!(post(&proxy).status, 200);
    }
    assert_eq!((upstream.seen().len(), upstream.connections()), (4, 1));
    assert_eq!(proxy.events().len(), 4);
}

#[test]
fn an_upstream_that_does_not_speak_http2_was_not_sent_anything() {
    let authority = Authority::new("servers");
    let upstream = Upstream::start(|_| Reply::ok());
    let pair = authority.issue("admin.internal");
    let front = TlsFront::start(upstream.address, &pair, &["http/1.1"], None);
    let tls =
        format!("tls: {{server_name: admin.internal, ca: {}}}", authority.certificate().display());
    let proxy = before(front.address, format!("{tls}, http: \"2\""));
    assert_not_sent(&proxy, &post(&proxy));
    assert!(upstream.seen().is_empty());
    // Where it may choose, it gets what it speaks.
    let proxy = before(front.address, format!("{tls}, http: auto"));
    assert_eq!(post(&proxy).status, 200);
    assert_eq!(upstream.seen()[0].line(), "POST /users HTTP/1.1");
}

fn pool(first: SocketAddr, rest: &[SocketAddr], keys: &str) -> Proxy {
    let (addresses, upstream) = (rest.to_vec(), keys.to_owned());
    Proxy::with(first, &Setup { addresses, upstream, ..Setup::default() })
}

/// Which requests each upstream executed.
fn executed(upstreams: &[Upstream]) -> Vec<Vec<String>> {
    let lines = |upstream: &Upstream| {
        let seen = upstream.seen();
        let posts = seen.iter().filter(|seen| !seen.line().starts_with("GET"));
        posts.map(|seen| seen.line().to_owned()).collect()
    };
    upstreams.iter().map(lines).collect()
}

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

    let upstream = Upstream::start(|_| Reply::ok());
    let addresses = vec![upstream.address];
    let setup = Setup { more, addresses, ..Setup::default() };
    let proxy = Proxy::with(hole.address, &setup);
    for _ in 0..4 {
        assert_eq!(post(&proxy).status, 200);
    }
    assert_eq!((upstream.seen().len(), proxy.events().len()), (4, 4));
}

/// Upstreams whose health can be switched, and which executes what is not a health check.
fn switchable(count: usize) -> (Vec<Upstream>, Vec<Arc<AtomicBool>>) {
    let healthy: Vec<Arc<AtomicBool>> =
        (0..count).map(|_| Arc::new(AtomicBool::new(true))).collect();
    let start = |healthy: &Arc<AtomicBool>| {
        let healthy = Arc::clone(healthy);
        Upstream::start(move |seen| {
            let ill = seen.line().starts_with("GET /health ") && !healthy.load(Ordering::SeqCst);
            if ill {
                Reply::response("503 Service Unavailable", "text/plain", "ill")
            } else {
                Reply::ok()
            }
        })
    };
    (healthy.iter().map(start).collect(), healthy)
}

const CHECK: &str =
    "health_check: {path: /health, interval: 100ms, healthy_after: 2, unhealthy_after: 2}";

/// How often addresses of the upstream became `healthy` or `unhealthy`.
fn changes(proxy: &Proxy, health: &str) -> u64 {
    let wanted = format!(
        "countersign_upstream_health_changes_total{{upstream=\"app\",health=\"{health}\"}} "
    );
    let metrics = proxy.read("/metrics").1;
    let line = metrics.lines().find_map(|line| line.strip_prefix(&wanted));
    line.map_or(0, |count| count.parse().unwrap())
}

#[test]
fn an_address_that_turns_unhealthy_is_left_until_it_is_healthy_again() {
    let (upstreams, healthy) = switchable(2);
    let proxy = pool(upstreams[0].address, &[upstreams[1].address], CHECK);
    let posts = || -> Vec<usize> { executed(&upstreams).iter().map(Vec::len).collect() };
    healthy[0].store(false, Ordering::SeqCst);
    wait_until("one address is unhealthy", || changes(&proxy, "unhealthy") == 1);
    let log = proxy.log();
    assert!(log.contains(&upstreams[0].address.to_string()), "{log}");
    for _ in 0..8 {
        assert_eq!(post(&proxy).status, 200);
    }
    assert_eq!(posts(), [0, 8]);

    healthy[1].store(false, Ordering::SeqCst);
    wait_until("both addresses are unhealthy", || changes(&proxy, "unhealthy") == 2);
    assert_not_sent(&proxy, &post(&proxy));
    assert_eq!(exchange(proxy.address, &send("GET", "/users", "", b"")).status, 502);
    assert_eq!(posts(), [0, 8]);

    healthy.iter().for_each(|healthy| healthy.store(true, Ordering::SeqCst));
    wait_until("both addresses are healthy", || changes(&proxy, "healthy") == 2);
    for _ in 0..8 {
        assert_eq!(post(&proxy).status, 200);
    }
    assert_eq!(posts(), [4, 12]);
    assert_eq!(proxy.events().len(), 17);
}

#[test]
fn health_checks_without_a_path_look_whether_the_port_is_open() {
    let upstream = Upstream::start(|_| Reply::ok());
    let dead = free_address();
    let keys = "health_check: {interval: 100ms, healthy_after: 1, unhealthy_after: 1}";
    let proxy = pool(upstream.address, &[dead], keys);
    wait_until("the closed port is found", || changes(&proxy, "unhealthy") == 1);
    let listener = TcpListener::bind(dead).unwrap();
    wait_until("the open port is found", || changes(&proxy, "healthy") == 1);
    drop(listener);
    wait_until("the port is closed again", || changes(&proxy, "unhealthy") == 2);
    assert_eq!(post(&proxy).status, 200);
}

#[test]
fn health_checks_go_the_way_of_requests() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let (pair, client) = (servers.issue("admin.internal"), clients.issue("countersign"));
    let tls = format!(
        "tls: {{server_name: admin.internal, ca: {}, client_certificate: {}, client_key: {}}}",
        servers.certificate().display(),
        client.certificate.display(),
        client.key.display()
    );
    let plain = Upstream::start(|_| Reply::ok());
    let modern =
        Http2Upstream::start(usize::MAX, |_| Http2Reply { status: 200, ..Http2Reply::default() });
    let looks = |http: &str| match http {
        "1" => plain.seen().iter().filter(|seen| seen.line().starts_with("GET /health")).count(),
        _ => modern.seen().iter().filter(|seen| seen.uri.path() == "/health").count(),
    };
    for (behind, alpn, http) in [(plain.address, vec![], "1"), (modern.address, vec!["h2"], "2")] {
        let front = TlsFront::start(behind, &pair, &alpn, Some(&clients));
        let proxy = before(front.address, format!("{tls}, http: \"{http}\", {CHECK}"));
        wait_until("health was looked at often enough", || looks(http) > 3);
        assert_eq!(changes(&proxy, "unhealthy"), 0, "{http}");
        assert_eq!(post(&proxy).status, 200, "{http}");
    }
}
