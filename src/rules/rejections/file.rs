//! Rules about rejections as they are written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::super::events::file::{OutcomeIs, SeverityFile, StatusFile};
use super::super::one_or_other::PathFile;

/// Which rejection an answer of a gateway is. The first rule that holds is taken, yours before the
/// shipped ones. It looks at the answer as it came; of the answer's body nothing is recorded.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectionFile {
    /// The rule's id, as events and `explain` show it.
    #[schemars(with = "String")]
    #[schemars(example = serde_json::json!("acme.rate-limit"))]
    pub id: Spanned<String>,
    /// For which answers.
    pub when: AnswerWhenFile,
    /// What the rejection is called: `noun.verb`, lower case.
    #[schemars(with = "String")]
    #[schemars(example = serde_json::json!("gateway.rate_limit_exceeded"))]
    pub action: Spanned<String>,
    /// How it ended; `denied` if not given.
    #[serde(default)]
    #[schemars(example = serde_json::json!("failure"))]
    pub outcome: Option<OutcomeIs>,
    /// How much it should worry; `warn` for what is denied, else `fail`, if not given.
    #[serde(default)]
    #[schemars(example = serde_json::json!("warn"))]
    pub severity: Option<SeverityFile>,
    /// Answers on which `rules test` tries it, among all rules in their order.
    #[serde(default)]
    pub examples: AnswersFile,
}

/// Which answers a rule is for: those for which all of it holds. At least one of `status`, `headers`
/// and `body` is needed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerWhenFile {
    /// The status, a class such as `4xx`, or a list of them. An error in a stream that began well has
    /// the status that it names itself, or else 200.
    #[serde(default)]
    #[schemars(with = "Option<StatusFile>")]
    #[schemars(example = serde_json::json!(429))]
    pub status: Option<Spanned<StatusFile>>,
    /// Header fields of the answer: `present`, `absent`, or a text with `*` where anything may stand,
    /// or a list of texts. In the names of fields `*` may stand, too: then one such field is enough.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Value>")]
    #[schemars(example = serde_json::json!({"x-litellm-version": "present"}))]
    pub headers: BTreeMap<String, Spanned<Value>>,
    /// Values of the body, each by a JSONPath: `present`, `absent` (or `null`), or a text with `*`
    /// where anything may stand, in any case, or a list of texts. Numbers and booleans are compared as
    /// they are written. Where a path leads to several values, one of them is enough.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Value>")]
    #[schemars(example = serde_json::json!({"$.error.code": "rate_limit_exceeded"}))]
    pub body: BTreeMap<String, Spanned<Value>>,
    /// The path of the request, as sent: a text with `*` where anything may stand, slashes as well, or
    /// a list of texts; any if not given.
    #[serde(default)]
    #[schemars(with = "Option<PathFile>")]
    #[schemars(example = serde_json::json!("/api/*"))]
    pub path: Option<Spanned<PathFile>>,
}

/// Answers that a rule is tried on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswersFile {
    /// Answers of which it is the first rule that holds.
    #[serde(default)]
    #[schemars(with = "Vec<AnswerFile>")]
    pub hit: Vec<Spanned<AnswerFile>>,
    /// Answers for which it does not hold, or for which one before it does.
    #[serde(default)]
    #[schemars(with = "Vec<AnswerFile>")]
    pub miss: Vec<Spanned<AnswerFile>>,
}

/// What a gateway answers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerFile {
    /// The status.
    #[schemars(example = serde_json::json!(429))]
    pub status: u16,
    /// Header fields.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"retry-after": "20"}))]
    pub headers: BTreeMap<String, String>,
    /// The body: as a text, exactly as it is sent, or, for JSON, as YAML.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"error": {"code": "rate_limit_exceeded"}}))]
    pub body: Value,
    /// The path of the request; `/v1/chat/completions` if not given.
    #[serde(default)]
    #[schemars(example = serde_json::json!("/v1/messages"))]
    pub path: Option<String>,
}
