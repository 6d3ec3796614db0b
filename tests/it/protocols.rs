//! The protocols around HTTP/1: HTTP/2 with and without TLS, unix sockets, WebSocket, and reload.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::support::{
    self, Answer, Frames, Proxy, Reply, Running, Setup, Upstream, exchange, exchange_on,
    free_address, http2_exchange, read_answer, wait_until,
};

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
fn a_body_that_does_not_come_is_given_up_on_http2_too() {
    let upstream = Upstream::start(|_| Reply::ok());
    let more = "timeouts: {request_body: 1s, request_body_total: 90s}".to_owned();
    let proxy = Proxy::with(upstream.address, &Setup { more, ..Setup::default() });
    let mut frames = Frames::connect(proxy.address);
    frames.head(1, "DELETE", "/users", &[], false);
    let body = String::from_utf8(frames.answer(1).body).unwrap();
    assert!(body.contains("urn:countersign:problem:slow-body"), "{body}");
    assert!(upstream.seen().is_empty() && proxy.events().is_empty());
}

#[test]
fn an_answer_over_http2_is_not_lost_on_a_client_that_still_sends() {
    let address = by_hand(|head, mut stream| {
        if head.contains("/early") {
            let answer =
                "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlong";
            stream.write_all(answer.as_bytes()).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
            stream.read_to_end(&mut Vec::new()).ok();
        }
    });
    let routes = "- {name: open, paths: [/early/open], kind: bypass}\n- {name: default}".to_owned();
    let proxy = Proxy::with(address, &Setup { routes, ..Setup::default() });
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), vec![b'x'; 3 << 20]).unwrap();
    let body = format!("@{}", file.path().display());
    let cases = [
        ("POST", "/early/users", 413, "long"),
        ("POST", "/early/open", 413, "long"),
        ("TRACE", "/users", 405, "urn:countersign:problem:method"),
    ];
    for (method, path, status, text) in cases {
        let url = format!("http://{}{path}", proxy.address);
        let send = ["--http2-prior-knowledge", "-X", method, "--data-binary", &body, &url];
        let answer = support::curl(&send);
        assert_eq!((answer.exit, answer.status), (Some(0), status), "{method} {path}: {answer:?}");
        assert!(answer.body.contains(text), "{method} {path}: {answer:?}");
    }
}

#[test]
fn connect_over_http2_is_refused_with_a_reason() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let request = http::Request::connect("db.internal:5432").body(Vec::new()).unwrap();
    let answer = http2_exchange(proxy.address, request);
    assert_eq!(answer.status, 405);
    let body = String::from_utf8_lossy(&answer.body);
    assert!(body.contains("urn:countersign:problem:method"), "{body}");
    assert_eq!(upstream.connections(), 0);
    assert!(proxy.events().is_empty());
}

#[test]
fn heads_of_http2_that_are_too_large_are_refused_as_those_of_http1() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let rows = [
        (100, 1, 200, ""),
        (101, 1, 431, "too-many-fields"),
        (1, 40_000, 200, ""),
        (1, 70_000, 431, "head-too-large"),
        (2, 50_000, 431, "head-too-large"),
    ];
    for (fields, bytes, status, kind) in rows {
        let mut request = http::Request::post(format!("http://{}/x", proxy.address));
        for n in 0..fields {
            request = request.header(format!("x-{n}"), "a".repeat(bytes));
        }
        let answer = http2_exchange(proxy.address, request.body(Vec::new()).unwrap());
        assert_eq!(answer.status, status, "{fields} fields of {bytes} bytes");
        let body = String::from_utf8_lossy(&answer.body);
        assert!(body.contains(kind), "{fields} fields of {bytes} bytes: {body}");
    }
    let metrics = proxy.read("/metrics").1;
    for (reason, count) in [("too_many_fields", 1), ("head_too_large", 2)] {
        let line = format!("rejected_total{{reason=\"{reason}\"}} {count}");
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
    assert_eq!((upstream.seen().len(), proxy.events().len()), (2, 2));
}

#[test]
fn an_authority_of_http2_that_is_in_doubt_reaches_nobody() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    for host in ["b.example", "a.example@b.example"] {
        let mut frames = Frames::connect(proxy.address);
        frames.head(1, "DELETE", "/a", &[("host", host)], true);
        let answer = frames.answer(1);
        // 400, as the protocol's library has it.
        assert_eq!(answer.heads.first().and_then(|head| head.first()), Some(&0x8c), "{host}");
    }
    assert!(upstream.seen().is_empty() && proxy.events().is_empty());
}

#[test]
fn odd_paths_of_http2_are_refused_or_on_record_as_they_reach_the_upstream() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let cases = [
        ("/a%23b", Some("/a%23b")),
        ("//a/../b;c?d", Some("//a/../b;c?d")),
        // The protocol's library takes these away before anybody sees them.
        ("/a#b", Some("/a")),
        ("/a?b#/../c", Some("/a?b")),
        ("#", Some("/")),
        ("?a", Some("/?a")),
        ("/a b", None),
        ("/a\tb", None),
        ("a", None),
        ("*", None),
        ("", None),
        ("http://b/x", None),
    ];
    for (path, _) in cases {
        let mut frames = Frames::connect(proxy.address);
        frames.head(1, "DELETE", path, &[], true);
        frames.answer(1);
    }
    let wanted: Vec<&str> = cases.iter().filter_map(|(_, wanted)| *wanted).collect();
    let lines: Vec<String> = upstream.seen().iter().map(|seen| seen.line().to_owned()).collect();
    let expected: Vec<String> =
        wanted.iter().map(|path| format!("DELETE {path} HTTP/1.1")).collect();
    assert_eq!(lines, expected);
    let events = proxy.events();
    let recorded: Vec<&str> =
        events.iter().filter_map(|event| event["request"]["path"].as_str()).collect();
    let paths: Vec<&str> = wanted.iter().filter_map(|path| path.split('?').next()).collect();
    assert_eq!(recorded, paths);
}

#[test]
fn a_length_that_is_given_twice_is_refused_over_http2_too() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let mut frames = Frames::connect(proxy.address);
    frames.head(1, "DELETE", "/a", &[("content-length", "0"), ("content-length", "0")], true);
    let body = String::from_utf8(frames.answer(1).body).unwrap();
    assert!(body.contains("Content-Length must be given once"), "{body}");
    assert!(upstream.seen().is_empty() && proxy.events().is_empty());
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

const SWITCHED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// An upstream that plays each of its connections by hand, from behind the request's head on.
fn by_hand(play: impl Fn(&str, TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let play = Arc::new(play);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let play = Arc::clone(&play);
            thread::spawn(move || {
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    head.push(byte[0]);
                }
                play(&String::from_utf8_lossy(&head), stream);
            });
        }
    });
    address
}

fn echo(mut stream: TcpStream) {
    let mut bytes = [0; 1024];
    while let Ok(n @ 1..) = stream.read(&mut bytes) {
        if stream.write_all(&bytes[..n]).is_err() {
            return;
        }
    }
    stream.shutdown(Shutdown::Write).ok();
}

/// An upstream that accepts an upgrade and then sends back what it gets.
fn echo_upstream() -> SocketAddr {
    by_hand(|_, mut stream| {
        stream.write_all(SWITCHED).ok();
        echo(stream);
    })
}

/// A proxy whose default route permits upgrades; below `/free` nothing is audited.
fn permissive(upstream: SocketAddr) -> Proxy {
    let routes = "  - {name: free, paths: [/free], upstream: app, kind: bypass}\n  \
                  - {name: default, upstream: app, upgrades: true}\n";
    Proxy::with(upstream, &Setup { routes: routes.to_owned(), ..Setup::default() })
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

fn upgrade(path: &str) -> Vec<u8> {
    String::from_utf8_lossy(UPGRADE).replace("/live", path).into_bytes()
}

/// Upgrades a connection, sending these bytes right behind the head.
fn upgraded(proxy: &Proxy, path: &str, behind: &[u8]) -> (TcpStream, Answer) {
    let mut stream = connect(proxy);
    stream.write_all(&[&upgrade(path), behind].concat()).unwrap();
    let answer = read_answer(&mut stream);
    assert_eq!(answer.status, 101);
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    assert_eq!(answer.header("connection"), Some("Upgrade"));
    (stream, answer)
}

fn expect(stream: &mut TcpStream, wanted: &[u8]) {
    let mut got = vec![0; wanted.len()];
    stream.read_exact(&mut got).unwrap();
    assert_eq!(got, wanted);
}

/// Reads to the connection's end, however it ends.
fn read_rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).ok();
    rest
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
    let counted = "countersign_rejected_total{reason=\"upgrade\"} 1\n";
    assert!(proxy.read("/metrics").1.contains(counted), "{}", proxy.read("/metrics").1);
}

#[test]
fn an_offer_of_h2c_is_no_upgrade() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    for (method, audited) in [("GET", false), ("DELETE", true)] {
        for offer in [
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
            "Upgrade: websocket\r\n",
        ] {
            let request = format!("{method} /x HTTP/1.1\r\nHost: a\r\n{offer}\r\n");
            let answer = exchange(proxy.address, request.as_bytes());
            assert_eq!(answer.status, 200, "{method} {offer}: {}", answer.text());
            assert_eq!(answer.header("countersign-event").is_some(), audited);
            let seen = upstream.seen().pop().unwrap();
            assert_eq!(seen.header("upgrade"), None, "{}", seen.head);
            assert_eq!(seen.header("http2-settings"), None, "{}", seen.head);
        }
    }
}

#[test]
fn a_permitted_upgrade_is_on_record() {
    let proxy = permissive(echo_upstream());
    let (mut stream, answer) = upgraded(&proxy, "/live", b"");
    // The handshake is on record before the client knows of it.
    let events = proxy.events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["id"].as_str(), answer.header("countersign-event"));
    assert_eq!(events[0]["response"]["release"], "streaming");
    assert_eq!(events[0]["outcome"], "success");
    stream.write_all(b"\x81\x05hello").unwrap();
    expect(&mut stream, b"\x81\x05hello");
}

#[test]
fn upgraded_connections_stay_open() {
    let proxy = permissive(echo_upstream());
    for path in ["/live", "/free/live"] {
        for n in 0..100 {
            let (mut stream, _) = upgraded(&proxy, path, b"");
            stream.write_all(b"\x81\x05hello").unwrap();
            let mut got = [0; 7];
            stream.read_exact(&mut got).unwrap_or_else(|error| panic!("{path} {n}: {error}"));
            assert_eq!(&got, b"\x81\x05hello");
        }
    }
    assert_eq!(proxy.events().len(), 100);
}

#[test]
fn bytes_right_behind_either_head_of_a_handshake_arrive() {
    let upstream = by_hand(|head, mut stream| {
        assert!(head.contains("Connection: Upgrade\r\n"), "{head}");
        stream.write_all(&[SWITCHED, b"welcome"].concat()).unwrap();
        echo(stream);
    });
    let proxy = permissive(upstream);
    for path in ["/live", "/free/live"] {
        let (mut stream, _) = upgraded(&proxy, path, b"early");
        expect(&mut stream, b"welcomeearly");
        stream.write_all(b"late").unwrap();
        expect(&mut stream, b"late");
        // The client ends first; what it is owed still comes.
        stream.write_all(b"last").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_rest(&mut stream), b"last");
    }
}

#[test]
fn an_upstream_may_end_its_half_first() {
    let upstream = by_hand(|_, mut stream| {
        stream.write_all(&[SWITCHED, b"bye"].concat()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_rest(&mut stream), b"ack");
        // Only now is the tunnel over.
        drop(stream);
    });
    let proxy = permissive(upstream);
    let (mut stream, _) = upgraded(&proxy, "/live", b"");
    assert_eq!(read_rest(&mut stream), b"bye");
    stream.write_all(b"ack").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
}

#[test]
fn an_upgrade_that_is_declined_is_an_ordinary_exchange() {
    let upstream = Upstream::start(|seen| {
        assert!(seen.header("upgrade").is_some() || seen.line().starts_with("POST"));
        let status = if seen.line().contains("403") { "403 Forbidden" } else { "200 OK" };
        Reply::response(status, "text/plain", "declined")
    });
    let proxy = permissive(upstream.address);
    let mut stream = connect(&proxy);
    for (path, status, outcome) in [
        ("/live/200", 200, "success"),
        ("/live/403", 403, "denied"),
        ("/free/200", 200, ""),
        ("/free/403", 403, ""),
    ] {
        let answer = exchange_on(&mut stream, &upgrade(path));
        assert_eq!((answer.status, answer.text().as_str()), (status, "declined"), "{path}");
        assert_eq!(answer.header("connection"), Some("keep-alive"));
        let audited = !outcome.is_empty();
        assert_eq!(answer.header("countersign-event").is_some(), audited, "{path}");
        if audited {
            let event = proxy.events().pop().unwrap();
            assert_eq!(event["outcome"], outcome, "{event:#}");
            assert_eq!(event["response"]["status"], status);
        }
    }
    let post = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}";
    assert_eq!(exchange_on(&mut stream, post).status, 200);
    assert_eq!(proxy.events().len(), 3);
}

#[test]
fn the_body_of_a_request_that_offers_an_upgrade_is_captured() {
    let upstream = by_hand(|_, mut stream| {
        expect(&mut stream, b"{\"Detach\":false}");
        stream.write_all(SWITCHED).unwrap();
        echo(stream);
    });
    let proxy = permissive(upstream);
    let mut stream = connect(&proxy);
    let request = b"POST /exec/1/start HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n\
        Upgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n\
        {\"Detach\":false}typed";
    stream.write_all(request).unwrap();
    assert_eq!(read_answer(&mut stream).status, 101);
    expect(&mut stream, b"typed");
    let events = proxy.events();
    assert!(events[0]["request"]["body"].to_string().contains("Detach"), "{:#}", events[0]);
}

#[test]
fn what_is_offered_beside_h2c_is_offered_to_the_upstream() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = permissive(upstream.address);
    let request = b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, UPGRADE\r\n\
        Upgrade: H2C, foo/2\r\nUpgrade: websocket\r\n\r\n";
    assert_eq!(exchange(proxy.address, request).status, 200);
    let seen = upstream.seen();
    assert_eq!(seen[0].header("upgrade"), Some("foo/2, websocket"));
    assert_eq!(seen[0].header("connection"), Some("Upgrade"));
    assert_eq!(proxy.events().len(), 1);
}

#[test]
fn an_answer_in_a_protocol_that_nobody_asked_for_is_an_upstream_lost() {
    let proxy = permissive(by_hand(|_, mut stream| {
        stream.write_all(&[SWITCHED, b"HTTP/1.1 200 OK\r\n\r\n"].concat()).unwrap();
    }));
    let answer = exchange(proxy.address, b"DELETE /x HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer.status, 502);
    assert_eq!(proxy.events()[0]["outcome"], "unknown");
}

#[test]
fn a_tunnel_does_not_hold_up_a_stop() {
    let mut proxy = permissive(echo_upstream());
    let (mut stream, _) = upgraded(&proxy, "/live", b"");
    stream.write_all(b"ping").unwrap();
    expect(&mut stream, b"ping");
    proxy.signal("TERM");
    assert_eq!(read_rest(&mut stream), b"");
    assert_eq!(proxy.wait(), Some(0));
    assert!(!proxy.log().contains("cut off"), "{}", proxy.log());
}

#[test]
fn without_a_configuration_upgrades_are_permitted_and_named_to_both_sides() {
    let upstream = by_hand(|head, mut stream| {
        stream.write_all(SWITCHED).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        echo(stream);
    });
    let home = tempfile::tempdir().unwrap();
    let (address, reading) = (free_address(), free_address());
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["run", "--upstream", &format!("http://{upstream}")]);
    command.args(["--listen", &address.to_string(), "--reading", &reading.to_string()]);
    command.current_dir(home.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let _running = Running(command.spawn().unwrap());
    wait_until("the proxy listens", || TcpStream::connect(address).is_ok());
    let mut stream = TcpStream::connect(address).unwrap();
    let answer = exchange_on(&mut stream, UPGRADE);
    assert_eq!(answer.status, 101);
    let event = answer.header("countersign-event").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.contains(&format!("Countersign-Request: {event}\r\n")), "{head}");
    assert!(head.contains("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), "{head}");
    stream.write_all(b"\x81\x05hello").unwrap();
    expect(&mut stream, b"\x81\x05hello");
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

#[test]
fn a_configuration_that_became_a_pipe_holds_up_neither_reload_nor_stop() {
    let upstream = Upstream::start(|_| Reply::ok());
    let mut proxy = Proxy::start(upstream.address);
    let good = fs::read_to_string(proxy.config()).unwrap();
    fs::remove_file(proxy.config()).unwrap();
    assert!(Command::new("mkfifo").arg(proxy.config()).status().unwrap().success());
    proxy.signal("HUP");
    wait_until("the pipe is refused", || reloads(&proxy, "failure") > 0);
    fs::remove_file(proxy.config()).unwrap();
    fs::write(proxy.config(), good).unwrap();
    wait_until("the file is read", || reloads(&proxy, "success") > 0);
    proxy.signal("TERM");
    assert_eq!(proxy.wait(), Some(0));
}
