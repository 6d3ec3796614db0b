//! The ways to an upstream: TLS, client certificates, HTTP/2, several addresses, health checks.

mod addresses;
mod health;
mod http2;

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::support::{Answer, Authority, Proxy, Reply, Setup, TlsFront, Upstream, exchange};

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
        let log = proxy.log();
        let told: Vec<&str> =
            log.lines().filter(|line| line.contains("cannot be reached")).collect();
        assert_eq!(told.len(), 1, "{what}: told, but not for every request: {log}");
        let address = front.address.to_string();
        let cause = ["certificate", "tls", address.as_str()];
        assert!(cause.iter().all(|part| told[0].contains(part)), "{what}: {log}");
        let counted = "upstream_connect_failures_total{upstream=\"app\",reason=\"tls\"} ";
        assert!(proxy.read("/metrics").1.contains(counted), "{what}");
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
