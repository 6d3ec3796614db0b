//! One event as the index knows it, made of one or two ledger entries: a row, or a row an act.

use std::collections::BTreeMap;

use chrono::DateTime;
use serde::{Deserialize, Serialize};

use super::metadata::{HeaderTexts, Texts};
use super::terms;
use crate::record::{EntryKind, EventId, Stored};

/// Text of one event that can be searched, in bytes.
const TEXT_BYTES: usize = 16 * 1024;

/// Rows of one event. What is recorded has no more acts.
const ACTS_MAX: usize = 1000;

/// A copy of an event's fields. What the documents do not say is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Which proxy wrote it.
    pub writer: String,
    /// Where the event begins in that writer's log.
    pub seq: u64,
    /// Which of several acts it is, from 1 on; 0 for an event that is one thing.
    pub act: u32,
    /// How many acts the event has; 0 for an event that is one thing.
    pub acts: u32,
    /// Where it ends: `None` while it is pending, `seq` itself for an event of one entry.
    pub completion: Option<u64>,
    /// The event's id.
    pub id: String,
    /// When the request arrived, in milliseconds since 1970.
    pub time_ms: i64,
    /// `noun.verb`.
    pub action: Option<String>,
    /// The area.
    pub category: Option<String>,
    /// One sentence for people.
    pub description: Option<String>,
    /// What kind of actor.
    pub actor_type: Option<String>,
    /// The actor's id.
    pub actor_id: Option<String>,
    /// The actor's name.
    pub actor_name: Option<String>,
    /// The actor's e-mail address.
    pub actor_email: Option<String>,
    /// The fingerprint of the credential by which they acted.
    pub actor_credential: Option<String>,
    /// Who acts was proved, not only claimed.
    pub actor_verified: bool,
    /// The client's address.
    pub source_ip: Option<String>,
    /// How it ended; `None` while it is pending.
    pub outcome: Option<String>,
    /// How much it should worry.
    pub severity: Option<String>,
    /// A machine-readable reason.
    pub reason: Option<String>,
    /// What was acted upon.
    pub targets: Vec<IndexedTarget>,
    /// Who may see it.
    pub scope: BTreeMap<String, String>,
    /// From `x-request-id`.
    pub request_id: Option<String>,
    /// The method.
    pub method: Option<String>,
    /// The path, redacted.
    pub path: Option<String>,
    /// The route template of a request with an intent.
    pub route: Option<String>,
    /// The rule that named it.
    pub rule: Option<String>,
    /// The response's status code.
    pub status: Option<u16>,
    /// From arrival to outcome, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Words of bodies, headers, query and changes: each once, with spaces between them. Of several
    /// acts the first one has them.
    pub words: String,
}

/// A target. What is not known is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexedTarget {
    /// The type of the resource.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// What is read of a document; everything else in it is skipped.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Doc {
    time: Option<String>,
    completed_at: Option<String>,
    duration_ms: Option<u64>,
    action: Option<String>,
    acts: Vec<ActDoc>,
    category: Option<String>,
    description: Option<String>,
    actor: Option<ActorDoc>,
    targets: Option<Vec<IndexedTarget>>,
    source: Option<SourceDoc>,
    request: Option<RequestDoc>,
    response: Option<ResponseDoc>,
    outcome: Option<String>,
    severity: Option<String>,
    reason: Option<String>,
    request_id: Option<String>,
    rule: Option<String>,
    changes: Texts,
    detail: Texts,
    metadata: Texts,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct ActDoc {
    action: Option<String>,
    category: Option<String>,
    description: Option<String>,
    outcome: Option<String>,
    reason: Option<String>,
    severity: Option<String>,
    targets: Vec<IndexedTarget>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct ActorDoc {
    #[serde(rename = "type")]
    kind: Option<String>,
    id: Option<String>,
    name: Option<String>,
    email: Option<String>,
    verified: bool,
    credential: Option<String>,
    claimed: Texts,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct SourceDoc {
    ip: Option<String>,
    user_agent: Texts,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct RequestDoc {
    method: Option<String>,
    path: Option<String>,
    route: Option<String>,
    query: Texts,
    headers: HeaderTexts,
    body: Texts,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct ResponseDoc {
    status: Option<u16>,
    headers: HeaderTexts,
    body: Texts,
}

impl Row {
    /// The rows that begin with `entry`: an intent, or an event of one entry.
    pub(super) fn begin(entry: &Stored) -> Vec<Self> {
        let mut row = Self {
            writer: entry.writer.clone(),
            seq: entry.seq,
            id: entry.id.to_string(),
            scope: serde_json::from_str(&entry.scope).unwrap_or_default(),
            ..Self::default()
        };
        let mut doc = read(entry);
        row.time_ms = doc
            .time
            .as_deref()
            .or(doc.completed_at.as_deref())
            .and_then(milliseconds)
            .unwrap_or_else(|| milliseconds_of_id(entry.id));
        let acts = std::mem::take(&mut doc.acts);
        row.take(doc);
        if entry.kind == EntryKind::Completion {
            row.completion = Some(entry.seq);
            // A rejection is no mutation.
            row.route = None;
        }
        row.split(acts)
    }

    /// Adds the completion of the intent that the rows began with. What it says wins: its acts take
    /// the place of those that there are, and without acts it speaks of each of them.
    pub(super) fn complete(rows: Vec<Self>, entry: &Stored) -> Vec<Self> {
        let mut doc = read(entry);
        let acts = std::mem::take(&mut doc.acts);
        let scope = serde_json::from_str::<BTreeMap<_, _>>(&entry.scope).unwrap_or_default();
        let own = rows.len();
        let docs = std::iter::repeat_n(doc, own);
        let completed = rows.into_iter().zip(docs).map(|(mut row, mut doc)| {
            if own > 1 && acts.is_empty() {
                (doc.action, doc.description, doc.targets) = (None, None, None);
            }
            row.take(doc);
            if row.act > 1 {
                row.words.clear();
            }
            row.completion = Some(entry.seq);
            row.scope.extend(scope.clone());
            row
        });
        let mut completed: Vec<Self> = completed.collect();
        match completed.first_mut() {
            Some(first) if !acts.is_empty() => std::mem::take(first).split(acts),
            _ => completed,
        }
    }

    /// A row for each act, if there are any.
    fn split(self, acts: Vec<ActDoc>) -> Vec<Self> {
        if acts.is_empty() {
            return vec![self];
        }
        let count = u32::try_from(acts.len().min(ACTS_MAX)).unwrap_or_default();
        let row = |(number, act): (u32, ActDoc)| Self {
            act: number,
            acts: count,
            action: act.action,
            category: act.category,
            description: act.description,
            outcome: act.outcome.or_else(|| self.outcome.clone()),
            reason: act.reason,
            severity: act.severity.or_else(|| self.severity.clone()),
            targets: act.targets,
            words: if number == 1 { self.words.clone() } else { String::new() },
            ..self.clone()
        };
        (1..).zip(acts.into_iter().take(ACTS_MAX)).map(row).collect()
    }

    fn take(&mut self, doc: Doc) {
        let actor = doc.actor.unwrap_or_default();
        self.actor_verified |= actor.verified;
        let request = doc.request.unwrap_or_default();
        let (source, response) = (doc.source.unwrap_or_default(), doc.response.unwrap_or_default());
        self.words = terms::gathered(
            &self.words,
            &[
                &doc.changes,
                &doc.detail,
                &doc.metadata,
                &actor.claimed,
                &source.user_agent,
                &request.query,
                &request.body,
                &response.body,
                &request.headers.0,
                &response.headers.0,
            ],
        );
        for (field, value) in [
            (&mut self.action, doc.action),
            (&mut self.category, doc.category),
            (&mut self.description, doc.description),
            (&mut self.actor_type, actor.kind),
            (&mut self.actor_id, actor.id),
            (&mut self.actor_name, actor.name),
            (&mut self.actor_email, actor.email),
            (&mut self.actor_credential, actor.credential),
            (&mut self.source_ip, source.ip),
            (&mut self.outcome, doc.outcome),
            (&mut self.severity, doc.severity),
            (&mut self.reason, doc.reason),
            (&mut self.request_id, doc.request_id),
            (&mut self.method, request.method),
            (&mut self.path, request.path),
            (&mut self.route, request.route),
            (&mut self.rule, doc.rule),
        ] {
            if value.is_some() {
                *field = value;
            }
        }
        self.targets = doc.targets.unwrap_or_else(|| std::mem::take(&mut self.targets));
        self.status = response.status.or(self.status);
        self.duration_ms = doc.duration_ms.or(self.duration_ms);
    }

    /// Everything that full-text search looks through.
    pub(super) fn text(&self) -> String {
        let fields = [
            &self.description,
            &self.action,
            &self.actor_id,
            &self.actor_name,
            &self.actor_email,
            &self.actor_credential,
            &self.source_ip,
            &self.reason,
            &self.request_id,
            &self.method,
            &self.path,
        ];
        let targets = self.targets.iter().flat_map(|t| [&t.kind, &t.id, &t.name]);
        let mut text = self.id.clone();
        for part in fields.into_iter().flatten().chain(targets).chain(self.scope.values()) {
            if text.len() + part.len() > TEXT_BYTES {
                break;
            }
            text.push('\n');
            text.push_str(part);
        }
        // SQLite's JSON functions and tokenizers take a NUL for the end.
        text.replace('\0', " ")
    }
}

/// A document that does not look as expected gives what its columns say.
fn read(entry: &Stored) -> Doc {
    serde_json::from_str(&entry.doc).unwrap_or_else(|_| {
        tracing::warn!(writer = entry.writer, seq = entry.seq, "an entry cannot be understood");
        Doc::default()
    })
}

fn milliseconds(time: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(time).ok().map(|time| time.timestamp_millis())
}

/// The time in a UUIDv7: its first 48 bits.
fn milliseconds_of_id(id: EventId) -> i64 {
    let hex: String = id.to_string().chars().filter(char::is_ascii_hexdigit).take(12).collect();
    i64::from_str_radix(&hex, 16).unwrap_or(0)
}
