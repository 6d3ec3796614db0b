//! Sealing in a proxy that runs: what the loop of `seal` needs of it, and where checkpoints go.

mod publish;
mod witness;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::ServerError;
use super::system::{self, SystemEvent};
use crate::api::SealStates;
use crate::config::Config;
use crate::proxy::Shared;
use crate::record::{Outcome, Scope, Written};
use crate::seal::{Keeping, Kept, KeyChange, LogState, ROTATE, Sealed, Sealer, keep};
use crate::store::{LedgerSource, SpoolShared};
use crate::telemetry::Metrics;
use publish::{Item, Publisher, Ways};

/// Checkpoints that may wait to be published. What is more than that is left out: a later one says as
/// much.
const WAITING: usize = 256;
/// How long publishing may take when the process ends.
const ENDING: Duration = Duration::from_secs(2);

/// That the key which signed so far is there, before anything is written.
pub(super) fn require_key(config: &Config) -> Result<(), ServerError> {
    // What cannot be opened yet is made, or told of, once the directory is this process's.
    match Kept::open_read_only(&config.ledger.dir) {
        Ok(Some(kept)) if config.seal.enabled => Ok(kept.require_key(&config.ledger.dir)?),
        _ => Ok(()),
    }
}

/// Sealing, at work.
pub(super) struct Sealing {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Sealing {
    /// Starts it, unless the configuration says otherwise.
    pub(super) async fn start(
        config: &Config,
        shared: Arc<Shared>,
        spool: SpoolShared,
    ) -> Result<Option<(Self, SealStates)>, ServerError> {
        if !config.seal.enabled {
            return Ok(None);
        }
        let sealer = Sealer::open(&config.ledger.dir, config.seal.name.as_deref()).await?;
        if let Some(file) = &config.seal.file
            && let Err(error) = sealer.hold_against(file).await
        {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(%error, cause, "whether the ledger is shorter than what was published is not known");
        }
        let key = sealer.verifier().await?;
        tracing::info!(%key, "checkpoints are signed with this key");
        let written = shared.recorder.written();
        let has_spool = config.ledger.spool.is_some();
        let reached = move || if has_spool { spool.get().drained } else { u64::MAX };
        sealer.attach(Arc::clone(&written), reached).await?;
        let (states, learned) = watch::channel(BTreeMap::new());
        let learning = Learning { states, metrics: Arc::clone(&shared.metrics), written };
        learning.learn(sealer.states().await?);
        let appended = learning.clone();
        // Whoever hears that an entry is on record finds it counted as not sealed yet.
        learning.written.listen(move |_| appended.appended());
        let (items, waiting) = mpsc::channel(WAITING);
        let (ways, unpublished) = Ways::new(&config.seal, Arc::clone(&shared.metrics));
        let publisher = Publisher::new(&config.seal, ways.clone(), sealer.clone());
        let publishing = tokio::spawn(publisher.run(waiting));
        let (stop, stopping) = watch::channel(false);
        let source = config.ledger.source();
        let task = tokio::spawn(run(
            Process { shared, learning, ways, items: Mutex::new(Some(items)) },
            Work { source, sealer, interval: config.seal.interval, stopping },
            publishing,
        ));
        Ok(Some((Self { stop, task }, SealStates { logs: learned, unpublished })))
    }

    /// Seals what is on record, and ends.
    pub(super) async fn end(self) {
        self.stop.send_replace(true);
        if timeout(ENDING * 2, self.task).await.is_err() {
            tracing::debug!("the last entries were not sealed in time");
        }
    }
}

struct Work {
    source: LedgerSource,
    sealer: Sealer,
    interval: Duration,
    stopping: watch::Receiver<bool>,
}

async fn run(process: Process, work: Work, publishing: JoinHandle<()>) {
    let Work { source, sealer, interval, stopping } = work;
    let head = process.shared.recorder.head_watch();
    let clock = Arc::clone(&process.shared.clock);
    keep(&source, sealer, clock, interval, head, stopping, &process).await;
    // The publisher ends when there is nothing left to publish.
    drop(process);
    if timeout(ENDING, publishing).await.is_err() {
        tracing::debug!("the last checkpoints were not published in time");
    }
}

/// The process, as the loop sees it.
struct Process {
    shared: Arc<Shared>,
    learning: Learning,
    ways: Ways,
    items: Mutex<Option<mpsc::Sender<Item>>>,
}

impl Process {
    fn offer(&self, item: Item) {
        let items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        if items.as_ref().is_some_and(|items| items.try_send(item).is_err()) {
            self.ways.count("queue");
        }
    }
}

#[async_trait]
impl Keeping for Process {
    async fn record(&self, change: &KeyChange) -> bool {
        let metadata = json!({
            "old_key": change.old.to_string(),
            "new_key": change.new.to_string(),
            "key_change": change.note,
        });
        let event = SystemEvent {
            verb: ROTATE,
            outcome: Outcome::Success,
            description: "the key that signs checkpoints was replaced",
            reason: None,
        };
        let Ok(entry) = system::entry(&*self.shared.clock, event, Scope::new(), metadata) else {
            return false;
        };
        match self.shared.recorder.event(entry).await {
            Ok(_) => {
                tracing::info!(old = %change.old, new = %change.new, "the signing key was replaced");
                true
            }
            Err(error) => {
                tracing::error!(%error, "the signing key is not replaced, since that is not on record");
                false
            }
        }
    }

    fn publish(&self, sealed: Vec<Sealed>) {
        let metrics = &self.shared.metrics;
        metrics.checkpoints.inc_by(u64::try_from(sealed.len()).unwrap_or(0));
        sealed.into_iter().for_each(|sealed| self.offer(Item::Checkpoint(sealed)));
    }

    fn publish_change(&self, change: &KeyChange) {
        self.offer(Item::KeyChange(change.clone(), self.shared.clock.now()));
    }

    fn learn(&self, states: BTreeMap<String, LogState>) {
        self.learning.learn(states);
    }
}

/// How it stands with each log, for whoever asks.
#[derive(Clone)]
struct Learning {
    states: watch::Sender<BTreeMap<String, LogState>>,
    metrics: Arc<Metrics>,
    written: Arc<Written>,
}

impl Learning {
    fn learn(&self, new: BTreeMap<String, LogState>) {
        self.states.send_modify(|states| {
            *states = new;
            self.count(states);
        });
    }

    /// There is more in the own log.
    fn appended(&self) {
        self.states.send_modify(|states| self.count(states));
    }

    /// What the recorder has written since the states were asked for counts as well.
    fn count(&self, states: &mut BTreeMap<String, LogState>) {
        let own = states.entry(self.written.writer()).or_default();
        own.head = own.head.max(self.written.head());
        let lag: u64 = states.values().map(LogState::unsealed).sum();
        let disagreeing = states.values().filter(|log| log.disagreement.is_some()).count();
        self.metrics.seal_lag.set(i64::try_from(lag).unwrap_or(i64::MAX));
        self.metrics.seal_disagreements.set(i64::try_from(disagreeing).unwrap_or(i64::MAX));
    }
}
