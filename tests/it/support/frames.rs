//! A client that sends exactly the frames of HTTP/2 that it is told to.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const WINDOW: u8 = 8;

/// What came on a stream until it ended.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// The first octet of each head: 0x88 is a status of 200.
    pub(crate) heads: Vec<Vec<u8>>,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// It was reset, or its connection closed.
    pub(crate) broken: bool,
}

/// A connection.
pub(crate) struct Frames {
    stream: TcpStream,
}

fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[0, length[0], length[1], kind, flags, 0, 0, 0, stream], payload].concat()
}

impl Frames {
    /// A new connection, with its preface and windows that nothing fills.
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice();
        let window = frame(WINDOW, 0, 0, &(1_u32 << 30).to_be_bytes());
        stream.write_all(&[preface, &frame(SETTINGS, 0, 0, b""), &window].concat()).unwrap();
        Self { stream }
    }

    /// The head of a request, which ends with it or goes on.
    pub(crate) fn head(
        &mut self,
        stream: u8,
        method: &str,
        path: &str,
        more: &[(&str, &str)],
        ends: bool,
    ) {
        let names = [
            (":method", method),
            (":scheme", "http"),
            (":authority", "a.example"),
            (":path", path),
        ];
        let mut fields = Vec::new();
        for (name, value) in names.iter().chain(more) {
            // Literal, not indexed, with a new name (RFC 7541, section 6.2.2).
            fields.push(0);
            for text in [name, value] {
                fields.push(u8::try_from(text.len()).unwrap());
                fields.extend(text.bytes());
            }
        }
        let head = frame(HEADERS, if ends { 5 } else { 4 }, stream, &fields);
        self.stream.write_all(&head).unwrap();
    }

    /// These pieces of a body, at once, of which the last one ends it.
    pub(crate) fn body(&mut self, stream: u8, pieces: &[&[u8]]) {
        let last = pieces.len() - 1;
        let frames: Vec<Vec<u8>> = pieces
            .iter()
            .enumerate()
            .map(|(at, piece)| frame(DATA, u8::from(at == last), stream, piece))
            .collect();
        self.stream.write_all(&frames.concat()).unwrap();
    }

    /// Reads frames until this stream has ended.
    pub(crate) fn answer(&mut self, stream: u8) -> Stream {
        let mut answer = Stream::default();
        loop {
            let mut head = [0; 9];
            if self.stream.read_exact(&mut head).is_err() {
                return Stream { broken: true, ..answer };
            }
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            self.stream.read_exact(&mut payload).unwrap();
            let [_, _, _, kind, flags, _, _, _, of] = head;
            match kind {
                GOAWAY => return Stream { broken: true, ..answer },
                _ if of != stream => continue,
                RESET => return Stream { broken: true, ..answer },
                HEADERS => answer.heads.push(payload),
                DATA => answer.body.extend(payload),
                _ => continue,
            }
            if flags & 1 == 1 {
                return answer;
            }
        }
    }
}
