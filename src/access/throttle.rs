//! How often an address may fail to say who it is.
//!
//! A right token always gets in, so nobody can lock anybody out; what fails often is told to come
//! back later, and costs nothing more.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Failures in a row that are answered as such.
const FAILURES: u32 = 20;
/// After this time an address begins anew.
const WINDOW: Duration = Duration::from_secs(60);
/// How often what is over is looked for.
const SWEEP: Duration = Duration::from_secs(5);
/// Addresses that are remembered; beyond it all others count as one.
const ADDRESSES: usize = 10_000;

/// What a failure comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// One of those that are answered as such.
    Counted,
    /// The first of too many; they may try again after this time.
    Throttled(Duration),
    /// Another one of those.
    Still(Duration),
}

impl Failure {
    /// How long to wait, if there were too many.
    pub fn wait(self) -> Option<Duration> {
        match self {
            Self::Counted => None,
            Self::Throttled(wait) | Self::Still(wait) => Some(wait),
        }
    }
}

/// Counts failures.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// When an address began to fail, and how often it has.
    failures: HashMap<Option<IpAddr>, (Instant, u32)>,
    /// When those that are over were last taken out.
    swept: Option<Instant>,
}

impl Throttle {
    /// Takes note of a failure at `now`.
    pub fn failed(&self, address: IpAddr, now: Instant) -> Failure {
        let mut guard = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Known { failures, swept } = &mut *guard;
        let is_over = |began: Instant| now.duration_since(began) >= WINDOW;
        let crowded = failures.len() >= ADDRESSES && !failures.contains_key(&Some(address));
        if crowded && swept.is_none_or(|swept| now.duration_since(swept) >= SWEEP) {
            failures.retain(|_, (began, _)| !is_over(*began));
            *swept = Some(now);
        }
        let full = failures.len() >= ADDRESSES && !failures.contains_key(&Some(address));
        let (began, count) = failures.entry((!full).then_some(address)).or_insert((now, 0));
        if is_over(*began) {
            (*began, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        let wait = WINDOW.saturating_sub(now.duration_since(*began));
        match (*count).cmp(&FAILURES.saturating_add(1)) {
            Ordering::Less => Failure::Counted,
            Ordering::Equal => Failure::Throttled(wait),
            Ordering::Greater => Failure::Still(wait),
        }
    }
}
