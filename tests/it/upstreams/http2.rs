//! HTTP/2 towards an upstream, over TLS and without.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde_json::json;

use super::{assert_not_sent, before, event_of, post, send};
use crate::support::{
    Authority, Http2Reply, Http2Upstream, Proxy, Reply, TlsFront, Upstream, exchange,
    http2_exchange,
};

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
            // Beside the authority it is a second one, which nginx refuses.
            assert!(!seen.headers.contains_key("host"), "{what}: {:?}", seen.headers);
            let id = seen.headers.get("countersign-request").unwrap();
            assert_eq!(event["id"], id.to_str().unwrap(), "{what}");
        }
        assert_eq!(proxy.events().len(), rows.len());
    }
    assert_eq!(upstream.seen().len(), rows.len() * proxies.len());
    assert_eq!(upstream.connections(), proxies.len(), "streams share a connection");
}

#[test]
fn whoever_reads_and_whoever_names_no_host_reaches_an_http2_upstream() {
    let upstream =
        Http2Upstream::start(usize::MAX, |_| Http2Reply { status: 200, ..Http2Reply::default() });
    let (_front, _authority, proxies) = http2_proxies(&upstream);
    for (what, proxy) in &proxies {
        for version in ["1.1", "1.0"] {
            let head = "Host: admin.test\r\nConnection: close\r\n\r\n";
            let read = format!("GET /users HTTP/{version}\r\n{head}");
            assert_eq!(exchange(proxy.address, read.as_bytes()).status, 200, "{what} {version}");
            let seen = upstream.seen().pop().unwrap();
            assert_eq!(seen.uri.authority().unwrap().as_str(), "admin.test", "{what} {version}");
            assert!(!seen.headers.contains_key("host"), "{what} {version}: {:?}", seen.headers);
        }
        // Who names no host means the server that is there.
        for line in ["GET /users", "POST /users"] {
            let answer = exchange(proxy.address, format!("{line} HTTP/1.0\r\n\r\n").as_bytes());
            assert_eq!(answer.status, 200, "{what} {line}: {}", answer.text());
        }
    }
}

#[test]
fn trailers_of_an_http2_upstream_reach_an_http2_client() {
    let trailers = HeaderMap::from_iter([(
        HeaderName::from_static("grpc-status"),
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
fn trailers_go_from_one_version_to_the_other() {
    let trailers: HeaderMap =
        [("grpc-status", "0"), ("host", "forged"), ("countersign-event", "forged")]
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
    let reply = Http2Reply { status: 200, body: b"done".to_vec(), trailers };
    let upstream = Http2Upstream::start(usize::MAX, move |_| reply.clone());
    let proxy = before(upstream.address, "http: \"2\"".to_owned());
    for method in ["DELETE", "GET"] {
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(&send(method, "/x", "", b"")).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.ends_with("\r\n\r\n4\r\ndone\r\n0\r\ngrpc-status: 0\r\n\r\n"), "{text}");
    }

    let upstream = Upstream::start(|_| {
        let text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
                    4\r\ndone\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n";
        Reply::Bytes(text.into())
    });
    let proxy = before(upstream.address, "http: \"1\"".to_owned());
    for method in ["DELETE", "GET"] {
        let request = Request::builder().method(method).uri("http://admin.test/x");
        let answer = http2_exchange(proxy.address, request.body(Vec::new()).unwrap());
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"done"[..]), "{method}");
        assert_eq!(answer.headers.get("trailer").unwrap(), "X-Sum");
        let trailers = answer.trailers.unwrap();
        assert_eq!(trailers.get_all("x-sum").iter().collect::<Vec<_>>(), ["1", "2"], "{method}");
    }
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

/// A server that answers the first stream of every connection with this frame.
fn frames(frame: &'static [u8]) -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                // SETTINGS first; then whatever comes up to the end of the request's body.
                stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).ok();
                let mut seen = Vec::new();
                let mut some = [0; 4096];
                while !seen.windows(BODY.len()).any(|window| window == BODY) {
                    match stream.read(&mut some) {
                        Ok(count @ 1..) => seen.extend_from_slice(&some[..count]),
                        _ => return,
                    }
                }
                stream.write_all(frame).ok();
                while matches!(stream.read(&mut some), Ok(1..)) {}
            });
        }
    });
    address
}

const BODY: &[u8] = br#"{"name":"ada"}"#;

#[test]
fn what_an_http2_upstream_has_not_begun_was_not_executed() {
    let rows: [(&str, &'static [u8], bool); 3] = [
        ("GOAWAY before the stream", &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], true),
        ("REFUSED_STREAM", &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 7], true),
        ("INTERNAL_ERROR", &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 2], false),
    ];
    for (what, frame, unprocessed) in rows {
        let proxy = before(frames(frame), "http: \"2\"".to_owned());
        let answer = post(&proxy);
        let event = event_of(&proxy, &answer);
        let (outcome, reason) = match unprocessed {
            true => ("failure", "not_sent"),
            false => ("unknown", "upstream_lost"),
        };
        assert_eq!(
            (&event["outcome"], &event["reason"]),
            (&json!(outcome), &json!(reason)),
            "{what}"
        );
        assert_eq!(answer.text().contains("was not executed"), unprocessed, "{what}");
    }
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
