//! What must never reach the upstream, and what must never reach it unrecorded.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::canary::message::dechunked;
use super::support::{
    Answer, Frames, Proxy, Reply, Seen, Setup, Upstream, exchange, exchange_on, read_answer,
    wait_until,
};

fn start(more: &str) -> (Upstream, Proxy) {
    let upstream = Upstream::start(|_| Reply::ok());
    let setup = Setup { more: more.to_owned(), ..Setup::default() };
    let proxy = Proxy::with(upstream.address, &setup);
    (upstream, proxy)
}

/// Whether an answer is a problem of this status.
fn is_problem(answer: &Answer, status: u16) -> bool {
    answer.status == status
        && answer.header("content-type") == Some("application/problem+json")
        && answer.problem().is_some()
}

/// Sends each case on its own connection; each must be answered with its status as a problem, and
/// nothing may have reached the upstream.
fn all_refused(upstream: &Upstream, proxy: &Proxy, cases: &[(&str, u16, String)]) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(name, status, bytes)| {
            let answer = exchange(proxy.address, bytes.as_bytes());
            let text = answer.text();
            (!is_problem(&answer, *status)).then(|| format!("{name}: {} {text}", answer.status))
        })
        .collect();
    assert!(wrong.is_empty(), "not refused as they should be: {wrong:#?}");
    assert!(upstream.seen().is_empty(), "reached the upstream: {:#?}", upstream.seen());
    assert_eq!(upstream.connections(), 0);
    assert!(proxy.events().is_empty());
}

/// A POST with these fields and bytes behind its head.
fn post(fields: &str, behind: &str) -> String {
    format!("POST /admin/users HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n{behind}")
}

#[test]
fn ambiguous_framing_is_refused_and_the_upstream_is_not_even_connected_to() {
    let (upstream, proxy) = start("");
    let chunked = "Transfer-Encoding: chunked\r\n";
    let smuggled = "0\r\n\r\nDELETE /admin/users/1 HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let both = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n";
    let reversed = "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n";
    let cases = [
        ("length and chunked", 400, post(both, smuggled)),
        ("chunked and length", 400, post(reversed, smuggled)),
        ("lengths that differ", 400, post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab")),
        ("lengths that agree", 400, post("Content-Length: 1\r\nContent-Length: 1\r\n", "a")),
        ("a list of lengths", 400, post("Content-Length: 1, 1\r\n", "a")),
        ("a signed length", 400, post("Content-Length: +1\r\n", "a")),
        ("a negative length", 400, post("Content-Length: -1\r\n", "a")),
        ("a hexadecimal length", 400, post("Content-Length: 0x1\r\n", "a")),
        ("an empty length", 400, post("Content-Length:\r\n", "a")),
        ("a length with a space", 400, post("Content-Length: 1 0\r\n", "a")),
        ("an endless length", 400, post("Content-Length: 99999999999999999999\r\n", "a")),
        ("chunked twice", 400, post(&format!("{chunked}{chunked}"), smuggled)),
        ("chunked, chunked", 501, post("Transfer-Encoding: chunked, chunked\r\n", smuggled)),
        ("another coding", 501, post("Transfer-Encoding: gzip, chunked\r\n", smuggled)),
        ("not quite chunked", 501, post("Transfer-Encoding: xchunked\r\n", smuggled)),
        ("identity", 501, post("Transfer-Encoding: identity\r\nContent-Length: 1\r\n", "a")),
        ("an empty coding", 400, post("Transfer-Encoding:\r\n", smuggled)),
        ("a vertical tab", 400, post("Transfer-Encoding: \x0bchunked\r\n", smuggled)),
        ("space before the colon", 400, post("Content-Length : 1\r\n", "a")),
        ("tab before the colon", 400, post("Transfer-Encoding\t: chunked\r\n", smuggled)),
        ("obs-fold", 400, post("X-A: b\r\n Content-Length: 1\r\n", "a")),
        ("obs-fold by tab", 400, post("Transfer-Encoding:\r\n\tchunked\r\n", smuggled)),
        ("a fold at once", 400, "GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n".to_owned()),
        ("bare LF everywhere", 400, "GET / HTTP/1.1\nHost: a\n\n".to_owned()),
        ("one bare LF", 400, post("X: y\nContent-Length: 1\r\n", "a")),
        ("bare CR", 400, post("X: y\rContent-Length: 1\r\n", "a")),
        ("a control character", 400, post("X: y\x01\r\n", "")),
        ("a field without a name", 400, post(": y\r\n", "")),
        ("a field without a colon", 400, post("oops\r\n", "")),
        (
            "HTTP/1.0 and chunked",
            400,
            format!("POST / HTTP/1.0\r\nHost: a\r\n{chunked}\r\n{smuggled}"),
        ),
    ];
    all_refused(&upstream, &proxy, &cases);
}

#[test]
fn odd_request_lines_and_hosts_are_refused() {
    let (upstream, proxy) = start("");
    let line = |line: &str| format!("{line}\r\nHost: a.example\r\n\r\n");
    let cases = [
        ("TRACE", 405, line("TRACE / HTTP/1.1")),
        ("trace", 405, line("trace / HTTP/1.1")),
        ("CONNECT", 405, line("CONNECT a.example:443 HTTP/1.1")),
        ("CONNECT to a path", 405, line("CONNECT / HTTP/1.1")),
        ("HTTP/1.2", 505, line("DELETE / HTTP/1.2")),
        ("HTTP/2.0", 505, line("DELETE / HTTP/2.0")),
        ("HTTP/0.9", 505, line("GET / HTTP/0.9")),
        ("no version", 400, "GET /\r\n\r\n".to_owned()),
        ("another protocol", 400, line("GET / ICY/1.1")),
        ("two spaces", 400, line("GET  / HTTP/1.1")),
        ("a space in the target", 400, line("GET /a b HTTP/1.1")),
        ("a tab in the target", 400, line("GET /a\tb HTTP/1.1")),
        ("a target that is no URI", 400, line("DELETE /a<b>`c HTTP/1.1")),
        ("a query that is no URI", 400, line("GET /?a=<b> HTTP/1.1")),
        ("a fragment", 400, line("DELETE /a#b HTTP/1.1")),
        ("a target that is no path", 400, line("DELETE admin/users HTTP/1.1")),
        ("a method that is no token", 400, line("DEL(ETE / HTTP/1.1")),
        ("asterisk with DELETE", 400, line("DELETE * HTTP/1.1")),
        ("absolute-form against Host", 400, line("DELETE http://b.example/x HTTP/1.1")),
        ("absolute-form with a port", 400, line("DELETE http://a.example:81/x HTTP/1.1")),
        ("absolute-form with user", 400, line("DELETE http://u@a.example/x HTTP/1.1")),
        ("no Host", 400, "GET / HTTP/1.1\r\n\r\n".to_owned()),
        ("two Hosts", 400, line("GET / HTTP/1.1\r\nHost: b.example")),
        ("a Host with a path", 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n".to_owned()),
        ("a Host with a user", 400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n".to_owned()),
    ];
    all_refused(&upstream, &proxy, &cases);
}

const BROKEN_CHUNKS: [(&str, &str); 26] = [
    ("no number", "zz\r\nhello\r\n0\r\n\r\n"),
    ("no digits at all", "\r\nhello\r\n0\r\n\r\n"),
    ("a size line of nothing but an extension", ";a\r\nhello\r\n0\r\n\r\n"),
    ("a prefix", "0x5\r\nhello\r\n0\r\n\r\n"),
    ("a sign", "+5\r\nhello\r\n0\r\n\r\n"),
    ("a negative size", "-5\r\nhello\r\n0\r\n\r\n"),
    ("a size beyond 64 bits", "10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("a size of many zeros", "0000000000000005\r\nhello\r\n0\r\n\r\n"),
    ("data longer than its size", "3\r\nhello\r\n0\r\n\r\n"),
    ("data shorter than its size", "6\r\nhello\r\n0\r\n\r\n"),
    ("data without an end", "5\r\nhello0\r\n\r\n"),
    ("bare LF behind the size", "5\nhello\r\n0\r\n\r\n"),
    ("bare CR behind the size", "5\rhello\r\n0\r\n\r\n"),
    ("bare LF behind the data", "5\r\nhello\n0\r\n\r\n"),
    ("bare LF behind the last size", "5\r\nhello\r\n0\n\r\n"),
    ("bare LF at the end", "5\r\nhello\r\n0\r\n\n"),
    ("a space before the size", " 5\r\nhello\r\n0\r\n\r\n"),
    ("a space behind the size", "5 \r\nhello\r\n0\r\n\r\n"),
    ("a tab before an extension", "5\t;a\r\nhello\r\n0\r\n\r\n"),
    ("bare LF in an extension", "5;\nhello\r\n0\r\n\r\n"),
    ("bare CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
    ("a folded trailer field", "5\r\nhello\r\n0\r\nX: 1\r\n 2\r\n\r\n"),
    ("a trailer field without a colon", "5\r\nhello\r\n0\r\nX\r\n\r\n"),
    ("a length as a trailer field", "5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n"),
    ("a coding as a trailer field", "5\r\nhello\r\n0\r\nTransfer-Encoding: x\r\n\r\n"),
    ("bare LF in the trailer", "5\r\nhello\r\n0\r\nX: 1\n\r\n"),
];

#[test]
fn bodies_with_broken_chunks_are_refused() {
    let (upstream, proxy) = start("");
    let cases =
        BROKEN_CHUNKS.map(|(name, body)| (name, 400, post("Transfer-Encoding: chunked\r\n", body)));
    all_refused(&upstream, &proxy, &cases);
}

/// Sends a head, and what is behind it only once the proxy asks for it.
fn in_two_steps(proxy: &Proxy, line: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(proxy.address).unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).unwrap();
    read_answer(&mut stream)
}

#[test]
fn broken_chunks_are_refused_when_they_come_later_than_the_head() {
    let (upstream, proxy) = start("");
    for (name, body) in BROKEN_CHUNKS {
        let answer = in_two_steps(&proxy, "POST /admin/users", body);
        assert!(is_problem(&answer, 400), "{name}: {} {}", answer.status, answer.text());
    }
    assert_eq!(upstream.connections(), 0);
    assert!(proxy.events().is_empty());
    let good = "5;a=\"b\"\r\nhello\r\n00\r\nX-Sum: 1\r\n\r\n";
    assert_eq!(in_two_steps(&proxy, "POST /admin/users", good).status, 200);
    assert_eq!(upstream.seen()[0].body, b"hello");
}

#[test]
fn broken_chunks_are_refused_where_nothing_is_audited() {
    let upstream = Upstream::start(|_| Reply::ok());
    let routes = "  - {name: free, paths: [/admin], upstream: app, kind: bypass}\n  \
                  - {name: default, upstream: app}\n";
    let setup = Setup { routes: routes.to_owned(), ..Setup::default() };
    let proxy = Proxy::with(upstream.address, &setup);
    let chunked = "Transfer-Encoding: chunked\r\n";
    let cases = BROKEN_CHUNKS.map(|(name, body)| (name, 400, post(chunked, body)));
    all_refused(&upstream, &proxy, &cases);
    let good = post(chunked, "5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n");
    assert_eq!(exchange(proxy.address, good.as_bytes()).status, 200);
    // What comes later than the head may find the upstream at work, but never completes a request.
    for (name, body) in BROKEN_CHUNKS {
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        stream.write_all(post(chunked, "1\r\na\r\n").as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let answer = read_answer(&mut stream);
        assert!(is_problem(&answer, 400), "{name}: {} {}", answer.status, answer.text());
    }
    assert_eq!(upstream.seen().len(), 1);
}

#[test]
fn chunk_extensions_do_not_reach_the_upstream() {
    let (upstream, proxy) = start("");
    let body = "5;a=b\r\nhello\r\n0;c=\"d\"\r\n\r\n";
    let request = post("Transfer-Encoding: chunked\r\nConnection: close\r\n", body);
    assert_eq!(exchange(proxy.address, request.as_bytes()).status, 200);
    let seen = upstream.seen();
    assert_eq!((seen.len(), seen[0].body.as_slice()), (1, b"hello".as_slice()));
    assert_eq!(seen[0].header("content-length"), Some("5"));
    assert_eq!(seen[0].header("transfer-encoding"), None);
}

#[test]
fn heads_beyond_the_limits_are_refused() {
    let (upstream, proxy) =
        start("limits: {head_bytes: 8KiB, head_fields: 20, target_bytes: 1KiB}");
    let fields = |n: usize| "X-A: b\r\n".repeat(n);
    let long = "a".repeat(9 * 1024);
    let cases = [
        ("a long field", 431, post(&format!("X-A: {long}\r\n"), "")),
        ("a long field without an end", 431, format!("GET / HTTP/1.1\r\nX-A: {long}")),
        ("many fields", 431, post(&fields(20), "")),
        ("very many fields", 431, post(&fields(800), "")),
        ("a long target", 414, format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(1024))),
    ];
    all_refused(&upstream, &proxy, &cases);
    let just = format!(
        "GET /{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{}\r\n",
        "a".repeat(1023),
        fields(18)
    );
    assert_eq!(exchange(proxy.address, just.as_bytes()).status, 200);
}

#[test]
fn slow_clients_are_told_and_let_go() {
    let timeouts = "timeouts: {request_head: 1s, request_body: 1s, request_body_total: 1s}";
    let (upstream, proxy) = start(timeouts);
    let cases = [
        ("a head without an end", 408, "POST /admin HTTP/1.1\r\nHost: a\r\n".to_owned()),
        ("a body without an end", 408, post("Content-Length: 10\r\n", "half")),
        ("chunks without an end", 408, post("Transfer-Encoding: chunked\r\n", "5\r\nhe")),
    ];
    all_refused(&upstream, &proxy, &cases);
}

#[test]
fn a_head_that_drips_does_not_hold_a_connection_for_longer() {
    let (upstream, proxy) = start("timeouts: {request_head: 1s}");
    let mut stream = TcpStream::connect(proxy.address).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let dripping = std::thread::spawn(move || {
        let head = b"POST /admin HTTP/1.1\r\nX-A: ".iter().chain(std::iter::repeat(&b'a'));
        for byte in head {
            if writer.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    assert!(is_problem(&read_answer(&mut stream), 408));
    dripping.join().unwrap();
    assert_eq!(upstream.connections(), 0);
}

#[test]
fn silent_and_truncated_connections_leave_no_trace() {
    let (upstream, proxy) = start("");
    for bytes in
        ["", "POST /admin HTT", "POST /a HTTP/1.1\r\nContent-Length: 9\r\nHost: a\r\n\r\nx"]
    {
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).ok();
        assert!(rest.is_empty(), "{bytes:?}: {}", String::from_utf8_lossy(&rest));
    }
    assert_eq!(upstream.connections(), 0);
    assert!(proxy.events().is_empty());
}

#[test]
fn a_second_request_behind_a_body_is_served_and_audited_for_itself() {
    let (upstream, proxy) = start("timeouts: {client_idle: 1s}");
    let second = "DELETE /admin/users/1 HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
    let cases = [
        format!("GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n{second}"),
        format!("GET /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nabc{second}"),
        post("Content-Length: 3\r\n", &format!("abc{second}")),
        post("Transfer-Encoding: chunked\r\n", &format!("3\r\nabc\r\n0\r\n\r\n{second}")),
        format!("HEAD /a HTTP/1.1\r\nHost: a.example\r\n\r\n{second}"),
    ];
    for bytes in &cases {
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).ok();
        let text = String::from_utf8_lossy(&all);
        assert_eq!(text.matches("HTTP/1.1 200").count(), 2, "{bytes:?}: {text:?}");
    }
    let seen = upstream.seen();
    let executed =
        |start: &str| seen.iter().filter(|seen: &&Seen| seen.line().starts_with(start)).count();
    let events = proxy.events();
    let deleted = events.iter().filter(|event| event["request"]["method"] == "DELETE").count();
    assert_eq!((executed("DELETE"), deleted), (cases.len(), cases.len()), "{events:#?}");
    assert_eq!((executed("POST"), executed("GET"), executed("HEAD")), (2, 2, 1));
}

#[test]
fn pipelined_requests_are_answered_in_order_each_judged_for_itself() {
    let upstream = Upstream::start(|seen| Reply::response("200 OK", "text/plain", seen.line()));
    let proxy = Proxy::start(upstream.address);
    let request = |line: &str, body: &str| {
        let length = body.len();
        format!("{line} HTTP/1.1\r\nHost: a.example\r\nContent-Length: {length}\r\n\r\n{body}")
    };
    let chunked = "PUT /2 HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n\
                   4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n";
    let wanted = ["POST /1", "PUT /2", "GET /3", "GET /4", "POST /5"];
    let all = [
        request(wanted[0], "{\"a\":1}"),
        chunked.to_owned(),
        request(wanted[2], ""),
        request(wanted[3], ""),
        request(wanted[4], "GET /not-a-request HTTP/1.1\r\nHost: a\r\n\r\n"),
    ]
    .concat();
    // All at once, and split at an odd place.
    for split in [all.len(), all.len() / 3, all.len() / 2 + 5] {
        let before = (upstream.seen().len(), proxy.events().len());
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        let (first, rest) = all.as_bytes().split_at(split);
        stream.set_nodelay(true).unwrap();
        stream.write_all(first).unwrap();
        stream.write_all(rest).unwrap();
        for line in wanted {
            let answer = read_answer(&mut stream);
            assert_eq!((answer.status, answer.text()), (200, format!("{line} HTTP/1.1")));
            assert_eq!(answer.header("connection"), Some("keep-alive"));
            let audited = !line.starts_with("GET");
            assert_eq!(answer.header("countersign-event").is_some(), audited, "{line}");
        }
        assert_eq!(upstream.seen().len(), before.0 + wanted.len());
        assert_eq!(proxy.events().len(), before.1 + 3);
    }
}

#[test]
fn a_malformed_request_in_a_pipeline_ends_it() {
    let (upstream, proxy) = start("");
    let good = post("Content-Length: 2\r\n", "{}");
    let bad = [
        post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        post("Transfer-Encoding: chunked\r\n", "2 \r\n{}\r\n0\r\n\r\n"),
        "\r\n".to_owned(),
        "{}".repeat(20) + "\r\n\r\n",
    ];
    for (n, bad) in bad.iter().enumerate() {
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        stream.write_all(format!("{good}{bad}{good}").as_bytes()).unwrap();
        assert_eq!(read_answer(&mut stream).status, 200, "{bad:?}");
        let refused = read_answer(&mut stream);
        assert!(is_problem(&refused, 400), "{bad:?}: {}", refused.status);
        assert_eq!(refused.header("connection"), Some("close"));
        assert_eq!(read_answer(&mut stream).status, 0, "{bad:?}");
        assert_eq!((upstream.seen().len(), proxy.events().len()), (n + 1, n + 1));
    }
}

#[test]
fn a_refusal_reaches_a_client_that_goes_on_sending() {
    let upstream = Upstream::start(|_| Reply::ok());
    let routes = "  - {name: free, paths: [/free], upstream: app, kind: bypass}\n  \
                  - {name: default, upstream: app}\n";
    let setup = Setup { routes: routes.to_owned(), ..Setup::default() };
    let proxy = Proxy::with(upstream.address, &setup);
    let flood = format!("5 \r\n{}", "x".repeat(1 << 20));
    let chunked = "Transfer-Encoding: chunked\r\n\r\n";
    let at_the_door = format!("POST /free HTTP/1.1\r\nHost: a\r\n{chunked}{flood}");
    assert!(is_problem(&exchange(proxy.address, at_the_door.as_bytes()), 400));
    assert!(is_problem(&in_two_steps(&proxy, "POST /x", &flood), 400));
    let mut stream = TcpStream::connect(proxy.address).unwrap();
    let begun = format!("POST /free HTTP/1.1\r\nHost: a\r\n{chunked}");
    stream.write_all(begun.as_bytes()).unwrap();
    wait_until("the upstream is asked", || upstream.connections() == 1);
    assert!(is_problem(&exchange_on(&mut stream, flood.as_bytes()), 400));
    assert!(upstream.seen().is_empty());
}

const ODD_PATHS: [&str; 27] = [
    "/",
    "//",
    "//admin//users",
    "//evil.example/admin",
    "/./admin/users",
    "/admin/./users",
    "/public/../admin/users",
    "/..",
    "/admin/users/",
    "/ADMIN/Users",
    "/admin/%2e%2e/users",
    "/admin/%2E%2e%2fusers",
    "/admin%2fusers",
    "/admin%5cusers",
    "/admin/users;jsessionid=1",
    "/admin;x/users;y=z",
    "/%61dmin",
    "/%2561dmin",
    "/admin/%00",
    "/admin/%zz%",
    "/admin\\users",
    "/a\"b{e}|f^g",
    "/admin/users?",
    "/admin/users??a=b&a=c&&=",
    "/admin/users?next=http://b.example/../x;y",
    "/admin/users?q=%23%0d%0a+%20",
    "/a:b@c/!$&'()*+,;=~-._",
];

#[test]
fn odd_paths_are_audited_and_reach_the_upstream_byte_for_byte() {
    let (upstream, proxy) = start("");
    for path in ODD_PATHS {
        let request = format!(
            "DELETE {path} HTTP/1.1\r\nHost: Admin.Example:8080\r\nConnection: close\r\n\r\n"
        );
        let answer = exchange(proxy.address, request.as_bytes());
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert!(answer.header("countersign-event").is_some(), "{path}");
    }
    let seen = upstream.seen();
    let lines: Vec<&str> = seen.iter().map(|seen| seen.line()).collect();
    let expected = ODD_PATHS.map(|path| format!("DELETE {path} HTTP/1.1"));
    assert_eq!(lines, expected);
    assert!(seen.iter().all(|seen| seen.header("host") == Some("Admin.Example:8080")));
    assert_eq!(proxy.events().len(), ODD_PATHS.len());
}

#[test]
fn odd_paths_of_reads_reach_the_upstream_byte_for_byte() {
    let (upstream, proxy) = start("");
    for path in ODD_PATHS {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: Admin.Example\r\nConnection: close\r\n\r\n");
        assert_eq!(exchange(proxy.address, request.as_bytes()).status, 200, "{path}");
    }
    let seen = upstream.seen();
    let lines: Vec<&str> = seen.iter().map(|seen| seen.line()).collect();
    assert_eq!(lines, ODD_PATHS.map(|path| format!("GET {path} HTTP/1.1")));
    assert!(seen.iter().all(|seen| seen.header("host") == Some("Admin.Example")));
}

#[test]
fn an_absolute_target_reaches_the_upstream_as_the_path_it_names() {
    let (upstream, proxy) = start("");
    let paths = ["/admin/users?a=%2e&b", "//x/../y;z", ""];
    for method in ["GET", "DELETE"] {
        for path in paths {
            let request = format!(
                "{method} http://a.example{path} HTTP/1.1\r\nHost: a.example\r\n\
                 Connection: close\r\n\r\n"
            );
            assert_eq!(exchange(proxy.address, request.as_bytes()).status, 200, "{method} {path}");
        }
    }
    let seen = upstream.seen();
    let lines: Vec<&str> = seen.iter().map(|seen| seen.line()).collect();
    let wanted: Vec<String> = ["GET", "DELETE"]
        .iter()
        .flat_map(|method| {
            paths.map(|path| {
                format!("{method} {} HTTP/1.1", if path.is_empty() { "/" } else { path })
            })
        })
        .collect();
    assert_eq!(lines, wanted);
    assert_eq!(proxy.events().len(), paths.len());
}

#[test]
fn whatever_is_not_provably_safe_is_audited() {
    let (upstream, proxy) = start("");
    let plain = |method: &str| (format!("{method} /admin/users"), String::new());
    let field = |field: &str| ("GET /admin/users".to_owned(), format!("{field}\r\n"));
    let mut cases: Vec<(String, String)> = [
        "POST", "PUT", "PATCH", "DELETE", "post", "delete", "get", "Get", "head", "options",
        "FROB", "PURGE", "PROPFIND", "MKCOL", "LOCK", "QUERY", "REPORT", "LINK", "G", "GET-X",
        "M!#$%&'*",
    ]
    .map(plain)
    .to_vec();
    cases.extend(
        [
            "X-HTTP-Method-Override: DELETE",
            "x-http-method: DELETE",
            "X-Method-Override: DELETE",
            "X_HTTP_METHOD_OVERRIDE: DELETE",
            "X-HTTP-Method-Override:",
            "Content-Length: 3",
        ]
        .map(field),
    );
    for query in ["_method=DELETE", "a=b&_method=delete", "%5fmethod=DELETE", "_METHOD=PUT"] {
        cases.push((format!("GET /admin/users?{query}"), String::new()));
    }
    cases.push(("HEAD /a?_method=DELETE".to_owned(), String::new()));
    for (line, fields) in &cases {
        let body = if fields.contains("Content-Length") { "abc" } else { "" };
        let request = format!(
            "{line} HTTP/1.1\r\nHost: a.example\r\n{fields}Connection: close\r\n\r\n{body}"
        );
        let answer = exchange(proxy.address, request.as_bytes());
        assert_eq!(answer.status, 200, "{line} {fields}");
        assert!(answer.header("countersign-event").is_some(), "{line} {fields}");
    }
    let seen = upstream.seen();
    let lines: Vec<&str> = seen.iter().map(|seen| seen.line()).collect();
    let wanted: Vec<String> = cases.iter().map(|(line, _)| format!("{line} HTTP/1.1")).collect();
    assert_eq!(lines, wanted);
    assert_eq!(proxy.events().len(), cases.len());
}

#[test]
fn a_body_that_a_read_should_not_have_arrives_and_is_audited() {
    let (upstream, proxy) = start("");
    for fields in
        ["Content-Length: 3\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
    {
        let request = format!("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}");
        assert!(exchange(proxy.address, request.as_bytes()).header("countersign-event").is_some());
    }
    let bodies: Vec<Vec<u8>> = upstream.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, [b"abc", b"abc"]);
    assert_eq!(proxy.events().len(), 2);
}

#[test]
fn a_bypass_cannot_be_used_to_slip_past() {
    let upstream = Upstream::start(|_| Reply::ok());
    let routes = "  - {name: public, paths: [/public], upstream: app, kind: bypass}\n  \
                  - {name: default, upstream: app}\n";
    let setup = Setup { routes: routes.to_owned(), ..Setup::default() };
    let proxy = Proxy::with(upstream.address, &setup);
    let send = |path: &str| {
        let request =
            format!("DELETE {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
        let answer = exchange(proxy.address, request.as_bytes());
        assert_eq!(answer.status, 200, "{path}");
        answer.header("countersign-event").is_some()
    };
    for path in ["/public", "/public/a", "/public/a?b=/../c"] {
        assert!(!send(path), "the bypass does not work: {path}");
    }
    let dodges = [
        "/public/../admin/users",
        "/public/%2e%2e/admin/users",
        "/public/.%2e/admin/users",
        "/public/%2e%2e%2fadmin/users",
        "/public%2f..%2fadmin/users",
        "/public/..%5cadmin/users",
        "/public/..\\admin/users",
        "/public/%252e%252e/admin/users",
        "/public/..;/admin/users",
        "/public/..;x=y/admin/users",
        "/public/a/../../admin/users",
        "/public//../admin/users",
        "/public/./../admin/users",
        "/publicity",
        "/Public-not",
        "/admin/public",
    ];
    for path in dodges {
        assert!(send(path), "slipped past: {path}");
    }
    assert_eq!(proxy.events().len(), dodges.len());
    let wanted = dodges.map(|path| format!("DELETE {path} HTTP/1.1"));
    assert!(upstream.seen().iter().skip(3).map(|seen| seen.line()).eq(wanted.iter()));
}

/// Applications behind a proxy believe some fields what they are asked for.
#[test]
fn fields_that_name_another_place_lead_out_of_a_bypass() {
    let upstream = Upstream::start(|_| Reply::ok());
    let routes = "  - {name: static, paths: [/static], upstream: app, kind: bypass}\n  \
                  - {name: cdn, hosts: [cdn.example], upstream: app, kind: bypass}\n  \
                  - {name: default, upstream: app}\n";
    let setup = Setup { routes: routes.to_owned(), ..Setup::default() };
    let proxy = Proxy::with(upstream.address, &setup);
    let send = |host: &str, path: &str, field: &str| {
        let head = format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n");
        let request = format!("{head}{field}\r\nConnection: close\r\n\r\n");
        let answer = exchange(proxy.address, request.as_bytes());
        assert_eq!(answer.status, 200, "{host} {path} {field}");
        answer.header("countersign-event").is_some()
    };
    for (host, path, field, is_audited) in [
        ("a.example", "/static/users/1/delete", "X-Request-Id: 7", false),
        ("a.example", "/static/users/1/delete", "SCRIPT_NAME: /static", true),
        ("a.example", "/static/users/1/delete", "X-Script-Name: /static", true),
        ("a.example", "/static/users/1/delete", "X-Forwarded-Path: /users/1/delete", true),
        ("cdn.example", "/users/1", "X-Forwarded-Host: cdn.example:8080", false),
        ("cdn.example", "/users/1", "X-Forwarded-Host: admin.example", true),
        ("cdn.example", "/users/1", "Forwarded: for=1.2.3.4; host=admin.example", true),
        ("cdn.example", "/users/1", "X-Original-Host: admin.example", true),
    ] {
        assert_eq!(send(host, path, field), is_audited, "{host} {path} {field}");
    }
    assert_eq!((upstream.seen().len(), proxy.events().len()), (8, 6));
}

/// A long body in chunks, of which sizes and data arrive apart.
#[test]
fn a_long_body_is_whole_wherever_its_chunks_are_torn_apart() {
    let routes = "  - {name: gateway, paths: [/v1], upstream: app, kind: gateway, capture: {request: 2KiB}}\n  \
                  - {name: streaming, paths: [/s], upstream: app, streaming: true, capture: {request: 2KiB}}\n  \
                  - {name: free, paths: [/free], upstream: app, kind: bypass}\n  \
                  - {name: default, upstream: app, capture: {request: 2KiB}}\n";
    let upstream = Upstream::start(|_| Reply::ok());
    let setup = Setup { routes: routes.to_owned(), ..Setup::default() };
    let proxy = Proxy::with(upstream.address, &setup);
    let long = format!("{}\r\n", "a".repeat(5000));
    let first = format!("1388\r\n{long}");
    let torn: [&[&str]; 4] = [
        &[&first, "5\r\n", "hello\r\n", "0\r\n\r\n"],
        &[&first, "5\r\nhello", "\r\n", "5\r", "\nworld\r\n", "0\r\n", "\r\n"],
        &[&first, "5;a=b", "\r\nhello\r\n5", "\r\nworld\r\n0\r\n\r", "\n"],
        &["1388\r\n", &long, "5\r\n", "hello\r\n0\r\n\r\n"],
    ];
    for path in ["/admin", "/v1/chat/completions", "/s", "/free"] {
        for pieces in torn {
            let mut stream = TcpStream::connect(proxy.address).unwrap();
            stream.set_nodelay(true).unwrap();
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\
                 Connection: close\r\n\r\n"
            );
            for piece in [head.as_str()].iter().chain(pieces) {
                stream.write_all(piece.as_bytes()).unwrap();
                std::thread::sleep(Duration::from_millis(30));
            }
            assert_eq!(read_answer(&mut stream).status, 200, "{path} {pieces:?}");
        }
    }
    let seen = upstream.seen();
    assert_eq!(seen.len(), 16);
    for (number, seen) in seen.iter().enumerate() {
        let whole = if [1, 2].contains(&(number % 4)) { "helloworld" } else { "hello" };
        let expected = format!("{}{whole}", "a".repeat(5000));
        assert_eq!(seen.header("content-length"), None);
        assert_eq!(String::from_utf8(dechunked(&seen.body)).unwrap(), expected, "{number}");
        assert_eq!(seen.body.windows(5).filter(|end| end == b"0\r\n\r\n").count(), 1);
    }
}

#[test]
fn a_preface_of_http2_without_an_end_does_not_hold_a_connection() {
    let (upstream, proxy) =
        start("timeouts: {request_head: 1s, client_idle: 1s}\nlimits: {connections: 3}");
    for begun in ["P", "PRI ", "PRI * HTTP", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
        let mut waiting: Vec<TcpStream> =
            (0..3).map(|_| TcpStream::connect(proxy.address).unwrap()).collect();
        for stream in &mut waiting {
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            stream.write_all(begun.as_bytes()).unwrap();
        }
        for stream in &mut waiting {
            let mut rest = Vec::new();
            let read = stream.read_to_end(&mut rest);
            // Where the places of those before are not free yet, a connection is refused instead.
            let refused = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionReset;
            let ended = read.as_ref().is_ok_and(|_| rest.is_empty());
            assert!(ended || read.as_ref().is_err_and(refused), "{begun:?}: {read:?}");
        }
    }
    wait_until("there is room again", || {
        exchange(proxy.address, post("Connection: close\r\n", "").as_bytes()).status == 200
    });
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn connections_that_do_nothing_make_room_and_those_that_are_served_stay() {
    let upstream = Upstream::start(|seen| {
        if seen.line().contains("/slow") {
            std::thread::sleep(Duration::from_secs(4));
        }
        Reply::ok()
    });
    let more = "limits: {connections: 5}".to_owned();
    let proxy = Proxy::with(upstream.address, &Setup { more, ..Setup::default() });
    let ended = |stream: &mut TcpStream| {
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        !stream.read(&mut [0]).is_err_and(|error| {
            matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
        })
    };
    let mut slow = TcpStream::connect(proxy.address).unwrap();
    slow.write_all(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").unwrap();
    let mut idle = TcpStream::connect(proxy.address).unwrap();
    assert_eq!(exchange_on(&mut idle, post("", "").as_bytes()).status, 200);
    let mut http2 = Frames::connect(proxy.address);
    http2.head(1, "POST", "/slow/2", &[], true);
    let mut half = TcpStream::connect(proxy.address).unwrap();
    half.write_all(b"POST /a HTTP/1.1\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let mut silent: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(proxy.address).unwrap()).collect();
    assert!(ended(&mut idle), "nothing was asked on it for more than a second");
    assert!(ended(&mut half), "it had not asked for anything");
    let gone = silent.iter_mut().filter_map(|stream| ended(stream).then_some(())).count();
    assert_eq!(gone, 17, "three places are theirs");
    assert_eq!(exchange(proxy.address, post("Connection: close\r\n", "").as_bytes()).status, 200);
    assert_eq!(read_answer(&mut slow).status, 200);
    assert!(!http2.answer(1).broken);
    std::thread::sleep(Duration::from_millis(1500));
    let _more: Vec<TcpStream> =
        (0..5).map(|_| TcpStream::connect(proxy.address).unwrap()).collect();
    assert!(http2.answer(3).broken, "nothing was in progress on it");
}

#[test]
fn targets_beyond_ascii_arrive_as_they_were_sent_and_are_on_record() {
    let (upstream, proxy) = start("");
    let request =
        "DELETE /users/Jürgen?reason=müde HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
    assert_eq!(exchange(proxy.address, request.as_bytes()).status, 200);
    assert!(upstream.seen()[0].head.starts_with("DELETE /users/Jürgen?reason=müde HTTP/1.1\r\n"));
    let events = proxy.events();
    assert_eq!(events[0]["targets"][0]["id"], "Jürgen");
    assert_eq!(events[0]["request"]["query"]["reason"], "müde");
    // What is no UTF-8 is no target.
    let mut latin = request.as_bytes().to_vec();
    latin.retain(|byte| *byte != 0xc3);
    assert_eq!(exchange(proxy.address, &latin).status, 400);
}

#[test]
fn our_own_fields_are_never_the_clients_however_they_are_written() {
    let (upstream, proxy) = start("");
    let fields = "Countersign_Request: fake\r\nCOUNTERSIGN-EVENT: fake\r\ncountersign_snapshot: 1\r\n\
                  Countersign-Requests: kept\r\nConnection: close\r\n";
    for method in ["POST", "GET"] {
        let request = post(fields, "").replacen("POST", method, 1);
        assert_eq!(exchange(proxy.address, request.as_bytes()).status, 200);
    }
    for seen in upstream.seen() {
        let head = seen.head.to_ascii_lowercase();
        assert!(!head.contains("fake") && !head.contains("snapshot"), "{head}");
        assert!(head.contains("countersign-requests: kept"), "{head}");
    }
}
