//! An upstream that records every byte it is sent and answers as it is told.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The head, byte for byte.
    pub(crate) head: String,
    /// The body, byte for byte as on the wire (chunks not decoded).
    pub(crate) body: Vec<u8>,
}

impl Seen {
    /// The request line.
    pub(crate) fn line(&self) -> &str {
        self.head.split("\r\n").next().unwrap_or_default()
    }

    /// The value of a header field.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .split("\r\n")
            .filter_map(|line| line.split_once(": "))
            .find_map(|(n, value)| n.eq_ignore_ascii_case(name).then_some(value))
    }
}

/// What the upstream does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Sends these bytes.
    Bytes(Vec<u8>),
    /// Waits, then sends these bytes.
    Later(Duration, Vec<u8>),
    /// Closes the connection without an answer.
    Close,
    /// Sends these bytes, then closes.
    BytesThenClose(Vec<u8>),
}

impl Reply {
    /// A response with a body.
    pub(crate) fn response(status: &str, kind: &str, body: &str) -> Self {
        let text = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        Self::Bytes(text.into_bytes())
    }

    /// 200 with JSON.
    pub(crate) fn ok() -> Self {
        Self::response("200 OK", "application/json", r#"{"ok":true}"#)
    }
}

type Handler = dyn Fn(&Seen) -> Reply + Send + Sync;

/// The upstream.
pub(crate) struct Upstream {
    /// Its address.
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<Mutex<usize>>,
}

impl Upstream {
    /// Starts one that answers with `handler`. A request counts as executed when it is whole.
    pub(crate) fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let (record, count) = (Arc::clone(&seen), Arc::clone(&connections));
        let handler: Arc<Handler> = Arc::new(handler);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                *count.lock().unwrap() += 1;
                let (record, handler) = (Arc::clone(&record), Arc::clone(&handler));
                thread::spawn(move || serve(stream, &record, &*handler));
            }
        });
        Self { address, seen, connections }
    }

    /// The requests that arrived whole so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Connections that were made so far.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

fn serve(mut stream: TcpStream, record: &Mutex<Vec<Seen>>, handler: &Handler) {
    stream.set_nodelay(true).ok();
    let mut buffer = Vec::new();
    while let Some(seen) = read_request(&mut stream, &mut buffer) {
        record.lock().unwrap().push(seen.clone());
        let (bytes, close) = match handler(&seen) {
            Reply::Bytes(bytes) => (bytes, false),
            Reply::Later(pause, bytes) => {
                thread::sleep(pause);
                (bytes, false)
            }
            Reply::Close => (Vec::new(), true),
            Reply::BytesThenClose(bytes) => (bytes, true),
        };
        if stream.write_all(&bytes).is_err() || close {
            return;
        }
    }
}

fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        fill(stream, buffer)?;
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end);
    let seen = Seen { head, body: Vec::new() };
    let body = if let Some(length) = seen.header("content-length") {
        let length: usize = length.trim().parse().ok()?;
        while buffer.len() < length {
            fill(stream, buffer)?;
        }
        buffer.drain(..length).collect()
    } else if seen.header("transfer-encoding").is_some() {
        let end = loop {
            if let Some(at) = buffer.windows(5).position(|window| window == b"0\r\n\r\n") {
                break at + 5;
            }
            fill(stream, buffer)?;
        };
        buffer.drain(..end).collect()
    } else {
        Vec::new()
    };
    Some(Seen { body, ..seen })
}

fn fill(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<()> {
    let mut chunk = [0; 65_536];
    let n = stream.read(&mut chunk).ok().filter(|n| *n > 0)?;
    buffer.extend_from_slice(&chunk[..n]);
    Some(())
}
