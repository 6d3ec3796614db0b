//! Who acted, and from where.
//!
//! Owns the reading of credentials by convention and of forwarding headers. Does not know stores,
//! nor rules. Nothing here is proof: an actor is what the request *claims*, `verified` is false.
//!
//! Invariants: a credential leaves this module as a keyed fingerprint only, and not even so where
//! trying all values would turn it back; whatever is malformed names nobody and never panics; every
//! text is bounded and free of control characters.

mod actor;
mod credential;
mod jwt;
mod source;
#[cfg(test)]
mod tests;
mod text;

pub use actor::actor;
pub use source::source;
