//! Entries about API documents as they are written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

/// A document that describes the API: OpenAPI 3.0 or 3.1, or Swagger 2, in YAML or JSON. Its operations
/// name what no rule of `events` names, field by field; what they leave out is said by convention. They
/// never make a request a read, nor unaudited.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenapiFile {
    /// The document's id: an event that one of its operations named has it in `rule`, with the
    /// operation's own, as in `admin-api#rotateKey`.
    #[schemars(with = "String")]
    #[schemars(example = serde_json::json!("admin-api"))]
    pub id: Spanned<String>,
    /// The file; a relative path begins where this file of rules is. References to other files in it
    /// are not followed: bundle it into one.
    #[schemars(with = "String")]
    #[schemars(example = serde_json::json!("openapi.yaml"))]
    pub file: Spanned<String>,
    /// What stands before the document's paths, instead of what its `servers` or `basePath` say.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = serde_json::json!("/api/v2"))]
    pub base: Option<Spanned<String>>,
    /// The host, or `*.` and a domain for any one label in front; any if not given.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = serde_json::json!("admin.example.com"))]
    pub host: Option<Spanned<String>>,
}
