//! A client that sends exactly the bytes that it is told to.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// What came back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    /// The status code; 0 if the connection closed without an answer.
    pub(crate) status: u16,
    /// Header fields, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, decoded from chunks.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header field.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The last part of the problem's type.
    pub(crate) fn problem(&self) -> Option<String> {
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        body["type"].as_str()?.rsplit([':', '/']).next().map(ToOwned::to_owned)
    }
}

/// Sends `bytes` on a new connection and reads one answer.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> Answer {
    let Ok(mut stream) = TcpStream::connect(address) else { return Answer::default() };
    exchange_on(&mut stream, bytes)
}

/// Sends `bytes` on a connection that stays open and reads one answer.
pub(crate) fn exchange_on(stream: &mut TcpStream, bytes: &[u8]) -> Answer {
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    if stream.write_all(bytes).is_err() {
        stream.shutdown(Shutdown::Write).ok();
    }
    read_answer(stream)
}

/// Reads one final answer; interim ones are skipped.
pub(crate) fn read_answer(stream: &mut TcpStream) -> Answer {
    loop {
        let answer = read_one(stream);
        if !(100..200).contains(&answer.status) || answer.status == 101 {
            return answer;
        }
    }
}

fn read_one(stream: &mut TcpStream) -> Answer {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return Answer::default(),
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let mut lines = text.trim_end().split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).unwrap_or(0);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: Vec::new() };
    if (100..200).contains(&status) || matches!(status, 204 | 304) {
        return answer;
    }
    if let Some(length) = answer.header("content-length").and_then(|l| l.parse::<usize>().ok()) {
        let mut body = vec![0; length];
        let mut filled = 0;
        // A read into no room at all would wait for the next byte.
        while filled < length
            && let Ok(n @ 1..) = stream.read(&mut body[filled..])
        {
            filled += n;
        }
        body.truncate(filled);
        answer.body = body;
    } else if answer.header("transfer-encoding").is_some() {
        answer.body = read_chunks(stream);
    } else {
        stream.read_to_end(&mut answer.body).ok();
    }
    answer
}

fn read_chunks(stream: &mut TcpStream) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let mut line = Vec::new();
        let mut byte = [0];
        while !line.ends_with(b"\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => line.push(byte[0]),
                _ => return body,
            }
        }
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        let Ok(size) = usize::from_str_radix(&text, 16) else { return body };
        let mut chunk = vec![0; size + 2];
        if stream.read_exact(&mut chunk).is_err() || size == 0 {
            return body;
        }
        chunk.truncate(size);
        body.extend(chunk);
    }
}
