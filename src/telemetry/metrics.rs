//! What is counted and measured, in the Prometheus/OpenMetrics text format.

use std::fmt;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The route's name in the configuration.
    pub route: String,
    /// `admin`, `gateway` or `bypass`.
    pub kind: &'static str,
}

/// Labels of an audited exchange.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ExchangeLabels {
    /// The route's name in the configuration.
    pub route: String,
    /// How auditing it ended.
    pub result: AuditResult,
}

/// How auditing an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditResult {
    /// Intent and completion are durable.
    Recorded,
    /// The intent could not be written: the upstream was not contacted.
    Refused,
    /// The completion could not be written: the response was withheld.
    Incomplete,
}

impl EncodeLabelValue for AuditResult {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), fmt::Error> {
        let text = match self {
            Self::Recorded => "recorded",
            Self::Refused => "refused",
            Self::Incomplete => "incomplete",
        };
        text.encode(encoder)
    }
}

/// A machine-readable reason from a closed set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabel {
    /// The reason.
    pub reason: &'static str,
}

/// Labels of a body that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct UnreadLabels {
    /// `request` or `response`, or the state `before` or `after`.
    pub half: &'static str,
    /// The note in the record.
    pub reason: &'static str,
}

/// Labels of a state that was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct SnapshotLabels {
    /// `before` or `after` the request.
    pub moment: &'static str,
    /// `taken`, `absent`, or why not.
    pub result: &'static str,
}

/// Labels of a change in an upstream's health.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HealthLabels {
    /// The upstream's name in the configuration.
    pub upstream: String,
    /// What one of its addresses became: `healthy` or `unhealthy`.
    pub health: &'static str,
}

/// Labels of an attempt to connect to an upstream that failed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct UnreachedLabels {
    /// The upstream's name in the configuration.
    pub upstream: String,
    /// Why: `refused`, `timeout`, `tls`, `no_route`, `no_address`, `http2` or `other`.
    pub reason: &'static str,
}

/// All metrics of a process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Requests by route and kind.
    pub requests: Family<RequestLabels, Counter>,
    /// Audited exchanges by route and result.
    pub exchanges: Family<ExchangeLabels, Counter>,
    /// Requests refused at the door, by reason.
    pub rejected: Family<ReasonLabel, Counter>,
    /// Completions with outcome `unknown`, by reason.
    pub unknown_outcomes: Family<ReasonLabel, Counter>,
    /// Bodies on record by type and size only, or with texts left out, since they could not be read.
    pub unread_bodies: Family<UnreadLabels, Counter>,
    /// States read before and after requests.
    pub snapshots: Family<SnapshotLabels, Counter>,
    /// How long reading one took.
    pub snapshot_seconds: Histogram,
    /// Errors of the store, by reason.
    pub store_errors: Family<ReasonLabel, Counter>,
    /// Entries that wait to be appended.
    pub queue_depth: Gauge,
    /// Entries appended in one transaction.
    pub batch_size: Histogram,
    /// One append, in seconds.
    pub append_seconds: Histogram,
    /// What auditing added to an exchange, in seconds: all but the upstream's own time.
    pub added_seconds: Histogram,
    /// Entries by which the search index is behind the ledger.
    pub index_lag: Gauge,
    /// Entries that no checkpoint covers yet.
    pub seal_lag: Gauge,
    /// Logs of which nothing more is signed, since the ledger is not what was signed.
    pub seal_disagreements: Gauge,
    /// Checkpoints that were signed.
    pub checkpoints: Counter,
    /// Checkpoints that could not be published, by where to.
    pub unpublished: Family<ReasonLabel, Counter>,
    /// Entries that wait for a database that is away.
    pub spool_entries: Gauge,
    /// Their documents.
    pub spool_bytes: Gauge,
    /// Bytes of captured bodies now in memory.
    pub captured_bytes: Gauge,
    /// Reloads of configuration and rules, by result.
    pub reloads: Family<ReasonLabel, Counter>,
    /// Addresses of upstreams that became healthy or unhealthy.
    pub upstream_health_changes: Family<HealthLabels, Counter>,
    /// Attempts to connect to upstreams that failed.
    pub upstream_connect_failures: Family<UnreachedLabels, Counter>,
    /// Entries that retention took out of the ledger.
    pub purged_entries: Counter,
    /// Runs of retention that did not do their work, by reason.
    pub retention_errors: Family<ReasonLabel, Counter>,
    /// When retention last did its work, in seconds since 1970.
    pub retention_last_run: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds = || Histogram::new(exponential_buckets(0.000_05, 2.0, 18));
        let mut metrics = Self {
            registry: Registry::with_prefix("countersign"),
            requests: Family::default(),
            exchanges: Family::default(),
            rejected: Family::default(),
            unknown_outcomes: Family::default(),
            unread_bodies: Family::default(),
            snapshots: Family::default(),
            snapshot_seconds: seconds(),
            store_errors: Family::default(),
            queue_depth: Gauge::default(),
            batch_size: Histogram::new(exponential_buckets(1.0, 2.0, 11)),
            append_seconds: seconds(),
            added_seconds: seconds(),
            index_lag: Gauge::default(),
            seal_lag: Gauge::default(),
            seal_disagreements: Gauge::default(),
            checkpoints: Counter::default(),
            unpublished: Family::default(),
            spool_entries: Gauge::default(),
            spool_bytes: Gauge::default(),
            captured_bytes: Gauge::default(),
            reloads: Family::default(),
            upstream_health_changes: Family::default(),
            upstream_connect_failures: Family::default(),
            purged_entries: Counter::default(),
            retention_errors: Family::default(),
            retention_last_run: Gauge::default(),
        };
        metrics.register();
        metrics.register_upstreams();
        metrics.register_seal();
        metrics.register_retention();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("requests", "Requests by route and kind", self.requests.clone());
        r.register("exchanges", "Audited exchanges by route and result", self.exchanges.clone());
        r.register("rejected", "Requests refused at the door", self.rejected.clone());
        r.register(
            "unknown_outcomes",
            "Completions with outcome unknown",
            self.unknown_outcomes.clone(),
        );
        r.register(
            "unread_bodies",
            "Bodies of which only metadata is recorded, since they could not be read to their end",
            self.unread_bodies.clone(),
        );
        r.register(
            "snapshots",
            "States read before and after requests, by result",
            self.snapshots.clone(),
        );
        r.register_with_unit(
            "snapshot",
            "Reading one state, for which a request waits",
            Unit::Seconds,
            self.snapshot_seconds.clone(),
        );
        r.register("store_errors", "Errors of the store", self.store_errors.clone());
        r.register("queue_depth", "Entries waiting to be appended", self.queue_depth.clone());
        r.register("batch_size", "Entries appended in one transaction", self.batch_size.clone());
        r.register_with_unit("append", "One append", Unit::Seconds, self.append_seconds.clone());
        r.register_with_unit(
            "added",
            "What auditing added to an exchange",
            Unit::Seconds,
            self.added_seconds.clone(),
        );
        r.register("index_lag", "Entries not yet in the search index", self.index_lag.clone());
        r.register(
            "spool_entries",
            "Entries that wait for a database that is away",
            self.spool_entries.clone(),
        );
        r.register_with_unit(
            "spool",
            "Documents that wait for a database that is away",
            Unit::Bytes,
            self.spool_bytes.clone(),
        );
        r.register_with_unit(
            "captured",
            "Captured bodies in memory",
            Unit::Bytes,
            self.captured_bytes.clone(),
        );
        r.register("reloads", "Reloads of configuration and rules", self.reloads.clone());
    }

    fn register_upstreams(&mut self) {
        let r = &mut self.registry;
        r.register(
            "upstream_health_changes",
            "Addresses of upstreams that became healthy or unhealthy",
            self.upstream_health_changes.clone(),
        );
        r.register(
            "upstream_connect_failures",
            "Attempts to connect to upstreams that failed, by reason",
            self.upstream_connect_failures.clone(),
        );
    }

    fn register_retention(&mut self) {
        let r = &mut self.registry;
        r.register(
            "purged_entries",
            "Entries that retention took out of the ledger",
            self.purged_entries.clone(),
        );
        r.register(
            "retention_errors",
            "Runs of retention that did not do their work",
            self.retention_errors.clone(),
        );
        r.register_with_unit(
            "retention_last_run_timestamp",
            "When retention last did its work",
            Unit::Seconds,
            self.retention_last_run.clone(),
        );
    }

    fn register_seal(&mut self) {
        let r = &mut self.registry;
        r.register("seal_lag", "Entries that no checkpoint covers yet", self.seal_lag.clone());
        r.register(
            "seal_disagreements",
            "Logs of which nothing more is signed: the ledger is not what was signed",
            self.seal_disagreements.clone(),
        );
        r.register("checkpoints", "Checkpoints that were signed", self.checkpoints.clone());
        r.register(
            "unpublished_checkpoints",
            "Checkpoints that could not be published, by where to",
            self.unpublished.clone(),
        );
    }

    /// The OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut body = String::new();
        // Writing to a `String` cannot fail.
        if text::encode(&mut body, &self.registry).is_err() {
            body.clear();
        }
        body
    }
}
