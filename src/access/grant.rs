//! What a token allows: a role, and the scopes that it holds for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::index::View;

/// Scopes of one token, and bytes of one name or value.
const SCOPES_MAX: usize = 100;
const TEXT_MAX: usize = 256;

/// What somebody is, to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Reads and exports everything.
    Owner,
    /// Reads and exports its scopes.
    Admin,
    /// Reads its scopes.
    Viewer,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Look at events.
    Read,
    /// Take events away.
    Export,
}

/// A text that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is one of owner, admin, viewer")]
pub struct NoRole;

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Admin, Self::Viewer];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Viewer => "viewer",
        }
    }

    /// Whether it allows this.
    pub fn allows(self, right: Right) -> bool {
        match (self, right) {
            (Self::Owner | Self::Admin, Right::Read | Right::Export) => true,
            (Self::Viewer, Right::Read) => true,
            (Self::Viewer, Right::Export) => false,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(NoRole)
    }
}

/// Why a role and scopes do not go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// An owner sees everything.
    #[error("an owner sees every event: leave the scopes out, or choose admin or viewer")]
    OwnerWithScopes,
    /// Nothing could be seen.
    #[error("no scope is given: name one, such as pool=blue, or say that all are meant")]
    NoScopes,
    /// Scopes, and all of them.
    #[error("either all scopes or some: not both")]
    SomeAndAll,
    /// Too many or too long.
    #[error("at most 100 scopes, whose names and values have 1 to 256 bytes")]
    TooMuch,
}

/// A role and what it holds for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    role: Role,
    view: View,
}

impl Grant {
    /// Of everything.
    pub fn owner() -> Self {
        Self { role: Role::Owner, view: View::Everything }
    }

    /// Of all scopes, and of what has none.
    pub fn everything(role: Role) -> Self {
        Self { role, view: View::Everything }
    }

    /// Of events that have, for each of the names, one of the values given for it.
    pub fn within(
        role: Role,
        scopes: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, GrantError> {
        let mut within: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let fits = |text: &str| (1..=TEXT_MAX).contains(&text.len());
        for (count, (name, value)) in scopes.into_iter().enumerate() {
            if count >= SCOPES_MAX || !fits(&name) || !fits(&value) {
                return Err(GrantError::TooMuch);
            }
            within.entry(name).or_default().insert(value);
        }
        match (role, within.is_empty()) {
            (Role::Owner, true) => Ok(Self::owner()),
            (Role::Owner, false) => Err(GrantError::OwnerWithScopes),
            (_, true) => Err(GrantError::NoScopes),
            (_, false) => Ok(Self { role, view: View::Scopes(within) }),
        }
    }

    /// The role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// What can be seen.
    pub fn view(&self) -> &View {
        &self.view
    }
}

/// The group that everybody is in.
pub const EVERYBODY: &str = "*";

/// What those of a group may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupGrant {
    /// The group's name, or [`EVERYBODY`].
    pub group: String,
    /// What it gives.
    pub grant: Grant,
}

impl GroupGrant {
    /// What the first in order gives that names one of the groups; none where none does.
    pub fn first(all: &[Self], groups: &[String]) -> Option<Grant> {
        let is_in = |group: &String| group == EVERYBODY || groups.contains(group);
        all.iter().find(|one| is_in(&one.group)).map(|one| one.grant.clone())
    }
}
