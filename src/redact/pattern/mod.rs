//! Secrets that are known by what they look like: patterns over text.
//!
//! Owns the patterns' form, their checks and the search for many of them at once. Does not know
//! what is done to what it finds, nor what carries the text.
//!
//! How texts are searched: one automaton finds the keywords of all patterns in one pass; a pattern
//! runs only where one of its keywords occurs. Most patterns begin with their keyword and are
//! tried at that very place; the others are tried around it, as far as the longest match reaches.
//! The few that have no keyword say so, and run everywhere.
//!
//! Invariants: every pattern runs in time linear in what it is given; what all of them may be
//! given for one half of an exchange is bounded ([`WORK_BYTES_MAX`]). A text that could not be
//! searched to its end is reported as such ([`Unfinished`]) and must not be recorded.

mod compile;
mod conditions;
mod edges;
mod follow;
mod held;
mod literals;
mod numbers;
mod onset;
mod scan;
#[cfg(test)]
mod tests;
mod validate;
mod words;

pub use compile::{Pattern, PatternError};
pub use conditions::{Conditions, ShapeError};
pub use numbers::Scheme;
pub use validate::Validator;

pub(super) use scan::{Match, Patterns, Scope, Unfinished, WORK_BYTES_MAX};
pub(super) use words::WORD_BYTES_MIN;
