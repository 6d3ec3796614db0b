//! What happened, by rule or by convention: action, category, targets, scope, route template, outcome, and a
//! sentence for people.
//!
//! Owns the naming of requests: a rule says what it says, and the convention the rest. Works on redacted records only, so that nothing
//! here can leak; does not know stores, nor the captured bytes. Pure: a record in, names out.
//!
//! The convention:
//!
//! - Prefixes that say nothing (`/api`, `/v1`, `/admin`) are dropped. What is left alternates
//!   between collections and the ids of their items. The last collection, in the singular, is the
//!   noun; a singular tail of an item is a part of it (`/users/5/password` → `user_password`).
//! - Ids are recognised by their shape, and otherwise by their place after a plural.
//! - The verb is that of a trailing segment (`/rotate`, `:rotate`, `reset-password`), or else of the
//!   method; a method override counts as the method. Signing in and out are `session.create` and
//!   `session.delete`; `user.logout` is what is done to somebody else's.
//! - Pairs of a collection and an id that say where something belongs (organization, project,
//!   pool, vhost, …) are the scope, the target's own pair included.
//! - GraphQL mutations are named by their fields (`createUser`), JSON-RPC calls by their methods;
//!   what has no verb is `graphql.checkout`. Queries are `graphql.query`, their operations the targets.
//! - A request that does several things is one event, whose acts are told apart.
//!
//! What changed is read by `changes`, from the redacted request or from two redacted states.
//!
//! Invariants: never panics; every derived text has at most 256 characters, none of them control
//! characters; an action is `noun.verb` in lower snake case.

mod act;
mod acting;
mod alike;
mod answer;
mod atomic;
mod batch;
mod body;
mod call;
mod changes;
mod code;
mod commands;
mod document;
mod elastic;
mod endpoint;
mod graphql;
mod grpc;
mod holders;
mod lists;
mod method;
mod naming;
mod nouns;
mod operations;
mod outcome;
mod partly;
mod path;
mod queried;
mod redirect;
mod reference;
mod rejected;
mod routed;
mod rpc;
mod rule;
mod sent;
mod sentence;
mod shape;
mod shown;
mod sign_in;
mod signs;
#[cfg(test)]
mod tests;
mod text;
mod trace;
mod trpc;
mod verbs;
mod walk;
mod words;
mod wrapped;

pub use act::ACTS_MAX;
pub use changes::{
    BYTES_MAX as CHANGES_BYTES_MAX, CHANGES_MAX, Changes, Difference, Moment, Note as ChangesNote,
    Observed, Shown, Unseen, VALUE_BYTES_MAX as CHANGE_VALUE_BYTES_MAX, changes, diff,
};
pub use document::{Operation, documented_path};
pub use naming::Naming;
pub use nouns::{categories, category_of, scopes};
pub use outcome::{Ended, Verdict, outcome, outcome_traced};
pub use rejected::{Rejected, rejected, rejected_traced};
pub use rule::{
    EventRule, EventRules, Expectation, Kind, OutcomeRule, PathPattern, PatternError, Place,
    SnapshotRule, Statuses, TargetRule, Template, TemplateError, Uses, Whereabouts, named,
    named_traced,
};
pub use sentence::unseen;
pub use trace::{By, Field, Origin, Trace, Traced};
