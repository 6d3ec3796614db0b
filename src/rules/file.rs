//! Rule files as they are written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::actors::ActorFile;
use super::events::file::EventFile;
use super::one_or_other::{ExampleFile, PathFile};
use super::openapi::file::OpenapiFile;
use super::rejections::file::RejectionFile;

/// One file of rules.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesFile {
    /// What is redacted, and how.
    #[serde(default)]
    pub redact: Vec<RedactFile>,
    /// Exceptions, to the rules of all files. Those that are shipped except shipped rules only.
    #[serde(default)]
    #[schemars(with = "Vec<KeepFile>")]
    pub keep: Vec<Spanned<KeepFile>>,
    /// Where only what is listed is recorded, and of the rest type and size. At most 512 entries.
    #[serde(default)]
    pub record_only: Vec<RecordOnlyFile>,
    /// Who acts: rules in their order, of which the first that reads a credential decides.
    #[serde(default)]
    pub actors: Vec<ActorFile>,
    /// What requests are called, and how their responses are understood. The rule whose path is the
    /// most definite is taken; what it does not say is said by convention.
    #[serde(default)]
    pub events: Vec<EventFile>,
    /// Documents that describe the API, and name what no rule names.
    #[serde(default)]
    pub openapi: Vec<OpenapiFile>,
    /// What answers of gateways are called that are rejections.
    #[serde(default)]
    pub rejections: Vec<RejectionFile>,
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
    /// Path segments whose next segment is the value, unless that is a plain word: of the request, and of
    /// links in either half, with a host or, from a `/` on, without.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub segments: Vec<Spanned<String>>,
    /// Values in bodies by where they stand: a JSONPath (RFC 9535), or a list of them, as in
    /// `$.messages[*].content`. Of a body that is a list of documents (NDJSON, event streams) they
    /// hold in each document, and in the list.
    #[serde(default)]
    #[schemars(with = "Option<PathFile>")]
    pub path: Option<Spanned<PathFile>>,
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
    /// Every text of a body but words under these names. A word has no blanks, at most 128 letters,
    /// digits and `._:/@+-[];=`. For endpoints that take what people write, with `under`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub texts_but: Vec<Spanned<String>>,
    /// Of an object under `keys`, or a list of objects: every value but those under these names. Below
    /// them too a value is redacted that looks random, has JSON in it, or is a link with a query. Yes and
    /// no stay, and what went wrong (`errors`). Without such names, the whole object.
    #[serde(default)]
    #[schemars(with = "Vec<String>", example = &["id", "name", "expires_at"])]
    pub members_but: Vec<Spanned<String>>,
    /// A body that is nothing but a string or a number.
    #[serde(default)]
    pub bare_body: bool,
    /// Paths at and below which the rule holds: segments with `*`, and `**` for any number of segments,
    /// as in `**/users/*/password`. `/users` is that path and all below it; `/users/*` and others that end in
    /// `*` reach no further than they say, nor does any path in a shipped file. Everywhere if not given. All rules
    /// together, shipped ones too, have at most 512 different such lists.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub under: Vec<Spanned<String>>,
    /// Limits the rule to answers to requests whose bodies have something at one of these places: a
    /// JSONPath, or a list of them. `$.messages[*].role` tells what asks a model. Errors are no such answers.
    #[serde(default)]
    #[schemars(with = "Option<PathFile>")]
    pub answering: Option<Spanned<PathFile>>,
    /// Limits the rule to bodies that have something at one of these places: a JSONPath, or a list of them.
    #[serde(default)]
    #[schemars(with = "Option<PathFile>")]
    pub having: Option<Spanned<PathFile>>,
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
#[serde(rename_all = "snake_case", deny_unknown_fields)]
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
    /// Letters and digits both occur, or letters in an order that no words have: `rKfXwPqTzLmNbVcDgHjs`.
    Mixed,
    /// It is more than a word: not letters of one case, `-` and `_` alone, in an order that words have.
    NotWord,
    /// It is more than words and numbers that are joined: `job-20261122-001`.
    NotLabel,
    /// It is no UUID.
    NotUuid,
    /// It is not hexadecimal throughout.
    NotHex,
    /// A part of it looks random, and is no id: of 12 bytes in hexadecimal, or a ULID.
    Random,
    /// It is no word that says something of a secret: `required`, `expired`.
    NotStatement,
    /// Its last part, behind a dot, is no type of files: `logo@2x.png` is no address.
    NotFile,
    /// A list of names of WebSocket subprotocols in which a credential stands, or what is no name.
    Subprotocol,
    /// Payment cards: Luhn, in the ranges that issuers have.
    Card,
    /// Telephone numbers with the code of a country (E.164).
    Phone,
    /// Argentina: CUIT and CUIL.
    ArCuit,
    /// Australia: tax file number.
    AuTfn,
    /// Belgium: national register number.
    BeNn,
    /// Brazil: CPF, people.
    BrCpf,
    /// Brazil: CNPJ, firms.
    BrCnpj,
    /// Canada: social insurance number.
    CaSin,
    /// Switzerland: AHV number.
    ChAhv,
    /// Chile: RUT.
    ClRut,
    /// China: resident identity number.
    CnId,
    /// Czechia and Slovakia: rodné číslo of ten digits.
    CzRc,
    /// Germany: tax identification number.
    DeSteuerId,
    /// Spain: DNI and NIE.
    EsNif,
    /// Finland: personal identity code.
    FiHetu,
    /// France: NIR, the number of social security.
    FrNir,
    /// United Kingdom: national insurance number.
    GbNino,
    /// Israel: identity number.
    IlId,
    /// India: Aadhaar.
    InAadhaar,
    /// Italy: codice fiscale.
    ItCf,
    /// Japan: individual number.
    JpMyNumber,
    /// Mexico: CURP.
    MxCurp,
    /// Netherlands: BSN.
    NlBsn,
    /// Norway: fødselsnummer.
    NoFnr,
    /// Poland: PESEL.
    PlPesel,
    /// Portugal: NIF.
    PtNif,
    /// Romania: CNP.
    RoCnp,
    /// Sweden: personnummer, ten or twelve digits.
    SePnr,
    /// Singapore: NRIC and FIN of the series S, T, F and G.
    SgNric,
    /// Türkiye: identity number.
    TrTckn,
    /// United States: social security number, which has impossible ranges and no check digit.
    UsSsn,
    /// South Africa: identity number.
    ZaId,
}

/// What a rule is tried on: names, `name=value`, texts, and bodies.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExamplesFile {
    /// Names that the rule must select, and texts and bodies in which it must find something.
    #[serde(default)]
    #[schemars(with = "Vec<ExampleFile>")]
    pub hit: Vec<Spanned<ExampleFile>>,
    /// Names that it must not select, or that `keep` must except, and texts and bodies in which it
    /// must find nothing.
    #[serde(default)]
    #[schemars(with = "Vec<ExampleFile>")]
    pub miss: Vec<Spanned<ExampleFile>>,
}

/// One list of exceptions. At least one selector is needed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepFile {
    /// Names, as in a rule, that no `keys` select.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub keys: Vec<Spanned<String>>,
    /// Names under which no `keys` select what only says yes or no: booleans, `null`, counts, dates,
    /// and words such as `true`. Other texts, lists and objects under them are redacted.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    #[schemars(example = serde_json::json!(["must_change_password"]))]
    pub flags: Vec<Spanned<String>>,
    /// Names under which no `keys` select numbers, however large, nor what stays under `flags`. Digits in
    /// a text are none: they may be a PIN.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    #[schemars(example = serde_json::json!(["tokens_left"]))]
    pub counts: Vec<Spanned<String>>,
    /// Names of header fields that neither `keys` nor `headers` select.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    #[schemars(example = serde_json::json!(["x-request-signature"]))]
    pub headers: Vec<Spanned<String>>,
    /// Names of cookies that neither `keys` nor `cookies` select.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    #[schemars(example = serde_json::json!(["theme"]))]
    pub cookies: Vec<Spanned<String>>,
    /// Names of query parameters that neither `keys` nor `query` select.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    #[schemars(example = serde_json::json!(["token_type"]))]
    pub query: Vec<Spanned<String>>,
    /// Values in bodies, by JSONPath (RFC 9535), that no `keys` select; what other paths select is
    /// redacted all the same.
    #[serde(default)]
    #[schemars(with = "Option<PathFile>")]
    #[schemars(example = serde_json::json!("$.policy.password"))]
    pub path: Option<Spanned<PathFile>>,
}

/// Default-deny: below some paths only what is listed is recorded, and of everything else type and
/// size. What a redaction rule selects is redacted, listed or not. Where several entries hold, each
/// must list a value for it to be recorded.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordOnlyFile {
    /// The entry's id, as receipts show it.
    #[schemars(with = "String")]
    #[schemars(example = serde_json::json!("acme.patients"))]
    pub id: Spanned<String>,
    /// Names of members, fields, query parameters, headers and cookies that are recorded, with all
    /// that is below them.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    #[schemars(example = serde_json::json!(["status", "created_at"]))]
    pub keys: Vec<Spanned<String>>,
    /// Names of header fields that are recorded, besides those that every record has.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    #[schemars(example = serde_json::json!(["x-request-id"]))]
    pub headers: Vec<Spanned<String>>,
    /// Names of cookies whose values are recorded.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    #[schemars(example = serde_json::json!(["theme"]))]
    pub cookies: Vec<Spanned<String>>,
    /// Names of query parameters that are recorded.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    #[schemars(example = serde_json::json!(["page"]))]
    pub query: Vec<Spanned<String>>,
    /// Values in bodies that are recorded, with all that is below them: a JSONPath (RFC 9535), or a
    /// list of them.
    #[serde(default)]
    #[schemars(with = "Option<PathFile>")]
    #[schemars(example = serde_json::json!("$.items[*].id"))]
    pub path: Option<Spanned<PathFile>>,
    /// Paths of the API at and below which it holds, also those that end in `*`: `/patients/*` is also
    /// `/patients/7/notes`. Everywhere if not given.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    #[schemars(example = serde_json::json!(["/patients/**"]))]
    pub under: Vec<Spanned<String>>,
    /// Where it holds; in requests and responses if not given.
    #[serde(default, rename = "in")]
    #[schemars(with = "Option<Vec<SideFile>>")]
    #[schemars(example = serde_json::json!(["request"]))]
    pub sides: Option<Spanned<Vec<SideFile>>>,
    /// Names and bodies that tell whether it lists what it should: of a hit something is not recorded,
    /// a miss is recorded whole.
    #[serde(default)]
    #[schemars(example = serde_json::json!({"hit": ["name"], "miss": ["status"]}))]
    pub examples: ExamplesFile,
}
