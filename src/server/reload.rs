//! Reload on SIGHUP and when a file changes: all or nothing, the old set stays on an error, and
//! either way it is on record. What cannot be put on record does not come into force; it is tried again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pingora::listeners::tls::Acceptor;
use serde_json::json;
use tokio::signal::unix::Signal;
use tokio::sync::watch;

use super::listeners::Secured;
use super::ruled;
use super::system::{self, SystemEvent};
use crate::config::{self, Config, Upstream};
use crate::problem::Problems;
use crate::proxy::{Shared, Snapshot};
use crate::record::{Outcome, Scope};
use crate::telemetry::ReasonLabel;

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What keeps a running process up to date.
pub(super) struct Reloader {
    pub shared: Arc<Shared>,
    /// The configuration's file; none when it came from the command line.
    pub file: Option<PathBuf>,
    /// Of the listeners.
    pub certificates: Vec<Secured>,
    /// What the configuration was at the start: some settings cannot change while it runs.
    pub started_with: Config,
    pub stopping: watch::Receiver<bool>,
    /// Ends what a replaced snapshot had in its background.
    pub retire: watch::Sender<bool>,
    /// SIGHUP.
    pub hangup: Signal,
}

impl Reloader {
    /// Watches until the process stops.
    pub(super) async fn run(mut self) {
        let mut seen = self.fingerprints();
        // What is still to be put on record, and done.
        let mut owed = None;
        loop {
            let mut stopping = self.stopping.clone();
            let stopped = async move { stopping.wait_for(|stopping| *stopping).await.is_ok() };
            tokio::select! {
                _ = stopped => return,
                _ = self.hangup.recv() => {
                    seen = self.fingerprints();
                    owed = self.reload("SIGHUP", owed).await;
                }
                () = tokio::time::sleep(LOOK) => {
                    let now = self.fingerprints();
                    if now != seen || owed.is_some() {
                        seen = now;
                        owed = self.reload(owed.unwrap_or("a file changed"), owed).await;
                    }
                }
            }
        }
    }

    /// Length and time of every file that the configuration depends on.
    fn fingerprints(&self) -> BTreeMap<PathBuf, (u64, Option<SystemTime>)> {
        let mut files: Vec<PathBuf> = self.file.iter().cloned().collect();
        let snapshot = self.shared.snapshot.load();
        if let Some(dir) = &snapshot.config.rules_dir {
            files.extend(listing(dir));
        }
        files.extend(snapshot.rule_reads.iter().cloned());
        files.extend(self.certificates.iter().flat_map(Secured::files).map(Path::to_owned));
        files.extend(snapshot.config.upstreams.values().flat_map(of_upstream).cloned());
        files
            .into_iter()
            .filter_map(|file| {
                let metadata = fs::metadata(&file).ok()?;
                Some((file, (metadata.len(), metadata.modified().ok())))
            })
            .collect()
    }

    /// Returns why, if that is not on record and so to be done again, as `owed` was.
    async fn reload(
        &mut self,
        why: &'static str,
        owed: Option<&'static str>,
    ) -> Option<&'static str> {
        let before = self.shared.snapshot.load_full();
        let metadata = |config: &str, rules: &str| {
            json!({
                "why": why,
                "config_before": before.config.version,
                "config_after": config,
                "ruleset_before": before.ruleset,
                "ruleset_after": rules,
            })
        };
        let built = self.build().await;
        let (event, metadata) = match &built {
            Ok(Built { snapshot, .. }) => {
                let metadata = metadata(&snapshot.config.version, &snapshot.ruleset);
                let event = SystemEvent {
                    verb: "reload",
                    outcome: Outcome::Success,
                    description: "configuration and rules reloaded",
                    reason: None,
                };
                (event, metadata)
            }
            Err(problems) => {
                if owed.is_none() {
                    tracing::error!(
                        why,
                        "the new configuration or rules have problems; the old ones stay in force:\n{}",
                        problems.text
                    );
                }
                let event = SystemEvent {
                    verb: "reload",
                    outcome: Outcome::Failure,
                    description: "configuration and rules not reloaded: the new ones have problems, the old ones stay in force",
                    reason: Some("invalid_configuration"),
                };
                let mut metadata = metadata(&before.config.version, &before.ruleset);
                if let (Some(count), Some(fields)) = (problems.count, metadata.as_object_mut()) {
                    fields.insert("problems".to_owned(), count.into());
                }
                (event, metadata)
            }
        };
        let recorded = self.record(event, metadata).await;
        let result = match (&built, &recorded) {
            (_, Err(_)) => "unrecorded",
            (Ok(_), Ok(())) => "reloaded",
            (Err(_), Ok(())) => "refused",
        };
        if owed.is_none() || recorded.is_ok() {
            self.shared.metrics.reloads.get_or_create(&ReasonLabel { reason: result }).inc();
        }
        match recorded {
            Ok(()) => {
                if let Ok(built) = built {
                    self.put_in_force(built);
                    tracing::info!(why, "configuration and rules were reloaded");
                }
                None
            }
            Err(error) => {
                if owed.is_none() {
                    tracing::error!(
                        error,
                        "the reload could not be recorded; the old configuration and rules stay in \
                         force until it can"
                    );
                }
                Some(why)
            }
        }
    }

    fn put_in_force(&mut self, Built { snapshot, retire, acceptors }: Built) {
        self.shared.snapshot.store(Arc::new(snapshot));
        for (secured, acceptor) in self.certificates.iter().zip(acceptors) {
            secured.renew(acceptor);
        }
        // What the old snapshot had in its background ends now.
        self.retire.send_replace(true);
        self.retire = retire;
    }

    async fn record(
        &self,
        event: SystemEvent<'_>,
        metadata: serde_json::Value,
    ) -> Result<(), String> {
        let entry = system::entry(&*self.shared.clock, event, Scope::new(), metadata);
        let entry = entry.map_err(|error| error.to_string())?;
        let recorded = self.shared.recorder.event(entry).await;
        recorded.map(drop).map_err(|error| error.to_string())
    }

    /// What the files say by now, and what ends its background.
    async fn build(&self) -> Result<Built, Refusal> {
        let config = match &self.file {
            Some(file) => {
                require_rereadable(file)?;
                config::load(file)?
            }
            None => self.started_with.clone(),
        };
        for setting in config::reload_diff(&self.started_with, &config) {
            tracing::warn!(setting, "this setting changes only with a restart");
        }
        let config = config::reloaded(&self.started_with, config);
        let before = self.shared.snapshot.load_full();
        let key = before.engine.key().clone();
        let ruled = ruled(&config, key)?;
        let (retire, retired) = watch::channel(false);
        let snapshot = Snapshot::start(config, ruled, &self.shared.metrics, retired, Some(&before))
            .await
            .map_err(|error| Refusal::of(error.to_string()))?;
        let acceptors = self.certificates.iter().map(Secured::renewed).collect::<Result<_, _>>();
        let acceptors = acceptors.map_err(|error| Refusal::of(error.to_string()))?;
        Ok(Built { snapshot, retire, acceptors })
    }
}

/// What comes into force together.
struct Built {
    snapshot: Snapshot,
    /// Ends what the snapshot has in its background.
    retire: watch::Sender<bool>,
    /// For the listeners' certificates, in their order.
    acceptors: Vec<Arc<Acceptor>>,
}

fn of_upstream(upstream: &Upstream) -> impl Iterator<Item = &PathBuf> {
    let tls = upstream.tls.iter();
    tls.flat_map(|tls| {
        let pair = tls.client_certificate.iter().flat_map(|(chain, key)| [chain, key]);
        tls.ca.iter().chain(pair)
    })
}

/// Why nothing is reloaded.
struct Refusal {
    /// For the log: it names files of the operator and what is wrong with them.
    text: String,
    /// How many problems there are, where they were counted.
    count: Option<usize>,
}

impl Refusal {
    fn of(text: String) -> Self {
        Self { text, count: None }
    }
}

impl From<Problems> for Refusal {
    fn from(problems: Problems) -> Self {
        Self { text: problems.to_string(), count: Some(problems.0.len()) }
    }
}

/// A pipe (`--config <(…)`) can be read once; to open it again would wait for a writer, and with it
/// everything else of this thread, the stop included.
fn require_rereadable(file: &Path) -> Result<(), Refusal> {
    if fs::metadata(file).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
        return Err(Refusal::of(format!(
            "{}: is no regular file, and cannot be read a second time\n  remedy: put the \
             configuration into a file to be able to reload it",
            file.display()
        )));
    }
    Ok(())
}

fn listing(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect()
}
