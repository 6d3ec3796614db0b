//! Bodies that come in pieces: the event stream, and streamed answers of the gateway.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use http_body_util::channel::Channel;

use super::access::Caller;

/// Pieces that may wait for a slow client.
const WAITING: usize = 4;

/// Ticks before the event stream ends and the browser connects anew.
const TICKS: usize = 40;

/// `GET /api/v1/events`: a tick at once, then four a second.
pub(super) async fn stream(_: Caller) -> Response {
    let pieces = (1..=TICKS).map(|tick| format!("event: tick\nid: {tick}\ndata: {tick}\n\n"));
    server_sent(pieces, Duration::from_millis(250))
}

/// A response of server-sent events with a pause after each. It ends early when the client goes.
pub(super) fn server_sent(
    pieces: impl Iterator<Item = String> + Send + 'static,
    pause: Duration,
) -> Response {
    let (mut sender, body) = Channel::<Bytes, Infallible>::new(WAITING);
    tokio::spawn(async move {
        for piece in pieces {
            if sender.send_data(Bytes::from(piece)).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    });
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::new(body)).into_response()
}
