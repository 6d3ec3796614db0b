//! What was found out about names, so that it need not be found out again: an API has few names,
//! and they come with every request.
//!
//! Holds names alone, never values, in memory alone, and few of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::RwLock;

/// Names that are remembered; when there are more, all are forgotten.
const NAMES_MAX: usize = 1024;

/// Longer names are not remembered.
const NAME_BYTES_MAX: usize = 64;

/// The rule of each name, as far as it is known.
#[derive(Default)]
pub(super) struct Memo(RwLock<HashMap<Box<str>, Option<usize>>>);

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo(…)")
    }
}

impl Memo {
    /// The rule for `name`, which `find` finds out where it is not remembered.
    pub(super) fn rule(&self, name: &str, find: impl FnOnce() -> Option<usize>) -> Option<usize> {
        if name.len() > NAME_BYTES_MAX {
            return find();
        }
        // No code panics under this lock, and what it guards is valid at every step.
        let known =
            self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(name).copied();
        if let Some(rule) = known {
            return rule;
        }
        let rule = find();
        let mut names = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if names.len() >= NAMES_MAX {
            names.clear();
        }
        names.insert(name.into(), rule);
        rule
    }
}

#[cfg(test)]
mod tests {
    use super::{Memo, NAME_BYTES_MAX, NAMES_MAX};

    #[test]
    fn a_name_is_looked_up_once_and_memory_is_bounded() {
        let memo = Memo::default();
        assert_eq!(memo.rule("a", || Some(1)), Some(1));
        assert_eq!(memo.rule("a", || panic!("it is known")), Some(1));
        assert_eq!(memo.rule("b", || None), None);
        assert_eq!(memo.rule("b", || panic!("it is known")), None);
        for n in 0..5 * NAMES_MAX {
            assert_eq!(memo.rule(&format!("n{n}"), || Some(n)), Some(n));
            assert!(memo.0.read().unwrap().len() <= NAMES_MAX);
        }
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        assert_eq!(memo.rule(&long, || Some(1)), Some(1));
        assert_eq!(memo.rule(&long, || Some(2)), Some(2));
    }
}
