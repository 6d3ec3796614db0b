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

/// Whether the index lacks what is on record at this moment, after a while that it has to catch up.
pub(super) async fn is_behind(
    index: &mut Index,
    ledger: &mut dyn LedgerReader,
    patience: Duration,
) -> bool {
    let caught_up = async {
        let heads = Heads::now(ledger).await.ok()?;
        while lag(index, &heads).await.ok()? > 0 {
            sleep(LOOK).await;
        }
        Some(())
    };
    !matches!(timeout(patience, caught_up).await, Ok(Some(())))
}
