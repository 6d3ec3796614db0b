//! A connection to an upstream that listens while it is written to, and that sends short requests in one
//! piece.
//!
//! An upstream may answer a long upload before it has read it all, and read no further. Whoever only
//! writes would learn that when the write times out. So a write that the upstream does not take looks
//! for an answer, and fails at once when a whole head is there; reading then gives that head.
//!
//! The head of a short request waits for its body: sent one after the other, they would wake the
//! upstream twice.
//!
//! The trailers of what the upstream answers are kept.
//!
//! Invariant: what is heard is bounded, and nothing of it is lost.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use bytes::{Buf, BytesMut};
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::SslDigest;
use pingora::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    Stream, TimingDigest, UniqueID, UniqueIDType,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::trailers::{Tail, Trailers};

/// An answer's head, and what came with it; a longer head is left to whoever reads it.
const HEARD: usize = 64 * 1024;
/// What is read at once.
const PIECE: usize = 4096;

/// The connection.
pub(super) struct Listening {
    stream: Stream,
    heard: BytesMut,
    // Locked to begin and to end only: every other access is exclusive already.
    gathering: Mutex<Gathering>,
    tail: Mutex<Tail>,
}

/// How far a request is that is sent in one piece.
#[derive(Default)]
enum Gathering {
    /// There is none, or it is sent.
    #[default]
    Done,
    /// Its head comes, whose end is a flush.
    Head(BytesMut),
    /// Its body comes, whose end is a flush as well.
    Body(BytesMut),
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").finish_non_exhaustive()
    }
}

impl Listening {
    /// The same connection, listening.
    pub(super) fn on(stream: Stream) -> Stream {
        let (gathering, tail) = (Mutex::default(), Mutex::default());
        Box::new(Self { stream, heard: BytesMut::new(), gathering, tail })
    }

    /// This connection, if it listens.
    fn of(stream: &Stream) -> Option<&Self> {
        // Not `stream.as_any()`, which would ask the box.
        (**stream).as_any().downcast_ref()
    }

    /// Whether this connection listens already.
    pub(super) fn is(stream: &Stream) -> bool {
        Self::of(stream).is_some()
    }

    /// Says that an answer comes next, which may have a body or not.
    pub(super) fn expect(stream: &Stream, may_have_body: bool) {
        if let Some(it) = Self::of(stream) {
            it.tail.lock().unwrap_or_else(PoisonError::into_inner).begin(may_have_body);
        }
    }

    /// The trailers of an answer that was read to its end.
    pub(super) fn trailers(stream: &Stream) -> Option<Trailers> {
        Self::of(stream)?.tail.lock().unwrap_or_else(PoisonError::into_inner).trailers()
    }

    /// Has the next request, of about so many bytes, sent at the end of its body.
    pub(super) fn gather(stream: &Stream, bytes: usize) {
        if let Some(it) = Self::of(stream) {
            let gathering = Gathering::Head(BytesMut::with_capacity(bytes));
            *it.gathering.lock().unwrap_or_else(PoisonError::into_inner) = gathering;
        }
    }

    fn gathering_mut(&mut self) -> &mut Gathering {
        self.gathering.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what was gathered.
    fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, gathering, .. } = self;
        let gathering = gathering.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Gathering::Head(gathered) | Gathering::Body(gathered) = gathering {
            while !gathered.is_empty() {
                let sent = ready!(Pin::new(&mut *stream).poll_write(cx, gathered))?;
                if sent == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                gathered.advance(sent);
            }
        }
        *gathering = Gathering::Done;
        Poll::Ready(Ok(()))
    }

    /// Reads what is there; ready once there is an answer, or there never will be.
    fn poll_answer(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let mut scratch = [0; PIECE];
        while !answered(&self.heard) {
            if self.heard.len() >= HEARD {
                return Poll::Ready(io::ErrorKind::InvalidData.into());
            }
            let mut piece = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut piece)) {
                Ok(()) if piece.filled().is_empty() => {
                    return Poll::Ready(io::ErrorKind::ConnectionAborted.into());
                }
                Ok(()) => self.heard.extend_from_slice(piece.filled()),
                Err(error) => return Poll::Ready(error),
            }
        }
        Poll::Ready(io::Error::other("the upstream has answered already"))
    }
}

/// Whether these bytes begin with a whole head of a final response, interim ones aside.
fn answered(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(end) = rest.windows(4).position(|window| window == b"\r\n\r\n") {
        let interim = rest.iter().skip_while(|byte| **byte != b' ').nth(1) == Some(&b'1');
        if !interim {
            return true;
        }
        rest = rest.get(end + 4..).unwrap_or_default();
    }
    false
}

impl AsyncRead for Listening {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if self.heard.is_empty() {
            ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        } else {
            let taken = buf.remaining().min(self.heard.len());
            buf.put_slice(self.heard.get(..taken).unwrap_or_default());
            self.heard.advance(taken);
        }
        let tail = self.tail.get_mut().unwrap_or_else(PoisonError::into_inner);
        tail.see(buf.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Listening {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Gathering::Head(gathered) | Gathering::Body(gathered) = self.gathering_mut() {
            gathered.extend_from_slice(buf);
            return Poll::Ready(Ok(buf.len()));
        }
        match Pin::new(&mut self.stream).poll_write(cx, buf) {
            Poll::Pending => self.poll_answer(cx).map(Err),
            written => written,
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if !matches!(self.gathering_mut(), Gathering::Done) {
            let first = bufs.iter().find(|buf| !buf.is_empty());
            return self.poll_write(cx, first.map_or(&[], |buf| buf));
        }
        match Pin::new(&mut self.stream).poll_write_vectored(cx, bufs) {
            Poll::Pending => self.poll_answer(cx).map(Err),
            written => written,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Gathering::Head(gathered) = self.gathering_mut() {
            let gathered = std::mem::take(gathered);
            *self.gathering_mut() = Gathering::Body(gathered);
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_sent(cx))?;
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Pending => self.poll_answer(cx).map(Err),
            flushed => flushed,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[async_trait]
impl Shutdown for Listening {
    async fn shutdown(&mut self) {
        Shutdown::shutdown(&mut *self.stream).await;
    }
}

impl UniqueID for Listening {
    fn id(&self) -> UniqueIDType {
        self.stream.id()
    }
}

impl Ssl for Listening {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.stream.get_ssl_digest()
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.stream.selected_alpn_proto()
    }
}

impl GetTimingDigest for Listening {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.stream.get_timing_digest()
    }
}

impl GetProxyDigest for Listening {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.stream.get_proxy_digest()
    }
}

impl GetSocketDigest for Listening {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.stream.get_socket_digest()
    }
}

impl Peek for Listening {}

#[cfg(test)]
mod tests;
