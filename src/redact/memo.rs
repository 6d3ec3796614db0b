//! What was found out about names, so that it need not be found out again: an API has few names,
//! and they come with every request.
//!
//! Holds names alone, never values, in memory alone, and few of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, RwLock};

/// Names that are remembered; when there are more, all are forgotten.
const NAMES_MAX: usize = 1024;

/// Longer names are not remembered.
const NAME_BYTES_MAX: usize = 64;

/// The rules of each name, as far as they are known.
#[derive(Default)]
pub(super) struct Memo(RwLock<HashMap<Box<str>, Arc<[usize]>>>);

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo(…)")
    }
}

impl Memo {
    /// The rules for `name`, which `find` finds out where they are not remembered.
    pub(super) fn rules(&self, name: &str, find: impl FnOnce() -> Vec<usize>) -> Arc<[usize]> {
        if name.len() > NAME_BYTES_MAX {
            return find().into();
        }
        // No code panics under this lock, and what it guards is valid at every step.
        let known =
            self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()).get(name).cloned();
        if let Some(rules) = known {
            return rules;
        }
        let rules: Arc<[usize]> = find().into();
        let mut names = self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if names.len() >= NAMES_MAX {
            names.clear();
        }
        names.insert(name.into(), Arc::clone(&rules));
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::{Memo, NAME_BYTES_MAX, NAMES_MAX};

    #[test]
    fn a_name_is_looked_up_once_and_memory_is_bounded() {
        let memo = Memo::default();
        assert_eq!(*memo.rules("a", || vec![1]), [1]);
        assert_eq!(*memo.rules("a", || panic!("it is known")), [1]);
        assert!(memo.rules("b", Vec::new).is_empty());
        assert!(memo.rules("b", || panic!("it is known")).is_empty());
        for n in 0..5 * NAMES_MAX {
            assert_eq!(*memo.rules(&format!("n{n}"), || vec![n]), [n]);
            assert!(memo.0.read().unwrap().len() <= NAMES_MAX);
        }
        let long = "x".repeat(NAME_BYTES_MAX + 1);
        assert_eq!(*memo.rules(&long, || vec![1]), [1]);
        assert_eq!(*memo.rules(&long, || vec![2]), [2]);
    }
}
