//! Health checks: who is left, who is taken back, and by which way they go.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{assert_not_sent, before, executed, pool, post, send};
use crate::support::{
    Authority, Http2Reply, Http2Upstream, Proxy, Reply, TlsFront, Upstream, exchange, free_address,
    wait_until,
};

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
    assert!(log.contains("the answer was 503"), "{log}");
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
    assert!(proxy.log().contains("Connection refused"), "{}", proxy.log());
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
    let proxy = before(modern.address, format!("http: \"2\", {CHECK}"));
    let (before, connections) = (looks("2"), modern.connections());
    wait_until("health was looked at without TLS", || looks("2") > before + 2);
    assert!(modern.connections() > connections + 2, "each makes a connection of its own");
    assert_eq!(changes(&proxy, "unhealthy"), 0);
    let seen = modern.seen();
    assert!(seen.iter().all(|seen| !seen.headers.contains_key("host")), "{seen:?}");
}
