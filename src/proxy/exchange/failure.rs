//! What the client is told where there is no response.

use pingora::proxy::Session;

use super::Exchange;
use crate::pipeline::End;
use crate::proxy::body::BodyError;
use crate::proxy::failure::Failure;
use crate::proxy::problem;
use crate::record::EventId;
use crate::telemetry::{Metrics, ReasonLabel};

impl Exchange<'_> {
    /// Answers in the application's place.
    pub(super) async fn answer_failure(
        &self,
        session: &mut Session,
        failure: Failure,
        event: Option<EventId>,
    ) -> pingora::Result<()> {
        let problem = match failure {
            Failure::NotSent => problem::unreached(),
            Failure::ConnectTimeout => problem::out_of_reach(),
            Failure::Lost => problem::lost(),
            Failure::Invalid => problem::unreadable(),
            Failure::Timeout => problem::late(),
            Failure::ClientAborted(why) => {
                session.set_keepalive(None);
                match why {
                    BodyError::Refused(refusal) => self.shared.refuse(&refusal),
                    BodyError::Gone | BodyError::NoMemory => return Ok(()),
                }
            }
        };
        let problem = match event {
            Some(event) => problem.with_event(event),
            None => problem,
        };
        problem::send(session, &problem).await
    }
}

/// Has what [`unknown`] says counted from the start: an alert sees a count grow only from one that it has seen.
pub(in crate::proxy) fn count_unknown_from_zero(metrics: &Metrics) {
    for end in [End::UpstreamLost, End::UpstreamInvalid, End::UpstreamTimeout] {
        if let Some(reason) = unknown(end) {
            drop(metrics.unknown_outcomes.get_or_create(&ReasonLabel { reason }));
        }
    }
}

/// Why nobody can say what came of a request, for metrics.
pub(super) fn unknown(end: End<'_>) -> Option<&'static str> {
    match end {
        End::UpstreamLost => Some("upstream_lost"),
        End::UpstreamInvalid => Some("upstream_invalid"),
        End::UpstreamTimeout => Some("upstream_timeout"),
        End::Response(_) | End::NotSent | End::ClientAborted => None,
    }
}
