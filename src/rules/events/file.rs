//! Rules about events as they are written.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::super::one_or_other::PathFile;
use super::example::EventExampleFile;

/// A rule about one kind of request. Texts with braces are templates: `{path.id}`, `{query.x}`,
/// `{header.x}`, `{request.body:$.a.b}`, `{response.body:$.name}`, `{response.header.x}`,
/// `{actor.name}`, and in a description `{target.name}`, `{scope.x}`, `{action.verb}`,
/// `{action.done}`; of several after each other, as in `{path.a | query.a | 'none'}`, the first that
/// has a value. They see the redacted record. A field with a value that is not there is left out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventFile {
    /// The rule's id, as events and `explain` show it.
    #[schemars(with = "String")]
    #[schemars(example = serde_json::json!("api-key.rotate"))]
    pub id: Spanned<String>,
    /// For which requests.
    #[serde(rename = "match")]
    pub matching: MatchFile,
    /// The name of what is done: `noun.verb`, lower case.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = serde_json::json!("api_key.rotate"))]
    pub action: Option<Spanned<String>>,
    /// The area; that of the action's noun if not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = serde_json::json!("api_key"))]
    pub category: Option<Spanned<String>>,
    /// Upon what it is done.
    #[serde(default)]
    pub target: TargetFile,
    /// Where it belongs: names and templates that use the request alone.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    #[schemars(example = serde_json::json!({"pool": "{request.body:$.pool_id | path.pool}"}))]
    pub scope: BTreeMap<String, Spanned<String>>,
    /// The sentence for what succeeded. If a value in it is not there, the convention's stands.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = serde_json::json!("API key {target.name} rotated by {actor.name}"))]
    pub description: Option<Spanned<String>>,
    /// How responses are understood: the first entry that holds, or else the status.
    #[serde(default)]
    pub outcome: Vec<OutcomeFile>,
    /// Where the state of what is changed is read, before and after, so that `changes` are what was
    /// observed and not what was asked for. On routes of kind `admin` at `level: full`.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"get": "/admin/api-keys/{path.id}"}))]
    pub snapshot: Option<SnapshotFile>,
    /// How much a success should worry; what is refused or fails worries no less than without it.
    #[serde(default)]
    #[schemars(example = serde_json::json!("warn"))]
    pub severity: Option<SeverityFile>,
    /// The request changes nothing, whatever its method: a search by POST. It is recorded all the
    /// same (only a route of level `none` is not), as `noun.read` if there is no `action`, and its
    /// failure does not worry. It holds only if every reading of the path leads to this rule, no
    /// other method is named, and the body holds no GraphQL mutation.
    #[serde(default)]
    #[schemars(example = serde_json::json!(true))]
    pub read: bool,
    /// The request is recorded although it changes nothing by its method: an export, or a
    /// `GET /delete?id=5`. On routes of kind `admin`, with intent and completion. `HEAD` counts as `GET`.
    #[serde(default)]
    #[schemars(example = serde_json::json!(true))]
    pub audit: bool,
    /// Exchanges, and what their events must say. The rule must be the one that names them, among all
    /// rules and documents in force, and sees them redacted.
    #[serde(default)]
    pub examples: Vec<EventExampleFile>,
}

/// How the state of what is changed is read: by a `GET` with the caller's own credentials, sent to
/// the same upstream before the request and, if it was not refused, after it. If either fails,
/// `changes` are what the request says, and `changes_notes` say why.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnapshotFile {
    /// Path and query, a template; each value in it is percent-encoded. With a value that only the
    /// response has, such as the id of what is created, it is read after the request alone.
    #[schemars(with = "String")]
    #[schemars(example = serde_json::json!("/admin/api-keys/{path.id}"))]
    pub get: Spanned<String>,
    /// Where the state stands in the answer: a JSONPath to one value. The whole answer if not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = serde_json::json!("$.data"))]
    pub at: Option<Spanned<String>>,
    /// What is not compared: JSONPaths into the state. Members named like `updated_at`,
    /// `last_used_at`, `modified`, `etag`, `resource_version` or `lock_version` never are.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    #[schemars(example = serde_json::json!(["$.stats", "$..hits"]))]
    pub ignore: Vec<Spanned<String>>,
    /// How long a request may wait for each reading, at most 30s; `timeouts.snapshot` of the
    /// configuration (1s) if not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = serde_json::json!("500ms"))]
    pub timeout: Option<Spanned<String>>,
}

/// Which requests a rule is for: those for which all of it holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MatchFile {
    /// The method or methods, a method that overrides it counted; any if not given.
    #[serde(default)]
    #[schemars(with = "Option<PathFile>")]
    #[schemars(example = serde_json::json!("POST"))]
    pub method: Option<Spanned<PathFile>>,
    /// The whole path, decoded: texts (in any case), `{name}` for one segment or a part of one, `*`
    /// for one without a name, `**` for the rest. Texts come before parameters, those before `**`.
    #[schemars(with = "String")]
    #[schemars(example = serde_json::json!("/admin/api-keys/{id}/rotate"))]
    pub path: Spanned<String>,
    /// The host, or `*.` and a domain for any one label in front; any if not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = serde_json::json!("admin.example.com"))]
    pub host: Option<Spanned<String>>,
    /// The kind of route; any if not given.
    #[serde(default)]
    #[schemars(example = serde_json::json!("admin"))]
    pub kind: Option<RouteKindFile>,
}

/// A kind of route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RouteKindFile {
    /// Mutations are recorded.
    Admin,
    /// Rejections are recorded; what they are called, and how they ended, is said by `rejections`.
    Gateway,
}

/// Upon what something is done.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    /// Its type: lower case, with `_`.
    #[serde(default, rename = "type")]
    #[schemars(with = "Option<String>")]
    #[schemars(example = serde_json::json!("api_key"))]
    pub kind: Option<Spanned<String>>,
    /// Its id, a template. Several values of a template that is nothing but one place are several
    /// targets: a list, a JSONPath with a wildcard, ids between commas.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = serde_json::json!("{path.id}"))]
    pub id: Option<Spanned<String>>,
    /// Its name, a template. Of several targets each gets the one that stands in the same item as its id:
    /// `$.items[*].id` and `$.items[*].name`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = serde_json::json!("{response.body:$.name}"))]
    pub name: Option<Spanned<String>>,
}

/// What a response means.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OutcomeFile {
    /// For which responses.
    pub when: WhenFile,
    /// How the exchange ended then.
    #[schemars(example = serde_json::json!("failure"))]
    pub is: OutcomeIs,
    /// Why, a template; the status or the response's own code if not given or without a value.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = serde_json::json!("{response.body:$.error.code}"))]
    pub reason: Option<Spanned<String>>,
}

/// Which responses an entry is for: those for which all of it holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhenFile {
    /// The status, a class such as `4xx`, or a list of them.
    #[serde(default)]
    #[schemars(with = "Option<StatusFile>")]
    #[schemars(example = serde_json::json!(200))]
    pub status: Option<Spanned<StatusFile>>,
    /// Values of the body, each by a JSONPath that leads to one: `present`, `absent` (or `null`), or
    /// the text, number or boolean that it must be.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Value>")]
    #[schemars(example = serde_json::json!({"$.error": "present"}))]
    pub body: BTreeMap<String, Spanned<Value>>,
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeIs {
    /// It was done.
    Success,
    /// It was not done.
    Failure,
    /// It was refused.
    Denied,
    /// Nobody can say.
    Unknown,
}

/// How much an event should worry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeverityFile {
    /// Not at all.
    Info,
    /// Somewhat.
    Warn,
    /// Very much.
    Fail,
}

/// One status or class, or a list of them.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub enum StatusFile {
    /// One.
    One(u64),
    /// A class: `4xx`.
    Class(String),
    /// Several.
    Many(#[schemars(with = "Vec<Value>")] Vec<Self>),
}

impl<'de> Deserialize<'de> for StatusFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Statuses;
        impl<'de> Visitor<'de> for Statuses {
            type Value = StatusFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status such as 409, a class such as `4xx`, or a list of them")
            }

            fn visit_u64<E: Error>(self, status: u64) -> Result<StatusFile, E> {
                Ok(StatusFile::One(status))
            }

            fn visit_i64<E: Error>(self, status: i64) -> Result<StatusFile, E> {
                Ok(StatusFile::One(u64::try_from(status).unwrap_or_default()))
            }

            fn visit_str<E: Error>(self, class: &str) -> Result<StatusFile, E> {
                Ok(StatusFile::Class(class.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<StatusFile, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(list)).map(StatusFile::Many)
            }
        }
        deserializer.deserialize_any(Statuses)
    }
}
