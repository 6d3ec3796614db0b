//! Routes whose states are not read for a while, because the last readings were not answered in time:
//! each would make its request wait for the whole deadline.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So many readings in a row are waited for in vain.
const LATE_MAX: u32 = 5;
/// So long none is tried then. After that one is, and the others wait for how it ends.
const PAUSE: Duration = Duration::from_secs(30);
/// Routes that are kept in mind; of others every reading is waited for.
const ROUTES_MAX: usize = 1024;

/// What is known of routes whose readings were late. Those that answer are not in it.
#[derive(Default)]
pub(super) struct Patience(Mutex<HashMap<String, Late>>);

#[derive(Default)]
struct Late {
    in_a_row: u32,
    paused_until: Option<Instant>,
}

impl Patience {
    /// Whether a state may be read there now.
    pub(super) fn allows(&self, route: &str, now: Instant) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(late) = all.get_mut(route) else { return true };
        match late.paused_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                late.paused_until = Some(now + PAUSE);
                true
            }
        }
    }

    /// A reading was not answered in time.
    pub(super) fn late(&self, route: &str, now: Instant) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ROUTES_MAX && !all.contains_key(route) {
            return;
        }
        let late = all.entry(route.to_owned()).or_default();
        late.in_a_row += 1;
        if late.in_a_row >= LATE_MAX {
            late.paused_until = Some(now + PAUSE);
        }
    }

    /// A reading was answered, whatever the answer.
    pub(super) fn answered(&self, route: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(route);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_pause_after_some_were_late_and_one_tries_again() {
        let (patience, now) = (Patience::default(), Instant::now());
        for _ in 1..LATE_MAX {
            patience.late("a", now);
            assert!(patience.allows("a", now));
        }
        patience.answered("a");
        for _ in 0..LATE_MAX {
            assert!(patience.allows("a", now));
            patience.late("a", now);
        }
        assert!(!patience.allows("a", now));
        assert!(patience.allows("b", now));
        let later = now + PAUSE;
        assert!(patience.allows("a", later), "one tries");
        assert!(!patience.allows("a", later), "the others do not");
        patience.late("a", later);
        assert!(!patience.allows("a", later + PAUSE / 2));
        assert!(patience.allows("a", later + PAUSE));
        patience.answered("a");
        assert!(patience.allows("a", later + PAUSE) && patience.allows("a", later + PAUSE));
    }

    #[test]
    fn what_is_kept_in_mind_is_bounded() {
        let (patience, now) = (Patience::default(), Instant::now());
        for route in 0..2 * ROUTES_MAX {
            for _ in 0..LATE_MAX {
                patience.late(&route.to_string(), now);
            }
        }
        assert_eq!(patience.0.lock().unwrap().len(), ROUTES_MAX);
        assert!(!patience.allows("0", now));
        assert!(patience.allows(&(2 * ROUTES_MAX).to_string(), now));
    }
}
