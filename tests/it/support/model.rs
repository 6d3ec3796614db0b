//! A model's server that streams its answer piece by piece, each when it is allowed to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

/// The server. It ends with its only connection.
pub(crate) struct Model {
    /// Its address.
    pub(crate) address: SocketAddr,
    pieces: SyncSender<Option<Vec<u8>>>,
    written: std::sync::mpsc::Receiver<Instant>,
}

impl Model {
    /// Starts one that answers its first request with this head, and then with what it is given.
    pub(crate) fn start(head: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (pieces, given) = sync_channel::<Option<Vec<u8>>>(1);
        let (tell, written) = sync_channel(1024);
        thread::spawn(move || {
            let Ok((mut stream, _)) = listener.accept() else { return };
            stream.set_nodelay(true).ok();
            read_request(&mut stream);
            stream.write_all(head.as_bytes()).ok();
            while let Ok(Some(piece)) = given.recv() {
                let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
                chunk.extend_from_slice(&piece);
                chunk.extend_from_slice(b"\r\n");
                let at = Instant::now();
                if stream.write_all(&chunk).is_err() {
                    return;
                }
                tell.send(at).ok();
                if piece.is_empty() {
                    // The connection stays until the client has it all.
                    stream.read_exact(&mut [0; 1]).ok();
                    return;
                }
            }
        });
        Self { address, pieces, written }
    }

    /// Lets it send a piece, and returns when it did.
    pub(crate) fn send(&self, piece: &str) -> Instant {
        self.pieces.send(Some(piece.as_bytes().to_vec())).unwrap();
        self.written.recv().unwrap()
    }

    /// Lets it end its answer.
    pub(crate) fn end(&self) {
        self.send("");
    }

    /// Lets it break off.
    pub(crate) fn break_off(&self) {
        self.pieces.send(None).unwrap();
    }
}

fn read_request(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    let mut buffer = [0; 65_536];
    loop {
        let text = String::from_utf8_lossy(&seen).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return;
            }
        }
        match stream.read(&mut buffer) {
            Ok(n @ 1..) => seen.extend_from_slice(&buffer[..n]),
            _ => return,
        }
    }
}
