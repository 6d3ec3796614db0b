//! Exports: every event that is meant, as a stream that never holds more than a few of them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use tokio::time::timeout;

use super::asked::{Allowed, Asked, Who};
use super::log::{Log, Session};
use super::problem::Problem;
use super::record::{Export, Exported};
use crate::access::Right;
use crate::export::{Encoder, Format, Mark, NoFormat};
use crate::index::Search;
use crate::query::{self, Summary};
use crate::store::LedgerReader;

const EXPORT: Allowed = Allowed { own: &["format", "bom"], page: false, strict: true };
/// Events that are looked up at one time.
const PAGE: u32 = 200;
/// What is sent in one piece, in bytes, give or take an event.
const PIECE: usize = 64 * 1024;
/// Pieces that may wait for the client.
const PIECES: usize = 2;
/// How long a client may take to accept a piece.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why an export ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The client left, or did not read.
    Client,
    /// The log could not be read.
    Log,
    /// The process stops.
    Stop,
}

impl Cut {
    fn reason(self) -> &'static str {
        match self {
            Self::Client => "client_aborted",
            Self::Log => "unreadable",
            Self::Stop => "stopping",
        }
    }
}

/// Makes the connection end without the end of the body, so that no client takes a part for the
/// whole.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the export was cut short")]
struct CutShort;

pub(super) async fn export(
    State(log): State<Arc<Log>>,
    who: Who,
    request: Request,
) -> Result<Response, Problem> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let reader = &who.0;
    let asked = Asked::of(request.uri(), &who, EXPORT, log.clock.now());
    if !reader.grant().role().allows(Right::Export) {
        let filters = asked.map(|asked| asked.filters).unwrap_or_default();
        Export { reader, peer, format: "file", filters: &filters }.refused(&log).await;
        return Err(Problem::forbidden());
    }
    let asked = asked?;
    let (format, mark) = (format(&asked)?, mark(&asked)?);
    let mut session = log.export().await?;
    session.index.freeze().await?;
    let ledger = log.ledger().await?;
    let record = Export { reader, peer, format: format.as_str(), filters: &asked.filters };
    let exported = record.begin(&log).await?;
    let (sender, body) = Channel::<Bytes, CutShort>::new(PIECES);
    let search = Search { limit: PAGE, ..asked.search };
    let encoder = Encoder::new(format);
    let writer = Writer { log, encoder, sender, piece: Vec::new(), rows: 0 };
    tokio::spawn(writer.run(mark, session, ledger, search, exported));
    let name = format!("attachment; filename=\"{}\"", format.file_name());
    let headers = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, Body::new(body)).into_response())
}

fn format(asked: &Asked) -> Result<Format, Problem> {
    let remedy = "use csv, json, ndjson or ocsf";
    match asked.own("format")?.map(str::parse) {
        Some(Ok(format)) => Ok(format),
        Some(Err(NoFormat)) => {
            let detail = "`format` names no format of exports";
            Err(Problem::parameter("format", detail, remedy))
        }
        None => Err(Problem::parameter("format", "`format` is missing", remedy)),
    }
}

fn mark(asked: &Asked) -> Result<Mark, Problem> {
    match asked.own("bom")? {
        None | Some("false") => Ok(Mark::None),
        Some("true") => Ok(Mark::Bom),
        Some(_) => {
            let remedy = "use true or false";
            Err(Problem::parameter("bom", "`bom` is neither true nor false", remedy))
        }
    }
}

/// Writes an export to its client.
struct Writer {
    log: Arc<Log>,
    encoder: Encoder,
    sender: Sender<Bytes, CutShort>,
    piece: Vec<u8>,
    rows: u64,
}

impl Writer {
    /// The end of the body is given away only when the number of rows is on record.
    async fn run(
        mut self,
        mark: Mark,
        mut session: Session,
        mut ledger: LedgerReader,
        search: Search,
        exported: Exported,
    ) {
        self.encoder.begin(mark, &mut self.piece);
        let mut written = self.events(&mut session, &mut ledger, search).await;
        if written.is_ok() {
            self.encoder.end(&mut self.piece);
            written = self.flush().await;
        }
        let cut = written.err();
        let recorded = exported.end(&self.log, self.rows, cut.map(Cut::reason)).await;
        if cut.is_some() || !recorded {
            self.sender.abort(CutShort);
        }
    }

    async fn events(
        &mut self,
        session: &mut Session,
        ledger: &mut LedgerReader,
        mut search: Search,
    ) -> Result<(), Cut> {
        loop {
            let page = session.index.search(&search).await.map_err(|error| {
                tracing::error!(%error, "an export was cut short: the index cannot be read");
                Cut::Log
            })?;
            for row in page.rows {
                let mut event = query::event(ledger, &row).await.map_err(|error| {
                    tracing::error!(%error, "an export was cut short: an event cannot be read");
                    Cut::Log
                })?;
                query::without_position(&mut event, &search.view);
                self.encoder.event(&Summary::from(row), event, &mut self.piece);
                self.rows += 1;
                if self.piece.len() >= PIECE {
                    self.flush().await?;
                }
            }
            if *self.log.stopping.borrow() {
                return Err(Cut::Stop);
            }
            match page.next {
                Some(next) => search.after = Some(next),
                None => return Ok(()),
            }
        }
    }

    async fn flush(&mut self) -> Result<(), Cut> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        match timeout(PATIENCE, self.sender.send_data(piece)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Cut::Client),
        }
    }
}
