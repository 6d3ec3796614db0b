//! The completions that the recorder writes itself, for intents that nobody completes.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::aside::Loss;
use super::writer::Open;
use crate::clock::{Clock, Timestamp};
use crate::derive::unseen;
use crate::record::{
    CanonicalError, ChangesSource, Completion, Entry, EntryKind, EventId, Outcome, Scope, Severity,
    SystemEvent, canonical, system_entry,
};
use crate::redact::Redacted;
use crate::store::{Store, StoreError};

/// The note of an outcome whose caller was told that it is not on record.
pub(super) const WITHHELD: &str =
    "recorded late: the response was withheld, and the client answered 503, audit-incomplete";

/// The event that the response of another one was withheld, where that one does not say it. Whoever may see
/// the one may see the other.
pub(super) fn withheld(event: &Open, clock: &dyn Clock) -> Result<Entry, CanonicalError> {
    let description = format!(
        "the response of event {} was withheld: its outcome was on record too late, and its client answered \
         503, audit-incomplete",
        event.id
    );
    let said = SystemEvent {
        verb: "response_withhold",
        outcome: Outcome::Success,
        description: &description,
        reason: None,
    };
    system_entry(clock, said, event.scope.clone(), json!({ "event": event.id }))
}

impl Loss {
    /// The completion's reason, and its label in the metrics.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Exchange => "exchange_lost",
            Self::Completion => "completion_lost",
            Self::Restart => "proxy_restarted",
            Self::Writer => "proxy_lost",
        }
    }

    /// What it says of the request's outcome.
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::NotSent => Outcome::Failure,
            Self::Exchange | Self::Completion | Self::Restart | Self::Writer => Outcome::Unknown,
        }
    }

    fn note(self) -> &'static str {
        match self {
            Self::NotSent => {
                "recorded too late for its client, which had left or was refused: nothing was sent \
                 upstream"
            }
            Self::Exchange => "the exchange ended inside the proxy before its outcome was recorded",
            Self::Completion => "the outcome was known, but the store could not record it in time",
            Self::Restart => "the proxy stopped before the outcome was recorded",
            Self::Writer => {
                "the proxy that sent the request has not been heard of since; another one closed \
                 its record"
            }
        }
    }
}

/// What the intent `seq` says was about to be done.
pub(super) async fn said(
    store: &mut dyn Store,
    writer: &str,
    seq: u64,
) -> Result<Option<String>, StoreError> {
    #[derive(Deserialize)]
    struct Said {
        description: String,
    }
    let rows = match store.read_after(writer, seq.saturating_sub(1), 1).await {
        // What was changed says nothing, and is closed all the same.
        Err(StoreError::Damaged { .. }) => return Ok(None),
        rows => rows?,
    };
    let row = rows.first().filter(|row| row.seq == seq);
    let said: Option<Said> = row.and_then(|row| serde_json::from_str(&row.doc).ok());
    Ok(said.map(|said| said.description))
}

/// The completion of the intent `seq`, which said that `intent` was about to be done. Its duration is counted
/// from the event's arrival, which is in its id.
pub(super) fn closing(
    seq: u64,
    id: EventId,
    scope: Scope,
    loss: Loss,
    intent: Option<&str>,
    now: Timestamp,
) -> Result<Entry, CanonicalError> {
    let completion = Completion {
        id,
        completed_at: now,
        duration_ms: milliseconds_since(id, now),
        upstream_ms: None,
        outcome: loss.outcome(),
        reason: Some(loss.reason().to_owned()),
        severity: Severity::Fail,
        action: None,
        acts: Vec::new(),
        description: intent.map(|intent| unseen(intent, loss.outcome(), loss.reason())),
        detail: BTreeMap::new(),
        targets: None,
        client_gone: false,
        response: None,
        rule: None,
        request_body: None,
        changes: Vec::new(),
        changes_hidden: Vec::new(),
        changes_notes: Vec::new(),
        changes_source: ChangesSource::None,
        redactions: Vec::new(),
        notes: vec![loss.note().to_owned()],
    };
    let doc = canonical(&Redacted::system(completion))?;
    Ok(Entry { kind: EntryKind::Completion, id, intent: Some(seq), scope, doc })
}

fn milliseconds_since(id: EventId, now: Timestamp) -> u64 {
    let arrival = Uuid::from_str(&id.to_string()).ok().and_then(|id| id.get_timestamp());
    let Some((seconds, nanoseconds)) = arrival.map(|time| time.to_unix()) else {
        return 0;
    };
    let arrival_ms =
        seconds.saturating_mul(1000).saturating_add(u64::from(nanoseconds) / 1_000_000);
    u64::try_from(now.timestamp_millis()).unwrap_or(0).saturating_sub(arrival_ms)
}
