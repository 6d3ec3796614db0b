//! The section `seal`: checkpoints of the ledger, and where they are published.

use schemars::JsonSchema;
use serde::Deserialize;

use super::text::Duration;
use crate::config::setting::Setting;

/// Signed checkpoints of the ledger, by which anybody can tell later that it was not changed. Publish
/// them where whoever can write to the database cannot: that is what makes them proof.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct SealFile {
    /// Whether checkpoints are made. Default: `true`.
    #[schemars(extend("default" = true))]
    pub(in crate::config) enabled: Setting<bool>,
    /// The name of this installation, which stands in every checkpoint before the name of the writer:
    /// best a host name with a path of your own, such as `audit.example.com/production`. It is part of
    /// the key once that is made. Default: a random name, made with the key.
    pub(in crate::config) name: Setting<String>,
    /// The shortest time between two checkpoints. Default: `1s`.
    #[schemars(extend("default" = "1s"))]
    pub(in crate::config) interval: Setting<Duration>,
    /// A file to which every checkpoint is appended as a line of JSON, relative to the working
    /// directory. It is never rotated; ship it off the machine. Default: none.
    pub(in crate::config) file: Setting<String>,
    /// Whether checkpoints are logged, of each writer's log at most one a minute. Default: `true`.
    #[schemars(extend("default" = true))]
    pub(in crate::config) log: Setting<bool>,
    /// A server to which every checkpoint is posted as JSON. Default: none.
    pub(in crate::config) endpoint: Setting<SealEndpointFile>,
    /// Witnesses that are asked to sign checkpoints too (C2SP tlog-witness). Default: none.
    #[schemars(extend("default" = []))]
    pub(in crate::config) witnesses: Setting<Vec<Setting<WitnessFile>>>,
}

/// A server that takes checkpoints.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["url"]))]
pub(in crate::config) struct SealEndpointFile {
    /// Where they are posted: `https://checkpoints.example.com/countersign`.
    pub(in crate::config) url: Setting<String>,
    /// A file with the bearer token that is sent along, relative to this file's directory. Default:
    /// none.
    pub(in crate::config) token_file: Setting<String>,
    /// An environment variable with that token. Default: none.
    pub(in crate::config) token_env: Setting<String>,
}

/// A witness.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["url", "key"]))]
pub(in crate::config) struct WitnessFile {
    /// Its submission prefix: `https://witness.example.com`.
    pub(in crate::config) url: Setting<String>,
    /// Its verifier key: `witness.example.com+ID+KEY`.
    pub(in crate::config) key: Setting<String>,
}
