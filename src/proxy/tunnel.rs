//! An upgraded connection: bytes both ways, until both sides have ended, nothing moves for too long,
//! or the process stops.
//!
//! Pingora's own tunnel ends at once if the 101 is read before the end of the (empty) request body,
//! which come by two ways and race; so the bytes are carried here. It must not know what they mean.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pingora::protocols::Stream;
use pingora::server::ShutdownWatch;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::{Instant, sleep};

/// What is read at once; each tunnel has two.
const BUFFER: usize = 8 * 1024;

/// One side of a tunnel.
pub(super) struct Side {
    /// Its connection.
    pub(super) stream: Stream,
    /// What it has already sent.
    pub(super) first: Vec<u8>,
}

/// How a tunnel ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Both sides have said all.
    Closed,
    /// One side broke off.
    Broken,
    /// Nothing moved for too long.
    Idle,
    /// The process stops.
    Stopping,
}

/// Carries bytes until the tunnel ends. A side that has ended may still be spoken to.
pub(super) async fn carry(
    client: Side,
    upstream: Side,
    idle: Duration,
    mut stop: ShutdownWatch,
) -> End {
    let (client_read, client_write) = split(client.stream);
    let (upstream_read, upstream_write) = split(upstream.stream);
    let moved = Moved::now();
    let up = pump(client.first, client_read, upstream_write, &moved);
    let down = pump(upstream.first, upstream_read, client_write, &moved);
    tokio::select! {
        ended = async { tokio::try_join!(up, down) } => {
            if ended.is_ok() { End::Closed } else { End::Broken }
        }
        () = moved.quiet(idle) => End::Idle,
        _ = stop.wait_for(|stopping| *stopping) => End::Stopping,
    }
}

async fn pump(
    first: Vec<u8>,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    moved: &Moved,
) -> io::Result<()> {
    let mut buffer = first;
    let mut filled = buffer.len();
    buffer.resize(filled.max(BUFFER), 0);
    loop {
        if filled > 0 {
            to.write_all(buffer.get(..filled).unwrap_or_default()).await?;
            to.flush().await?;
            moved.touch();
        }
        filled = from.read(&mut buffer).await?;
        if filled == 0 {
            return to.shutdown().await;
        }
        moved.touch();
    }
}

/// When something moved last.
struct Moved {
    began: Instant,
    last: AtomicU64,
}

impl Moved {
    fn now() -> Self {
        Self { began: Instant::now(), last: AtomicU64::new(0) }
    }

    fn touch(&self) {
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(since, Ordering::Relaxed);
    }

    /// Waits until nothing has moved for `limit`.
    async fn quiet(&self, limit: Duration) {
        loop {
            let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
            let quiet = self.began.elapsed().saturating_sub(last);
            if quiet >= limit {
                return;
            }
            sleep(limit.saturating_sub(quiet)).await;
        }
    }
}

#[cfg(test)]
mod tests;
