//! What passes: as it was sent, without waiting, and the connection lives on.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::support::{Proxy, Reply, Setup, Upstream, exchange, exchange_on, read_answer};

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// A head, byte for byte, and nothing behind it.
fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&head));
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// Reads until these bytes have come.
fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut got = Vec::new();
    let mut byte = [0];
    while !got.ends_with(end.as_bytes()) {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "{}", String::from_utf8_lossy(&got));
        got.push(byte[0]);
    }
    String::from_utf8(got).unwrap()
}

fn close(line: &str, more: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n{more}").into_bytes()
}

fn read_until_closed(mut stream: TcpStream) {
    std::io::copy(&mut stream, &mut std::io::sink()).ok();
}

/// An upstream whose one connection the test plays by hand, step by step.
fn by_hand(play: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        play(stream);
    });
    address
}

#[test]
fn reads_keep_their_heads_and_bodies() {
    let upstream = Upstream::start(|seen| {
        let text = match seen.line().split(' ').next() {
            Some("HEAD") => "HTTP/1.1 200 OK\r\nContent-Length: 77\r\nETag: \"x\"\r\n\r\n",
            Some("OPTIONS") => "HTTP/1.1 204 No Content\r\nAllow: GET, PUT\r\n\r\n",
            _ => {
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/9\r\n\
                 Accept-Ranges: bytes\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\
                 Content-Length: 3\r\n\r\ncde"
            }
        };
        Reply::Bytes(text.into())
    });
    let proxy = Proxy::start(upstream.address);
    let head = exchange(proxy.address, &close("HEAD /x", "\r\n"));
    assert_eq!((head.status, head.header("content-length")), (200, Some("77")));
    assert_eq!(head.header("etag"), Some("\"x\""));
    let options = exchange(proxy.address, &close("OPTIONS *", "\r\n"));
    assert_eq!((options.status, options.header("allow")), (204, Some("GET, PUT")));
    let part = exchange(proxy.address, &close("GET /x", "Range: bytes=2-4\r\n\r\n"));
    assert_eq!((part.status, part.text().as_str()), (206, "cde"));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/9"));
    let cookies = part.headers.iter().filter(|(name, _)| name == "set-cookie");
    assert_eq!(cookies.map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(upstream.seen()[2].header("range"), Some("bytes=2-4"));
    assert!(proxy.events().is_empty());
}

#[test]
fn encoded_and_chunked_responses_arrive_as_they_were() {
    const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xffnot really gzip\x00\x01";
    let upstream = Upstream::start(|seen| {
        let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n".to_vec();
        if seen.line().contains("/chunked") {
            bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
        } else {
            let length = GZIP.len();
            bytes.extend(
                format!("Content-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n").bytes(),
            );
            bytes.extend(GZIP);
        }
        Reply::Bytes(bytes)
    });
    let proxy = Proxy::start(upstream.address);
    for (method, audited) in [("GET", false), ("DELETE", true)] {
        let answer = exchange(proxy.address, &close(&format!("{method} /chunked"), "\r\n"));
        assert_eq!((answer.status, answer.text().as_str()), (200, "abcdefg"));
        assert_eq!(answer.header("countersign-event").is_some(), audited);
        let answer = exchange(proxy.address, &close(&format!("{method} /gzip"), "\r\n"));
        assert_eq!(answer.header("content-encoding"), Some("gzip"));
        assert_eq!(answer.body, GZIP);
    }
    assert_eq!(proxy.events().len(), 2);
}

/// An upstream that ends its answers in trailers.
fn with_trailers() -> Upstream {
    Upstream::start(|_| {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
                    3\r\nabc\r\n0\r\nX-Sum: 1\r\nSet-Sum: 2\r\n\r\n";
        Reply::Bytes(text.into())
    })
}

const FREE: &str = "  - {name: free, paths: [/free], upstream: app, kind: bypass}\n  \
                    - {name: default, upstream: app, streaming: STREAMING}\n";

#[test]
fn trailers_of_responses_are_passed_on() {
    let upstream = with_trailers();
    for streaming in ["false", "true"] {
        let routes = FREE.replace("STREAMING", streaming);
        let proxy = Proxy::with(upstream.address, &Setup { routes, ..Setup::default() });
        for method in ["GET", "DELETE", "POST"] {
            let mut stream = connect(&proxy);
            // Twice on one connection: nothing of the trailers is left over.
            for _ in 0..2 {
                let length = if method == "POST" { "Content-Length: 2\r\n\r\n{}" } else { "\r\n" };
                let request = format!("{method} /x HTTP/1.1\r\nHost: a\r\n{length}");
                stream.write_all(request.as_bytes()).unwrap();
                let head = read_head(&mut stream).to_ascii_lowercase();
                assert_eq!(head.contains("countersign-event"), method != "GET");
                assert!(head.contains("trailer: x-sum"), "{head}");
                assert!(!head.contains("content-length"), "{head}");
                let body = "3\r\nabc\r\n0\r\nX-Sum: 1\r\nSet-Sum: 2\r\n\r\n";
                assert_eq!(read_until(&mut stream, body), body, "{method}, {streaming}");
            }
        }
        // Who does not know of chunks gets none.
        let answer = exchange(proxy.address, b"DELETE /x HTTP/1.0\r\nHost: a\r\n\r\n");
        assert_eq!((answer.text().as_str(), answer.header("trailer")), ("abc", None));
    }
}

#[test]
fn trailers_of_requests_are_neither_passed_on_nor_promised() {
    let upstream = with_trailers();
    let routes = FREE.replace("STREAMING", "false");
    let proxy = Proxy::with(upstream.address, &Setup { routes, ..Setup::default() });
    for (path, audited) in [("/free", false), ("/x", true)] {
        let mut stream = connect(&proxy);
        for _ in 0..2 {
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\
                 Trailer: X-Digest\r\n\r\n2\r\n{{}}\r\n0\r\nX-Digest: 1\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).unwrap();
            let head = read_head(&mut stream).to_ascii_lowercase();
            assert_eq!(head.contains("countersign-event"), audited);
            // Pingora's own pipeline, which passes on uploads that are not recorded, has no trailers.
            assert_eq!(head.contains("trailer:"), audited, "{head}");
            let end = if audited { "X-Sum: 1\r\nSet-Sum: 2\r\n" } else { "" };
            let body = format!("3\r\nabc\r\n0\r\n{end}\r\n");
            assert_eq!(read_until(&mut stream, &body), body);
        }
    }
    let seen = upstream.seen();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|seen| seen.header("trailer").is_none()));
    assert!(!seen.iter().any(|seen| String::from_utf8_lossy(&seen.body).contains("Digest")));
}

#[test]
fn a_client_of_http_1_0_gets_a_response_that_ends_with_the_connection() {
    let upstream = Upstream::start(|_| {
        Reply::Bytes(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n".into(),
        )
    });
    let proxy = Proxy::start(upstream.address);
    for (line, fields) in [("GET /x", ""), ("POST /x", "Content-Length: 2\r\n")] {
        let body = if fields.is_empty() { "" } else { "{}" };
        let request = format!("{line} HTTP/1.0\r\nHost: a.example\r\n{fields}\r\n{body}");
        let answer = exchange(proxy.address, request.as_bytes());
        assert_eq!((answer.status, answer.text().as_str()), (200, "abc"), "{line}");
        assert_eq!(answer.header("transfer-encoding"), None, "{line}");
    }
    assert_eq!(proxy.events().len(), 1);
    // Without a host, as health checks of load balancers ask: HTTP/1.1 upstream wants one.
    for line in ["GET /x", "POST /x", "OPTIONS /x"] {
        let answer = exchange(proxy.address, format!("{line} HTTP/1.0\r\n\r\n").as_bytes());
        assert_eq!(answer.status, 200, "{line}: {}", answer.text());
        let host = upstream.address.to_string();
        assert_eq!(upstream.seen().pop().unwrap().header("host"), Some(host.as_str()), "{line}");
    }
}

#[test]
fn one_connection_carries_reads_and_mutations_in_turn() {
    let upstream = Upstream::start(|seen| {
        Reply::response("200 OK", "text/plain", seen.line().split(' ').nth(1).unwrap())
    });
    let proxy = Proxy::start(upstream.address);
    let mut stream = connect(&proxy);
    for n in 0..6 {
        let (head, audited) = match n % 3 {
            0 => (format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n"), false),
            1 => (format!("POST /{n} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}"), true),
            _ => {
                let chunks = "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
                (format!("PUT /{n} HTTP/1.1\r\nHost: a\r\n{chunks}"), true)
            }
        };
        let answer = exchange_on(&mut stream, head.as_bytes());
        assert_eq!((answer.status, answer.text()), (200, format!("/{n}")));
        assert_eq!(answer.header("countersign-event").is_some(), audited);
    }
    assert_eq!(proxy.events().len(), 4);
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on_before_the_upstream_is_asked() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let mut stream = connect(&proxy);
    let head = close("POST /x", "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    stream.write_all(&head).unwrap();
    assert!(read_head(&mut stream).starts_with("HTTP/1.1 100"));
    assert_eq!(upstream.connections(), 0);
    assert_eq!(exchange_on(&mut stream, b"{}").status, 200);
    let seen = upstream.seen();
    assert_eq!((seen.len(), seen[0].body.as_slice()), (1, b"{}".as_slice()));
    assert_eq!(seen[0].header("expect"), None);
}

#[test]
fn interim_responses_pass_on_reads_and_are_kept_back_on_mutations() {
    let upstream = Upstream::start(|_| {
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
        Reply::Bytes(format!("{hints}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").into())
    });
    let proxy = Proxy::start(upstream.address);
    let mut stream = connect(&proxy);
    stream.write_all(&close("GET /x", "\r\n")).unwrap();
    let hints = read_head(&mut stream);
    assert!(hints.starts_with("HTTP/1.1 103") && hints.contains("</a.css>"), "{hints}");
    assert_eq!(read_answer(&mut stream).text(), "ok");
    let mut stream = connect(&proxy);
    stream.write_all(&close("DELETE /x", "\r\n")).unwrap();
    assert!(read_head(&mut stream).starts_with("HTTP/1.1 200"));
    assert_eq!(proxy.events().len(), 1);
}

#[test]
fn an_early_refusal_of_a_large_upload_reaches_the_client() {
    let address = by_hand(|mut stream| {
        read_head(&mut stream);
        let refusal = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\
                        Connection: close\r\n\r\nbig";
        stream.write_all(refusal).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        std::io::copy(&mut stream, &mut std::io::sink()).ok();
    });
    let proxy = Proxy::start(address);
    let mut stream = connect(&proxy);
    stream.write_all(&close("POST /x", "Content-Length: 100000000\r\n\r\n")).unwrap();
    // Beyond the capture limit, so that the upstream is asked; the rest is never sent.
    stream.write_all(&vec![b'x'; 400 * 1024]).unwrap();
    let answer = read_answer(&mut stream);
    assert_eq!((answer.status, answer.text().as_str()), (413, "big"));
    let events = proxy.events();
    assert_eq!((events.len(), &events[0]["outcome"]), (1, &serde_json::json!("failure")));
}

/// Sends an upload of this many MiB, all of it or the first 16 MiB in one piece, to an upstream that
/// answers after its first bytes and reads no further.
fn early_refusal(size: usize) {
    let (done, wait) = sync_channel::<()>(0);
    let address = by_hand(move |mut stream| {
        read_head(&mut stream);
        // The proxy is writing now what no connection's buffers can take.
        stream.read_exact(&mut [0; 1024]).unwrap();
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        let refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig";
        stream.write_all(format!("{hints}{refusal}").as_bytes()).unwrap();
        // Neither reads nor closes before the client has its answer.
        wait.recv().ok();
    });
    // Writing would be given up only long after this test.
    let more = "timeouts: {upstream_write: 1h, upstream_read: 1h}".to_owned();
    let routes = "  - {name: default, upstream: app, capture: {request: 16MiB}}".to_owned();
    let proxy = Proxy::with(address, &Setup { more, routes, ..Setup::default() });
    let mut stream = connect(&proxy);
    let mut writer = stream.try_clone().unwrap();
    let sending = thread::spawn(move || {
        let length = format!("Content-Length: {}\r\n\r\n", size << 20);
        writer.write_all(&close("POST /x", &length)).unwrap();
        let piece = vec![b'x'; 1 << 20];
        (0..size).all(|_| writer.write_all(&piece).is_ok())
    });
    let answer = read_answer(&mut stream);
    assert_eq!((answer.status, answer.text().as_str()), (413, "big"));
    drop(done);
    drop(stream);
    sending.join().unwrap();
    let events = proxy.events();
    assert_eq!((events.len(), &events[0]["outcome"]), (1, &serde_json::json!("failure")));
    assert_eq!(events[0]["response"]["status"], 413);
}

#[test]
fn an_early_refusal_is_passed_on_though_the_upstream_reads_no_further() {
    for size in [16, 64] {
        early_refusal(size);
    }
}

#[test]
fn a_head_that_drips_while_the_upload_goes_on_arrives_whole() {
    const SIZE: usize = 8 << 20;
    let address = by_hand(|mut stream| {
        read_head(&mut stream);
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
        let head = format!("{hints}HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n");
        let (last, drops) = head.as_bytes().split_last().unwrap();
        let mut piece = vec![0; SIZE / 256];
        for n in 0..256 {
            stream.read_exact(&mut piece).unwrap();
            if let Some(drop) = drops.get(n) {
                stream.write_all(&[*drop]).unwrap();
            }
        }
        stream.write_all(&[*last, b'o', b'k']).unwrap();
        read_until_closed(stream);
    });
    let proxy = Proxy::start(address);
    let mut stream = connect(&proxy);
    let length = format!("Content-Length: {SIZE}\r\n\r\n");
    stream.write_all(&close("PUT /x", &length)).unwrap();
    stream.write_all(&vec![b'x'; SIZE]).unwrap();
    let answer = read_answer(&mut stream);
    assert_eq!((answer.status, answer.text().as_str()), (201, "ok"));
    let events = proxy.events();
    assert_eq!((events.len(), &events[0]["outcome"]), (1, &serde_json::json!("success")));
    assert!(events[0].to_string().contains(&SIZE.to_string()), "{:#}", events[0]);
}

#[test]
fn an_upload_that_turns_out_malformed_is_never_completed() {
    let (went, ended) = sync_channel(1);
    let address = by_hand(move |mut stream| {
        let head = read_head(&mut stream);
        let mut body = Vec::new();
        stream.read_to_end(&mut body).ok();
        went.send((head, body)).unwrap();
    });
    let proxy = Proxy::start(address);
    let mut request = close("POST /x", "Transfer-Encoding: chunked\r\n\r\n80000\r\n");
    request.extend(vec![b'x'; 0x80000]);
    request.extend(b"\r\n 5\r\nhello\r\n0\r\n\r\n");
    let answer = exchange(proxy.address, &request);
    assert_eq!((answer.status, answer.problem().as_deref()), (400, Some("chunked-body")));
    let (head, body) = ended.recv().unwrap();
    assert!(head.to_ascii_lowercase().contains("transfer-encoding: chunked"), "{head}");
    assert!(!body.ends_with(b"0\r\n\r\n"));
    let events = proxy.events();
    assert_eq!((events.len(), &events[0]["outcome"]), (1, &serde_json::json!("failure")));
    assert!(events[0].to_string().contains("client_aborted"), "{:#}", events[0]);
}

/// An upstream that sends an event, and the next only when it is told to.
fn events_upstream() -> (SocketAddr, SyncSender<()>) {
    let (go, wait) = sync_channel(1);
    let address = by_hand(move |mut stream| {
        read_head(&mut stream);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
                    Transfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        for _ in 0..2 {
            stream.write_all(b"9\r\ndata: x\n\n\r\n").unwrap();
            wait.recv().unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
    });
    (address, go)
}

#[test]
fn events_arrive_one_by_one_whether_audited_or_not() {
    for (method, audited) in [("GET", false), ("POST", true)] {
        let (address, go) = events_upstream();
        let proxy = Proxy::start(address);
        let mut stream = connect(&proxy);
        stream.write_all(&close(&format!("{method} /events"), "\r\n")).unwrap();
        let head = read_head(&mut stream).to_ascii_lowercase();
        assert!(head.contains("text/event-stream"), "{head}");
        assert_eq!(head.contains("countersign-event"), audited);
        for _ in 0..2 {
            // The next is sent only now that this one has arrived.
            read_until(&mut stream, "data: x\n\n");
            if audited {
                let events = proxy.events();
                assert_eq!(events.len(), 1);
                assert_eq!(events[0]["outcome"], "success", "{:#}", events[0]);
                assert!(events[0].to_string().contains("streaming"), "{:#}", events[0]);
            }
            go.send(()).unwrap();
        }
        read_until(&mut stream, "0\r\n\r\n");
        assert_eq!(proxy.events().len(), usize::from(audited));
    }
}

#[test]
fn an_upload_beyond_the_capture_limit_arrives_whole() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let piece = vec![b'y'; 50_000];
    let mut request = close("POST /x", "Transfer-Encoding: chunked\r\n\r\n");
    for _ in 0..20 {
        request.extend(format!("{:x}\r\n", piece.len()).bytes());
        request.extend(&piece);
        request.extend(b"\r\n");
    }
    request.extend(b"0\r\n\r\n");
    assert_eq!(exchange(proxy.address, &request).status, 200);
    let mut request = close("PUT /x", "Content-Length: 1000000\r\n\r\n");
    request.extend(vec![b'y'; 1_000_000]);
    assert_eq!(exchange(proxy.address, &request).status, 200);
    let seen = upstream.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].header("transfer-encoding"), Some("chunked"));
    let arrived = seen[0].body.iter().filter(|byte| **byte == b'y').count();
    assert_eq!(arrived, 1_000_000);
    assert_eq!(seen[1].header("content-length"), Some("1000000"));
    assert!(seen[1].body.len() == 1_000_000 && seen[1].body.iter().all(|byte| *byte == b'y'));
    assert_eq!(proxy.events().len(), 2);
}

#[test]
fn fields_of_one_connection_stay_on_it_and_the_client_is_named() {
    let upstream = Upstream::start(|_| {
        let text = "HTTP/1.1 200 OK\r\nConnection: X-Bar\r\nX-Bar: 1\r\nKeep-Alive: timeout=5\r\n\
                    Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n";
        Reply::Bytes(text.into())
    });
    let proxy = Proxy::start(upstream.address);
    for (method, audited) in [("GET", false), ("DELETE", true)] {
        let request = format!(
            "{method} /x HTTP/1.1\r\nHost: a.example\r\nConnection: close, X-Foo\r\nX-Foo: 1\r\n\
             Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nX-Kept: 1\r\n\
             X-Forwarded-For: 192.0.2.7\r\nCountersign-Event: forged\r\n\
             Countersign-Request: forged\r\n\r\n"
        );
        let answer = exchange(proxy.address, request.as_bytes());
        assert_eq!(answer.status, 200);
        let cookies = answer.headers.iter().filter(|(name, _)| name == "set-cookie");
        assert_eq!(cookies.map(|(_, v)| v.as_str()).collect::<Vec<_>>(), ["a=1", "b=2"]);
        for name in ["x-bar", "keep-alive"] {
            assert_eq!(answer.header(name), None, "{method}: {name}");
        }
        let seen = upstream.seen().pop().unwrap();
        for name in ["x-foo", "keep-alive", "proxy-connection", "countersign-event"] {
            assert_eq!(seen.header(name), None, "{method}: {name}");
        }
        assert_eq!(seen.header("x-kept"), Some("1"));
        assert_eq!(seen.header("x-forwarded-for"), Some("192.0.2.7, 127.0.0.1"));
        assert_eq!(seen.header("x-forwarded-proto"), Some("http"));
        assert_eq!(seen.header("countersign-request").is_some(), audited);
        assert_ne!(seen.header("countersign-request"), Some("forged"));
    }
}

#[test]
fn a_response_that_ends_with_its_connection_is_held_and_passed_on_whole() {
    let upstream = Upstream::start(|_| {
        Reply::BytesThenClose(
            b"HTTP/1.1 201 Created\r\nContent-Type: text/plain\r\n\r\nall of it".into(),
        )
    });
    let proxy = Proxy::start(upstream.address);
    for method in ["GET", "DELETE"] {
        let answer = exchange(proxy.address, &close(&format!("{method} /x"), "\r\n"));
        assert_eq!((answer.status, answer.text().as_str()), (201, "all of it"), "{method}");
    }
    assert_eq!(proxy.events().len(), 1);
}

#[test]
fn the_date_of_an_answer_is_the_applications() {
    const DATE: &str = "Thu, 01 Jan 2015 00:00:00 GMT";
    let upstream = Upstream::start(|seen| {
        let (hints, rest) = match seen.line() {
            line if line.contains("hints") => ("HTTP/1.1 103 Early Hints\r\nDate: x\r\n\r\n", ""),
            line if line.contains("odd") => ("", "date: yesterday\r\nDate: x\r\n"),
            line if line.contains("none") => ("", "Server: x\r\n"),
            _ => ("", ""),
        };
        let date = if rest.is_empty() { format!("Date: {DATE}\r\n") } else { rest.to_owned() };
        let (framing, body) = match seen.line() {
            line if line.contains("304") => ("304 Not Modified", ""),
            line if line.starts_with("HEAD") => ("200 OK\r\nContent-Length: 2", ""),
            line if line.contains("chunks") => {
                ("200 OK\r\nTransfer-Encoding: chunked", "2\r\nok\r\n0\r\n\r\n")
            }
            _ => ("200 OK\r\nContent-Length: 2", "ok"),
        };
        let text = format!("{hints}HTTP/1.1 {framing}\r\n{date}Age: 5\r\n\r\n{body}");
        Reply::Bytes(text.into_bytes())
    });
    let routes = "- {name: by, paths: [/by], upstream: app, kind: bypass}\n\
                  - {name: gw, paths: [/gw], upstream: app, kind: gateway}\n\
                  - {name: default, upstream: app}";
    let proxy =
        Proxy::with(upstream.address, &Setup { routes: routes.to_owned(), ..Setup::default() });
    let mut stream = connect(&proxy);
    for route in ["/by", "/gw", ""] {
        for method in ["GET", "POST", "HEAD"] {
            for path in ["/x", "/chunks", "/304", "/hints", "/odd", "/none"] {
                let request = format!(
                    "{method} {route}{path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
                );
                stream.write_all(request.as_bytes()).unwrap();
                let mut head = read_head(&mut stream);
                if head.starts_with("HTTP/1.1 103") {
                    head = read_head(&mut stream);
                }
                let what = format!("{request}{head}");
                if method != "HEAD" && path != "/304" {
                    let end = if head.to_ascii_lowercase().contains("chunked") {
                        "0\r\n\r\n"
                    } else {
                        "ok"
                    };
                    read_until(&mut stream, end);
                }
                let dates: Vec<&str> = head
                    .lines()
                    .filter_map(|line| line.split_once(": "))
                    .filter_map(|(name, date)| name.eq_ignore_ascii_case("date").then_some(date))
                    .collect();
                match path {
                    "/odd" => assert_eq!(dates, ["yesterday"], "{what}"),
                    "/none" => assert!(
                        dates.len() == 1 && dates[0].starts_with(char::is_alphabetic),
                        "{what}"
                    ),
                    _ => assert_eq!(dates, [DATE], "{what}"),
                }
            }
        }
    }
}
