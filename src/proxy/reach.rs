//! Why an upstream cannot be reached, for its operators: counted for every attempt, and told in the log,
//! but not for every request that fails for it.
//!
//! Invariant: nothing of a request is told, only of the upstream.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use pingora::lb::Backend;
use pingora::lb::health_check::HealthCheck;
use pingora::protocols::l4::socket::SocketAddr;
use pingora::{Error, ErrorType};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use crate::telemetry::{HealthLabels, Metrics, UnreachedLabels};

/// The same of the same address is told again after so long.
const AGAIN: Duration = Duration::from_secs(30);
/// More of what was told is not remembered: names may resolve to ever new addresses.
const REMEMBERED: usize = 1024;

/// What keeps one upstream from being reached.
pub(super) struct Reach {
    upstream: String,
    failures: Family<UnreachedLabels, Counter>,
    told: Mutex<BTreeMap<(String, &'static str), Told>>,
}

/// When something was told, and how often it was not since.
struct Told {
    at: Instant,
    untold: u64,
}

impl Reach {
    /// Of the upstream of this name.
    pub(super) fn new(upstream: &str, metrics: &Metrics) -> Self {
        let failures = metrics.upstream_connect_failures.clone();
        Self { upstream: upstream.to_owned(), failures, told: Mutex::default() }
    }

    /// An address could not be connected to.
    pub(super) fn refused(&self, address: &SocketAddr, error: &Error) {
        self.fail(&address.to_string(), reason(error), &cause(error));
    }

    /// There is no address to connect to.
    pub(super) fn no_address(&self) {
        self.fail("none", "no_address", "no address resolves, or none is healthy");
    }

    fn fail(&self, address: &str, reason: &'static str, error: &str) {
        let upstream = self.upstream.as_str();
        let labels = UnreachedLabels { upstream: upstream.to_owned(), reason };
        self.failures.get_or_create(&labels).inc();
        if let Some(untold) = self.is_due(address, reason, Instant::now()) {
            tracing::warn!(
                upstream,
                address,
                reason,
                error,
                untold,
                "an upstream cannot be reached"
            );
        }
    }

    /// How often the same was not told, if it is to be told now.
    fn is_due(&self, address: &str, reason: &'static str, now: Instant) -> Option<u64> {
        let mut told = lock(&self.told);
        let key = (address.to_owned(), reason);
        match told.get_mut(&key) {
            Some(last) if now.duration_since(last.at) < AGAIN => {
                last.untold += 1;
                return None;
            }
            Some(last) => {
                let untold = last.untold;
                *last = Told { at: now, untold: 0 };
                return Some(untold);
            }
            None => {}
        }
        if told.len() >= REMEMBERED {
            told.clear();
        }
        told.insert(key, Told { at: now, untold: 0 });
        Some(0)
    }
}

/// An error's name in the metrics, from a closed set.
fn reason(error: &Error) -> &'static str {
    match error.etype() {
        ErrorType::ConnectRefused => "refused",
        ErrorType::ConnectTimedout | ErrorType::TLSHandshakeTimedout => "timeout",
        ErrorType::ConnectNoRoute => "no_route",
        ErrorType::InvalidCert | ErrorType::TLSHandshakeFailure | ErrorType::TLSWantX509Lookup => {
            "tls"
        }
        ErrorType::HandshakeError
        | ErrorType::H2Error
        | ErrorType::H2Downgrade
        | ErrorType::InvalidH2 => "http2",
        _ => "other",
    }
}

/// What an error says of its cause. Pingora has that of a TLS handshake, and of a deadline, in the context.
pub(super) fn cause(error: &Error) -> String {
    let context = error.context.as_ref().map(|context| context.as_str());
    let told_in_context = matches!(
        error.etype(),
        ErrorType::TLSHandshakeFailure
            | ErrorType::TLSHandshakeTimedout
            | ErrorType::ConnectTimedout
    );
    match (context, &error.cause) {
        (Some(context), Some(_)) if told_in_context => context.to_owned(),
        (_, Some(cause)) => match cause.downcast_ref::<Box<Error>>() {
            Some(inner) => self::cause(inner),
            None => cause.to_string(),
        },
        (Some(context), None) => context.to_owned(),
        (None, None) => error.etype().as_str().to_owned(),
    }
}

/// A health check that remembers why an address fails, and tells operators when one is left, and when it
/// is taken back.
pub(super) struct Checked {
    check: Box<dyn HealthCheck + Send + Sync>,
    upstream: String,
    changes: Family<HealthLabels, Counter>,
    causes: Mutex<BTreeMap<String, String>>,
}

impl Checked {
    /// The checks of the upstream of this name.
    pub(super) fn new(
        check: Box<dyn HealthCheck + Send + Sync>,
        upstream: &str,
        metrics: &Metrics,
    ) -> Self {
        let changes = metrics.upstream_health_changes.clone();
        Self { check, upstream: upstream.to_owned(), changes, causes: Mutex::default() }
    }
}

#[async_trait]
impl HealthCheck for Checked {
    async fn check(&self, target: &Backend) -> pingora::Result<()> {
        let result = self.check.check(target).await;
        if let Err(error) = &result {
            let mut causes = lock(&self.causes);
            if causes.len() >= REMEMBERED {
                causes.clear();
            }
            causes.insert(target.addr.to_string(), cause(error));
        }
        result
    }

    async fn health_status_change(&self, target: &Backend, healthy: bool) {
        let (upstream, address) = (&self.upstream, target.addr.to_string());
        let health = if healthy { "healthy" } else { "unhealthy" };
        let labels = HealthLabels { upstream: upstream.clone(), health };
        self.changes.get_or_create(&labels).inc();
        let cause = lock(&self.causes).remove(&address).unwrap_or_default();
        if healthy {
            tracing::info!(upstream, address, "an address is healthy again");
        } else {
            tracing::warn!(
                upstream,
                address,
                error = cause,
                "an address is unhealthy and gets no requests"
            );
        }
    }

    fn backend_summary(&self, target: &Backend) -> String {
        self.check.backend_summary(target)
    }

    fn health_threshold(&self, success: bool) -> usize {
        self.check.health_threshold(success)
    }
}

/// Which names of an upstream do not resolve. It is told when that begins and when it ends.
#[derive(Default)]
pub(super) struct Unresolved(Mutex<BTreeSet<String>>);

impl Unresolved {
    /// How resolving an address went.
    pub(super) fn note(&self, upstream: &str, address: &str, error: Option<&std::io::Error>) {
        let mut unresolved = lock(&self.0);
        match error {
            Some(error) if unresolved.insert(address.to_owned()) => {
                tracing::warn!(upstream, address, %error, "an address does not resolve");
            }
            None if unresolved.remove(address) => {
                tracing::info!(upstream, address, "an address resolves again");
            }
            Some(_) | None => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_in_a_while_and_another_thing_at_once() {
        let reach = Reach::new("app", &Metrics::default());
        let begun = Instant::now();
        let due = |address: &str, reason, after: u64| {
            reach.is_due(address, reason, begun + Duration::from_secs(after))
        };
        assert_eq!(due("a:1", "refused", 0), Some(0));
        assert_eq!((due("a:1", "refused", 1), due("a:1", "refused", 29)), (None, None));
        assert_eq!((due("a:1", "tls", 1), due("b:1", "refused", 1)), (Some(0), Some(0)));
        assert_eq!((due("a:1", "refused", 30), due("a:1", "refused", 31)), (Some(2), None));
    }

    #[test]
    fn an_error_tells_its_cause() {
        let io = std::io::Error::from_raw_os_error(111);
        let refused = Error::because(ErrorType::ConnectRefused, "Fail to connect to x", io);
        assert_eq!(reason(&refused), "refused");
        assert!(cause(&refused).starts_with("Connection refused"), "{}", cause(&refused));
        let tls = Error::explain(ErrorType::TLSHandshakeFailure, "TLS failed: UnknownIssuer");
        assert_eq!((reason(&tls), cause(&tls)), ("tls", "TLS failed: UnknownIssuer".to_owned()));
        let bare = Error::new(ErrorType::ConnectNoRoute);
        assert_eq!((reason(&bare), cause(&bare)), ("no_route", "ConnectNoRoute".to_owned()));
    }
}
