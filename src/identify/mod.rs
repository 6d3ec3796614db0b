//! Who acted, and from where.
//!
//! Owns the reading of credentials, by rules and by convention, the proof of tokens, and the reading
//! of forwarding headers. Does not know stores, nor rule files. Does no I/O: what has to be asked of
//! others is a [`Need`], which the caller meets with [`Evidence`].
//!
//! Invariants: an actor is `verified` only if a rule proved it; a credential leaves this module as a
//! keyed fingerprint only, and not even so where trying all values would turn it back; whatever is
//! malformed names nobody and never panics; every text is bounded and free of control characters.

mod actor;
mod actors;
mod answer;
mod api_keys;
mod behalf;
mod certificate;
mod credential;
mod endpoint;
mod evidence;
mod id_token;
mod jws;
mod jwt;
mod path;
mod rule;
mod sign_in;
mod signed;
mod shown;
mod source;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod token;

pub use actor::{actor, caller};
pub use actors::{Actors, Identified};
pub use api_keys::{ApiKeys, KeyHolder};
pub use behalf::on_behalf;
pub use certificate::ClientCertificate;
pub use credential::is_of_http;
pub use endpoint::{ClientCredentials, Endpoint, KeySource, Secret};
pub use evidence::{Evidence, Fetched, Introspected, Need};
pub use id_token::{IdTokenError, IdTokenRule};
pub use jws::{Algorithm, KEYS_MAX, KeySet, KeySetError, SECRET_BYTES_MIN};
pub use rule::{ActorRule, Asked, Carrier, Introspection, ProofRule};
pub use source::{Origin, source};
pub use template::{Template, TemplateError};
pub use token::{TokenKeys, TokenRule};
