//! The configuration file, as operators write it. The doc comments here are the descriptions of
//! the JSON Schema, and the `default`s are what a test compares with what is really in force.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::setting::Setting;
use crate::rules::Pack;

mod ledger;
mod reading;
mod retention;
mod seal;
mod text;
mod traffic;

pub(super) use ledger::{PostgresFile, PostgresTlsFile, PostgresTlsModeFile, SpoolFile};
pub(super) use reading::{
    GrantFile, OidcFile, ReadingFile, RoleFile, SessionsFile, TrustedHeaderFile,
};
pub(super) use retention::{HoldFile, RetentionFile};
pub(super) use seal::{SealEndpointFile, SealFile, WitnessFile};
pub(super) use text::{Days, Duration, OneOrMany, Size, Threads};
pub(super) use traffic::{
    BalancingFile, CaptureFile, GenerationFile, HealthCheckFile, HttpFile, KindFile, LevelFile,
    ListenerFile, ListenerTlsFile, RouteFile, SnapshotsFile, UpstreamFile, UpstreamMapping,
    UpstreamTlsFile,
};

/// The configuration of countersign.
///
/// Only `upstreams` is required. Durations are written `250ms`, `10s`, `2m`, `1h`; sizes `64KiB`,
/// `1MiB`, `10MB` or as a number of bytes. Files that are read (certificates, keys, rules) are
/// found relative to this file's directory; what is written (the ledger, unix sockets) relative to
/// the working directory.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "countersign configuration", extend("required" = ["upstreams"]))]
pub(super) struct ConfigFile {
    /// Where clients connect: addresses, or mappings with `address`, `http2` and `tls`.
    /// Default: one plain listener on `127.0.0.1:8080` that speaks HTTP/1.1 and HTTP/2.
    #[schemars(length(min = 1), extend("default" = ["127.0.0.1:8080"]))]
    pub(super) listeners: Setting<Vec<Setting<ListenerFile>>>,
    /// Where requests go, by name: a URL (`http://10.0.0.5:8080`), or a mapping with `addresses`
    /// and more. At least one; there is no default.
    #[schemars(extend("minProperties" = 1))]
    pub(super) upstreams: Setting<BTreeMap<String, Setting<UpstreamFile>>>,
    /// Which requests go where, and how they are recorded. Tried in order; the first that matches
    /// is taken. The last must match everything; with one upstream it is added for you. Default: a
    /// route `default` of kind `admin` to the only upstream, and what `generation` says before it.
    #[schemars(extend("default" = []))]
    pub(super) routes: Setting<Vec<Setting<RouteFile>>>,
    /// Well-known endpoints at which models generate (`/v1/chat/completions` and its like), where the
    /// last route is added for you: `gateway` adds another one before it, `generation` of kind
    /// `gateway`, by which only rejections are recorded; `admin` audits them as everything else.
    /// Routes that you write are taken as they are written. Default: `gateway`.
    #[schemars(extend("default" = "gateway"))]
    pub(super) generation: Setting<GenerationFile>,
    /// Peers whose `Forwarded` and `X-Forwarded-*` headers are believed: networks (`10.0.0.0/8`)
    /// or addresses. Default: none.
    #[schemars(extend("default" = []))]
    pub(super) trusted_proxies: Setting<OneOrMany>,
    /// How long things may take.
    pub(super) timeouts: Setting<TimeoutsFile>,
    /// How much of everything there may be.
    pub(super) limits: Setting<LimitsFile>,
    /// Where events are written.
    pub(super) ledger: Setting<LedgerFile>,
    /// Signed checkpoints of the ledger.
    pub(super) seal: Setting<SealFile>,
    /// How long events stay.
    pub(super) retention: Setting<RetentionFile>,
    /// The listener for reading the log, and for operations: health, readiness, metrics. Never the
    /// proxy's.
    pub(super) reading: Setting<ReadingFile>,
    /// Logs of the process itself. They never carry what was captured from a request.
    pub(super) telemetry: Setting<TelemetryFile>,
    /// Which rules redact, name and reject.
    pub(super) rules: Setting<RulesFile>,
    /// Worker threads of the proxy: a number, or `auto` for one a core. Default: `auto`.
    #[schemars(extend("default" = "auto"))]
    pub(super) threads: Setting<Threads>,
}

/// How long things may take.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TimeoutsFile {
    /// A whole request head, from its first byte; a TLS handshake. Default: `10s`.
    #[schemars(extend("default" = "10s"))]
    pub(super) request_head: Setting<Duration>,
    /// Between two reads of a request body. Default: `30s`.
    #[schemars(extend("default" = "30s"))]
    pub(super) request_body: Setting<Duration>,
    /// A whole request body, as far as it is captured. Default: `120s`.
    #[schemars(extend("default" = "120s"))]
    pub(super) request_body_total: Setting<Duration>,
    /// Between two writes to a client. Default: `30s`.
    #[schemars(extend("default" = "30s"))]
    pub(super) client_write: Setting<Duration>,
    /// An idle connection of a client is kept this long. Default: `60s`.
    #[schemars(extend("default" = "60s"))]
    pub(super) client_idle: Setting<Duration>,
    /// A new connection to an upstream, TLS included. Default: `5s`.
    #[schemars(extend("default" = "5s"))]
    pub(super) connect: Setting<Duration>,
    /// The head of a response, and between two reads of its body. Default: `60s`.
    #[schemars(extend("default" = "60s"))]
    pub(super) upstream_read: Setting<Duration>,
    /// Between two writes to an upstream. Default: `30s`.
    #[schemars(extend("default" = "30s"))]
    pub(super) upstream_write: Setting<Duration>,
    /// An idle connection to an upstream is kept this long. Default: `60s`.
    #[schemars(extend("default" = "60s"))]
    pub(super) upstream_idle: Setting<Duration>,
    /// The state before a request, or after it, where it is read. Default: `1s`.
    #[schemars(extend("default" = "1s"))]
    pub(super) snapshot: Setting<Duration>,
    /// For the requests in flight when the process is told to stop. Default: `30s`.
    #[schemars(extend("default" = "30s"))]
    pub(super) shutdown: Setting<Duration>,
}

/// How much of everything there may be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LimitsFile {
    /// A request head, in bytes. Default: `64KiB`.
    #[schemars(extend("default" = "64KiB"))]
    pub(super) head_bytes: Setting<Size>,
    /// Fields in a request head. Default: 100.
    #[schemars(extend("default" = 100))]
    pub(super) head_fields: Setting<usize>,
    /// A request target (path and query), in bytes. Default: `8KiB`.
    #[schemars(extend("default" = "8KiB"))]
    pub(super) target_bytes: Setting<Size>,
    /// Connections of clients at one time; beyond it the longest idle makes room. Default: 10000.
    #[schemars(extend("default" = 10000))]
    pub(super) connections: Setting<usize>,
    /// Memory for captured bodies at one time, in bytes; beyond it requests are answered 503.
    /// Default: `32MiB`.
    #[schemars(extend("default" = "32MiB"))]
    pub(super) captured_bytes: Setting<Size>,
    /// States that are read at one time; beyond it requests go on without. Default: 64.
    #[schemars(extend("default" = 64))]
    pub(super) snapshots: Setting<usize>,
}

/// Where events are written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LedgerFile {
    /// The directory of the database files and of the installation's key, relative to the working
    /// directory; made if it is missing. Default: `countersign-data`.
    #[schemars(extend("default" = "countersign-data"))]
    pub(super) dir: Setting<String>,
    /// The name of this writer in every event: letters, digits, `.`, `_`, `-`, at most 64. Each
    /// proxy on one database needs its own. Default: `countersign`; with `postgres`, the name of this
    /// machine.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"), extend("default" = "countersign"))]
    pub(super) writer: Setting<String>,
    /// The deadline of an append; beyond it the request fails. Default: `5s`.
    #[schemars(extend("default" = "5s"))]
    pub(super) timeout: Setting<Duration>,
    /// Entries that may wait to be appended; beyond it requests fail at once. Default: 4096.
    #[schemars(extend("default" = 4096))]
    pub(super) queue: Setting<usize>,
    /// Entries that are appended in one transaction, at most as many as may wait. Default: 512.
    #[schemars(extend("default" = 512))]
    pub(super) batch: Setting<usize>,
    /// How often intents without an exchange are looked for. Default: `5s`.
    #[schemars(extend("default" = "5s"))]
    pub(super) sweep_interval: Setting<Duration>,
    /// A PostgreSQL database in place of a file in `dir`. Default: none.
    pub(super) postgres: Setting<PostgresFile>,
    /// A file in `dir` where entries wait, durably, while the database does not take them. Without it
    /// requests fail meanwhile. Default: none.
    pub(super) spool: Setting<SpoolFile>,
}

/// Logs of the process itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct TelemetryFile {
    /// `text` for people, `json` for machines. Default: `text`.
    #[schemars(extend("default" = "text"))]
    pub(super) format: Setting<FormatFile>,
    /// What is logged: a level (`error`, `warn`, `info`, `debug`, `trace`), or a list by module,
    /// such as `info,countersign=debug`. Default: `info`.
    #[schemars(extend("default" = "info"))]
    pub(super) filter: Setting<String>,
}

/// The format of logs.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FormatFile {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Which rules are in force.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RulesFile {
    /// A directory of your own rule files (`*.yaml`), relative to this file's. Default: none.
    pub(super) dir: Setting<String>,
    /// The shipped packs that are in force beside your own rules: `credentials`, `tokens`, `texts`,
    /// `prompts`, `pii`, `gateway`. Default: all but `pii`.
    #[schemars(extend("default" = ["credentials", "tokens", "texts", "prompts", "gateway"]))]
    pub(super) packs: Setting<Vec<Setting<Pack>>>,
}
