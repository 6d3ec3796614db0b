//! Reading is on record: events about who took what out of the log.

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::log::Log;
use super::origin::Origin;
use super::problem::Problem;
use crate::access::Reader;
use crate::clock::Timestamp;
use crate::export::Snapshot;
use crate::index::View;
use crate::record::{Entry, EntryKind, EventId, Outcome, Scope, canonical};
use crate::recorder::OpenIntent;
use crate::redact::Redacted;

const ACTION: &str = "audit.export";

/// An export that is on record before its first row is given away.
pub(super) struct Exported {
    intent: OpenIntent,
    id: EventId,
    began: Timestamp,
    format: &'static str,
    metadata: Value,
}

/// Who exports what.
pub(super) struct Export<'a> {
    pub(super) reader: &'a Reader,
    pub(super) from: &'a Origin,
    pub(super) format: &'static str,
    pub(super) filters: &'a [(String, String)],
    /// What is shown, if it is known already.
    pub(super) extent: Option<Extent<'a>>,
}

/// What an export shows. It is on record, so that an export which was interrupted can go on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent<'a> {
    /// Up to which entries.
    pub(super) snapshot: &'a Snapshot,
    /// Spans of time are before this.
    pub(super) moment: Timestamp,
    /// The export that it goes on with.
    pub(super) continues: Option<&'a str>,
}

/// An export of earlier on.
pub(super) struct Earlier {
    id: String,
    actor: Value,
    metadata: Value,
    pub(super) snapshot: Snapshot,
    pub(super) moment: Timestamp,
}

impl Earlier {
    /// As an event says it; none where it is no export, or one that nobody can go on with.
    pub(super) fn of(event: &Value) -> Option<Self> {
        (event["action"] == ACTION).then_some(())?;
        let mut metadata = event["metadata"].clone();
        let fields = metadata.as_object_mut()?;
        let snapshot = serde_json::from_value(fields.remove("snapshot")?).ok()?;
        let moment = fields.remove("moment")?.as_str()?.parse().ok()?;
        for name in ["continues", "rows"] {
            fields.remove(name);
        }
        let (id, actor) = (event["id"].as_str()?.to_owned(), event["actor"].clone());
        Some(Self { id, actor, metadata, snapshot, moment })
    }

    /// Its id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Export<'_> {
    /// Filters are what somebody typed: they are redacted as any other text.
    fn metadata(&self, log: &Log) -> Value {
        let clean = |text: &str| (log.redact)(text).into_inner();
        let filter = |(name, value): &(String, String)| json!([clean(name), clean(value)]);
        let scopes = match self.reader.grant().view() {
            View::Everything => Value::Null,
            View::Scopes(scopes) => json!(scopes),
        };
        let mut metadata = json!({
            "format": self.format,
            "filters": self.filters.iter().map(filter).collect::<Vec<_>>(),
            "role": self.reader.grant().role().as_str(),
            "scopes": scopes,
        });
        if let (Value::Object(fields), Some(extent)) = (&mut metadata, self.extent) {
            fields.insert("snapshot".to_owned(), json!(extent.snapshot));
            fields.insert("moment".to_owned(), text(extent.moment).into());
            if let Some(continues) = extent.continues {
                fields.insert("continues".to_owned(), continues.into());
            }
        }
        metadata
    }

    /// Whether this is the same reader, with the same rights, who asks for the same.
    pub(super) fn is_more_of(&self, log: &Log, earlier: &Earlier) -> bool {
        let now = actor(log, self.reader);
        now == earlier.actor && self.metadata(log) == earlier.metadata
    }

    fn document(&self, log: &Log, id: EventId, now: Timestamp, metadata: &Value) -> Value {
        json!({
            "id": id,
            "time": text(now),
            "action": ACTION,
            "category": "audit",
            "description": format!("audit log exported as {}", self.format),
            "actor": actor(log, self.reader),
            "source": self.from.source(),
            "targets": [{"type": "audit"}],
            "scope": {},
            "metadata": metadata,
            "redactions": [],
        })
    }

    /// Records that the export begins. Without that, there must be none.
    pub(super) async fn begin(&self, log: &Log) -> Result<Exported, Problem> {
        let now = log.clock.now();
        let id = EventId::new(now);
        let metadata = self.metadata(log);
        let entry = entry(EntryKind::Intent, id, self.document(log, id, now, &metadata));
        let entry = entry.ok_or_else(Problem::unrecorded)?;
        match log.recorder.intent(entry).await {
            Ok(intent) => Ok(Exported { intent, id, began: now, format: self.format, metadata }),
            Err(error) => {
                tracing::warn!(%error, "an export was refused: it could not be recorded");
                Err(Problem::unrecorded())
            }
        }
    }

    /// Records that the export was refused. The refusal does not depend on it.
    pub(super) async fn refused(&self, log: &Log) {
        let now = log.clock.now();
        let id = EventId::new(now);
        let mut document = self.document(log, id, now, &self.metadata(log));
        if let Value::Object(fields) = &mut document {
            fields.extend(ending(now, now, Outcome::Denied, Some("role")));
            fields.insert("description".to_owned(), "export of the audit log refused".into());
        }
        if let Some(entry) = entry(EntryKind::Completion, id, document) {
            log.later.record(entry).await;
        }
    }
}

impl Exported {
    /// The event's id, by which somebody can go on with it.
    pub(super) fn id(&self) -> EventId {
        self.id
    }

    /// Records how the export ended; false where that is not on record.
    pub(super) async fn end(self, log: &Log, rows: u64, reason: Option<&'static str>) -> bool {
        let Self { intent, id, began, format, mut metadata } = self;
        let outcome = if reason.is_none() { Outcome::Success } else { Outcome::Failure };
        if let Value::Object(metadata) = &mut metadata {
            metadata.insert("rows".to_owned(), rows.into());
        }
        let mut fields = ending(began, log.clock.now(), outcome, reason);
        if reason.is_some() {
            let events = if rows == 1 { "event" } else { "events" };
            let told =
                format!("export of the audit log as {format} broke off after {rows} {events}");
            fields.insert("description".to_owned(), told.into());
        }
        fields.insert("id".to_owned(), json!(id));
        fields.insert("metadata".to_owned(), metadata);
        let Some(entry) = entry(EntryKind::Completion, id, Value::Object(fields)) else {
            return false;
        };
        intent.complete(entry).await.is_ok()
    }
}

/// Who reads, as events say it. What others say of a person is redacted as any other text.
pub(super) fn actor(log: &Log, reader: &Reader) -> Value {
    let is_person = reader.way().is_person();
    let clean = |text: &str| match is_person {
        true => (log.redact)(text).into_inner(),
        false => text.to_owned(),
    };
    json!({
        "type": if is_person { "user" } else { "api" },
        "id": clean(reader.id()),
        "name": clean(reader.name()),
        "auth": reader.way().auth(),
        "verified": true,
    })
}

/// Somebody who is known, and may not read.
pub(super) fn stranger(log: &Log, id: &str, auth: &str) -> Value {
    json!({
        "type": "user",
        "id": (log.redact)(id).into_inner(),
        "auth": auth,
        "verified": true,
    })
}

/// Who reads, or wants to, and from where.
pub(super) struct Notice {
    /// The verb of the action `audit.…`.
    pub(super) verb: &'static str,
    pub(super) description: &'static str,
    /// Somebody who is known, or nobody.
    pub(super) actor: Option<Value>,
    pub(super) from: Origin,
    /// Why it was refused.
    pub(super) reason: Option<&'static str>,
    pub(super) metadata: Value,
}

impl Notice {
    /// Records something that happened at one moment, now or as soon as the ledger works.
    pub(super) async fn record(self, log: &Log) {
        if let Some(entry) = self.entry(log) {
            log.later.record(entry).await;
        }
    }

    /// Records what is not done if that fails; whether it is on record.
    pub(super) async fn record_first(self, log: &Log) -> bool {
        let verb = self.verb;
        let Some(entry) = self.entry(log) else { return false };
        match log.recorder.event(entry).await {
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(%error, verb, "refused: it could not be recorded");
                false
            }
        }
    }

    fn entry(self, log: &Log) -> Option<Entry> {
        let now = log.clock.now();
        let id = EventId::new(now);
        let outcome = if self.reason.is_none() { Outcome::Success } else { Outcome::Denied };
        let nobody = || json!({"type": "anonymous", "verified": false});
        let document = json!({
            "id": id,
            "time": text(now),
            "action": format!("audit.{}", self.verb),
            "category": "audit",
            "description": self.description,
            "actor": self.actor.unwrap_or_else(nobody),
            "source": self.from.source(),
            "targets": [{"type": "audit"}],
            "scope": {},
            "metadata": self.metadata,
            "redactions": [],
        });
        let Value::Object(mut document) = document else { return None };
        document.extend(ending(now, now, outcome, self.reason));
        entry(EntryKind::Completion, id, Value::Object(document))
    }
}

pub(super) fn ending(
    began: Timestamp,
    now: Timestamp,
    outcome: Outcome,
    reason: Option<&'static str>,
) -> serde_json::Map<String, Value> {
    let severity = match outcome {
        Outcome::Success => "info",
        Outcome::Denied => "warn",
        Outcome::Failure | Outcome::Unknown => "fail",
    };
    let duration = now.signed_duration_since(began).num_milliseconds().max(0);
    let fields = json!({
        "completed_at": text(now),
        "duration_ms": duration,
        "outcome": outcome,
        "severity": severity,
        "reason": reason,
        "changes_source": "none",
    });
    match fields {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    }
}

/// Nothing in it was captured: it is what a token's owner asked for, redacted, and who that is.
pub(super) fn entry(kind: EntryKind, id: EventId, document: Value) -> Option<Entry> {
    let doc = canonical(&Redacted::system(document)).ok()?;
    Some(Entry { kind, id, intent: None, scope: Scope::new(), doc })
}

pub(super) fn text(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
