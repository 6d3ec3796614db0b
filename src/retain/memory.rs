//! What earlier runs have looked through, so that the next one looks only where something has become
//! due since. It may be forgotten at any time: then everything is looked through.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;

use super::Policy;
use super::find::Window;
use super::policy::cutoff;
use crate::clock::Timestamp;
use crate::index::Index;

/// Everything is looked through again after so long: an event may have come late, or ended late.
const WHOLE: TimeDelta = TimeDelta::days(1);
/// A stretch begins this long before the end of the last one.
const OVERLAP: TimeDelta = TimeDelta::hours(2);

/// Of every writer, its last run that came to its end.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<HashMap<String, Run>>);

#[derive(Debug, Clone)]
struct Run {
    policy: Policy,
    whole: Timestamp,
    last: Timestamp,
}

impl Memory {
    /// Where something may be due: everything that is old enough, or what has become so.
    pub(super) fn windows(&self, writer: &str, policy: &Policy, now: Timestamp) -> Vec<Window> {
        let days = policy.all_days();
        let ended = |run: &Run| {
            let mut holds = policy.holds.iter();
            holds.any(|hold| hold.holds_at(run.last) && !hold.holds_at(now))
        };
        let known = self.runs().get(writer).cloned().filter(|run| {
            run.policy == *policy && run.last <= now && now - run.whole < WHOLE && !ended(run)
        });
        match known {
            None => {
                let newest = days.first().map(|days| cutoff(now, *days));
                newest.map(|before| Window { from: 0, before }).into_iter().collect()
            }
            Some(run) => days
                .into_iter()
                .map(|days| Window {
                    from: Index::place_at(cutoff(run.last - OVERLAP, days)),
                    before: cutoff(now, days),
                })
                .collect(),
        }
    }

    /// All that was due at `now` is gone.
    pub(super) fn done(&self, writer: &str, policy: &Policy, windows: &[Window], now: Timestamp) {
        let mut runs = self.runs();
        let is_whole = windows.iter().any(|window| window.from == 0);
        let whole = match runs.get(writer) {
            Some(run) if !is_whole => run.whole,
            _ => now,
        };
        runs.insert(writer.to_owned(), Run { policy: policy.clone(), whole, last: now });
    }

    fn runs(&self) -> MutexGuard<'_, HashMap<String, Run>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
