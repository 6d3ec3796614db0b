//! What goes wrong with a model's answer after it has begun: recorded as a rejection while the rest of
//! it streams on.
//!
//! The bytes have left for the client before they are looked at, and nobody waits for the entry: it is
//! appended beside the stream, by a task that the process waits for when it stops. So such a rejection
//! is on record soon after it was seen, and not before: a `kill -9` in between loses it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;

use super::gate::Shared;
use super::snapshot::{Routed, Snapshot};
use super::subject::{Subject, stage};
use crate::gateway::{self, Watch};
use crate::pipeline::{End, Timing};
use crate::telemetry::{AuditResult, ExchangeLabels};

/// What became of a part of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Passing<'a> {
    /// These bytes were handed on.
    Passed(&'a Bytes),
    /// It is whole.
    Ended,
    /// The upstream broke it off.
    Lost,
}

/// Looks on while an answer streams.
pub(super) struct Overseer<'e> {
    pub(super) shared: &'e Arc<Shared>,
    pub(super) snapshot: &'e Snapshot,
    pub(super) routed: &'e Routed,
    pub(super) subject: Subject,
    pub(super) began: Instant,
    pub(super) upstream: Option<Duration>,
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// Nothing where the answer cannot be looked into.
    pub(super) watch: Option<Watch>,
    pub(super) is_told: bool,
}

impl Overseer<'_> {
    /// Takes note of what became of a part of the answer.
    pub(super) fn see(&mut self, passing: Passing<'_>) {
        if self.is_told {
            return;
        }
        let error = match (passing, &mut self.watch) {
            (Passing::Passed(bytes), Some(watch)) => watch.passed(bytes),
            (Passing::Ended, Some(watch)) => watch.ended(),
            (Passing::Lost, _) => return self.tell(None),
            (_, None) => None,
        };
        if let Some(error) = error {
            self.tell(Some(error));
        }
    }

    /// Records an error that stood in the answer, or that it was broken off.
    fn tell(&mut self, error: Option<Vec<u8>>) {
        self.is_told = true;
        let mut prepared = self.subject.known(self.shared, self.snapshot, self.routed);
        let response =
            error.map(|error| gateway::told(self.status, std::mem::take(&mut self.headers), error));
        let timing = Timing {
            completed_at: self.shared.clock.now(),
            duration: self.began.elapsed(),
            upstream: self.upstream,
            client_gone: false,
            request_body: None,
            states: None,
        };
        let end = response.as_ref().map_or(End::UpstreamLost, End::Response);
        let stage = stage(self.snapshot, self.routed);
        let Ok(entry) = prepared.rejection(&stage, end, &timing) else { return };
        let (shared, flight) = (Arc::clone(self.shared), self.shared.in_flight.enter());
        let (event, route) = (prepared.id(), self.routed.route.name.clone());
        tokio::spawn(async move {
            let result = match shared.recorder.event(entry).await {
                Ok(_) => AuditResult::Recorded,
                Err(error) => {
                    let reason = error.reason();
                    tracing::error!(%event, reason, "an error in a stream was not recorded");
                    AuditResult::Incomplete
                }
            };
            shared.metrics.exchanges.get_or_create(&ExchangeLabels { route, result }).inc();
            drop(flight);
        });
    }
}
