//! Wiring: builds everything from a checked configuration, runs it, and takes it down in order.
//!
//! Order of stopping: listeners close, requests in flight end (bounded by `timeouts.shutdown`),
//! the index catches up, the recorder drains, the process ends. The recorder has a thread of its
//! own, so that no runtime that goes down can take it along.

mod descriptors;
mod key;
mod listeners;
mod reload;
mod seal;
mod signals;
mod system;
mod threads;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use pingora::connectors::http::Connector;
use pingora::services::Service as _;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::access::{self, Access, AccessError};
use crate::api;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Ledger};
use crate::console;
use crate::follow::follow;
use crate::index::Index;
use crate::problem::Problems;
use crate::proxy::{Budget, Door, Places, Ruled, Shared, Snapshot, UpstreamError, application};
use crate::recorder::{Later, Recorder, RecorderThread, Settings};
use crate::redact::{Engine, FingerprintKey, Seen};
use crate::retain::{self, Given, RetainStatus, Retention};
use crate::rules;
use crate::seal::Orders;
use crate::seal::SealError;
use crate::store::SpoolShared;
use crate::telemetry::Metrics;
use reload::Reloader;
use seal::Sealing;
use signals::Stop;

pub use key::{KEY_FILE, KeyError, key_id, passing_key, read_key};

/// How long a runtime may take to end when nothing is in flight.
const GRACE: Duration = Duration::from_millis(200);
/// How long to wait before a search index that cannot be opened is tried again.
const INDEX_RETRY: Duration = Duration::from_secs(5);
/// How long the search index may take to close.
const INDEX_CLOSING: Duration = Duration::from_secs(1);
/// How long the recorder may take to write what is left.
const DRAIN: Duration = Duration::from_secs(10);

/// Why a server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The rules have problems.
    #[error("the rules cannot be used")]
    Rules(#[source] Problems),
    /// The installation's key cannot be read or made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Who may read cannot be told.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The ledger cannot be opened.
    #[error(transparent)]
    Ledger(#[from] crate::recorder::StartError),
    /// An address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// TLS of a listener cannot be set up.
    #[error("TLS of the listener `{address}` cannot be set up: {reason}")]
    Tls {
        /// The address.
        address: String,
        /// Why.
        reason: String,
    },
    /// An upstream cannot be set up.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// Nothing can be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The operating system refused a thread.
    #[error("no runtime can be started")]
    Runtime(#[source] std::io::Error),
}

/// A server that runs.
pub struct Server {
    proxy: Runtime,
    side: Runtime,
    reading: Runtime,
    shared: Arc<Shared>,
    recorder: RecorderThread,
    index: Option<(watch::Sender<bool>, JoinHandle<()>)>,
    sealing: Option<Sealing>,
    stop: watch::Sender<bool>,
    signals: Stop,
    shutdown: Duration,
    retain_status: RetainStatus,
    spool: SpoolShared,
    later: Arc<Later>,
}

impl Server {
    /// Starts everything; when this returns, clients are served. `file` is the configuration's
    /// file, which is then watched.
    pub fn start(mut config: Config, file: Option<PathBuf>) -> Result<Self, ServerError> {
        let started_with = config.clone();
        descriptors::raise(config.limits.connections);
        pingora::tls::install_default_crypto_provider();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let metrics = Arc::new(Metrics::default());
        let kept = key::load_or_create(&config.ledger.dir)?;
        let ruled = ruled(&config, kept.key.clone()).map_err(ServerError::Rules)?;
        let reading = listeners::bind(&config.reading.address.to_string())?;
        config.reading.address = listeners::local_address(&reading)?;
        listeners::probe(&mut config.listeners)?;
        let proxy = threads::requests(config.threads)?;
        let side = threads::side()?;
        let reading_runtime = threads::reading()?;
        // From here on no signal ends the process unasked.
        let signals = side.block_on(async { signals::Signals::listen() });
        let signals::Signals { stop: stop_signals, hangup } =
            signals.map_err(ServerError::Runtime)?;
        let spool = SpoolShared::default();
        seal::require_key(&config)?;
        let (recorder, recorder_thread) = start_recorder(&config, &clock, &metrics, spool.clone())?;
        let replaced = kept.replaced(recorder.status().head > 0);
        let access = open_access(&config.ledger.dir, &*clock)?;
        let ways = api::Ways::of(&config.reading).map_err(AccessError::Random)?;
        let (stop, stopping) = watch::channel(false);
        let (retire, retired) = watch::channel(false);
        let first = Snapshot::start(config.clone(), ruled, &metrics, retired, None);
        let snapshot = side.block_on(first)?;
        let shared = Arc::new(Shared {
            snapshot: ArcSwap::from_pointee(snapshot),
            recorder,
            connector: Connector::new(None),
            clock,
            metrics,
            budget: Budget::new(config.limits.captured_bytes),
            in_flight: Arc::default(),
        });
        let shutdown = config.timeouts.shutdown;
        let ledger = &config.ledger;
        let later = Later::new(shared.recorder.clone(), ledger.source(), &ledger.writer);
        let mut server = Self {
            later: Arc::new(later),
            proxy,
            side,
            reading: reading_runtime,
            shared,
            recorder: recorder_thread,
            index: None,
            sealing: None,
            stop,
            spool,
            signals: stop_signals,
            shutdown,
            retain_status: RetainStatus::default(),
        };
        server.listen(&config, &stopping)?;
        server.note("start", "countersign started");
        server.note_key(replaced, &kept);
        let sealing = Sealing::start(&config, Arc::clone(&server.shared), server.spool.clone());
        let (sealing, states) = server.side.block_on(sealing)?.unzip();
        server.sealing = sealing;
        let reloader = Reloader {
            shared: Arc::clone(&server.shared),
            file,
            started_with,
            stopping: stopping.clone(),
            retire,
            hangup,
        };
        server.attend(reloader, reading, (access, ways), states, stopping);
        Ok(server)
    }

    /// The configuration in force, with the ports that the system chose where it says 0.
    pub fn config(&self) -> Config {
        self.shared.snapshot.load().config.clone()
    }

    /// Opens the proxy's listeners.
    fn listen(&self, config: &Config, stopping: &watch::Receiver<bool>) -> Result<(), ServerError> {
        let app = application(Arc::clone(&self.shared), &config.timeouts);
        let places = Places::new(config.limits.connections);
        for listener in &config.listeners {
            let door = Door::new(
                Arc::clone(&app),
                Arc::clone(&places),
                Arc::clone(&self.shared.metrics),
                &config.limits,
                &config.timeouts,
                listener.http2,
            );
            let mut service = listeners::service(listener, door)?;
            let stopping = stopping.clone();
            let running =
                self.proxy.spawn(async move { service.start_service(None, stopping, 1).await });
            self.side.block_on(listeners::opened(&listener.address, &running))?;
        }
        Ok(())
    }

    /// Starts what stands beside the proxy: the reading listener, the index, reload.
    fn attend(
        &mut self,
        reloader: Reloader,
        reading: TcpListener,
        (access, ways): (Access, api::Ways),
        seal: Option<api::SealStates>,
        stopping: watch::Receiver<bool>,
    ) {
        let budget = Arc::clone(&self.shared.budget);
        let operations = api::Operations {
            recorder: self.shared.recorder.clone(),
            metrics: Arc::clone(&self.shared.metrics),
            captured_bytes: Arc::new(move || budget.used()),
            seal: seal.clone(),
            retention: self.retain_status.clone(),
            spool: self.spool.clone(),
            stopping: stopping.clone(),
        };
        let shared = Arc::clone(&self.shared);
        let later = Arc::clone(&self.later);
        let log = Arc::new(api::Log {
            dir: reloader.started_with.ledger.dir.clone(),
            source: reloader.started_with.ledger.source(),
            spool: self.spool.clone(),
            access: access.into(),
            ways,
            clock: Arc::clone(&self.shared.clock),
            recorder: self.shared.recorder.clone(),
            later: Arc::clone(&later),
            metrics: Arc::clone(&self.shared.metrics),
            redact: Box::new(move |text| {
                shared.snapshot.load().engine.text(text, &Seen::default())
            }),
            seal,
            stopping: stopping.clone(),
            fleet: Mutex::default(),
            turns: api::Turns::default(),
            patience: api::PATIENCE,
        });
        let shared = Arc::clone(&self.shared);
        let settings: console::Settings = Arc::new(move || {
            let now = shared.snapshot.load();
            let (config, events) = (now.config.clone(), Arc::clone(&now.events));
            let redaction = now.engine.rules();
            let redaction = redaction.map(|(id, action, own)| (id.to_owned(), action, own));
            console::InForce {
                config,
                events,
                redaction: redaction.collect(),
                actors: now.actor_rules(),
                ruleset: now.ruleset.clone(),
            }
        });
        let router = api::router(operations, Arc::clone(&log))
            .merge(console::router(Arc::clone(&log), settings));
        self.reading.spawn(api::keep_changes(Arc::clone(&log), stopping.clone()));
        let ending = stopping.clone();
        self.side.spawn(async move { later.keep(ending).await });
        let (ending, trusted) = (stopping.clone(), reloader.started_with.trusted_proxies.clone());
        self.reading.spawn(async move {
            if let Err(error) = api::serve(reading, router, &trusted, ending).await {
                tracing::error!(%error, "the reading listener failed");
            }
        });
        let ledger = reloader.started_with.ledger.clone();
        let head = self.shared.recorder.head_watch();
        let metrics = Arc::clone(&self.shared.metrics);
        let (stop, stopping) = watch::channel(false);
        self.index = Some((stop, self.side.spawn(keep_index(ledger, head, metrics, stopping))));
        self.side.spawn(self.retention(&reloader));
        self.side.spawn(reloader.run());
    }

    /// Keeps to the policy in force, beside everything else.
    fn retention(&self, reloader: &Reloader) -> impl Future<Output = ()> + Send + use<> {
        let ledger = &reloader.started_with.ledger;
        let (recorder, clock) = (self.shared.recorder.clone(), Arc::clone(&self.shared.clock));
        let orders = Orders::new(&ledger.dir);
        let retention = Retention::new(ledger.source(), recorder, clock, orders);
        let shared = Arc::clone(&self.shared);
        let policy = move || shared.snapshot.load().config.retention.clone();
        let metrics = Arc::clone(&self.shared.metrics);
        let (dir, status) = (ledger.dir.clone(), self.retain_status.clone());
        retain::keep_to(retention, policy, dir, status, metrics, reloader.stopping.clone())
    }

    /// Waits for a signal to stop, then stops.
    pub fn run_until_signal(mut self) {
        let signal = self.side.block_on(self.signals.next());
        tracing::info!(signal, in_flight = self.shared.in_flight.count(), "stopping");
        self.stop();
    }

    /// Stops in order: no new connections, what is in flight ends, the recorder drains. A second
    /// signal ends the waiting for what is in flight.
    pub fn stop(mut self) {
        self.stop.send_replace(true);
        let landed = self.side.block_on(async {
            tokio::select! {
                () = self.shared.in_flight.landed() => true,
                () = tokio::time::sleep(self.shutdown) => false,
                _ = self.signals.next() => false,
            }
        });
        if !landed {
            let left = self.shared.in_flight.count();
            tracing::warn!(
                left,
                "requests still in flight are cut off; their outcome is recorded as unknown"
            );
        }
        self.note("stop", "countersign stopped");
        if let Some(sealing) = self.sealing.take() {
            self.side.block_on(sealing.end());
        }
        if let Some((stop, index)) = self.index.take() {
            stop.send_replace(true);
            let closed = self.side.block_on(async { timeout(INDEX_CLOSING, index).await });
            if !matches!(closed, Ok(Ok(()))) {
                tracing::debug!("the search index was not closed in time");
            }
        }
        self.proxy.shutdown_timeout(GRACE);
        self.reading.shutdown_timeout(GRACE);
        self.side.shutdown_timeout(GRACE);
        // The recorder ends when nobody is left who could give it something.
        drop((self.shared, self.later));
        match self.recorder.join(DRAIN) {
            Ok(()) => tracing::info!("stopped"),
            Err(error) => tracing::error!(%error, "the recorder did not end in time"),
        }
    }
}

/// Opens the database of tokens, and makes a first one where there has been none.
fn open_access(dir: &Path, clock: &dyn Clock) -> Result<Access, ServerError> {
    let mut access = Access::open(dir)?;
    if let Some(file) = access::bootstrap(&mut access, dir, clock.now())? {
        tracing::info!(file = %file.display(), "a first token to read the log was made");
    }
    Ok(access)
}

/// Opens the ledger and starts its one writer.
fn start_recorder(
    config: &Config,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
    spool: SpoolShared,
) -> Result<(Recorder, RecorderThread), ServerError> {
    let Ledger { timeout, queue, batch, sweep_interval, .. } = &config.ledger;
    let settings = Settings {
        timeout: *timeout,
        queue: *queue,
        batch: *batch,
        sweep_interval: *sweep_interval,
    };
    let opener = config.ledger.spooling_opener(spool);
    Ok(Recorder::start(opener, settings, Arc::clone(clock), Arc::clone(metrics))?)
}

/// Keeps the search index up to date until the process stops. A broken index never harms the
/// ledger; it is opened again.
async fn keep_index(
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

/// What the rules that a configuration names come to.
fn ruled(config: &Config, key: FingerprintKey) -> Result<Ruled, Problems> {
    let rules = rules::load(config.rules_dir.as_deref(), &config.packs)?;
    let events = rules.events();
    let mistakes = config.retention.doubts(&Given::of(&events)).mistakes;
    if !mistakes.is_empty() {
        return Err(Problems(mistakes));
    }
    Ok(Ruled {
        engine: Engine::new(rules.redaction(), key),
        events,
        ruleset: rules.digest().to_owned(),
        actors: rules.actors(),
        reads: rules.reads().to_vec(),
    })
}
