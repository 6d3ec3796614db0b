//! What was done to tokens, by this process or another, goes on record.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use super::log::Log;
use super::problem::Problem;
use super::record::{ending, entry, text};
use crate::access::{Change, Done};
use crate::index::View;
use crate::record::{EntryKind, EventId, Outcome};
use crate::store::StoreError;

/// How often is looked for changes.
const LOOK: Duration = Duration::from_secs(1);
/// Entries that are looked at in one go.
const PAGE: u32 = 500;

/// Records changes as they come, until the process stops.
pub async fn keep_changes(log: Arc<Log>, mut stopping: watch::Receiver<bool>) {
    loop {
        if record_changes(&log).await.is_err() {
            tracing::debug!("changes of tokens could not be recorded yet");
        }
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = sleep(LOOK) => {}
        }
    }
}

/// Records all changes that there are.
pub(super) async fn record_changes(log: &Arc<Log>) -> Result<(), Problem> {
    // One at a time: nothing is recorded twice.
    let _one = log.turns.changes.lock().await;
    loop {
        let changes = log.access(|access, _| access.to_record()).await?;
        if changes.is_empty() {
            return Ok(());
        }
        for change in changes {
            record(log, change).await?;
        }
    }
}

/// A crash or a deadline may have hidden that an earlier try succeeded; then it is found in the ledger.
async fn record(log: &Arc<Log>, change: Change) -> Result<(), Problem> {
    let id = change.id;
    let is_there = match change.tried {
        None => {
            let head = log.recorder.status().head;
            log.access(move |access, _| access.recording(id, head)).await?;
            false
        }
        Some(head) => is_in_ledger(log, id, head).await.map_err(|error| {
            tracing::warn!(%error, "changes of tokens cannot be looked for in the ledger");
            Problem::unrecorded()
        })?,
    };
    if !is_there {
        let document = document(&change, log);
        let entry = entry(EntryKind::Completion, id, document).ok_or_else(Problem::unrecorded)?;
        log.recorder.event(entry).await.map_err(|error| {
            tracing::warn!(%error, "what was done to a token could not be recorded");
            Problem::unrecorded()
        })?;
    }
    log.access(move |access, _| access.recorded(id)).await
}

async fn is_in_ledger(log: &Log, id: EventId, head: u64) -> Result<bool, StoreError> {
    let mut ledger = log.source.reader().await?;
    for writer in ledger.writers().await? {
        let mut after = head;
        loop {
            let entries = ledger.read_after(&writer, after, PAGE).await?;
            let Some(last) = entries.last() else { break };
            after = last.seq;
            if entries.iter().any(|entry| entry.id == id) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn document(change: &Change, log: &Log) -> Value {
    let Change { id, done, at, user, token, .. } = change;
    let (action, description) = match done {
        Done::Made => ("audit.token_create", "token to read the audit log made"),
        Done::Revoked => ("audit.token_revoke", "token to read the audit log revoked"),
    };
    let scopes = match token.grant.view() {
        View::Everything => Value::Null,
        View::Scopes(scopes) => json!(scopes),
    };
    let mut document = json!({
        "id": id,
        "time": text(*at),
        "action": action,
        "category": "audit",
        "description": description,
        // Whoever may write to the ledger's directory may say what they like here.
        "actor": {"type": "user", "id": format!("uid:{user}"), "verified": false},
        "source": {},
        "targets": [{"type": "token", "id": token.id, "name": token.name}],
        "scope": {},
        "metadata": {
            "role": token.grant.role().as_str(),
            "scopes": scopes,
            "expires": token.expires.map(text),
            "recorded_at": text(log.clock.now()),
        },
        "redactions": [],
    });
    if let Value::Object(fields) = &mut document {
        fields.extend(ending(*at, *at, Outcome::Success, None));
    }
    document
}
