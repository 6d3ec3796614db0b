//! Who may read the log: tokens, their roles, and which events they show.
//!
//! Owns `access.db` beside the ledger: of every token its hash, name, role, scopes and dates, and
//! never the token. Apart from the ledger, which is append-only, and from the index, which may be
//! deleted. Knows nothing of HTTP.
//!
//! Invariants:
//! - A token is shown once, to whoever makes it; what is kept cannot be turned back into it.
//! - Every question is asked of the database, so that a revocation holds from the next request on.
//! - A [`Reader`] comes from a token that holds now, and from nowhere else.
//! - What cannot be understood in the database gives no access.

mod bootstrap;
mod grant;
mod store;
mod throttle;
mod token;

#[cfg(test)]
mod tests;

pub use bootstrap::{BOOTSTRAP_FILE, bootstrap};
pub use grant::{Grant, GrantError, Right, Role};
pub use store::{Access, AccessError, Kept, NewToken, Reader};
pub use throttle::Throttle;
pub use token::Token;
