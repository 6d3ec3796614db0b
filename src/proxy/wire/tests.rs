use tokio::io::DuplexStream;

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
