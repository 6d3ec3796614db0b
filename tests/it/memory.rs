//! How much memory the process takes when very large bodies, or very many connections, pass.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use super::support::{Proxy, Setup, exchange_on};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// The most memory that a process has had resident so far, in bytes.
fn peak(pid: u32) -> u64 {
    status(pid, "VmHWM:")
}

fn status(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Reads a head, byte for byte, so that no more than it is taken.
fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// Reads and drops `length` bytes, which must all be the ones that `pour` sends.
fn drain(stream: &mut TcpStream, length: u64) -> u64 {
    let mut buffer = vec![0; 256 * 1024];
    let mut got = 0;
    while got < length {
        let want = usize::try_from(length - got).unwrap_or(usize::MAX).min(buffer.len());
        match stream.read(&mut buffer[..want]) {
            Ok(n @ 1..) => {
                assert!(buffer[0] == b'x' && buffer[n - 1] == b'x', "other bytes arrived");
                got += n as u64;
            }
            _ => break,
        }
    }
    got
}

fn pour(stream: &mut TcpStream, length: u64) {
    let piece = vec![b'x'; 256 * 1024];
    let mut left = length;
    while left > 0 {
        let n = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        stream.write_all(&piece[..n]).unwrap();
        left -= n as u64;
    }
}

/// An upstream that takes whatever it is sent, reports how much, and answers with as much as the
/// path says.
fn streaming_upstream() -> (SocketAddr, Receiver<u64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (report, reports) = sync_channel(1);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let report = report.clone();
            thread::spawn(move || {
                let head = read_head(&mut stream);
                let field = |name: &str| {
                    let lower = head.to_ascii_lowercase();
                    let line = lower.lines().find_map(|line| line.strip_prefix(name))?;
                    line.trim().parse::<u64>().ok()
                };
                let length = field("content-length:").unwrap_or(0);
                report.send(drain(&mut stream, length)).ok();
                let answer = head
                    .split(' ')
                    .nth(1)
                    .and_then(|path| path.rsplit('/').next()?.parse::<u64>().ok())
                    .unwrap_or(0);
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\
                     Content-Length: {answer}\r\nConnection: close\r\n\r\n"
                );
                stream.write_all(head.as_bytes()).unwrap();
                pour(&mut stream, answer);
            });
        }
    });
    (address, reports)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// An upload and a download of this size through the path's route, one after the other.
fn up_and_down(proxy: &Proxy, reports: &Receiver<u64>, path: &str, down: &str) {
    let mut stream = connect(proxy.address);
    let head = format!(
        "PUT {path}/0 HTTP/1.1\r\nHost: a\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: {GIB}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    pour(&mut stream, GIB);
    assert!(read_head(&mut stream).starts_with("HTTP/1.1 200"));
    assert_eq!(reports.recv().unwrap(), GIB);

    let mut stream = connect(proxy.address);
    let head = format!(
        "{down} {path}/{GIB} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    assert!(read_head(&mut stream).starts_with("HTTP/1.1 200"));
    assert_eq!(drain(&mut stream, GIB), GIB);
    assert_eq!(reports.recv().unwrap(), 0);
}

fn assert_small(proxy: &Proxy, limit: u64) {
    let peak = peak(proxy.pid());
    eprintln!("peak: {} KiB", peak / 1024);
    assert!(peak < limit, "took {} MiB", peak / MIB);
}

#[test]
fn a_gib_up_and_a_gib_down_audited() {
    let (address, reports) = streaming_upstream();
    let proxy = Proxy::start(address);
    up_and_down(&proxy, &reports, "/admin/images", "POST");
    assert_small(&proxy, 96 * MIB);
    let events = proxy.events();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0]["outcome"], "success", "{:#}", events[0]);
}

#[test]
fn a_gib_up_and_a_gib_down_not_audited() {
    let (address, reports) = streaming_upstream();
    let routes = "  - {name: files, paths: [/files], upstream: app, kind: bypass}\n";
    let routes = format!("{routes}  - {{name: default, upstream: app}}\n");
    let proxy = Proxy::with(address, &Setup { routes, ..Setup::default() });
    up_and_down(&proxy, &reports, "/files", "GET");
    assert_small(&proxy, 96 * MIB);
    assert!(proxy.events().is_empty());
}

#[test]
fn a_thousand_idle_connections_take_little() {
    let (address, _) = streaming_upstream();
    let proxy = Proxy::start(address);
    let before = peak(proxy.pid());
    let connections: Vec<TcpStream> = (0..1000)
        .map(|_| {
            let mut stream = connect(proxy.address);
            let request = b"GET /admin/0 HTTP/1.1\r\nHost: a\r\n\r\n";
            assert_eq!(exchange_on(&mut stream, request).status, 200);
            stream
        })
        .collect();
    let open = fs::read_dir(format!("/proc/{}/fd", proxy.pid())).unwrap().count();
    assert!(open >= connections.len(), "only {open} files are open");
    let grown = peak(proxy.pid()) - before;
    assert!(grown < 40 * MIB, "a thousand connections took {} MiB", grown / MIB);
    // Code and futures of an unoptimized build are several times larger.
    if !cfg!(debug_assertions) {
        assert_small(&proxy, 64 * MIB);
    }
}
