use super::*;

/// What a tail makes of an answer that comes in pieces of this size.
fn seen(answer: &str, piece: usize) -> Option<String> {
    let mut tail = Tail::default();
    tail.begin(true);
    for piece in answer.as_bytes().chunks(piece) {
        tail.see(piece);
    }
    let trailers = tail.trailers()?;
    assert_eq!(tail.trailers(), None, "they are of one answer");
    Some(String::from_utf8(trailers.0.to_vec()).unwrap())
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[test]
fn trailers_are_found_however_the_bytes_are_split() {
    let long = format!(
        "HTTP/1.1 200 OK\r\nX-Long: {}\r\ntransfer-encoding:gzip, Chunked \r\n\r\n",
        "y".repeat(500)
    );
    let cases = [
        (
            CHUNKED,
            "3\r\nabc\r\n0\r\nX-Sum: 1\r\nServer-Timing:  a, b \r\n\r\n",
            Some("X-Sum: 1\r\nServer-Timing:  a, b \r\n"),
        ),
        (CHUNKED, "0\r\nX-Sum: 1\r\n\r\n", Some("X-Sum: 1\r\n")),
        // What looks like an end is within a chunk.
        (CHUNKED, "f\r\n0\r\nX-Sum: 1\r\n\r\n\r\n0\r\nX-Sum: 2\r\n\r\n", Some("X-Sum: 2\r\n")),
        (
            "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "0\r\nX-Sum: 1\r\n\r\n",
            Some("X-Sum: 1\r\n"),
        ),
        (&long, "0\r\nX-Sum: 1\r\n\r\n", Some("X-Sum: 1\r\n")),
        (
            "\r\nHTTP/1.1 200\nTransfer-Encoding: chunked\n\n",
            "0\r\nX-Sum: 1\r\n\r\n",
            Some("X-Sum: 1\r\n"),
        ),
        // There are none.
        (CHUNKED, "3\r\nabc\r\n0\r\n\r\n", None),
        (CHUNKED, "3\r\nabc\r\n0\r\nX-Sum: 1\r\n", None),
        ("HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n", "0\r\nX-Sum: 1\r\n\r\n", None),
        (
            "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            "0\r\nX-Sum: 1\r\n\r\n",
            None,
        ),
        (
            "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
            "0\r\nX-Sum: 1\r\n\r\n",
            None,
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nTransfer-Encoding: chunked\r\n\r\n",
            "0\r\nX-Sum: 1\r\n\r\n",
            None,
        ),
        ("nonsense\r\nTransfer-Encoding: chunked\r\n\r\n", "0\r\nX-Sum: 1\r\n\r\n", None),
        // In doubt.
        (CHUNKED, "0\r\nX-Sum: 1\n\r\n", None),
        (CHUNKED, "0\r\nX-Sum\r\n\r\n", None),
        (CHUNKED, "0\r\nX: 1\r\n folded\r\n\r\n", None),
        (CHUNKED, "0\r\nSet-Cookie: a=b\r\n\r\n", None),
        (CHUNKED, "zz\r\nX-Sum: 1\r\n\r\n", None),
    ];
    for (head, body, wanted) in cases {
        let answer = format!("{head}{body}");
        for piece in [1, 2, 3, 7, 64, 4096] {
            assert_eq!(seen(&answer, piece).as_deref(), wanted, "{answer:?} by {piece}");
        }
    }
    // As many as a request may have.
    let many = format!("{CHUNKED}0\r\n{}\r\n", "X-Sum: 1\r\n".repeat(10_000));
    assert_eq!(seen(&many, 4096), None);
}

#[test]
fn an_answer_without_a_body_has_no_trailers() {
    let mut tail = Tail::default();
    tail.begin(false);
    tail.see(format!("{CHUNKED}0\r\nX-Sum: 1\r\n\r\n").as_bytes());
    assert_eq!(tail.trailers(), None);
}

#[test]
fn fields_that_may_not_follow_a_body_are_left_out() {
    let pairs = [
        ("x-sum", "1"),
        ("content-length", "5"),
        ("set-cookie", "a=b"),
        ("countersign-event", "forged"),
        ("x-sum", "2"),
    ];
    let fields: HeaderMap = pairs
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect();
    let trailers = Trailers::of(&fields).unwrap();
    assert_eq!(trailers.0, "x-sum: 1\r\nx-sum: 2\r\n");
    let only =
        HeaderMap::from_iter([(HeaderName::from_static("host"), HeaderValue::from_static("x"))]);
    assert_eq!(Trailers::of(&only), None);
    // By HTTP/1 as well.
    let forged = format!("{CHUNKED}0\r\nCountersign-Event: forged\r\nX-Sum: 1\r\n\r\n");
    assert_eq!(seen(&forged, 64).as_deref(), Some("x-sum: 1\r\n"));
}

#[test]
fn only_the_end_of_a_body_takes_fields() {
    let trailers = Trailers::as_seen(b"X-Sum: 1\r\n".to_vec()).unwrap();
    assert_eq!(trailers.put_into(b"0\r\n\r\n").unwrap(), "0\r\nX-Sum: 1\r\n\r\n");
    for other in ["", "0\r\n", "5\r\n0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
        assert_eq!(trailers.put_into(other.as_bytes()), None, "{other:?}");
    }
    assert_eq!(trailers.fields().get("x-sum").unwrap(), "1");
}
