//! The protocols around HTTP/1: HTTP/2 with and without TLS, unix sockets, WebSocket, and reload.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use super::support::{Proxy, Reply, Setup, Upstream, exchange, read_answer, wait_until};

/// What curl prints: the version of HTTP, the status, the event's header.
fn curl(args: &[&str]) -> String {
    let mut curl = Command::new("curl");
    curl.args(["-s", "-o", "/dev/null", "-m", "20", "--noproxy", "*"]);
    curl.args(["-w", "%{http_version} %{http_code} %header{countersign-event}"]);
    let output = curl.args(args).output().expect("curl is installed");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn cleartext_http2_is_audited_like_http1() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let url = format!("http://{}/admin/users", proxy.address);
    let read = curl(&["--http2-prior-knowledge", &url]);
    assert_eq!(read, "2 200");
    let written = curl(&["--http2-prior-knowledge", "-d", "name=ada", &url]);
    let event = written.strip_prefix("2 200 ").expect("an audited answer over HTTP/2");
    let events = proxy.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["id"], event);
    assert_eq!(events[0]["action"], "user.create");
    assert_eq!(upstream.seen()[1].line(), "POST /admin/users HTTP/1.1");
}

#[test]
fn tls_listeners_offer_http2_and_http1_by_alpn() {
    let certificate = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = tempfile::tempdir().unwrap();
    let (chain, key) = (files.path().join("chain.pem"), files.path().join("key.pem"));
    fs::write(&chain, certificate.cert.pem()).unwrap();
    fs::write(&key, certificate.signing_key.serialize_pem()).unwrap();
    let upstream = Upstream::start(|_| Reply::ok());
    let secure = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let listeners = format!(
        "- address: \"{secure}\"\n  tls: {{certificate: {}, key: {}}}",
        chain.display(),
        key.display()
    );
    let proxy = Proxy::with(upstream.address, &Setup { listeners, ..Setup::default() });
    let url = format!("https://localhost:{}/admin/users", secure.port());
    let authority = chain.display().to_string();
    let resolve = format!("localhost:{}:127.0.0.1", secure.port());
    let secure = ["--cacert", &authority, "--resolve", &resolve, "-d", "name=ada", &url];
    let second = curl(&[&["--http2"], &secure[..]].concat());
    assert!(second.starts_with("2 200 "), "{second}");
    let first = curl(&[&["--http1.1"], &secure[..]].concat());
    assert!(first.starts_with("1.1 200 "), "{first}");
    assert_eq!(proxy.events().len(), 2);
    assert_eq!(upstream.seen()[0].header("x-forwarded-proto"), Some("https"));
}

/// An upstream that accepts an upgrade and then sends back what it gets.
fn echo_upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                let accept = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
                stream.write_all(accept).ok();
                let mut bytes = [0; 1024];
                while let Ok(n @ 1..) = stream.read(&mut bytes) {
                    if stream.write_all(&bytes[..n]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

const UPGRADE: &[u8] = b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[test]
fn an_upgrade_is_refused_unless_the_route_permits_it() {
    let proxy = Proxy::start(echo_upstream());
    let answer = exchange(proxy.address, UPGRADE);
    assert_eq!(answer.status, 403);
    assert_eq!(answer.problem().as_deref(), Some("upgrade-refused"));
    assert!(proxy.events().is_empty());
}

#[test]
fn a_permitted_upgrade_is_on_record() {
    let routes = "  - {name: default, upstream: app, upgrades: true}".to_owned();
    let proxy = Proxy::with(echo_upstream(), &Setup { routes, ..Setup::default() });
    let mut stream = TcpStream::connect(proxy.address).unwrap();
    stream.write_all(UPGRADE).unwrap();
    let answer = read_answer(&mut stream);
    assert_eq!(answer.status, 101);
    let events = proxy.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["id"].as_str(), answer.header("countersign-event"));
    assert_eq!(events[0]["response"]["release"], "streaming");
    assert_eq!(events[0]["outcome"], "success");
}

fn reloads(proxy: &Proxy, outcome: &str) -> usize {
    let events = proxy.all_events();
    let reload = |event: &&serde_json::Value| {
        event["action"] == "audit.reload" && event["outcome"] == outcome
    };
    events.iter().filter(reload).count()
}

#[test]
fn reload_is_all_or_nothing_and_on_record() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let post = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let good = fs::read_to_string(proxy.config()).unwrap();
    fs::write(proxy.config(), good.replace("upstream: app", "upstream: nowhere")).unwrap();
    proxy.signal("HUP");
    wait_until("the broken configuration is refused", || reloads(&proxy, "failure") > 0);
    assert!(exchange(proxy.address, post).header("countersign-event").is_some());
    let bypass = "routes: [{name: free, paths: [/x], upstream: app, kind: bypass}, {name: default";
    fs::write(proxy.config(), good.replace("routes: [{name: default", bypass)).unwrap();
    wait_until("the changed file is in force", || reloads(&proxy, "success") > 0);
    assert!(exchange(proxy.address, post).header("countersign-event").is_none());
}
