//! Answers show what was on record when they were asked for: the search index follows the ledger a
//! moment behind, and whoever reads waits for it, but not for long.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::follow::{Heads, lag};
use crate::index::Index;
use crate::store::LedgerReader;

/// How long a page waits.
pub const PATIENCE: Duration = Duration::from_millis(500);
/// So many times as long an export waits.
pub(super) const MORE_PATIENCE: u32 = 4;
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(10);

/// Whether an answer shows what was on record when it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fresh {
    /// It does.
    Current,
    /// The index has not caught up.
    Behind,
    /// The ledger does not say what is on record.
    Unknown,
}

/// How it stands with the index, after a while that it has to catch up with what is on record at this
/// moment.
pub(super) async fn fresh(
    index: &mut Index,
    ledger: &mut dyn LedgerReader,
    patience: Duration,
) -> Fresh {
    let heads = match timeout(patience, Heads::now(ledger)).await {
        Ok(Ok(heads)) => heads,
        _ => return Fresh::Unknown,
    };
    let caught_up = async {
        while lag(index, &heads).await.ok()? > 0 {
            sleep(LOOK).await;
        }
        Some(())
    };
    match timeout(patience, caught_up).await {
        Ok(Some(())) => Fresh::Current,
        _ => Fresh::Behind,
    }
}
