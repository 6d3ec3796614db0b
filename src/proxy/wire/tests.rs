use http::HeaderValue;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, DuplexStream};

use super::*;

/// A wire and its client's end.
fn wire() -> (Wire, DuplexStream) {
    let (client, ours) = tokio::io::duplex(64 * 1024);
    let (_, stop) = tokio::sync::watch::channel(false);
    (Wire::new(Box::new(ours), stop), client)
}

fn bytes(text: &str) -> BytesMut {
    BytesMut::from(text)
}

/// What can be read now, in pieces of at most `piece` bytes.
async fn read_now(wire: &mut Wire, piece: usize) -> String {
    let mut got = Vec::new();
    let mut buffer = vec![0; piece];
    while let Ok(Ok(n @ 1..)) = timeout(Duration::from_millis(1), wire.read(&mut buffer)).await {
        got.extend_from_slice(&buffer[..n]);
    }
    String::from_utf8(got).unwrap()
}

const CHUNKED: &str = "3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_reader_gets_one_body_and_the_rest_is_kept() {
    let cases = [
        (BodyFraming::Length(0), ""),
        (BodyFraming::Length(5), "hello"),
        (BodyFraming::Chunked, CHUNKED),
    ];
    let next = "GET /next HTTP/1.1\r\n";
    for (framing, body) in cases {
        let all = format!("{body}{next}");
        // How much came with the head.
        for split in 0..=all.len() {
            for piece in [1, 7, 4096] {
                let (mut wire, mut client) = wire();
                let (before, after) = all.split_at(split);
                let mut read = bytes(&format!("HEAD{before}"));
                wire.begin(framing, &mut read, 4).unwrap();
                client.write_all(after.as_bytes()).await.unwrap();
                let rest = read_now(&mut wire, piece).await;
                let got = String::from_utf8(read.to_vec()).unwrap() + &rest;
                assert_eq!(got, format!("HEAD{body}"), "{split} {piece}");
                let mut back = Wire::back(Box::new(wire)).expect("the body has ended");
                let mut kept = back.ahead();
                while kept.len() < next.len() {
                    back.read_head(&mut kept).await.unwrap();
                }
                assert_eq!(kept, next, "{split} {piece}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_handed_on_once_the_framing_is_broken() {
    let bad = "3\r\nabc\r\n 3\r\ndef\r\n0\r\n\r\n";
    let fault = bad.find(' ').unwrap() + 1;
    for split in 0..=bad.len() {
        let (mut wire, mut client) = wire();
        let (before, after) = bad.split_at(split);
        let mut read = bytes(before);
        let begun = wire.begin(BodyFraming::Chunked, &mut read, 0);
        assert_eq!(begun.is_err(), split >= fault, "{split}");
        if begun.is_err() {
            continue;
        }
        client.write_all(after.as_bytes()).await.unwrap();
        let mut got = read.to_vec();
        let error = wire.read_to_end(&mut got).await.unwrap_err();
        let error = pingora::Error::because(pingora::ErrorType::ReadError, "reading", error);
        assert!(bad_framing(&error).is_some());
        assert!(bad.as_bytes()[..fault - 1].starts_with(&got), "{split}");
        assert!(wire.read_to_end(&mut got).await.is_err(), "a second try gives no more");
        assert!(Wire::back(Box::new(wire)).is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_is_noticed_behind_its_body() {
    let (mut wire, client) = wire();
    wire.begin(BodyFraming::Length(0), &mut BytesMut::new(), 0).unwrap();
    assert_eq!(read_now(&mut wire, 1).await, "");
    drop(client);
    assert_eq!(wire.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stolen_connection_has_all_that_came_behind_the_request() {
    let (mut wire, mut client) = wire();
    let mut read = bytes("{}fra");
    wire.begin(BodyFraming::Length(2), &mut read, 0).unwrap();
    assert_eq!(read, "{}");
    assert_eq!(read_now(&mut wire, 100).await, "");
    client.write_all(b"me").await.unwrap();
    let lent: Stream = Box::new(wire);
    let mut stolen = Wire::steal(&lent).unwrap();
    let mut got = stolen.ahead.to_vec();
    let mut more = [0; 2];
    stolen.stream.read_exact(&mut more).await.unwrap();
    got.extend(more);
    assert_eq!(got, b"frame");
    assert!(Wire::steal(&lent).is_none());
}

/// A body as it is on the wire, and how it is framed.
fn body() -> impl Strategy<Value = (BodyFraming, Vec<u8>)> {
    let bytes = |most| prop::collection::vec(any::<u8>(), 0..most);
    let plain = bytes(60).prop_map(|body| (BodyFraming::Length(body.len() as u64), body));
    let chunked = prop::collection::vec(bytes(30), 0..4).prop_map(|pieces| {
        let mut body = Vec::new();
        for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
            body.extend(format!("{:X};n\r\n", piece.len()).bytes());
            body.extend(piece);
            body.extend(b"\r\n");
        }
        body.extend(b"0\r\nX-Sum: 1\r\n\r\n");
        (BodyFraming::Chunked, body)
    });
    prop_oneof![plain, chunked]
}

const HEAD: &[u8] = b"HEAD";

/// Reads one request as the door and a parser would, in pieces of this size.
async fn read_request(
    wire: &mut Wire,
    framing: BodyFraming,
    length: usize,
    piece: usize,
) -> Vec<u8> {
    let mut read = wire.ahead();
    while read.len() < HEAD.len() {
        assert!(wire.read_head(&mut read).await.unwrap() > 0);
    }
    wire.begin(framing, &mut read, HEAD.len()).unwrap();
    let mut got = read.to_vec();
    let mut buffer = vec![0; piece];
    while got.len() < HEAD.len() + length {
        let n = wire.read(&mut buffer).await.unwrap();
        assert!(n > 0);
        got.extend_from_slice(&buffer[..n]);
    }
    got
}

proptest! {
    #[test]
    fn pipelined_requests_come_out_as_they_went_in(
        bodies in prop::collection::vec(body(), 1..6),
        sizes in prop::collection::vec(1usize..40, 1..6),
        piece in 1usize..50,
    ) {
        let sent: Vec<Vec<u8>> = bodies.iter().map(|(_, body)| [HEAD, body].concat()).collect();
        let all = sent.concat();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let got = runtime.block_on(async {
            let (mut wire, mut client) = wire();
            let sending = tokio::spawn(async move {
                let mut rest = all.as_slice();
                for size in sizes.iter().cycle() {
                    let (now, later) = rest.split_at((*size).min(rest.len()));
                    client.write_all(now).await.unwrap();
                    tokio::task::yield_now().await;
                    rest = later;
                    if rest.is_empty() {
                        return client;
                    }
                }
                client
            });
            let mut got = Vec::new();
            for (framing, body) in &bodies {
                got.push(read_request(&mut wire, *framing, body.len(), piece).await);
                wire = *Wire::back(Box::new(wire)).expect("the body has ended");
            }
            drop(sending.await.unwrap());
            // Nothing came behind the last one.
            assert_eq!(wire.read(&mut [0]).await.unwrap(), 0);
            got
        });
        prop_assert_eq!(got, sent);
    }
}

#[tokio::test]
async fn a_head_keeps_its_date_however_slowly_it_is_taken() {
    let date = HeaderValue::from_static("Thu, 01 Jan 2015 00:00:00 GMT");
    let told = HeaderMap::from_iter([(DATE, date)]);
    let (interim, head) =
        ("HTTP/1.1 103 x\r\n\r\n", "HTTP/1.1 200 OK\r\nDate: now\r\nA: b\r\n\r\n");
    let body = "HTTP/1.1 200 OK\r\nDate: now\r\n\r\n";
    for (headers, expected) in [
        (told, "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 2015 00:00:00 GMT\r\nA: b\r\n\r\n"),
        (HeaderMap::new(), head),
    ] {
        for room in [1, 7, 4096] {
            for is_flushed in [true, false] {
                let (mut client, ours) = tokio::io::duplex(room);
                let (_, stop) = tokio::sync::watch::channel(false);
                let mut stream: Stream = Box::new(Wire::new(Box::new(ours), stop));
                Wire::keep_date(Some(&stream), &headers);
                let writing = tokio::spawn(async move {
                    for piece in [interim, head, body] {
                        stream.write_all(piece.as_bytes()).await.unwrap();
                    }
                    if is_flushed {
                        stream.flush().await.unwrap();
                    }
                    AsyncWriteExt::shutdown(&mut stream).await.unwrap();
                });
                let mut got = String::new();
                client.read_to_string(&mut got).await.unwrap();
                assert_eq!(got, format!("{interim}{expected}{body}"), "{room} {is_flushed}");
                writing.await.unwrap();
            }
        }
    }
}
