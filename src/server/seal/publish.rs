//! Publishing checkpoints outside of the database: a file, the log, a server, witnesses.
//!
//! Each way has a task of its own, so that none waits for another. Who takes too long gets the newest
//! checkpoint of each log when it is there again, and not all that it missed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::SecondsFormat;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep};

use super::witness;
use crate::clock::Timestamp;
use crate::config::{Seal, SealEndpoint};
use crate::proxy::{Outward, Question};
use crate::seal::{KeyChange, Sealed, Sealer};
use crate::telemetry::{Metrics, ReasonLabel};

/// Of each log, a line in the process's own log at most this often.
const LOG_PAUSE: Duration = Duration::from_secs(60);
/// Items that may wait for one of the ways.
const WAITING: usize = 256;
/// How often a server is asked to take a checkpoint.
const TRIES: u32 = 6;
/// The first pause between two tries; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How long a server may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer of a server that is looked at, in bytes.
const ANSWER_BYTES: usize = 16 * 1024;

/// Something to be published.
#[derive(Debug, Clone)]
pub(super) enum Item {
    /// A checkpoint.
    Checkpoint(Sealed),
    /// Another key has taken over.
    KeyChange(KeyChange, Timestamp),
}

impl Item {
    /// The record as it is published, and read again by `countersign verify --checkpoint`.
    fn record(&self) -> Value {
        match self {
            Self::Checkpoint(Sealed { writer, at, checkpoint }) => json!({
                "time": at.to_rfc3339_opts(SecondsFormat::Millis, true),
                "origin": checkpoint.origin,
                "writer": writer,
                "size": checkpoint.size,
                "root": checkpoint.root.to_string(),
                "checkpoint": checkpoint.note,
            }),
            Self::KeyChange(change, at) => json!({
                "time": at.to_rfc3339_opts(SecondsFormat::Millis, true),
                "old_key": change.old.to_string(),
                "new_key": change.new.to_string(),
                "key_change": change.note,
            }),
        }
    }

    /// What a later item of the same kind makes superfluous.
    fn slot(&self) -> String {
        match self {
            Self::Checkpoint(sealed) => format!("checkpoint {}", sealed.writer),
            Self::KeyChange(change, _) => format!("key {}", change.new),
        }
    }
}

/// Which of the ways work.
#[derive(Clone)]
pub(super) struct Ways {
    metrics: Arc<Metrics>,
    failing: Arc<watch::Sender<BTreeSet<String>>>,
}

impl Ways {
    /// Those of the configuration, of which each is counted from the start: an alert sees a count grow only
    /// from one that it has seen.
    pub(super) fn new(
        settings: &Seal,
        metrics: Arc<Metrics>,
    ) -> (Self, watch::Receiver<BTreeSet<String>>) {
        let ways = [
            ("queue", true),
            ("file", settings.file.is_some()),
            ("endpoint", settings.endpoint.is_some()),
            ("witness", !settings.witnesses.is_empty()),
        ];
        for (reason, _) in ways.iter().filter(|(_, configured)| *configured) {
            drop(metrics.unpublished.get_or_create(&ReasonLabel { reason }));
        }
        let (failing, learned) = watch::channel(BTreeSet::new());
        (Self { metrics, failing: Arc::new(failing) }, learned)
    }

    /// Counts something that did not get somewhere.
    pub(super) fn count(&self, way: &'static str) {
        self.metrics.unpublished.get_or_create(&ReasonLabel { reason: way }).inc();
    }

    /// The last item did not get there. Of several of a kind, `name` says which.
    pub(super) fn failed(&self, way: &'static str, name: &str) {
        self.count(way);
        self.failing.send_if_modified(|failing| failing.insert(named(way, name)));
    }

    /// The last item got there.
    pub(super) fn works(&self, way: &'static str, name: &str) {
        let works = self.failing.send_if_modified(|failing| failing.remove(&named(way, name)));
        if works {
            tracing::info!(way = named(way, name), "checkpoints are published again");
        }
    }
}

fn named(way: &str, name: &str) -> String {
    format!("{way} {name}").trim_end().to_owned()
}

/// All the ways.
pub(super) struct Publisher {
    settings: Seal,
    ways: Ways,
    sealer: Sealer,
}

impl Publisher {
    pub(super) fn new(settings: &Seal, ways: Ways, sealer: Sealer) -> Self {
        Self { settings: settings.clone(), ways, sealer }
    }

    /// Publishes until there is nothing more to come.
    pub(super) async fn run(self, mut items: mpsc::Receiver<Item>) {
        let mut tasks = JoinSet::new();
        let mut slow = Vec::new();
        if let Some(endpoint) = self.settings.endpoint.clone() {
            let (way, items) = mpsc::channel(WAITING);
            tasks.spawn(post_all(endpoint, self.ways.clone(), items));
            slow.push(way);
        }
        for witness in self.settings.witnesses.clone() {
            let (way, items) = mpsc::channel(WAITING);
            let (sealer, ways) = (self.sealer.clone(), self.ways.clone());
            tasks.spawn(witness::ask_all(witness, sealer, ways, items));
            slow.push(way);
        }
        let mut logged = BTreeMap::new();
        while let Some(item) = items.recv().await {
            for way in &slow {
                // A way that is full has newer ones waiting than it could take.
                if way.try_send(item.clone()).is_err() {
                    self.ways.count("queue");
                }
            }
            if self.settings.log {
                log(&item, &mut logged);
            }
            if let Some(path) = self.settings.file.clone() {
                self.append(path, &item).await;
            }
        }
        drop(slow);
        while tasks.join_next().await.is_some() {}
    }

    async fn append(&self, path: PathBuf, item: &Item) {
        let line = format!("{}\n", item.record());
        match spawn_blocking(move || append(&path, &line)).await {
            Ok(Ok(())) => self.ways.works("file", ""),
            Ok(Err(error)) => {
                self.ways.failed("file", "");
                tracing::warn!(%error, "a checkpoint could not be appended to the file of `seal.file`");
            }
            Err(_) => tracing::debug!("the process ends"),
        }
    }
}

fn append(path: &Path, line: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    // What is in it is meant to be read by others, and nothing of it was captured.
    let mut file = options.read(true).append(true).create(true).mode(0o644).open(path)?;
    let line = if is_torn(&mut file)? { format!("\n{line}") } else { line.to_owned() };
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

/// Whether the file ends in the middle of a line, as after a loss of power.
fn is_torn(file: &mut std::fs::File) -> std::io::Result<bool> {
    if !file.metadata()?.is_file() || file.metadata()?.len() == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

fn log(item: &Item, logged: &mut BTreeMap<String, Instant>) {
    let now = Instant::now();
    let slot = item.slot();
    if logged.get(&slot).is_some_and(|last| now.duration_since(*last) < LOG_PAUSE) {
        return;
    }
    logged.insert(slot, now);
    match item {
        Item::Checkpoint(Sealed { checkpoint, .. }) => tracing::info!(
            origin = checkpoint.origin,
            size = checkpoint.size,
            root = %checkpoint.root,
            note = checkpoint.note,
            "checkpoint"
        ),
        Item::KeyChange(change, _) => {
            tracing::info!(old = %change.old, new = %change.new, note = change.note, "key change");
        }
    }
}

/// What waits, without what something newer has made superfluous; none when no more will come.
pub(super) async fn newest(items: &mut mpsc::Receiver<Item>) -> Option<Vec<Item>> {
    let mut newest = BTreeMap::new();
    let first = items.recv().await?;
    newest.insert(first.slot(), first);
    while let Ok(item) = items.try_recv() {
        newest.insert(item.slot(), item);
    }
    Some(newest.into_values().collect())
}

/// Posts to a server, one after the other.
async fn post_all(to: SealEndpoint, ways: Ways, mut items: mpsc::Receiver<Item>) {
    let outward = Outward::default();
    while let Some(newest) = newest(&mut items).await {
        for item in newest {
            match post(&outward, &to, &item, &items).await {
                Ok(()) => ways.works("endpoint", ""),
                Err(problem) => {
                    ways.failed("endpoint", "");
                    tracing::warn!(problem, "a checkpoint could not be posted to `seal.endpoint`");
                }
            }
        }
    }
}

/// Tries some times, and fewer where the process ends.
async fn post(
    outward: &Outward,
    to: &SealEndpoint,
    item: &Item,
    items: &mpsc::Receiver<Item>,
) -> Result<(), String> {
    let mut pause = FIRST_PAUSE;
    let mut tried = 0;
    loop {
        let problem = match outward.ask(question(to, item)).await {
            Ok(reply) if (200..300).contains(&reply.status) => return Ok(()),
            Ok(reply) => format!("the answer has the status {}", reply.status),
            Err(error) => error.to_string(),
        };
        tried += 1;
        if tried >= TRIES || items.is_closed() {
            return Err(problem);
        }
        sleep(pause).await;
        pause *= 2;
    }
}

fn question<'e>(to: &'e SealEndpoint, item: &Item) -> Question<'e> {
    Question {
        endpoint: &to.endpoint,
        body: Some(("application/json", item.record().to_string())),
        authorization: to.token.as_ref().map(|token| format!("Bearer {}", token.expose())),
        limit: ANSWER_BYTES,
        timeout: TIMEOUT,
    }
}
