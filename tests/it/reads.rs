//! Reads over HTTP/1.1: what they may do that an audited request may not, being asked again and
//! being given up.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use super::support::{Answer, Proxy, exchange_on, read_answer};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// An upstream that plays its connections one after the other, each by its number; what comes of
/// each is sent to the test.
fn upstream<T: Send + 'static>(
    play: impl Fn(usize, TcpStream) -> T + Send + 'static,
) -> (SocketAddr, Receiver<T>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (done, wait) = sync_channel(8);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            if done.send(play(number, stream)).is_err() {
                return;
            }
        }
    });
    (address, wait)
}

/// The request line of the next request without a body; none if the connection ends.
fn next_line(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    head.lines().next().map(ToOwned::to_owned)
}

fn request(method: &str, path: &str) -> Vec<u8> {
    let length = if method == "POST" { "Content-Length: 0\r\n" } else { "" };
    format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{length}\r\n").into_bytes()
}

/// Two requests on one connection to the proxy; its first connection to the upstream dies when it
/// has got the second one. The answer to that, and what the upstream was asked.
fn second_on_a_dying_connection(method: &str) -> (Proxy, Answer, Vec<String>) {
    let (address, asked) = upstream(|number, mut stream| {
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut stream) {
            lines.push(line);
            if number == 0 && lines.len() == 2 {
                break;
            }
            stream.write_all(OK).unwrap();
            if number == 1 {
                break;
            }
        }
        lines
    });
    let proxy = Proxy::start(address);
    let mut client = TcpStream::connect(proxy.address).unwrap();
    assert_eq!(exchange_on(&mut client, &request(method, "/first")).status, 200);
    let answer = exchange_on(&mut client, &request(method, "/second"));
    let mut lines = asked.recv_timeout(Duration::from_secs(30)).unwrap();
    if answer.status == 200 {
        lines.extend(asked.recv_timeout(Duration::from_secs(30)).unwrap());
    }
    (proxy, answer, lines)
}

#[test]
fn a_read_is_sent_again_when_its_connection_had_served_before() {
    let (_proxy, answer, lines) = second_on_a_dying_connection("GET");
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    let line = |path: &str| format!("GET {path} HTTP/1.1");
    assert_eq!(lines, [line("/first"), line("/second"), line("/second")]);
}

#[test]
fn a_mutation_is_not() {
    let (proxy, answer, lines) = second_on_a_dying_connection("POST");
    assert_eq!((answer.status, answer.problem().as_deref()), (502, Some("bad-gateway")));
    assert_eq!(lines, ["POST /first HTTP/1.1", "POST /second HTTP/1.1"]);
    let events = proxy.events();
    assert_eq!(
        (&events[0]["outcome"], &events[1]["outcome"]),
        (&"success".into(), &"unknown".into())
    );
    assert_eq!(events[1]["reason"], "upstream_lost");
}

#[test]
fn a_read_that_no_connection_answers_is_a_bad_gateway() {
    let (address, asked) = upstream(|_, mut stream| next_line(&mut stream));
    let proxy = Proxy::start(address);
    let mut client = TcpStream::connect(proxy.address).unwrap();
    let answer = exchange_on(&mut client, &request("GET", "/x"));
    assert_eq!((answer.status, answer.problem().as_deref()), (502, Some("bad-gateway")));
    assert_eq!(asked.recv().unwrap().as_deref(), Some("GET /x HTTP/1.1"));
    assert!(asked.recv_timeout(Duration::from_millis(200)).is_err(), "asked once");
}

/// The upstream sends `begin` and then nothing; whether its connection ends once the client has left.
fn ends_with_its_client(begin: &'static [u8]) -> bool {
    let (address, ended) = upstream(move |_, mut stream| {
        next_line(&mut stream).unwrap();
        stream.write_all(begin).unwrap();
        // Ends with the connection, or with the read timeout.
        matches!(stream.read(&mut [0]), Ok(0) | Err(_))
            && stream.take_error().is_ok_and(|e| e.is_none())
    });
    let proxy = Proxy::start(address);
    let mut client = TcpStream::connect(proxy.address).unwrap();
    client.write_all(&request("GET", "/x")).unwrap();
    if !begin.is_empty() {
        let mut byte = [0];
        assert_eq!(client.read(&mut byte).unwrap(), 1);
    } else {
        thread::sleep(Duration::from_millis(100));
    }
    drop(client);
    ended.recv_timeout(Duration::from_secs(10)).unwrap_or(false)
}

#[test]
fn a_read_ends_when_its_client_leaves() {
    assert!(ends_with_its_client(b""), "while it waits for a response");
    let begun = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n";
    assert!(ends_with_its_client(begun), "in the middle of one");
}

#[test]
fn a_connection_serves_reads_of_all_framings_in_turn() {
    let (address, _asked) = upstream(|_, mut stream| {
        while let Some(line) = next_line(&mut stream) {
            let answer: &[u8] = match line.split(' ').nth(1).unwrap() {
                "/length" => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                "/chunks" => {
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"
                }
                "/none" => b"HTTP/1.1 204 No Content\r\n\r\n",
                "/unchanged" => b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 9\r\n\r\n",
                "/empty" => b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
            };
            stream.write_all(answer).unwrap();
        }
    });
    let proxy = Proxy::start(address);
    let mut client = TcpStream::connect(proxy.address).unwrap();
    for _ in 0..3 {
        for (path, status, body) in [
            ("/length", 200, "ok"),
            ("/none", 204, ""),
            ("/chunks", 200, "ok"),
            ("/unchanged", 304, ""),
            ("/empty", 200, ""),
            ("/other", 404, "no"),
        ] {
            let answer = exchange_on(&mut client, &request("GET", path));
            assert_eq!((answer.status, answer.text().as_str()), (status, body), "{path}");
        }
    }
    client.write_all(&[request("GET", "/length"), request("GET", "/chunks")].concat()).unwrap();
    assert_eq!(
        (read_answer(&mut client).text(), read_answer(&mut client).text()),
        ("ok".into(), "ok".into())
    );
}
