//! An HTTP/2 connection, which Pingora serves; here it is known whether any request is in progress on
//! it, so that one on which there is none makes room for others.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora::apps::{HttpServerApp, HttpServerOptions, ReusedHttpStream, ServerApp};
use pingora::protocols::Stream;
use pingora::protocols::http::ServerSession;
use pingora::protocols::http::v2::server::H2Options;
use pingora::proxy::HttpProxy;
use pingora::server::ShutdownWatch;
use tokio::sync::watch;
use tokio::time::timeout;

use super::gate::Gate;
use super::places::Place;

/// One connection.
struct Streams {
    proxy: Arc<HttpProxy<Gate>>,
    /// Requests in progress.
    open: watch::Sender<usize>,
}

/// One request in progress.
struct Open<'a>(&'a watch::Sender<usize>);

impl<'a> Open<'a> {
    fn on(streams: &'a Streams) -> Self {
        streams.open.send_modify(|open| *open += 1);
        Self(&streams.open)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}

#[async_trait]
impl HttpServerApp for Streams {
    async fn process_new_http(
        self: &Arc<Self>,
        session: ServerSession,
        shutdown: &ShutdownWatch,
    ) -> Option<ReusedHttpStream> {
        let _open = Open::on(self);
        self.proxy.process_new_http(session, shutdown).await
    }

    fn h2_options(&self) -> Option<H2Options> {
        self.proxy.h2_options()
    }

    fn server_options(&self) -> Option<&HttpServerOptions> {
        self.proxy.server_options()
    }
}

/// Serves a connection until it ends, or its place is wanted while nothing is in progress on it, nor
/// was for so long.
pub(super) async fn serve(
    proxy: &Arc<HttpProxy<Gate>>,
    stream: Stream,
    place: &Place,
    kept: Duration,
    shutdown: &ShutdownWatch,
) {
    let (open, mut seen) = watch::channel(0_usize);
    let streams = Arc::new(Streams { proxy: Arc::clone(proxy), open });
    let unwanted = async {
        while seen.wait_for(|open| *open == 0).await.is_ok() {
            let asks = async { seen.wait_for(|open| *open > 0).await.is_ok() };
            if timeout(kept, asks).await.is_ok() {
                continue;
            }
            let asks = pin!(async { seen.wait_for(|open| *open > 0).await.is_ok() });
            if place.wait(asks).await.is_none() {
                return;
            }
        }
    };
    tokio::select! {
        _ = ServerApp::process_new(&streams, stream, shutdown) => {}
        () = unwanted => {}
    }
}
