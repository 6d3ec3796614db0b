//! The section `retention`: how long events stay, and what becomes of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::text::{Days, Duration};
use crate::config::setting::Setting;

/// How long events stay.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct RetentionFile {
    /// Days for which an event stays, counted from the arrival of its request, or `forever`.
    /// Default: `forever`.
    #[schemars(extend("default" = "forever"))]
    pub(in crate::config) days: Setting<Days>,
    /// The same for events of one category, such as `gateway: 30`. Default: none.
    #[schemars(extend("default" = {}))]
    pub(in crate::config) categories: Setting<BTreeMap<String, Setting<Days>>>,
    /// Where what is too old is kept, before it is deleted: a directory, relative to the working
    /// directory (`countersign-archive`, `file:///var/lib/countersign-archive`); or `none`, and then
    /// it is gone. There is no default: where something is ever deleted, it must be said.
    pub(in crate::config) archive: Setting<String>,
    /// How often it is looked for what is too old. Default: `1h`.
    #[schemars(extend("default" = "1h"))]
    pub(in crate::config) interval: Setting<Duration>,
    /// Events that stay, however old they are. Default: none.
    #[schemars(extend("default" = []))]
    pub(in crate::config) holds: Setting<Vec<Setting<HoldFile>>>,
}

/// Events that stay until the hold is lifted.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name", "filter"]))]
pub(in crate::config) struct HoldFile {
    /// The name, which is put on record with every purge.
    pub(in crate::config) name: Setting<String>,
    /// Which events, as in the address of the console: `actor=ada@example.com&scope.pool=blue`. All of
    /// it must hold. Times are written as RFC 3339.
    pub(in crate::config) filter: Setting<String>,
    /// Why, for those who look at the settings. Default: none.
    pub(in crate::config) reason: Setting<String>,
    /// When the hold ends by itself, RFC 3339: `2027-01-31T00:00:00Z`. Default: never.
    pub(in crate::config) until: Setting<String>,
}
