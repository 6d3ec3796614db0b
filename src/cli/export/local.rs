//! Events of a ledger that no proxy writes to at present.
//!
//! One process at a time may write to a ledger. That an export begins, and how it ended, are two events
//! of their own, so that no proxy that wants to start has to wait for an export.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use super::super::place::Located;
use super::super::query::open::{Patience, open};
use super::progress::Progress;
use super::{Last, Wanted};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::export::{Encoder, Format, Lines, Pieces, Snapshot, Walk, WalkError};
use crate::index::{Condition, Index, Search};
use crate::query;
use crate::record::{Entry, EntryKind, EventId, Scope, canonical};
use crate::redact::{Engine, Redacted, Seen};
use crate::rules::{self, Pack};
use crate::seal::{Bundler, SealError};
use crate::server::{KEY_FILE, passing_key, read_key};
use crate::store::{LedgerReader, LedgerSource, PostgresOptions, SqliteOptions, Store, StoreError};

/// Who writes what is recorded here.
const WRITER: &str = "command-line";
/// How long the ledger may take to accept an event.
const TIMEOUT: Duration = Duration::from_secs(10);
const BEGAN: &str = "audit.export_begin";
const ENDED: &str = "audit.export";

/// An export that is on record.
pub(super) struct Local {
    located: Located,
    /// What comes before the first event.
    head: Option<Vec<u8>>,
    pieces: Pieces,
    export: String,
    began: Timestamp,
    metadata: Map<String, Value>,
}

/// An export of earlier on.
struct Earlier {
    snapshot: Snapshot,
    moment: Timestamp,
}

impl Local {
    pub(super) async fn begin(
        located: &Located,
        format: Format,
        wanted: &Wanted,
        last: Option<&Last>,
        progress: &mut Progress,
    ) -> anyhow::Result<Self> {
        let (mut ledger, mut index, notes) = open(located, &Patience::DEFAULT).await?;
        for note in notes {
            eprintln!("note: {note}");
        }
        let began = SystemClock.now();
        let earlier = match last {
            Some(last) => Some(earlier(&mut *ledger, &mut index, &last.export).await?),
            None => None,
        };
        let moment = earlier.as_ref().map_or(began, |earlier| earlier.moment);
        let pairs = wanted.filters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let search = query::parse(pairs, moment)?;
        index.freeze().await?;
        if progress.wants_total() {
            progress.total(total(&mut index, &search).await?);
        }
        let (walk, encoder) = match (last, earlier) {
            (Some(last), Some(earlier)) => {
                let event = last.event.clone();
                let walk = Walk::go_on(index, ledger, search, earlier.snapshot, event).await;
                (walk, Encoder::going_on(format, last.rows))
            }
            _ => (Walk::begin(index, ledger, search).await, Encoder::new(format)),
        };
        let walk = walk.map_err(|error| match error {
            WalkError::Moved => {
                anyhow::Error::from(error).context("it cannot go on; begin anew with --force")
            }
            error => error.into(),
        })?;
        let metadata = metadata(&located.dir, wanted, walk.snapshot(), moment, last)?;
        let mut head = Vec::new();
        if last.is_none() {
            encoder.begin(wanted.mark(), &mut head);
        }
        let lines = match format {
            Format::Bundle => {
                let is_all = wanted.filters.is_empty();
                let bundler = bundler(&located.dir, is_all, walk.snapshot(), &mut head)?;
                Lines::Entries(Box::new(bundler))
            }
            _ => Lines::Events(encoder),
        };
        let (located, export) = (located.clone(), String::new());
        let (head, pieces) = (Some(head), Pieces::new(walk, lines));
        let mut local = Self { located, head, pieces, export, began, metadata };
        let description = format!("export of the audit log as {} begun", wanted.format);
        local.export = local.record(BEGAN, &description).await?;
        Ok(local)
    }

    pub(super) fn export(&self) -> &str {
        &self.export
    }

    pub(super) async fn piece(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        if let Some(head) = self.head.take() {
            return Ok(Some(head));
        }
        Ok(self.pieces.next().await?)
    }

    /// Puts on record that all of it was written.
    pub(super) async fn done(mut self, rows: u64) -> anyhow::Result<()> {
        self.metadata.insert("rows".to_owned(), rows.into());
        self.metadata.insert("export".to_owned(), self.export.as_str().into());
        let format = self.metadata.get("format").and_then(Value::as_str).unwrap_or_default();
        let description = format!("audit log exported as {format}");
        self.record(ENDED, &description).await.map(drop)
    }

    /// Appends an event; gives its id.
    async fn record(&self, action: &str, description: &str) -> anyhow::Result<String> {
        let now = SystemClock.now();
        let id = EventId::new(now);
        let time = |time: Timestamp| time.to_rfc3339_opts(SecondsFormat::Millis, true);
        let duration = now.signed_duration_since(self.began).num_milliseconds().max(0);
        let document = json!({
            "id": id,
            "time": time(now),
            "completed_at": time(now),
            "duration_ms": duration,
            "action": action,
            "category": "audit",
            "description": description,
            "actor": {
                "type": "user",
                "id": format!("uid:{}", rustix::process::getuid().as_raw()),
                "verified": false,
            },
            "source": {},
            "targets": [{"type": "audit"}],
            "scope": {},
            "outcome": "success",
            "severity": "info",
            "metadata": self.metadata,
            "redactions": [],
            "changes_source": "none",
        });
        let doc = canonical(&Redacted::system(document))?;
        let entry =
            Entry { kind: EntryKind::Completion, id, intent: None, scope: Scope::new(), doc };
        append(&self.located, entry).await.map(|()| id.to_string())
    }
}

/// What makes a bundle, with its head written.
fn bundler(
    dir: &Path,
    is_all: bool,
    snapshot: &Snapshot,
    piece: &mut Vec<u8>,
) -> anyhow::Result<Bundler> {
    let mut bundler = Bundler::open(dir, snapshot).map_err(|error| match error {
        SealError::NoProof => anyhow::anyhow!(
            "nothing was sealed in `{}`: a proxy seals in its own directory while it runs; name that one \
             with --data, or export through the proxy with --url",
            dir.display()
        ),
        error => error.into(),
    })?;
    if !bundler.covers(snapshot) {
        eprintln!(
            "note: the newest entries are not sealed in `{}`, and will not be proven; a proxy seals them \
             when it runs",
            dir.display()
        );
    }
    bundler.begin(is_all, piece)?;
    Ok(bundler)
}

async fn append(located: &Located, entry: Entry) -> anyhow::Result<()> {
    let dir = located.dir.as_path();
    let opening = match &located.source {
        LedgerSource::Sqlite(dir) => SqliteOptions::new(dir, WRITER, TIMEOUT).opener()(),
        LedgerSource::Postgres(target) => {
            let options = PostgresOptions {
                target: (**target).clone(),
                // Beside a proxy that may have the directory itself.
                dir: dir.join(WRITER),
                writer: WRITER.to_owned(),
                timeout: TIMEOUT,
                dead_after: TIMEOUT,
                silence: Duration::ZERO,
            };
            options.opener()()
        }
    };
    let mut store: Box<dyn Store> = match opening.await {
        Err(error @ (StoreError::Held { .. } | StoreError::Locked { .. })) => {
            return Err(anyhow::Error::from(error).context(format!(
                "the export could not be recorded, since a proxy is at work on this ledger: export \
                 through it, with --url and the address of its reading listener (it prints it when it \
                 starts, http://127.0.0.1:8090 if nothing else was said) and --token-file {}",
                dir.join(crate::access::BOOTSTRAP_FILE).display()
            )));
        }
        Err(error @ StoreError::Denied(_)) => {
            return Err(anyhow::Error::from(error).context(
                "the export could not be recorded, and none is made without that: a login that only \
                 reads cannot record it; export as a member of `countersign_writer`, or through a \
                 proxy with --url and --token-file",
            ));
        }
        opened => opened.context("the export could not be recorded")?,
    };
    let head = store.head(WRITER).await?;
    store.append(WRITER, head + 1, &[entry]).await.context("the export could not be recorded")?;
    store.close().await?;
    Ok(())
}

/// Filters are what somebody typed: they are redacted by the shipped rules.
fn metadata(
    dir: &Path,
    wanted: &Wanted,
    snapshot: &Snapshot,
    moment: Timestamp,
    last: Option<&Last>,
) -> anyhow::Result<Map<String, Value>> {
    let rules =
        rules::load(None, &Pack::DEFAULT).map_err(|problems| anyhow::anyhow!("{problems}"))?;
    let key = match read_key(&dir.join(KEY_FILE)) {
        Ok(key) => key,
        Err(_) => passing_key()?,
    };
    let engine = Engine::new(rules.redaction(), key);
    let clean = |text: &str| engine.text(text, &Seen::default()).into_inner();
    let filters = wanted.filters.iter().map(|(name, value)| json!([clean(name), clean(value)]));
    let mut metadata = Map::new();
    metadata.insert("format".to_owned(), wanted.format.as_str().into());
    metadata.insert("filters".to_owned(), filters.collect());
    metadata.insert("snapshot".to_owned(), json!(snapshot));
    metadata
        .insert("moment".to_owned(), moment.to_rfc3339_opts(SecondsFormat::Millis, true).into());
    if let Some(last) = last {
        metadata.insert("continues".to_owned(), last.export.as_str().into());
    }
    Ok(metadata)
}

/// What the event of an interrupted export says.
async fn earlier(
    ledger: &mut dyn LedgerReader,
    index: &mut Index,
    export: &str,
) -> anyhow::Result<Earlier> {
    let search = Search {
        conditions: vec![Condition::Id(export.to_owned())],
        limit: 1,
        ..Search::default()
    };
    let page = index.search(&search).await?;
    let Some(row) = page.rows.first() else {
        bail!("the interrupted export is not on record in this ledger; begin anew with --force");
    };
    let event = query::whole(ledger, row).await?;
    let said = |name: &str| event.pointer(&format!("/metadata/{name}")).cloned();
    let unusable =
        "the record of the interrupted export is not understood; begin anew with --force";
    let snapshot = said("snapshot").context(unusable)?;
    let snapshot = serde_json::from_value(snapshot).context(unusable)?;
    let moment = said("moment").context(unusable)?;
    let moment = serde_json::from_value(moment).context(unusable)?;
    Ok(Earlier { snapshot, moment })
}

async fn total(index: &mut Index, search: &Search) -> anyhow::Result<u64> {
    let bars = index.histogram(&search.view, &search.conditions, 0, i64::MAX).await?;
    Ok(bars.iter().map(|bar| bar.count).sum())
}
