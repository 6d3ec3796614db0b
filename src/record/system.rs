//! Events that countersign writes about itself: the audit log audits itself.

use serde_json::{Value, json};

use super::{CanonicalError, Entry, EntryKind, EventId, Outcome, Scope, Severity, canonical};
use crate::clock::Clock;
use crate::redact::Redacted;

/// Something that happened to countersign itself.
#[derive(Debug, Clone, Copy)]
pub struct SystemEvent<'a> {
    /// The verb of the action `audit.…`.
    pub verb: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// One sentence.
    pub description: &'a str,
    /// Closed-set reason of a failure.
    pub reason: Option<&'static str>,
}

/// The event as an entry, for those who see this scope. Its metadata says nothing but what countersign knows
/// of itself.
pub fn system_entry(
    clock: &dyn Clock,
    event: SystemEvent<'_>,
    scope: Scope,
    metadata: Value,
) -> Result<Entry, CanonicalError> {
    let now = clock.now();
    let id = EventId::new(now);
    let time = now.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let severity = match event.outcome {
        Outcome::Success => Severity::Info,
        Outcome::Denied => Severity::Warn,
        Outcome::Failure | Outcome::Unknown => Severity::Fail,
    };
    let document = json!({
        "id": id,
        "time": time,
        "completed_at": time,
        "duration_ms": 0,
        "action": format!("audit.{}", event.verb),
        "category": "audit",
        "description": event.description,
        "actor": {"type": "system", "id": "countersign", "verified": true},
        "source": {},
        "targets": [{"type": "audit"}],
        "scope": scope,
        "outcome": event.outcome,
        "severity": severity,
        "reason": event.reason,
        "metadata": metadata,
        "redactions": [],
        "changes_source": "none",
    });
    let doc = canonical(&Redacted::system(document))?;
    Ok(Entry { kind: EntryKind::Completion, id, intent: None, scope, doc })
}
