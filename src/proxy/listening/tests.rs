use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;

#[test]
fn a_final_head_is_told_from_interim_ones() {
    let cases = [
        ("", false),
        ("HTTP/1.1 413 Content Too Large\r\nA: b\r\n", false),
        ("HTTP/1.1 413 Content Too Large\r\nA: b\r\n\r\n", true),
        ("HTTP/1.1 200\r\n\r\n", true),
        ("HTTP/1.1 100 Continue\r\n\r\n", false),
        ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 1", false),
        ("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n", false),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 Unauthorized\r\n\r\nbody", true),
        // Whoever reads it will say what is wrong with it.
        ("nonsense\r\n\r\n", true),
    ];
    for (bytes, wanted) in cases {
        assert_eq!(answered(bytes.as_bytes()), wanted, "{bytes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_not_taken_ends_with_the_answer() {
    let (ours, mut theirs) = duplex(64);
    let mut stream = Listening::on(Box::new(ours));
    let answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig";
    let upstream = tokio::spawn(async move {
        // Interim first, and byte by byte; it never reads.
        for byte in format!("HTTP/1.1 100 Continue\r\n\r\n{answer}").bytes() {
            theirs.write_all(&[byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        theirs
    });
    assert!(stream.write_all(&[7; 1000]).await.is_err());
    let theirs = upstream.await.unwrap();
    drop(theirs);
    let mut heard = String::new();
    stream.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, format!("HTTP/1.1 100 Continue\r\n\r\n{answer}"));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_taken_goes_on_whatever_is_said() {
    let (ours, mut theirs) = duplex(64);
    let mut stream = Listening::on(Box::new(ours));
    theirs.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n").await.unwrap();
    let reading = tokio::spawn(async move {
        let mut got = Vec::new();
        theirs.read_to_end(&mut got).await.unwrap();
        got.len()
    });
    stream.write_all(&[7; 10_000]).await.unwrap();
    AsyncWriteExt::shutdown(&mut stream).await.unwrap();
    assert_eq!(reading.await.unwrap(), 10_000);
    let mut head = [0; 28];
    stream.read_exact(&mut head).await.unwrap();
    assert!(head.starts_with(b"HTTP/1.1 103"));
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_says_too_much_is_not_remembered_for_ever() {
    let (ours, mut theirs) = duplex(64);
    let mut stream = Listening::on(Box::new(ours));
    let flood = tokio::spawn(async move { theirs.write_all(&vec![b'x'; 2 * HEARD]).await });
    let error = stream.write_all(&[7; 1000]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    flood.abort();
}

/// What the other side gets at once.
async fn pieces(
    stream: Stream,
    theirs: &mut (impl AsyncReadExt + Unpin),
    flushed: &[&[u8]],
) -> Vec<usize> {
    let (mut stream, mut got) = (stream, Vec::new());
    for piece in flushed {
        stream.write_all(piece).await.unwrap();
        stream.flush().await.unwrap();
        let mut buffer = [0; 256];
        let read = tokio::time::timeout(Duration::from_secs(1), theirs.read(&mut buffer)).await;
        got.push(read.map_or(0, Result::unwrap));
    }
    got
}

/// A connection whose next request is sent in one piece.
fn gathering(stream: Stream, bytes: usize) -> Stream {
    let stream = if Listening::is(&stream) { stream } else { Listening::on(stream) };
    Listening::gather(&stream, bytes);
    stream
}

#[tokio::test(start_paused = true)]
async fn a_head_waits_for_its_body() {
    let (ours, mut theirs) = duplex(64);
    let stream = gathering(Box::new(ours), 8);
    assert_eq!(pieces(stream, &mut theirs, &[b"head", b"body", b"more"]).await, [0, 8, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_gathers_each_request_that_is_to_be() {
    let (ours, mut theirs) = duplex(256);
    let mut stream = gathering(Box::new(ours), 0);
    for _ in 0..3 {
        stream.write_all(b"head").await.unwrap();
        stream.flush().await.unwrap();
        // More than the other side takes at once.
        let (sent, got) = tokio::join!(
            async {
                stream.write_all(&[7; 1000]).await.unwrap();
                stream.flush().await
            },
            async {
                let mut got = [0; 1004];
                theirs.read_exact(&mut got).await.unwrap();
                got
            }
        );
        sent.unwrap();
        assert!(got.starts_with(b"head\x07") && got.ends_with(&[7]));
        stream = gathering(stream, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_gathered_is_lost_with_its_connection() {
    let (ours, theirs) = duplex(64);
    let mut stream = gathering(Box::new(ours), 0);
    drop(theirs);
    stream.write_all(b"head").await.unwrap();
    stream.flush().await.unwrap();
    stream.write_all(b"body").await.unwrap();
    assert!(stream.flush().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn trailers_are_kept_of_what_is_heard_and_of_what_is_read() {
    let answer =
        "HTTP/1.1 413 Large\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nbig\r\n0\r\nX-Sum: 1\r\n\r\n";
    for heard in [false, true] {
        let (ours, mut theirs) = duplex(512);
        let mut stream = Listening::on(Box::new(ours));
        Listening::expect(&stream, true);
        theirs.write_all(answer.as_bytes()).await.unwrap();
        if heard {
            assert!(stream.write_all(&[7; 1000]).await.is_err());
        }
        drop(theirs);
        let mut got = String::new();
        stream.read_to_string(&mut got).await.unwrap();
        assert_eq!(got, answer);
        assert!(Listening::trailers(&stream).is_some(), "heard: {heard}");
        assert!(Listening::trailers(&stream).is_none(), "they are of one answer");
    }
}
