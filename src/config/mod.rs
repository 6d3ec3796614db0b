//! The configuration: a YAML file → a checked [`Config`] with every default filled.
//!
//! What is here has been checked: addresses parse, files exist, names resolve, limits are sane.

mod checked;

pub use checked::{
    Address, AuditLevel, Balancing, Config, HealthCheck, HttpVersions, Ledger, Limits, Listener,
    ListenerTls, LogFormat, Reading, Route, RouteKind, Telemetry, Timeouts, Upstream, UpstreamTls,
};
