//! Connections of the reading listener: so many at one time, and none that stands still for long.
//!
//! What reads is a guest in the process that audits: its connections must not use up the descriptors
//! that the proxy needs. Nor may those that ask nothing keep others out: where all seats are taken, the connection
//! that has waited longest makes room for the next.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::origin::Origin;

/// Connections at one time; others wait to be accepted.
pub(super) const CONNECTIONS: usize = 512;
/// How long nothing may be read or written. A live tail has a heartbeat more often than that, and an
/// export gives up earlier.
const IDLE: Duration = Duration::from_secs(90);

/// How long after it was found that all seats are taken by those who are being served it is looked again.
const AGAIN: Duration = Duration::from_millis(50);

/// Accepts connections.
pub(super) struct Few {
    listener: TcpListener,
    free: Arc<Semaphore>,
    /// As many as there are connections.
    seats: Vec<Weak<Seat>>,
}

/// What is known of a connection.
struct Seat {
    /// Requests of it that are being answered.
    serving: AtomicUsize,
    /// Since when it waits, if it does.
    since: Mutex<Instant>,
    is_wanted: AtomicBool,
    /// Its task.
    waker: Mutex<Option<Waker>>,
}

/// A request that is being answered, to the end of the answer.
pub(super) struct Serving(Arc<Seat>);

impl Seat {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            serving: AtomicUsize::new(0),
            since: Mutex::new(Instant::now()),
            is_wanted: AtomicBool::new(false),
            waker: Mutex::new(None),
        })
    }

    fn waits_since(&self) -> Option<Instant> {
        let waits = self.serving.load(Ordering::Relaxed) == 0;
        (waits && !self.is_wanted.load(Ordering::Relaxed)).then(|| *lock(&self.since))
    }

    fn want(&self) {
        self.is_wanted.store(true, Ordering::Relaxed);
        if let Some(waker) = lock(&self.waker).take() {
            waker.wake();
        }
    }
}

impl Serving {
    fn begin(seat: &Arc<Seat>) -> Self {
        seat.serving.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(seat))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        *lock(&self.0.since) = Instant::now();
        self.0.serving.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Few {
    pub(super) fn new(listener: TcpListener, connections: usize) -> Self {
        Self { listener, free: Arc::new(Semaphore::new(connections)), seats: Vec::new() }
    }

    /// A free seat, that of somebody who only waits if need be.
    async fn permit(&mut self) -> Option<OwnedSemaphorePermit> {
        loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                return Some(permit);
            }
            self.seats.retain(|seat| seat.strong_count() > 0);
            let seats = self.seats.iter().filter_map(Weak::upgrade);
            let waiting = seats.filter_map(|seat| Some((seat.waits_since()?, seat)));
            if let Some((_, longest)) = waiting.min_by_key(|(since, _)| *since) {
                longest.want();
            }
            let free = Arc::clone(&self.free).acquire_owned();
            // The semaphore is never closed.
            if let Ok(permit) = timeout(AGAIN, free).await {
                return permit.ok();
            }
        }
    }
}

impl Listener for Few {
    type Io = Guest;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guest, SocketAddr) {
        // Nobody has to go before somebody else is there.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let permit = self.permit().await;
        let seat = Seat::new();
        self.seats.push(Arc::downgrade(&seat));
        (Guest { stream, idle: Box::pin(sleep(IDLE)), seat, _permit: permit }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends when nothing happens on it.
pub(super) struct Guest {
    stream: TcpStream,
    idle: Pin<Box<Sleep>>,
    seat: Arc<Seat>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Guest {
    /// What became of an attempt: something happened, or for too long nothing.
    fn heard<T>(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        *lock(&self.seat.waker) = Some(cx.waker().clone());
        if self.seat.is_wanted.load(Ordering::Relaxed)
            && self.seat.serving.load(Ordering::Relaxed) == 0
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        if result.is_ready() {
            self.idle.as_mut().reset(Instant::now() + IDLE);
            return result;
        }
        ready!(self.idle.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Guest {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        self.heard(cx, result)
    }
}

impl AsyncWrite for Guest {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.heard(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.heard(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Where a connection comes from, and where it sits.
#[derive(Clone)]
pub(super) struct Peer(SocketAddr, Arc<Seat>);

impl Connected<IncomingStream<'_, Few>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Few>) -> Self {
        Self(*stream.remote_addr(), Arc::clone(&stream.io().seat))
    }
}

/// Tells which proxies may say whose request it is, by the configuration in force.
pub type Trusted = Arc<dyn Fn() -> Vec<IpNet> + Send + Sync>;

/// Tells handlers where a request comes from; and that the connection does not wait, until the whole answer is
/// written.
pub(super) async fn served(
    State(trusted): State<Trusted>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(ConnectInfo(Peer(address, seat))) = request.extensions_mut().remove() else {
        return next.run(request).await;
    };
    let serving = Serving::begin(&seat);
    let origin = Origin::new(request.headers(), address, &trusted());
    request.extensions_mut().insert(origin);
    let response = next.run(request).await;
    response.map(|body| Body::new(Served { body, _serving: serving }))
}

/// The body of an answer: until it is written, its connection does not wait.
struct Served {
    body: Body,
    _serving: Serving,
}

impl HttpBody for Served {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::task::JoinHandle;

    use super::*;

    async fn clients(few: &Few, count: usize) -> Vec<TcpStream> {
        let address = few.local_addr().unwrap();
        let mut clients = Vec::new();
        for _ in 0..count {
            clients.push(TcpStream::connect(address).await.unwrap());
        }
        clients
    }

    async fn few(connections: usize) -> Few {
        Few::new(TcpListener::bind("127.0.0.1:0").await.unwrap(), connections)
    }

    /// Reads to the end, and tells whether the connection was ended here.
    fn reading(mut guest: Guest) -> JoinHandle<bool> {
        tokio::spawn(async move {
            let read = guest.read_u8().await;
            read.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut)
        })
    }

    #[tokio::test]
    async fn so_many_at_one_time_and_no_more() {
        let mut few = few(1).await;
        let _clients = clients(&few, 3).await;
        let (first, _) = few.accept().await;
        let serving = Serving::begin(&first.seat);
        assert!(timeout(2 * AGAIN, few.accept()).await.is_err());
        drop((serving, first));
        few.accept().await;
    }

    #[tokio::test]
    async fn who_waits_longest_makes_room_and_who_is_served_does_not() {
        let mut few = few(2).await;
        let _clients = clients(&few, 4).await;
        let (first, _) = few.accept().await;
        let serving = Serving::begin(&first.seat);
        let first = reading(first);
        let (second, _) = few.accept().await;
        let second = reading(second);
        let (third, _) = few.accept().await;
        assert!(second.await.unwrap());
        assert!(!first.is_finished());
        let _served = Serving::begin(&third.seat);
        drop(serving);
        few.accept().await;
        assert!(first.await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_on_which_nothing_happens_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut few = Few::new(listener, 1);
        let address = few.local_addr().unwrap();
        let _client = TcpStream::connect(address).await.unwrap();
        let (mut guest, _) = few.accept().await;
        let error = guest.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
