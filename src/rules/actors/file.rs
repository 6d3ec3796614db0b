//! Rules that say who acts, as they are written.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// One rule that says who acts. Rules are tried in their order, over all files in the order of their
/// names; the first that reads a credential decides. Templates take values from the credential:
/// `"{claims.sub | claims.client_id}"`, the first that has a value.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ActorFile {
    /// How the actor is known.
    #[schemars(with = "FromFile")]
    #[schemars(example = &"jwt")]
    pub from: Spanned<FromFile>,
    /// `jwt`, `api_key`, `header`: the header field that carries it; for `jwt` and `api_key` without
    /// scheme. Default: `authorization` for `jwt`, `x-api-key` for `api_key`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"x-api-key")]
    pub header: Option<Spanned<String>>,
    /// `jwt`, `api_key`: the cookie that carries it, instead of a header field. `introspect`: of all
    /// cookies, those that are passed on.
    #[serde(default)]
    #[schemars(with = "Option<TextsFile>")]
    pub cookie: Option<Spanned<TextsFile>>,
    /// `jwt`: what signatures are checked with.
    #[serde(default)]
    #[schemars(with = "Option<TokenKeysFile>")]
    pub keys: Option<Spanned<TokenKeysFile>>,
    /// `jwt`: algorithms that are accepted. Default: all that the keys are for.
    #[serde(default)]
    #[schemars(with = "Option<TextsFile>")]
    pub algorithms: Option<Spanned<TextsFile>>,
    /// `jwt`: the issuer, or several. A token of another is left to later rules.
    #[serde(default)]
    #[schemars(with = "Option<TextsFile>")]
    pub issuer: Option<Spanned<TextsFile>>,
    /// `jwt`: the audience, or several, of which a token must name one.
    #[serde(default)]
    #[schemars(with = "Option<TextsFile>")]
    pub audience: Option<Spanned<TextsFile>>,
    /// `jwt`: how far clocks may differ. Default: `30s`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"30s")]
    pub leeway: Option<Spanned<String>>,
    /// `api_key`: the file with the holders of keys. `countersign actors hash` makes its entries.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"keys/api-keys.table")]
    pub table: Option<Spanned<String>>,
    /// `introspect`: the path of the application that tells whose a credential is, such as
    /// `/api/me`; it is asked with the caller's own.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"/api/me")]
    pub get: Option<Spanned<String>>,
    /// `introspect`: the authorization server that is asked instead (RFC 7662).
    #[serde(default)]
    #[schemars(with = "Option<ServerFile>")]
    pub server: Option<Spanned<ServerFile>>,
    /// `introspect`: header fields that are passed on. Default: `authorization` and `cookie`;
    /// with `cookie`, that cookie alone.
    #[serde(default)]
    #[schemars(with = "Option<TextsFile>")]
    #[schemars(example = serde_json::json!(["authorization", "cookie"]))]
    pub with: Option<Spanned<TextsFile>>,
    /// `introspect`: how long an answer holds. Default: `60s`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"60s")]
    pub cache: Option<Spanned<String>>,
    /// `introspect`: how long an answer is waited for; then the actor is not verified. At most
    /// 30s. Default: `1s`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"1s")]
    pub timeout: Option<Spanned<String>>,
    /// `sign_in`: paths that sign in; a `*` at the end stands for anything.
    #[serde(default)]
    #[schemars(with = "Option<TextsFile>")]
    pub paths: Option<Spanned<TextsFile>>,
    /// The actor's id, a template.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"{claims.sub}")]
    pub id: Option<Spanned<String>>,
    /// The actor's name, a template.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"{claims.name | claims.preferred_username}")]
    pub name: Option<Spanned<String>>,
    /// The actor's e-mail address, a template.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"{claims.email}")]
    pub email: Option<Spanned<String>>,
    /// What kind of actor.
    #[serde(default, rename = "type")]
    pub kind: Option<KindFile>,
}

/// How an actor is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FromFile {
    /// A JSON Web Token. Templates: `claims.…`.
    Jwt,
    /// HTTP Basic; a claim, since the password is the application's to check. Templates: `user`.
    Basic,
    /// A header field that an authenticating proxy sets: believed from trusted proxies, taken away
    /// from everybody else's requests. Templates: `value`, `header.NAME`.
    Header,
    /// An API key, by a table of digests.
    ApiKey,
    /// A TLS client certificate. Templates: `subject.cn`, `subject.o`, `subject.ou`,
    /// `subject.email`, the same of `issuer`, `san.dns`, `san.email`, `san.uri`, `san.ip`, `serial`.
    Mtls,
    /// The application, or an authorization server, is asked whose the credential is. Templates:
    /// `body:$.…`, its answer.
    Introspect,
    /// The user name in a request that signs in; a claim. Templates: `body:$.…`, the request's body.
    SignIn,
}

impl FromFile {
    /// As it is written.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Basic => "basic",
            Self::Header => "header",
            Self::ApiKey => "api_key",
            Self::Mtls => "mtls",
            Self::Introspect => "introspect",
            Self::SignIn => "sign_in",
        }
    }
}

/// What kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KindFile {
    /// A person.
    User,
    /// A part of the system.
    System,
    /// A program.
    Api,
    /// A webhook.
    Webhook,
    /// An AI agent.
    Agent,
    /// Nobody in particular.
    Anonymous,
}

/// What signatures are checked with: one of `file`, `url`, `secret_file`, `secret_env`.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenKeysFile {
    /// A file with a JSON Web Key Set.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"keys/issuer.json")]
    pub file: Option<Spanned<String>>,
    /// Where the issuer publishes its JSON Web Key Set.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"https://issuer.example.com/keys")]
    pub url: Option<Spanned<String>>,
    /// A file with a shared secret.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"keys/application.secret")]
    pub secret_file: Option<Spanned<String>>,
    /// An environment variable with a shared secret.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"TOKEN_SECRET")]
    pub secret_env: Option<Spanned<String>>,
    /// `url`: a file with the authorities (PEM) that are trusted in place of the system's.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"keys/ca.pem")]
    pub ca: Option<Spanned<String>>,
    /// `url`: it may be `http` to another machine: whoever can change what passes there, can make
    /// tokens that count.
    #[serde(default)]
    #[schemars(example = true)]
    pub insecure: bool,
    /// `url`: how old keys may become before they are fetched again. Default: `15m`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"15m")]
    pub refresh: Option<Spanned<String>>,
    /// `url`: how long an answer is waited for, at most 30s. Default: `2s`.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"1s")]
    pub timeout: Option<Spanned<String>>,
}

/// An authorization server (RFC 7662).
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerFile {
    /// Its introspection endpoint.
    #[schemars(with = "String")]
    #[schemars(example = &"https://issuer.example.com/keys")]
    pub url: Spanned<String>,
    /// The id of the client as which it is asked.
    #[schemars(example = &"countersign")]
    pub client_id: String,
    /// A file with that client's secret.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"keys/application.secret")]
    pub secret_file: Option<Spanned<String>>,
    /// An environment variable with that client's secret.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"TOKEN_SECRET")]
    pub secret_env: Option<Spanned<String>>,
    /// A file with the authorities (PEM) that are trusted in place of the system's.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"keys/ca.pem")]
    pub ca: Option<Spanned<String>>,
    /// The URL may be `http` to another machine: tokens and the client's secret pass unprotected.
    #[serde(default)]
    #[schemars(example = true)]
    pub insecure: bool,
}

/// One text, or a list of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextsFile(pub Vec<String>);

impl<'de> Deserialize<'de> for TextsFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = TextsFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a list of texts")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TextsFile, E> {
                Ok(TextsFile(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<TextsFile, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = items.next_element()? {
                    texts.push(text);
                }
                Ok(TextsFile(texts))
            }
        }
        deserializer.deserialize_any(Texts)
    }
}

impl JsonSchema for TextsFile {
    fn schema_name() -> Cow<'static, str> {
        "TextsFile".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "One text, or a list of them.",
            "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
        })
    }
}

/// The file with the holders of API keys.
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyTableFile {
    /// The keys' holders.
    #[serde(default)]
    pub keys: Vec<KeyHolderFile>,
}

/// Whose an API key is. One of `sha256` and `fingerprint` says which key.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyHolderFile {
    /// SHA-256 of the key in hexadecimal, as `countersign actors hash` prints it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"…")]
    pub sha256: Option<Spanned<String>>,
    /// The key's fingerprint, as `actor.credential` of an event shows it.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    #[schemars(example = &"hmac:0123456789abcdef")]
    pub fingerprint: Option<Spanned<String>>,
    /// The holder's id.
    #[schemars(with = "String")]
    #[schemars(example = &"{claims.sub}")]
    pub id: Spanned<String>,
    /// The holder's name.
    #[serde(default)]
    #[schemars(example = &"{claims.name | claims.preferred_username}")]
    pub name: Option<String>,
    /// The holder's e-mail address.
    #[serde(default)]
    #[schemars(example = &"{claims.email}")]
    pub email: Option<String>,
    /// What kind of actor; that of the rule, or `api`, if not given.
    #[serde(default, rename = "type")]
    pub kind: Option<KindFile>,
}
