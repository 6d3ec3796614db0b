//! A client's HTTP/1 connection as the parser behind the door may see it: one request at a time.
//!
//! The door reads and judges a head, then says with [`Wire::begin`] how the body behind it is
//! framed. From then on a reader gets the bytes of that body and no others; the framing of chunks
//! is judged on the way. What comes behind the body is kept for the next head, so that pipelined
//! requests are neither lost nor seen by a parser before they are judged.
//!
//! Invariants: no byte of a badly framed body is handed on after the fault is seen; no byte is lost
//! when a read is cancelled; what is kept is bounded.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Buf, BytesMut};
use http::HeaderMap;
use http::header::DATE;
use pingora::protocols::raw_connect::ProxyDigest;
use pingora::protocols::tls::SslDigest;
use pingora::protocols::{
    ALPN, GetProxyDigest, GetSocketDigest, GetTimingDigest, Peek, Shutdown, SocketDigest, Ssl,
    Stream, TimingDigest, UniqueID, UniqueIDType,
};
use pingora::server::ShutdownWatch;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use super::chunks::Chunks;
use super::rewrite::Rewrite;
use super::strict::{BodyFraming, Refusal};
use super::trailers::Trailers;

/// What is read at once of a head; most fit.
const PIECE: usize = 2048;
/// What is read at once behind a request while its answer is waited for.
const AHEAD: usize = 1024;
/// How long a client that has sent too much is still listened to, so that it can read its answer.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// The framing of a body is broken.
#[derive(Debug, thiserror::Error)]
#[error("the framing of the request body is broken: {}", .0.detail)]
pub(super) struct BadFraming(Refusal);

/// What is wrong with a body, if that is why the client's connection gave no more of it.
pub(super) fn bad_framing(error: &pingora::Error) -> Option<Refusal> {
    let cause = error.root_cause().downcast_ref::<io::Error>()?;
    cause.get_ref()?.downcast_ref::<BadFraming>().map(|bad| bad.0)
}

/// What is still to come of a body.
#[derive(Debug)]
enum Body {
    Done,
    Length(u64),
    Chunked(Chunks),
    Broken(Refusal),
    /// All that comes, which is not HTTP/1.
    Everything,
}

impl Body {
    fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }

    /// How many of these bytes belong to the body.
    fn judge(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        match self {
            Self::Done => Ok(0),
            Self::Broken(refusal) => Err(*refusal),
            Self::Everything => Ok(bytes.len()),
            Self::Length(left) => {
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                if *left == 0 {
                    *self = Self::Done;
                }
                Ok(taken)
            }
            Self::Chunked(chunks) => {
                let judged = chunks.judge(bytes);
                match judged {
                    Ok(_) if chunks.is_done() => *self = Self::Done,
                    Ok(_) => {}
                    Err(refusal) => *self = Self::Broken(refusal),
                }
                judged
            }
        }
    }
}

/// A connection that is no longer spoken HTTP on.
pub(super) struct Stolen {
    /// The connection.
    pub(super) stream: Stream,
    /// What was already read from it.
    pub(super) ahead: BytesMut,
    /// Tells when the process stops.
    pub(super) stop: ShutdownWatch,
}

/// What a wire is made of; nothing is left once it was stolen.
struct Line {
    stream: Option<Stream>,
    ahead: BytesMut,
    body: Body,
    rewrite: Rewrite,
}

/// A client's connection.
pub(super) struct Wire {
    // Only `steal` locks: every other access is exclusive already.
    line: Mutex<Line>,
    stop: ShutdownWatch,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl Wire {
    /// A connection on which nothing was read yet.
    pub(super) fn new(stream: Stream, stop: ShutdownWatch) -> Self {
        let (stream, ahead) = (Some(stream), BytesMut::new());
        let line = Line { stream, ahead, body: Body::Done, rewrite: Rewrite::default() };
        Self { line: Mutex::new(line), stop }
    }

    /// Gets a wire back from whom it was lent to, if the last request was read to its end.
    pub(super) fn back(stream: Stream) -> Option<Box<Self>> {
        let mut wire = stream.into_any().downcast::<Self>().ok()?;
        wire.line().body.is_done().then_some(wire)
    }

    /// Takes the connection out, to speak another protocol on it.
    pub(super) fn steal(stream: &Stream) -> Option<Stolen> {
        // Not `stream.as_any()`, which would ask the box.
        let wire = (**stream).as_any().downcast_ref::<Self>()?;
        let mut line = wire.lock();
        let ahead = std::mem::take(&mut line.ahead);
        let stream = line.stream.take()?;
        Some(Stolen { stream, ahead, stop: wire.stop.clone() })
    }

    /// Has the next final head that is written say when it was given, if it tells.
    pub(super) fn keep_date(stream: Option<&Stream>, head: &HeaderMap) {
        let date = head.get(DATE).cloned();
        if let Some(wire) = stream.and_then(|stream| (**stream).as_any().downcast_ref::<Self>()) {
            wire.lock().rewrite.date = date;
        }
    }

    /// Has the last chunk of the response, which is written next, bring these.
    pub(super) fn trail(stream: Option<&Stream>, trailers: Trailers) {
        if let Some(wire) = stream.and_then(|stream| (**stream).as_any().downcast_ref::<Self>()) {
            wire.lock().rewrite.trailers = Some(trailers);
        }
    }

    /// What was read behind the last request.
    pub(super) fn ahead(&mut self) -> BytesMut {
        std::mem::take(&mut self.line().ahead)
    }

    /// Says what comes next: a body of this framing, which begins in what was read at this offset.
    /// What is there of it is judged at once and left there; what is behind it is kept.
    pub(super) fn begin(
        &mut self,
        framing: BodyFraming,
        read: &mut BytesMut,
        offset: usize,
    ) -> Result<(), Refusal> {
        let mut body = match framing {
            BodyFraming::Length(0) => Body::Done,
            BodyFraming::Length(length) => Body::Length(length),
            BodyFraming::Chunked => Body::Chunked(Chunks::new()),
        };
        let end = offset + body.judge(read.get(offset..).unwrap_or_default())?;
        let line = self.line();
        line.body = body;
        line.rewrite.begin();
        // Not even an empty split: that would cost an allocation.
        if end < read.len() {
            line.ahead = read.split_off(end);
        }
        Ok(())
    }

    /// From here on hands on everything: what was read already, and then what comes.
    pub(super) fn open(&mut self, read: BytesMut) {
        let line = self.line();
        (line.ahead, line.body) = (read, Body::Everything);
    }

    /// Reads bytes of a head.
    pub(super) async fn read_head(&mut self, into: &mut BytesMut) -> io::Result<usize> {
        match &mut self.line().stream {
            Some(stream) => read_piece(stream, |piece| into.extend_from_slice(piece)).await,
            None => Ok(0),
        }
    }

    /// Puts back what was read, for who reads the next head.
    pub(super) fn put_back(&mut self, read: BytesMut) {
        self.line().ahead = read;
    }

    /// Sends these bytes, and closes so that the client can read them.
    pub(super) async fn farewell(mut self: Box<Self>, answer: &[u8]) -> io::Result<()> {
        let Some(mut stream) = self.line().stream.take() else { return Ok(()) };
        let farewell = async {
            stream.write_all(answer).await?;
            stream.flush().await?;
            AsyncWriteExt::shutdown(&mut stream).await?;
            drain(&mut stream).await
        };
        timeout(LINGER, farewell).await.unwrap_or(Err(io::ErrorKind::TimedOut.into()))
    }

    fn line(&mut self) -> &mut Line {
        self.line.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn drain(stream: &mut Stream) -> io::Result<()> {
    while read_piece(stream, |_| ()).await? > 0 {}
    Ok(())
}

/// Reads what is there. A connection that waits for it holds no room for it.
async fn read_piece(stream: &mut Stream, mut take: impl FnMut(&[u8])) -> io::Result<usize> {
    poll_fn(|cx| {
        let mut room = [std::mem::MaybeUninit::uninit(); PIECE];
        let mut piece = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut *stream).poll_read(cx, &mut piece))?;
        take(piece.filled());
        Poll::Ready(Ok(piece.filled().len()))
    })
    .await
}

impl Line {
    /// Reads the next bytes of the body.
    fn poll_body(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(Ok(())) };
        if let Body::Broken(refusal) = self.body {
            return Poll::Ready(Err(broken(refusal)));
        }
        if !self.ahead.is_empty() {
            let most = buf.remaining().min(self.ahead.len());
            let piece = self.ahead.get(..most).unwrap_or_default();
            let taken = self.body.judge(piece).map_err(broken)?;
            buf.put_slice(piece.get(..taken).unwrap_or_default());
            self.ahead.advance(taken);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(stream).poll_read(cx, buf))?;
        let fresh = buf.filled().get(before..).unwrap_or_default();
        let judged = self.body.judge(fresh);
        if let Ok(taken) = judged {
            self.ahead.extend_from_slice(fresh.get(taken..).unwrap_or_default());
        }
        buf.set_filled(before + judged.unwrap_or(0));
        Poll::Ready(judged.map(|_| ()).map_err(broken))
    }

    /// Writes what was put right and is left.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(Ok(())) };
        self.rewrite.poll_out(cx, stream)
    }

    /// Behind the body: notices that the client leaves, and keeps what belongs to its next request.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(Ok(())) };
        if !self.ahead.is_empty() {
            return Poll::Pending;
        }
        let mut scratch = [0; AHEAD];
        let mut scratch = ReadBuf::new(&mut scratch);
        ready!(Pin::new(stream).poll_read(cx, &mut scratch))?;
        if scratch.filled().is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.ahead.extend_from_slice(scratch.filled());
        // It is still there, and has nothing to say about this request: nobody needs to be woken.
        Poll::Pending
    }
}

fn broken(refusal: Refusal) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, BadFraming(refusal))
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let line = self.line();
        if line.body.is_done() { line.poll_end(cx) } else { line.poll_body(cx, buf) }
    }
}

fn stolen<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let line = self.line();
        ready!(line.poll_out(cx))?;
        if line.rewrite.take(buf) {
            // What does not fit now goes before what comes next.
            let begun = line.poll_out(cx).map_ok(|()| buf.len());
            return if begun.is_pending() { Poll::Ready(Ok(buf.len())) } else { begun };
        }
        match &mut line.stream {
            Some(stream) => Pin::new(stream).poll_write(cx, buf),
            None => stolen(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let line = self.line();
        ready!(line.poll_out(cx))?;
        match &mut line.stream {
            Some(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            None => stolen(),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.lock().stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let line = self.line();
        ready!(line.poll_out(cx))?;
        match &mut line.stream {
            Some(stream) => Pin::new(stream).poll_flush(cx),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let line = self.line();
        ready!(line.poll_out(cx))?;
        match &mut line.stream {
            Some(stream) => Pin::new(stream).poll_shutdown(cx),
            None => Poll::Ready(Ok(())),
        }
    }
}

#[async_trait]
impl Shutdown for Wire {
    /// Closes. A client that is still sending is listened to a little longer: closing in its face
    /// would take the answer from it.
    async fn shutdown(&mut self) {
        let line = self.line();
        let Some(stream) = &mut line.stream else { return };
        let rest = line.rewrite.rest();
        if !rest.is_empty() && !matches!(timeout(LINGER, stream.write_all(rest)).await, Ok(Ok(())))
        {
            tracing::debug!("a client did not take its answer");
        }
        Shutdown::shutdown(&mut **stream).await;
        if !line.body.is_done() && timeout(LINGER, drain(stream)).await.is_err() {
            tracing::debug!("a client went on sending behind its answer");
        }
    }
}

impl UniqueID for Wire {
    fn id(&self) -> UniqueIDType {
        self.lock().stream.as_ref().map_or(-1, |stream| stream.id())
    }
}

impl Ssl for Wire {
    fn get_ssl_digest(&self) -> Option<Arc<SslDigest>> {
        self.lock().stream.as_ref()?.get_ssl_digest()
    }

    fn selected_alpn_proto(&self) -> Option<ALPN> {
        self.lock().stream.as_ref()?.selected_alpn_proto()
    }
}

impl GetTimingDigest for Wire {
    fn get_timing_digest(&self) -> Vec<Option<TimingDigest>> {
        self.lock().stream.as_ref().map(|stream| stream.get_timing_digest()).unwrap_or_default()
    }
}

impl GetProxyDigest for Wire {
    fn get_proxy_digest(&self) -> Option<Arc<ProxyDigest>> {
        self.lock().stream.as_ref()?.get_proxy_digest()
    }
}

impl GetSocketDigest for Wire {
    fn get_socket_digest(&self) -> Option<Arc<SocketDigest>> {
        self.lock().stream.as_ref()?.get_socket_digest()
    }
}

#[async_trait]
impl Peek for Wire {
    /// Shows what was read ahead.
    async fn try_peek(&mut self, buf: &mut [u8]) -> io::Result<bool> {
        let Some(ahead) = self.line().ahead.get(..buf.len()) else { return Ok(false) };
        buf.copy_from_slice(ahead);
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
