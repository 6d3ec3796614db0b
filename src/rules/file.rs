//! Rule files as they are written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::actors::ActorFile;

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
    /// Who acts: rules in their order, of which the first that reads a credential decides.
    #[serde(default)]
    pub actors: Vec<ActorFile>,
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
    /// What a secret looks like, wherever text is: a regular expression over ASCII, in the syntax of
    /// Rust's `regex` crate. If it has groups whose names begin with `secret`, the one
    /// that matches is the secret, else all of it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub pattern: Option<Spanned<String>>,
    /// Fixed texts of at least 3 characters, one of which is in whatever the pattern matches. The
    /// pattern runs where they occur. Not needed if every match begins with a fixed text.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub keywords: Vec<Spanned<String>>,
    /// For a pattern that has no keyword: why it must run on every text and number, which is slow.
    #[serde(default)]
    #[schemars(with = "Option<String>", example = "these keys have no fixed part")]
    pub everywhere: Option<Spanned<String>>,
    /// A regular expression for the whole of a value: other values are left alone. Then `keys` and
    /// the like select strings and whole numbers only, not lists, objects and booleans.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub value: Option<Spanned<String>>,
    /// The least entropy of a secret, in bits a character (Shannon): 3 is above most words.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    pub entropy: Option<Spanned<f64>>,
    /// What a secret must be, or must not be.
    #[serde(default)]
    pub validate: Vec<ValidatorFile>,
    /// A body that is nothing but a string or a number.
    #[serde(default)]
    pub bare_body: bool,
    /// Paths below which the rule holds: segments with `*`, and `**` for any number of segments,
    /// as in `**/users/*/password`. Everywhere if not given.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub under: Vec<Spanned<String>>,
    /// Where the rule holds; in requests and responses if not given.
    #[serde(default, rename = "in")]
    #[schemars(with = "Option<Vec<SideFile>>")]
    pub sides: Option<Spanned<Vec<SideFile>>>,
    /// What is done. Of several rules the strictest counts: `drop`, `mask`, `summarize`,
    /// `fingerprint`, `keep_ends`.
    #[serde(rename = "do")]
    pub action: ActionFile,
    /// Names and texts that tell whether the rule does what it should.
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
    /// A few of its first and last characters, if that is less than a third of it.
    KeepEnds {
        /// Characters at the front that stay.
        first: u8,
        /// Characters at the end that stay.
        last: u8,
    },
}

/// What a value must be, or must not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValidatorFile {
    /// Digits whose last one is right: payment cards.
    Luhn,
    /// An account number whose check digits are right (ISO 13616).
    Iban,
    /// Its first part decodes to a JSON object.
    Jwt,
    /// It holds a line of base64, as keys in PEM do.
    Pem,
    /// It ends in the checksum of GitHub's and npm's tokens.
    GithubCrc,
    /// It is base64, of either alphabet.
    Base64,
    /// Letters and digits both occur.
    Mixed,
    /// It is more than a word: not letters of one case, `-` and `_` alone.
    NotWord,
    /// It is no UUID.
    NotUuid,
    /// It is not hexadecimal throughout.
    NotHex,
}

/// What a rule is tried on: names, `name=value`, and texts.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExamplesFile {
    /// Names that the rule must select, and texts in which it must find something.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub hit: Vec<Spanned<String>>,
    /// Names that it must not select, or that `keep` must except, and texts in which it must find
    /// nothing.
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
