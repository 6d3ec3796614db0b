//! What was redacted where: locations and counts.

use std::collections::BTreeMap;

use super::policy::Policy;
use crate::record::Receipt;

/// Different places in one half of an exchange; beyond it, receipts name the carrier alone.
const PLACES_MAX: usize = 256;

/// Receipts while they are collected. Locations may still hold what is to be scrubbed.
#[derive(Clone, Default)]
pub(super) struct Receipts {
    counts: BTreeMap<(String, usize), u32>,
    total: usize,
}

impl Receipts {
    /// Notes that `rule` replaced a value at `location`.
    pub(super) fn add(&mut self, location: &str, rule: usize) {
        self.total += 1;
        let mut place = (location.to_owned(), rule);
        if self.counts.len() >= PLACES_MAX && !self.counts.contains_key(&place) {
            place.0 = carrier(location).to_owned();
        }
        let count = self.counts.entry(place).or_default();
        *count = count.saturating_add(1);
    }

    /// How many values were replaced so far.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// The strictest of the rules.
    pub(super) fn strictest(&self) -> Option<usize> {
        self.counts.keys().map(|(_, rule)| *rule).min()
    }

    /// The receipts in the order of their locations, each location passed through `scrub`.
    pub(super) fn finish(self, policy: &Policy, scrub: impl Fn(String) -> String) -> Vec<Receipt> {
        self.counts
            .into_iter()
            .map(|((location, rule), count)| Receipt {
                rule: policy.id(rule).to_owned(),
                location: scrub(location),
                count,
            })
            .collect()
    }
}

/// `request.body` of `request.body.$.a.b`.
pub(super) fn carrier(location: &str) -> &str {
    location.match_indices('.').nth(1).and_then(|(end, _)| location.get(..end)).unwrap_or(location)
}
