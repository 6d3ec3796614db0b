//! Bodies over HTTP/2, frame by frame, and what the upstream gets of them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::support::{Frames, Proxy, Setup, wait_until};

/// The first octet of a head with the status 200 (RFC 7541, appendix A).
const OK: u8 = 0x88;
const ROUTES: &str = "- {name: by, paths: [/by], upstream: app, kind: bypass}\n\
    - {name: none, paths: [/none], upstream: app, level: none}\n\
    - {name: md, paths: [/md], upstream: app, level: metadata}\n\
    - {name: default, upstream: app}";

/// Every byte of each connection, in the order in which they were made.
type Recorded = Arc<Mutex<Vec<Vec<u8>>>>;

/// An upstream that records every byte, those between requests as well, and answers where a chunked
/// body ends for the first time.
fn recording() -> (SocketAddr, Recorded) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let recorded = Recorded::default();
    let record = Arc::clone(&recorded);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let number = record.lock().unwrap().len();
            record.lock().unwrap().push(Vec::new());
            let record = Arc::clone(&record);
            thread::spawn(move || answer_all(stream, &record, number));
        }
    });
    (address, recorded)
}

fn answer_all(mut stream: TcpStream, record: &Mutex<Vec<Vec<u8>>>, number: usize) {
    let (mut chunk, mut rest) = ([0; 4096], Vec::new());
    while let Ok(read @ 1..) = stream.read(&mut chunk) {
        let read = chunk.iter().copied().take(read);
        record.lock().unwrap()[number].extend(read.clone());
        rest.extend(read);
        let head = rest.windows(4).position(|four| four == b"\r\n\r\n");
        let is_whole = |head: usize| {
            let text = String::from_utf8_lossy(&rest).to_ascii_lowercase();
            !text.contains("transfer-encoding")
                || rest
                    .iter()
                    .skip(head + 2)
                    .copied()
                    .collect::<Vec<u8>>()
                    .ends_with(b"\r\n0\r\n\r\n")
        };
        if head.is_some_and(is_whole) {
            let body = if rest.starts_with(b"HEAD") { "" } else { "ok" };
            rest.clear();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    }
}

fn proxy(upstream: SocketAddr) -> Proxy {
    Proxy::with(upstream, &Setup { routes: ROUTES.to_owned(), ..Setup::default() })
}

#[test]
fn an_empty_frame_at_the_end_of_a_body_is_no_second_end() {
    let (upstream, recorded) = recording();
    let proxy = proxy(upstream);
    let mut frames = Frames::connect(proxy.address);
    let mut stream = 1;
    let cases: [(&str, &[&[u8]], &str); 6] = [
        ("POST", &[b"hello", b""], "5\r\nhello\r\n0\r\n\r\n"),
        ("POST", &[b"hello", b"", b""], "5\r\nhello\r\n0\r\n\r\n"),
        ("POST", &[b"hello"], "5\r\nhello\r\n0\r\n\r\n"),
        ("GET", &[b""], "0\r\n\r\n"),
        ("HEAD", &[b""], "0\r\n\r\n"),
        ("DELETE", &[b""], "0\r\n\r\n"),
    ];
    for route in ["/by/x", "/none/x"] {
        for (method, pieces, body) in cases {
            let before = recorded.lock().unwrap().clone();
            frames.head(stream, method, route, &[], false);
            frames.body(stream, pieces);
            let answer = frames.answer(stream);
            assert!(!answer.broken && answer.heads[0][0] == OK, "{method} {route}: {answer:?}");
            stream += 2;
            // A connection may be back in the pool a moment later: then this is another one.
            let after = recorded.lock().unwrap().clone();
            let grown = after.iter().enumerate().map(|(at, bytes)| {
                let known = before.get(at).map_or(0, Vec::len);
                bytes.iter().skip(known).copied().collect::<Vec<u8>>()
            });
            let sent: Vec<u8> = grown.flatten().collect();
            let sent = String::from_utf8(sent).unwrap();
            assert!(sent.starts_with(&format!("{method} {route} HTTP/1.1\r\n")), "{sent:?}");
            let (_, behind) = sent.split_once("\r\n\r\n").unwrap();
            assert_eq!(behind, body, "{method} {route} {pieces:?}");
        }
    }
    let connections = recorded.lock().unwrap().clone();
    assert!(connections.len() < 12, "connections are used again");
    for connection in connections {
        let connection = String::from_utf8(connection).unwrap();
        assert!(!connection.contains("0\r\n\r\n0\r\n"), "{connection}");
    }
}

#[test]
fn a_body_in_many_small_frames_passes() {
    let (upstream, recorded) = recording();
    let proxy = proxy(upstream);
    let line = [b'x'; 10];
    for (route, count) in
        [("/by/x", 300), ("/none/x", 300), ("/md/x", 300), ("/x", 300), ("/x", 5000)]
    {
        let mut frames = Frames::connect(proxy.address);
        frames.head(1, "POST", route, &[], false);
        let pieces: Vec<&[u8]> = std::iter::repeat_n(line.as_slice(), count).collect();
        frames.body(1, &pieces);
        let answer = frames.answer(1);
        assert!(!answer.broken, "{route}: {answer:?}");
        assert_eq!((answer.heads[0][0], answer.body.as_slice()), (OK, b"ok".as_slice()), "{route}");
    }
    wait_until("all is there", || {
        let bytes: Vec<u8> = recorded.lock().unwrap().concat();
        bytes.iter().filter(|byte| **byte == b'x').count() >= 62_000
    });
    assert_eq!(proxy.events().len(), 3);
}
