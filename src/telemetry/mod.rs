//! Metrics and logs. Neither ever carries a captured value: labels are route names, kinds and
//! codes from closed sets.

mod logs;
mod metrics;

pub use logs::init as init_logs;
pub use metrics::{
    AuditResult, ExchangeLabels, HealthLabels, Metrics, ReasonLabel, RequestLabels, SnapshotLabels,
    UnreachedLabels, UnreadLabels,
};
