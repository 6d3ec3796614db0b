use super::*;

const LIMITS: HeadLimits = HeadLimits { head_bytes: 512, fields: 8, target_bytes: 64 };

/// The reason of the refusal, `ok`, or `partial`.
fn verdict(head: &[u8]) -> &'static str {
    match check(head, 0, &LIMITS) {
        Ok(Head::Complete(..)) => "ok",
        Ok(Head::Partial) => "partial",
        Err(refusal) => refusal.reason,
    }
}

const HEADS: &[(&str, &str)] = &[
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "ok"),
    ("GET / HTTP/1.0\r\n\r\n", "ok"),
    ("GET / HTTP/1.1\r\n\r\n", "host"),
    ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "ok"),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "host"),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "host"),
    ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "host"),
    ("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "ok"),
    ("GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", "ok"),
    ("GET HTTP://A/x HTTP/1.1\r\nHost: a\r\n\r\n", "ok"),
    ("GET http://a/x HTTP/1.1\r\nHost: b\r\n\r\n", "host"),
    ("GET http://u@a/x HTTP/1.1\r\nHost: a\r\n\r\n", "host"),
    ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
    ("GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
    ("GET x HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
    ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
    ("GET /é?ü HTTP/1.1\r\nHost: a\r\n\r\n", "ok"),
    ("GET /a\u{7f} HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
    ("GET /a?b=\"c\" HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
    ("GET /a`b HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
    ("GET /a?b=`c` HTTP/1.1\r\nHost: a\r\n\r\n", "ok"),
    ("GET /a%60b HTTP/1.1\r\nHost: a\r\n\r\n", "ok"),
    ("GET /a\"b HTTP/1.1\r\nHost: a\r\n\r\n", "ok"),
    ("GET /a<b HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
    ("GET /a?b>c HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "ok"),
    ("POST * HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "request_line"),
    ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", "request_line"),
    (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", "request_line"),
    ("GET /\r\nHost: a\r\n\r\n", "request_line"),
    ("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", "request_line"),
    ("FROB / HTTP/1.1\r\nHost: a\r\n\r\n", "ok"),
    ("GET / http/1.1\r\nHost: a\r\n\r\n", "request_line"),
    ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", "version"),
    ("GET / HTTP/3\r\nHost: a\r\n\r\n", "version"),
    ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "method"),
    ("trace / HTTP/1.1\r\nHost: a\r\n\r\n", "method"),
    ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", "method"),
    ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "request_line"),
    ("GET / HTTP/1.1\nHost: a\n\n", "line_end"),
    ("GET / HTTP/1.1\r\nHost: a\n\r\n\r\n", "line_end"),
    ("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", "line_end"),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", "obs_fold"),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\t2\r\n\r\n", "obs_fold"),
    ("GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", "field"),
    ("GET / HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n", "field"),
    ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", "field"),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", "field"),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: é\r\n\r\n", "ok"),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "ok"),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", "content_length"),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", "content_length"),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "content_length"),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", "content_length"),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "content_length",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        "content_length",
    ),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "ok"),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED \r\n\r\n", "ok"),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "transfer_encoding"),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "transfer_encoding"),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", "transfer_encoding"),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "transfer_encoding",
    ),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer_encoding"),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "ambiguous_framing",
    ),
    ("GET / HTTP/1.1\r\nHost: a\r\n", "partial"),
    ("", "partial"),
];

#[test]
fn heads() {
    for (head, expected) in HEADS {
        assert_eq!(verdict(head.as_bytes()), *expected, "{head:?}");
    }
}

#[test]
fn limits() {
    let long_target = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(64));
    assert_eq!(verdict(long_target.as_bytes()), "target_too_long");
    let fields = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: 1\r\n".repeat(8));
    assert_eq!(verdict(fields.as_bytes()), "too_many_fields");
    let large = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(512));
    assert_eq!(verdict(large.as_bytes()), "head_too_large");
    assert_eq!(verdict("x".repeat(512).as_bytes()), "head_too_large");
}

#[test]
fn every_prefix_of_a_good_head_is_partial() {
    let head = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";
    for end in 0..head.len() {
        assert_eq!(check(&head[..end], end.saturating_sub(1), &LIMITS), Ok(Head::Partial));
    }
    assert_eq!(
        check(head, head.len() - 1, &LIMITS),
        Ok(Head::Complete(head.len(), BodyFraming::Length(2)))
    );
}

#[test]
fn what_must_be_encoded_is_named() {
    for target in ["/a`b", "/a<b", "/a>b", "/a?b=\"", "/a?b=<"] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
        let refusal = check(head.as_bytes(), 0, &LIMITS).unwrap_err();
        let named = target.replace('`', "backtick");
        let sign = ["backtick", "`<`", "`>`", "`\"`"]
            .into_iter()
            .find(|sign| named.contains(sign.trim_matches('`')));
        assert!(
            sign.is_some_and(|sign| refusal.detail.contains(sign)),
            "{target} {}",
            refusal.detail
        );
    }
}
