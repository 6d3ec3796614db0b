//! The section `reading`: where the log is read, and how readers get in.

use schemars::JsonSchema;
use serde::Deserialize;

use super::text::{Duration, OneOrMany};
use crate::config::setting::Setting;

/// The listener for operations.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct ReadingFile {
    /// Its address: loopback only, since it speaks plain HTTP. Default: `127.0.0.1:8090`.
    #[schemars(extend("default" = "127.0.0.1:8090"))]
    pub(in crate::config) address: Setting<String>,
    /// Where browsers find it, if a proxy stands in front: `https://audit.example.com`, or with a path
    /// that the proxy takes off: `https://example.com/audit-log`. Default: its address.
    pub(in crate::config) public_url: Setting<String>,
    /// Sessions of browsers.
    pub(in crate::config) sessions: Setting<SessionsFile>,
    /// An authenticating proxy in front, which says in header fields who somebody is. Default: none.
    pub(in crate::config) trusted_header: Setting<TrustedHeaderFile>,
    /// A provider (OpenID Connect) with which people sign in. Default: none.
    pub(in crate::config) oidc: Setting<OidcFile>,
}

/// Sessions of browsers.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct SessionsFile {
    /// A session that nobody uses for so long has ended. Default: `30m`.
    #[schemars(extend("default" = "30m"))]
    pub(in crate::config) idle: Setting<Duration>,
    /// A session that is so old has ended. Default: `12h`.
    #[schemars(extend("default" = "12h"))]
    pub(in crate::config) total: Setting<Duration>,
}

/// An authenticating proxy in front.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["user", "peers", "grants"]))]
pub(in crate::config) struct TrustedHeaderFile {
    /// The field with the user's name, such as `X-Forwarded-User`. The proxy must set it, or take it
    /// away, on every request.
    pub(in crate::config) user: Setting<String>,
    /// The field with the names of the user's groups, separated by commas. Default: none, and only
    /// the group `*` can fit.
    pub(in crate::config) groups: Setting<String>,
    /// Who may say so: networks or addresses of the proxy. From others the fields are ignored, and
    /// that they were sent is on record.
    pub(in crate::config) peers: Setting<OneOrMany>,
    /// A field with a secret that the proxy adds, such as `X-Proxy-Secret`. Where others may connect
    /// from the same addresses, this keeps them from saying who they are. Default: none.
    pub(in crate::config) secret_header: Setting<String>,
    /// A file with that secret, relative to this file's directory. Default: none.
    pub(in crate::config) secret_file: Setting<String>,
    /// An environment variable with that secret. Default: none.
    pub(in crate::config) secret_env: Setting<String>,
    /// What groups may do; the first that fits holds, and who is in none of them does not get in.
    pub(in crate::config) grants: Setting<Vec<Setting<GrantFile>>>,
}

/// An OpenID Connect provider.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["issuer", "client_id", "grants"]))]
pub(in crate::config) struct OidcFile {
    /// The provider's issuer, as in its discovery document: `https://id.example.com`. The callback to
    /// be registered there is the public URL and `/audit/oidc/callback`.
    pub(in crate::config) issuer: Setting<String>,
    /// As what countersign is registered there.
    pub(in crate::config) client_id: Setting<String>,
    /// A file with the client's secret, relative to this file's directory. Default: none, for a
    /// public client.
    pub(in crate::config) client_secret_file: Setting<String>,
    /// An environment variable with the client's secret. Default: none.
    pub(in crate::config) client_secret_env: Setting<String>,
    /// By what people know the provider. Default: the issuer's host.
    pub(in crate::config) label: Setting<String>,
    /// What is asked for; `openid` is always. Default: `profile`, `email`.
    #[schemars(extend("default" = ["profile", "email"]))]
    pub(in crate::config) scopes: Setting<OneOrMany>,
    /// The claim with the names of groups, or a path to it: `groups`, `realm_access.roles`. Default:
    /// `groups`.
    #[schemars(extend("default" = "groups"))]
    pub(in crate::config) claim: Setting<String>,
    /// What groups may do; the first that fits holds, and who is in none of them does not get in.
    pub(in crate::config) grants: Setting<Vec<Setting<GrantFile>>>,
    /// A file with the authorities (PEM) that are trusted in place of the system's, relative to this
    /// file's directory. Default: none.
    pub(in crate::config) ca: Setting<String>,
    /// How long the provider may take to answer. Default: `5s`.
    #[schemars(extend("default" = "5s"))]
    pub(in crate::config) timeout: Setting<Duration>,
}

/// What those of a group may do.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["group", "role"]))]
pub(in crate::config) struct GrantFile {
    /// The group's name, or `*` for everybody.
    pub(in crate::config) group: Setting<String>,
    /// `owner` (everything), `admin` (its scopes: read and export) or `viewer` (its scopes: read).
    pub(in crate::config) role: Setting<RoleFile>,
    /// Only events of these scopes, such as `pool=blue`; of one name any of the values, of several
    /// names all. An admin or a viewer needs some, or `all_scopes`.
    pub(in crate::config) scopes: Setting<OneOrMany>,
    /// Every event, for an admin or a viewer. Default: false.
    #[schemars(extend("default" = false))]
    pub(in crate::config) all_scopes: Setting<bool>,
}

/// What somebody is, to the log.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum RoleFile {
    /// Everything.
    Owner,
    /// Reads and exports its scopes.
    Admin,
    /// Reads its scopes.
    Viewer,
}
