//! The type that says: this may be stored, logged and shown.

use serde::{Serialize, Serializer};

/// A value that holds nothing secret, because the engine made it or it was made from such values
/// alone.
///
/// The only ways to one are the engine, [`Redacted::system`] for what countersign says about
/// itself, and [`Redacted::map`], whose closure must use nothing captured but its argument.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// For the engine and the identifying stage alone, which both know what a secret is.
    pub(crate) fn vouched(value: T) -> Self {
        Self(value)
    }

    /// What a ledger holds: it was redacted before it got there.
    pub(crate) fn recorded(value: T) -> Self {
        Self(value)
    }

    /// What countersign says about itself: it was never captured from anybody.
    pub fn system(value: T) -> Self {
        Self(value)
    }

    /// The value.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// The value itself.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// A redacted view of a reference.
    pub fn as_ref(&self) -> Redacted<&T> {
        Redacted(&self.0)
    }

    /// A redacted view of a reference, through which it may be changed.
    pub(crate) fn as_mut(&mut self) -> Redacted<&mut T> {
        Redacted(&mut self.0)
    }

    /// Derives from redacted values alone.
    pub fn map<U>(self, derive: impl FnOnce(T) -> U) -> Redacted<U> {
        Redacted(derive(self.0))
    }

    /// Derives from redacted values alone, or fails.
    pub fn try_map<U, E>(self, derive: impl FnOnce(T) -> Result<U, E>) -> Result<Redacted<U>, E> {
        derive(self.0).map(Redacted)
    }

    /// Two redacted values as one.
    pub fn and<U>(self, other: Redacted<U>) -> Redacted<(T, U)> {
        Redacted((self.0, other.0))
    }
}

impl<T: Serialize> Serialize for Redacted<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
