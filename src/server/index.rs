//! The search index of a process that runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::config::Ledger;
use crate::follow::follow;
use crate::index::Index;
use crate::telemetry::Metrics;

/// How long to wait before a search index that cannot be opened is tried again.
const INDEX_RETRY: Duration = Duration::from_secs(5);

/// Keeps the search index up to date until the process stops. A broken index never harms the
/// ledger; it is opened again.
pub(super) async fn keep_index(
    ledger: Ledger,
    head: watch::Receiver<u64>,
    metrics: Arc<Metrics>,
    stopping: watch::Receiver<bool>,
) {
    let source = ledger.source();
    loop {
        match Index::open(&ledger.dir).await {
            Ok(mut index) => loop {
                let (head, stopping) = (head.clone(), stopping.clone());
                tokio::select! {
                    () = follow(&source, &mut index, head, stopping, &metrics.index_lag) => {
                        if let Err(error) = index.close().await {
                            tracing::debug!(%error, "the search index was not closed cleanly");
                        }
                        return;
                    }
                    () = Index::found_damaged() => {}
                }
                tracing::warn!("the search index is damaged and is built again");
                if let Err(error) = index.renew(&ledger.dir).await {
                    tracing::warn!(%error, "it cannot be begun anew; will try again");
                    break;
                }
            },
            Err(error) => {
                tracing::warn!(%error, "the search index cannot be opened; will try again")
            }
        }
        if *stopping.borrow() {
            return;
        }
        tokio::time::sleep(INDEX_RETRY).await;
    }
}
