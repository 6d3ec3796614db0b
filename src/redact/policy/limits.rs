//! Rules that hold in some bodies only: in those that have something at a place, or that answer what has.

use super::{Bits, Policy};
use crate::redact::seen::Seen;

/// From this status on it went wrong.
const FAILED_MIN: u16 = 400;

/// What these change is kept, and no question.
const KEEPING: [&str; 3] = ["PUT", "PATCH", "DELETE"];

impl Policy {
    /// The number of the requests in whose answers the rule holds, if it is limited to some.
    pub(in crate::redact) fn answering(&self, rule: usize) -> Option<usize> {
        let [_, answering, _] = self.rules.get(rule)?.limits;
        answering
    }

    /// The number of the bodies in which the rule holds, if it is limited to some.
    pub(in crate::redact) fn having(&self, rule: usize) -> Option<usize> {
        let [_, _, having] = self.rules.get(rule)?.limits;
        having
    }

    /// Expects no such answer to a request of this method, if it asks for nothing.
    pub(in crate::redact) fn asked_by(&self, method: &str, seen: &mut Seen) {
        if KEEPING.contains(&method) {
            self.expect_none(seen);
        }
    }

    /// Expects none where the request failed.
    pub(in crate::redact) fn answered_with(&self, status: u16, seen: &mut Seen) {
        if status >= FAILED_MIN {
            self.expect_none(seen);
        }
    }

    fn expect_none(&self, seen: &mut Seen) {
        let all: Bits = (0..self.rules.len()).filter_map(|rule| self.answering(rule)).collect();
        seen.below.remove_all(&all);
    }
}
