//! The configuration: a YAML file → a checked [`Config`] with every default filled.
//!
//! Owns the file's shape (`…File`), its JSON Schema, the defaults and every check. Does not know
//! who uses a setting, opens no socket and starts nothing.
//!
//! - What is in a [`Config`] has been checked: addresses parse, files exist, names resolve, limits
//!   are sane.
//! - Every problem is reported, not the first: reading never stops at one (`reader`), and checks
//!   go on with the default where a value is wrong.
//! - Files that are read are relative to the configuration file; what is written is relative to
//!   the working directory.

mod checked;
mod file;
mod reader;
mod setting;
mod tree;
mod url;

mod check;
mod load;
mod reload;

pub use checked::{
    Address, AuditLevel, Balancing, Config, HealthCheck, HttpVersions, Ledger, Limits, Listener,
    ListenerTls, LogFormat, Oidc, Postgres, PublicUrl, Reading, Route, RouteKind, Seal,
    SealEndpoint, Sessions, Snapshots, Spool, Telemetry, Timeouts, TrustedHeader, Upstream,
    UpstreamTls, Witness,
};
pub use load::{Examined, examine, for_upstream, load, on_postgres, schema};
pub use reload::{reload_diff, reloaded};

#[cfg(test)]
mod tests;
