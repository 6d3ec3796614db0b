//! The ledger in PostgreSQL, as the file has it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Duration, Size};
use crate::config::setting::Setting;

/// A PostgreSQL database that holds the ledger.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["url"]))]
pub(in crate::config) struct PostgresFile {
    /// Where it is and as whom to connect: `postgres://login@host:5432/database`. Several hosts,
    /// separated by commas, are tried in turn until one can be written to. There is no default.
    #[schemars(regex(pattern = r"^postgres(ql)?://"))]
    pub(in crate::config) url: Setting<String>,
    /// A file with the login's password, relative to this file's directory. Default: none.
    pub(in crate::config) password_file: Setting<String>,
    /// The environment variable with the password, in place of the file. Default: none.
    pub(in crate::config) password_env: Setting<String>,
    /// TLS towards the server.
    pub(in crate::config) tls: Setting<PostgresTlsFile>,
    /// `false` behind a pooler that gives every transaction another connection (pgbouncer's
    /// `transaction`): costs two more round trips for each append. Default: `true`.
    #[schemars(extend("default" = true))]
    pub(in crate::config) prepared_statements: Setting<bool>,
    /// A writer that has not been heard of for so long is gone: another proxy may take its name, and
    /// closes what it left open. At least twice `sweep_interval`. Default: `30s`.
    #[schemars(extend("default" = "30s"))]
    pub(in crate::config) dead_after: Setting<Duration>,
}

/// Where entries wait while the database does not take them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct SpoolFile {
    /// Documents that may wait, at most; beyond it requests fail as they do without a spool. At least
    /// `1MiB`. Default: `1GiB`.
    #[schemars(extend("default" = "1GiB"))]
    pub(in crate::config) max_size: Setting<Size>,
    /// How long other proxies wait before they take this one for gone and close what it left open: no
    /// shorter than the database may be away from it. Default: `24h`.
    #[schemars(extend("default" = "24h"))]
    pub(in crate::config) silence: Setting<Duration>,
}

/// TLS towards a PostgreSQL server.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct PostgresTlsFile {
    /// `disable`, `prefer`, `require`, `verify-ca` or `verify-full`. Default: `verify-full`, and
    /// `prefer` where all hosts are on this machine.
    pub(in crate::config) mode: Setting<PostgresTlsModeFile>,
    /// A CA bundle, PEM, in place of the system's roots. Default: the system's.
    pub(in crate::config) ca: Setting<String>,
    /// A client certificate, PEM. Default: none.
    pub(in crate::config) certificate: Setting<String>,
    /// Its key, PEM.
    pub(in crate::config) key: Setting<String>,
}

/// How much TLS.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum PostgresTlsModeFile {
    /// None.
    Disable,
    /// Where the server offers it.
    Prefer,
    /// Always; with whom, nobody checks.
    Require,
    /// With a server whose certificate is of a trusted authority.
    VerifyCa,
    /// And is for this host.
    VerifyFull,
}
