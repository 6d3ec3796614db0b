//! Of each event there is one beginning in a log. To see that, not all ids need be remembered: they have
//! their time in them, and come in about its order.

use std::collections::{HashMap, VecDeque};

use super::entry::{Digest, Part};
use super::fault::Fault;
use crate::record::EventId;

/// Events that are remembered.
const RECENT: usize = 65_536;

/// The events of a log, as far as it was walked through.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The last of them, and their entries.
    recent: HashMap<EventId, u64>,
    order: VecDeque<EventId>,
    /// No event that was forgotten is later than this.
    forgotten: Option<i64>,
    /// Events that came when some of their time were forgotten: after a clock was set back, or since
    /// somebody has put them there.
    late: HashMap<EventId, u64>,
}

impl Events {
    /// Takes the next entry; says if its event has begun before.
    pub(super) fn take(&mut self, entry: &Digest) -> Option<Fault> {
        if matches!(entry.part, Part::Completion(_)) {
            return None;
        }
        let before = self.recent.get(&entry.id).or_else(|| self.late.get(&entry.id));
        if let Some(other) = before {
            return Some(Fault::Twice { other: *other });
        }
        let time = entry.id.time_ms();
        if self.forgotten.is_some() && time <= self.forgotten {
            self.late.insert(entry.id, entry.seq);
            return None;
        }
        self.recent.insert(entry.id, entry.seq);
        self.order.push_back(entry.id);
        if self.order.len() > RECENT
            && let Some(first) = self.order.pop_front()
        {
            self.recent.remove(&first);
            self.forgotten = self.forgotten.max(Some(first.time_ms().unwrap_or(i64::MAX)));
        }
        None
    }

    /// Events of which it is not known whether one of those that were forgotten was the same, and their
    /// entries.
    pub(super) fn late(&self) -> &HashMap<EventId, u64> {
        &self.late
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::seal::Hash;

    fn digest(seq: u64, ms: i64, part: Part) -> Digest {
        let id = EventId::new(Timestamp::from_timestamp_millis(ms).unwrap());
        let (leaf, scope) = (Hash([0; 32]), String::new());
        Digest { seq, leaf, fault: None, part, id, scope, purge: None }
    }

    #[test]
    fn an_event_that_begins_twice_is_told_at_once_or_remembered_as_late() {
        let mut events = Events::default();
        let first = digest(1, 1_000, Part::Whole);
        assert_eq!(events.take(&first), None);
        let again = Digest { seq: 2, part: Part::Intent, ..first.clone() };
        assert_eq!(events.take(&again), Some(Fault::Twice { other: 1 }));
        let completion = Digest { seq: 3, part: Part::Completion(1), ..first.clone() };
        assert_eq!(events.take(&completion), None);
        // Out of order, as they are where requests take differently long.
        for seq in 0..=RECENT as u64 {
            let ms = 2_000 + i64::try_from(seq ^ 7).unwrap();
            assert_eq!(events.take(&digest(4 + seq, ms, Part::Whole)), None);
        }
        assert!(events.late().is_empty());
        let (late, seq) = (Digest { seq: 90_000, ..first.clone() }, 90_000);
        assert_eq!(events.take(&late), None);
        assert_eq!(events.late(), &HashMap::from([(first.id, seq)]));
        let later = Digest { seq: 90_001, ..first };
        assert_eq!(events.take(&later), Some(Fault::Twice { other: seq }));
    }
}
