//! An event in a list: what the index knows of it, in the shape of the event.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use schemars::JsonSchema;
use serde::Serialize;

use crate::index::Row;

/// The outcome of an event that has none yet.
pub const PENDING: &str = "pending";

/// One event, or one act of an event, as lists show it. What is not known is left out. The
/// whole event is found by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// The event's id.
    pub id: String,
    /// Which of several acts of the event this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<SummaryAct>,
    /// When the request arrived: RFC 3339, UTC, milliseconds.
    pub time: String,
    /// `noun.verb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// One sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who acted.
    pub actor: SummaryActor,
    /// Upon what.
    pub targets: Vec<SummaryTarget>,
    /// Who may see it.
    pub scope: BTreeMap<String, String>,
    /// `success`, `failure`, `denied`, `unknown`, or `pending` while there is none.
    pub outcome: String,
    /// `info`, `warn` or `fail`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// A machine-readable reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The request's own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// From where.
    pub source: SummarySource,
    /// The request.
    pub request: SummaryRequest,
    /// The response's status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// From arrival to outcome, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// One of several acts of an event, as events of exports have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SummaryAct {
    /// From 1 on.
    pub number: u32,
    /// So many acts the event has.
    pub of: u32,
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SummaryActor {
    /// `user`, `system`, `api`, `webhook`, `agent` or `anonymous`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The id by which the application knows the actor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The actor's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The actor's e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The fingerprint of the credential by which they acted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Who acts was proved, not only claimed.
    pub verified: bool,
}

/// What was acted upon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SummaryTarget {
    /// The type of the resource.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(default)]
    pub id: String,
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(default)]
    pub name: String,
}

/// Where the request came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SummarySource {
    /// The client's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// The request in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SummaryRequest {
    /// The method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl From<Row> for Summary {
    fn from(row: Row) -> Self {
        let time = DateTime::from_timestamp_millis(row.time_ms).unwrap_or_default();
        let target = |target: crate::index::IndexedTarget| SummaryTarget {
            kind: target.kind,
            id: target.id,
            name: target.name,
        };
        Self {
            id: row.id,
            act: (row.act > 0).then_some(SummaryAct { number: row.act, of: row.acts }),
            time: time.to_rfc3339_opts(SecondsFormat::Millis, true),
            action: row.action,
            category: row.category,
            description: row.description,
            actor: SummaryActor {
                kind: row.actor_type,
                id: row.actor_id,
                name: row.actor_name,
                email: row.actor_email,
                credential: row.actor_credential,
                verified: row.actor_verified,
            },
            targets: row.targets.into_iter().map(target).collect(),
            scope: row.scope,
            outcome: row.outcome.unwrap_or_else(|| PENDING.to_owned()),
            severity: row.severity,
            reason: row.reason,
            request_id: row.request_id,
            source: SummarySource { ip: row.source_ip },
            request: SummaryRequest { method: row.method, path: row.path },
            status: row.status,
            duration_ms: row.duration_ms,
        }
    }
}
