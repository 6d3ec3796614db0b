//! What stands in the own log where this recorder has written nothing.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::Deserialize;

use super::aside::Loss;
use super::sweep::SWEEP_BATCH;
use super::writer::Open;
use crate::record::{EntryKind, Outcome, Stored, leaf_hash};
use crate::store::{Store, StoreError};

/// What was found behind the own entries.
pub(super) enum Found {
    /// Completions as another proxy writes them that has taken this one for gone, by their leaf hashes.
    Closings(Vec<[u8; 32]>),
    /// From the first of these on, it is not what any proxy would have written, or own entries are gone.
    Foreign(RangeInclusive<u64>),
}

/// What a closing says.
#[derive(Deserialize)]
struct Said {
    outcome: Outcome,
    reason: Option<String>,
}

/// Looks at the entries of a log after `head` up to `moved`, which is where it ends now. At most the open
/// intents are closed there.
pub(super) async fn between(
    store: &mut dyn Store,
    writer: &str,
    head: u64,
    moved: u64,
    open: &BTreeMap<u64, Open>,
) -> Result<Found, StoreError> {
    if moved < head {
        return Ok(Found::Foreign(moved + 1..=head));
    }
    let (mut leaves, mut closed, mut after) = (Vec::new(), Vec::new(), head);
    while after < moved {
        let foreign = Ok(Found::Foreign(after + 1..=moved));
        if !store.may_be_closed() || leaves.len() >= open.len() {
            return foreign;
        }
        let rows = match store.read_after(writer, after, SWEEP_BATCH).await {
            Ok(rows) => rows,
            Err(StoreError::Damaged { .. }) => return foreign,
            Err(error) => return Err(error),
        };
        if rows.first().is_none_or(|row| row.seq > moved) {
            return foreign;
        }
        for row in rows.into_iter().take_while(|row| row.seq <= moved) {
            let closes = row.intent.filter(|_| row.seq == after + 1 && is_closing(&row, open));
            let Some(intent) = closes.filter(|intent| !closed.contains(intent)) else {
                return Ok(Found::Foreign(after + 1..=moved));
            };
            closed.push(intent);
            leaves.push(leaf_hash(&row.doc));
            after = row.seq;
        }
    }
    Ok(Found::Closings(leaves))
}

/// Whether it says of an open intent what another proxy says whose own is gone.
fn is_closing(row: &Stored, open: &BTreeMap<u64, Open>) -> bool {
    let its = row.intent.and_then(|intent| open.get(&intent));
    let said: Option<Said> = serde_json::from_str(&row.doc).ok();
    row.kind == EntryKind::Completion
        && its.is_some_and(|its| its.id == row.id)
        && said.is_some_and(|said| {
            said.outcome == Loss::Writer.outcome()
                && said.reason.as_deref() == Some(Loss::Writer.reason())
        })
}
