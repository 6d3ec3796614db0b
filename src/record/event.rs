//! The parts of an event, named as in the field: actor, action, target, outcome, observer.
//!
//! `Intent` and `Completion` are the two halves as they are stored; a reader joins them, and what
//! the completion says wins.
//!
//! Fields are declared in the order of their names in JSON: it is the canonical one, which is then
//! written without sorting.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::{BodyRecord, EventId, Scope, Tree};
use crate::clock::Timestamp;

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The upstream did it.
    Success,
    /// It was not done.
    Failure,
    /// Refused on grounds of authority or policy (401, 403, 407, rejections).
    Denied,
    /// Nobody can say: the proxy or the upstream was lost in between.
    Unknown,
}

/// How much an event should worry its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Info,
    /// Refused.
    Warn,
    /// Failed, or unknown.
    Fail,
}

/// What kind of actor acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person.
    User,
    /// countersign itself.
    System,
    /// A program with a credential.
    Api,
    /// A webhook.
    Webhook,
    /// An AI agent.
    Agent,
    /// Nobody said who.
    Anonymous,
}

/// How the actor became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A JSON Web Token.
    Jwt,
    /// HTTP Basic.
    Basic,
    /// An opaque bearer token.
    Bearer,
    /// A header set by an authenticating proxy.
    Header,
    /// A TLS client certificate.
    Mtls,
    /// An API key.
    ApiKey,
    /// A session cookie.
    Session,
    /// The user name in a request that signs in.
    SignIn,
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// How it was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthMethod>,
    /// Whom other credentials of the request claim, which nobody has proved.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claimed: Vec<Claim>,
    /// Keyed fingerprint of the credential, never the credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The actor's e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The id by which the application knows the actor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The actor's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What kind of actor.
    #[serde(rename = "type")]
    pub kind: ActorKind,
    /// The proof was checked by us.
    pub verified: bool,
}

impl Actor {
    /// Somebody of this kind, of whom nothing else is known.
    pub fn unknown(kind: ActorKind) -> Self {
        Self {
            auth: None,
            claimed: Vec::new(),
            credential: None,
            email: None,
            id: None,
            kind,
            name: None,
            verified: false,
        }
    }
}

/// Whom a credential claims that nobody has proved, beside the one by which the actor is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// How it would be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<AuthMethod>,
    /// Keyed fingerprint of the credential, never the credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The e-mail address that it claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The id that it claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The name that it claims.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Why it proves nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<&'static str>,
    /// What kind of actor it claims.
    #[serde(rename = "type")]
    pub kind: ActorKind,
}

/// Where the request came from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The forwarding chain as the trusted proxy told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forwarded: Option<String>,
    /// The client's address: the peer's, unless the peer is a trusted proxy. `None` on a unix
    /// socket without forwarding headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The `User-Agent`, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// What was acted upon.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Its id, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The type of the resource, singular: `api_key`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// One of several things that a request does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Act {
    /// `noun.verb`.
    pub action: String,
    /// The area.
    pub category: String,
    /// One sentence for people.
    pub description: String,
    /// How it ended; absent in an intent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// A machine-readable reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How much it should worry; absent in an intent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Upon what, and behind that what it belongs to.
    pub targets: Vec<Target>,
}

/// What one redaction rule did at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// How many values it replaced there.
    pub count: u32,
    /// Where: `request.header.authorization`, `request.body.$.user.password`, …
    pub location: String,
    /// The rule's id.
    pub rule: String,
}

/// The request as it is recorded: redacted.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RequestRecord {
    /// The decoded body; absent where only metadata is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyRecord>,
    /// The `Content-Type` without its parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Header fields by lower-case name (a list where one is repeated).
    pub headers: Tree,
    /// The method as sent.
    pub method: String,
    /// What the reader should know about how this was recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The path as sent, redacted.
    pub path: String,
    /// The query's parameters as an object of name → value (a list where one is repeated).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<Tree>,
    /// What was redacted: moved to the event's `redactions`.
    #[serde(skip)]
    pub receipts: Vec<Receipt>,
    /// The route template: `/admin/api-keys/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// SHA-256 of a body that was too large to capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Size of the body in bytes, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The body went past the capture limit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Why the body, or texts in it, could not be read: the note of it. For metrics.
    #[serde(skip)]
    pub unread: Option<&'static str>,
}

/// The response as it is recorded: redacted.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ResponseRecord {
    /// The decoded body; absent where only metadata is recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyRecord>,
    /// The `Content-Type` without its parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Header fields by lower-case name (a list where one is repeated).
    pub headers: Tree,
    /// What the reader should know about how this was recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What was redacted: moved to the event's `redactions`.
    #[serde(skip)]
    pub receipts: Vec<Receipt>,
    /// `held` or `streaming`.
    pub release: &'static str,
    /// SHA-256 of a body that was too large to capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Size of the body in bytes, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The body once more, where something is not recorded of it that may tell how the request ended:
    /// in its place stands what it tells of that, and nothing else. It is never recorded.
    #[serde(skip)]
    pub sketch: Option<BodyRecord>,
    /// The status code.
    pub status: u16,
    /// The body went past the capture limit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Why the body, or texts in it, could not be read: the note of it. For metrics.
    #[serde(skip)]
    pub unread: Option<&'static str>,
}

/// One difference between before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The value after, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// The value before, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// `add`, `remove` or `replace`.
    pub op: &'static str,
    /// Where, as a JSON pointer; in a list that was compared, an item is called by its id (`/items/[id=3]/v`), and one
    /// without that was added by where it is after (`/items/+2`).
    pub path: String,
}

/// How the changes are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangesSource {
    /// From snapshots before and after.
    Observed,
    /// From the request alone.
    Request,
    /// Not known.
    #[default]
    None,
}

/// Which proxy saw it, and under which configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Observer {
    /// Digest of the configuration in force.
    pub config_version: String,
    /// Digest of the rule set in force.
    pub ruleset: String,
    /// The upstream's name in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<String>,
}

/// The first half of an event: what the request alone tells, written before the upstream sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Intent {
    /// `noun.verb`.
    pub action: String,
    /// Who.
    pub actor: Actor,
    /// The several things that the request does, if it does more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<Act>,
    /// The area.
    pub category: String,
    /// One sentence for people.
    pub description: String,
    /// The event's id.
    pub id: EventId,
    /// Which proxy and configuration.
    pub observer: Observer,
    /// Redaction receipts.
    pub redactions: Vec<Receipt>,
    /// The redacted request.
    pub request: RequestRecord,
    /// From `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The id of the rule that named it; absent where the convention did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Who may see it.
    pub scope: Scope,
    /// From where.
    pub source: Source,
    /// Upon what, several of a bulk request; and behind that what it belongs to.
    pub targets: Vec<Target>,
    /// When the request arrived.
    #[serde(serialize_with = "rfc3339_ms")]
    pub time: Timestamp,
    /// From `traceparent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
}

/// The second half of an event: how it ended, written before the response is released.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Completion {
    /// The action, where the response knows better than the request: a PUT that created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The several things that the request did, each with its own outcome.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<Act>,
    /// What changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Where nobody can say whether something changed: values are redacted in the states before and
    /// after, or were set by the request and are in neither.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes_hidden: Vec<String>,
    /// Why there are none, or not all: stable names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes_notes: Vec<String>,
    /// How that is known.
    pub changes_source: ChangesSource,
    /// The client had left before the response could be given to it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub client_gone: bool,
    /// When the outcome was known.
    #[serde(serialize_with = "rfc3339_ms")]
    pub completed_at: Timestamp,
    /// The sentence, now that the response is known; absent where the intent's still holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is known of the limit that a gateway held up: `limit`, `limit_by`, `remaining`, `reset`,
    /// `retry_after`, `spent`, as its header fields have them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub detail: BTreeMap<&'static str, String>,
    /// From arrival to here, in milliseconds.
    pub duration_ms: u64,
    /// The event's id.
    pub id: EventId,
    /// What the reader should know about how this half came to be.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// A machine-readable reason: `http_409`, `upstream_timeout`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Redaction receipts of the response.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redactions: Vec<Receipt>,
    /// Size and digest of a request body that was too large to capture; size and a note where it broke off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_body: Option<Value>,
    /// The redacted response, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<ResponseRecord>,
    /// The id of the rule that recognised a rejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// How much it should worry.
    pub severity: Severity,
    /// The targets, now that the response is known; absent where the intent's still hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub targets: Option<Vec<Target>>,
    /// From sending the request upstream to the end of its response, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_ms: Option<u64>,
}

/// RFC 3339, UTC, milliseconds.
fn rfc3339_ms<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}
