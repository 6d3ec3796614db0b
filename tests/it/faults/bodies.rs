//! Bodies that are too long, cannot be decoded, or are not there.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{send, small_capture};
use crate::support::{
    Proxy, Reply, Setup, Upstream, exchange, exchange_on, read_answer, wait_until,
};

#[test]
fn a_body_over_the_capture_limit_passes_whole_and_is_known_by_its_digest() {
    let body = "0123456789abcdef".repeat(20_000);
    let digest = hex::encode(Sha256::digest(body.as_bytes()));
    let reply = Reply::response("200 OK", "text/plain", &body);
    let upstream = Upstream::start(move |_| reply.clone());
    let proxy = Proxy::with(upstream.address, &small_capture());
    let chunked = format!(
        "POST /files HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         {:x}\r\n{body}\r\n0\r\n\r\n",
        body.len()
    );
    for request in [send("POST", "/files", "", body.as_bytes()), chunked.into_bytes()] {
        let answer = exchange(proxy.address, &request);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.text(), body);
    }
    let seen = upstream.seen();
    assert_eq!(seen[0].body, body.as_bytes());
    assert!(seen[1].body.len() > body.len() && seen[1].header("transfer-encoding").is_some());
    let events = proxy.events();
    assert_eq!(events.len(), 2);
    for event in events {
        let request = &event["request"];
        assert_eq!((&event["outcome"], &request["truncated"]), (&json!("success"), &json!(true)));
        assert_eq!(request["size"], body.len());
        assert_eq!(request["sha256"], digest.as_str());
        assert_eq!(request["body"], Value::Null);
        let response = &event["response"];
        assert_eq!(
            (&response["truncated"], &response["release"]),
            (&json!(true), &json!("streaming"))
        );
    }
}

#[test]
fn a_streamed_answer_that_breaks_off_has_the_size_that_was_declared_and_says_so() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n";
    let rows = [
        (format!("{head}Content-Length: 300000\r\n\r\n{}", "x".repeat(5_000)), json!(300_000)),
        (
            format!("{head}Transfer-Encoding: chunked\r\n\r\n1388\r\n{}", "x".repeat(5_000)),
            Value::Null,
        ),
    ];
    for (reply, size) in rows {
        let upstream = Upstream::start(move |_| Reply::BytesThenClose(reply.clone().into_bytes()));
        let proxy = Proxy::with(upstream.address, &small_capture());
        let answer = exchange(proxy.address, &send("POST", "/files", "", b"x"));
        assert!(answer.body.len() < 300_000, "{}", answer.body.len());
        let response = &proxy.events()[0]["response"];
        assert_eq!((&response["release"], &response["size"]), (&json!("streaming"), &size));
        let is_declared = response["notes"].to_string().contains("size_declared");
        assert_eq!(is_declared, !size.is_null(), "{response}");
    }
}

#[test]
fn a_request_that_there_is_no_memory_for_is_refused_and_counted() {
    let upstream = Upstream::start(|_| Reply::ok());
    let more = "limits: {captured_bytes: 256KiB}".to_owned();
    let capture = "capture: {request: 150KiB, response: 32KiB}";
    let routes = format!("  - {{name: default, upstream: app, {capture}}}");
    let proxy = Proxy::with(upstream.address, &Setup { more, routes, ..Setup::default() });
    let mut first = TcpStream::connect(proxy.address).unwrap();
    let body = vec![b'x'; 140_000];
    let whole = send("POST", "/files", "Content-Type: text/plain\r\n", &body);
    let (last, most) = whole.split_last().unwrap();
    first.write_all(most).unwrap();
    let metric = |name: &str| {
        let metrics = proxy.read("/metrics").1;
        let line = metrics.lines().find(|line| line.starts_with(&format!("countersign_{name}")));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).unwrap_or(0)
    };
    wait_until("the first body is held", || metric("captured_bytes") >= 139_000);
    let refused = exchange(proxy.address, &send("POST", "/files", "", &[b'y'; 130_000]));
    assert_eq!(refused.problem().as_deref(), Some("audit-unavailable"));
    assert!(refused.text().contains("captured_bytes_limit"), "{}", refused.text());
    assert_eq!(metric("exchanges_total{route=\"default\",result=\"refused\"}"), 1);
    assert!(upstream.seen().is_empty());
    // Who came before is served all the same, and makes room.
    first.write_all(&[*last]).unwrap();
    assert_eq!(read_answer(&mut first).status, 200);
    wait_until("there is room again", || metric("captured_bytes") == 0);
    assert_eq!(exchange(proxy.address, &whole).status, 200);
    assert_eq!(proxy.events().len(), 2);
}

#[test]
fn what_cannot_be_decoded_passes_untouched_and_is_recorded_as_metadata() {
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        bomb.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let json = "Content-Type: application/json\r\n";
    let gzip = "Content-Type: application/json\r\nContent-Encoding: gzip\r\n";
    let unknown = "Content-Type: application/json\r\nContent-Encoding: x-own\r\n";
    let rows: [(&str, &[u8], &str); 6] = [
        (gzip, b"\x1f\x8bnot gzip at all: planted", "undecodable_gzip"),
        (gzip, &bomb, "decompression_limit"),
        (json, b"{\"name\": \"planted\"", "invalid_json"),
        (json, b"\xff\xfe\x00planted", "invalid_"),
        (unknown, b"planted", "unsupported_content_encoding"),
        ("Content-Type: application/x-own\r\n", b"\x00planted\xff", "unsupported_content_type"),
    ];
    let upstream = Upstream::start(|seen| {
        let fields: String = seen
            .head
            .split("\r\n")
            .filter(|line| line.to_ascii_lowercase().starts_with("content-"))
            .map(|line| format!("{line}\r\n"))
            .collect();
        let mut echo = format!("HTTP/1.1 200 OK\r\n{fields}\r\n").into_bytes();
        echo.extend_from_slice(&seen.body);
        Reply::Bytes(echo)
    });
    let proxy = Proxy::start(upstream.address);
    for (fields, body, _) in rows {
        let answer = exchange(proxy.address, &send("POST", "/imports", fields, body));
        assert_eq!((answer.status, answer.body.as_slice()), (200, body), "{fields}");
    }
    let (events, seen) = (proxy.events(), upstream.seen());
    assert_eq!(events.len(), rows.len());
    for (((fields, body, note), event), seen) in rows.iter().zip(&events).zip(&seen) {
        assert_eq!(seen.body, *body, "{fields}");
        assert_eq!(event["outcome"], "success");
        assert!(!event.to_string().contains("planted"), "{event}");
        for half in ["request", "response"] {
            let half = &event[half];
            assert_eq!(half["body"], Value::Null, "{event}");
            assert_eq!(half["size"], body.len(), "{event}");
            assert!(half["notes"].to_string().contains(note), "{note}: {half}");
        }
    }
}

#[test]
fn answers_without_a_body_are_completed_and_keep_the_connection() {
    let rows = [
        ("DELETE", "204 No Content", ""),
        ("POST", "204 No Content", ""),
        ("PUT", "304 Not Modified", "ETag: \"a\"\r\nContent-Length: 12\r\n"),
        ("POST", "200 OK", "Content-Length: 0\r\n"),
        ("POST", "202 Accepted", "Transfer-Encoding: chunked\r\n"),
        ("REPORT", "204 No Content", ""),
    ];
    let upstream = Upstream::start(move |seen| {
        let at: usize = seen.line().split(['/', ' ']).nth(3).unwrap().parse().unwrap();
        let (_, status, fields) = rows[at];
        let end = if fields.starts_with("Transfer") { "0\r\n\r\n" } else { "" };
        Reply::Bytes(format!("HTTP/1.1 {status}\r\n{fields}\r\n{end}").into_bytes())
    });
    let proxy = Proxy::start(upstream.address);
    let mut stream = TcpStream::connect(proxy.address).unwrap();
    for (at, (method, status, _)) in rows.iter().enumerate() {
        let request =
            format!("{method} /users/{at} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        let answer = exchange_on(&mut stream, request.as_bytes());
        assert!(status.starts_with(&answer.status.to_string()), "{method} {status}");
        assert!(answer.body.is_empty());
        assert!(answer.header("countersign-event").is_some(), "{method} {status}");
    }
    let request = b"HEAD /users/3 HTTP/1.1\r\nHost: a\r\n\r\n";
    stream.write_all(request).unwrap();
    assert_eq!(read_answer(&mut stream).status, 200);
    let events = proxy.events();
    assert_eq!(events.len(), rows.len(), "a HEAD is not audited");
    for (event, (method, status, _)) in events.iter().zip(rows) {
        assert_eq!(event["request"]["method"], method);
        assert!(status.starts_with(&event["response"]["status"].to_string()), "{event}");
        assert!(event["outcome"].is_string());
    }
}
