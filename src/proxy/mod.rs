//! The proxy: the only module that names `pingora::proxy`.
//!
//! `door` judges the bytes of a head, `places` says who may come in, `wire` judges the bytes of the body
//! behind a head, `dated` keeps the date of its answer, `streams` is a connection of HTTP/2, `gate` decides
//! what is audited (by `plan`), `exchange` carries an audited request through and reads states before and
//! after it, `tunnel` what follows an upgrade, `oversee` looks on while a model's answer streams,
//! `subject` gathers what the stages are told, `balance` picks the upstream's address, `reach` tells
//! why none can be reached, `identity` asks
//! who acts, `fetch` puts the questions of our own, `outward` those of the reading side. `pass` carries
//! reads that are not recorded; everything else goes through Pingora's own pipeline.
//!
//! Invariants: no audited request reaches an upstream before its intent is durable; no response of
//! one reaches its client before its completion is; a snapshot of the configuration is taken once
//! per request. It must not know SQL.

mod balance;
mod body;
mod budget;
mod caller;
mod chunks;
mod door;
mod exchange;
mod failure;
mod fetch;
mod forward;
mod gate;
mod health;
mod heavy;
mod identity;
mod listening;
mod outward;
mod oversee;
mod pass;
mod patience;
mod places;
mod plan;
mod problem;
mod reach;
mod release;
mod rewrite;
mod snapshot;
mod streams;
mod strict;
mod subject;
mod trailers;
mod tunnel;
mod upstream;
mod wire;

pub use balance::UpstreamError;
pub use body::declared_length;
pub use budget::{Budget, Flight, InFlight};
pub use door::Door;
pub use gate::{Gate, Shared, application};
pub use outward::{Outward, OutwardError, Question, Reply};
pub use places::Places;
pub use plan::{Recording, is_rejection, is_stream, recording, stage, streams, table, upgrade};
pub use snapshot::{Ruled, Snapshot};

/// Names the event to the client.
pub const EVENT_HEADER: &str = "Countersign-Event";
/// Names the event to the upstream.
pub const REQUEST_HEADER: &str = "Countersign-Request";
/// Tells the upstream that a request is none of a client's: the state is read `before` or `after` one.
pub const SNAPSHOT_HEADER: &str = "Countersign-Snapshot";
