//! The state of what a request changes, read before it is sent and after its response has come.
//!
//! Invariants: whatever comes of it, the request goes on, at most the deadline later; what is read
//! is a GET that the caller could make, of a path where a GET is not itself recorded, with the
//! caller's own credential, to the application that the request goes to.

use std::time::{Duration, Instant};

use pingora::proxy::Session;
use tokio::time::timeout;

use super::{Exchange, Outcome, Told};
use crate::capture::{Body, Release, Response};
use crate::config::{AuditLevel, RouteKind, Snapshots};
use crate::derive::{Moment, Unseen, Whereabouts};
use crate::pipeline::{Prepared, Reading, States};
use crate::proxy::fetch::{Answer, Application, FetchError, Room};
use crate::proxy::heavy::{through, weight};
use crate::proxy::plan::Recording;
use crate::proxy::release::Held;
use crate::proxy::subject::{captured_response, stage};
use crate::proxy::{caller, forward, gate};
use crate::route::{Asked, Elsewhere, Readings, Safety, safety};
use crate::telemetry::SnapshotLabels;

/// What is read of an exchange.
pub(super) struct Observing {
    before: Reading,
    /// Where the state after is; `None` if the response has to tell.
    target: Option<String>,
}

impl Exchange<'_> {
    /// Reads the state before, where the route and its rules have it read.
    pub(super) async fn observe_before(&mut self, session: &Session) {
        let Some(whereabouts) = self.whereabouts(session) else { return };
        // On the heap, so that exchanges that need none of it do not carry its size around.
        let observing = Box::pin(self.begin(session, whereabouts)).await;
        self.observing = Some(Box::new(observing));
    }

    /// Reads the state after, where that before is known and the request was not refused.
    pub(super) async fn observe_after(&mut self, session: &Session, outcome: &mut Outcome) {
        let Some(observing) = self.observing.take() else { return };
        let Ok((upstream, held)) = &mut outcome.held else { return };
        if held.head.status.as_u16() >= 400 {
            return;
        }
        if held.release == Release::Held
            && let Some(upstream) = upstream.take()
        {
            // Its connection is for the next request: some applications have only one.
            upstream.release(&self.shared.connector).await;
        }
        let states = Box::pin(self.end(session, *observing, held)).await;
        self.states = Some(Box::new(states));
    }

    /// Where the state is; none if nobody wants it read.
    fn whereabouts(&self, session: &Session) -> Option<Whereabouts> {
        let route = &self.routed.route;
        if route.snapshots == Snapshots::None
            || self.recording != Recording::Everything
            || route.level != AuditLevel::Full
            || route.streaming
            || self.upgrade.is_some()
        {
            return None;
        }
        let Told::Now(prepared) = &self.told else { return None };
        if prepared.snapshot().is_some() {
            return Some(prepared.whereabouts());
        }
        if route.snapshots != Snapshots::Convention {
            return None;
        }
        if !prepared.is_about_item() {
            return prepared.unseen_item().map(Whereabouts::Unseen);
        }
        let target = gate::path_and_query(session.req_header());
        let readings = Readings::of(&target);
        let is_plain = readings.is_complete() && readings.each().count() == 1;
        Some(if is_plain { Whereabouts::At(target) } else { Whereabouts::Ambiguous })
    }

    async fn begin(&mut self, session: &Session, whereabouts: Whereabouts) -> Observing {
        let unseen = |why| Observing { before: Reading::Unseen(why), target: None };
        match whereabouts {
            Whereabouts::At(target) => {
                let before = self.read(session, Moment::Before, target.clone()).await;
                Observing { before, target: Some(target) }
            }
            // What gets its id from the response cannot have been there.
            Whereabouts::WithResponse if self.told.now().is_some_and(Prepared::is_creation) => {
                Observing { before: Reading::Nothing, target: None }
            }
            Whereabouts::Ambiguous => unseen(Unseen::AmbiguousPath),
            Whereabouts::Unseen(why) => unseen(why),
            Whereabouts::WithResponse | Whereabouts::Untold | Whereabouts::Unsaid => {
                unseen(Unseen::NoPath)
            }
        }
    }

    async fn end(&mut self, session: &Session, observing: Observing, held: &Held) -> States {
        let Observing { before, target } = observing;
        let after = if !before.is_of_use() {
            // There is nothing to compare a state with.
            Reading::Unseen(Unseen::NoPath)
        } else if held.release == Release::Streaming {
            Reading::Unseen(Unseen::Streaming)
        } else {
            let target = target.map_or_else(|| self.told_by(held), Whereabouts::At);
            match target {
                Whereabouts::At(target) => self.read(session, Moment::After, target).await,
                _ => Reading::Unseen(Unseen::NoPath),
            }
        };
        States { before, after }
    }

    /// Where the response says that the state is.
    fn told_by(&mut self, held: &Held) -> Whereabouts {
        let response = captured_response(held);
        match &mut self.told {
            Told::Now(prepared) => {
                let stage = stage(self.snapshot, self.routed);
                through(weight(&response.headers, &response.body), || {
                    prepared.whereabouts_after(&stage, &response)
                })
            }
            Told::Later(_) => Whereabouts::Untold,
        }
    }

    /// Reads a state, and counts it.
    async fn read(&mut self, session: &Session, moment: Moment, target: String) -> Reading {
        let came = self.ask(session, moment, &target).await;
        let result = match &came {
            Ok(Answer { status: 200 | 203, .. }) => "taken",
            Ok(Answer { status: 404 | 410, .. }) => "absent",
            Ok(Answer { status: 401 | 403 | 407, .. }) => Unseen::Refused.as_str(),
            Ok(Answer { status: 300..=399, .. }) => Unseen::Redirected.as_str(),
            Ok(_) => Unseen::Status.as_str(),
            Err(why) => why.as_str(),
        };
        let labels = SnapshotLabels { moment: moment.as_str(), result };
        self.shared.metrics.snapshots.get_or_create(&labels).inc();
        match came {
            Ok(answer) => Reading::Answer { target, answer: Box::new(captured(answer)) },
            Err(why) => Reading::Unseen(why),
        }
    }

    async fn ask(
        &mut self,
        session: &Session,
        moment: Moment,
        target: &str,
    ) -> Result<Answer, Unseen> {
        let head = session.req_header();
        let elsewhere = &Elsewhere::of(&head.headers);
        if elsewhere.any_path || !safety("GET", target, &head.headers, false).is_safe() {
            return Err(Unseen::Override);
        }
        if forward::is_bound(&head.headers) {
            return Err(Unseen::BoundCredential);
        }
        if !self.is_read(&Asked { host: caller::host_of(head), target, method: "GET", elsewhere }) {
            return Err(Unseen::NotARead);
        }
        let Ok(_permit) = self.snapshot.observing().try_acquire() else {
            return Err(Unseen::Busy);
        };
        let route = &self.routed.route;
        let place = format!("{} {}", route.upstream, self.told.now().map_or("", Prepared::route));
        let patience = self.snapshot.patience();
        if !patience.allows(&place, Instant::now()) {
            return Err(Unseen::Paused);
        }
        let forwarding = caller::forwarding(session, self.snapshot, route);
        let head = forward::reading(head, target, self.id, moment, &forwarding)
            .map_err(|_| Unseen::NoPath)?;
        let application = Application {
            connector: &self.shared.connector,
            upstream: &route.upstream,
            pool: self.snapshot.pool(&route.upstream),
            forwarding: &forwarding,
        };
        let room = Room { limit: route.capture_response, account: Some(&mut self.account) };
        let deadline = self.told.now().and_then(Prepared::snapshot).and_then(|rule| rule.timeout);
        let deadline: Duration = deadline.unwrap_or(self.snapshot.config.timeouts.snapshot);
        let began = Instant::now();
        let answer = timeout(deadline, application.ask_stamped(head, room)).await;
        self.shared.metrics.snapshot_seconds.observe(began.elapsed().as_secs_f64());
        let answer = answer.unwrap_or(Err(FetchError::Late)).map_err(unseen);
        match answer {
            Err(Unseen::Timeout) => patience.late(&place, Instant::now()),
            _ => patience.answered(&place),
        }
        answer
    }

    /// Whether a GET there is nothing but a read, of the same application: no rule has it recorded,
    /// and a client's own would go the same way.
    fn is_read(&self, asked: &Asked<'_>) -> bool {
        let safety = self.snapshot.events.judge(Safety::Safe, asked);
        let routed = self.snapshot.route(asked, Safety::Safe);
        safety.is_safe()
            && routed.is_some_and(|routed| {
                routed.route.kind == RouteKind::Admin
                    && routed.route.upstream == self.routed.route.upstream
            })
    }
}

fn unseen(error: FetchError) -> Unseen {
    match error {
        FetchError::Late => Unseen::Timeout,
        FetchError::TooLarge => Unseen::TooLarge,
        FetchError::NoMemory => Unseen::Busy,
        FetchError::Request => Unseen::NoPath,
        FetchError::Unreachable | FetchError::Broken | FetchError::Unusable => Unseen::Unreachable,
    }
}

fn captured(answer: Answer) -> Response {
    let Answer { status, headers, body } = answer;
    // Of other answers nothing but the status is looked at.
    let body = if matches!(status, 200 | 203) { body } else { Vec::new() };
    Response { status, headers, body: Body::whole(body), release: Release::Held }
}
