//! The loop that keeps trees and checkpoints up to date while a proxy runs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::log::Look;
use super::{Disagreement, KeyChange, LogState, SealError, Sealed, Sealer};
use crate::clock::Clock;
use crate::follow::{FollowError, Heads, catch_up, read_again};
use crate::store::{LedgerReader, LedgerSource, StoreError};

/// Arrivals within this time are taken together.
const GATHER: Duration = Duration::from_millis(20);
/// Entries of one writer that are taken in before others have their turn, and before the processors
/// have a rest.
const STRIDE: u64 = 16_384;
/// While much is to be taken in, it rests for as many times as long as it worked.
const REST: u32 = 4;
/// The pause after an error.
const PAUSE: Duration = Duration::from_secs(2);

/// What the loop needs of the process that it runs in.
#[async_trait]
pub trait Keeping: Send + Sync {
    /// Puts a change of the key on record; false if that failed and has to be tried again.
    async fn record(&self, change: &KeyChange) -> bool;

    /// Takes what was signed, to be published. Does not wait.
    fn publish(&self, sealed: Vec<Sealed>);

    /// Takes a change of the key, to be published. Does not wait.
    fn publish_change(&self, change: &KeyChange);

    /// Learns how it stands with each log.
    fn learn(&self, states: std::collections::BTreeMap<String, LogState>);
}

/// Grows trees and signs checkpoints, at most one of a log each `interval`, until `shutdown` becomes
/// true or the recorder is gone.
pub async fn keep(
    source: &LedgerSource,
    mut sealer: Sealer,
    clock: Arc<dyn Clock>,
    interval: Duration,
    mut head: watch::Receiver<u64>,
    mut shutdown: watch::Receiver<bool>,
    keeping: &dyn Keeping,
) {
    let mut reader = None;
    loop {
        head.mark_unchanged();
        let next = Instant::now() + interval;
        let wait = async {
            let pause = match round(source, &mut reader, &mut sealer, &*clock, keeping).await {
                Ok(()) => Duration::ZERO,
                Err(error) => {
                    reader = None;
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, cause, "sealing will be tried again");
                    PAUSE
                }
            };
            sleep(pause).await;
            // A key that waits is noticed within the interval, also where nothing is appended.
            tokio::select! {
                more = head.changed() => {
                    sleep(GATHER).await;
                    sleep_until(next).await;
                    more.is_ok()
                }
                () = sleep(interval.max(PAUSE)) => head.has_changed().is_ok(),
            }
        };
        let more = tokio::select! {
            more = wait => more,
            _ = shutdown.wait_for(|stop| *stop) => false,
        };
        if !more {
            break;
        }
    }
    // What was on record when the end came.
    if let Err(error) = round(source, &mut reader, &mut sealer, &*clock, keeping).await {
        tracing::warn!(%error, "the last entries are not sealed; they will be at the next start");
    }
    if let Some(reader) = reader
        && let Err(error) = reader.close().await
    {
        tracing::debug!(%error, "the sealer's view of the ledger was not closed cleanly");
    }
}

/// Takes in what there is, and signs.
async fn round(
    source: &LedgerSource,
    reader: &mut Option<Box<dyn LedgerReader>>,
    sealer: &mut Sealer,
    clock: &dyn Clock,
    keeping: &dyn Keeping,
) -> Result<(), FollowError> {
    if reader.is_none() {
        *reader = Some(source.reader().await?);
    }
    let Some(reader) = reader else { return Ok(()) };
    let heads = Heads::now(&mut **reader).await?;
    let heads = sealer.trusted(heads).await.map_err(failed)?;
    // How far it is behind is known also where the rest fails.
    keeping.learn(sealer.states().await.map_err(failed)?);
    if let Err(error) = change_key(sealer, clock, keeping).await {
        tracing::warn!(%error, "the key that waits does not take over; the one in force goes on");
    }
    take_in(&mut **reader, sealer, heads).await?;
    look_back(&mut **reader, sealer).await?;
    let sealed = sealer.seal(clock.now()).await.map_err(failed)?;
    keeping.publish(sealed);
    keeping.learn(sealer.states().await.map_err(failed)?);
    Ok(())
}

/// Lets a key take over that waits to, once that is on record.
async fn change_key(
    sealer: &Sealer,
    clock: &dyn Clock,
    keeping: &dyn Keeping,
) -> Result<(), SealError> {
    if let Some(change) = sealer.waiting_key().await?
        && keeping.record(&change).await
    {
        sealer.take_over(change.clone(), clock.now()).await?;
        keeping.publish_change(&change);
    }
    Ok(())
}

/// Brings the trees to the heads, resting in between where there is much to do. A log that disagrees
/// does not keep the others from going on.
pub(super) async fn take_in(
    reader: &mut dyn LedgerReader,
    sealer: &mut Sealer,
    heads: Heads,
) -> Result<(), FollowError> {
    for (writer, head) in heads.0 {
        let mut at =
            sealer.states().await.map_err(failed)?.get(&writer).map_or(0, |log| log.entries);
        loop {
            let goal = head.min(at + STRIDE);
            let began = Instant::now();
            match catch_up(reader, sealer, &Heads(vec![(writer.clone(), goal)])).await {
                Ok(()) => {}
                Err(error) if is_disagreement(&error) => break,
                Err(FollowError::Missing { writer, seq }) => {
                    let gap = Disagreement::Gap { seq };
                    sealer.disagree(&writer, gap).await.map_err(failed)?;
                    break;
                }
                Err(error) => return Err(error),
            }
            if goal == head {
                break;
            }
            at = goal;
            sleep(began.elapsed() * REST).await;
        }
    }
    Ok(())
}

/// Looks at some of what was sealed once more. That finds a change of the newest entries at once, and
/// others with time; all of them `verify` finds.
pub(super) async fn look_back(
    reader: &mut dyn LedgerReader,
    sealer: &mut Sealer,
) -> Result<(), FollowError> {
    let Some(Look { writer, ranges }) = sealer.next_look().await.map_err(failed)? else {
        return Ok(());
    };
    for range in ranges {
        let found = match read_again(reader, sealer, &writer, range).await {
            Ok(()) => continue,
            Err(error) if is_disagreement(&error) => break,
            Err(FollowError::Missing { seq, .. }) => Disagreement::Gap { seq },
            Err(FollowError::Ledger(StoreError::Damaged { seq, .. })) => {
                Disagreement::Changed { seq: u64::try_from(seq).unwrap_or(0) }
            }
            Err(error) => return Err(error),
        };
        sealer.disagree(&writer, found).await.map_err(failed)?;
        break;
    }
    Ok(())
}

fn is_disagreement(error: &FollowError) -> bool {
    let FollowError::Follower { source, .. } = error else { return false };
    matches!(source.downcast_ref(), Some(SealError::Disagreement))
}

fn failed(error: SealError) -> FollowError {
    FollowError::Follower { name: "seal", source: Box::new(error) }
}
