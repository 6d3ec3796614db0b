//! What each reader has of what there is little of, so that nobody takes all of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// How many each reader has.
#[derive(Debug, Clone, Default)]
pub(super) struct Shares(Arc<Mutex<HashMap<String, usize>>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    of: Shares,
    reader: String,
}

impl Shares {
    /// One more for a reader, who has at most so many.
    pub(super) fn take(&self, reader: &str, most: usize) -> Option<Share> {
        let mut shares = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let share = shares.entry(reader.to_owned()).or_insert(0);
        if *share >= most {
            return None;
        }
        *share += 1;
        Some(Share { of: self.clone(), reader: reader.to_owned() })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut shares = self.of.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(share) = shares.get_mut(&self.reader) {
            *share = share.saturating_sub(1);
            if *share == 0 {
                shares.remove(&self.reader);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shares;

    #[test]
    fn nobody_has_more_than_a_share() {
        let shares = Shares::default();
        let held = [shares.take("a", 2), shares.take("a", 2)];
        assert!(held.iter().all(Option::is_some));
        assert!(shares.take("a", 2).is_none());
        assert!(shares.take("b", 2).is_some(), "another reader has shares of their own");
        drop(held);
        assert!(shares.0.lock().unwrap().is_empty(), "nothing is kept of those who left");
        assert!(shares.take("a", 2).is_some());
    }
}
