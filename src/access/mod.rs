//! Who may read the log: tokens, sessions, their roles, and which events they show.
//!
//! Owns `access.db` beside the ledger: of every token its hash, name, role, scopes and dates, and
//! never the token; of every session the same. Apart from the ledger, which is append-only, and from the index, which may be
//! deleted. Knows nothing of HTTP.
//!
//! Invariants:
//! - A token is shown once, to whoever makes it; what is kept cannot be turned back into it.
//! - Every question is asked of the database, so that a revocation holds from the next request on,
//!   for the token's sessions as well.
//! - A token lets nobody in before its making is on record in the ledger, whoever made it.
//! - A [`Reader`] comes from a token or a session that holds now, or from one whom the configuration
//!   trusts to say who somebody is, and from nowhere else.
//! - What cannot be understood in the database gives no access.

mod bootstrap;
mod changes;
mod grant;
mod reader;
mod session;
mod store;
mod throttle;
mod token;

#[cfg(test)]
mod tests;

pub use bootstrap::{BOOTSTRAP_FILE, BOOTSTRAP_NAME, bootstrap};
pub use changes::{Change, Done};
pub use grant::{EVERYBODY, Grant, GrantError, GroupGrant, Right, Role};
pub use reader::{Reader, Way};
pub use session::{SessionId, SessionRules};
pub use store::{Access, AccessError, Kept, NewToken};
pub use throttle::{Failure, Throttle};
pub use token::{Token, random};
