//! Bundles of a log that grows: with checkpoints of all that was there when it was asked for, and none
//! that are newer than what is exported.

use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use super::events::unreadable;
use super::log::Log;
use super::problem::Problem;
use crate::export::{Format, Snapshot, Walk};
use crate::follow::Heads;
use crate::seal::{Bundler, Kept, KeptCheckpoint, SealError};
use crate::store::LedgerReader;

/// How long is waited for a checkpoint of what is exported as a bundle.
const SEALED: Duration = Duration::from_secs(3);

/// For a bundle, how far the logs reach now, once there are checkpoints of all that, or they do not come
/// in time: they are made within a second, of those logs that are sealed here.
pub(super) async fn sealed(
    log: &Log,
    ledger: &mut dyn LedgerReader,
    format: Format,
) -> Result<Snapshot, Problem> {
    if format != Format::Bundle {
        return Ok(Snapshot::new());
    }
    let heads = Heads::now(ledger).await.map_err(|error| unreadable(error.into()))?;
    let heads: Snapshot = heads.0.into_iter().collect();
    let until = Instant::now() + SEALED;
    loop {
        let dir = log.dir.clone();
        let newest = spawn_blocking(move || match Kept::open_read_only(&dir)? {
            Some(kept) => kept.newest_of_all(),
            None => Ok(Vec::new()),
        });
        let newest = match newest.await {
            Ok(Ok(newest)) => newest,
            Ok(Err(error)) => return Err(unavailable(&error)),
            Err(_) => return Err(unavailable(&SealError::Lost)),
        };
        let is_covered =
            |it: &KeptCheckpoint| heads.get(&it.writer).is_none_or(|at| *at <= it.size);
        if (!newest.is_empty() && newest.iter().all(is_covered)) || Instant::now() >= until {
            return Ok(heads);
        }
        sleep(SEALED / 30).await;
    }
}

fn unavailable(error: &SealError) -> Problem {
    tracing::error!(%error, "a bundle cannot begin");
    Problem::unavailable("checkpoints and proofs cannot be had")
}

/// With the newest checkpoints that cover no more than what is exported. Where they cover all that was
/// there when it was asked for, what came since is left out, so that nothing is unproven.
pub(super) async fn bundle(
    log: &Log,
    walk: &mut Walk,
    asked: &Snapshot,
    complete: bool,
    piece: &mut Vec<u8>,
) -> Result<Bundler, Problem> {
    let (dir, snapshot) = (log.dir.clone(), walk.snapshot().clone());
    let mut bundler = match spawn_blocking(move || Bundler::open(&dir, &snapshot)).await {
        Ok(Ok(bundler)) => bundler,
        Ok(Err(SealError::NoProof)) => return Err(Problem::not_sealed()),
        Ok(Err(error)) => return Err(unavailable(&error)),
        Err(_) => return Err(unavailable(&SealError::Lost)),
    };
    let mut sizes = bundler.sizes();
    if sizes.is_empty() {
        return Err(Problem::not_sealed());
    }
    sizes.retain(|writer, size| *size >= asked.get(writer).copied().unwrap_or(0));
    walk.up_to(&sizes);
    bundler.begin(complete, piece).map_err(|error| unavailable(&error))?;
    Ok(bundler)
}
