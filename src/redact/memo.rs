//! What was found out about names, so that it need not be found out again: an API has few names,
//! and they come with every request.
//!
//! Holds names alone, never values, in memory alone, and few of them. A walk reads one state of it
//! without waiting for others, and adds what it had to find out at its end.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;

use super::carrier::Carrier;
use super::exceptions::Stays;
use super::inside::Inner;
use super::rule::Side;

/// Names that are remembered of each half; when there are more, all others are forgotten.
pub(super) const NAMES_MAX: usize = 1024;

/// Longer names are not remembered.
const NAME_BYTES_MAX: usize = 64;

/// What is known of a name.
#[derive(Debug, Default)]
pub(super) struct About {
    /// What carries it.
    pub(super) carrier: Carrier,
    /// The name.
    pub(super) name: Box<str>,
    /// The rules that select it, the strictest first.
    pub(super) rules: Vec<usize>,
    /// What stays under it all the same.
    pub(super) stays: Stays,
    /// What it says of its object, if anything.
    pub(super) role: Role,
    /// What it says inside of an object about a secret.
    pub(super) inner: Inner,
    /// There is nothing to be taken out of it.
    pub(super) clean: bool,
    /// It stands in locations as it is.
    pub(super) plain: bool,
}

/// What a member says of its object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    #[default]
    None,
    /// What the object is about: `name`, `key`.
    Naming,
    /// The value of what it is about: `value`, `data`.
    Value,
    /// Its value before or after a change: `old`, `to`.
    Change,
    /// The name of a call: `method`.
    Method,
    /// The variables of a GraphQL document.
    Variables,
    /// The names of the columns of a table.
    Columns,
    /// A flag of a command, by its value: `--password`.
    Flag,
    /// What a query leaves open: `params`.
    Parameters,
    /// It says of the values of another member which are secrets.
    Flags,
}

impl About {
    /// Whether it says nothing: no rule, nothing of its object, nothing in itself.
    pub(super) fn says_nothing(&self) -> bool {
        let is_quiet = !matches!(self.role, Role::Value | Role::Change | Role::Variables);
        is_quiet && self.rules.is_empty() && self.clean && self.plain
    }

    /// Whether this is known of that name.
    pub(super) fn is_of(&self, carrier: Carrier, name: &str) -> bool {
        *self.name == *name && self.carrier == carrier
    }
}

/// What the members of an object say of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Roles(u16);

impl Roles {
    pub(super) fn add(&mut self, role: Role) {
        self.0 |= 1 << role as u8;
    }

    /// Whether some member says this.
    pub(super) fn has(self, role: Role) -> bool {
        self.0 & 1 << role as u8 != 0
    }
}

/// What is known of a name, from before or from this walk.
#[derive(Clone)]
pub(super) enum Found<'k> {
    /// From before.
    Known(&'k About),
    /// From this walk.
    Fresh(Arc<About>),
}

impl Deref for Found<'_> {
    type Target = About;

    fn deref(&self) -> &About {
        match self {
            Self::Known(about) => about,
            Self::Fresh(about) => about,
        }
    }
}

/// Names, each with what is known of it.
type Names = HashMap<Arc<str>, Arc<About>, RandomState>;

/// What is known of the names in one half, by their carriers.
#[derive(Clone, Default)]
pub(super) struct Known([Names; Carrier::COUNT]);

impl Known {
    /// What is known of a name.
    pub(super) fn get(&self, carrier: Carrier, name: &str) -> Option<&About> {
        self.0.get(carrier as usize)?.get(name).map(Arc::as_ref)
    }

    fn len(&self) -> usize {
        self.0.iter().map(HashMap::len).sum()
    }
}

/// What a walk found out.
#[derive(Default)]
pub(super) struct Fresh(Known);

impl Fresh {
    /// What this walk has found out about a name before.
    pub(super) fn get(&self, carrier: Carrier, name: &str) -> Option<Arc<About>> {
        self.0.0.get(carrier as usize)?.get(name).cloned()
    }

    /// Remembers it, unless there is too much already.
    pub(super) fn add(&mut self, carrier: Carrier, name: &str, about: &Arc<About>) {
        if name.len() <= NAME_BYTES_MAX
            && self.0.len() < NAMES_MAX
            && let Some(names) = self.0.0.get_mut(carrier as usize)
        {
            names.insert(name.into(), Arc::clone(about));
        }
    }
}

/// What is known, by halves.
#[derive(Default)]
pub(super) struct Memo {
    request: ArcSwap<Known>,
    response: ArcSwap<Known>,
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo(…)")
    }
}

impl Memo {
    fn side(&self, side: Side) -> &ArcSwap<Known> {
        match side {
            Side::Request => &self.request,
            Side::Response => &self.response,
        }
    }

    /// What is known now.
    pub(super) fn known(&self, side: Side) -> Arc<Known> {
        self.side(side).load_full()
    }

    /// Adds what a walk found out.
    pub(super) fn learn(&self, side: Side, fresh: Fresh) {
        let Fresh(fresh) = fresh;
        if fresh.len() == 0 {
            return;
        }
        let before = self.side(side).load();
        let mut known = if before.len() + fresh.len() > NAMES_MAX {
            Known::default()
        } else {
            Known::clone(&before)
        };
        for (names, more) in known.0.iter_mut().zip(fresh.0) {
            names.extend(more);
        }
        // Of two walks that end at once one may be forgotten: it is found out again.
        self.side(side).store(Arc::new(known));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_out_is_known_and_memory_is_bounded() {
        let memo = Memo::default();
        let about = Arc::new(About { rules: vec![1], ..About::default() });
        for n in 0..5 * NAMES_MAX {
            let mut fresh = Fresh::default();
            fresh.add(Carrier::Member, &format!("n{n}"), &about);
            assert!(fresh.get(Carrier::Member, &format!("n{n}")).is_some());
            memo.learn(Side::Request, fresh);
            let known = memo.known(Side::Request);
            assert_eq!(known.get(Carrier::Member, &format!("n{n}")).unwrap().rules, [1]);
            assert!(known.get(Carrier::Header, &format!("n{n}")).is_none());
            assert!(known.len() <= NAMES_MAX);
        }
        assert_eq!(memo.known(Side::Response).len(), 0);
    }

    #[test]
    fn one_walk_remembers_no_more_than_all_and_no_long_names() {
        let about = Arc::new(About::default());
        let mut fresh = Fresh::default();
        fresh.add(Carrier::Member, &"x".repeat(NAME_BYTES_MAX + 1), &about);
        assert_eq!(fresh.0.len(), 0);
        for n in 0..2 * NAMES_MAX {
            fresh.add(Carrier::Cookie, &format!("n{n}"), &about);
        }
        assert_eq!(fresh.0.len(), NAMES_MAX);
    }
}
