//! Rule files as they are written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

/// One file of rules.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesFile {
    /// What is redacted, and how.
    #[serde(default)]
    pub redact: Vec<RedactFile>,
    /// Exceptions: what no `keys` selector selects, in any file.
    #[serde(default)]
    pub keep: Vec<KeepFile>,
}

/// One redaction rule. At least one selector is needed; a value that any of them selects is
/// redacted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedactFile {
    /// The rule's id, as receipts show it: lower-case letters, digits, `.`, `-` and `_`.
    #[schemars(with = "String")]
    pub id: Spanned<String>,
    /// Names of JSON members, form fields, query parameters and headers, at any depth. `*` stands
    /// for anything; case, `-`, `_` and camelCase make no difference.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub keys: Vec<Spanned<String>>,
    /// Names of header fields.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub headers: Vec<Spanned<String>>,
    /// Names of cookies, in `Cookie` and `Set-Cookie`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub cookies: Vec<Spanned<String>>,
    /// Names of query parameters.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub query: Vec<Spanned<String>>,
    /// Path segments whose next segment is the value, unless that is a plain word.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub segments: Vec<Spanned<String>>,
    /// Where the rule holds; in requests and responses if not given.
    #[serde(default, rename = "in")]
    #[schemars(with = "Option<Vec<SideFile>>")]
    pub sides: Option<Spanned<Vec<SideFile>>>,
    /// What is done. Of several rules the strictest counts: `drop`, `mask`, `summarize`,
    /// `fingerprint`.
    #[serde(rename = "do")]
    pub action: ActionFile,
    /// Names that tell whether the rule does what it should.
    #[serde(default)]
    pub examples: ExamplesFile,
}

/// One half of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SideFile {
    /// Requests.
    Request,
    /// Responses.
    Response,
}

/// What is done to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionFile {
    /// Nothing of it is kept but the rule's id.
    Drop,
    /// `***`.
    Mask,
    /// A keyed fingerprint, by which the same value can be recognised.
    Fingerprint,
    /// Its length.
    Summarize,
}

/// Names for which a rule is tried.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExamplesFile {
    /// Names that the rule must select.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub hit: Vec<Spanned<String>>,
    /// Names that it must not select, or that `keep` must except.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub miss: Vec<Spanned<String>>,
}

/// One list of exceptions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepFile {
    /// Names, as in a rule.
    #[schemars(with = "Vec<String>")]
    pub keys: Spanned<Vec<Spanned<String>>>,
}
