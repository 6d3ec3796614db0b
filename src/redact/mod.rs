//! The redaction engine: the only maker of [`Redacted`].
//!
//! Knows nothing of YAML and nothing of stores. Whatever it cannot finish is recorded as metadata
//! only, never as the raw value.
//!
//! How a half of an exchange is redacted: headers, path, query and decoded body are each turned
//! into what is recorded, in one walk, while the secrets that the rules select are remembered in
//! [`Seen`]. Then everything that is to be recorded, receipts and member names included, is
//! searched for what was seen. [`Seen`] passes from the request to its response.

mod about;
mod basic;
mod bits;
mod but;
mod calls;
mod carrier;
mod class;
mod columns;
mod commands;
mod described;
mod dumps;
mod encoded;
mod engine;
mod entities;
mod escapes;
mod exceptions;
mod extent;
mod flagged;
mod fragments;
mod glob;
mod headers;
mod heard;
mod ids;
mod inner;
mod inserts;
mod inside;
mod jsonpath;
mod key;
mod letters;
mod lines;
mod looks;
mod loose;
mod marked;
mod memo;
mod names;
mod needles;
mod only;
mod ordinary;
mod pairs;
mod path;
mod pattern;
mod policy;
mod prints;
mod queries;
mod quiet;
mod receipts;
mod routes;
mod redacted;
mod rule;
mod scrub;
mod secret;
mod seen;
mod selection;
mod selector;
mod settle;
mod sign_in;
mod sketch;
mod spelled;
mod spellings;
mod state;
mod stores;
mod subprotocols;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod texts;
mod tried;
mod under;
mod unread;
mod userinfo;
mod walk;
mod within;

pub use engine::{Detail, Engine};
pub use exceptions::Exceptions;
pub use glob::{Glob, GlobError};
pub use jsonpath::{Exhausted, Expected, JsonPath, JsonPathError, PATH_BYTES_MAX};
pub use key::FingerprintKey;
pub use only::{ENTRIES_MAX as RECORD_ONLY_MAX, RecordOnly};
pub use pattern::{Conditions, Pattern, PatternError, Scheme, ShapeError, Validator};
pub use policy::{Policy, PolicyError};
pub use prints::{Print, Unprinted, bare, prints};
pub use redacted::Redacted;
pub use routes::RouteWords;
pub use rule::{Action, Rule, Sides, UNSEARCHED_RULE, USERINFO_RULE};
pub use secret::DOMAIN as SECRET_DOMAIN;
pub use seen::{Seen, is_guessable};
pub use selector::Selector;
pub use sketch::error_type;
pub use spellings::{json_escaped, spellings};
pub use state::Knowledge;
pub(crate) use state::{SEAL, SEALED_NUMBER, SEALED_TEXT};
pub use under::{PLACES_MAX, PathGlob, PathGlobError};
