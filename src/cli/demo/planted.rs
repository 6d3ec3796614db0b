//! The secrets that the demo plants, so that one can look for them afterwards.
//!
//! Each consists of letters, digits and hyphens, so that no encoding of JSON, forms or queries
//! changes it; the two Basic credentials are there in base64 too, as they cross the wire.

/// Anna's password, typed into the login form.
pub(super) const ANNA_PASSWORD: &str = "planted-login-password-anna";
/// What somebody typed who does not know Anna's password.
pub(super) const WRONG_PASSWORD: &str = "planted-wrong-password-guess";
/// Béla's whole `Authorization` header: `bela`, and the password below.
pub(super) const BELA_BASIC: &str = "Basic YmVsYTpwbGFudGVkLWJhc2ljLXBhc3N3b3JkLWJlbGE=";
/// Carol's whole `Authorization` header: `carol`, and the password below.
pub(super) const CAROL_BASIC: &str = "Basic Y2Fyb2w6cGxhbnRlZC1iYXNpYy1wYXNzd29yZC1jYXJvbA==";
/// Terraform's bearer token.
pub(super) const TERRAFORM_TOKEN: &str = "planted-bearer-token-terraform";
/// The deployment pipeline's key, in `X-Api-Key`.
pub(super) const PIPELINE_KEY: &str = "planted-api-key-pipeline";
/// The start of every session cookie.
pub(super) const SESSION_PREFIX: &str = "planted-session-";
/// The start of every API key's secret.
pub(super) const SECRET_PREFIX: &str = "sk-planted-key-secret-";
/// The password that new users get.
pub(super) const NEW_PASSWORD: &str = "planted-new-user-password";
/// Credentials of providers.
pub(super) const PROVIDER_KEY: &str = "planted-provider-credential";
/// A credential deep inside a provider's settings.
pub(super) const NESTED_TOKEN: &str = "planted-nested-authorization";
/// The mail server's password in the settings form.
pub(super) const SMTP_PASSWORD: &str = "planted-smtp-password";
/// A token in a query string.
pub(super) const QUERY_TOKEN: &str = "planted-query-token";
/// A password in a body that is neither JSON nor a form.
pub(super) const CSV_PASSWORD: &str = "planted-csv-password";
/// A token that somebody pasted into a prompt.
pub(super) const PROMPT_TOKEN: &str = "ghp_plantedInAPrompt0123456789abcdefABCD";

/// Everything that must not be on disk after the demo: none of these may occur in any file of
/// the data directory.
pub const PLANTED: &[&str] = &[
    ANNA_PASSWORD,
    WRONG_PASSWORD,
    "planted-basic-password-bela",
    "YmVsYTpwbGFudGVkLWJhc2ljLXBhc3N3b3JkLWJlbGE",
    "planted-basic-password-carol",
    "Y2Fyb2w6cGxhbnRlZC1iYXNpYy1wYXNzd29yZC1jYXJvbA",
    TERRAFORM_TOKEN,
    PIPELINE_KEY,
    SESSION_PREFIX,
    SECRET_PREFIX,
    NEW_PASSWORD,
    PROVIDER_KEY,
    NESTED_TOKEN,
    SMTP_PASSWORD,
    QUERY_TOKEN,
    CSV_PASSWORD,
    PROMPT_TOKEN,
];
