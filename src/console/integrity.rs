//! Whether the log is what was sealed: the newest checkpoint of each writer, for owners.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::error;
use super::moment::{Moment, grouped};
use super::shell::{Page, Section, Shell, Viewer, render};
use super::shown::Shown;
use crate::api::integrity::{Newest, newest};
use crate::api::{Log, Problem, What};
use crate::clock::Timestamp;
use crate::follow::Heads;
use crate::seal::LogState;

#[derive(Template)]
#[template(path = "integrity.html")]
struct IntegrityPage {
    shell: Shell,
    /// Checkpoints are made here.
    is_on: bool,
    /// Some log is not what was sealed.
    is_wrong: bool,
    logs: Vec<LogView>,
}

impl Page for IntegrityPage {
    fn shell(&self) -> &Shell {
        &self.shell
    }
}

struct LogView {
    writer: Shown,
    entries: String,
    /// Entries that no checkpoint covers.
    unsealed: Option<String>,
    wrong: Option<String>,
    checkpoint: Option<CheckpointView>,
}

struct CheckpointView {
    origin: Shown,
    size: String,
    signed: Moment,
    /// The keys of the log.
    keys: Vec<Shown>,
    witnesses: Vec<Shown>,
    note: Shown,
}

pub(super) async fn page(log: &Arc<Log>, viewer: &Viewer) -> Response {
    if !viewer.is_owner() {
        return error::for_owners(log, viewer, What::Integrity).await;
    }
    match written(log, viewer).await {
        Ok(page) => render(StatusCode::OK, &page),
        Err(problem) => error::page(Some(viewer), &problem),
    }
}

async fn written(log: &Log, viewer: &Viewer) -> Result<IntegrityPage, Problem> {
    let checkpoints = newest(log).await?.unwrap_or_default();
    let mut ledger = log.ledger().await?;
    let heads = Heads::now(&mut *ledger).await.map_err(|error| {
        tracing::error!(%error, "how far the logs reach cannot be told");
        Problem::unavailable("the ledger cannot be read")
    })?;
    let states = log.seal.as_ref().map(|states| states.logs.borrow().clone());
    let logs = views(checkpoints, heads, states.as_ref(), log.clock.now());
    Ok(IntegrityPage {
        shell: Shell::new("Integrity", Section::Integrity, Some(viewer)),
        is_on: states.is_some(),
        is_wrong: logs.iter().any(|log| log.wrong.is_some()),
        logs,
    })
}

fn views(
    checkpoints: Vec<Newest>,
    heads: Heads,
    states: Option<&BTreeMap<String, LogState>>,
    now: Timestamp,
) -> Vec<LogView> {
    let mut newest: BTreeMap<String, Newest> =
        checkpoints.into_iter().map(|newest| (newest.writer.clone(), newest)).collect();
    let mut heads: BTreeMap<String, u64> = heads.0.into_iter().collect();
    // A log of which nothing is left is still missed.
    newest.keys().for_each(|writer| *heads.entry(writer.clone()).or_default() += 0);
    let view = |(writer, head): (String, u64)| {
        let checkpoint = newest.remove(&writer);
        let sealed = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size);
        let state = states.and_then(|states| states.get(&writer));
        let disagreement = state.and_then(|state| state.disagreement);
        LogView {
            writer: Shown::line(&writer),
            entries: entries(head),
            unsealed: Some(head.saturating_sub(sealed)).filter(|count| *count > 0).map(entries),
            wrong: disagreement.map(|disagreement| disagreement.to_string()),
            checkpoint: checkpoint.map(|checkpoint| checkpoint_view(&checkpoint, now)),
        }
    };
    heads.into_iter().map(view).collect()
}

fn entries(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{} entries", grouped(count)) }
}

fn checkpoint_view(checkpoint: &Newest, now: Timestamp) -> CheckpointView {
    let own = format!("{}+", checkpoint.origin);
    let (keys, witnesses) =
        checkpoint.signers.iter().partition::<Vec<_>, _>(|signer| signer.starts_with(&own));
    let shown = |signers: Vec<&String>| signers.into_iter().map(|it| Shown::line(it)).collect();
    CheckpointView {
        origin: Shown::line(&checkpoint.origin),
        size: entries(checkpoint.size),
        signed: Moment::parse(&checkpoint.time, now),
        keys: shown(keys),
        witnesses: shown(witnesses),
        note: Shown::block(&checkpoint.checkpoint),
    }
}
