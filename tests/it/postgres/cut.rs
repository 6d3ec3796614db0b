//! A connection that breaks at a chosen moment: what stands between a proxy and its database.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// When a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loses {
    /// What holds the mark does not reach the server.
    Request,
    /// The server has it, and its answer does not come back.
    Answer,
    /// The same of the commit that comes after it.
    CommitAnswer,
}

/// A mark in what a client says, and what is then lost; once.
type Plan = Arc<Mutex<Option<(Vec<u8>, Loses)>>>;

/// What stands between.
pub(super) struct Cut {
    /// Where it listens.
    pub(super) port: u16,
    plan: Plan,
}

impl Cut {
    /// Passes everything on to a server on loopback, until told otherwise.
    pub(super) fn before(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let own = listener.local_addr().unwrap().port();
        let plan = Plan::default();
        let shared = Arc::clone(&plan);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let server = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                let Ok(server) = TcpStream::connect(server) else { continue };
                let plan = Arc::clone(&shared);
                thread::spawn(move || pass(client, server, &plan));
            }
        });
        Self { port: own, plan }
    }

    /// Breaks the connection on which `mark` is sent next.
    pub(super) fn at(&self, mark: &str, loses: Loses) {
        *self.plan.lock().unwrap() = Some((mark.as_bytes().to_vec(), loses));
    }

    /// Whether what was planned has happened.
    pub(super) fn is_done(&self) -> bool {
        self.plan.lock().unwrap().is_none()
    }
}

fn has(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|window| window == mark)
}

fn pass(mut client: TcpStream, mut server: TcpStream, plan: &Plan) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut to_client, mut from_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    // Held while the answer that is to be lost has not been awaited.
    let mute = Arc::new(Mutex::new(false));
    let muted = Arc::clone(&mute);
    let answers = thread::spawn(move || {
        let mut buffer = [0; 65536];
        while let Ok(count @ 1..) = from_server.read(&mut buffer) {
            if *muted.lock().unwrap() || to_client.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        to_client.shutdown(Shutdown::Both).ok();
        from_server.shutdown(Shutdown::Both).ok();
    });
    let mut seen = Vec::new();
    let mut awaits_commit = false;
    let mut buffer = [0; 65536];
    while let Ok(count @ 1..) = client.read(&mut buffer) {
        let chunk = &buffer[..count];
        seen.extend_from_slice(chunk);
        let mut planned = plan.lock().unwrap();
        let loses = match &*planned {
            Some((mark, loses)) if has(&seen, mark) => Some(*loses),
            _ => None,
        };
        let keep = seen.len().saturating_sub(256);
        seen.drain(..keep);
        match loses {
            Some(Loses::Request) => {
                *planned = None;
                break;
            }
            Some(Loses::Answer) => {
                *planned = None;
                *mute.lock().unwrap() = true;
            }
            Some(Loses::CommitAnswer) => awaits_commit = true,
            None => {}
        }
        if awaits_commit && has(chunk, b"COMMIT") {
            *planned = None;
            *mute.lock().unwrap() = true;
        }
        drop(planned);
        if server.write_all(chunk).is_err() {
            break;
        }
        if *mute.lock().unwrap() {
            // Its first answer ends both.
            answers.join().ok();
            return;
        }
    }
    server.shutdown(Shutdown::Both).ok();
    client.shutdown(Shutdown::Both).ok();
    answers.join().ok();
}
