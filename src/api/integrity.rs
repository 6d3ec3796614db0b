//! Checkpoints, proofs and tiles: for those who see everything, since a place in the log tells how many
//! events there are.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::task::spawn_blocking;

use super::asked::{Allowed, Asked, Who};
use super::events::absent;
use super::log::Log;
use super::origin::Origin;
use super::problem::Problem;
use super::views::What;
use crate::access::Role;
use crate::index::{Condition, Row, Search, View};
use crate::record::{EventId, Stored};
use crate::seal::{
    Checkpoint, ConsistencyProof, EventProof, Kept, KeptCheckpoint, SealError, TILE_WIDTH, signers,
};
use crate::store::StoreError;

const CHECKPOINT: Allowed = Allowed { own: &["writer"], page: false, strict: true };
const CONSISTENCY: Allowed = Allowed { own: &["writer", "old", "new"], page: false, strict: true };

/// The newest checkpoint of each log.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Checkpoints {
    /// By writer.
    pub(crate) checkpoints: Vec<Newest>,
}

/// The newest checkpoint of a log.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Newest {
    /// Whose log.
    pub(crate) writer: String,
    /// The log's name in its checkpoints.
    pub(crate) origin: String,
    /// How many entries it covers.
    pub(crate) size: u64,
    /// The root of their tree, base64.
    pub(crate) root: String,
    /// When it was signed.
    pub(crate) time: String,
    /// Names and ids of the keys under it, those of witnesses too.
    pub(crate) signers: Vec<String>,
    /// The signed note (C2SP tlog-checkpoint).
    pub(crate) checkpoint: String,
}

impl Newest {
    fn of(kept: KeptCheckpoint) -> Result<Self, SealError> {
        let Checkpoint { origin, size, root, note } = Checkpoint::parse(&kept.note)?;
        let time = DateTime::from_timestamp_millis(kept.at_ms).unwrap_or_default();
        let signers = signers(&note).into_iter().map(|(name, id)| format!("{name}+{id:08x}"));
        Ok(Self {
            writer: kept.writer,
            origin,
            size,
            root: root.to_string(),
            time: time.to_rfc3339_opts(SecondsFormat::Millis, true),
            signers: signers.collect(),
            checkpoint: note,
        })
    }
}

pub(super) async fn checkpoint(
    State(log): State<Arc<Log>>,
    who: Who,
    request: Request,
) -> Result<Json<Checkpoints>, Problem> {
    allowed(&log, &who, &Origin::of(request.extensions()), Wanted::Checkpoint).await?;
    only(request.uri(), CHECKPOINT.own)?;
    let asked = Asked::of(request.uri(), &who, CHECKPOINT, log.clock.now())?;
    let writer = asked.own("writer")?.map(ToOwned::to_owned);
    let checkpoints = newest(&log).await?.ok_or_else(Problem::not_sealed)?;
    let wanted = |newest: &Newest| writer.as_ref().is_none_or(|writer| *writer == newest.writer);
    let checkpoints: Vec<Newest> = checkpoints.into_iter().filter(wanted).collect();
    match checkpoints.is_empty() && writer.is_some() {
        true => Err(Problem::not_sealed()),
        false => Ok(Json(Checkpoints { checkpoints })),
    }
}

/// The newest checkpoint of each log; none where none was ever made.
pub(crate) async fn newest(log: &Log) -> Result<Option<Vec<Newest>>, Problem> {
    ask(log, |kept| kept.newest_of_all()?.into_iter().map(Newest::of).collect()).await
}

pub(super) async fn consistency(
    State(log): State<Arc<Log>>,
    who: Who,
    request: Request,
) -> Result<Json<ConsistencyProof>, Problem> {
    allowed(&log, &who, &Origin::of(request.extensions()), Wanted::Checkpoint).await?;
    only(request.uri(), CONSISTENCY.own)?;
    let asked = Asked::of(request.uri(), &who, CONSISTENCY, log.clock.now())?;
    let missing = |name| Problem::parameter(name, format!("`{name}` is missing"), "give it");
    let writer = asked.own("writer")?.ok_or_else(|| missing("writer"))?.to_owned();
    let old = size("old", asked.own("old")?)?.ok_or_else(|| missing("old"))?;
    let new = size("new", asked.own("new")?)?;
    if new.is_some_and(|new| new < old) {
        // What each of them says is fine: there is no such proof.
        let detail = "`old` is more than `new`: give the size of the smaller checkpoint as `old`";
        return Err(Problem::no_checkpoint(detail).about("old"));
    }
    let proof = sealed(&log, move |kept| {
        let Some(newest) = kept.newest(&writer)? else { return Ok(Err(None)) };
        let newer = match new {
            Some(new) => kept.at_least(&writer, new)?,
            None => Some(newest.clone()),
        };
        match (kept.at_least(&writer, old)?, newer) {
            (Some(older), Some(newer)) => {
                ConsistencyProof::of(kept, &writer, &older.note, &newer.note).map(Ok)
            }
            _ => Ok(Err(Some(newest.size))),
        }
    });
    proof.await?.map(Json).map_err(|newest| match newest {
        Some(newest) => Problem::no_checkpoint(&format!(
            "the newest checkpoint of this log is of {newest} entries: `old` or `new` is more"
        )),
        None => Problem::no_checkpoint("there is no checkpoint of a log of this writer"),
    })
}

/// A question about checkpoints has no filters: its parameters are these.
fn only(uri: &Uri, own: &'static [&'static str]) -> Result<(), Problem> {
    let Ok(Query(parameters)) = Query::<Vec<(String, String)>>::try_from_uri(uri) else {
        return Ok(());
    };
    if parameters.iter().all(|(name, _)| own.contains(&name.as_str())) {
        return Ok(());
    }
    let own: Vec<String> = own.iter().map(|name| format!("`{name}`")).collect();
    let detail = "there is a parameter that this question does not have";
    Err(Problem::parameters(detail, &format!("it has {}", own.join(", "))))
}

fn size(name: &'static str, text: Option<&str>) -> Result<Option<u64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let size = text.parse().ok().filter(|size| *size > 0);
    let remedy = "give the size of a checkpoint: a whole number from 1 on";
    size.map(Some).ok_or_else(|| Problem::parameter(name, format!("`{name}` is no size"), remedy))
}

/// What is hidden, what is absent and what cannot be are answered alike.
pub(super) async fn proof(
    State(log): State<Arc<Log>>,
    who: Who,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Json<EventProof>, Problem> {
    let Path(id) = id.map_err(|_| Problem::no_event())?;
    let row = row(&log, &who, &id).await?;
    allowed(&log, &who, &Origin::of(request.extensions()), Wanted::Proof).await?;
    proof_of(&log, &row).await.map(Json)
}

async fn row(log: &Log, who: &Who, id: &str) -> Result<Row, Problem> {
    let id: EventId = id.parse().map_err(|_| Problem::no_event())?;
    let search = Search {
        view: who.0.grant().view().clone(),
        conditions: vec![Condition::Id(id.to_string())],
        limit: 1,
        ..Search::default()
    };
    let mut session = log.read().await?;
    let page = session.index.search(&search).await?;
    match page.rows.into_iter().next() {
        Some(row) => Ok(row),
        None => {
            let mut ledger = log.ledger().await?;
            Err(absent(&mut session.index, &mut *ledger, id, who).await)
        }
    }
}

/// The proof of the entries that a row is made of.
async fn proof_of(log: &Log, row: &Row) -> Result<EventProof, Problem> {
    let mut ledger = log.ledger().await?;
    let mut entries: Vec<Stored> = Vec::new();
    for seq in [Some(row.seq), row.completion.filter(|seq| *seq != row.seq)].into_iter().flatten() {
        entries.extend(ledger.entry(&row.writer, seq).await.map_err(unreadable)?);
    }
    sealed(log, move |kept| EventProof::of(kept, &entries)).await
}

fn unreadable(error: StoreError) -> Problem {
    tracing::error!(%error, "an entry cannot be read");
    Problem::unavailable("the event cannot be read from the ledger")
}

/// A file of a log, as C2SP tlog-tiles names them: its newest checkpoint, or a tile of hashes.
pub(super) async fn file(
    State(log): State<Arc<Log>>,
    who: Who,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let Path((writer, path)) = path.map_err(|_| Problem::no_route())?;
    allowed(&log, &who, &Origin::of(request.extensions()), Wanted::Tile).await?;
    if path == "checkpoint" {
        let newest = sealed(&log, move |kept| kept.newest(&writer)).await?;
        let note = newest.ok_or_else(Problem::no_route)?.note;
        return Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response());
    }
    let tile = TilePath::parse(&path).ok_or_else(Problem::no_route)?;
    let hashes = sealed(&log, move |kept| kept.tile(&writer, tile.level, tile.number)).await?;
    let hashes = hashes.get(..tile.width).ok_or_else(Problem::no_route)?;
    let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

/// `tile/LEVEL/NUMBER`, the number in groups of three digits, all but the last with an `x`; of a tile that is
/// not full `.p/WIDTH` follows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TilePath {
    level: u8,
    number: u64,
    width: usize,
}

impl TilePath {
    /// The longest path that is looked at, in bytes.
    const BYTES: usize = 64;

    pub(super) fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("tile/").filter(|_| path.len() <= Self::BYTES)?;
        let (level, rest) = rest.split_once('/')?;
        let level = plain(level).filter(|level| *level < 8)?;
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => {
                let width = plain(width).filter(|width| (1..TILE_WIDTH as u64).contains(width))?;
                (number, usize::try_from(width).ok()?)
            }
            None => (rest, TILE_WIDTH),
        };
        let mut groups: Vec<&str> = number.split('/').collect();
        let last = groups.pop()?;
        let mut number = 0_u64;
        for group in groups.into_iter().map(|group| group.strip_prefix('x')).chain([Some(last)]) {
            let group =
                group.filter(|it| it.len() == 3 && it.bytes().all(|b| b.is_ascii_digit()))?;
            number = number.checked_mul(1000)?.checked_add(group.parse().ok()?)?;
        }
        Some(Self { level: u8::try_from(level).ok()?, number, width })
    }
}

/// A number without zeros in front.
fn plain(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Checkpoint,
    Proof,
    Tile,
}

/// Only those who see everything may; tiles and pages are the owners'.
fn may(who: &Who, wanted: Wanted) -> bool {
    let grant = who.0.grant();
    let sees_all = *grant.view() == View::Everything;
    sees_all && (wanted != Wanted::Tile || grant.role() == Role::Owner)
}

/// Whether this reader may have proofs of events.
pub(crate) fn may_prove(who: &Who) -> bool {
    may(who, Wanted::Proof)
}

async fn allowed(log: &Arc<Log>, who: &Who, from: &Origin, wanted: Wanted) -> Result<(), Problem> {
    if may(who, wanted) {
        return Ok(());
    }
    log.forbidden(&who.0, What::Integrity, from).await;
    Err(Problem::not_everything())
}

/// Asks `seal.db`, which must be there.
async fn sealed<T: Send + 'static>(
    log: &Log,
    question: impl FnOnce(&Kept) -> Result<T, SealError> + Send + 'static,
) -> Result<T, Problem> {
    ask(log, question).await?.ok_or_else(Problem::not_sealed)
}

/// Asks `seal.db`, beside the event loop; none where it is not there.
async fn ask<T: Send + 'static>(
    log: &Log,
    question: impl FnOnce(&Kept) -> Result<T, SealError> + Send + 'static,
) -> Result<Option<T>, Problem> {
    let dir = log.dir.clone();
    let _turn = log.turn().await?;
    let asked = spawn_blocking(move || match Kept::open_read_only(&dir)? {
        Some(kept) => question(&kept).map(Some),
        None => Ok(None),
    });
    match asked.await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(SealError::Disagreement)) => Err(Problem::not_as_sealed()),
        Ok(Err(SealError::NoProof)) if log.is_not_as_sealed() => Err(Problem::not_as_sealed()),
        Ok(Err(SealError::NoProof)) => Err(Problem::not_sealed()),
        Ok(Err(error)) => {
            tracing::error!(%error, "checkpoints or proofs cannot be shown");
            Err(Problem::unavailable("checkpoints and proofs cannot be had"))
        }
        Err(_) => Err(Problem::unavailable("checkpoints and proofs cannot be had")),
    }
}
