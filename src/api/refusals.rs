//! What a reader may not have is refused each time, and that is on record: so many in a minute one by
//! one, and what is beyond that in one event that says how many there were.
//!
//! Invariants: no reader's refusals keep those of another off the record, whatever addresses they come
//! from; none goes uncounted, unless the process dies within the minute; what is remembered is bounded.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::log::Log;
use super::origin::Origin;
use super::record::{Notice, actor};
use crate::access::Reader;

/// Refusals of one reader that are on record one by one.
const EACH: u32 = 20;
/// After this time a reader begins anew.
const WINDOW: Duration = Duration::from_secs(60);
/// Readers that are remembered; beyond it all others count as one.
const READERS_MAX: usize = 10_000;

/// What is on record as one of many: how often each kind of thing was asked for.
type LeftOut = BTreeMap<&'static str, u64>;

/// How often readers were refused.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<Option<String>, (u32, LeftOut)>>);

/// One of them.
#[derive(Debug, PartialEq, Eq)]
struct Counted {
    /// Whose it counts as.
    reader: Option<String>,
    /// Nothing was counted before it.
    is_first: bool,
    /// It is on record by itself.
    is_told: bool,
}

impl Refusals {
    fn count(&self, reader: &str, what: &'static str) -> Counted {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = Some(reader.to_owned());
        let is_full = known.len() >= READERS_MAX && !known.contains_key(&reader);
        let reader = reader.filter(|_| !is_full);
        let (count, left) = known.entry(reader.clone()).or_default();
        *count = count.saturating_add(1);
        let is_told = *count <= EACH;
        if !is_told {
            let left = left.entry(what).or_default();
            *left = left.saturating_add(1);
        }
        Counted { reader, is_first: *count == 1, is_told }
    }

    /// Begins anew; what was left out until now.
    fn end(&self, reader: &Option<String>) -> LeftOut {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(reader).map(|(_, left)| left).unwrap_or_default()
    }
}

impl Log {
    /// Counts a refusal; whether it is to be recorded by itself.
    pub(super) fn refused(
        self: &Arc<Self>,
        reader: &Reader,
        what: &'static str,
        from: &Origin,
    ) -> bool {
        let counted = self.turns.refusals.count(reader.id(), what);
        if counted.is_first {
            let log = Arc::clone(self);
            let actor = counted.reader.is_some().then(|| actor(self, reader));
            let from = from.clone();
            let mut stopping = self.stopping.clone();
            tokio::spawn(async move {
                tokio::select! {
                    () = sleep(WINDOW) => {}
                    _ = stopping.wait_for(|stopping| *stopping) => {}
                }
                let left_out = log.turns.refusals.end(&counted.reader);
                if !left_out.is_empty() {
                    let description = "reading the audit log refused many more times";
                    let (reason, metadata) = (Some("role"), json!({"left_out": left_out}));
                    let verb = "view";
                    let notice = Notice { verb, description, actor, from, reason, metadata };
                    notice.record(&log).await;
                }
            });
        }
        counted.is_told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_limit_is_counted_for_each_reader() {
        let refusals = Refusals::default();
        for n in 0..30 {
            let what = if n % 3 == 0 { "export" } else { "coverage" };
            let counted = refusals.count("a", what);
            assert_eq!((counted.is_first, counted.is_told), (n == 0, n < 20), "{n}");
        }
        let other = refusals.count("b", "export");
        assert!(other.is_first && other.is_told, "{other:?}");
        let a = Some("a".to_owned());
        assert_eq!(refusals.end(&a), [("coverage", 7), ("export", 3)].into());
        assert!(refusals.end(&a).is_empty() && refusals.end(&other.reader).is_empty());
        assert!(refusals.count("a", "export").is_first, "it begins anew");
        for n in 0..3 * READERS_MAX {
            refusals.count(&n.to_string(), "export");
        }
        assert!(refusals.0.lock().unwrap().len() <= READERS_MAX + 1);
        assert!(!refusals.end(&None).is_empty());
    }
}
