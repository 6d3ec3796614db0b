//! The live tail: events as they end, by server-sent events.
//!
//! The id of a message is the event's, so that it tells nothing of events that the reader may not
//! see, and the name of the index in whose order the event came: in another one, or in one that was
//! built again, nobody can say what came after it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::State;
use axum::http::{Extensions, HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use hyper::body::Frame;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use super::asked::{Allowed, Asked, Who};
use super::log::{Log, Session};
use super::origin::Origin;
use super::problem::Problem;
use super::shown::{Shown, Used};
use crate::access::Reader;
use crate::index::{Place, Row, Search, View};
use crate::query::Summary;
use crate::record::EventId;

const TAIL: Allowed = Allowed { own: &[], page: false, strict: false };
const LAST_EVENT_ID: &str = "last-event-id";
/// How often is looked for more.
const LOOK: Duration = Duration::from_millis(250);
/// Without events, a sign of life this often; then the token or session is looked at as well.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events in one piece.
const PAGE: u32 = 200;
/// Pieces that may wait for the client.
const PIECES: usize = 2;
/// How long a client may take to accept a piece.
const PATIENCE: Duration = Duration::from_secs(30);

/// An event, and no comment, so that scripts of a page hear it: without one, the connection is dead.
const ALIVE: &str = "event: heartbeat\ndata: {}\n\n";

/// The place named is not known: what came since may have been missed.
const RESET: &str = "event: reset\ndata: {}\n\n";

pub(super) async fn tail(
    State(log): State<Arc<Log>>,
    who: Who,
    headers: HeaderMap,
    extensions: Extensions,
    uri: Uri,
) -> Result<Response, Problem> {
    let asked = Asked::of(&uri, &who, TAIL, log.clock.now())?;
    let shown = Shown::of(&headers, &log.ways, Origin::of(&extensions).peer);
    let mut session = log.tail(&who.0).await?;
    let latest = session.index.latest().await?;
    let mut first = opening(&asked.warnings);
    let last = headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or_default());
    let place = match last {
        None => latest,
        Some(last) => match resume(&mut session, &asked.search.view, last).await? {
            Some(place) => place,
            None => {
                first.push_str(RESET);
                latest
            }
        },
    };
    let (sender, body) = Channel::<Bytes, Infallible>::new(PIECES);
    let (connected, left) = oneshot::channel();
    let body = Watched { body, _connected: connected };
    let tail = Tail { log, session, search: asked.search, place, sender, reader: who.0, shown };
    tokio::spawn(tail.run(first, left));
    let headers = [(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")];
    Ok((headers, Body::new(body)).into_response())
}

/// How a tail begins: with what should be known of the question, for people and for programs.
fn opening(warnings: &[String]) -> String {
    let mut text = String::from(": ok\n");
    for warning in warnings {
        // What was asked is quoted in it, and must not end the line.
        let line = warning.replace(char::is_control, " ");
        text.push_str(&format!(": {line}\n"));
    }
    text.push('\n');
    if !warnings.is_empty() {
        text.push_str(&format!("event: warning\ndata: {}\n\n", json!(warnings)));
    }
    text
}

/// `EVENT.INDEX`, or `EVENT.ACT.INDEX`.
fn id_of(row: &Row, place: &Place) -> String {
    match row.act {
        0 => format!("{}.{}", row.id, place.index()),
        act => format!("{}.{act}.{}", row.id, place.index()),
    }
}

/// Behind the event of that id, if it came from this index, is there and may be seen.
async fn resume(session: &mut Session, view: &View, last: &str) -> Result<Option<Place>, Problem> {
    let Some((event, index)) = last.rsplit_once('.') else { return Ok(None) };
    let (id, act) = event.split_once('.').unwrap_or((event, "0"));
    let (Ok(id), Ok(act)) = (id.parse::<EventId>(), act.parse()) else { return Ok(None) };
    Ok(session.index.place_of(view, &id.to_string(), act, index).await?)
}

/// A body that is known to have been dropped, so that a client that leaves makes room for another at
/// once, and not when something is next sent.
struct Watched {
    body: Channel<Bytes, Infallible>,
    _connected: oneshot::Sender<()>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }
}

struct Tail {
    log: Arc<Log>,
    session: Session,
    search: Search,
    place: Place,
    sender: Sender<Bytes, Infallible>,
    reader: Reader,
    shown: Arc<Shown>,
}

impl Tail {
    /// Until the client leaves, the token ends, or the process stops. The client then comes back with
    /// the id of the last event that it has.
    async fn run(mut self, first: String, left: oneshot::Receiver<()>) {
        let mut stopping = self.log.stopping.clone();
        let stopped = async move { drop(stopping.wait_for(|stopping| *stopping).await) };
        tokio::select! {
            () = stopped => {}
            _ = left => {}
            () = self.go_on(first) => {}
        }
    }

    async fn go_on(&mut self, first: String) {
        if !self.send(first).await {
            return;
        }
        let mut heard = Instant::now();
        loop {
            let Some((text, full)) = self.look().await else { return };
            if !text.is_empty() {
                if !self.send(text).await {
                    return;
                }
                heard = Instant::now();
            }
            if heard.elapsed() >= HEARTBEAT {
                if !self.may_go_on().await || !self.send(ALIVE.to_owned()).await {
                    return;
                }
                heard = Instant::now();
            }
            if !full {
                sleep(LOOK).await;
            }
        }
    }

    /// What is new, and whether there may be more at once, or that nobody can say what is new any more;
    /// none where it is not this reader's to see.
    async fn look(&mut self) -> Option<(String, bool)> {
        let Search { view, conditions, .. } = &self.search;
        let found = self.session.index.arrivals(view, conditions, &self.place, PAGE).await;
        let (rows, place) = match found {
            Ok(Some(found)) => found,
            Ok(None) => {
                self.place = self.session.index.latest().await.ok()?;
                return Some((RESET.to_owned(), false));
            }
            Err(error) => {
                tracing::debug!(%error, "a live tail ends: the index cannot be read");
                return None;
            }
        };
        self.place = place;
        let full = rows.len() >= PAGE as usize;
        if !rows.is_empty() && !self.may_go_on().await {
            return None;
        }
        let mut text = String::new();
        for row in rows {
            text.push_str(&format!("event: audit\nid: {}\ndata: ", id_of(&row, &self.place)));
            // JSON has no line breaks but escaped ones.
            text.push_str(&serde_json::to_string(&Summary::from(row)).ok()?);
            text.push_str("\n\n");
        }
        Some((text, full))
    }

    /// Whether the token or session still holds, for the same. To be shown events is no use of it.
    async fn may_go_on(&self) -> bool {
        let found = self.log.reader(&self.shown, Used::Before).await;
        matches!(found, Ok(Some(reader)) if reader == self.reader)
    }

    async fn send(&mut self, text: String) -> bool {
        let sent = timeout(PATIENCE, self.sender.send_data(Bytes::from(text))).await;
        matches!(sent, Ok(Ok(())))
    }
}
