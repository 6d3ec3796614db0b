//! The section `reading`: where the log is read, and how readers get in.

use schemars::JsonSchema;
use serde::Deserialize;

use super::text::Duration;
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
