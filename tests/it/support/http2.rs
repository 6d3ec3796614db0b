//! An upstream that speaks HTTP/2 without TLS, and records what it is sent. `TlsFront` before it
//! adds TLS.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;

use bytes::Bytes;
use h2::server::SendResponse;
use http::{HeaderMap, Method, Request, Response, Uri};
use tokio::net::{TcpListener, TcpStream};

/// A request as it arrived, whole.
#[derive(Debug, Clone)]
pub(crate) struct Http2Seen {
    /// The method.
    pub(crate) method: Method,
    /// Scheme, authority, path and query.
    pub(crate) uri: Uri,
    /// Header fields.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// What the upstream answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Http2Reply {
    /// The status; with 0 the stream is reset instead of answered.
    pub(crate) status: u16,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Trailers behind it.
    pub(crate) trailers: HeaderMap,
}

type Handler = dyn Fn(&Http2Seen) -> Http2Reply + Send + Sync;

/// The upstream.
pub(crate) struct Http2Upstream {
    /// Its address.
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Http2Seen>>>,
    connections: Arc<Mutex<usize>>,
}

impl Http2Upstream {
    /// Starts one that answers with `handler`. After `requests` on one connection, it says that the
    /// connection takes no more.
    pub(crate) fn start(
        requests: usize,
        handler: impl Fn(&Http2Seen) -> Http2Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let (record, count) = (Arc::clone(&seen), Arc::clone(&connections));
        let handler: Arc<Handler> = Arc::new(handler);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        thread::spawn(move || {
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    *count.lock().unwrap() += 1;
                    let (record, handler) = (Arc::clone(&record), Arc::clone(&handler));
                    tokio::spawn(serve(stream, requests, record, handler));
                }
            });
        });
        Self { address, seen, connections }
    }

    /// The requests that arrived whole so far.
    pub(crate) fn seen(&self) -> Vec<Http2Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Connections that were made so far.
    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

async fn serve(
    stream: TcpStream,
    requests: usize,
    record: Arc<Mutex<Vec<Http2Seen>>>,
    handler: Arc<Handler>,
) {
    stream.set_nodelay(true).ok();
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut taken = 0;
    while let Some(Ok((request, answer))) = connection.accept().await {
        taken += 1;
        if taken == requests {
            connection.graceful_shutdown();
        }
        let (record, handler) = (Arc::clone(&record), Arc::clone(&handler));
        tokio::spawn(async move {
            exchange(request, answer, &record, &*handler).await;
        });
    }
}

async fn exchange(
    request: Request<h2::RecvStream>,
    mut answer: SendResponse<Bytes>,
    record: &Mutex<Vec<Http2Seen>>,
    handler: &Handler,
) -> Option<()> {
    let (head, mut stream) = request.into_parts();
    let mut body = Vec::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk.ok()?;
        stream.flow_control().release_capacity(chunk.len()).ok()?;
        body.extend_from_slice(&chunk);
    }
    let seen = Http2Seen { method: head.method, uri: head.uri, headers: head.headers, body };
    record.lock().unwrap().push(seen.clone());
    let reply = handler(&seen);
    if reply.status == 0 {
        answer.send_reset(h2::Reason::INTERNAL_ERROR);
        return None;
    }
    let head = Response::builder().status(reply.status).body(()).unwrap();
    let (bare, last) = (reply.body.is_empty(), reply.trailers.is_empty());
    let mut out = answer.send_response(head, bare && last).ok()?;
    if !bare {
        // What exceeds the window waits in the stream's buffer.
        out.send_data(Bytes::from(reply.body), last).ok()?;
    }
    if !last {
        out.send_trailers(reply.trailers).ok()?;
    }
    Some(())
}

/// An answer to a request over HTTP/2.
#[derive(Debug)]
pub(crate) struct Http2Answer {
    /// The status.
    pub(crate) status: u16,
    /// Header fields.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Trailers, if there were any.
    pub(crate) trailers: Option<HeaderMap>,
}

/// Sends one request over a new connection and reads the answer with its trailers.
pub(crate) fn http2_exchange(address: SocketAddr, request: Request<Vec<u8>>) -> Http2Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        let stream = TcpStream::connect(address).await.unwrap();
        let (client, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let (head, body) = request.into_parts();
        let mut client = client.ready().await.unwrap();
        let (response, mut out) =
            client.send_request(Request::from_parts(head, ()), body.is_empty()).unwrap();
        if !body.is_empty() {
            out.send_data(Bytes::from(body), true).unwrap();
        }
        let (head, mut stream) = response.await.unwrap().into_parts();
        let mut body = Vec::new();
        while let Some(chunk) = stream.data().await {
            let chunk = chunk.unwrap();
            stream.flow_control().release_capacity(chunk.len()).unwrap();
            body.extend_from_slice(&chunk);
        }
        let trailers = stream.trailers().await.unwrap();
        Http2Answer { status: head.status.as_u16(), headers: head.headers, body, trailers }
    })
}
