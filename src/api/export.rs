//! Exports: every event that is meant, as a stream that never holds more than a few of them.
//!
//! One that was interrupted can go on, by the id of its event on record and the last event that arrived:
//! for the same reader, with the same rights and filters, and as of the same moment.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use tokio::time::{Instant, timeout};

use super::asked::{Allowed, Asked, Who};
use super::bundle::{bundle, sealed};
use super::events::unreadable;
use super::fresh::{Fresh, MORE_PATIENCE, fresh};
use super::log::{Log, Session, Turn};
use super::origin::Origin;
use super::problem::Problem;
use super::record::{Earlier, Export, Exported, Extent};
use super::shown::{Shown, Used};
use crate::access::{Reader, Right, Way};
use crate::export::{Encoder, Format, Lines, Mark, NoFormat, Pieces, Walk, WalkError};
use crate::index::{Condition, Cursor, Search, View};
use crate::query;
use crate::record::EventId;
use crate::store::LedgerReader;

/// Names the event of the export, by which it can go on.
const EXPORT_FIELD: &str = "countersign-export";
/// What lists say in `warnings`, one a field.
const WARNING_FIELD: &str = "countersign-warning";
/// Says that the newest events may be missing, since the search index is behind.
const BEHIND_FIELD: &str = "countersign-behind";

const EXPORT: Allowed = Allowed { own: &["format", "bom", "resume"], page: false, strict: true };
/// What is sent in one piece, in bytes.
const PIECE: usize = 64 * 1024;
/// Pieces that may wait for the client.
const PIECES: usize = 2;
/// How often is looked whether the reader still may.
const RECHECK: Duration = Duration::from_secs(5);
/// How long a client may take to accept a piece.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why an export ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    /// The client left, or did not read.
    Client,
    /// Whoever asked may not any more.
    Reader,
    /// The log could not be read.
    Log,
    /// The process stops.
    Stop,
}

impl Cut {
    fn reason(self) -> &'static str {
        match self {
            Self::Client => "client_aborted",
            Self::Reader => "revoked",
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

/// What a browser sends along by itself, another site could make use of.
fn is_meant(reader: &Reader, headers: &HeaderMap) -> Result<(), Problem> {
    let elsewhere = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    if elsewhere && reader.way() != Way::Token { Err(Problem::cross_site()) } else { Ok(()) }
}

pub(super) async fn export(
    State(log): State<Arc<Log>>,
    who: Who,
    request: Request,
) -> Result<Response, Problem> {
    let from = Origin::of(request.extensions());
    let (uri, reader) = (request.uri(), &who.0);
    is_meant(reader, request.headers())?;
    let now = log.clock.now();
    let asked = Asked::of(uri, &who, EXPORT, now);
    if !reader.grant().role().allows(Right::Export) {
        let filters = asked.map(|asked| asked.filters).unwrap_or_default();
        return Err(refused(&log, reader, &from, &filters).await);
    }
    let mut asked = asked?;
    let (format, mark) = (format(&asked, reader)?, mark(&asked)?);
    let mut session = log.export(reader).await?;
    let again = again(&asked)?;
    let mut ledger = log.ledger().await?;
    let sealed = sealed(&log, &mut *ledger, format).await?;
    // Before the export that is gone on with is looked for: it may have begun a moment ago.
    let fresh = fresh(&mut session.index, &mut *ledger, log.patience * MORE_PATIENCE).await;
    let earlier = match &again {
        Some((id, _)) => Some(earlier(&mut session, &mut *ledger, *id).await?),
        None => None,
    };
    let moment = earlier.as_ref().map_or(now, |earlier| earlier.moment);
    if moment != now {
        // Spans of time are before the same moment again.
        asked = Asked::of(uri, &who, EXPORT, moment)?;
    }
    let warnings = asked.warned(&log, &mut session.index, fresh).await;
    let mut record = Export {
        reader,
        from: &from,
        format: format.as_str(),
        filters: &asked.filters,
        extent: None,
    };
    if earlier.as_ref().is_some_and(|earlier| !record.is_more_of(&log, earlier)) {
        return Err(Problem::no_export());
    }
    session.index.freeze().await?;
    let Session { index, turn, .. } = session;
    let walk = match (earlier.as_ref(), &again) {
        (Some(earlier), Some((_, last))) => {
            let snapshot = earlier.snapshot.clone();
            Walk::go_on(index, ledger, asked.search, snapshot, last.clone()).await
        }
        _ => Walk::begin(index, ledger, asked.search).await,
    };
    let mut walk = walk.map_err(problem)?;
    let mut piece = Vec::new();
    let lines = match format {
        Format::Bundle => {
            let is_all = asked.filters.is_empty();
            Lines::Entries(Box::new(bundle(&log, &mut walk, &sealed, is_all, &mut piece).await?))
        }
        _ if again.is_some() => Lines::Events(Encoder::going_on(format, 1)),
        _ => {
            let encoder = Encoder::new(format);
            encoder.begin(mark, &mut piece);
            Lines::Events(encoder)
        }
    };
    let continues = earlier.as_ref().map(Earlier::id);
    record.extent = Some(Extent { snapshot: walk.snapshot(), moment, continues });
    let exported = record.begin(&log).await?;
    let headers = fields(format, exported.id(), fresh, warnings)?;
    let (sender, body) = Channel::<Bytes, CutShort>::new(PIECES);
    let shown = Shown::of(request.headers(), &log.ways, from.peer);
    let (reader, checked) = (who.0.clone(), Instant::now());
    let pieces = Pieces::new(walk, lines);
    let writer = Writer { log, turn, pieces, sender, shown, reader, checked };
    tokio::spawn(writer.run(piece, exported));
    Ok((headers, Body::new(body)).into_response())
}

/// What is said before the file.
fn fields(
    format: Format,
    export: EventId,
    fresh: Fresh,
    warnings: Vec<String>,
) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    let fields = [
        (header::CONTENT_TYPE, format.media_type().to_owned()),
        (HeaderName::from_static(EXPORT_FIELD), export.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", format.file_name())),
    ];
    for (name, value) in fields {
        headers.insert(name, HeaderValue::try_from(value).map_err(|_| Problem::unrecorded())?);
    }
    if fresh != Fresh::Current {
        headers.insert(BEHIND_FIELD, HeaderValue::from_static("true"));
    }
    // What was asked is quoted in it, and must not end the line.
    let warnings = warnings.into_iter().map(|text| text.replace(char::is_control, " "));
    for warning in warnings.flat_map(HeaderValue::try_from) {
        headers.append(HeaderName::from_static(WARNING_FIELD), warning);
    }
    Ok(headers)
}

/// Who may not export is told so, and that is on record.
async fn refused(
    log: &Arc<Log>,
    reader: &Reader,
    from: &Origin,
    filters: &[(String, String)],
) -> Problem {
    if log.refused(reader, "export", from) {
        Export { reader, from, format: "file", filters, extent: None }.refused(log).await;
    }
    Problem::forbidden()
}

fn format(asked: &Asked, reader: &Reader) -> Result<Format, Problem> {
    let remedy = "use csv, json, ndjson, ocsf or bundle";
    match asked.own("format")?.map(str::parse) {
        Some(Ok(Format::Bundle)) => allow_bundle(asked, reader).map(|()| Format::Bundle),
        Some(Ok(format)) => Ok(format),
        Some(Err(NoFormat)) => {
            let detail = "`format` names no format of exports";
            Err(Problem::parameter("format", detail, remedy))
        }
        None => Err(Problem::parameter("format", "`format` is missing", remedy)),
    }
}

/// Where an event stands is in its proof, and how many there are: for those who see all of them.
fn allow_bundle(asked: &Asked, reader: &Reader) -> Result<(), Problem> {
    if *reader.grant().view() != View::Everything {
        return Err(Problem::not_everything());
    }
    // Its checkpoints are those of the moment when it began.
    match asked.own("resume")? {
        None => Ok(()),
        Some(_) => Err(Problem::no_export()),
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

/// With which export to go on, and behind which event.
fn again(asked: &Asked) -> Result<Option<(EventId, Cursor)>, Problem> {
    let Some(text) = asked.own("resume")? else { return Ok(None) };
    let parsed = text.split_once(',').and_then(|(export, last)| {
        let export: EventId = export.parse().ok()?;
        Some((export, last.parse().ok()?))
    });
    parsed.map(Some).ok_or_else(|| {
        let detail = "`resume` names no export and the last event that arrived of it";
        let remedy = "give the field Countersign-Export of its answer, a comma, and the time in \
                      milliseconds and the id of the last event: MS.ID, or MS.ID.ACT of an act";
        Problem::parameter("resume", detail, remedy)
    })
}

async fn earlier(
    session: &mut Session,
    ledger: &mut dyn LedgerReader,
    id: EventId,
) -> Result<Earlier, Problem> {
    let conditions = vec![Condition::Id(id.to_string())];
    let search = Search { conditions, limit: 1, ..Search::default() };
    let page = session.index.search(&search).await?;
    let row = page.rows.first().ok_or_else(Problem::no_export)?;
    let event = query::whole(ledger, row).await.map_err(unreadable)?;
    Earlier::of(&event).ok_or_else(Problem::no_export)
}

fn problem(error: WalkError) -> Problem {
    match error {
        WalkError::Index(error) => error.into(),
        WalkError::Moved => Problem::moved(),
        WalkError::Behind => Problem::unavailable("the search index is being built again"),
        error => {
            tracing::error!(%error, "an export cannot begin");
            Problem::unavailable("the log cannot be read")
        }
    }
}

/// Writes an export to its client.
struct Writer {
    log: Arc<Log>,
    turn: Turn,
    pieces: Pieces,
    sender: Sender<Bytes, CutShort>,
    shown: Arc<Shown>,
    reader: Reader,
    checked: Instant,
}

impl Writer {
    /// The end of the body is given away only when the number of rows is on record.
    async fn run(mut self, head: Vec<u8>, exported: Exported) {
        let mut stopping = self.log.stopping.clone();
        let stopped = async move { drop(stopping.wait_for(|stopping| *stopping).await) };
        let cut = tokio::select! {
            biased;
            () = stopped => Some(Cut::Stop),
            written = self.all(head) => written.err(),
        };
        let recorded = exported.end(&self.log, self.pieces.rows(), cut.map(Cut::reason)).await;
        if cut.is_some() || !recorded {
            self.sender.abort(CutShort);
        }
    }

    async fn all(&mut self, head: Vec<u8>) -> Result<(), Cut> {
        self.send(head).await?;
        while let Some(piece) = self.pieces.next().await.map_err(|error| cut(&error))? {
            self.send(piece).await?;
            if self.checked.elapsed() >= RECHECK {
                self.checked = Instant::now();
                let found = self.log.reader(&self.shown, Used::Before).await;
                if !matches!(found, Ok(Some(reader)) if reader == self.reader) {
                    return Err(Cut::Reader);
                }
            }
            if self.pieces.is_stale() {
                self.renew().await.map_err(|error| cut(&error))?;
            }
        }
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), WalkError> {
        let mut index = self.log.index(&self.turn).await?;
        index.freeze().await?;
        self.pieces.renew(index).await
    }

    async fn send(&mut self, piece: Vec<u8>) -> Result<(), Cut> {
        let mut left = Bytes::from(piece);
        while !left.is_empty() {
            let part = left.split_to(left.len().min(PIECE));
            match timeout(PATIENCE, self.sender.send_data(part)).await {
                Ok(Ok(())) => {}
                _ => return Err(Cut::Client),
            }
        }
        Ok(())
    }
}

fn cut(error: &(dyn std::error::Error + 'static)) -> Cut {
    let causes: Vec<String> = std::iter::successors(error.source(), |cause| cause.source())
        .map(ToString::to_string)
        .collect();
    tracing::error!(%error, cause = causes.join(": "), "an export was cut short");
    Cut::Log
}
